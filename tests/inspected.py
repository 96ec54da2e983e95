"""A site with a few plans and checklists, its ledger and what is due, and checklists as somebody filled them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Checklist, ChecklistItem, MeterTrigger, Plan, Upkeep
from services.equipment import service as equipment
from services.equipment.tables import Equipment
from services.flows.inspections import Filled
from services.kernel.ids import new_id
from services.maintenance.tables import MaintenanceTask

PUMP = Checklist(
    id="pump-daily",
    name="水泵日检",
    name_en="Daily pump check",
    items=(
        ChecklistItem(id="leak", text="机械密封无渗漏", text_en="No leak at the seal"),
        ChecklistItem(id="noise", text="无异响", text_en="No noise"),
        ChecklistItem(
            id="pressure", text="出口压力", text_en="Outlet pressure", kind="number", unit="MPa", decimals=3,
            minimum=0.35, maximum=0.55,
        ),
        ChecklistItem(
            id="hours", text="运行小时", text_en="Run hours", kind="number", unit="h", required=False, meter="run-hours"
        ),
        ChecklistItem(id="lamp", text="指示灯", kind="choice", choices=("绿", "红"), good=("绿",), required=False),
    ),
)  # fmt: skip
BOX = Checklist(
    id="box-yearly",
    name="配电箱检测",
    name_en="Distribution box test",
    items=(
        ChecklistItem(
            id="insulation", text="绝缘电阻", text_en="Insulation", kind="number", unit="MΩ", minimum=0.5,
            needs_instrument=True, requirement="NUM-02",
        ),
        ChecklistItem(
            id="terminals", text="接线端子紧固", text_en="Terminals tight", requirement="NUM-03", photo_if_failed=True
        ),
        ChecklistItem(id="label", text="标识清晰", text_en="Labels legible"),
        ChecklistItem(id="sign", text="检测人签名", text_en="Signature", kind="signature", required=False),
    ),
)  # fmt: skip
GEAR = Checklist(
    id="extinguisher-monthly",
    name="灭火器月检",
    name_en="Monthly extinguisher check",
    items=(ChecklistItem(id="needle", text="压力表指针在绿区"), ChecklistItem(id="seal", text="铅封完好")),
    fire_test="pressure",
)
LIFT = Checklist(id="lift-monthly", name="电梯保养", items=(ChecklistItem(id="brake", text="制动器正常"),))
UPKEEP = Upkeep(
    checklists=(PUMP, BOX, GEAR, LIFT),
    plans=(
        Plan(id="pump-day", name="水泵日检", level=1, kinds=("pump_set",), every="day", checklist="pump-daily"),
        Plan(id="box-year", name="配电箱年检", level=4, kinds=("distribution_box",), every="year",
             checklist="box-yearly"),
        Plan(id="gear-month", name="灭火器月检", level=2, kinds=("extinguisher",), every="month",
             checklist="extinguisher-monthly"),
        Plan(id="lift-month", name="电梯半月保养", level=6, kinds=("elevator",), every="month",
             checklist="lift-monthly", window_from="00:00", window_until="06:00"),
        Plan(id="pump-hours", name="水泵换油", level=3, kinds=("pump_set",), checklist="pump-daily",
             meter=MeterTrigger(meter="run-hours", step=500)),
    ),
)  # fmt: skip
PUMP_GOOD = {"leak": True, "noise": True, "pressure": 0.45}
BOX_GOOD = {"insulation": 1.2, "terminals": True, "label": True}


def with_upkeep(config: SiteConfig) -> SiteConfig:
    """The site with these plans instead of its own."""
    return SiteConfig(**{name: getattr(config, name) for name in SiteConfig.model_fields} | {"upkeep": UPKEEP})


def entry(session: Session, config: SiteConfig, eid: str, now: datetime) -> Equipment:
    """An entry of the ledger, which is made first if it is not there."""
    equipment.sync(session, config, now)
    row = equipment.by_eid(session, config.site.id, eid)
    assert row is not None, eid
    return row


def task(
    session: Session, row: Equipment, checklist: str, opens_at: datetime, *, plan: str = "", days: int = 1, **more: Any
) -> MaintenanceTask:
    """Something due for an entry."""
    due_at = opens_at + timedelta(days=days)
    found = MaintenanceTask(
        id=new_id(), site=row.site, plan=plan or f"plan-{checklist}", equipment_id=row.id,
        occurrence=opens_at.date().isoformat(), level=1, checklist=checklist, opens_at=opens_at, due_at=due_at,
        due_on=due_at.date(), created_at=opens_at, **{"owner_role": "engineer"} | more,
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def filled(row: Equipment, checklist: str, answers: dict[str, Any], at: datetime, **more: Any) -> Filled:
    """A checklist that took five minutes."""
    known = {
        "client_id": f"c{new_id()}",
        "by": "engineer-water",
        "started_at": at - timedelta(minutes=5),
        "opened_by": "tag",
    }
    return Filled(equipment_id=row.id, checklist=checklist, answers=answers, at=at, **known | more)
