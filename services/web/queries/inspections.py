"""Inspections as people see them: one that was made, and what the desk's form asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from gateway.site.upkeep import Checklist
from services.equipment import service as equipment
from services.equipment.tables import Equipment
from services.flows.inspection_orders import place_of
from services.kernel.errors import NotFound
from services.maintenance import service as maintenance
from services.maintenance.inspecting import answer_words, limit_words
from services.maintenance.model import plans_for
from services.maintenance.tables import Inspection, MaintenanceTask
from services.web.queries.places import Places
from services.work_order.tables import WorkOrder


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its answer."""

    id: str
    text: str
    answer: str
    limit: str
    verdict: str
    """good, finding, open: not answered."""
    note: str
    photos: tuple[str, ...]
    """What was found, and the answer itself where it is a picture."""
    signed: bool
    requirement: str


@dataclass(frozen=True, slots=True)
class InspectionPage:
    """One inspection with everything that came of it."""

    row: Inspection
    equipment: Equipment
    name: str
    place: str
    checklist: str
    by: str
    lines: tuple[Line, ...]
    task: MaintenanceTask | None
    plan: str
    orders: tuple[WorkOrder, ...]

    @property
    def good(self) -> int:
        """How many items were good."""
        return sum(one.verdict == "good" for one in self.lines)


@dataclass(frozen=True, slots=True)
class FormPage:
    """What the desk fills in; without `checklist` it is chosen first."""

    equipment: Equipment
    name: str
    place: str
    site: str
    checklist: Checklist | None
    task: MaintenanceTask | None
    due: tuple[MaintenanceTask, ...]
    checklists: tuple[Checklist, ...]
    """Those that are due, then those of its plans."""


def one(s: Session, configs: Configs, inspection_id: str, language: str) -> InspectionPage:
    """One inspection; raises NotFound."""
    row = s.get(Inspection, inspection_id)
    if row is None:
        raise NotFound(f"There is no inspection {inspection_id}", hint="Open it from the equipment", id=inspection_id)
    english = language == "en"
    entry = equipment.get(s, row.equipment_id)
    config = configs.sites.get(row.site)
    known = config.upkeep.checklist_by_id.get(row.checklist) if config else None
    task = s.scalar(select(MaintenanceTask).where(MaintenanceTask.inspection_id == row.id).limit(1))
    plan = config.upkeep.plan_by_id.get(task.plan) if config and task else None
    orders = s.scalars(select(WorkOrder).where(WorkOrder.id.in_(row.order_ids)).order_by(WorkOrder.created_at))
    places = Places(configs, language)
    return InspectionPage(
        row=row,
        equipment=entry,
        name=places.name(entry),
        place=place_of(config, entry)[english] if config else entry.place,
        checklist=places.name(known) if known else row.checklist,
        by=places.person(row.by),
        lines=tuple(_line(item, row.answers, english) for item in row.items),
        task=task,
        plan=places.name(plan) if plan else task.plan if task else "",
        orders=tuple(orders),
    )


def _line(item: Mapping[str, Any], answers: Mapping[str, Any], english: bool) -> Line:
    answer = answers.get(item["id"])
    pictures = tuple(answer) if isinstance(answer, list) else ()
    return Line(
        id=item["id"],
        text=(item.get("text_en") if english else "") or item["text"],
        answer=answer_words(item, answer, english=english),
        limit=limit_words(item),
        verdict=item["verdict"],
        note=item["note"],
        photos=(*pictures, *item["photos"]),
        signed=item.get("kind") == "signature",
        requirement=item["requirement"],
    )


def form(
    s: Session, configs: Configs, equipment_id: str, checklist_id: str, task_id: str, language: str, now: datetime
) -> FormPage:
    """The form for an entry; raises NotFound for an entry, or a checklist of its site, that is not there."""
    entry = equipment.get(s, equipment_id)
    config = site_of(configs, entry)
    due = maintenance.open_for(s, entry.id, now)
    task = next((one for one in due if one.id == task_id), None)
    wanted = checklist_id or (task.checklist if task else "")
    ids = [one.checklist for one in due] + [one.checklist for one in plans_for(config.upkeep, entry.kind, entry.eid)]
    known = config.upkeep.checklist_by_id
    if wanted and wanted not in known:
        raise NotFound(f"There is no checklist {wanted!r}", hint="Choose one from the list", checklist=wanted)
    return FormPage(
        equipment=entry,
        name=Places(configs, language).name(entry),
        place=place_of(config, entry)[language == "en"],
        site=entry.site,
        checklist=known.get(wanted),
        task=task,
        due=tuple(due),
        checklists=tuple(known[one] for one in dict.fromkeys(ids) if one in known),
    )


def site_of(configs: Configs, entry: Equipment) -> SiteConfig:
    """The site files of an entry; raises NotFound when they are gone."""
    config = configs.sites.get(entry.site)
    if config is None:
        raise NotFound(f"The site {entry.site} has left the files", hint="Look at its history", site=entry.site)
    return config
