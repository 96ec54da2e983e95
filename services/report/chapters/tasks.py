"""Occurrences of plans as chapters about one kind of equipment show them: plan by plan, due, done, passed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.report.chapters.parts import col
from services.report.model import Cell, Table

COLUMNS = (
    col("plan", "计划", "Plan", width=2.0),
    col("kind", "设备类别", "Kind", width=1.4),
    col("period", "周期", "Period"),
    col("due", "应做", "Due", "int"),
    col("done", "完成", "Done", "int"),
    col("on_time", "准时", "On time", "int"),
    col("passed", "合格", "Passed", "int"),
    col("overdue", "逾期未做", "Overdue", "int"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One occurrence, due in the month (AMB-28); cancelled ones are left out before."""

    id: str
    plan: str
    plan_name: str
    period: str
    equipment_id: str
    equipment: str
    kind: str
    """Id of the kind of equipment."""
    kind_name: str
    due_on: date
    due_at: datetime
    done_at: datetime | None
    on_time: bool
    passed: bool | None
    outside_window: bool = False
    windowed: bool = False
    """Its plan has a window, and it was no emergency."""
    daily: bool = False
    """Of level 日检."""
    requirement: str = ""

    def overdue(self, at: datetime) -> bool:
        """Not done although its time had run out."""
        return self.done_at is None and self.due_at <= at


def table(table_id: str, caption: str, caption_en: str, tasks: Iterable[Task], at: datetime) -> Table:
    """One row per plan and kind of equipment."""
    groups: dict[tuple[str, str], list[Task]] = {}
    for one in tasks:
        groups.setdefault((one.plan, one.kind), []).append(one)
    rows = tuple(_row(groups[key], at) for key in sorted(groups))
    return Table(id=table_id, caption=caption, caption_en=caption_en, columns=COLUMNS, rows=rows)


def _row(own: Sequence[Task], at: datetime) -> tuple[Cell, ...]:
    return (
        own[0].plan_name, own[0].kind_name, own[0].period, len(own),
        sum(one.done_at is not None for one in own), sum(one.on_time for one in own),
        sum(one.passed is True for one in own), sum(one.overdue(at) for one in own),
    )  # fmt: skip
