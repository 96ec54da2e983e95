"""What a phone has to know to inspect without network: equipment, what is due, checklists, the last values."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import SiteConfig
from gateway.site.upkeep import Checklist, ChecklistItem, Plan
from services.equipment import service as equipment
from services.equipment.model import people_of
from services.equipment.tables import Equipment
from services.flows.inspection_orders import open_findings
from services.maintenance.inspecting import version_of
from services.maintenance.model import plans_for
from services.maintenance.reading import has_later
from services.maintenance.tables import Inspection, MaintenanceTask
from services.patrol.phone.briefing import digest
from services.people.roles import Actor, Role

AHEAD = timedelta(hours=16)
"""A phone knows what opens within a shift, too."""
_IN_ONE = 500


class CheckItemOut(BaseModel):
    """One line of a checklist."""

    id: str
    text: str
    text_en: str
    kind: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    good: list[str]
    required: bool
    instrument: bool
    """The instrument's number is asked for."""
    photo: bool
    """What is not good there needs a photo."""


class ChecklistOut(BaseModel):
    """A checklist; `version` goes back with its answers."""

    id: str
    version: str
    name: str
    name_en: str
    items: list[CheckItemOut]


class PlanOut(BaseModel):
    """What tasks are called, and when their work begins."""

    id: str
    name: str
    name_en: str
    window: list[str]
    """[from, until] of the local day (TIM-12); empty: any time."""


class TaskOut(BaseModel):
    """Something due; times in epoch milliseconds."""

    id: str
    plan: str
    level: int
    checklist: str
    opens_ms: int
    due_ms: int
    due_on: str
    """Last local day on which it is on time; it may be done a few hours into the night after."""
    missed: int
    """How many earlier ones of the plan nobody did; this one does not do them."""


class EquipmentOut(BaseModel):
    """One entry of the ledger, and by what the phone knows it."""

    id: str
    eid: str
    name: str
    name_en: str
    area: str
    area_en: str
    place: str
    status: str
    tag: str
    """Digest of what its label carries."""
    checkpoints: list[str]
    """A tap at one of these is at its place."""
    tasks: list[TaskOut]
    checklists: list[str]
    """Those of its plans."""
    last: dict[str, tuple[float, int]]
    """Number item → its newest value and when it was measured."""
    findings: int
    """Found earlier and still under repair."""


class UpkeepOut(BaseModel):
    """Everything for inspections without network. `version` changes with the content, never with the time."""

    on: bool
    """This person has something to inspect, or may have."""
    version: str
    equipment: list[EquipmentOut]
    checklists: list[ChecklistOut]
    plans: list[PlanOut]
    """Those of the tasks."""


class _Open(NamedTuple):
    task: MaintenanceTask
    is_missed: bool


def upkeep(session: Session, config: SiteConfig, actor: Actor, now: datetime) -> UpkeepOut:
    """What this person's phone is told: what he answers for, and what is due for somebody of his role.

    Guards are told of nothing but what is due for guards.
    """
    rows = {row.id: row for row in equipment.of_site(session, config.site.id, live=True)}
    tasks = _tasks(session, config, actor, rows, now)
    chosen = [row for row in rows.values() if row.id in tasks or _is_his(config, row, actor)]
    plans = {row.id: plans_for(config.upkeep, row.kind, row.eid) for row in chosen}
    used = {one.checklist for those in plans.values() for one in those}
    used |= {one.task.checklist for those in tasks.values() for one in those}
    checklists = [one for one in config.upkeep.checklists if one.id in used]
    due = {one.task.plan for those in tasks.values() for one in those}
    last = _last_values(session, [row.id for row in chosen], checklists)
    findings = open_findings(session, [row.id for row in chosen])
    places = _checkpoints(config)
    out = [
        _equipment(config, row, tasks.get(row.id, []), plans[row.id], last.get(row.id, {}), findings, places)
        for row in chosen
    ]
    found = UpkeepOut(
        on=bool(out) or actor.role != Role.GUARD,
        version="",
        equipment=out,
        checklists=[_checklist(one) for one in checklists],
        plans=[_plan(one) for one in config.upkeep.plans if one.id in due],
    )
    content = found.model_dump_json().encode()
    return found.model_copy(update={"version": hashlib.sha256(content).hexdigest()[:16]})


def _is_his(config: SiteConfig, row: Equipment, actor: Actor) -> bool:
    if actor.role == Role.GUARD:
        return False
    people = people_of(config, row)
    return actor.username in (people.responsible, people.supervisor, people.manager)


def _tasks(
    session: Session, config: SiteConfig, actor: Actor, rows: Mapping[str, Equipment], now: datetime
) -> dict[str, list[_Open]]:
    """Open tasks by entry, the earliest due first; those above the engineer see everybody's."""
    missed = and_(MaintenanceTask.due_at <= now, has_later(now))
    query = select(MaintenanceTask, missed).where(
        MaintenanceTask.site == config.site.id,
        MaintenanceTask.state == "open",
        MaintenanceTask.opens_at <= now + AHEAD,
    )
    if actor.role in (Role.GUARD, Role.ENGINEER):
        query = query.where(MaintenanceTask.owner_role == str(actor.role))
    found: dict[str, list[_Open]] = defaultdict(list)
    for task, is_missed in session.execute(query.order_by(MaintenanceTask.due_at, MaintenanceTask.id)):
        if task.equipment_id in rows:
            found[task.equipment_id].append(_Open(task, bool(is_missed)))
    return found


def _checkpoints(config: SiteConfig) -> Mapping[str, list[str]]:
    """Checkpoints by area."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in config.patrol.checkpoints:
        found[one.area].append(one.id)
    return found


def _last_values(
    session: Session, ids: Sequence[str], checklists: Iterable[Checklist]
) -> dict[str, dict[str, tuple[float, int]]]:
    """Entry → number item → newest value: from the newest inspection by each checklist that measures something."""
    numbers = {one.id: [item.id for item in one.items if item.kind == "number"] for one in checklists}
    measuring = [id for id, items in numbers.items() if items]
    found: dict[str, dict[str, tuple[float, int]]] = defaultdict(dict)
    for start in range(0, len(ids) if measuring else 0, _IN_ONE):
        newest = (
            select(Inspection.equipment_id, Inspection.checklist, func.max(Inspection.at).label("at"))
            .where(Inspection.equipment_id.in_(ids[start : start + _IN_ONE]), Inspection.checklist.in_(measuring))
            .group_by(Inspection.equipment_id, Inspection.checklist)
            .subquery()
        )
        same = and_(
            Inspection.equipment_id == newest.c.equipment_id,
            Inspection.checklist == newest.c.checklist,
            Inspection.at == newest.c.at,
        )
        query = select(Inspection.equipment_id, Inspection.checklist, Inspection.at, Inspection.answers)
        for equipment_id, checklist, at, answers in session.execute(query.join(newest, same).order_by(Inspection.at)):
            for item in numbers[checklist]:
                value = answers.get(item)
                if isinstance(value, int | float) and not isinstance(value, bool):
                    found[equipment_id][item] = (float(value), to_ms(at))
    return found


def _equipment(
    config: SiteConfig,
    row: Equipment,
    tasks: Sequence[_Open],
    plans: Sequence[Plan],
    last: dict[str, tuple[float, int]],
    findings: Mapping[str, int],
    places: Mapping[str, list[str]],
) -> EquipmentOut:
    area = config.area_by_id.get(row.area)
    bound = [ref for kind, ref in row.bindings if kind == "checkpoint"]
    return EquipmentOut(
        id=row.id,
        eid=row.eid,
        name=row.name,
        name_en=row.name_en,
        area=area.name if area else "",
        area_en=area.name_en if area else "",
        place=row.place,
        status=row.status,
        tag=digest(config.site.id, row.tag),
        checkpoints=bound or places.get(row.area, []),
        tasks=_newest(tasks),
        checklists=[*dict.fromkeys(one.checklist for one in plans)],
        last=last,
        findings=findings.get(row.id, 0),
    )


def _newest(tasks: Sequence[_Open]) -> list[TaskOut]:
    """One line a plan: what was missed before is counted, and nobody is asked for it again."""
    by_plan: dict[str, list[_Open]] = defaultdict(list)
    for one in tasks:
        by_plan[one.task.plan].append(one)
    return [_task(those[-1].task, len(those) - 1) for those in by_plan.values() if not those[-1].is_missed]


def _plan(one: Plan) -> PlanOut:
    window = (one.window_from, one.window_until)
    return PlanOut(
        id=one.id, name=one.name, name_en=one.name_en, window=[str(each) for each in window] if all(window) else []
    )


def _task(task: MaintenanceTask, missed: int) -> TaskOut:
    return TaskOut(
        id=task.id,
        plan=task.plan,
        level=task.level,
        checklist=task.checklist,
        opens_ms=to_ms(task.opens_at),
        due_ms=to_ms(task.due_at),
        due_on=task.due_on.isoformat(),
        missed=missed,
    )


def _checklist(one: Checklist) -> ChecklistOut:
    return ChecklistOut(
        id=one.id,
        version=version_of(one),
        name=one.name,
        name_en=one.name_en,
        items=[_item(item) for item in one.items],
    )


def _item(item: ChecklistItem) -> CheckItemOut:
    return CheckItemOut(
        id=item.id,
        text=item.text,
        text_en=item.text_en,
        kind=item.kind,
        unit=item.unit,
        minimum=item.minimum,
        maximum=item.maximum,
        choices=list(item.choices),
        good=list(item.good),
        required=item.required,
        instrument=item.needs_instrument,
        photo=item.photo_if_failed,
    )
