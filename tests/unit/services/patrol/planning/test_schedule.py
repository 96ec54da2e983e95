from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.site.model import Site, SiteConfig
from gateway.site.patrol import Checkpoint, Leg, Patrol, Position, Route, Schedule, Shift, Stop, Tolerance
from services.patrol.model import LegLimit, RoundPlan
from services.patrol.planning.schedule import rounds

MIN_MS = 60_000
HOUR_MS = 60 * MIN_MS
NIGHT = Shift(id="night", name="N", start="22:00", duration=timedelta(hours=8))
DAY = Shift(id="day", name="D", start="06:00", duration=timedelta(hours=16))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def place(name: str, x: float | None = None, y: float = 0, floor: int = 0) -> Checkpoint:
    return Checkpoint(id=name, name=name, area="a", position=None if x is None else Position(x_m=x, y_m=y, floor=floor))


def schedule(**fields: Any) -> Schedule:
    return Schedule.model_validate({"id": "s", "route": "r", "duration": "30min", **fields})


def route(**fields: Any) -> Route:
    return Route.model_validate({"id": "r", "name": "R", "stops": ({"checkpoint": "a"}, {"checkpoint": "b"}), **fields})


def site(
    *schedules: Schedule,
    on: Route | None = None,
    zone: str = "Asia/Shanghai",
    shifts: tuple[Shift, ...] = (NIGHT, DAY),
    places: tuple[Checkpoint, ...] = (),
) -> SiteConfig:
    patrol = Patrol(checkpoints=places, routes=(on or route(),), shifts=shifts, schedules=schedules)
    return SiteConfig(site=Site(id="site", name="S", timezone=zone), patrol=patrol)


def starts(config: SiteConfig, start: str, end: str) -> list[str]:
    zone = ZoneInfo(config.site.timezone)
    found = rounds(config, ms(start), ms(end))
    return [f"{datetime.fromtimestamp(one.starts_ms / 1000, zone):%d %H:%M%z} {one.shift}" for one in found]


def one_round(config: SiteConfig) -> RoundPlan:
    (found,) = rounds(config, ms("2026-11-20T00:00"), ms("2026-11-21T00:00"))
    return found


def test_fixed_times_belong_to_the_shift_instance_they_start_in() -> None:
    config = site(schedule(at=("23:00", "02:00", "12:00")))
    assert starts(config, "2026-11-20T04:00", "2026-11-21T04:00") == [
        "20 12:00+0800 day@2026-11-20",
        "20 23:00+0800 night@2026-11-20",
        "21 02:00+0800 night@2026-11-20",
    ]


def test_times_after_midnight_of_a_named_shift_follow_its_weekday() -> None:
    config = site(schedule(at=("23:00", "02:00"), shift="night", weekdays=("fri",)))
    assert starts(config, "2026-11-16", "2026-11-23") == [
        "20 23:00+0800 night@2026-11-20",
        "21 02:00+0800 night@2026-11-20",
    ]


def test_a_named_shift_is_never_another_one() -> None:
    config = site(schedule(at=("12:00",), shift="night"))
    assert starts(config, "2026-11-20", "2026-11-21") == ["20 12:00+0800 "]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-28", ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200"]),
        ("2026-10-24", ["25 01:30+0200", "25 02:30+0200", "25 03:30+0100"]),
    ],
)
def test_fixed_times_on_the_days_of_a_clock_change(day: str, expected: list[str]) -> None:
    config = site(schedule(at=("01:30", "02:30", "03:30")), zone="Europe/Berlin", shifts=())
    found = rounds(config, ms(f"{day}T12:00"), ms(f"{day}T12:00") + 24 * HOUR_MS)
    walls = [datetime.fromtimestamp(one.starts_ms / 1000, ZoneInfo("Europe/Berlin")) for one in found]
    assert [f"{wall:%d %H:%M%z}" for wall in walls] == expected


def test_two_times_that_a_clock_change_brings_together_are_one_round() -> None:
    config = site(schedule(at=("02:30", "03:00")), zone="Europe/Berlin")
    assert starts(config, "2026-03-29", "2026-03-30") == ["29 03:00+0200 night@2026-03-28"]


@pytest.mark.parametrize(("day", "count"), [("2026-03-28", 4), ("2026-10-24", 5), ("2026-11-20", 4)])
def test_every_counts_elapsed_time_in_the_hours_of_its_shift(day: str, count: int) -> None:
    config = site(schedule(every="2h", shift="night"), zone="Europe/Berlin")
    found = rounds(config, ms(f"{day}T12:00"), ms(f"{day}T12:00") + 24 * HOUR_MS)
    assert {one.shift for one in found} == {f"night@{day}"}
    assert len(found) == count
    assert {after.starts_ms - one.starts_ms for one, after in pairwise(found)} == {2 * HOUR_MS}


def test_every_in_a_window_over_midnight_on_a_leap_day() -> None:
    window = {"start": "22:00", "end": "01:00", "weekdays": ("tue",)}
    config = site(schedule(every="90min", window=window), shifts=())
    assert starts(config, "2028-02-25", "2028-03-03") == ["29 22:00+0800 ", "29 23:30+0800 "]


def test_validity_is_of_the_day_the_window_starts_on() -> None:
    fields: dict[str, Any] = {"valid_from": date(2026, 11, 20), "valid_until": date(2026, 11, 20)}
    config = site(schedule(every="4h", shift="night", **fields))
    assert starts(config, "2026-11-10", "2026-11-30") == [
        "20 22:00+0800 night@2026-11-20",
        "21 02:00+0800 night@2026-11-20",
    ]


@settings(max_examples=30)
@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from(["Europe/Berlin", "Asia/Shanghai"]))
def test_any_cut_of_time_gives_the_same_rounds(first: int, second: int, zone: str) -> None:
    random = {"max_gap": "2h", "min_gap": "20min"}
    config = site(
        schedule(id="x", every="70min", shift="night"),
        schedule(id="y", random=random, window={"start": "21:00", "end": "05:00"}),
        schedule(id="z", at=("02:30", "22:15")),
        zone=zone,
    )
    start = ms("2026-10-23")
    low, high = sorted((start + first * 17 * MIN_MS, start + second * 17 * MIN_MS))
    whole = rounds(config, start, start + 80 * HOUR_MS, seed="k")
    assert rounds(config, low, high, seed="k") == [one for one in whole if low <= one.starts_ms < high]
    assert whole == sorted(whole, key=lambda one: (one.starts_ms, one.id))
    assert len({one.id for one in whole}) == len(whole)


def test_the_windows_of_stops_with_and_without_a_due_time() -> None:
    stops = (Stop(checkpoint="a"), Stop(checkpoint="b", due=timedelta(minutes=12), not_before=timedelta(minutes=10)))
    tolerance = Tolerance(grace=timedelta(minutes=7), second_grace=timedelta(hours=1))
    plan = one_round(site(schedule(at=("12:00",), tolerance=tolerance), on=route(stops=stops, people=2)))
    start = ms("2026-11-20T04:00")
    assert (plan.id, plan.starts_ms, plan.ends_ms) == ("s.20261120T0400Z", start, start + 30 * MIN_MS)
    anytime, due = plan.stops
    minutes = [-15, -5, 40, 60]
    assert [
        (at - start) / MIN_MS
        for at in (anytime.early_from_ms, anytime.on_time_from_ms, anytime.on_time_until_ms, anytime.late_until_ms)
    ] == minutes
    assert [
        (at - start) / MIN_MS
        for at in (due.early_from_ms, due.on_time_from_ms, due.on_time_until_ms, due.late_until_ms)
    ] == [-3, 7, 22, 42]
    assert (anytime.not_before_ms, due.not_before_ms) == (None, start + 10 * MIN_MS)
    assert plan.final_ms == start + 67 * MIN_MS
    assert plan.confirm_ms == plan.final_ms + HOUR_MS
    assert (plan.people, plan.together_ms, plan.duplicate_ms) == (2, 120_000, 60_000)


@pytest.mark.parametrize(
    ("span", "suspended"),
    [
        (("12:10", "12:20"), ["peak", "peak", ""]),
        (("11:00", "12:00"), ["", "", ""]),
        (("12:30", "13:00"), ["", "", "peak"]),
        (("12:41", "13:00"), ["", "", ""]),
        (("12:29", "12:50"), ["peak", "", "peak"]),
        (("20:00", "12:11"), ["peak", "peak", ""]),
        (("12:00", "12:00"), ["peak", "peak", "peak"]),
    ],
)
def test_stops_due_in_a_suspended_span_do_not_count(span: tuple[str, str], suspended: list[str]) -> None:
    stops = [{"checkpoint": "a"}, {"checkpoint": "b", "due": "10min"}, {"checkpoint": "c", "due": "40min"}]
    spans = ({"start": span[0], "end": span[1], "reason": "peak"},)
    plan = one_round(site(schedule(at=("12:00",), suspended=spans), on=route(stops=stops)))
    assert [stop.suspended for stop in plan.stops] == suspended


def test_a_suspended_span_keeps_to_its_weekdays_and_names_itself_without_a_reason() -> None:
    spans = ({"start": "11:00", "end": "13:00", "weekdays": ("fri",)},)
    found = rounds(site(schedule(at=("12:00",), suspended=spans)), ms("2026-11-19"), ms("2026-11-21"))
    assert [stop.suspended for one in found for stop in one.stops] == ["", "", "11:00-13:00", "11:00-13:00"]


def test_legs_both_ways_by_declaration_by_distance_and_by_position() -> None:
    places = (place("a", 0), place("b", 30, 40, floor=2), place("c"), place("d", 0, 3), place("e", 3))
    legs = (
        Leg(start="b", end="c", distance_m=60),
        Leg(start="c", end="d", minimum=timedelta(seconds=30), maximum=timedelta(minutes=5), distance_m=900),
        Leg(start="d", end="e", maximum=timedelta(minutes=1)),
    )
    stops = tuple(Stop(checkpoint=name) for name in "abcdea")
    found = one_round(site(schedule(at=("12:00",)), on=route(stops=stops, legs=legs), places=places)).legs
    expected = {
        ("a", "b"): LegLimit(16_666 + 16_000, None, "distance"),
        ("b", "c"): LegLimit(20_000, None, "distance"),
        ("c", "d"): LegLimit(30_000, 300_000, "leg"),
        ("d", "e"): LegLimit(1_414, 60_000, "leg"),
        ("a", "e"): LegLimit(1_000, None, "distance"),
    }
    assert found == expected | {(end, start): limit for (start, end), limit in expected.items()}


def test_a_route_without_order_bounds_every_pair() -> None:
    places = (place("a", 0), place("b", 3), place("c", 9))
    stops = tuple(Stop(checkpoint=name) for name in "abc")
    found = one_round(site(schedule(at=("12:00",)), on=route(stops=stops, order="any"), places=places)).legs
    assert {pair: limit.minimum_ms for pair, limit in found.items() if pair[0] < pair[1]} == {
        ("a", "b"): 1000,
        ("a", "c"): 3000,
        ("b", "c"): 2000,
    }
