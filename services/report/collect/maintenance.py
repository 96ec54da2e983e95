"""Occurrences of plans, coverage, contracts and next month's work for section 七."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.equipment.model import people_of
from services.equipment.tables import Equipment
from services.maintenance.model import BY_ITSELF, occurrences, plans_for, span_of
from services.maintenance.service import frame_of
from services.maintenance.tables import Inspection, MaintenanceTask, PlanMark
from services.report.chapters.maintenance import Coming, ContractRecord, Covered, MaintenanceFacts, TaskRecord
from services.report.collect.history import orders_of
from services.report.collect.links import kind, person
from services.report.collect.source import Source
from services.report.collect.standing import standings
from services.report.model import Month
from services.report.months import next_first
from services.work_order.categories import CATEGORIES

_READ = (
    "id", "plan", "level", "equipment_id", "due_on", "due_at", "contract", "state", "done_at", "on_time", "passed",
    "outside_window", "cancelled_at", "cancelled_why",
)  # fmt: skip
"""Columns of a task: whole rows as objects cost most of the time."""
_EARLIER = timedelta(days=400)
"""Plans open at most a year before they are due."""


def collect(source: Source, month: Month) -> MaintenanceFacts:
    """Everything as it stood at the month's end."""
    session, config = source.session, source.config
    things = {row.id: row for row in session.scalars(select(Equipment).where(Equipment.site == config.site.id))}
    names: dict[str, str] = {}
    after = next_first(month.first_on)
    in_month = and_(MaintenanceTask.due_on >= month.first_on, MaintenanceTask.due_on < after)
    left_over = and_(
        MaintenanceTask.due_on < month.first_on,
        or_(MaintenanceTask.done_at.is_(None), MaintenanceTask.done_at >= month.ends_at),
    )
    done_then = and_(MaintenanceTask.done_at >= month.since_at, MaintenanceTask.done_at < month.ends_at)
    query = (
        select(*(getattr(MaintenanceTask, one) for one in _READ), Inspection.emergency)
        .outerjoin(Inspection, Inspection.id == MaintenanceTask.inspection_id)
        .where(MaintenanceTask.site == config.site.id, or_(in_month, left_over, done_then))
        .order_by(MaintenanceTask.due_at, MaintenanceTask.id)
    )
    last_done = _last_done(session, config, month)
    records = []
    made_up: set[str] = set()
    for row in session.execute(query):
        if row.due_at < last_done.get((row.plan, row.equipment_id), row.due_at):
            made_up.add(row.id)
        thing = things[row.equipment_id]
        if thing.id not in names:
            names[thing.id] = person(config, people_of(config, thing).responsible)
        if not _dropped(row, month):
            records.append(_record(config, thing, row, month, names[thing.id]))
    live = [one.row for one in standings(source, month) if one.live]
    return MaintenanceFacts(
        tasks=tuple(
            one for one in records
            if month.first_on <= one.due_on < after and (month.over or one.due_at <= month.now)
        ),
        late_before=tuple(
            one for one in records
            if one.due_on < month.first_on and one.done_at is None and not one.called_off and one.id not in made_up
        ),
        started=tuple(
            one for one in records if one.done_at is not None and month.since_at <= one.done_at < month.ends_at
        ),
        live=tuple(
            Covered(row.id, row.name, kind(row.kind), bool(plans_for(config.upkeep, row.kind, row.eid))) for row in live
        ),
        contracts=tuple(
            ContractRecord(one.id, one.name, one.contractor, one.ends_on, bool(one.legal_review))
            for one in config.upkeep.contracts
            if one.starts_on < after
        ),
        coming=_coming(session, config, live, after),
        repairs=_repairs(source, month),
    )  # fmt: skip


def _last_done(session: Session, config: SiteConfig, month: Month) -> dict[tuple[str, str], datetime]:
    """(plan, equipment) → the last due moment of those that were done when the month ended."""
    query = (
        select(MaintenanceTask.plan, MaintenanceTask.equipment_id, func.max(MaintenanceTask.due_at))
        .where(
            MaintenanceTask.site == config.site.id,
            MaintenanceTask.state == "done",
            MaintenanceTask.done_at < month.ends_at,
        )
        .group_by(MaintenanceTask.plan, MaintenanceTask.equipment_id)
    )
    return {(plan, equipment): due_at for plan, equipment, due_at in session.execute(query)}


def _record(config: SiteConfig, thing: Equipment, row: Any, month: Month, responsible: str) -> TaskRecord:
    plan = config.upkeep.plan_by_id.get(row.plan)
    # Work of the last night counts for the day before: its end lies a little after the month's.
    until = min(max(month.ends_at, row.due_at), month.now)
    done = row.done_at if row.state == "done" and row.done_at is not None and row.done_at <= until else None
    return TaskRecord(
        id=row.id,
        plan=plan.name if plan is not None else row.plan,
        level=row.level,
        equipment_id=row.equipment_id,
        equipment=thing.name,
        due_on=row.due_on,
        due_at=row.due_at,
        contract=row.contract,
        done_at=done,
        on_time=done is not None and bool(row.on_time),
        passed=row.passed if done is not None else None,
        is_lift=thing.kind == "elevator",
        windowed=plan is not None and plan.window_from is not None,
        outside_window=row.outside_window,
        emergency=bool(row.emergency),
        responsible=responsible,
        called_off=row.cancelled_at is not None and row.cancelled_at < month.ends_at,
    )


def _dropped(row: Any, month: Month) -> bool:
    """Not to be done any more when the month ended. Overdue work that a person calls off stays undone."""
    if row.cancelled_at is None or row.cancelled_at >= month.ends_at:
        return False
    return row.cancelled_why in BY_ITSELF or row.cancelled_at < row.due_at


def _coming(session: Session, config: SiteConfig, live: Iterable[Equipment], first_on: date) -> tuple[Coming, ...]:
    """What is due in the month that begins on `first_on`: what is there already, and what will open by then."""
    last_on = next_first(first_on)
    found: dict[str, list[date]] = {}
    there: set[tuple[str, str, str]] = set()
    for plan_id, equipment_id, key, due_on, state in session.execute(
        select(
            MaintenanceTask.plan, MaintenanceTask.equipment_id, MaintenanceTask.occurrence, MaintenanceTask.due_on,
            MaintenanceTask.state,
        ).where(
            MaintenanceTask.site == config.site.id, MaintenanceTask.due_on >= first_on, MaintenanceTask.due_on < last_on
        )
    ):  # fmt: skip
        there.add((plan_id, equipment_id, key))
        if state != "cancelled":
            found.setdefault(plan_id, []).append(due_on)
    marks = {
        (plan_id, equipment_id): since_on
        for plan_id, equipment_id, since_on in session.execute(
            select(PlanMark.plan, PlanMark.equipment_id, PlanMark.since_on).where(
                PlanMark.site == config.site.id, PlanMark.ended_on.is_(None)
            )
        )
    }
    frame = frame_of(config)
    planned: dict[tuple[str, date], list[tuple[str, date]]] = {}
    for row in live:
        for plan in plans_for(config.upkeep, row.kind, row.eid):
            since = marks.get((plan.id, row.id))
            if since is None:
                continue
            # Equipment of the same age has the same days: they are worked out once.
            if (plan.id, since) not in planned:
                early = first_on - _EARLIER if plan.every not in ("day", "week", "month") else first_on - timedelta(45)
                planned[plan.id, since] = [
                    (one.key, one.due_on)
                    for one in occurrences(plan, span_of(plan, since), early, last_on, frame)
                    if first_on <= one.due_on < last_on
                ]
            found.setdefault(plan.id, []).extend(
                due_on for key, due_on in planned[plan.id, since] if (plan.id, row.id, key) not in there
            )
    return tuple(
        Coming(plan.level, plan.name, len(days), min(days), max(days))
        for plan in config.upkeep.plans
        if (days := found.get(plan.id))
    )


def _repairs(source: Source, month: Month) -> tuple[tuple[str, str], ...]:
    """Orders finished in the month; what repaired nothing, as a missed round, is no repair."""

    def finished(at: datetime | None) -> bool:
        return at is not None and month.since_at <= at < month.ends_at

    return tuple(
        (one.row.id, f"{one.row.number} {one.row.title}")
        for one in orders_of(source, month)
        if not one.cancelled
        and finished(one.state.finished_at)
        and getattr(CATEGORIES.get(one.row.category), "repair", True)
    )
