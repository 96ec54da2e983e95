"""Occurrences of plans without clock or database (AMB-28, AMB-05, TIM-12).

A period's occurrence opens with the period and is due with the end of its last day, in the site's zone. The period in
which a plan begins counts when a third of its days are left; the one it ends in when it ends with it. An interval's
occurrences are due every so many days after the first day. A due day nobody works on moves, an occurrence never goes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import floor
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.site.patrol import WEEKDAYS
from gateway.site.upkeep import Period, Plan, Upkeep, WorkCalendar

METER_GRACE = timedelta(days=7)
"""Work that a meter asks for is due so many days after the reading that asks (our default)."""
SOON = timedelta(days=7)
"""Due soon (PER-02)."""
LONGEST_GRACE = timedelta(hours=12)
"""No due moment lies further from the midnight after its due day: what tells the days of two due moments apart."""
RETIRED, PLAN_ENDED, PLAN_CHANGED = "retired", "plan_ended", "plan_changed"
BY_ITSELF = frozenset({RETIRED, PLAN_ENDED, PLAN_CHANGED})
"""Why an occurrence is cancelled without anybody deciding it."""
_FARTHEST = 60
"""Days a due day is moved at most; a calendar without any working day moves nothing."""
_ROUNDING = 1e-9
_DAY = timedelta(days=1)
_KEYS: dict[Period, re.Pattern[str]] = {
    "day": re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    "week": re.compile(r"([0-9]{4})-W([0-9]{2})"),
    "month": re.compile(r"([0-9]{4})-([0-9]{2})"),
    "quarter": re.compile(r"([0-9]{4})-Q([1-4])"),
    "half_year": re.compile(r"([0-9]{4})-H([12])"),
    "year": re.compile(r"([0-9]{4})"),
}
_MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}

TaskState = Literal["planned", "open", "overdue", "done", "done_late", "cancelled"]
"""What people see of a task: planned is not opened yet; overdue and done_late are judged, never stored."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for all occurrences of a site: its zone, its calendar, how long a night counts."""

    zone: ZoneInfo
    calendar: WorkCalendar = field(default_factory=WorkCalendar)

    def midnight(self, day: date) -> datetime:
        """The moment at which a local day begins, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The local day a moment is in."""
        return moment.astimezone(self.zone).date()

    def works(self, day: date) -> bool:
        """Somebody works on that day."""
        if day in self.calendar.workdays:
            return True
        return day not in self.calendar.days_off and WEEKDAYS[day.weekday()] not in self.calendar.weekend


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which a plan holds for a piece of equipment; both belong to it."""

    since_on: date
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time a plan is due for one piece of equipment."""

    key: str
    """`2026-11-22`, `2026-W47`, `2026-11`, `2026-Q4`, `2026-H2`, `2026`, `i:2026-12-07` or `m:500@2026-11-22`."""
    opens_on: date
    opens_at: datetime
    due_on: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A meter at a moment."""

    value: float
    at: datetime


def rhythm(plan: Plan) -> str:
    """What makes the occurrences of a plan, as one word: another one means other occurrences. Empty: by hand."""
    if plan.every is not None:
        return plan.every
    if plan.interval is not None:
        return f"{plan.interval.days}d"
    return f"{plan.meter.meter}:{plan.meter.step:g}" if plan.meter is not None else ""


def plans_for(upkeep: Upkeep, kind: str, eid: str) -> tuple[Plan, ...]:
    """The active plans for a piece of equipment, as declared."""
    return tuple(
        plan for plan in upkeep.plans if (kind in plan.kinds or eid in plan.equipment) and eid not in plan.without
    )


def span_of(plan: Plan, since_on: date) -> Span:
    """When a plan holds for equipment whose mark begins on a day."""
    return Span(max(since_on, plan.from_on) if plan.from_on else since_on, plan.until_on)


def occurrences(plan: Plan, span: Span, from_on: date, until_on: date, frame: Frame) -> list[Occurrence]:
    """The occurrences by calendar that open from one local day until before another, in order; none of a meter."""
    if plan.every is not None:
        return list(_of_periods(plan, plan.every, span, from_on, until_on, frame))
    if plan.interval is not None:
        return list(_of_interval(plan, plan.interval.days, span, from_on, until_on, frame))
    return []


def _of_periods(
    plan: Plan, every: Period, span: Span, from_on: date, until_on: date, frame: Frame
) -> Iterator[Occurrence]:
    first = period_of(every, max(from_on, span.since_on))
    while max(first, span.since_on) < until_on:
        found = _period(plan, every, first, span, frame)
        if found is not None and from_on <= found.opens_on:
            yield found
        first = next_period(every, first)


def _period(plan: Plan, every: Period, first: date, span: Span, frame: Frame) -> Occurrence | None:
    """The occurrence of one period, if it counts."""
    end = next_period(every, first)
    if 3 * (end - max(first, span.since_on)).days < (end - first).days:
        return None
    last = end - _DAY
    if span.until_on is not None and last > span.until_on:
        return None
    return _occurrence(plan, key_of(every, first), max(first, span.since_on), last, frame)


def _of_interval(
    plan: Plan, days: int, span: Span, from_on: date, until_on: date, frame: Frame
) -> Iterator[Occurrence]:
    step = max(1, (from_on - span.since_on).days // days)
    while True:
        due = span.since_on + step * days * _DAY
        opens = due - (days - 1) * _DAY
        if opens >= until_on or (span.until_on is not None and due > span.until_on):
            return
        if opens >= from_on:
            yield _occurrence(plan, f"i:{due}", opens, due, frame)
        step += 1


def _occurrence(plan: Plan, key: str, opens_on: date, last_on: date, frame: Frame) -> Occurrence:
    due_on = moved(plan, opens_on, last_on, frame)
    return Occurrence(key, opens_on, frame.midnight(opens_on), due_on, due_moment(plan, due_on, frame))


def occurrence_of(plan: Plan, span: Span, key: str, frame: Frame) -> Occurrence | None:
    """The occurrence by calendar with this key, as the plan stands now; None: the plan does not have it."""
    if plan.every is not None:
        first = first_day(plan.every, key)
        begun = first is not None and next_period(plan.every, first) > span.since_on
        return _period(plan, plan.every, first, span, frame) if first is not None and begun else None
    if plan.interval is None or not key.startswith("i:"):
        return None
    due = date.fromisoformat(key[2:])
    days = plan.interval.days
    after = (due - span.since_on).days
    if after <= 0 or after % days or (span.until_on is not None and due > span.until_on):
        return None
    return _occurrence(plan, key, due - (days - 1) * _DAY, due, frame)


def moved(plan: Plan, opens_on: date, last_on: date, frame: Frame) -> date:
    """The due day, moved to a working one where the plan says so; never before the day it opens."""
    if plan.days_off == "keep" or frame.works(last_on):
        return last_on
    step = _DAY if plan.days_off == "next" else -_DAY
    day = last_on
    for _ in range(_FARTHEST):
        day += step
        if day < opens_on:
            break
        if frame.works(day):
            return day
    return last_on


def due_moment(plan: Plan, due_on: date, frame: Frame) -> datetime:
    """The end of the due day; of work at night, the end of the night after it (AMB-05)."""
    if not at_night(plan, frame):
        return frame.midnight(due_on + _DAY)
    grace = min(frame.calendar.night_grace, LONGEST_GRACE)
    wall = datetime.combine(due_on + _DAY, time()) + grace
    return wall.replace(tzinfo=frame.zone).astimezone(UTC)


def at_night(plan: Plan, frame: Frame) -> bool:
    """The plan's window is in the night: it crosses midnight, or begins in the hours that count for the day before."""
    if plan.window_from is None or plan.window_until is None:
        return False
    start, end = _minutes(plan.window_from), _minutes(plan.window_until)
    return end <= start or start < frame.calendar.night_grace // timedelta(minutes=1)


def in_window(plan: Plan, started_at: datetime, zone: ZoneInfo) -> bool:
    """Whether work began within the plan's window (TIM-12); its end does not belong to it."""
    if plan.window_from is None or plan.window_until is None:
        return True
    local = started_at.astimezone(zone)
    minute, start, end = local.hour * 60 + local.minute, _minutes(plan.window_from), _minutes(plan.window_until)
    return start <= minute < end if start < end else minute >= start or minute < end


def meter_occurrences(
    plan: Plan, readings: Sequence[Reading], threshold: float | None, frame: Frame
) -> tuple[list[Occurrence], float | None]:
    """Occurrences that new readings (oldest first) ask for, and the threshold reached then.

    Thresholds are multiples of the step; the first reading ever only says where the meter stands, and one that passes
    several asks for one occurrence. A meter that reads far less than before was replaced: it counts on from there.
    """
    if plan.meter is None:
        return [], threshold
    step = plan.meter.step
    found: list[Occurrence] = []
    for one in readings:
        reached = floor(one.value / step + _ROUNDING) * step
        if threshold is None or one.value < threshold - step / 2:
            threshold = reached
        elif reached > threshold + step / 2:
            found.append(_of_meter(plan, reached, one.at, frame))
            threshold = reached
    return found, threshold


def _of_meter(plan: Plan, threshold: float, at: datetime, frame: Frame) -> Occurrence:
    opens_on = frame.day_of(at)
    due_on = moved(plan, opens_on, opens_on + METER_GRACE, frame)
    # A new meter passes the same threshold again: the day tells the two apart.
    return Occurrence(f"m:{threshold:.10g}@{opens_on}", opens_on, at, due_on, due_moment(plan, due_on, frame))


def state_of(state: str, opens_at: datetime, due_at: datetime, on_time: bool | None, now: datetime) -> TaskState:
    """What people see of a task."""
    if state == "cancelled":
        return "cancelled"
    if state == "done":
        return "done" if on_time else "done_late"
    if now >= due_at:
        return "overdue"
    return "open" if now >= opens_at else "planned"


def period_of(every: Period, day: date) -> date:
    """First day of the natural period a day is in."""
    if every == "day":
        return day
    if every == "week":
        return day - day.weekday() * _DAY
    months = _MONTHS[every]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def next_period(every: Period, first: date) -> date:
    """First day of the period after the one that begins on `first`."""
    if every in ("day", "week"):
        return first + (_DAY if every == "day" else 7 * _DAY)
    month = first.month - 1 + _MONTHS[every]
    return date(first.year + month // 12, month % 12 + 1, 1)


def key_of(every: Period, first: date) -> str:
    """The name of the period that begins on `first`; no two kinds of period share one."""
    if every == "day":
        return first.isoformat()
    if every == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02}"
    if every == "month":
        return f"{first:%Y-%m}"
    if every == "year":
        return f"{first.year}"
    return f"{first.year}-{'Q' if every == 'quarter' else 'H'}{(first.month - 1) // _MONTHS[every] + 1}"


def first_day(every: Period, key: str) -> date | None:
    """First day of the period with this name; None: it is not the name of such a period."""
    match = _KEYS[every].fullmatch(key)
    if match is None:
        return None
    numbers = [int(group) for group in match.groups()]
    if every == "week":
        return date.fromisocalendar(numbers[0], numbers[1], 1)
    if every in ("quarter", "half_year"):
        return date(numbers[0], (numbers[1] - 1) * _MONTHS[every] + 1, 1)
    return date(numbers[0], *[*numbers[1:], 1, 1][:2])


def without_plan(upkeep: Upkeep, equipment: Iterable[tuple[str, str]]) -> list[str]:
    """Short ids of the equipment (short id, kind) that no active plan is for (PER-09)."""
    return [eid for eid, kind in equipment if not plans_for(upkeep, kind, eid)]


def _minutes(local: str) -> int:
    return int(local[:2]) * 60 + int(local[3:])
