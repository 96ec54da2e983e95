"""Call-back samples against a brute force, and the working day after completion."""

import math
from datetime import UTC, date, datetime
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.upkeep import WorkCalendar
from services.work_order import samples
from services.work_order.samples import PERCENT, SAMPLED, draw, due_at, needed, progress

SHANGHAI = ZoneInfo("Asia/Shanghai")


@given(st.integers(0, 500))
def test_shares_are_rounded_up_exactly(population: int) -> None:
    for level, percent in PERCENT.items():
        assert needed(population, level) == math.ceil(Fraction(percent, 100) * population)


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(0, 10**6), st.sampled_from(SAMPLED))
def test_daily_draws_end_with_exactly_the_share(days: list[int], seed: int, level: samples.Level) -> None:
    closed: list[str] = []
    drawn: set[str] = set()
    for day, count in enumerate(days):
        closed += [f"{day}-{index}" for index in range(count)]
        new = draw(closed, drawn, level, Random(seed + day))
        assert not set(new) & drawn
        assert set(new) <= set(closed)
        drawn |= set(new)
        assert len(drawn) == needed(len(closed), level), "topped up every day, never more than the share"
    assert draw(closed, drawn, level, Random(seed)) == []


def test_every_order_can_be_drawn_and_nobody_chooses() -> None:
    everybody = [f"o{index}" for index in range(10)]
    seen = {one for seed in range(200) for one in draw(everybody, (), "director", Random(seed))}
    assert seen == set(everybody)
    assert draw(everybody, (), "quality", Random(1)) == draw(reversed(everybody), (), "quality", Random(1))
    assert draw(everybody, (), "quality", Random(1)) != draw(everybody, (), "quality", Random(2))


def test_only_calls_about_drawn_orders_count_for_a_sample() -> None:
    found = progress("quality", {"a", "b", "c"}, {"a", "b", "gone"}, {"a", "c"})
    assert (found.population, found.needed, found.drawn, found.called, found.shortfall) == (3, 2, 2, 1, 1)
    assert progress("service", {"a", "b", "c"}, (), {"a", "c"}).called == 2


@pytest.mark.parametrize(
    ("finished", "weekend", "off", "worked", "due"),
    [
        ("2026-11-18T10:00", (), (), (), "2026-11-20T00:00"),  # Wednesday: by the end of Thursday
        ("2026-11-20T23:59", ("sat", "sun"), (), (), "2026-11-24T00:00"),  # Friday: by the end of Monday
        ("2026-11-20T23:59", ("sat", "sun"), (), ("2026-11-21",), "2026-11-22T00:00"),  # a worked Saturday
        ("2026-09-30T09:00", (), tuple(f"2026-10-0{day}" for day in range(1, 8)), (), "2026-10-09T00:00"),
    ],
)
def test_a_call_is_due_with_the_end_of_the_next_working_day(
    finished: str, weekend: tuple[str, ...], off: tuple[str, ...], worked: tuple[str, ...], due: str
) -> None:
    calendar = WorkCalendar(
        weekend=weekend,
        days_off=tuple(date.fromisoformat(one) for one in off),
        workdays=tuple(date.fromisoformat(one) for one in worked),
    )
    at = datetime.fromisoformat(finished).replace(tzinfo=SHANGHAI)
    assert due_at(at.astimezone(UTC), calendar, SHANGHAI) == datetime.fromisoformat(due).replace(tzinfo=SHANGHAI)


def test_months_are_those_of_the_sites_zone() -> None:
    assert samples.month_of(datetime(2026, 10, 31, 16, 0, tzinfo=UTC), SHANGHAI) == date(2026, 11, 1)
    assert samples.month_before(date(2026, 1, 1)) == date(2025, 12, 1)
    since, until = samples.bounds(date(2026, 12, 1), SHANGHAI)
    assert (since.isoformat(), until.isoformat()) == ("2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00")
