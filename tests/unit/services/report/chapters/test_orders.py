"""AMB-12 by hand and against plain loops: open overdue orders stay in the denominator, rework counts for the first."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.report.chapters import order_tables as tables
from services.report.chapters.order_records import OrderRecord, OrdersFacts, repeats_of
from services.report.chapters.orders import arrival_timely, chapter, rework, timely
from services.report.model import Chapter, Figure, Month, Table
from services.report.months import month_of

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = month_of("2026-10", "Asia/Shanghai", NOW)
FIRST = OCTOBER.since_at
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BOTH = ("给排水责任人", "供配电责任人")


def order(key: str, at: datetime, **more: Any) -> OrderRecord:
    """An order reported at a moment: half an hour to arrive, a day to finish unless said otherwise."""
    base: dict[str, Any] = {
        "id": key, "number": f"WO-{key}", "title": f"事项 {key}", "place": "1 号楼", "priority": "P3",
        "category": "渗漏水", "origin": "request", "registered_at": at, "first_signal_at": at,
        "respond_due_at": at + HOUR / 2, "finish_due_at": at + DAY,
    }  # fmt: skip
    return OrderRecord(**base | more)


def done(key: str, at: datetime, arrived: timedelta = HOUR / 4, took: timedelta = HOUR, **more: Any) -> OrderRecord:
    """One that was finished."""
    times = {"accepted_at": at + HOUR / 12, "arrived_at": at + arrived, "finished_at": at + took}
    return order(key, at, **times | more)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


BY_HAND = (
    done("in time", FIRST + DAY),
    done("late to arrive", FIRST + 2 * DAY, arrived=HOUR),
    done("late to finish", FIRST + 3 * DAY, took=26 * HOUR),
    done("finished after the end", OCTOBER.until_at - 30 * HOUR, took=29 * HOUR, finished_at=None),
    order("not due yet", OCTOBER.until_at - HOUR),
    order("cancelled", FIRST + 4 * DAY, cancelled=True, closed_at=FIRST + 5 * DAY),
    done("of September", FIRST - 10 * DAY, took=9 * DAY),
    done("reported in September", FIRST - DAY / 2, took=DAY, reworked=True, rework_why="仍漏水"),
    order("open since September", FIRST - 20 * DAY, arrived_at=FIRST - 20 * DAY + HOUR),
)


def test_the_denominator_has_what_is_open_and_overdue() -> None:
    made = timely(OCTOBER, [one for one in BY_HAND if not one.cancelled])
    # finished: in time, late to arrive, late to finish, reported in September; overdue: after the end, since September
    assert (made.figure.numerator, made.figure.denominator) == (2, 6)
    assert {one.id for one in made.evidence if one.counted} == {"in time", "reported in September"}
    assert "WO-late to arrive 事项 late to arrive：到场超时" in {one.words for one in made.evidence}


def test_arrival_counts_what_has_a_limit_to_arrive() -> None:
    live = [one for one in BY_HAND if not one.cancelled]
    made = arrival_timely(OCTOBER, [*live, done("without a limit", FIRST + DAY, respond_due_at=None)])
    # arrived in October: in time, late, late to finish, after the end, (reported in September arrived in September);
    # the one not due yet is overdue for arrival: half an hour before the end
    assert (made.figure.numerator, made.figure.denominator) == (3, 5)


def test_rework_belongs_to_the_first_order() -> None:
    made = rework(OCTOBER, [one for one in BY_HAND if not one.cancelled])
    assert (made.figure.numerator, made.figure.denominator) == (1, 4)


def test_no_orders_is_no_data() -> None:
    made = chapter(OCTOBER, OrdersFacts())
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
    assert all(one.figure.value is None for one in made.figures)


def test_speed_is_measured_where_each_clock_stops() -> None:
    made = chapter(OCTOBER, OrdersFacts(BY_HAND))
    assert figure(made, "order.accept_median").value == 5.0
    assert figure(made, "order.arrive_median").value == 15.0
    assert figure(made, "order.restore_median").value == (1 + 24) / 2  # 1, 1, 24, 26 hours
    assert figure(made, "order.received").value == 5  # cancelled left out
    assert figure(made, "order.open").value == 3
    assert figure(made, "order.open_overdue").value == 2


def test_ages_are_those_of_the_month_end_with_bounds_in_the_younger_bucket() -> None:
    facts = [
        order("day", OCTOBER.until_at - DAY),
        order("just over", OCTOBER.until_at - DAY - timedelta(seconds=1)),
        order("three", OCTOBER.until_at - 3 * DAY, priority="P1"),
        order("week", OCTOBER.until_at - 7 * DAY),
        order("old", OCTOBER.until_at - 60 * DAY),
    ]
    rows = tables.ages(OCTOBER, facts).rows
    assert [row[1] for row in rows] == [1, 2, 1, 1]
    assert rows[1][2] == 1


def test_three_faults_of_a_machine_in_ninety_days_ask_for_another_plan() -> None:
    end = OCTOBER.until_at
    faults = [
        done(f"f{no}", end - age * DAY, equipment_id="E1", equipment="生活泵") for no, age in enumerate((90, 40, 2))
    ]
    assert set(repeats_of(OCTOBER, faults)) == {"E1"}
    older = [faults[1], faults[2], done("f9", end - 90 * DAY - HOUR, equipment_id="E1", equipment="生活泵")]
    assert repeats_of(OCTOBER, older) == {}
    made = chapter(OCTOBER, OrdersFacts(tuple(faults)))
    assert table(made, "order_repeats").rows[0][:2] == ("生活泵", 3)


def test_people_and_areas_are_counted_and_ranked() -> None:
    facts = (
        done("a", FIRST + DAY, executors=("给排水责任人",), hours=(("给排水责任人", 1.5),), area="1 号楼", rating=5),
        done(
            "b", FIRST + DAY, took=30 * HOUR, executors=("给排水责任人", "供配电责任人"), area="2 号楼", reworked=True
        ),
        order("c", FIRST + DAY, area="2 号楼"),
    )
    made = chapter(OCTOBER, OrdersFacts(facts))
    assert table(made, "order_people").rows == (
        ("供配电责任人", 1, None, 0.0, 100.0, None),
        ("给排水责任人", 2, 1.5, 50.0, 50.0, 5.0),
    )
    # 2 号楼: one open (1), overdue (2), one reworked (2)
    assert table(made, "order_areas").rows == ((1, "1 号楼", 1, 0, 0, 0, 0), (2, "2 号楼", 2, 1, 1, 1, 5))


def test_the_classes_add_up_to_all() -> None:
    facts = [done(str(no), FIRST + DAY, category="照明" if no < 3 else "渗漏水") for no in range(4)]
    assert tables.pareto(OCTOBER, facts).rows == (("照明", 3, 75.0, 75.0), ("渗漏水", 1, 25.0, 100.0))


def test_the_flow_ends_with_what_is_open() -> None:
    made = chapter(OCTOBER, OrdersFacts(BY_HAND))
    assert made.section is not None
    flow = next(one for one in made.section.blocks if getattr(one, "id", "") == "order_flow")
    assert len(flow.labels) == 31  # type: ignore[union-attr]
    assert flow.series[2].values[-1] == figure(made, "order.open").value  # type: ignore[union-attr]


MOMENTS = st.integers(-60 * 24, 35 * 24).map(lambda hours: FIRST + hours * HOUR)
SPANS = st.none() | st.integers(0, 24 * 40).map(lambda hours: hours * HOUR)


@st.composite
def orders(draw: st.DrawFn) -> OrderRecord:
    at = draw(MOMENTS.filter(lambda at: at < OCTOBER.ends_at))
    arrived, took = draw(SPANS), draw(SPANS)
    if took is not None and (arrived is None or arrived > took):
        arrived = took
    due = {name: None if (span := draw(SPANS)) is None else at + span for name in ("respond_due_at", "finish_due_at")}

    def known(span: timedelta | None) -> datetime | None:
        return at + span if span is not None and at + span < OCTOBER.ends_at else None

    return order(
        draw(st.uuids().map(str)), at, arrived_at=known(arrived), finished_at=known(took), reworked=draw(st.booleans()),
        cancelled=draw(st.booleans()), **due,
    )  # fmt: skip


def by_loop(month: Month, some: list[OrderRecord]) -> tuple[int, int, int, int]:
    """Numerator and denominator of both rates, counted one by one."""
    good = due = again = finished = 0
    for one in some:
        if one.cancelled:
            continue
        if one.finished_at is None:
            if one.finish_due_at is not None and one.finish_due_at < month.until_at:
                due += 1
            continue
        if not month.since_at <= one.finished_at < month.until_at:
            continue
        due += 1
        finished += 1
        again += one.reworked
        in_time = one.finish_due_at is None or one.finished_at <= one.finish_due_at
        if one.respond_due_at is not None and (one.arrived_at is None or one.arrived_at > one.respond_due_at):
            in_time = False
        good += in_time
    return good, due, again, finished


@given(st.lists(orders(), max_size=12, unique_by=lambda one: one.id))
def test_a_loop_counts_the_same(some: list[OrderRecord]) -> None:
    live = [one for one in some if not one.cancelled]
    in_time, back = timely(OCTOBER, live).figure, rework(OCTOBER, live).figure
    good, due, again, finished = by_loop(OCTOBER, some)
    assert (in_time.numerator or 0, in_time.denominator or 0) == (good, due)
    assert (back.numerator or 0, back.denominator or 0) == (again, finished)
    waiting = sum(one.finished_at is None for one in live)
    assert sum(int(str(row[1])) for row in tables.ages(OCTOBER, some).rows) == waiting
