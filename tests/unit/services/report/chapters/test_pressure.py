"""Minutes within a limit against a plain count reading by reading; starts and curves by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.timeseries.store import Bucket
from services.report.chapters.pressure import (
    HOUR,
    MINUTE,
    STEP,
    Tally,
    average,
    count,
    hourly,
    plus,
    starts_by_day,
    survey,
)
from services.report.spans import Span
from services.rules.band import Band

START = datetime(2026, 9, 30, 16, tzinfo=UTC)
BAND = Band(350, 550, 350, 550, -1e9, 1e9, 1000)
"""0.45 ± 0.1 MPa, in whole kPa."""
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def buckets(readings: Iterable[tuple[int, float]], width: timedelta) -> list[Bucket]:
    groups: dict[int, list[tuple[int, float]]] = {}
    for second, value in sorted(readings):
        groups.setdefault(int(second * SECOND / width), []).append((second, value))
    found = []
    for slot, own in sorted(groups.items()):
        values = [value for _, value in own]
        mean = sum(values) / len(values)
        found.append(Bucket(START + slot * width, len(own), mean, min(values), max(values), values[-1]))
    return found


def counted(readings: dict[int, float], per_minute: float, excused: list[Span]) -> Tally:
    """As the collector does it: steps first, minutes only where they are needed."""
    looked = survey(buckets(readings.items(), STEP), BAND, per_minute, excused)
    tally = looked.tally
    for span, outside in looked.doubtful:
        inside = ((second, value) for second, value in readings.items() if span.start <= at(second) < span.end)
        tally = plus(tally, count(buckets(inside, MINUTE), BAND if outside else None, excused))
    return tally


HOLES = st.lists(st.tuples(st.integers(0, 3599), st.integers(1, 900)), max_size=4)
EXCURSIONS = st.lists(
    st.tuples(st.integers(0, 3599), st.integers(1, 400), st.sampled_from([0.349, 0.35, 0.55, 0.551])), max_size=4
)
EXCUSED = st.lists(st.tuples(st.integers(0, 3599), st.integers(1, 1500)), max_size=2)


@settings(deadline=None, max_examples=60)
@given(HOLES, EXCURSIONS, EXCUSED, st.sampled_from([10, 15, 20]))
def test_minutes_are_those_of_a_plain_count(
    holes: list[tuple[int, int]],
    excursions: list[tuple[int, int, float]],
    excused: list[tuple[int, int]],
    interval: int,
) -> None:
    readings = dict.fromkeys(range(0, 3600, interval), 0.45)
    for first, lasted, value in excursions:
        readings |= dict.fromkeys((second for second in range(first, first + lasted) if second in readings), value)
    for first, lasted in holes:
        readings = {second: value for second, value in readings.items() if not first <= second < first + lasted}
    spans = [Span(at(first), at(first + lasted)) for first, lasted in excused]
    good, inside = set(), set()
    for minute in range(60):
        if any(minute * 60 < first + lasted and first < minute * 60 + 60 for first, lasted in excused):
            continue
        own = [value for second, value in readings.items() if second // 60 == minute]
        if own:
            good.add(minute)
            if all(350 <= round(value * 1000) <= 550 for value in own):
                inside.add(minute)
    assert counted(readings, 60 / interval, spans) == Tally(len(good), len(inside))


def test_a_step_is_only_settled_when_no_minute_can_be_empty() -> None:
    full = Bucket(START, 450, 0.45, 0.44, 0.46, 0.45)
    assert survey([full], BAND, 30, []).tally == Tally(15, 15)
    assert survey([Bucket(START, 420, 0.45, 0.44, 0.46, 0.45)], BAND, 30, []).tally == Tally(0, 0)
    slow = Bucket(START, 15, 0.45, 0.44, 0.46, 0.45)
    assert survey([slow], BAND, 1, []).tally == Tally(15, 15)
    assert survey([slow], BAND, 1.5, []).doubtful == ((Span(START, START + STEP), False),)
    assert survey([slow], BAND, 0.2, []).doubtful == ((Span(START, START + STEP), False),)


def test_without_a_limit_every_minute_is_inside() -> None:
    assert count(buckets([(0, 9.0), (60, 0.0)], MINUTE), None, []) == Tally(2, 2)


def test_hours_keep_extremes_and_gaps() -> None:
    steps = buckets([(0, 0.4), (1800, 0.6), (7200, 0.5)], STEP)
    low, high = hourly(steps, START, START + 3 * HOUR)
    assert low == [0.4, None, 0.5]
    assert high == [0.6, None, 0.5]
    assert average(steps) == 0.5
    assert average([]) is None


def test_a_pump_that_is_switched_on_again_within_a_minute_started_once_more() -> None:
    def run(second: float, low: float, high: float, last: float) -> Bucket:
        return Bucket(at(second), 6, (low + high) / 2, low, high, last)

    zone = ZoneInfo("Asia/Shanghai")
    day = START.astimezone(zone).date()
    found = starts_by_day(
        [run(0, 0, 0, 0), run(60, 0, 1, 1), run(120, 1, 1, 1), run(180, 0, 1, 1), run(240, 0, 1, 0), run(300, 0, 1, 0)],
        zone,
    )
    assert found == {day: 3}
    assert starts_by_day([run(0, 1, 1, 1)], zone) == {day: 0}
    assert starts_by_day([], zone) == {}
