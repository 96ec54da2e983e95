"""One entry of the ledger with everything known of it: people, papers, readings, jobs, upkeep, history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.equipment import certificates, documents, service, store
from services.equipment.model import BINDING_NAMES, NEXT, Binding, Completeness, bindings_of, people_of
from services.equipment.sheet.columns import BY_KEY
from services.equipment.tables import Certificate, Equipment, EquipmentDocument, EquipmentEvent, MeterReading
from services.flows.ledger import target_of
from services.maintenance.tables import Inspection, MaintenanceTask
from services.people.roles import Actor, may
from services.web.deps import Services
from services.web.queries import points
from services.web.queries.equipment import judge, name_of, person_name, where_of
from services.work_order.tables import WorkOrder

MOST = 10
HISTORY = 200


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate with the days it still has."""

    row: Certificate
    days_left: int


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that belongs to the entry."""

    kind: str
    """What sort of thing, in words."""
    name: str
    address: str
    link: str
    point: points.PointRow | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A task of upkeep that is open."""

    row: MaintenanceTask
    name: str
    days_left: int


@dataclass(frozen=True, slots=True)
class Done:
    """An inspection that was filled in."""

    row: Inspection
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history, the values in words."""

    row: EquipmentEvent
    by: str
    fields: list[tuple[str, str, str]]
    """(column, before, after)."""


@dataclass(frozen=True, slots=True)
class EquipmentPage:
    """Everything known of one entry."""

    row: Equipment
    config: SiteConfig
    name: str
    where: str
    people: list[tuple[str, str, bool]]
    """(level, who, whether the entry names that person)."""
    complete: Completeness
    papers: list[Paper]
    bound: list[Bound]
    orders: list[WorkOrder]
    alerts: list[Alert]
    due: list[Due]
    done: list[Done]
    meters: list[MeterReading]
    files: list[EquipmentDocument]
    history: list[Happened]
    next_statuses: list[str]
    """Statuses the person may give it."""
    today: date


def page(s: Session, svc: Services, actor: Actor, equipment_id: str, now: datetime, language: str) -> EquipmentPage:
    """One entry; raises NotFound."""
    row = service.get(s, equipment_id)
    config = svc.configs.site(row.site)
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    bindings = bindings_of(config, row)
    responsible = people_of(config, row)
    having = documents.with_documents(s, row.site)
    return EquipmentPage(
        row=row,
        config=config,
        name=name_of(row, language),
        where=where_of(config, row, language),
        people=[
            (level, person_name(svc.configs, getattr(responsible, level), language), bool(getattr(row, level)))
            for level in ("responsible", "supervisor", "manager")
        ],
        complete=judge(config, row, having),
        papers=[Paper(one, (one.expires_on - today).days) for one in certificates.of_equipment(s, row.id)],
        bound=_bound(s, svc, config, bindings, now, language),
        orders=_orders(s, row),
        alerts=_alerts(s, config, row, bindings),
        due=_due(s, config, row, today, language),
        done=_done(s, svc, config, row, language),
        meters=sorted(service.last_meters(s, [row.id]).values(), key=lambda one: one.meter),
        files=documents.of_equipment(s, row.id),
        history=[_happened(svc, config, one, language) for one in store.history(s, row.id)[:HISTORY]],
        next_statuses=[one for one in NEXT[row.status] if may(actor, _command(one))],
        today=today,
    )


def _command(status: str) -> str:
    return "equipment.scrap" if status == "scrapped" else "equipment.edit"


def _bound(
    s: Session, svc: Services, config: SiteConfig, bindings: tuple[Binding, ...], now: datetime, language: str
) -> list[Bound]:
    known: Mapping[str, Mapping[str, Any]] = {
        "point": config.point_by_id,
        "device": config.device_by_id,
        "panel": config.device_by_id,
        "fire_point": config.fire.point_by_id,
        "checkpoint": {one.id: one for one in config.patrol.checkpoints},
        "appliance": {one.id: one for one in config.fire.appliances},
    }
    found: list[Bound] = []
    for one in bindings:
        thing = known[one.kind].get(one.ref)
        kind = BINDING_NAMES[one.kind][language == "en"]
        english = str(getattr(thing, "name_en", "") or "") if language == "en" else ""
        name = english or str(getattr(thing, "name", one.ref))
        if one.kind == "point" and thing is not None:
            key = config.key(one.ref)
            found.append(Bound(kind, name, key, f"/points/{key}", points.one(s, svc, key, now, language)))
        elif one.kind == "fire_point" and thing is not None:
            building = config.building_of(config.fire.zone_by_id[thing.zone].area) if thing.zone else None
            link = f"/fire/buildings/{building.id}?site={config.site.id}" if building is not None else ""
            found.append(Bound(kind, name, f"{thing.panel} {thing.address}", link))
        else:
            found.append(Bound(kind, name, one.ref, ""))
    return found


def _orders(s: Session, row: Equipment) -> list[WorkOrder]:
    query = select(WorkOrder).where(WorkOrder.equipment_id == row.id, WorkOrder.closed_at.is_(None))
    return list(s.scalars(query.order_by(WorkOrder.priority, WorkOrder.created_at).limit(MOST)))


def _alerts(s: Session, config: SiteConfig, row: Equipment, bindings: tuple[Binding, ...]) -> list[Alert]:
    """Open alerts about the entry and what is bound to it."""
    targets = [target_of(row)]
    for one in bindings:
        if one.kind == "fire_point" and one.ref in config.fire.point_by_id:
            point = config.fire.point_by_id[one.ref]
            targets.append(f"{row.site}/{point.panel}/{point.address}")
        elif one.kind in ("point", "device", "panel"):
            targets.append(f"{row.site}/{one.ref}")
    query = select(Alert).where(Alert.site == row.site, Alert.closed_at.is_(None), or_(Alert.target.in_(targets)))
    return list(s.scalars(query.order_by(Alert.opened_at.desc()).limit(MOST)))


def _due(s: Session, config: SiteConfig, row: Equipment, today: date, language: str) -> list[Due]:
    query = select(MaintenanceTask).where(MaintenanceTask.equipment_id == row.id, MaintenanceTask.state == "open")
    plans = config.upkeep.plan_by_id
    return [
        Due(one, _named(plans.get(one.plan), one.plan, language), (one.due_on - today).days)
        for one in s.scalars(query.order_by(MaintenanceTask.due_at, MaintenanceTask.id).limit(MOST))
    ]


def _done(s: Session, svc: Services, config: SiteConfig, row: Equipment, language: str) -> list[Done]:
    query = select(Inspection).where(Inspection.equipment_id == row.id).order_by(Inspection.at.desc()).limit(MOST)
    lists = config.upkeep.checklist_by_id
    return [
        Done(one, _named(lists.get(one.checklist), one.checklist, language), person_name(svc.configs, one.by, language))
        for one in s.scalars(query)
    ]


def _happened(svc: Services, config: SiteConfig, event: EquipmentEvent, language: str) -> Happened:
    changes = event.data.get("fields")
    fields: list[tuple[str, str, str]] = []
    if isinstance(changes, dict):
        for key, pair in changes.items():
            column = BY_KEY.get(key)
            old, new = (_said(svc, config, key, one, language) for one in pair)
            fields.append((column.heading(language) if column else key, old, new))
    return Happened(event, "" if event.actor == "system" else person_name(svc.configs, event.actor, language), fields)


def _said(svc: Services, config: SiteConfig, key: str, value: object, language: str) -> str:
    if value in (None, "", []):
        return "–"
    if key in ("responsible", "supervisor", "manager"):
        return person_name(svc.configs, str(value), language)
    if key == "area" and str(value) in config.area_by_id:
        return _named(config.area_by_id[str(value)], str(value), language)
    if isinstance(value, list):
        return " ".join(":".join(pair) for pair in value)
    return str(value)


def _named(thing: object, fallback: str, language: str) -> str:
    english = str(getattr(thing, "name_en", "") or "") if language == "en" else ""
    return english or str(getattr(thing, "name", "") or fallback)
