from datetime import UTC, datetime, timedelta

import pytest

from services.derived.tables import PumpRun, PumpTest
from services.web.queries.pump_figures import Stretch, outside, standings, starts_by_hour, trace

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def stretch(hour: float, minutes: float, *, excused: bool = False) -> Stretch:
    begun = DAY + timedelta(hours=hour)
    return Stretch(begun, begun + timedelta(minutes=minutes), excused)


@pytest.mark.parametrize(
    ("stretches", "count", "minutes", "excused"),
    [
        ([], 0, 0, 0),
        ([stretch(1, 2), stretch(3, 0.5)], 2, 2.5, 0),
        ([stretch(-0.1, 16)], 0, 10, 0),
        ([stretch(-2, 60)], 0, 0, 0),
        ([stretch(10.4, 60)], 1, 6, 0),
        ([stretch(12, 5)], 0, 0, 0),
        ([stretch(1, 2, excused=True), stretch(2, 1)], 1, 1, 1),
    ],
    ids=["none", "two", "from yesterday", "yesterday", "still running", "to come", "a pump ran"],
)
def test_time_outside_is_counted_where_it_passed(
    stretches: list[Stretch], count: int, minutes: float, excused: int
) -> None:
    found = outside(stretches, DAY, NOW)
    assert (found.count, found.time / MINUTE, found.excused) == (count, pytest.approx(minutes), excused)


def run(ago: timedelta, start: float | None = 0.65, stop: float | None = 0.75, verdict: str = "") -> PumpRun:
    begun = NOW - ago
    return PumpRun(started_at=begun, ended_at=begun + MINUTE, start_pressure=start, stop_pressure=stop, verdict=verdict)


def test_starts_stand_in_their_hour_and_add_up() -> None:
    runs = [run(timedelta(minutes=one)) for one in (1, 29, 31, 95, 24 * 60 - 1)]
    hours = starts_by_hour(runs, NOW)
    assert len(hours) == 24
    assert [(at.hour, count) for at, count in hours if count] == [(8, 1), (9, 1), (10, 2)]
    assert dict(hours)[NOW.replace(minute=0)] == 2
    assert hours[0][0] == NOW.replace(minute=0) - timedelta(hours=23)


def test_start_and_stop_pressures_come_from_sound_runs() -> None:
    runs = [run(MINUTE, 0.64), run(2 * MINUTE, 0.65), run(3 * MINUTE, 0.69), run(4 * MINUTE, 0.1, 0.2, "doubtful")]
    found = trace(runs)
    assert (found.start, found.start_low, found.start_high, found.stop, found.runs) == (0.65, 0.64, 0.69, 0.75, 3)
    assert trace([]).start is None


def seen(kind: str, days: float, *, passed: bool = True) -> PumpTest:
    return PumpTest(kind=kind, at=NOW - timedelta(days=days), passed=passed)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([], "never"),
        ([seen("weekly_auto", 6.9)], "passed"),
        ([seen("weekly_auto", 7.1)], "due"),
        ([seen("weekly_auto", 1, passed=False), seen("weekly_auto", 2)], "failed"),
        ([seen("weekly_auto", 2, passed=False), seen("weekly_auto", 1)], "passed"),
        ([seen("monthly_manual", 1)], "never"),
    ],
)
def test_a_test_is_due_a_period_after_the_last_that_passed(found: list[PumpTest], state: str) -> None:
    weekly = standings(found, NOW)[0]
    assert (weekly.kind, weekly.state) == ("weekly_auto", state)
