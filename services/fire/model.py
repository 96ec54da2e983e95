"""What holds at a component of a fire panel, as its signals leave it: pure, and found again by replaying them.

A complete report (GB/T 26875.3 §8.2.1: one word of bits) ends whatever it does not name; a line of text only begins or
ends what it says. A reset of the panel ends what panels latch: fire, start, feedback. Faults and shields stay until
their own end. Nothing old ends anything newer, and a fire begins however old its signal is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

FIRE = "fire"
FAULTS = frozenset({"fault", "power_fault", "mains_fault", "battery_fault", "bus_fault", "link_fault", "centre_fault"})
SHIELD = "shield"
SUPERVISORY = frozenset({"supervisory", "alarm"})
"""Something is not as it should be and is no fire: 监管, and alarms whose panel does not say of what."""
LATCHED = frozenset({FIRE, "alarm", "start", "feedback", "delay"})
"""What a reset ends, and a condition that lasts brings back."""
MOMENTS = frozenset({"reset", "config_changed"})
"""Words of a state that say what happened; they never hold."""
QUIET = frozenset({"manual"})
"""What holds and nobody need see: many panels are never switched to automatic."""
MANUAL_ALARM, CLEARED = "manual_alarm", "cleared"
"""Operations: somebody pressed the alarm button of a panel or transmission device, or took that back."""
RESET, NORMAL = "reset", frozenset({"normal", "system_normal"})
"""Operations: NORMAL is a panel that says that nothing at all is wrong any more."""
REPEATED_WITHIN = timedelta(minutes=10)
"""The same key of the same device within this is a retransmission."""
REPLY, UNKNOWN_SOURCE = "reply", "unknown_source"
"""Marks: it was asked for; nobody declared its sender, whose address stands before those of its components."""
SELF = "self"
SYSTEM = "system:"


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds at one component. The default: it was never heard."""

    states: Mapping[str, datetime] = field(default_factory=dict)
    """State → since when."""
    tests: frozenset[str] = frozenset()
    """Those that were heard only in test mode."""
    heard_at: datetime | None = None
    """Time of the newest signal."""

    @property
    def faulty(self) -> bool:
        """Some fault holds."""
        return not FAULTS.isdisjoint(self.states)

    @property
    def supervised(self) -> bool:
        """Something holds that is neither fire nor fault and should not be so."""
        return not SUPERVISORY.isdisjoint(self.states)

    @property
    def is_open(self) -> bool:
        """Something holds that a person should see."""
        return not self.states.keys() <= QUIET


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was said, with what it was bound to; the row of it, and the facts that decide."""

    id: str
    site: str
    device: str
    panel: str
    scope: str
    component: str
    at: datetime
    """When our gateway heard it."""
    received_at: datetime
    building: str = ""
    zone: str = ""
    point: str = ""
    system_type: int | None = None
    component_type: int | None = None
    states: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    complete: bool = False
    operations: tuple[str, ...] = ()
    panel_at: datetime | None = None
    text: str = ""
    raw: str = ""
    marks: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    test: bool = False
    key: str = ""

    @property
    def address(self) -> str:
        """The component's address within its panel."""
        return self.component.split("/", 2)[2]

    @property
    def says_fire(self) -> bool:
        """It is, or repeats, a fire alarm."""
        return FIRE in self.states or (MANUAL_ALARM in self.operations and not self.is_history)

    @property
    def is_history(self) -> bool:
        """An operation record that we asked for: it tells what was done some day, not what is done now."""
        return self.scope == "operation" and REPLY in self.marks

    def reaches(self, component: str) -> bool:
        """Whether its reset or all-clear is about a component: those of its panel, of a stranger only its own."""
        if UNKNOWN_SOURCE not in self.marks:
            return component.startswith(f"{self.site}/{self.panel}/")
        sender = self.component.split("/", 2)[2].partition(":")[0]
        return component.startswith(f"{self.site}/{self.panel}/{sender}:")

    @property
    def is_line(self) -> bool:
        """It says fire in words of a panel that name no component: said again, it may be of another place."""
        return self.says_fire and not is_device(self.component) and (self.scope == "unparsed" or not self.complete)

    @property
    def resets(self) -> bool:
        """The panel was reset."""
        return (RESET in self.operations and not self.is_history) or RESET in self.states

    @property
    def all_normal(self) -> bool:
        """The panel says that everything is normal."""
        return not NORMAL.isdisjoint(self.operations) and not self.is_history


@dataclass(frozen=True, slots=True)
class Component:
    """A component as it stands, with what it is bound to."""

    id: str
    site: str
    panel: str
    building: str = ""
    zone: str = ""
    point: str = ""
    system_type: int | None = None
    component_type: int | None = None
    text: str = ""
    holding: Holding = Holding()
    values: tuple[Mapping[str, Any], ...] = ()
    signal_id: str = ""

    @property
    def address(self) -> str:
        """Its address within its panel."""
        return self.id.split("/", 2)[2]

    @property
    def states(self) -> Mapping[str, datetime]:
        """State → since when."""
        return self.holding.states

    @property
    def test(self) -> bool:
        """Something holds that was heard in test mode."""
        return bool(self.holding.tests)

    @property
    def is_open(self) -> bool:
        """Something holds that a person should see."""
        return self.holding.is_open


@dataclass(frozen=True, slots=True)
class Change:
    """One signal and what it did to one component; a repeated report begins and ends nothing."""

    component: Component
    """As it stands afterwards."""
    signal: Signal
    began: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


def component_id(site: str, panel: str, address: str) -> str:
    """Where a component's row is found."""
    return f"{site}/{panel}/{address}"


def is_device(component: str) -> bool:
    """A component of its own, and not a system or a panel as a whole: only such a one is evidence of its own."""
    address = component.split("/", 2)[2]
    return address != SELF and not address.endswith(f":{SELF}") and SYSTEM not in address


def order_of(signal: Signal) -> tuple[datetime, datetime, int, str]:
    """The order in which signals are replayed: as they arrived, those of one batch as they were heard."""
    _, _, number = signal.id.rpartition("-")
    return signal.received_at, signal.at, int(number) if number.isdigit() else 0, signal.id


def apply(holding: Holding, signal: Signal) -> tuple[Holding, tuple[str, ...], tuple[str, ...]]:
    """What holds after a component's own signal, what of it began, and what ended.

    What was heard as a test and is said again outside test mode begins anew. A manual alarm is a fire.
    """
    stale = holding.heard_at is not None and signal.at < holding.heard_at
    operations = () if signal.is_history else signal.operations
    pressed = (FIRE,) if MANUAL_ALARM in operations else ()
    named = dict.fromkeys(one for one in (*signal.states, *pressed) if one not in MOMENTS)
    gone = {*signal.ended, *((FIRE,) if CLEARED in operations else ())} - named.keys()
    if signal.complete:
        gone |= holding.states.keys() - named.keys()
    ended = tuple(one for one, since in holding.states.items() if one in gone and since <= signal.at and not stale)
    began = tuple(
        one
        for one in named
        if (one not in holding.states or (one in holding.tests and not signal.test)) and (not stale or one == FIRE)
    )
    states = {one: since for one, since in holding.states.items() if one not in ended}
    states |= dict.fromkeys(began, signal.at)
    tests = (holding.tests & states.keys()) - set(began)
    if signal.test:
        tests |= set(began)
    heard_at = signal.at if holding.heard_at is None else max(holding.heard_at, signal.at)
    return Holding(states, frozenset(tests), heard_at), began, ended


def settle(holding: Holding, signal: Signal) -> tuple[Holding, tuple[str, ...]]:
    """What a reset or an all-clear of the panel leaves of one of its components, and what it ended."""
    over = holding.states.keys() if signal.all_normal else LATCHED
    ended = tuple(one for one, since in holding.states.items() if one in over and since <= signal.at)
    if not ended:
        return holding, ()
    states = {one: since for one, since in holding.states.items() if one not in ended}
    return replace(holding, states=states, tests=holding.tests & states.keys()), ended


def replay(component: str, signals: Sequence[Signal]) -> Holding:
    """What holds at a component after signals of its panel, in the order of `order_of`."""
    holding = Holding()
    for signal in signals:
        if (signal.resets or signal.all_normal) and signal.reaches(component):
            holding, _ = settle(holding, signal)
        if signal.component == component:
            holding, _, _ = apply(holding, signal)
    return holding
