"""Wall-clock time of a site as epoch milliseconds: days, windows and what a clock change does to them.

A wall-clock time means the first moment at which the clock on the wall shows it or a later one: in the hour that a
clock change leaves out that is the moment of the change, in the hour that it doubles the first of the two. Whatever
ends at a wall-clock time therefore meets whatever starts at it, on every day of the year.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.site.patrol import WEEKDAYS, Span

DAY = timedelta(days=1)
MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Interval(NamedTuple):
    """[start_ms, end_ms) in epoch milliseconds."""

    start_ms: int
    end_ms: int


def shown(zone: ZoneInfo, at_ms: int) -> datetime:
    """What the clock on the wall shows at a moment, without zone."""
    return (_EPOCH + at_ms * _MILLISECOND).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=1 << 16)
def moment_ms(zone: ZoneInfo, wall: datetime) -> int:
    """The first moment at which the clock on the wall shows `wall` (without zone) or later."""
    after = _ms(wall.replace(tzinfo=zone, fold=0))
    if shown(zone, after) == wall:
        return after
    before = _ms(wall.replace(tzinfo=zone, fold=1))
    return before + bisect_left(range(before, after), wall, key=lambda at_ms: shown(zone, at_ms))


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def local_day(zone: ZoneInfo, at_ms: int) -> date:
    """The local day that a moment lies in."""
    return shown(zone, at_ms).date()


def midnight_ms(zone: ZoneInfo, day: date) -> int:
    """When a local day begins."""
    return moment_ms(zone, datetime.combine(day, time()))


def wall(day: date, clock: str) -> datetime:
    """`HH:MM` of a day, without zone."""
    return datetime.combine(day, time(int(clock[:2]), int(clock[3:])))


def days(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    return (first + number * DAY for number in range((last - first).days + 1))


def falls_on(weekdays: Collection[str], day: date) -> bool:
    """Whether a day is one of `weekdays`; always for none."""
    return not weekdays or WEEKDAYS[day.weekday()] in weekdays


def span_on(zone: ZoneInfo, span: Span, day: date) -> Interval | None:
    """The window that starts on a day; None on other weekdays, or when a clock change leaves nothing of it."""
    if not falls_on(span.weekdays, day):
        return None
    start, end = wall(day, span.start), wall(day, span.end)
    window = Interval(moment_ms(zone, start), moment_ms(zone, end if end > start else end + DAY))
    return window if window.start_ms < window.end_ms else None


def spans_between(zone: ZoneInfo, span: Span, start_ms: int, end_ms: int) -> list[Interval]:
    """The windows that overlap [start_ms, end_ms), in order."""
    candidates = days(local_day(zone, start_ms) - DAY, local_day(zone, end_ms))
    found = (span_on(zone, span, day) for day in candidates)
    return [one for one in found if one is not None and one.start_ms < end_ms and one.end_ms > start_ms]
