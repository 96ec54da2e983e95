"""Commands of maintenance as the console and the API give them: permission first, then one transaction."""

from datetime import date, datetime

from services.equipment import service as equipment
from services.flows import plans
from services.kernel.collisions import once_more
from services.maintenance import service
from services.maintenance.tables import MaintenanceTask
from services.people.roles import Actor, require
from services.web.deps import Services


@once_more
def cancel(svc: Services, actor: Actor, task_id: str, reason: str, now: datetime) -> MaintenanceTask:
    """Say that a task is not done, and why."""
    require(actor, "maintenance.cancel")
    with svc.db.begin() as s:
        task = service.get(s, task_id)
        plans.look_soon(s, task.site, now)
        return service.cancel(s, task, now, actor=actor.username, reason=reason)


@once_more
def begin(svc: Services, actor: Actor, equipment_id: str, plan: str, due_on: date, now: datetime) -> MaintenanceTask:
    """Ask for a major overhaul until a day (PER-05)."""
    require(actor, "maintenance.begin")
    with svc.db.begin() as s:
        row = equipment.get(s, equipment_id)
        config = svc.configs.site(row.site)
        return service.begin_overhaul(s, config, row, plan, due_on, now, actor=actor.username)
