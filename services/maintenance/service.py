"""Tasks of maintenance: what is open, what becomes of it. Occurrences are made by `generate`."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.equipment.tables import Equipment
from services.kernel import audit
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id
from services.maintenance.model import LONGEST_GRACE, Frame, due_moment, in_window, plans_for, rhythm
from services.maintenance.tables import MaintenanceTask

_LONGEST_REASON = 200


def get(session: Session, task_id: str) -> MaintenanceTask:
    """The task with this id; raises NotFound."""
    task = session.get(MaintenanceTask, task_id)
    if task is None:
        raise NotFound(f"There is no maintenance task {task_id}", task=task_id)
    return task


def open_for(session: Session, equipment_id: str, now: datetime) -> list[MaintenanceTask]:
    """What can be done at a piece of equipment now: opened and not done, the earliest due first."""
    query = (
        select(MaintenanceTask)
        .where(
            MaintenanceTask.equipment_id == equipment_id,
            MaintenanceTask.state == "open",
            MaintenanceTask.opens_at <= now,
        )
        .order_by(MaintenanceTask.due_at, MaintenanceTask.level, MaintenanceTask.id)
    )
    return list(session.scalars(query))


def is_made_up_for(session: Session, task: MaintenanceTask) -> bool:
    """Whether a later one of its plan has been done: what is done again today does not do what was missed before."""
    later = select(MaintenanceTask.id).where(
        MaintenanceTask.equipment_id == task.equipment_id,
        MaintenanceTask.plan == task.plan,
        MaintenanceTask.due_at > task.due_at,
        MaintenanceTask.state == "done",
    )
    return session.scalar(later.limit(1)) is not None


def to_do(session: Session, tasks: Sequence[MaintenanceTask], at: datetime) -> MaintenanceTask | None:
    """Which of these open tasks, the earliest due first, is done by what is done at this moment."""
    # Today's before yesterday's that nobody did: what was missed is not done by what is done today.
    in_time = [one for one in tasks if at < one.due_at]
    late = [one for one in tasks if not is_made_up_for(session, one)]
    return next(iter(in_time), None) or next(reversed(late), None)


def tasks_of(session: Session, site: str, since_at: datetime, until_at: datetime) -> list[MaintenanceTask]:
    """A site's tasks whose due day begins in [since_at, until_at): two local midnights; every state (AMB-28)."""
    # A due moment is the midnight after the due day, or up to LONGEST_GRACE later.
    query = (
        select(MaintenanceTask)
        .where(
            MaintenanceTask.site == site,
            MaintenanceTask.due_at > since_at + LONGEST_GRACE,
            MaintenanceTask.due_at <= until_at + LONGEST_GRACE,
        )
        .order_by(MaintenanceTask.due_at, MaintenanceTask.id)
    )
    return list(session.scalars(query))


def complete(
    session: Session,
    config: SiteConfig,
    task: MaintenanceTask,
    *,
    inspection_id: str | None,
    passed: bool,
    by: str,
    started_at: datetime,
    done_at: datetime,
    emergency: bool = False,
) -> MaintenanceTask:
    """Done by an inspection; whether on time and in its window (TIM-12, AMB-05) is judged here. Raises Conflict."""
    if task.state != "open":
        raise Conflict(f"Maintenance task {task.id} is {task.state}", task=task.id, state=task.state)
    plan = config.upkeep.plan_by_id.get(task.plan)
    zone = ZoneInfo(config.site.timezone)
    task.state = "done"
    task.done_at, task.done_by = done_at, by
    task.on_time = done_at < task.due_at
    task.passed = passed
    task.outside_window = plan is not None and not emergency and not in_window(plan, started_at, zone)
    task.inspection_id = inspection_id
    return task


def cancel(session: Session, task: MaintenanceTask, now: datetime, *, actor: str, reason: str) -> MaintenanceTask:
    """A person decides that it is not done, and why. Raises Conflict, Invalid."""
    words = reason.strip()
    if not words:
        raise Invalid("Cancelling needs a reason", hint="Say why it is not done", field="reason")
    if len(words) > _LONGEST_REASON:
        raise Invalid(f"The reason has {len(words)} characters", hint="Use 200 at most", field="reason")
    if task.state != "open":
        raise Conflict(f"Maintenance task {task.id} is {task.state}", task=task.id, state=task.state)
    task.state, task.cancelled_at, task.cancelled_why = "cancelled", now, words
    what = {"plan": task.plan, "equipment": task.equipment_id, "occurrence": task.occurrence}
    audit.record(session, now, actor, "maintenance.cancelled", task.id, **what, reason=words)
    return task


def begin_overhaul(
    session: Session, config: SiteConfig, row: Equipment, plan_id: str, due_on: date, now: datetime, *, actor: str
) -> MaintenanceTask:
    """A person asks for a plan without a period (level 5) until a day. Raises Invalid, Conflict."""
    plan = next((one for one in plans_for(config.upkeep, row.kind, row.eid) if one.id == plan_id), None)
    if plan is None or rhythm(plan):
        hint = "Choose one of level 5; the others come by themselves"
        raise Invalid(f"{row.eid} has no plan {plan_id} that is begun by hand", hint=hint, field="plan")
    frame = frame_of(config)
    if due_on < frame.day_of(now):
        raise Invalid(f"{due_on} is over", hint="Choose today or a later day", field="due_on")
    key = f"h:{due_on}"
    same = select(MaintenanceTask).where(
        MaintenanceTask.plan == plan_id, MaintenanceTask.equipment_id == row.id, MaintenanceTask.occurrence == key
    )
    if session.scalar(same) is not None:
        raise Conflict(f"{plan_id} of {row.eid} is already due on {due_on}", plan=plan_id, due_on=due_on.isoformat())
    task = MaintenanceTask(
        id=new_id(),
        site=row.site,
        plan=plan.id,
        equipment_id=row.id,
        occurrence=key,
        level=plan.level,
        checklist=plan.checklist,
        owner_role=plan.owner_role,
        contract=plan.contract or "",
        opens_at=now,
        due_at=due_moment(plan, due_on, frame),
        due_on=due_on,
        created_at=now,
    )
    session.add(task)
    session.flush()
    audit.record(session, now, actor, "maintenance.begun", task.id, plan=plan.id, equipment=row.id, due_on=str(due_on))
    return task


def frame_of(config: SiteConfig) -> Frame:
    """The zone and calendar of a site."""
    return Frame(ZoneInfo(config.site.timezone), config.upkeep.calendar)
