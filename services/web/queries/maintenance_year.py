"""The year calendar: what was done, what is late and what is to come, month by month."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import CLASSES
from gateway.site.model import SiteConfig
from gateway.site.upkeep import Plan
from services.equipment.model import class_of
from services.equipment.tables import Equipment
from services.maintenance.model import occurrences, span_of, state_of
from services.maintenance.service import frame_of
from services.maintenance.tables import MaintenanceTask, PlanMark
from services.web.queries.maintenance import level_name, plan_name, plan_of
from services.web.queries.places import Places

By = Literal["plan", "class"]
Part = Literal["done", "done_late", "overdue", "open", "planned"]
PARTS: tuple[Part, ...] = ("done", "done_late", "overdue", "open", "planned")
"""How a cell is divided, from left to right; cancelled ones are in none."""
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Cell:
    """One row in one month."""

    counts: dict[Part, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))

    @property
    def total(self) -> int:
        """How many are due in it."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """How many of them are done."""
        return self.counts["done"] + self.counts["done_late"]

    @property
    def bars(self) -> list[tuple[Part, float, float]]:
        """(part, where it begins, how wide it is), both in percent."""
        found, x = [], 0.0
        for part in PARTS:
            width = 100 * self.counts[part] / self.total if self.total else 0.0
            if width:
                found.append((part, round(x, 2), round(width, 2)))
            x += width
        return found

    @property
    def worst(self) -> str:
        """What the cell looks like at a glance: overdue, done_late, done, open, planned or empty."""
        if not self.total:
            return "empty"
        if self.counts["overdue"]:
            return "overdue"
        if self.counts["open"]:
            return "open"
        if self.counts["planned"] == self.total:
            return "planned"
        return "done_late" if self.counts["done_late"] else "done"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the calendar: a plan, or a class of equipment."""

    id: str
    name: str
    level: int
    """0: a class."""
    cells: tuple[Cell, ...]

    @property
    def total(self) -> Cell:
        """The whole year."""
        found = Cell()
        for cell in self.cells:
            for part in PARTS:
                found.counts[part] += cell.counts[part]
        return found


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under one heading."""

    title: str
    lines: tuple[Line, ...]


def year_calendar(
    s: Session, config: SiteConfig, places: Places, year: int, now: datetime, by: By, *, english: bool
) -> list[Section]:
    """Every occurrence of a year by the month of its due day (AMB-28)."""
    rows: dict[tuple[str, str], tuple[Cell, ...]] = {}

    def cell(plan: str, kind: str, month: int) -> Cell:
        key = (plan, "") if by == "plan" else ("", class_of(kind))
        return rows.setdefault(key, tuple(Cell() for _ in range(12)))[month - 1]

    _made(s, config, year, now, cell)
    _to_come(s, config, year, now, cell)
    if by == "class":
        names = {one: name.name_en if english else name.name for one, name in CLASSES.items()}
        lines = [Line(one, name, 0, rows["", one]) for one, name in names.items() if ("", one) in rows]
        return [Section("", tuple(lines))] if lines else []
    levels: dict[int, list[Line]] = {}
    for plan, cells in sorted((plan, cells) for (plan, _), cells in rows.items()):
        found = plan_of(config, plan)
        level = found.level if found is not None else 0
        levels.setdefault(level, []).append(Line(plan, plan_name(config, plan, places), level, cells))
    order = {plan.id: number for number, plan in enumerate(config.upkeep.plans)}
    return [
        Section(
            level_name(level, english) if level else "",
            tuple(sorted(levels[level], key=lambda one: (order.get(one.id, len(order)), one.id))),
        )
        for level in sorted(levels, key=lambda one: one or 9)
    ]


def _made(s: Session, config: SiteConfig, year: int, now: datetime, cell: Callable[[str, str, int], Cell]) -> None:
    query = (
        select(
            MaintenanceTask.plan, Equipment.kind, MaintenanceTask.due_on, MaintenanceTask.state,
            MaintenanceTask.on_time, MaintenanceTask.due_at, func.count(),
        )
        .join(Equipment, Equipment.id == MaintenanceTask.equipment_id)
        .where(
            MaintenanceTask.site == config.site.id,
            MaintenanceTask.due_on >= date(year, 1, 1),
            MaintenanceTask.due_on <= date(year, 12, 31),
            MaintenanceTask.state != "cancelled",
        )
        .group_by(
            MaintenanceTask.plan, Equipment.kind, MaintenanceTask.due_on, MaintenanceTask.state,
            MaintenanceTask.on_time, MaintenanceTask.due_at,
        )
    )  # fmt: skip
    for plan, kind, due_on, state, on_time, due_at, count in s.execute(query):
        shown = state_of(state, due_at, due_at, on_time, now)
        part: Part = "open" if shown in ("planned", "cancelled") else shown  # type: ignore[assignment]
        cell(plan, kind, due_on.month).counts[part] += count


def _to_come(s: Session, config: SiteConfig, year: int, now: datetime, cell: Callable[[str, str, int], Cell]) -> None:
    """Occurrences that are not made yet: the same for all equipment that a plan began for on the same day."""
    for plan, kind, due_on, count in upcoming(s, config, now, date(year, 12, 31)):
        if due_on.year == year:
            cell(plan.id, kind, due_on.month).counts["planned"] += count


def upcoming(s: Session, config: SiteConfig, now: datetime, last_on: date) -> Iterable[tuple[Plan, str, date, int]]:
    """(plan, kind, due day, how many) of what opens after what has been made, until a day."""
    frame = frame_of(config)
    query = (
        select(PlanMark.plan, Equipment.kind, PlanMark.since_on, PlanMark.until_on, func.count())
        .join(Equipment, Equipment.id == PlanMark.equipment_id)
        .where(PlanMark.site == config.site.id, PlanMark.ended_on.is_(None))
        .group_by(PlanMark.plan, Equipment.kind, PlanMark.since_on, PlanMark.until_on)
    )
    for plan_id, kind, since_on, until_on, count in s.execute(query):
        plan = config.upkeep.plan_by_id.get(plan_id)
        if plan is None:
            continue
        for one in occurrences(plan, span_of(plan, since_on), until_on, last_on + _DAY, frame):
            yield plan, kind, one.due_on, count
