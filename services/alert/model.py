"""The alert machine: *active* and *acknowledged* are two memories, hiding is a third thing, the shown state is derived.

Choices where ISA-18.2 leaves one: an alert that cleared unseen stays on the list until acknowledged; hiding changes
neither memory and keeps the alert open, so that what comes back is the live condition; a rise of severity asks for
attention anew and ends shelving, because what was shelved was the lesser thing.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
ShownState = Literal[
    "normal", "active_unack", "active_ack", "rtn_unack", "latched", "shelved", "suppressed", "out_of_service", "closed"
]


def rank(severity: str) -> int:
    """Place of a severity, 0 for low; raises ValueError on an unknown one."""
    return SEVERITIES.index(severity)


@dataclass(frozen=True, slots=True)
class AlertState:
    """Everything the machine remembers of one alert. The default is an alert that never happened."""

    active: bool = False
    occurrence: int = 0
    """How often it asked for attention: activations and rises of severity."""
    acked_occurrence: int = 0
    latching: bool = False
    latched: bool = False
    severity: Severity = "low"
    max_severity: Severity = "low"
    """The worst since everything was last acknowledged."""
    shelved_until: datetime | None = None
    suppressed: str | None = None
    out_of_service: str | None = None
    closed: bool = True

    @property
    def acknowledged(self) -> bool:
        """Somebody has seen the newest occurrence."""
        return self.acked_occurrence >= self.occurrence

    @property
    def hidden(self) -> bool:
        """Shelved, suppressed or out of service; evaluated all the same."""
        return self.shelved_until is not None or self.suppressed is not None or self.out_of_service is not None


class Fact(StrEnum):
    """What an event changed, in the past tense. An event without facts changed nothing and is not recorded."""

    OPENED = "opened"
    REOPENED = "reopened"
    REACTIVATED = "reactivated"
    WORSENED = "worsened"
    SEVERITY_CHANGED = "severity_changed"
    CLEARED = "cleared"
    LATCHED = "latched"
    RESET = "reset"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGED_OLDER = "acknowledged_older"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    TAKEN_OUT_OF_SERVICE = "taken_out_of_service"
    RETURNED_TO_SERVICE = "returned_to_service"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    LATE_BREACH_NOTED = "late_breach_noted"
    ANNOUNCED = "announced"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True)
class Activated:
    """The condition became true."""

    kind: ClassVar[str] = "activated"
    severity: Severity
    latching: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """The condition became false, seen in good data."""

    kind: ClassVar[str] = "cleared"


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    """The active condition deserves another severity; a rise above everything seen asks for attention anew."""

    kind: ClassVar[str] = "severity_changed"
    severity: Severity


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has seen everything up to `occurrence`."""

    kind: ClassVar[str] = "acknowledged"
    occurrence: int


@dataclass(frozen=True, slots=True)
class ResetByHand:
    """Somebody looked on site and reset a latched alert."""

    kind: ClassVar[str] = "reset"


@dataclass(frozen=True, slots=True)
class Shelved:
    """A person put it aside until a moment."""

    kind: ClassVar[str] = "shelved"
    until: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Unshelved:
    """Shelving ended: expired, or a person took it back."""

    kind: ClassVar[str] = "unshelved"
    reason: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Design says it means nothing now, e.g. its device is known to be offline."""

    kind: ClassVar[str] = "suppressed"
    reason: str


@dataclass(frozen=True, slots=True)
class Unsuppressed:
    """Design no longer hides it."""

    kind: ClassVar[str] = "unsuppressed"


@dataclass(frozen=True, slots=True)
class TakenOutOfService:
    """A permit or work order takes it out until the work is finished and tested."""

    kind: ClassVar[str] = "taken_out_of_service"
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class ReturnedToService:
    """The work is finished and tested."""

    kind: ClassVar[str] = "returned_to_service"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It ends whatever its state, e.g. because its target was removed."""

    kind: ClassVar[str] = "withdrawn"
    reason: str


@dataclass(frozen=True, slots=True)
class LateBreachNoted:
    """Data that arrived late shows a breach in the past; nothing live changes."""

    kind: ClassVar[str] = "late_breach_noted"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """People were told about this occurrence."""

    kind: ClassVar[str] = "announced"
    occurrence: int


@dataclass(frozen=True, slots=True)
class Commented:
    """A person's remark."""

    kind: ClassVar[str] = "commented"
    text: str


Event = (
    Activated
    | Cleared
    | SeverityChanged
    | Acknowledged
    | ResetByHand
    | Shelved
    | Unshelved
    | Suppressed
    | Unsuppressed
    | TakenOutOfService
    | ReturnedToService
    | Withdrawn
    | LateBreachNoted
    | Announced
    | Commented
)
Facts = tuple[Fact, ...]

_KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in (
        Activated, Cleared, SeverityChanged, Acknowledged, ResetByHand, Shelved, Unshelved, Suppressed, Unsuppressed,
        TakenOutOfService, ReturnedToService, Withdrawn, LateBreachNoted, Announced, Commented,
    )
}  # fmt: skip


def apply(state: AlertState, event: Event) -> tuple[AlertState, Facts]:
    """The next state and what changed; total: an event that means nothing in this state changes nothing."""
    match event:
        case LateBreachNoted():
            return state, (Fact.LATE_BREACH_NOTED,)
        case Announced():
            return state, (Fact.ANNOUNCED,)
        case Commented():
            return state, (Fact.COMMENTED,)
        case Activated():
            return _activate(state, event)
    if state.closed:
        return state, ()
    changed, facts = _handle(state, event)
    return _settle(changed, facts)


def _activate(state: AlertState, event: Activated) -> tuple[AlertState, Facts]:
    if state.closed:
        opened = AlertState(
            active=True,
            occurrence=state.occurrence + 1,
            acked_occurrence=state.acked_occurrence,
            latching=event.latching,
            severity=event.severity,
            max_severity=event.severity,
            closed=False,
        )
        return opened, (Fact.OPENED if state.occurrence == 0 else Fact.REOPENED,)
    if state.active:
        return _reassess(state, event.severity)
    worse = rank(event.severity) > rank(state.max_severity)
    seen = state.acknowledged
    back = replace(
        state,
        active=True,
        latched=False,
        occurrence=state.occurrence + 1,
        severity=event.severity,
        max_severity=event.severity if seen or worse else state.max_severity,
    )
    return _unshelve(back, (Fact.REACTIVATED,)) if worse else (back, (Fact.REACTIVATED,))


def _reassess(state: AlertState, severity: Severity) -> tuple[AlertState, Facts]:
    if not state.active or severity == state.severity:
        return state, ()
    if rank(severity) > rank(state.max_severity):
        worse = replace(state, severity=severity, max_severity=severity, occurrence=state.occurrence + 1)
        return _unshelve(worse, (Fact.WORSENED,))
    highest = severity if state.acknowledged else state.max_severity
    return replace(state, severity=severity, max_severity=highest), (Fact.SEVERITY_CHANGED,)


def _unshelve(state: AlertState, facts: Facts) -> tuple[AlertState, Facts]:
    if state.shelved_until is None:
        return state, facts
    return replace(state, shelved_until=None), (*facts, Fact.UNSHELVED)


def _handle(state: AlertState, event: Event) -> tuple[AlertState, Facts]:
    match event:
        case Cleared() if state.active:
            facts = (Fact.CLEARED, Fact.LATCHED) if state.latching else (Fact.CLEARED,)
            return replace(state, active=False, latched=state.latching), facts
        case SeverityChanged():
            return _reassess(state, event.severity)
        case Acknowledged():
            return _acknowledge(state, event.occurrence)
        case ResetByHand() if state.latched:
            return replace(state, latched=False), (Fact.RESET,)
        case Shelved() if event.until != state.shelved_until:
            return replace(state, shelved_until=event.until), (Fact.SHELVED,)
        case Unshelved():
            return _unshelve(state, ())
        case Suppressed() if event.reason != state.suppressed:
            return replace(state, suppressed=event.reason), (Fact.SUPPRESSED,)
        case Unsuppressed() if state.suppressed is not None:
            return replace(state, suppressed=None), (Fact.UNSUPPRESSED,)
        case TakenOutOfService() if event.reason != state.out_of_service:
            return replace(state, out_of_service=event.reason), (Fact.TAKEN_OUT_OF_SERVICE,)
        case ReturnedToService() if state.out_of_service is not None:
            return replace(state, out_of_service=None), (Fact.RETURNED_TO_SERVICE,)
        case Withdrawn():
            ended = replace(
                state,
                active=False,
                latched=False,
                shelved_until=None,
                suppressed=None,
                out_of_service=None,
                closed=True,
            )
            return ended, (Fact.WITHDRAWN, Fact.CLOSED)
    return state, ()


def _acknowledge(state: AlertState, occurrence: int) -> tuple[AlertState, Facts]:
    seen = min(occurrence, state.occurrence)
    if seen <= state.acked_occurrence:
        return state, ()
    if seen < state.occurrence:
        return replace(state, acked_occurrence=seen), (Fact.ACKNOWLEDGED_OLDER,)
    return replace(state, acked_occurrence=seen, max_severity=state.severity), (Fact.ACKNOWLEDGED,)


def _settle(state: AlertState, facts: Facts) -> tuple[AlertState, Facts]:
    """Close what is over, seen, reset and not hidden. Hidden alerts stay open so that a relapse stays hidden too."""
    if state.closed or state.active or state.latched or state.hidden or not state.acknowledged:
        return state, facts
    return replace(state, closed=True), (*facts, Fact.CLOSED)


def shown_state(state: AlertState, now: datetime) -> ShownState:
    """What a person sees at `now`. Shelving that has run out is over even when its timer is late."""
    if state.closed:
        return "closed" if state.occurrence else "normal"
    if state.out_of_service is not None:
        return "out_of_service"
    if state.suppressed is not None:
        return "suppressed"
    if state.shelved_until is not None and state.shelved_until > now:
        return "shelved"
    if state.active:
        return "active_ack" if state.acknowledged else "active_unack"
    if state.latched:
        return "latched"
    return "normal" if state.acknowledged else "rtn_unack"


def needs_second_person(state: AlertState) -> bool:
    """Life safety (latching: fire, water, rescue; or critical) is never hidden by one person alone."""
    return state.latching or "critical" in (state.severity, state.max_severity)


def replay(events: list[Event]) -> AlertState:
    """The state that a history leads to."""
    state = AlertState()
    for event in events:
        state, _ = apply(state, event)
    return state


def encode(event: Event) -> dict[str, Any]:
    """An event's fields for the history row."""
    return {
        one.name: value.isoformat() if isinstance(value := getattr(event, one.name), datetime) else value
        for one in fields(event)
    }


def decode(kind: str, data: dict[str, Any]) -> Event:
    """The event of a history row; raises KeyError on an unknown kind. Extra keys of the row are not the machine's."""
    cls = _KINDS[kind]
    values = {one.name: data[one.name] for one in fields(cls) if one.name in data}
    if "until" in values:
        values["until"] = datetime.fromisoformat(values["until"])
    return cls(**values)
