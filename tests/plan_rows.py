"""Plans, sites and ledger rows for tests of maintenance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scenario.site import shipped, with_changes
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Checklist, ChecklistItem, Plan, Upkeep, WorkCalendar
from services.equipment.tables import Equipment
from services.maintenance.tables import MaintenanceTask

CHECKLIST = Checklist(id="look", name="看", items=(ChecklistItem(id="ok", text="正常"),))


def plan(id_: str = "pump", **changes: Any) -> Plan:
    """A plan for pump sets, monthly when nothing else is said."""
    rhythm = {} if {"every", "interval", "meter"} & set(changes) or changes.get("level") == 5 else {"every": "month"}
    values: dict[str, Any] = {
        "id": id_, "name": id_, "level": 2, "kinds": ("pump_set",), "checklist": "look", **rhythm, **changes,
    }  # fmt: skip
    return Plan(**values)


def site(*plans: Plan, zone: str = "Asia/Shanghai", calendar: WorkCalendar | None = None, **more: Any) -> SiteConfig:
    """The shipped site with these plans only."""
    base = shipped().site("yunhe")
    upkeep = Upkeep(plans=plans, checklists=(CHECKLIST,), calendar=calendar or WorkCalendar(), **more)
    return with_changes(base, site=base.site.model_copy(update={"timezone": zone}), upkeep=upkeep)


def entry(session: Session, number: int = 1, *, kind: str = "pump_set", **changes: Any) -> Equipment:
    """An entry of the ledger, in use."""
    values: dict[str, Any] = {
        "id": f"{number:026}", "site": "yunhe", "eid": f"e-{number}", "origin": "entered", "tag": f"T{number:08}",
        "name": f"设备{number}", "kind": kind, "status_at": at("2026-01-01"), "created_at": at("2026-01-01"),
        "updated_at": at("2026-01-01"), **changes,
    }  # fmt: skip
    row = Equipment(**values)
    session.add(row)
    session.flush()
    return row


def at(day: str | date, clock: str = "12:00", zone: str = "Asia/Shanghai") -> datetime:
    """A local moment in UTC."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def days(first: str, count: int) -> list[date]:
    """So many days from one on."""
    return [date.fromisoformat(first) + n * timedelta(days=1) for n in range(count)]


def tasks(session: Session, *states: str) -> list[MaintenanceTask]:
    """The tasks in these states (all without), by plan, due day and occurrence."""
    query = select(MaintenanceTask).order_by(
        MaintenanceTask.plan, MaintenanceTask.due_on, MaintenanceTask.occurrence, MaintenanceTask.equipment_id
    )
    return [one for one in session.scalars(query) if not states or one.state in states]
