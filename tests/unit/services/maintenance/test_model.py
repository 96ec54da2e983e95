"""Occurrences of plans: natural periods, intervals, meters, days off, nights, windows."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from plan_rows import at, plan

from gateway.site.upkeep import MeterTrigger, Upkeep, WorkCalendar
from services.maintenance.model import (
    Frame,
    Reading,
    Span,
    in_window,
    key_of,
    meter_occurrences,
    occurrence_of,
    occurrences,
    period_of,
    plans_for,
    state_of,
    without_plan,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRAME = Frame(SHANGHAI)
D = date.fromisoformat


def keys(which, since: str, from_on: str, until_on: str, frame: Frame = FRAME, until: str | None = None) -> list[str]:  # type: ignore[no-untyped-def]
    span = Span(D(since), D(until) if until else None)
    return [one.key for one in occurrences(which, span, D(from_on), D(until_on), frame)]


@pytest.mark.parametrize(
    ("every", "day", "key", "due_on"),
    [
        ("day", "2026-11-22", "2026-11-22", "2026-11-22"),
        ("week", "2026-12-28", "2026-W53", "2027-01-03"),
        ("month", "2028-02-01", "2028-02", "2028-02-29"),
        ("quarter", "2026-10-01", "2026-Q4", "2026-12-31"),
        ("half_year", "2026-07-01", "2026-H2", "2026-12-31"),
        ("year", "2026-01-01", "2026", "2026-12-31"),
    ],
)
def test_each_natural_period_has_one_occurrence_due_with_its_last_day(every, day, key, due_on) -> None:  # type: ignore[no-untyped-def]
    which = plan(every=every)
    found = occurrences(which, Span(D("2020-01-01")), D(day), D(day) + timedelta(days=1), FRAME)
    assert [(one.key, one.due_on) for one in found] == [(key, D(due_on))]
    assert found[0].due_at == at(D(due_on) + timedelta(days=1), "00:00")
    assert occurrence_of(which, Span(D("2020-01-01")), key, FRAME) == found[0]


def test_the_period_it_begins_in_counts_when_a_third_is_left() -> None:
    month = plan(every="month")
    assert keys(month, "2026-11-21", "2026-11-21", "2026-12-02") == ["2026-11", "2026-12"]
    assert keys(month, "2026-11-22", "2026-11-22", "2026-12-02") == ["2026-12"]
    assert keys(plan(every="day"), "2026-11-22", "2026-11-22", "2026-11-23") == ["2026-11-22"]


def test_a_first_part_of_a_period_opens_when_the_plan_begins() -> None:
    (one,) = occurrences(plan(), Span(D("2026-11-10")), D("2026-11-10"), D("2026-11-11"), FRAME)
    assert (one.opens_on, one.due_on) == (D("2026-11-10"), D("2026-11-30"))


def test_a_period_that_ends_after_the_plan_is_not_due() -> None:
    assert keys(plan(), "2026-01-01", "2026-09-01", "2026-12-31", until="2026-11-29") == ["2026-09", "2026-10"]
    assert keys(plan(), "2026-01-01", "2026-11-01", "2026-12-31", until="2026-11-30") == ["2026-11"]


def test_an_interval_counts_days_from_the_first() -> None:
    which = plan(interval=timedelta(days=15))
    assert keys(which, "2026-11-01", "2026-11-01", "2026-12-31") == [
        "i:2026-11-16", "i:2026-12-01", "i:2026-12-16", "i:2026-12-31",
    ]  # fmt: skip
    assert keys(which, "2026-11-01", "2026-11-18", "2026-12-03") == ["i:2026-12-16"]
    assert occurrence_of(which, Span(D("2026-11-01")), "i:2026-12-02", FRAME) is None
    found = occurrence_of(which, Span(D("2026-11-01")), "i:2026-12-01", FRAME)
    assert found is not None
    assert found.opens_on == D("2026-11-17")


@pytest.mark.parametrize(
    ("days_off", "due_on"), [("keep", "2026-10-31"), ("next", "2026-11-02"), ("previous", "2026-10-30")]
)
def test_a_due_day_nobody_works_on_moves_as_the_plan_says(days_off, due_on) -> None:  # type: ignore[no-untyped-def]
    frame = Frame(SHANGHAI, WorkCalendar(weekend=("sat", "sun")))
    (one,) = occurrences(plan(days_off=days_off), Span(D("2026-01-01")), D("2026-10-01"), D("2026-10-02"), frame)
    assert (one.key, one.due_on) == ("2026-10", D(due_on))


def test_a_day_worked_in_spite_of_the_weekend_does_not_move() -> None:
    frame = Frame(SHANGHAI, WorkCalendar(weekend=("sat", "sun"), workdays=(D("2026-10-31"),)))
    (one,) = occurrences(plan(days_off="next"), Span(D("2026-01-01")), D("2026-10-01"), D("2026-10-02"), frame)
    assert one.due_on == D("2026-10-31")


def test_days_off_neither_lose_nor_join_daily_checks() -> None:
    frame = Frame(SHANGHAI, WorkCalendar(days_off=(D("2026-10-01"), D("2026-10-02"))))
    found = occurrences(
        plan(every="day", days_off="next"), Span(D("2026-01-01")), D("2026-09-30"), D("2026-10-04"), frame
    )
    assert [one.key for one in found] == ["2026-09-30", "2026-10-01", "2026-10-02", "2026-10-03"]
    assert [one.due_on.day for one in found] == [30, 3, 3, 3]


def test_a_day_is_never_moved_before_it_opens_nor_for_ever() -> None:
    never = Frame(SHANGHAI, WorkCalendar(weekend=("mon", "tue", "wed", "thu", "fri", "sat", "sun")))
    for days_off in ("next", "previous"):
        which = plan(every="day", days_off=days_off)
        (one,) = occurrences(which, Span(D("2026-01-01")), D("2026-10-01"), D("2026-10-02"), never)
        assert one.due_on == D("2026-10-01")


def test_work_of_the_night_after_the_due_day_is_still_on_time() -> None:
    lift = plan(window_from="00:00", window_until="06:00")
    (one,) = occurrences(lift, Span(D("2026-01-01")), D("2026-10-01"), D("2026-10-02"), FRAME)
    assert (one.due_on, one.due_at) == (D("2026-10-31"), at("2026-11-01", "06:00"))
    by_day = plan(window_from="08:00", window_until="18:00")
    (one,) = occurrences(by_day, Span(D("2026-01-01")), D("2026-10-01"), D("2026-10-02"), FRAME)
    assert one.due_at == at("2026-11-01", "00:00")


@pytest.mark.parametrize(
    ("clock", "window", "inside"),
    [
        ("00:00", ("00:00", "06:00"), True),
        ("05:59", ("00:00", "06:00"), True),
        ("06:00", ("00:00", "06:00"), False),
        ("23:59", ("00:00", "06:00"), False),
        ("23:00", ("22:00", "05:00"), True),
        ("05:00", ("22:00", "05:00"), False),
    ],
)
def test_work_begins_within_its_window(clock, window, inside) -> None:  # type: ignore[no-untyped-def]
    lift = plan(window_from=window[0], window_until=window[1])
    assert in_window(lift, at("2026-10-31", clock), SHANGHAI) is inside


def test_days_follow_the_zone_when_clocks_change() -> None:
    berlin = Frame(ZoneInfo("Europe/Berlin"))
    spring = occurrences(plan(every="day"), Span(D("2026-01-01")), D("2026-03-28"), D("2026-03-31"), berlin)
    assert [(one.due_at - one.opens_at) / timedelta(hours=1) for one in spring] == [24, 23, 24]
    lift = plan(every="day", window_from="00:00", window_until="06:00")
    autumn = occurrences(lift, Span(D("2026-01-01")), D("2026-10-24"), D("2026-10-26"), berlin)
    assert [one.due_at for one in autumn] == [
        at("2026-10-25", "06:00", "Europe/Berlin"), at("2026-10-26", "06:00", "Europe/Berlin"),
    ]  # fmt: skip


def test_no_two_kinds_of_period_share_a_name() -> None:
    day = D("2026-01-01")
    names = {key_of(every, period_of(every, day)) for every in ("day", "week", "month", "quarter", "half_year", "year")}
    assert len(names) == 6


METERED = plan(meter=MeterTrigger(meter="run-hours", step=500))


def reading(value: float, day: str) -> Reading:
    return Reading(value, at(day))


def test_a_meter_asks_each_time_it_passes_a_threshold() -> None:
    rows = [reading(1234, "2026-10-01"), reading(1499, "2026-10-05"), reading(1500, "2026-10-09")]
    found, threshold = meter_occurrences(METERED, rows, None, FRAME)
    assert [(one.key, one.due_on) for one in found] == [("m:1500@2026-10-09", D("2026-10-16"))]
    assert threshold == 1500
    assert meter_occurrences(METERED, [reading(1499, "2026-10-10"), reading(1501, "2026-10-11")], 1500, FRAME)[0] == []


def test_a_meter_that_jumped_asks_once_and_a_new_one_counts_on_from_its_start() -> None:
    jumped, threshold = meter_occurrences(METERED, [reading(5200, "2026-10-01")], 1500, FRAME)
    assert [one.key for one in jumped] == ["m:5000@2026-10-01"]
    rows = [reading(3, "2026-10-02"), reading(520, "2026-12-01")]
    found, threshold = meter_occurrences(METERED, rows, threshold, FRAME)
    assert ([one.key for one in found], threshold) == (["m:500@2026-12-01"], 500)


def test_plans_are_found_by_kind_and_by_name() -> None:
    upkeep = Upkeep(plans=(plan("a"), plan("b", kinds=(), equipment=("e-9",)), plan("c", without=("e-1",))))
    assert [one.id for one in plans_for(upkeep, "pump_set", "e-1")] == ["a"]
    assert [one.id for one in plans_for(upkeep, "camera", "e-9")] == ["b"]
    assert without_plan(upkeep, [("e-1", "pump_set"), ("e-2", "camera")]) == ["e-2"]


def test_overdue_is_judged_never_stored() -> None:
    opens, due = at("2026-10-01", "00:00"), at("2026-11-01", "00:00")
    assert state_of("open", opens, due, None, at("2026-09-30")) == "planned"
    assert state_of("open", opens, due, None, at("2026-10-31", "23:59")) == "open"
    assert state_of("open", opens, due, None, due) == "overdue"
    assert state_of("done", opens, due, False, due) == "done_late"
    assert state_of("done", opens, due, True, due) == "done"
    assert state_of("cancelled", opens, due, None, due) == "cancelled"
