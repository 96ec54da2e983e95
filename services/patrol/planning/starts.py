"""When the rounds of a schedule start.

Random starts can be worked out again by anybody who knows the seed. A window of length W that begins at w, with the
longest gap G and the shortest gap g, is cut into n equal slots, n being whichever of floor(2W / (G + g)) and the next
number (at least 1, and n * G >= W) leaves the widest box; then the fewer. In the middle of every slot lies a box of
width min(W/n - g, G - W/n); the round starts at one of the whole minutes in the box, both ends included (at the
middle of the slot when there is none). With c such minutes the one taken is number floor(x * c / 2**64), where x is
the first eight bytes, big-endian, of HMAC-SHA256 with the seed in UTF-8 as key over `{schedule}|{date}|{slot}`, date
being the local day on which the window starts, and slots counted from 0.

Two neighbouring starts lie between g and G apart whatever is drawn, the last of a window and the first of the next
included when one window follows another, and no edge of a window is further than G / 2 from a start. G always holds;
g gives way in a window that has no room for both.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from math import log2
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.site.duration import to_milliseconds
from gateway.site.patrol import RandomStarts, Schedule, Shift
from services.patrol.planning.shifts import after_midnight, instance_on
from services.patrol.planning.wall import (
    DAY,
    MINUTE_MS,
    Interval,
    days,
    falls_on,
    local_day,
    midnight_ms,
    moment_ms,
    span_on,
    wall,
)


class Box(NamedTuple):
    """Where one random start may fall, in milliseconds, both ends included."""

    low_ms: int
    high_ms: int

    @property
    def first_minute(self) -> int:
        """The first whole minute in it."""
        return -(-self.low_ms // MINUTE_MS)

    @property
    def minutes(self) -> int:
        """How many whole minutes lie in it."""
        return max(0, self.high_ms // MINUTE_MS - self.first_minute + 1)


def starts(
    schedule: Schedule, shift: Shift | None, zone: ZoneInfo, start_ms: int, end_ms: int, seed: str = ""
) -> list[int]:
    """The starts in [start_ms, end_ms) in order; `shift` is the schedule's named one. Moments that coincide are one.

    A schedule's weekdays and dates are those of the day its window, or its named shift, starts on.
    """
    back = shift.duration + DAY if shift is not None else DAY
    found = {
        at_ms
        for day in days(local_day(zone, start_ms) - back, local_day(zone, end_ms))
        if _runs_on(schedule, day)
        for at_ms in _starts_on(schedule, shift, zone, day, seed)
        if start_ms <= at_ms < end_ms
    }
    return sorted(found)


def window_on(schedule: Schedule, shift: Shift | None, zone: ZoneInfo, day: date) -> Interval | None:
    """The window of an `every` or `random` schedule that starts on a day: its own, its shift's hours, or the day."""
    if schedule.window is not None:
        return span_on(zone, schedule.window, day)
    if shift is None:
        return Interval(midnight_ms(zone, day), midnight_ms(zone, day + DAY))
    instance = instance_on(zone, shift, day)
    return None if instance is None else Interval(instance.start_ms, instance.end_ms)


def schedule_seed(secret: bytes) -> str:
    """The seed of an installation, worked out from its secret; knowing the seed tells nothing about the secret."""
    return hmac.new(secret, b"gengfu random rounds", hashlib.sha256).hexdigest()


def start_bits(random: RandomStarts, window: Interval) -> float:
    """How unpredictable the starts in a window are: bits of the least free one, in whole minutes.

    Five bits need gaps of about `max_gap - min_gap >= 64 min`.
    """
    return min((log2(max(1, box.minutes)) for box in boxes(random, window)), default=0.0)


def boxes(random: RandomStarts, window: Interval) -> list[Box]:
    """Where the random starts of a window may fall, one box each; empty for an empty window."""
    length = window.end_ms - window.start_ms
    longest = max(MINUTE_MS, to_milliseconds(random.max_gap))
    shortest = min(longest, max(MINUTE_MS, to_milliseconds(random.min_gap)))
    if length <= 0:
        return []

    def spread(count: int) -> int:
        """Width of a box times the number of slots."""
        return min(length - count * shortest, count * longest - length)

    fewer = 2 * length // (longest + shortest)
    counts = [n for n in (fewer, fewer + 1) if n >= 1 and n * longest >= length]
    count = max(counts, key=lambda n: (Fraction(spread(n), n), -n))
    wide = max(0, spread(count))
    return [_box(window.start_ms, (2 * slot + 1) * length, wide, 2 * count) for slot in range(count)]


def _box(start_ms: int, middle: int, wide: int, parts: int) -> Box:
    """Whole milliseconds around start + middle / parts; one of them when it is narrower."""
    low, high = -((wide - middle) // parts), (middle + wide) // parts
    return Box(start_ms + min(low, high), start_ms + high)


def _runs_on(schedule: Schedule, day: date) -> bool:
    begun = schedule.valid_from is None or schedule.valid_from <= day
    return begun and (schedule.valid_until is None or day <= schedule.valid_until) and falls_on(schedule.weekdays, day)


def _starts_on(schedule: Schedule, shift: Shift | None, zone: ZoneInfo, day: date, seed: str) -> Iterator[int]:
    for time in schedule.at:
        late = shift is not None and after_midnight(shift, time)
        yield moment_ms(zone, wall(day + DAY if late else day, time))
    window = window_on(schedule, shift, zone, day) if schedule.every or schedule.random else None
    if window is None:
        return
    if schedule.every:
        yield from range(window.start_ms, window.end_ms, max(1, to_milliseconds(schedule.every)))
    if schedule.random is not None:
        yield from _drawn(schedule.id, schedule.random, window, day, seed)


def _drawn(schedule: str, random: RandomStarts, window: Interval, day: date, seed: str) -> Iterator[int]:
    for slot, box in enumerate(boxes(random, window)):
        if box.minutes:
            yield (box.first_minute + _draw(seed, f"{schedule}|{day.isoformat()}|{slot}", box.minutes)) * MINUTE_MS
        else:
            yield (box.low_ms + box.high_ms) // 2


def _draw(seed: str, what: str, count: int) -> int:
    digest = hmac.new(seed.encode(), what.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") * count >> 64
