"""Unit conversion: two units → scale and offset, worked out once and exactly. Never per message."""

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import floor, inf, log10
from typing import Any, Final

from gateway.contract.errors import GengfuError
from gateway.contract.units import UNITS
from gateway.site.profile_units import DIMENSIONS

_SHAPE: Final = re.compile(r"[^\W\d_][\w/·.²³]{0,23}|[%°℃℉Ω1][\w/·.²³℃]{0,23}|/")
"""Names, one division, small powers; no arithmetic: words out of payloads come here too."""
_ALIASES: Final[Mapping[str, str]] = {
    "1": "dimensionless", "": "dimensionless", "/": "dimensionless", "count": "dimensionless",
    "%RH": "percent", "%EL": "percent", "EL": "percent",
    "℃": "degC", "°C": "degC", "Cel": "degC", "℉": "degF", "°F": "degF",
    "mH2O": "m_H2O", "mH₂O": "m_H2O", "mmH2O": "mm_H2O", "inH2O": "in_H2O", "kgf/cm²": "kgf/cm**2", "at": "kgf/cm**2",
    "m³/h": "m**3/h", "m3/h": "m**3/h", "m³/s": "m**3/s", "m3/s": "m**3/s", "L/s": "L/s", "l/s": "L/s",
    "m3": "m**3", "m³": "m**3", "kVA": "kVA", "kvar": "kW", "VAr": "W", "var": "W",
}  # fmt: skip
"""How units are written by devices, and what pint calls them."""
_POWERS: Final[Mapping[str, str]] = {
    "VA": "apparent power", "kVA": "apparent power", "MVA": "apparent power",
    "var": "reactive power", "VAr": "reactive power", "kvar": "reactive power",
}  # fmt: skip
"""Watts to pint, but of another kind: reactive kilowatts drive no pump."""
_LINEAR_WITHIN: Final = Fraction(1, 10**9)


_WORDS: Final = frozenset({
    *DIMENSIONS, *_ALIASES, "mmHg", "inHg", "Ohm", "kOhm", "1/s", "1/min", "m/s", "km/h", "mm/h", "kg", "g", "N",
})  # fmt: skip


class BadUnit(GengfuError):
    """A unit is unknown, or two units do not measure the same thing."""


@lru_cache(maxsize=512)
def converter(from_unit: str, to_unit: str) -> tuple[float, float]:
    """(scale, offset) with `to = from * scale + offset`; raises BadUnit."""
    if from_unit == to_unit and from_unit in UNITS:
        return 1.0, 0.0
    if _POWERS.get(from_unit) != _POWERS.get(to_unit):
        raise BadUnit(f"{from_unit} does not convert to {to_unit}", hint="Active, apparent and reactive power differ")
    pint, registry = _pint()
    try:
        units = registry.parse_units(_pint_name(from_unit)), registry.parse_units(_pint_name(to_unit))
        if from_unit == to_unit:
            return 1.0, 0.0
        at_0, at_1, at_2 = (registry.Quantity(Fraction(raw), units[0]).to(units[1]).magnitude for raw in (0, 1, 2))
        if abs(at_2 - 2 * at_1 + at_0) > _LINEAR_WITHIN * max(abs(at_1), 1):
            raise BadUnit(f"{from_unit} to {to_unit} is no straight line", hint="Take the value in its own unit")
        return float(at_1 - at_0), float(at_0)
    except pint.DimensionalityError as error:
        raise BadUnit(
            f"{from_unit} does not convert to {to_unit}", hint="They measure different things: check both units"
        ) from error
    except (pint.PintError, AssertionError, ArithmeticError, TypeError, ValueError) as error:
        raise BadUnit(
            f"{from_unit} to {to_unit}: one of them is no unit", hint=f"Known are {', '.join(UNITS)}, psi, °F, …"
        ) from error


def is_word(unit: str) -> bool:
    """Whether a payload may name this unit: whatever a stranger writes must not cost a search, nor be kept."""
    return unit in _WORDS


def line(raw: float, scale: float, offset: float) -> float:
    """raw * scale + offset without the dust of binary fractions: 3 * 0.1 is not above 0.3. Never raises."""
    scaled = raw * scale
    largest = max(abs(scaled), abs(offset))
    value = scaled + offset
    return round(value, 11 - floor(log10(largest))) if 0 < largest < inf else value


def _pint_name(unit: str) -> str:
    name = _ALIASES.get(unit)
    if name is not None:
        return name
    if not _SHAPE.fullmatch(unit):
        raise BadUnit(f"{unit[:40]!r} is no unit", hint=f"Known are {', '.join(UNITS)}, psi, °F, …")
    return unit


@lru_cache(maxsize=1)
def _pint() -> tuple[Any, Any]:
    # Half a second to load: only processes that convert something pay for it.
    import pint

    return pint, pint.UnitRegistry(non_int_type=Fraction, autoconvert_offset_to_baseunit=True)
