"""Maintenance tasks of the past: made by the plans as they are made, done or not as the dice fall."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.site.fire import TestKind
from gateway.site.upkeep import Checklist, ChecklistItem
from services.cli.history.order_rows import add
from services.cli.history.past import Past, between
from services.equipment.tables import Equipment
from services.fire.tables import FireTest
from services.kernel.ids import new_id
from services.maintenance.tables import Inspection, MaintenanceTask

Fate = Literal["done", "late", "failed", "never"]
FATES: tuple[tuple[Fate, int], ...] = (("done", 91), ("late", 4), ("failed", 3), ("never", 2))


@dataclass(frozen=True, slots=True)
class TaskFact:
    """What truly became of one task; `done_at` may lie in the future: then nothing has."""

    task: str
    plan: str
    equipment: str
    """Short id in the ledger."""
    occurrence: str
    level: int
    opens_at: datetime
    due_at: datetime
    due_on: date
    fate: Fate
    done_at: datetime | None
    by: str

    @property
    def passed(self) -> bool:
        """Nothing was found."""
        return self.fate != "failed"


def plan(session: Session, past: Past) -> list[TaskFact]:
    """What becomes of every task that has been made."""
    query = (
        select(MaintenanceTask, Equipment.eid)
        .join(Equipment, Equipment.id == MaintenanceTask.equipment_id)
        .where(MaintenanceTask.site == past.site)
        .order_by(MaintenanceTask.due_at, MaintenanceTask.id)
    )
    return [_fact(past, row, eid) for row, eid in session.execute(query)]


def _fact(past: Past, row: MaintenanceTask, eid: str) -> TaskFact:
    dice = past.dice("task", row.plan, eid, row.occurrence)
    fates, weights = zip(*FATES, strict=True)
    fate: Fate = dice.choices(fates, weights)[0]
    in_time = row.opens_at + (row.due_at - row.opens_at) * dice.uniform(0.05, 0.95)
    after = row.due_at + between(dice, timedelta(hours=1), timedelta(days=9))
    done_at = {"done": in_time, "failed": in_time, "late": after, "never": None}[fate]
    return TaskFact(
        row.id, row.plan, eid, row.occurrence, row.level, row.opens_at, row.due_at, row.due_on, fate,
        done_at.replace(microsecond=0) if done_at else None, dice.choice(past.people("engineer")),
    )  # fmt: skip


def write(session: Session, past: Past, facts: list[TaskFact], ledger: dict[str, Equipment]) -> None:
    """Write what was done by now: the task, its inspection, and the functional test of a fire device."""
    done = [one for one in facts if one.done_at is not None and past.is_over(one.done_at)]
    plans, lists = past.config.upkeep.plan_by_id, past.config.upkeep.checklist_by_id
    session.execute(update(MaintenanceTask), [_done(past, one) for one in done])
    items = {one.id: [item.model_dump(mode="json") for item in one.items] for one in past.config.upkeep.checklists}
    inspections, tests = [], []
    for one in done:
        row, checklist = ledger[one.equipment], lists[plans[one.plan].checklist]
        inspections.append(_inspection(past, one, row, checklist, items[checklist.id]))
        if checklist.fire_test is not None and row.origin in ("fire_point", "appliance"):
            tests.append(_test(past, one, checklist.fire_test))
    add(session, Inspection, inspections)
    add(session, FireTest, tests)


def _key(past: Past, fact: TaskFact) -> str:
    return f"{past.site}/{fact.task}"


def _done(past: Past, fact: TaskFact) -> dict[str, Any]:
    return {
        "id": fact.task, "state": "done", "done_at": fact.done_at, "done_by": fact.by, "passed": fact.passed,
        "on_time": fact.done_at is not None and fact.done_at < fact.due_at, "outside_window": False,
        "inspection_id": _key(past, fact),
    }  # fmt: skip


def _inspection(
    past: Past, fact: TaskFact, row: Equipment, checklist: Checklist, items: list[dict[str, Any]]
) -> dict[str, Any]:
    answers = {item.id: _good(item) for item in checklist.items if item.kind not in ("photo", "signature")}
    findings = [] if fact.passed else [_worst(checklist).id]
    answers |= {one: _bad(checklist.item_by_id[one]) for one in findings}
    return {
        "id": _key(past, fact), "site": past.site, "equipment_id": row.id, "checklist": checklist.id,
        "items": items, "answers": answers, "findings": findings,
        "passed": fact.passed, "by": fact.by, "started_at": fact.done_at, "at": fact.done_at,
        "received_at": fact.done_at, "opened_by": "tag", "note": "", "photos": [], "instrument": "",
        "emergency": False, "order_ids": [],
    }  # fmt: skip


def _worst(checklist: Checklist) -> ChecklistItem:
    return next((one for one in checklist.items if one.kind == "pass_fail"), checklist.items[0])


def _good(item: ChecklistItem) -> Any:
    if item.kind == "number":
        low, high = item.minimum, item.maximum
        if low is not None and high is not None:
            return round((low + high) / 2, item.decimals)
        return round(low * 2 + 1, item.decimals) if low is not None else round((high or 2.0) / 2, item.decimals)
    if item.kind == "choice":
        return next(iter(item.good or item.choices), "")
    return True if item.kind == "pass_fail" else "正常"


def _bad(item: ChecklistItem) -> Any:
    if item.kind == "number":
        return (item.minimum or 0.0) - 1.0 if item.minimum is not None else (item.maximum or 0.0) + 1.0
    return False if item.kind == "pass_fail" else "异常"


def _test(past: Past, fact: TaskFact, kind: TestKind) -> dict[str, Any]:
    at = fact.done_at or fact.due_at
    return {
        "id": new_id(), "site": past.site, "device": fact.equipment, "kind": kind, "passed": fact.passed,
        "tested_on": at.astimezone(past.zone).date(), "at": at, "by": fact.by, "note": "", "signal_id": None,
    }  # fmt: skip
