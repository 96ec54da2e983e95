"""What the chapter and the forms about fire protection are written from. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.fire.model import FAULTS, FIRE, SHIELD, SUPERVISORY, Signal, apply, order_of, settle
from services.fire.model import Holding as ComponentState
from services.fire.upkeep import FalseRate, MonthOfTests, QuarterOfDrills
from services.report.chapters.pump_room import Pump
from services.report.chapters.tasks import Task

LONG = timedelta(hours=24)
"""Out of service for longer asks for filing and protective measures (GB 25201-2010 form B.1)."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One incident."""

    id: str
    number: str
    opened_at: datetime
    place: str
    verdict: str
    """real, false, test; empty: pending."""
    grade: str
    """small, large; empty: nobody said."""
    confirmed_at: datetime | None
    """Somebody was there or graded it, whichever came first."""
    called_119_at: datetime | None
    closed_at: datetime | None
    cause: str
    signals: int


@dataclass(frozen=True, slots=True)
class Began:
    """A state that began at a component."""

    id: str
    """Of the signal."""
    system: str
    component: str
    name: str
    state: str
    at: datetime
    test: bool
    verdict: str = ""
    """fire: that of its incident."""

    @property
    def group(self) -> str:
        """The column of 表9 it counts in; empty: none."""
        if self.test:
            return "test"
        if self.state == FIRE:
            return {"real": "real", "false": "false", "test": "test"}.get(self.verdict, "pending")
        if self.state in FAULTS:
            return "fault"
        if self.state == SHIELD:
            return "shield"
        return "supervisory" if self.state in SUPERVISORY else ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A shielded component or a stopped system."""

    id: str
    component: str
    name: str
    kind: str
    """shield, stop."""
    began_at: datetime
    ended_at: datetime | None
    filed: bool | None
    measures: str
    noted_by: str

    def lasted(self, until: datetime) -> timedelta:
        """How long, as far as is counted."""
        return min(self.ended_at or until, until) - self.began_at

    def open_at(self, until: datetime) -> bool:
        """Whether it still lasted then."""
        return self.ended_at is None or self.ended_at > until


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger of tests."""

    id: str
    device: str
    name: str
    kind_name: str
    place: str
    method: str
    passed: bool
    tested_on: date
    by: str
    proven: bool
    note: str


@dataclass(frozen=True, slots=True)
class Check:
    """A duty check 查岗 of a transmission device."""

    id: str
    asked_at: datetime
    source: str
    by: str
    outcome: str
    """answered, missed, failed (it did not reach the device), open."""
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Repair:
    """A fault with what was done about it, for form B.1."""

    id: str
    found_at: datetime
    found_by: str
    place: str
    words: str
    stopped: bool | None
    """None: nobody said."""
    filed: bool | None
    measures: str
    repaired_at: datetime | None
    repaired_by: str
    method: str
    confirmed_by: str
    order: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a fire patrol or inspection over the month, for form C.1."""

    item: str
    content: str
    place: str
    checks: int
    good: int
    faults: tuple[str, ...]
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of shifts in the control room, for form A.1."""

    on: date
    name: str
    given_by: str
    taken_by: str
    hazards: str
    note: str


@dataclass(frozen=True, slots=True)
class Examiner:
    """Somebody who tested, with the certificate the ledger has of them."""

    name: str
    tests: int
    certificate: str
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class RepeatedPoint:
    """A component that gave false alarms again and again."""

    name: str
    incidents: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Announced:
    """Announced maintenance of a panel or zone."""

    panel: str
    zone: str
    reason: str
    begun_at: datetime
    ended_at: datetime
    by: str
    second: str


@dataclass(frozen=True, slots=True)
class FireFacts:
    """What the chapter is written from."""

    declared: bool
    """The site files have panels, points or appliances."""
    panels: bool = False
    """A panel reports: alarms and faults have a source."""
    watched_at: datetime | None = None
    """When the first signal was heard: from then on a day without alarms had none."""
    alarms: tuple[Alarm, ...] = ()
    began: tuple[Began, ...] = ()
    offline: tuple[tuple[str, str], ...] = ()
    """(id of the alert, system) of each time a source was not heard."""
    outages: tuple[Outage, ...] = ()
    tests: MonthOfTests | None = None
    entries: tuple[Entry, ...] = ()
    kind_names: tuple[tuple[str, str], ...] = ()
    quarter: QuarterOfDrills | None = None
    rates: tuple[FalseRate, ...] = ()
    repeated: tuple[RepeatedPoint, ...] = ()
    modes: tuple[Announced, ...] = ()
    checks: tuple[Check, ...] = ()
    repairs: tuple[Repair, ...] = ()
    items: tuple[Item, ...] = ()
    shifts: tuple[Shift, ...] = ()
    testers: tuple[Examiner, ...] = ()
    tasks: tuple[Task, ...] = ()
    pumps: tuple[Pump, ...] = ()

    @property
    def watched(self) -> bool:
        """Somebody listened before the end of what is counted."""
        return self.watched_at is not None


def began(signals: list[Signal], before: dict[str, ComponentState]) -> list[tuple[Signal, str]]:
    """What began at each component, from its signals in the order of replay; `before`: what held at the month's start.

    Retransmissions and repeated reports begin nothing.
    """
    holdings = dict(before)
    found: list[tuple[Signal, str]] = []
    for signal in sorted(signals, key=order_of):
        if signal.resets or signal.all_normal:
            for component in [one for one in holdings if signal.reaches(one)]:
                holdings[component], _ = settle(holdings[component], signal)
        holding, new, _ = apply(holdings.get(signal.component, ComponentState()), signal)
        holdings[signal.component] = holding
        found += [(signal, state) for state in new]
    return found
