"""Upkeep of fire protection, judged without clock or database: monthly tests, quarterly drills, repeated false alarms.

PER-13 and AMB-18: every device is tested once a natural month, and the share of real tests is told from mere looks.
PER-14 and AMB-17: one drill a natural quarter, with owners and staff, with evacuation and extinguisher. Months and
quarters are those of the site's own zone; a month is named by its first day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.site.fire import DETECTORS, Fire, TestKind

TESTED_POINTS = DETECTORS | {"manual_call_point", "hydrant_button"}
"""Kinds of points that PER-13 wants tested; appliances are all tested."""
LOOKS = frozenset({"visual"})
"""Kinds of tests that only look: everything else makes the device do something or measures it."""
_PRESSED: tuple[TestKind, ...] = ("visual", "button", "function")
_MEASURED: tuple[TestKind, ...] = ("visual", "pressure", "function")
_METHODS: Mapping[str, tuple[TestKind, ...]] = {
    **dict.fromkeys(DETECTORS, ("visual", "smoke", "function")),
    **dict.fromkeys(("manual_call_point", "hydrant_button", "emergency_light", "exit_sign"), _PRESSED),
    **dict.fromkeys(("extinguisher", "hydrant", "hose"), _MEASURED),
    "other": ("visual", "pressure", "button", "function"),
}
DRILL_ITEMS = ("evacuation", "extinguisher")
"""疏散路线模拟、灭火器实操: what a drill must have had."""

MANY = 10
"""So many components in one false incident have one cause in common: water, a panel, work on the loop."""

DeviceState = Literal["due", "done", "failed", "missing"]
"""due: not yet tested, the month goes on; failed: its last test was not passed; missing: the month ended without."""


@dataclass(frozen=True, slots=True)
class Device:
    """One thing to test every month."""

    id: str
    name: str
    name_en: str
    kind: str
    area: str
    zone: str = ""
    """Empty for an appliance."""


@dataclass(frozen=True, slots=True)
class DoneTest:
    """One test as the ledger has it."""

    device: str
    kind: str
    passed: bool
    tested_on: date
    at: datetime
    """When it was written down."""
    signal_id: str | None = None

    @property
    def real(self) -> bool:
        """Something was made to work or measured; not only looked at."""
        return self.kind not in LOOKS


@dataclass(frozen=True, slots=True)
class DeviceMonth:
    """One device in one month."""

    device: Device
    state: DeviceState
    tests: tuple[DoneTest, ...] = ()

    @property
    def real(self) -> bool:
        """It had a real test, by a way in which such a device can be tested."""
        return any(one.real and one.kind in methods_of(self.device.kind) for one in self.tests)

    @property
    def proven(self) -> bool:
        """The device's own signal proves a test."""
        return any(one.signal_id for one in self.tests)


@dataclass(frozen=True, slots=True)
class MonthOfTests:
    """The ledger of one month, in the order of the site files.

    Of a month that ended before anybody watched it has only the devices that were tested: nothing was due then.
    """

    month: date
    ends_at: datetime
    over: bool
    devices: tuple[DeviceMonth, ...]

    def of(self, *states: DeviceState) -> tuple[DeviceMonth, ...]:
        """The devices in one of these states."""
        return tuple(one for one in self.devices if one.state in states)

    @property
    def untested(self) -> tuple[DeviceMonth, ...]:
        """Those that nobody has tested, whether there is time left or not."""
        return self.of("due", "missing")

    @property
    def real_share(self) -> float | None:
        """Share of the tested devices that had a real test (AMB-18); None: none was tested."""
        tested = self.of("done", "failed")
        return sum(one.real for one in tested) / len(tested) if tested else None

    @property
    def smoke_share(self) -> float | None:
        """Share of all detectors that had a real test this month; None: there are no detectors."""
        detectors = [one for one in self.devices if one.device.kind in DETECTORS]
        return sum(one.real for one in detectors) / len(detectors) if detectors else None


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill as the ledger has it."""

    id: str
    held_on: date
    owners: int
    staff: int
    items: tuple[str, ...]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What keeps it from counting: owners, staff, evacuation, extinguisher; empty: it counts."""
        people = [name for name, count in (("owners", self.owners), ("staff", self.staff)) if count < 1]
        return (*people, *(one for one in DRILL_ITEMS if one not in self.items))


@dataclass(frozen=True, slots=True)
class QuarterOfDrills:
    """One quarter's drills, oldest first."""

    quarter: date
    """Its first day."""
    ends_at: datetime
    over: bool
    drills: tuple[Drill, ...]
    watched: bool = True
    """False: it ended before anybody watched."""

    @property
    def state(self) -> Literal["due", "done", "missing"] | None:
        """Done by one drill that lacks nothing; None: nothing was due, because nobody watched then."""
        if any(not one.lacks for one in self.drills):
            return "done"
        if not self.watched:
            return None
        return "missing" if self.over else "due"


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A closed incident that its verdict calls false, with the components that reported fire."""

    incident: str
    closed_at: datetime
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A component that gave false alarms again and again."""

    component: str
    incidents: tuple[str, ...]
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FalseRate:
    """One month's incidents by verdict."""

    month: date
    real: int
    false: int
    test: int

    @property
    def rate(self) -> float | None:
        """Share of false ones among those that were no test; None: there were none."""
        return self.false / (self.real + self.false) if self.real + self.false else None


def devices_of(fire: Fire) -> tuple[Device, ...]:
    """Everything that is tested every month."""
    points = (
        Device(one.id, one.name, one.name_en or one.name, one.kind, _area(fire, one.zone), one.zone)
        for one in fire.points
        if one.kind in TESTED_POINTS
    )
    appliances = (Device(one.id, one.name, one.name_en or one.name, one.kind, one.area) for one in fire.appliances)
    return (*points, *appliances)


def _area(fire: Fire, zone: str) -> str:
    found = fire.zone_by_id.get(zone)
    return found.area if found is not None else ""


def month_of(moment: datetime, zone: ZoneInfo) -> date:
    """First day of the natural month that `moment` is in."""
    return moment.astimezone(zone).date().replace(day=1)


def next_month(month: date) -> date:
    """First day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def quarter_of(moment: datetime, zone: ZoneInfo) -> date:
    """First day of the natural quarter that `moment` is in."""
    day = moment.astimezone(zone).date()
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def next_quarter(quarter: date) -> date:
    """First day of the quarter after."""
    return date(quarter.year + quarter.month // 10, (quarter.month + 2) % 12 + 1, 1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a local day begins."""
    return datetime.combine(day, time(), zone)


def month_of_tests(
    devices: Sequence[Device],
    tests: Iterable[DoneTest],
    month: date,
    zone: ZoneInfo,
    now: datetime,
    since: datetime | None = None,
) -> MonthOfTests:
    """Which devices were tested in a month. A test counts by its day, the last one of a device decides.

    `since`: when the watch over the site began; None: it always was.
    """
    end = next_month(month)
    by_device: dict[str, list[DoneTest]] = {}
    for one in sorted(tests, key=lambda test: (test.tested_on, test.at)):
        if month <= one.tested_on < end:
            by_device.setdefault(one.device, []).append(one)
    ends_at = midnight(end, zone)
    over = now >= ends_at
    due = devices if since is None or since < ends_at else [one for one in devices if one.id in by_device]
    return MonthOfTests(
        month, ends_at, over, tuple(_device_month(one, by_device.get(one.id, ()), over=over) for one in due)
    )


def _device_month(device: Device, tests: Sequence[DoneTest], *, over: bool) -> DeviceMonth:
    if not tests:
        return DeviceMonth(device, "missing" if over else "due")
    return DeviceMonth(device, "done" if tests[-1].passed else "failed", tuple(tests))


def drill_quarter(
    drills: Iterable[Drill], quarter: date, zone: ZoneInfo, now: datetime, since: datetime | None = None
) -> QuarterOfDrills:
    """The drills of a quarter and whether they are enough; `since`: when the watch began; None: it always was."""
    end = next_quarter(quarter)
    mine = sorted((one for one in drills if quarter <= one.held_on < end), key=lambda one: (one.held_on, one.id))
    ends_at = midnight(end, zone)
    return QuarterOfDrills(quarter, ends_at, now >= ends_at, tuple(mine), watched=since is None or since < ends_at)


def repeated_false(falses: Iterable[FalseAlarm], since: datetime, count: int) -> list[Repeated]:
    """Components in at least `count` false incidents closed since then, the worst first.

    Where more than MANY reported at once, no detector of them is to blame.
    """
    seen: dict[str, list[FalseAlarm]] = {}
    for one in sorted(falses, key=lambda false: (false.closed_at, false.incident)):
        if one.closed_at >= since and len(one.components) <= MANY:
            for component in dict.fromkeys(one.components):
                seen.setdefault(component, []).append(one)
    found = [
        Repeated(component, tuple(one.incident for one in those), those[-1].closed_at)
        for component, those in seen.items()
        if len(those) >= count
    ]
    return sorted(found, key=lambda one: (-len(one.incidents), one.component))


def false_rates(closed: Iterable[tuple[datetime, str]], zone: ZoneInfo) -> list[FalseRate]:
    """Incidents (opened at, verdict) counted by month and verdict, oldest month first; open ones are left out."""
    counts: dict[date, dict[str, int]] = {}
    for opened_at, verdict in closed:
        if verdict:
            month = counts.setdefault(month_of(opened_at, zone), {})
            month[verdict] = month.get(verdict, 0) + 1
    return [_rate(month, counts[month]) for month in sorted(counts)]


def _rate(month: date, counts: Mapping[str, int]) -> FalseRate:
    return FalseRate(month, counts.get("real", 0), counts.get("false", 0), counts.get("test", 0))


def prompt_due(began_at: datetime, prompt_after: timedelta) -> datetime:
    """When an outage that goes on asks for filing and protective measures (GB 25201-2010 form B.1, note 2)."""
    return began_at + prompt_after


def is_noted(filed: bool | None, measures: str) -> bool:
    """Whether both columns of form B.1 are filled in: 是否报消防部门备案 (yes or no), 安全保护措施."""
    return filed is not None and bool(measures.strip())


def methods_of(kind: str) -> tuple[TestKind, ...]:
    """How a device of this kind, a point's or an appliance's, can be tested; a look always is one way."""
    return _METHODS.get(kind, ("visual", "function"))


def kind_of_test(point_kind: str) -> str:
    """What kind of test a signal that a point gave in test mode stands for."""
    if point_kind == "smoke":
        return "smoke"
    return "button" if point_kind in ("manual_call_point", "hydrant_button") else "function"
