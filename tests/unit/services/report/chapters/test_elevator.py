"""Lifts by hand: certificates, work on time, people trapped, hours out of service."""

from datetime import UTC, date, datetime, timedelta

from services.report.chapters.elevator import Call, ElevatorFacts, Lift, chapter
from services.report.chapters.tasks import Task
from services.report.model import Chapter, Month, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 9, tzinfo=UTC)
LAST = date(2026, 10, 31)


def task(
    name: str, due: datetime, done: datetime | None, *, on_time: bool = True, outside: bool = False,
    windowed: bool = True, daily: bool = False,
) -> Task:  # fmt: skip
    return Task(
        name, "half-month", "电梯半月维保", "每 15 天", "e1", "1号梯", "elevator", "电梯", due.date(), due, done,
        bool(done and on_time), True if done else None, outside, windowed, daily,
    )  # fmt: skip


def call(name: str, minutes: float | None, *, trapped: bool) -> Call:
    return Call(name, f"WO-{name}", trapped, AT, AT + timedelta(minutes=minutes) if minutes is not None else None)


LIFT = Lift(
    "e1", "1号梯", LAST, (task("a", AT, AT), task("b", AT, AT, on_time=False, outside=True), task("c", AT, None),
     *(task(f"d{one}", AT, None if one else AT, windowed=False, daily=True) for one in range(4))),
    (call("x", 12, trapped=True), call("y", 20, trapped=True), call("z", None, trapped=False)), timedelta(hours=6),
)  # fmt: skip
FACTS = ElevatorFacts((LIFT, Lift("", "未指明电梯", None, calls=(call("u", None, trapped=True),))), LAST)


def lifts(made: Chapter) -> Table:
    assert made.section is not None
    block = made.section.blocks[0]
    assert isinstance(block, Table)
    return block


def values(month: Month, facts: ElevatorFacts) -> list[float | None]:
    return [one.figure.value for one in chapter(month, facts).figures]


def test_a_row_per_lift() -> None:
    rows = lifts(chapter(OCTOBER, FACTS)).rows
    assert rows[0] == ("1号梯", "2026-10-31", True, "1/4", 3, 2, 1, "1/2", 2, 20.0, 1, 6.0)
    assert rows[1] == ("未指明电梯", None, None, None, 0, 0, 0, None, 1, None, 0, None)


def test_figures() -> None:
    certified, serviced, trapped = values(OCTOBER, FACTS)
    assert (certified, trapped) == (100, 3)
    assert serviced is not None
    assert round(serviced, 3) == 33.333


def test_the_last_day_of_a_certificate_is_good_and_the_next_is_not() -> None:
    made = chapter(OCTOBER, ElevatorFacts((Lift("e", "2号梯", date(2026, 10, 30)),), LAST))
    assert made.figures[0].figure.value == 0
    assert made.decisions
    assert made.conclusions[0][0] == 92


def test_work_of_a_running_month_is_due_when_its_time_is_over() -> None:
    running = month_of("2026-10", "Asia/Shanghai", datetime(2026, 10, 20, tzinfo=UTC))
    late = datetime(2026, 10, 25, tzinfo=UTC)
    facts = ElevatorFacts((Lift("e", "2号梯", None, (task("a", AT, AT), task("b", late, None))),), LAST)
    assert values(running, facts) == [None, 100, None]
    assert values(OCTOBER, facts) == [None, 50, None]
    night = task("n", OCTOBER.until_at + timedelta(hours=6), None)  # the night after the last day (AMB-05)
    assert values(OCTOBER, ElevatorFacts((Lift("e", "2号梯", None, (task("a", AT, AT), night)),), LAST))[1] == 50


def test_no_records() -> None:
    assert values(OCTOBER, ElevatorFacts((Lift("e", "2号梯", None),), LAST)) == [None, None, None]
    assert values(OCTOBER, ElevatorFacts((Lift("e", "2号梯", None),), LAST, watched=True)) == [None, None, 0]
    assert chapter(OCTOBER, ElevatorFacts()).section is None
