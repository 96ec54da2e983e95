"""When virtual guards set out: the rounds of a site's schedules, as far as anybody without its secret seed knows them.

Random starts are left out: whoever has the seed hands them in (`Plan`).
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.contract.times import from_ms, to_ms
from gateway.site.duration import to_milliseconds
from gateway.site.patrol import WEEKDAYS, Patrol, Schedule, Shift, Weekday

Drawn = Callable[[Schedule, int], Iterator[int]]
"""(schedule, since_ms) → the random starts of a schedule from a moment on, in order."""

_DAY = timedelta(days=1)
_LONGEST_PAUSE = 400
"""After so many days without a round a schedule has no more."""


def starts(patrol: Patrol, schedule: Schedule, zone: ZoneInfo, since_ms: int) -> Iterator[int]:
    """Starts of a schedule's rounds from a moment on, in order; endless unless the schedule ends."""
    shift = patrol.shift(schedule.shift) if schedule.shift else None
    day = from_ms(since_ms).astimezone(zone).date() - 2 * _DAY
    idle = 0
    while idle < _LONGEST_PAUSE and (schedule.valid_until is None or day <= schedule.valid_until):
        found = [at_ms for at_ms in _on(day, schedule, shift, zone) if at_ms >= since_ms]
        idle = 0 if found else idle + 1
        yield from found
        day += _DAY


def on_shift(patrol: Patrol, shift: str | None, zone: ZoneInfo, at_ms: int) -> tuple[str, ...]:
    """Who is rostered for a shift, or for whichever one covers a moment; empty: nobody."""
    if shift is not None:
        named = patrol.shift(shift)
        return named.people if named else ()
    today = from_ms(at_ms).astimezone(zone).date()
    for day in (today, today - _DAY):
        for one in patrol.shifts:
            begin_ms = _moment(day, one.start, zone)
            if _falls_on(one.weekdays, day) and begin_ms <= at_ms < begin_ms + to_milliseconds(one.duration):
                return one.people
    return ()


def _on(day: date, schedule: Schedule, shift: Shift | None, zone: ZoneInfo) -> list[int]:
    """The starts that belong to a local day; those of a night shift may lie on the next one."""
    if not _falls_on(schedule.weekdays, day) or (schedule.valid_from is not None and day < schedule.valid_from):
        return []
    if schedule.every is None:
        return sorted(
            _moment(day + _DAY if shift is not None and clock < shift.start else day, clock, zone)
            for clock in schedule.at
        )
    begin_ms, end_ms = _hours(day, schedule, shift, zone)
    return list(range(begin_ms, end_ms, to_milliseconds(schedule.every)))


def _hours(day: date, schedule: Schedule, shift: Shift | None, zone: ZoneInfo) -> tuple[int, int]:
    """In which hours of a day's own an `every` schedule starts rounds."""
    window = schedule.window
    if window is None and shift is not None:
        if not _falls_on(shift.weekdays, day):
            return 0, 0
        begin_ms = _moment(day, shift.start, zone)
        return begin_ms, begin_ms + to_milliseconds(shift.duration)
    if window is None:
        return _moment(day, "00:00", zone), _moment(day + _DAY, "00:00", zone)
    if not _falls_on(window.weekdays, day):
        return 0, 0
    return _moment(day, window.start, zone), _moment(day if window.end > window.start else day + _DAY, window.end, zone)


def _falls_on(weekdays: tuple[Weekday, ...], day: date) -> bool:
    return not weekdays or WEEKDAYS[day.weekday()] in weekdays


def _moment(day: date, clock: str, zone: ZoneInfo) -> int:
    return to_ms(datetime.combine(day, time.fromisoformat(clock), zone))
