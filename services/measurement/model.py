"""What may be typed in and what has to be said with it. Pure: no clock, no database."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, Protocol, TypeVar

from gateway.site.model import Point
from services.kernel.errors import Invalid

Condition = Literal["", "dry", "wet"]
Calibration = Literal["", "valid", "expired", "none", "unknown"]
"""Of the instrument on the day of measuring: none: the ledger has no paper of it; unknown: not in the ledger."""

MAX_MAGNITUDE = 1e15
"""Nobody measures more, whatever a point leaves open; devices are held to the same."""
_SIGNS = re.compile(r"[^\w]|_")


class Asks(NamedTuple):
    """What has to be said besides the value."""

    instrument: bool = False
    circuit: bool = False
    place: bool = False
    condition: bool = False


_ASKS: Mapping[str, Asks] = {
    "insulation": Asks(instrument=True, circuit=True),  # NUM-02
    "friction": Asks(place=True, condition=True),  # NUM-04, AMB-08
}
AGAIN_AFTER: Mapping[str, timedelta] = {"friction": timedelta(days=180), "insulation": timedelta(days=365)}
"""A value older than this is to be measured again: friction by AMB-08, insulation by AMB-09."""
_LOWEST_COUNTS = frozenset({"insulation", "friction"})
"""The worst circuit, and the worse of dry and wet, stand for the point (AMB-08, AMB-09)."""


class Place(Protocol):
    """Where something was measured."""

    @property
    def circuit(self) -> str:
        """Of a distribution box."""

    @property
    def place(self) -> str:
        """On a floor."""

    @property
    def condition(self) -> str:
        """dry, wet or nothing."""


class Measured(Place, Protocol):
    """A value at a place."""

    @property
    def value(self) -> float:
        """In the point's unit."""

    @property
    def at(self) -> datetime:
        """When it was measured."""


Row = TypeVar("Row", bound=Measured)


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading as somebody typed it."""

    client_id: str
    """Given by who typed it; the same again is the same reading."""
    point: str
    value: float
    """In the point's unit."""
    instrument: str = ""
    """Number of the instrument."""
    circuit: str = ""
    place: str = ""
    condition: Condition = ""
    note: str = ""
    photos: tuple[str, ...] = ()


def is_typed(point: Point) -> bool:
    """Whether people measure this point: nothing sends it at an interval, and nothing works it out."""
    return point.interval is None and not point.derived


def asks_of(quantity: str) -> Asks:
    """What has to be said with a reading of this quantity."""
    return _ASKS.get(quantity, Asks())


def checked(point: Point, entry: Entry) -> Entry:
    """The entry with its words trimmed; raises Invalid for what cannot be meant, with the field's name."""
    if not is_typed(point):
        raise Invalid(f"{point.id} is read by its device", hint="Only points without interval are typed", field="point")
    _check_value(point, entry.value)
    entry = replace(
        entry,
        **{name: " ".join(getattr(entry, name).split()) for name in ("instrument", "circuit", "place", "note")},  # type: ignore[arg-type]
    )
    for name, wanted in asks_of(point.quantity)._asdict().items():
        if wanted and not getattr(entry, name):
            message, hint = _MISSING[name]
            raise Invalid(message, hint=hint, field=name)
    return entry


_MISSING = {
    "instrument": ("The instrument's number is missing", "It is on the instrument, or in the ledger"),
    "circuit": ("The circuit is missing", "Write what the box's drawing calls it"),
    "place": ("The place of the measurement is missing", "Say where on the floor"),
    "condition": ("Dry or wet is missing", "Both are judged, each as a reading of its own"),
}


def _check_value(point: Point, value: float) -> None:
    if isinstance(value, bool) or not math.isfinite(value) or abs(value) > MAX_MAGNITUDE:
        raise Invalid("The value is no number", hint="Write digits", field="value")
    low, high = point.valid_min, point.valid_max
    if (low is not None and value < low) or (high is not None and value > high):
        between = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}"
        raise Invalid(
            f"{value:g} cannot be a reading of {point.id}: {between} {point.unit if point.unit != '1' else ''}".strip(),
            hint="Check the decimal point and the unit",
            field="value",
        )


def spot(measured: Place) -> str:
    """Where a value belongs to, however it was written: `WL 1` and `wl-1` are one circuit."""
    words = _SIGNS.sub("", (measured.circuit or measured.place).casefold())
    return f"{words}/{measured.condition}"


def newest_by_spot(rows: Iterable[Row]) -> list[Row]:
    """The newest value of each spot, the worst first where low is bad."""
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda one: one.at):
        found[spot(row)] = row
    return sorted(found.values(), key=lambda one: (one.value, one.at))


def standing(quantity: str, rows: Iterable[Row]) -> Row:
    """The reading that stands for the point: the lowest of its spots' newest, or simply the newest."""
    found = newest_by_spot(rows)
    return found[0] if quantity in _LOWEST_COUNTS else max(found, key=lambda one: one.at)


def is_old(quantity: str, at: datetime, now: datetime) -> bool:
    """Whether a value is to be measured again."""
    return quantity in AGAIN_AFTER and now - at > AGAIN_AFTER[quantity]


def calibration_of(instrument: str, ledger: Mapping[str, date | None], on: date) -> Calibration:
    """`ledger`: number → last day of its calibration, None without paper."""
    if not instrument:
        return ""
    known = {number.casefold(): until for number, until in ledger.items()}
    if instrument.casefold() not in known:
        return "unknown"
    until = known[instrument.casefold()]
    return "none" if until is None else "valid" if on <= until else "expired"
