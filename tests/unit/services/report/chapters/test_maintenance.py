"""KPI-12 and its neighbours by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.report.chapters.maintenance import (
    Coming,
    ContractRecord,
    Covered,
    MaintenanceFacts,
    TaskRecord,
    chapter,
    levels,
    overdue_work,
)
from services.report.model import Chapter, Figure, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
DAY = timedelta(days=1)


def task(key: str, due_on: date, done: timedelta | None = None, **more: Any) -> TaskRecord:
    """A monthly check; `done`: how long before its end."""
    due_at = datetime(due_on.year, due_on.month, due_on.day, 16, tzinfo=UTC)
    base: dict[str, Any] = {
        "id": key, "plan": "月检", "level": 2, "equipment_id": key, "equipment": f"设备{key}", "due_on": due_on,
        "due_at": due_at,
    }  # fmt: skip
    if done is not None:
        base |= {"done_at": due_at - done, "on_time": done > timedelta(0), "passed": True}
    return TaskRecord(**base | more)


TASKS = (
    task("good", date(2026, 10, 5), DAY),
    task("late", date(2026, 10, 6), -DAY),
    task("failed", date(2026, 10, 7), DAY, passed=False),
    task("undone", date(2026, 10, 8), contract="lift", level=6),
    task("last day", date(2026, 10, 31), -timedelta(hours=-1)),
)
BEFORE = (task("september", date(2026, 9, 30)),)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def test_on_time_and_passed_of_all_that_was_due() -> None:
    made = chapter(OCTOBER, MaintenanceFacts(tasks=TASKS, late_before=BEFORE))
    compliance = figure(made, "maintenance.compliance")
    assert (compliance.numerator, compliance.denominator) == (2, 5)
    assert figure(made, "maintenance.overdue").value == 2
    waiting = overdue_work(OCTOBER, MaintenanceFacts(tasks=TASKS, late_before=BEFORE))
    assert [[one.id for one in own] for own in waiting] == [["september"], ["undone"]]
    rank, words = made.conclusions[0]
    assert rank == 55
    assert words.startswith("月末有 2 项保养超期未做，其中日检以外 2 项")
    assert words.endswith("最早应于 2026-09-30 完成（设备september）。")


def test_overdue_work_is_listed_once_for_each_machine_the_rare_first() -> None:
    daily = [task("a", date(2026, 10, 1 + no), level=1, plan="日检") for no in range(3)]
    made = chapter(OCTOBER, MaintenanceFacts(tasks=(*daily, *TASKS)))
    assert made.section is not None
    found = next(one for one in made.section.blocks if isinstance(one, Table) and one.id == "maintenance_overdue")
    assert [row[:5] for row in found.rows] == [
        ("设备undone", "月检", "分承包方保养维修", 1, "2026-10-08"), ("设备a", "日检", "日检", 3, "2026-10-01"),
    ]  # fmt: skip
    assert figure(made, "maintenance.overdue").value == 2


def test_a_check_that_was_missed_long_ago_waits_for_nobody_once_a_later_one_is_done() -> None:
    missed = task("a", date(2026, 9, 3), level=1)
    daily = [task("a", date(2026, 10, 1 + no), DAY if no % 2 else None, level=1) for no in range(4)]
    made = chapter(OCTOBER, MaintenanceFacts(tasks=tuple(daily), late_before=(missed,)))
    assert figure(made, "maintenance.overdue").value == 0
    assert figure(made, "maintenance.compliance").numerator == 2
    assert not any("超期" in words for _, words in made.conclusions)
    waits = chapter(OCTOBER, MaintenanceFacts(tasks=tuple(daily[:3]), late_before=(missed,)))
    assert figure(waits, "maintenance.overdue").value == 1


def test_levels_and_contracts_split_the_same_tasks() -> None:
    contract = ContractRecord("lift", "电梯维保", "某维保单位", date(2026, 12, 31), True)
    facts = MaintenanceFacts(tasks=TASKS, contracts=(contract,))
    found = levels(OCTOBER, facts)
    assert found.rows[1] == ("月检", 4, 4, 3, 3, 0, 50.0)
    assert found.rows[5][1:] == (1, 0, 0, 0, 1, 0.0)
    assert found.total is not None
    assert found.total[1:] == (5, 4, 3, 3, 1, 40.0)
    made = chapter(OCTOBER, facts)
    assert made.section is not None
    tables = {one.id: one for one in made.section.blocks if isinstance(one, Table)}
    assert tables["maintenance_contractors"].rows == (("电梯维保", "某维保单位", 1, 0, 0.0, "2026-12-31", True),)


def test_only_planned_lift_work_has_a_window_to_keep() -> None:
    started = (
        task("kept", date(2026, 10, 5), DAY, is_lift=True, windowed=True),
        task("not kept", date(2026, 10, 5), DAY, is_lift=True, windowed=True, outside_window=True),
        task("rescue", date(2026, 10, 5), DAY, is_lift=True, windowed=True, outside_window=True, emergency=True),
        task("no lift", date(2026, 10, 5), DAY, windowed=True, outside_window=True),
    )
    made = chapter(OCTOBER, MaintenanceFacts(started=started, repairs=(("w1", "WO-1"),)))
    window, share = figure(made, "maintenance.window"), figure(made, "maintenance.preventive")
    assert (window.numerator, window.denominator) == (1, 2)
    assert (share.numerator, share.denominator) == (4, 5)


def test_coverage_names_what_has_no_plan() -> None:
    live = (Covered("a", "生活泵", "生活水泵", True), Covered("b", "信箱", "信箱", False))
    made = chapter(OCTOBER, MaintenanceFacts(live=live))
    assert figure(made, "maintenance.coverage").value == 50
    assert made.section is not None
    assert made.section.blocks[-1].rows == (("信箱", "信箱"),)  # type: ignore[union-attr]


def test_nothing_due_is_no_data_and_said() -> None:
    made = chapter(OCTOBER, MaintenanceFacts())
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
    assert made.gaps


def test_next_month_is_listed_by_level() -> None:
    coming = (
        Coming(2, "泵房月检", 3, date(2026, 11, 30), date(2026, 11, 30)),
        Coming(1, "泵房日检", 60, date(2026, 11, 1), date(2026, 11, 30)),
    )
    made = chapter(OCTOBER, MaintenanceFacts(coming=coming))
    assert made.section is not None
    found = next(one for one in made.section.blocks if getattr(one, "id", "") == "maintenance_coming")
    assert isinstance(found, Table)
    assert [row[:3] for row in found.rows] == [("日检", "泵房日检", 60), ("月检", "泵房月检", 3)]
    assert found.total is not None
    assert found.total[2] == 63
