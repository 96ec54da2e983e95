"""The machine of an incident (AMB-24): unconfirmed, small or large until somebody closes it with a verdict.

Nobody confirmed in time, or a second component of the same zone reports: it is treated as large until a person says
otherwise. Whatever spreads after a person has called it small is large again. Words that name no component are no
second component, but do spread.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, Literal

from services.fire.model import is_device

Stage = Literal["unconfirmed", "small", "large", "closed"]
Grade = Literal["small", "large"]
Verdict = Literal["real", "false", "test"]
GRADES: tuple[Grade, ...] = ("small", "large")
VERDICTS: tuple[Verdict, ...] = ("real", "false", "test")


@dataclass(frozen=True, slots=True)
class IncidentState:
    """Everything the machine remembers. The default: it has just begun."""

    stage: Stage = "unconfirmed"
    reason: str = ""
    """Why it is large: unconfirmed_in_time, second_signal, spread, person."""
    graded: bool = False
    """A person has said how bad it is."""
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Zone → components that reported fire, in order; "" for what no zone names."""
    signals: int = 0
    verdict: str = ""


class Fact(StrEnum):
    """What an event changed, in the past tense."""

    JOINED = "joined"
    WENT_LARGE = "went_large"
    GRADED_SMALL = "graded_small"
    GRADED_LARGE = "graded_large"
    DOWNGRADED = "downgraded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Reported:
    """Components reported fire, in order."""

    kind: ClassVar[str] = "reported"
    fires: tuple[tuple[str, str], ...]
    """(zone, component) of each signal."""
    lines: tuple[int, ...] = ()
    """Places among the fires of words that name no component: each may be about somewhere else."""


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """The time to confirm on the spot is over."""

    kind: ClassVar[str] = "not_confirmed"


@dataclass(frozen=True, slots=True)
class Graded:
    """A person says how bad it is."""

    kind: ClassVar[str] = "graded"
    grade: Grade
    note: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A person says what it was."""

    kind: ClassVar[str] = "closed"
    verdict: Verdict
    cause: str


Event = Reported | NotConfirmed | Graded | Closed
Facts = tuple[Fact, ...]
MACHINE: frozenset[str] = frozenset(one.kind for one in (Reported, NotConfirmed, Graded, Closed))
"""Kinds of history rows that the machine replays; the others only tell."""


def apply(state: IncidentState, event: Event) -> tuple[IncidentState, Facts]:
    """The next state and what changed; total: what means nothing now changes nothing."""
    if state.stage == "closed":
        return state, ()
    match event:
        case Reported():
            return _report(state, event)
        case NotConfirmed() if state.stage == "unconfirmed":
            return _grow(state, "unconfirmed_in_time")
        case Graded():
            return _grade(state, event.grade)
        case Closed():
            return replace(state, stage="closed", verdict=event.verdict), (Fact.CLOSED,)
    return state, ()


def _report(state: IncidentState, event: Reported) -> tuple[IncidentState, Facts]:
    zones = {zone: list(components) for zone, components in state.zones.items()}
    known = {one for components in zones.values() for one in components}
    reason = ""
    for place, (zone, component) in enumerate(event.fires):
        if state.stage == "small" and place in event.lines:
            reason = "spread"
        if component in known:
            continue
        known.add(component)
        before = zones.setdefault(zone, [])
        if is_device(component):
            if state.stage == "small":
                reason = "spread"
            elif not reason and any(is_device(one) for one in _near(zones, zone)):
                reason = "second_signal"
        before.append(component)
    grown = replace(
        state, zones={zone: tuple(ones) for zone, ones in zones.items()}, signals=state.signals + len(event.fires)
    )
    if reason and state.stage != "large":
        large, facts = _grow(grown, reason)
        return large, (Fact.JOINED, *facts)
    return grown, (Fact.JOINED,)


def _near(zones: Mapping[str, list[str]], zone: str) -> Iterable[str]:
    """What reported in a zone. Where nobody knows the zone it may be any: the ledger's gap must not hide a fire."""
    return [one for name, ones in zones.items() if not zone or name in (zone, "") for one in ones]


def _grow(state: IncidentState, reason: str) -> tuple[IncidentState, Facts]:
    return replace(state, stage="large", reason=reason, graded=False), (Fact.WENT_LARGE,)


def _grade(state: IncidentState, grade: Grade) -> tuple[IncidentState, Facts]:
    if state.stage == grade and state.graded:
        return state, ()
    reason = "person" if grade == "large" else ""
    graded = replace(state, stage=grade, reason=reason, graded=True)
    if grade == "small":
        return graded, (Fact.DOWNGRADED if state.stage == "large" else Fact.GRADED_SMALL,)
    if state.stage == "large":  # it was treated so; now a person says that it is
        return replace(graded, reason=state.reason or reason), (Fact.GRADED_LARGE,)
    return graded, (Fact.WENT_LARGE, Fact.GRADED_LARGE)


def replay(events: Iterable[Event]) -> IncidentState:
    """The state that a history leads to."""
    state = IncidentState()
    for event in events:
        state, _ = apply(state, event)
    return state


def encode(event: Event) -> dict[str, Any]:
    """An event's fields for the history row."""
    match event:
        case Reported():
            fires = {"fires": [list(one) for one in event.fires]}
            return fires | {"lines": list(event.lines)} if event.lines else fires
        case Graded():
            return {"grade": event.grade, "note": event.note}
        case Closed():
            return {"verdict": event.verdict, "cause": event.cause}
    return {}


def decode(kind: str, data: Mapping[str, Any]) -> Event:
    """The event of a history row of a kind in MACHINE; raises KeyError on another."""
    if kind == Reported.kind:
        fires = tuple((str(zone), str(component)) for zone, component in data["fires"])
        return Reported(fires, tuple(int(place) for place in data.get("lines", ())))
    if kind == NotConfirmed.kind:
        return NotConfirmed()
    if kind == Graded.kind:
        return Graded(data["grade"], data["note"])
    if kind == Closed.kind:
        return Closed(data["verdict"], data["cause"])
    raise KeyError(kind)
