"""Maintenance over HTTP: tasks of a span of days, plans, cancelling, overhauls."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from sqlalchemy import select

from gateway.site.model import SiteConfig
from services.equipment.tables import Equipment
from services.kernel.errors import Invalid
from services.maintenance import service
from services.maintenance.model import rhythm
from services.maintenance.reading import who
from services.maintenance.tables import MaintenanceTask
from services.web import maintenance_actions as actions
from services.web.api import maintenance_schemas as schemas
from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc
from services.web.queries.maintenance import maintenance_site, shown_state
from services.web.queries.maintenance_plans import PlanLine, plans_page

router = api_router("maintenance")

MOST = 1000
"""Tasks in one answer."""
LONGEST_DAYS = 400
Site = Annotated[str, Query(max_length=64, description="Empty: the first site")]
TaskId = Annotated[str, Path(min_length=1, max_length=26)]
State = Literal["", "open", "overdue", "done", "cancelled"]


@router.get("/maintenance/tasks", operation_id="list_maintenance_tasks")
def tasks(
    svc: Svc,
    actor: Signed,
    now: Now,
    since_on: date,
    until_on: date,
    site: Site = "",
    state: State = "",
    after: Annotated[str, Query(max_length=26, description="Id of the last one of the page before")] = "",
) -> list[schemas.TaskOut]:
    """Tasks due from one day to another, both included, in the order of their ids, at most 1000."""
    if not 0 <= (until_on - since_on).days <= LONGEST_DAYS:
        hint = f"Ask for at most {LONGEST_DAYS} days, the first before the last"
        raise Invalid(f"{since_on} to {until_on} is no such span", hint=hint, field="until_on")
    config = maintenance_site(svc.configs, site)
    query = (
        select(MaintenanceTask, Equipment)
        .join(Equipment, Equipment.id == MaintenanceTask.equipment_id)
        .where(
            MaintenanceTask.site == config.site.id,
            MaintenanceTask.due_on >= since_on,
            MaintenanceTask.due_on <= until_on,
            MaintenanceTask.id > after,
        )
    )
    if state:
        query = query.where(MaintenanceTask.state == ("open" if state == "overdue" else state))
    if state == "overdue":
        query = query.where(MaintenanceTask.due_at <= now)
    with svc.db.read() as s:
        found = s.execute(query.order_by(MaintenanceTask.id).limit(MOST)).all()
        return [_task(config, task, row, now) for task, row in found]


@router.get("/maintenance/plans", operation_id="list_maintenance_plans")
def plans(svc: Svc, actor: Signed, site: Site = "") -> list[schemas.PlanOut]:
    """Every plan of a site, active or not."""
    config = maintenance_site(svc.configs, site)
    with svc.db.read() as s:
        page = plans_page(s, config, english=False, idle=True)
    return [_plan(line) for level in page.levels for line in level.lines] + [_plan(line) for line in page.inactive]


@router.post("/maintenance/tasks/{task_id}/cancel", operation_id="cancel_maintenance_task")
def cancel(svc: Svc, actor: Signed, now: Now, task_id: TaskId, body: schemas.CancelTask) -> schemas.TaskOut:
    """Say that it is not done, and why."""
    return _out(svc, actions.cancel(svc, actor, task_id, body.reason, now), now)


@router.post("/maintenance/overhauls", operation_id="begin_overhaul", status_code=201)
def begin(svc: Svc, actor: Signed, now: Now, body: schemas.BeginOverhaul) -> schemas.TaskOut:
    """Ask for a major overhaul until a day (PER-05)."""
    return _out(svc, actions.begin(svc, actor, body.equipment_id, body.plan, body.due_on, now), now)


def _out(svc: Svc, task: MaintenanceTask, now: datetime) -> schemas.TaskOut:
    with svc.db.read() as s:
        found = service.get(s, task.id)
        return _task(svc.configs.site(found.site), found, s.get_one(Equipment, found.equipment_id), now)


def _task(config: SiteConfig, task: MaintenanceTask, row: Equipment, now: datetime) -> schemas.TaskOut:
    ours = {"equipment", "who", "state"}
    columns = {name: getattr(task, name) for name in schemas.TaskOut.model_fields if name not in ours}
    answering = who(config, task.owner_role, row)
    return schemas.TaskOut(**columns, equipment=row.eid, who=answering, state=shown_state(task, now))


def _plan(line: PlanLine) -> schemas.PlanOut:
    plan = line.plan
    return schemas.PlanOut(
        id=plan.id,
        name=plan.name,
        name_en=plan.name_en,
        level=plan.level,
        requirement=plan.requirement,
        source=str(plan.source or ""),
        rhythm=rhythm(plan),
        checklist=plan.checklist,
        contract=plan.contract or "",
        equipment=line.count,
        inactive=line.inactive.why if line.inactive else "",
    )
