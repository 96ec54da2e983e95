"""Occurrences of plans due in a month for some kinds of equipment."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from services.equipment.tables import Equipment
from services.maintenance.tables import Inspection, MaintenanceTask
from services.report.chapters.tasks import Task
from services.report.collect.links import kind
from services.report.collect.source import Source
from services.report.model import Month
from services.report.months import next_first

PERIODS = {
    "day": "每日", "week": "每周", "month": "每月", "quarter": "每季", "half_year": "每半年", "year": "每年",
}  # fmt: skip


def tasks(source: Source, month: Month, kinds: Collection[str]) -> tuple[Task, ...]:
    """Those of the month by the day they were due on (AMB-28); what was recorded after the cut-off is not in them."""
    upkeep = source.config.upkeep
    row = MaintenanceTask
    query = (
        select(
            row.id, row.plan, row.level, row.equipment_id, row.due_on, row.due_at, row.state, row.done_at, row.on_time,
            row.passed, row.outside_window, Equipment.name.label("thing"), Equipment.kind, Inspection.emergency,
        )
        .join(Equipment, Equipment.id == row.equipment_id)
        .outerjoin(Inspection, Inspection.id == row.inspection_id)
        .where(
            MaintenanceTask.site == source.config.site.id,
            MaintenanceTask.due_on >= month.first_on,
            MaintenanceTask.due_on < next_first(month.first_on),
            MaintenanceTask.state != "cancelled",
            Equipment.kind.in_(sorted(kinds)),
        )
        .order_by(MaintenanceTask.due_at, MaintenanceTask.id)
    )  # fmt: skip
    found = []
    for one in source.session.execute(query):
        plan = upkeep.plan_by_id.get(one.plan)
        # What was done after the month was undone at its end, but for the night that counts for its last day (AMB-05).
        until = month.now if one.on_time else month.ends_at
        done = one.state == "done" and one.done_at is not None and one.done_at < until
        period = ""
        if plan is not None:
            period = PERIODS.get(plan.every or "", "") or _interval(plan.interval)
            period = period or (f"每 {plan.meter.step:g}" if plan.meter else "")
        found.append(
            Task(
                id=one.id, plan=one.plan, plan_name=plan.name if plan else one.plan, period=period,
                equipment_id=one.equipment_id, equipment=one.thing, kind=one.kind, kind_name=kind(one.kind),
                due_on=one.due_on, due_at=one.due_at, done_at=one.done_at if done else None,
                on_time=bool(done and one.on_time), passed=one.passed if done else None,
                outside_window=one.outside_window,
                windowed=plan is not None and plan.window_from is not None and not one.emergency,
                daily=one.level == 1, requirement=plan.requirement if plan else "",
            )
        )  # fmt: skip
    return tuple(found)


def _interval(interval: timedelta | None) -> str:
    return f"每 {interval / timedelta(days=1):g} 天" if interval else ""
