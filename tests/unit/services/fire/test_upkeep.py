"""Monthly tests, quarterly drills, repeated false alarms: judged from tables, whatever the zone."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.fire import Appliance, ApplianceKind, Fire, FirePoint, Panel, PointKind, Source, Zone
from services.fire import upkeep
from services.fire.upkeep import Device, DoneTest, Drill, FalseAlarm, midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER = date(2026, 11, 1)
IN_NOVEMBER = datetime(2026, 11, 20, 4, tzinfo=UTC)
IN_DECEMBER = datetime(2026, 12, 1, 0, 0, tzinfo=SHANGHAI)
DEVICES = tuple(
    Device(name, name, name, kind, "b") for name, kind in [("s", "smoke"), ("h", "heat"), ("e", "extinguisher")]
)


def done(
    device: str, day: int, kind: str = "function", *, passed: bool = True, month: int = 11, hour: int = 9
) -> DoneTest:
    return DoneTest(device, kind, passed, date(2026, month, day), datetime(2026, month, day, hour, tzinfo=UTC))


def states(tests: list[DoneTest], now: datetime = IN_NOVEMBER) -> dict[str, str]:
    table = upkeep.month_of_tests(DEVICES, tests, NOVEMBER, SHANGHAI, now)
    return {one.device.id: one.state for one in table.devices}


def test_every_device_that_per_13_means_is_in_the_table_and_no_other() -> None:
    kinds = ["smoke", "heat", "flame", "gas", "manual_call_point", "hydrant_button", "pump", "valve", "alarm_bell"]
    fire = Fire(
        sources=(Source(id="p", protocol="gb26875"),),
        panels=(Panel(id="p", source="p", building="b1"),),
        zones=(Zone(id="z", name="区", area="floor-1"),),
        points=tuple(
            FirePoint(id=one.replace("_", "-"), panel="p", address=str(n), name=one, kind=one, zone="z")  # type: ignore[arg-type]
            for n, one in enumerate(kinds)
        ),
        appliances=(Appliance(id="ext", name="灭火器", kind="extinguisher", area="hall"),),
    )
    found = upkeep.devices_of(fire)
    assert [one.id for one in found] == [*(one.replace("_", "-") for one in kinds[:6]), "ext"]
    assert (found[0].area, found[0].zone, found[-1].area, found[-1].zone) == ("floor-1", "z", "hall", "")


@pytest.mark.parametrize(
    ("tests", "now", "expected"),
    [
        ([], IN_NOVEMBER, "due"),
        ([], IN_DECEMBER - timedelta(seconds=1), "due"),
        ([], IN_DECEMBER, "missing"),
        ([done("s", 30)], IN_DECEMBER, "done"),
        ([done("s", 31, month=10), done("s", 1, month=12)], IN_DECEMBER, "missing"),
        ([done("s", 3, passed=False)], IN_NOVEMBER, "failed"),
        ([done("s", 3, passed=False), done("s", 9)], IN_NOVEMBER, "done"),
        ([done("s", 9), done("s", 3, passed=False)], IN_NOVEMBER, "done"),
        ([done("s", 9), done("s", 9, passed=False, hour=10)], IN_NOVEMBER, "failed"),
    ],
)
def test_a_device_is_due_done_failed_or_missing(tests: list[DoneTest], now: datetime, expected: str) -> None:
    assert states(tests, now)["s"] == expected
    assert states(tests, now)["e"] == ("missing" if now >= IN_DECEMBER else "due")


def test_a_look_is_told_from_a_real_test() -> None:
    tests = [done("s", 2, "visual"), done("h", 2, "visual"), done("h", 3), done("e", 4, "pressure")]
    table = upkeep.month_of_tests(DEVICES, tests, NOVEMBER, SHANGHAI, IN_NOVEMBER)
    assert table.real_share == pytest.approx(2 / 3)
    assert table.smoke_share == 0.5
    assert table.untested == ()
    nothing = upkeep.month_of_tests((), [], NOVEMBER, SHANGHAI, IN_NOVEMBER)
    assert (nothing.real_share, nothing.smoke_share) == (None, None)


@pytest.mark.parametrize(
    ("zone", "moment", "month", "quarter"),
    [
        ("Asia/Shanghai", datetime(2026, 9, 30, 15, 59, tzinfo=UTC), date(2026, 9, 1), date(2026, 7, 1)),
        ("Asia/Shanghai", datetime(2026, 9, 30, 16, 0, tzinfo=UTC), date(2026, 10, 1), date(2026, 10, 1)),
        ("Asia/Shanghai", datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1), date(2027, 1, 1)),
        ("America/New_York", datetime(2026, 4, 1, 3, 59, tzinfo=UTC), date(2026, 3, 1), date(2026, 1, 1)),
        ("America/New_York", datetime(2026, 4, 1, 4, 0, tzinfo=UTC), date(2026, 4, 1), date(2026, 4, 1)),
    ],
)
def test_months_and_quarters_are_those_of_the_sites_wall(
    zone: str, moment: datetime, month: date, quarter: date
) -> None:
    assert upkeep.month_of(moment, ZoneInfo(zone)) == month
    assert upkeep.quarter_of(moment, ZoneInfo(zone)) == quarter


@given(st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_every_moment_is_in_exactly_one_month_and_one_quarter(moment: datetime) -> None:
    for zone in (SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia")):
        month, quarter = upkeep.month_of(moment, zone), upkeep.quarter_of(moment, zone)
        assert upkeep.midnight(month, zone) <= moment < upkeep.midnight(upkeep.next_month(month), zone)
        assert upkeep.midnight(quarter, zone) <= moment < upkeep.midnight(upkeep.next_quarter(quarter), zone)
        assert quarter <= month < upkeep.next_quarter(quarter)


@pytest.mark.parametrize(
    ("owners", "staff", "items", "lacks"),
    [
        (12, 5, ("evacuation", "extinguisher"), ()),
        (12, 5, ("extinguisher", "first aid", "evacuation"), ()),
        (0, 5, ("evacuation", "extinguisher"), ("owners",)),
        (3, 0, ("evacuation",), ("staff", "extinguisher")),
        (0, 0, (), ("owners", "staff", "evacuation", "extinguisher")),
    ],
)
def test_a_drill_says_what_it_lacks(owners: int, staff: int, items: tuple[str, ...], lacks: tuple[str, ...]) -> None:
    assert Drill("d", date(2026, 11, 3), owners, staff, items).lacks == lacks


def test_what_cannot_be_tested_that_way_is_no_real_test() -> None:
    table = upkeep.month_of_tests(
        DEVICES, [done("s", 2, "pressure"), done("e", 2, "button")], NOVEMBER, SHANGHAI, IN_NOVEMBER
    )
    assert table.real_share == 0
    kinds = {*get_args(PointKind), *get_args(ApplianceKind)}
    assert all("visual" in upkeep.methods_of(kind) for kind in kinds)
    assert all(upkeep.kind_of_test(kind) in upkeep.methods_of(kind) for kind in upkeep.TESTED_POINTS)
    assert "pressure" not in upkeep.methods_of("smoke")


def test_nothing_is_missing_from_before_anybody_watched() -> None:
    begins = midnight(date(2026, 12, 1), SHANGHAI)
    for since, expected in [(begins, ["s"]), (begins - timedelta(seconds=1), ["s", "h", "e"])]:
        table = upkeep.month_of_tests(DEVICES, [done("s", 9)], NOVEMBER, SHANGHAI, IN_DECEMBER, since)
        assert [one.device.id for one in table.devices] == expected
    year_end = midnight(date(2027, 1, 1), SHANGHAI)
    states = [
        upkeep.drill_quarter(drills, date(2026, 10, 1), SHANGHAI, year_end, since).state
        for drills in ([], [Drill("1", date(2026, 11, 5), 9, 9, upkeep.DRILL_ITEMS)])
        for since in (year_end, begins)
    ]
    assert states == [None, "missing", "done", "done"]


def test_two_halves_are_no_drill_and_another_quarters_counts_for_nothing() -> None:
    halves = [
        Drill("1", date(2026, 10, 5), 9, 9, ("evacuation",)),
        Drill("2", date(2026, 11, 5), 9, 9, ("extinguisher",)),
        Drill("0", date(2026, 9, 30), 9, 9, upkeep.DRILL_ITEMS),
    ]
    table = upkeep.drill_quarter(halves, date(2026, 10, 1), SHANGHAI, IN_NOVEMBER)
    assert ([one.id for one in table.drills], table.state) == (["1", "2"], "due")
    assert upkeep.drill_quarter(halves, date(2026, 7, 1), SHANGHAI, IN_NOVEMBER).state == "done"
    year_end = datetime(2027, 1, 1, tzinfo=SHANGHAI)
    assert upkeep.drill_quarter(halves, date(2026, 10, 1), SHANGHAI, year_end).state == "missing"


def test_points_that_gave_false_alarms_again_are_listed_worst_first() -> None:
    def false(number: int, *components: str) -> FalseAlarm:
        return FalseAlarm(f"i{number}", datetime(2026, 11, number, tzinfo=UTC), components)

    falses = [false(9, "b"), false(1, "a"), false(5, "a", "b", "b"), false(8, "a", "c")]
    since = datetime(2026, 11, 1, tzinfo=UTC)
    found = upkeep.repeated_false(falses, since, 2)
    assert [(one.component, one.incidents) for one in found] == [("a", ("i1", "i5", "i8")), ("b", ("i5", "i9"))]
    assert found[1].last_at == falses[0].closed_at
    assert [one.component for one in upkeep.repeated_false(falses, since + timedelta(days=1), 2)] == ["a", "b"]
    assert upkeep.repeated_false(falses, since + timedelta(days=5), 2) == []


def test_the_rate_of_false_alarms_leaves_tests_out() -> None:
    def at(month: int, verdict: str) -> tuple[datetime, str]:
        return datetime(2026, month, 15, tzinfo=UTC), verdict

    rates = upkeep.false_rates([at(11, "false"), at(10, "test"), at(11, "real"), at(11, ""), at(11, "false")], SHANGHAI)
    assert [(one.month.month, one.false, one.real, one.test, one.rate) for one in rates] == [
        (10, 0, 0, 1, None),
        (11, 2, 1, 0, pytest.approx(2 / 3)),
    ]


@pytest.mark.parametrize(
    ("filed", "measures", "noted"),
    [(None, "", False), (None, "巡查", False), (True, " ", False), (True, "巡查", True), (False, "巡查", True)],
)
def test_an_outage_is_noted_when_both_columns_are_filled_in(filed: bool | None, measures: str, noted: bool) -> None:
    assert upkeep.is_noted(filed, measures) is noted


def test_a_signal_in_test_mode_is_a_test_of_its_kind() -> None:
    kinds = ["smoke", "heat", "manual_call_point", "hydrant_button"]
    assert [upkeep.kind_of_test(one) for one in kinds] == ["smoke", "function", "button", "button"]
