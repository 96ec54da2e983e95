"""A clock that stands still outside some hours and outside the days on which a checkpoint is active."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gateway.site.patrol import Span
from services.patrol.planning.wall import DAY, Interval, days, local_day, midnight_ms, span_on

_AHEAD = timedelta(days=1100)
"""Hours further ahead than this are not looked at."""


class Running:
    """Time that passes only within a span (None: always) from the first to the last active day (None: unbounded)."""

    def __init__(self, zone: ZoneInfo, within: Span | None, first: date | None, last: date | None) -> None:
        self._zone, self._within = zone, within
        self.starts_ms = None if first is None else midnight_ms(zone, first)
        self.ends_ms = None if last is None else midnight_ms(zone, last + DAY)

    def elapsed(self, start_ms: int, end_ms: int) -> int:
        """How much of it passes between two moments, in milliseconds."""
        total = 0
        for interval in self._intervals(start_ms):
            if interval.start_ms >= end_ms:
                break
            total += min(interval.end_ms, end_ms) - interval.start_ms
        return total

    def after(self, start_ms: int, duration_ms: int) -> int | None:
        """From when on more than so much of it has passed since a moment; None: never, or not within three years."""
        for interval in self._intervals(start_ms):
            if interval.end_ms - interval.start_ms > duration_ms:
                return interval.start_ms + duration_ms
            duration_ms -= interval.end_ms - interval.start_ms
        return None

    def _intervals(self, start_ms: int) -> Iterator[Interval]:
        if self.starts_ms is not None:
            start_ms = max(start_ms, self.starts_ms)
        for interval in self._hours(start_ms):
            begin = max(interval.start_ms, start_ms)
            end = interval.end_ms if self.ends_ms is None else min(interval.end_ms, self.ends_ms)
            if begin < end:
                yield Interval(begin, end)
            elif self.ends_ms is not None and begin >= self.ends_ms:
                return

    def _hours(self, start_ms: int) -> Iterator[Interval]:
        if self._within is None:
            yield Interval(start_ms, 1 << 62)
            return
        day = local_day(self._zone, start_ms)
        for one in days(day - DAY, day + _AHEAD):
            window = span_on(self._zone, self._within, one)
            if window is not None:
                yield window
