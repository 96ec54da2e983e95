"""The simulator's own idea of the schedules, held against the one that rounds are planned by."""

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.times import to_ms
from gateway.simulator.rota import on_shift, starts
from gateway.site.load import load_configs
from gateway.site.model import SiteConfig
from gateway.site.patrol import Patrol, Schedule, Shift, Span
from services.patrol.planning.starts import starts as planned

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
START_MS = to_ms(datetime(2026, 11, 20, 3, 7, tzinfo=UTC))
END_MS = START_MS + 9 * 86_400_000
NIGHT = Shift(id="night", name="夜班", start="23:00", duration=8 * HOUR, people=("wu",), weekdays=("fri", "sun"))


def found(patrol: Patrol, schedule: Schedule) -> list[int]:
    return list(takewhile(lambda at_ms: at_ms < END_MS, starts(patrol, schedule, ZONE, START_MS)))


def test_the_shipped_schedules_are_walked_when_they_are_planned() -> None:
    patrol = load_configs(Path(__file__).parents[4] / "device_configs").sites["yunhe"].patrol
    for schedule in patrol.schedules:
        if schedule.random is None:
            shift = patrol.shift(schedule.shift) if schedule.shift else None
            assert found(patrol, schedule) == planned(schedule, shift, ZONE, START_MS, END_MS), schedule.id


@pytest.mark.parametrize(
    "fields",
    [
        {"every": HOUR, "window": Span(start="22:00", end="02:00", weekdays=("sat",))},
        {"every": HOUR, "shift": "night"},
        {"at": ("23:30", "02:00"), "shift": "night"},
        {"at": ("06:00",), "weekdays": ("mon",), "valid_from": date(2026, 11, 22)},
        {"at": ("06:00",), "valid_until": date(2026, 11, 22)},
        {"every": 7 * HOUR},
    ],
)
def test_so_are_others(fields: dict[str, object]) -> None:
    schedule = Schedule.model_validate({"id": "s", "route": "r", "duration": HOUR, **fields})
    shift = NIGHT if schedule.shift else None
    expected = planned(schedule, shift, ZONE, START_MS, END_MS)
    assert expected
    assert found(Patrol(shifts=(NIGHT,)), schedule) == expected


def test_a_schedule_without_any_round_ends() -> None:
    never = Schedule(id="s", route="r", shift="night", weekdays=("tue",), every=HOUR, duration=HOUR)
    assert list(starts(Patrol(shifts=(NIGHT,)), never, ZONE, START_MS)) == []


def test_who_is_on_shift(patrolled: SiteConfig) -> None:
    def people(day: int, hour: int, shift: str | None = None) -> tuple[str, ...]:
        return on_shift(patrolled.patrol, shift, ZONE, to_ms(datetime(2026, 11, day, hour, tzinfo=ZONE)))

    assert [people(21, hour) for hour in (6, 7, 22, 23, 0)] == [("wu",), ("li",), ("li",), ("wu",), ("wu",)]
    assert people(21, 12, "night") == ("wu",)
    assert people(21, 12, "none") == ()
    assert on_shift(Patrol(shifts=(NIGHT,)), None, ZONE, START_MS) == ()
