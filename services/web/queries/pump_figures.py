"""Figures of a pump room from its rows. Pure: rows in, numbers out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, NamedTuple

from services.derived.tables import PumpRun, PumpTest

HOUR = timedelta(hours=1)
TEST_EVERY: dict[str, timedelta] = {
    "weekly_auto": timedelta(days=7),
    "monthly_manual": timedelta(days=31),
    "quarterly_flow": timedelta(days=92),
}
"""How long a test of a fire pump may be ago (GB 50974-2014 chapter 14: every week, month and quarter)."""


class Stretch(NamedTuple):
    """A time a value was outside its limit."""

    started_at: datetime
    ended_at: datetime
    excused: bool


class Span(NamedTuple):
    """One run of a pump; `ended_at` None: it runs."""

    equipment: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outside:
    """How often and how long a pressure was outside its limit; excused ones are counted apart."""

    count: int = 0
    time: timedelta = timedelta()
    excused: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """Pressures at which a pump really starts and stops, MPa: the median of its runs, and the extremes."""

    start: float | None = None
    start_low: float | None = None
    start_high: float | None = None
    stop: float | None = None
    stop_low: float | None = None
    stop_high: float | None = None
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pump stands with one kind of test."""

    kind: str
    last: PumpTest | None
    state: Literal["passed", "failed", "due", "never"]


def outside(stretches: Iterable[Stretch], since: datetime, until: datetime) -> Outside:
    """What of these lies in [since, until): an excursion counts where it began, its time where it passed."""
    count, excused, time = 0, 0, timedelta()
    for one in stretches:
        if one.ended_at < since or one.started_at >= until:
            continue
        begins_here = one.started_at >= since
        if one.excused:
            excused += begins_here
            continue
        count += begins_here
        time += max(timedelta(), min(one.ended_at, until) - max(one.started_at, since))
    return Outside(count, time, excused)


def running_time(runs: Iterable[Span], since: datetime, until: datetime) -> timedelta:
    """How long of [since, until) a pump ran, also in runs that began before."""
    spans = (min(one.ended_at or until, until) - max(one.started_at, since) for one in runs)
    return sum((max(one, timedelta()) for one in spans), timedelta())


def starts_by_hour(runs: Iterable[PumpRun], now: datetime, hours: int = 24) -> list[tuple[datetime, int]]:
    """Starts in each of the last full hours and the running one, the oldest first."""
    newest = now.replace(minute=0, second=0, microsecond=0)
    counts = {newest - HOUR * back: 0 for back in range(hours - 1, -1, -1)}
    for run in runs:
        hour = run.started_at.replace(minute=0, second=0, microsecond=0)
        if hour in counts and run.started_at <= now:
            counts[hour] += 1
    return list(counts.items())


def trace(runs: Sequence[PumpRun]) -> Trace:
    """Where a jockey pump starts and stops, as its own runs show; runs with missing data are left out."""
    sound = [one for one in runs if one.verdict != "doubtful" and one.ended_at is not None]
    starts = [one.start_pressure for one in sound if one.start_pressure is not None]
    stops = [one.stop_pressure for one in sound if one.stop_pressure is not None]
    return Trace(
        start=median(starts) if starts else None,
        start_low=min(starts, default=None),
        start_high=max(starts, default=None),
        stop=median(stops) if stops else None,
        stop_low=min(stops, default=None),
        stop_high=max(stops, default=None),
        runs=len(sound),
    )


def standings(found: Sequence[PumpTest], now: datetime) -> list[Standing]:
    """The state of each kind of test of one pump; `found` may be in any order."""
    states = []
    for kind, every in TEST_EVERY.items():
        last = max((one for one in found if one.kind == kind), key=lambda one: one.at, default=None)
        passed = max((one.at for one in found if one.kind == kind and one.passed), default=None)
        if last is None:
            states.append(Standing(kind, None, "never"))
        elif not last.passed:
            states.append(Standing(kind, last, "failed"))
        else:
            states.append(Standing(kind, last, "passed" if passed and now - passed <= every else "due"))
    return states
