"""How long something was heard, and was on, from its rolled-up readings; and the stretches without any word. Pure.

Days that have all their readings need no closer look; of the others the hours are looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.timeseries.store import Bucket
from services.report.spans import Span, joined

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LONGEST = timedelta(minutes=10)
"""Without word for longer than this is a gap."""
_ENOUGH = LONGEST / 2
"""A stretch that lacks, or has too many of, less than so much has no gap."""


class Slot(NamedTuple):
    """A day or an hour, or the part of it that counts, with its readings."""

    span: Span
    bucket: Bucket | None
    hourly: bool


@dataclass(frozen=True, slots=True)
class Availability:
    """Parts of a month; `heard` and `online` are never more than `due`."""

    due: timedelta
    heard: timedelta
    online: timedelta
    excused: timedelta


def by_days(
    days: Sequence[Bucket], interval: timedelta, whole: Span, origin: datetime, excused: Sequence[Span] = ()
) -> tuple[list[Slot], list[Span]]:
    """Days that lack nothing, and the stretches of `whole` whose hours must be looked at.

    Days are counted from `origin` and have 24 hours each.
    """
    by_start = {one.at: one for one in days}
    settled, others = [], []
    for start, span in _cut(whole, origin, DAY):
        bucket = by_start.get(start)
        if bucket is not None and _is_full(bucket, span, interval) and not any(one.meets(*span) for one in excused):
            settled.append(Slot(span, bucket, hourly=False))
        else:
            others.append(span)
    return settled, joined(others)


def _is_full(bucket: Bucket, span: Span, interval: timedelta) -> bool:
    return abs(bucket.count * interval - (span.end - span.start)) <= _ENOUGH


def by_hours(hours: Sequence[Bucket], span: Span, origin: datetime) -> list[Slot]:
    """The hours of a stretch, those without a reading too."""
    by_start = {one.at: one for one in hours}
    return [Slot(part, by_start.get(start), hourly=True) for start, part in _cut(span, origin, HOUR)]


def _cut(whole: Span, origin: datetime, step: timedelta) -> list[tuple[datetime, Span]]:
    """Starts of the steps that a stretch touches, each with the part of it in that step."""
    found = []
    start, edge = whole.start, origin + (whole.start - origin) // step * step
    while start < whole.end:
        after = edge + step
        found.append((edge, Span(start, min(after, whole.end))))
        start, edge = after, after
    return found


def availability(slots: Iterable[Slot], interval: timedelta, excused: Sequence[Span] = ()) -> Availability:
    """What slots say: heard in the share of the readings due, online in the mean of those that say 1 or 0.

    Slots that touch an excused stretch count nowhere.
    """
    due = heard = online = left_out = timedelta()
    for span, bucket, _ in slots:
        lasted = span.end - span.start
        if excused and any(one.meets(span.start, span.end) for one in excused):
            left_out += lasted
            continue
        due += lasted
        if bucket is not None:
            part = min(1.0, bucket.count * interval / lasted)
            heard += part * lasted
            online += part * min(max(bucket.mean, 0.0), 1.0) * lasted
    return Availability(due, heard, online, left_out)


def doubtful(slots: Iterable[Slot], interval: timedelta, whole: Span) -> list[Span]:
    """Where a gap may be: hours that lack half of one, with an hour to each side."""
    found = []
    for span, bucket, hourly in slots:
        if hourly and (bucket is None or span.end - span.start - bucket.count * interval > _ENOUGH):
            found.append(Span(span.start - HOUR, span.end + HOUR).within(whole))
    return joined(found)


def gaps(heard: Iterable[datetime], span: Span, interval: timedelta, width: timedelta = MINUTE) -> list[Span]:
    """Stretches of a span without a reading, longer than allowed, from the starts of the minutes that have one.

    `width`: they are starts of something longer than minutes.
    """
    longest = max(LONGEST, 2 * interval)
    found, last = [], span.start
    for start in heard:
        if start - last > longest:
            found.append(Span(last, start))
        last = max(start + width, span.start)
    if span.end - last > longest:
        found.append(Span(last, span.end))
    return found
