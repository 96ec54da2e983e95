"""Minutes within a limit and what a month of a gauge looks like, from its rolled-up readings. Pure.

A minute has good data when it has a reading that is not bad; it is within the limit when none of them is outside, a
value exactly at the threshold being inside (AMB-01). Minutes in which the point was being worked on, or its limit was
excused, count nowhere.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from gateway.timeseries.store import Bucket
from services.report.spans import Span
from services.rules.band import Band

MINUTE, STEP, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)
"""Percentiles are taken of the means of so long steps; curves of hours."""
_STEP_MINUTES = STEP // MINUTE
_ENOUGH = 3
"""Readings a minute from which on a step that lacks less than a minute's worth has data in each of its minutes; of
one or two a minute it must have all."""


class Tally(NamedTuple):
    """Minutes of a month."""

    good: int
    """With good data."""
    inside: int


class Looked(NamedTuple):
    """What the steps of a month tell alone, and the stretches whose minutes must be looked at."""

    tally: Tally
    doubtful: tuple[tuple[Span, bool], ...]
    """Each with whether some reading of it breaks the limit."""


def survey(steps: Iterable[Bucket], band: Band | None, per_minute: float, excused: Sequence[Span]) -> Looked:
    """Count the steps that need no closer look: full, all inside, nothing excused."""
    settled, doubtful = 0, list[tuple[Span, bool]]()
    for step in steps:
        end, outside = step.at + STEP, is_outside(step, band)
        full = _is_full(step, per_minute) and not outside
        if full and not any(one.meets(step.at, end) for one in excused):
            settled += _STEP_MINUTES
        elif doubtful and doubtful[-1][0].end == step.at and doubtful[-1][1] == outside:
            doubtful[-1] = Span(doubtful[-1][0].start, end), outside
        else:
            doubtful.append((Span(step.at, end), outside))
    return Looked(Tally(settled, settled), tuple(doubtful))


def _is_full(step: Bucket, per_minute: float) -> bool:
    if per_minute >= _ENOUGH:
        return step.count > (_STEP_MINUTES - 1) * per_minute
    return per_minute >= 1 and step.count >= _STEP_MINUTES * per_minute


def count(minutes: Iterable[Bucket], band: Band | None, excused: Sequence[Span]) -> Tally:
    """Count minutes one by one."""
    kept = list(minutes)
    if excused:
        kept = [one for one in kept if not any(each.meets(one.at, one.at + MINUTE) for each in excused)]
    return Tally(len(kept), len(kept) if band is None else sum(not is_outside(one, band) for one in kept))


def is_outside(bucket: Bucket, band: Band | None) -> bool:
    """Whether some reading of it breaks the limit."""
    if band is None:
        return False
    return band.outside(band.compared(bucket.min)) or band.outside(band.compared(bucket.max))


def plus(one: Tally, other: Tally) -> Tally:
    """Both together."""
    return Tally(one.good + other.good, one.inside + other.inside)


def hourly(steps: Sequence[Bucket], since: datetime, until: datetime) -> tuple[list[float | None], list[float | None]]:
    """Lowest and highest value of each hour from `since`; None where there was no reading."""
    size = max(0, -((since - until) // HOUR))
    low: list[float | None] = [None] * size
    high: list[float | None] = [None] * size
    for step in steps:
        slot = (step.at - since) // HOUR
        if 0 <= slot < size:
            low[slot] = min(step.min, step.min if low[slot] is None else low[slot])  # type: ignore[type-var]
            high[slot] = max(step.max, step.max if high[slot] is None else high[slot])  # type: ignore[type-var]
    return low, high


def average(steps: Sequence[Bucket]) -> float | None:
    """Mean of all readings."""
    readings = sum(one.count for one in steps)
    return sum(one.mean * one.count for one in steps) / readings if readings else None


def starts_by_day(buckets: Iterable[Bucket], zone: tzinfo) -> dict[date, int]:
    """How often something that reads 0 or 1 was switched on, by local day; days without word of it are missing.

    Several starts within one bucket count as one.
    """
    found: dict[date, int] = {}
    running: bool | None = None
    for one in buckets:
        day = one.at.astimezone(zone).date()
        found.setdefault(day, 0)
        rose = one.max > 0.5 and (running is False or (running is True and one.min <= 0.5 < one.last))
        found[day] += rose
        running = one.last > 0.5
    return found
