"""Conversion between units, and words that are none."""

import pytest

from gateway.contract.units import UNITS
from gateway.decode.units import BadUnit, converter, line
from gateway.site.profile_units import DIMENSIONS


@pytest.mark.parametrize(
    ("from_unit", "to_unit", "raw", "value"),
    [
        ("psi", "MPa", 100, 0.689475729),
        ("kPa", "MPa", 820, 0.82),
        ("bar", "kPa", 8.2, 820),
        ("hPa", "kPa", 988.6, 98.86),
        ("mmHg", "kPa", 760, 101.325),
        ("inHg", "kPa", 29.92, 101.3207),
        ("kgf/cm²", "MPa", 10, 0.980665),
        ("mH2O", "MPa", 100, 0.980665),
        ("°F", "°C", 100.1, 37.833333),
        ("K", "°C", 273.15, 0),
        ("Cel", "°C", 23.1, 23.1),
        ("℃", "°C", 20, 20),
        ("%RH", "%", 21.2, 21.2),
        ("%EL", "%", 55, 55),
        ("MΩ", "Ω", 0.5, 500_000),
        ("mm", "m", 1500, 1.5),
        ("L/s", "m³/h", 10, 36),
        ("W", "kW", 56, 0.056),
        ("Wh", "kWh", 1500, 1.5),
        ("mV", "V", 3025, 3.025),
        ("µA", "mA", 4000, 4),
        ("1/min", "1/h", 1, 60),
        ("kPa/min", "MPa/h", 1, 0.06),
        ("%", "1", 50, 0.5),
        ("min", "h", 90, 1.5),
        ("VA", "kVA", 500, 0.5),
        ("var", "kvar", 500, 0.5),
    ],
)
def test_conversions(from_unit: str, to_unit: str, raw: float, value: float) -> None:
    scale, offset = converter(from_unit, to_unit)
    assert raw * scale + offset == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("unit", [*UNITS, "dBm", "psi", "lx", "ppm"])
def test_a_unit_is_itself(unit: str) -> None:
    assert converter(unit, unit) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("from_unit", "to_unit"),
    [
        ("°C", "MPa"),
        ("V", "A"),
        ("foo", "kPa"),
        ("kPa", "foo"),
        ("foo", "foo"),
        ("dBm", "mW"),
        ("9**9", "1"),
        ("m+m", "m"),
        ("", "MPa"),
        ("kPa\n", "kPa"),
        ("__import__", "1"),
        ("9" * 50, "1"),
        ("m**9", "m"),
        ("inf", "1"),
        ("nan", "1"),
        ("kvar", "kW"),
        ("kVA", "kW"),
        ("kVA", "kvar"),
        ("W", "var"),
    ],
)
def test_what_is_no_unit_or_measures_something_else(from_unit: str, to_unit: str) -> None:
    with pytest.raises(BadUnit):
        converter(from_unit, to_unit)


def test_every_unit_of_the_contract_converts_within_its_quantity() -> None:
    for one in UNITS.values():
        for other in UNITS.values():
            if one.quantity == other.quantity:
                scale, _ = converter(one.symbol, other.symbol)
                assert scale > 0


def test_what_profiles_may_write_converts_as_their_checks_promise() -> None:
    for unit, dimension in DIMENSIONS.items():
        other = next(symbol for symbol, its in DIMENSIONS.items() if its == dimension)
        assert converter(unit, other)[0] > 0, unit


@pytest.mark.parametrize(
    ("raw", "scale", "offset", "value"),
    [
        (3, 0.1, 0, 0.3),
        (12, 0.1, -0.4, 0.8),
        (4, 0.1, -0.4, 0),
        (123_456_789, 0.001, 0, 123_456.789),
        (0, 0.1, 0, 0),
        (1e300, 1e300, 0, float("inf")),
        (5e-324, 1, 0, 5e-324),
    ],
)
def test_a_line_leaves_no_dust(raw: float, scale: float, offset: float, value: float) -> None:
    assert line(raw, scale, offset) == value
