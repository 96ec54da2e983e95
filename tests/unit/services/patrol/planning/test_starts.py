import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.site.patrol import RandomStarts, Schedule, Span
from services.patrol.planning.starts import boxes, start_bits, starts
from services.patrol.planning.wall import Interval, span_on

MIN_MS = 60_000
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def drawn(window: Span, longest: int, shortest: int = 20, name: str = "s") -> Schedule:
    random = RandomStarts(max_gap=timedelta(minutes=longest), min_gap=timedelta(minutes=shortest))
    return Schedule(id=name, route="r", duration=timedelta(minutes=30), random=random, window=window)


def test_a_thousand_months_keep_the_longest_gap() -> None:
    chance = Random(20261122)
    for month in range(1000):
        longest = chance.choice([60, 90, 120, 360, 720])
        shortest = chance.choice([5, 20, longest // 2])
        around_the_clock = month % 2 == 0
        span = Span(start="06:00", end="06:00" if around_the_clock else f"{chance.randrange(7, 24):02}:00")
        zone = chance.choice([BERLIN, SHANGHAI])
        first = date(2026, chance.choice([3, 10]), 23 + chance.randrange(4))
        each = [span_on(zone, span, first + timedelta(days=number)) for number in range(4)]
        windows = [window for window in each if window is not None]
        schedule = drawn(span, longest, shortest)
        found = starts(schedule, None, zone, windows[0].start_ms, windows[-1].end_ms, seed=str(month))
        room = all(-(-length // longest) <= length // shortest for length in map(minutes, windows))
        for start, end in [(windows[0].start_ms, windows[-1].end_ms)] if around_the_clock else windows:
            inside = [at for at in found if start <= at < end]
            gaps = [after - at for at, after in pairwise(inside)]
            assert inside
            assert max([inside[0] - start, *gaps, end - inside[-1]]) <= longest * MIN_MS
            assert not room or min([*gaps, shortest * MIN_MS]) >= shortest * MIN_MS


def minutes(window: Interval) -> int:
    return (window.end_ms - window.start_ms) // MIN_MS


@settings(max_examples=50)
@given(st.integers(1, 1440), st.integers(1, 900), st.integers(0, 900), st.integers(0, 59_999))
def test_boxes_bound_the_gaps_whatever_is_drawn(length: int, longest: int, shortest: int, offset: int) -> None:
    window = Interval(offset, offset + length * MIN_MS)
    random = RandomStarts(max_gap=timedelta(minutes=longest), min_gap=timedelta(minutes=shortest))
    found = boxes(random, window)
    assert found[0].high_ms - window.start_ms <= longest * MIN_MS / 2 + 1
    assert window.end_ms - found[-1].low_ms <= longest * MIN_MS / 2 + 1
    for box, after in pairwise(found):
        assert box.low_ms <= box.high_ms < after.low_ms
        assert after.high_ms - box.low_ms <= longest * MIN_MS + 1
    assert window.start_ms <= found[0].low_ms <= found[-1].high_ms < window.end_ms


@pytest.mark.parametrize(
    ("longest", "hours", "bits", "count"), [(120, 8, 5.0, 7), (120, 24, 5.0, 21), (360, 24, 7.0, 8), (720, 24, 8.0, 4)]
)
def test_starts_are_unpredictable_by_at_least_five_bits(longest: int, hours: int, bits: float, count: int) -> None:
    random = RandomStarts(max_gap=timedelta(minutes=longest))
    window = Interval(0, hours * 60 * MIN_MS)
    assert start_bits(random, window) >= bits
    assert len(boxes(random, window)) == count


def test_every_minute_of_a_box_is_drawn_about_equally() -> None:
    schedule = drawn(Span(start="22:00", end="00:20"), 240)
    (box,) = boxes(schedule.random or RandomStarts(max_gap=timedelta(0)), Interval(0, 140 * MIN_MS))
    counts = dict.fromkeys(range(box.minutes), 0)
    first = ms("2024-01-01")
    for number, at in enumerate(starts(schedule, None, SHANGHAI, first, first + 1500 * 86_400_000, "seed")):
        counts[(at - first - (14 * 60 * MIN_MS) - number * 86_400_000) // MIN_MS - box.first_minute] += 1
    expected = 1500 / box.minutes
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 2 * box.minutes


def test_anybody_with_the_seed_gets_the_same_month_by_hand() -> None:
    """Worked out from the module's description alone: W = 480, G = 120, g = 20 make 7 slots, boxes 480/7 - 20 wide."""
    schedule = drawn(Span(start="22:00", end="06:00"), 120)
    expected = []
    for number in range(30):
        day = date(2026, 11, 1) + timedelta(days=number)
        begin = ms(f"{day}T14:00") // MIN_MS
        for slot in range(7):
            low, high = 480 * slot / 7 + 10, 480 * (slot + 1) / 7 - 10
            fits = [minute for minute in range(480) if low - 1e-9 <= minute <= high + 1e-9]
            digest = hmac.new(b"secret", f"s|{day}|{slot}".encode(), hashlib.sha256).digest()
            chosen = fits[int.from_bytes(digest[:8], "big") * len(fits) // 2**64]
            expected.append((begin + chosen) * MIN_MS)
    found = starts(schedule, None, SHANGHAI, ms("2026-11-01"), ms("2026-12-01"), "secret")
    assert found == expected
    assert found != starts(schedule, None, SHANGHAI, ms("2026-11-01"), ms("2026-12-01"), "other")
    assert found[:3] == [1793543400000, 1793547000000, 1793551320000]


def test_schedules_of_one_seed_differ() -> None:
    window = Span(start="22:00", end="06:00")
    one, other = (starts(drawn(window, 120, name=n), None, SHANGHAI, ms("2026-11-01"), ms("2026-12-01")) for n in "ab")
    assert one != other
    assert start_bits(RandomStarts(max_gap=timedelta(hours=2)), Interval(0, 0)) == 0
