"""What an inspection's findings bring: one work order for the equipment, or a remark on the one that is open."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import EquipmentClass
from gateway.site.model import SiteConfig
from services.equipment import service as equipment
from services.equipment.model import class_of, people_of
from services.equipment.tables import Equipment
from services.flows import same_fault
from services.flows.telling import tell_dispatched
from services.maintenance.inspecting import answer_words, limit_words
from services.maintenance.tables import Inspection
from services.work_order import pictures
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder, WorkOrderEvent

FRESH = timedelta(hours=1)
"""An inspection that is heard of later is of the past: its order's clocks begin when it is heard of."""
SAFETY = frozenset({"NUM-02", "NUM-03", "NUM-04", "NUM-06", "NUM-01", "PER-07", "PER-13", "PER-08"})
"""Requirements whose failure can hurt somebody: their orders are P2."""
OUT_OF_USE = "NUM-02"
"""Insulation below its limit: the box is flagged 停用待修."""
_SAFE_CLASSES: frozenset[EquipmentClass] = frozenset({"fire_water", "fire_alarm", "fire_gear", "elevator"})
_POLICIES: Mapping[str, str] = {
    "power": "electrical", "water": "pump_pressure", "fire_water": "fire_fault", "fire_alarm": "fire_fault",
    "fire_gear": "fire_fault", "elevator": "electrical",
}  # fmt: skip
"""Class of the equipment → policy of an order about safety; `patrol_finding` is everything else's."""
_ORDINARY = "patrol_finding"
_OF_KIND: Mapping[str, str] = {
    "pump_set": "water_pressure", "water_tank": "water_pressure", "buried_pipe": "leak", "pipeline": "leak",
    "drain": "drainage", "manhole": "drainage", "lighting": "lighting", "camera": "cctv", "recorder": "cctv",
    "cctv": "cctv", "access_control": "access", "intercom": "access", "parking_system": "access",
    "floor": "fabric", "walkway": "fabric", "handrail": "fabric", "signage": "fabric", "mailbox": "fabric",
}  # fmt: skip
_OF_CLASS: Mapping[str, str] = {
    "power": "electrical", "water": "water_pressure", "sewage": "drainage", "fire_water": "fire_equipment",
    "fire_alarm": "fire_equipment", "fire_gear": "fire_equipment", "elevator": "elevator",
    "recreation": "recreation", "hvac": "hvac",
}  # fmt: skip
_LONGEST_COMMENT = 400


def category_of(kind: str) -> str:
    """The fault class of orders about a kind of equipment."""
    return _OF_KIND.get(kind) or _OF_CLASS.get(class_of(kind), "other")


def order_for(session: Session, config: SiteConfig, row: Equipment, inspection: Inspection, now: datetime) -> list[str]:
    """The orders that have the findings: open ones get a remark, what none of them has becomes one new order."""
    bad = [one for one in inspection.items if one["verdict"] == "finding"]
    found: list[str] = []
    for order, known in _open_orders(session, row):
        again = [one for one in bad if one["id"] in known]
        if again:
            text = f"巡检再次发现 · Found again: {_lines(again, inspection)}"
            work_orders.comment(session, order.id, actor=inspection.by, text=text[:_LONGEST_COMMENT], now=now)
            _attach(session, order, [photo for one in again for photo in one["photos"]], inspection, now)
            found.append(order.id)
            bad = [one for one in bad if one not in again]
    for order_id, same in same_fault.split_alerted(session, row, bad, inspection.answers).items():
        again = [one for one in bad if one["id"] in same]
        text = f"巡检同样发现 · Found by an inspection too: {_lines(again, inspection)}"
        order = work_orders.comment(session, order_id, actor=inspection.by, text=text[:_LONGEST_COMMENT], now=now)
        _attach(session, order, [photo for one in again for photo in one["photos"]], inspection, now)
        found.append(order_id)
        bad = [one for one in bad if one not in again]
    if bad:
        found.append(_new_order(session, config, row, inspection, bad, now).id)
    return found


def take_out_of_use(session: Session, row: Equipment, inspection: Inspection, now: datetime) -> None:
    """A box that failed its insulation test (NUM-02): in repair since then, unless somebody decided something since."""
    if class_of(row.kind) != "power":
        return
    failed = [one for one in inspection.items if one["verdict"] == "finding" and one["requirement"] == OUT_OF_USE]
    if not failed or row.status not in ("in_use", "stopped") or row.status_at > inspection.at:
        return
    reason = f"停用待修：{_lines(failed, inspection)}"
    equipment.set_status(session, row, "repair", now, actor=inspection.by, reason=reason[:400], event_at=inspection.at)


def _open_orders(session: Session, row: Equipment) -> list[tuple[WorkOrder, frozenset[str]]]:
    """Open orders from inspections of the entry with their findings, the oldest first."""
    query = (
        select(WorkOrder, WorkOrderEvent.data)
        .join(WorkOrderEvent, (WorkOrderEvent.work_order_id == WorkOrder.id) & (WorkOrderEvent.kind == "reported"))
        .where(WorkOrder.equipment_id == row.id, WorkOrder.origin == "inspection", WorkOrder.closed_at.is_(None))
        .order_by(WorkOrder.created_at, WorkOrder.id)
    )
    return [
        (order, frozenset((data.get("detail") or {}).get("findings", ()))) for order, data in session.execute(query)
    ]


def open_findings(session: Session, equipment_ids: Iterable[str]) -> dict[str, int]:
    """How many findings of inspections are still under repair, by entry."""
    wanted, counts = set(equipment_ids), dict[str, int]()
    query = (
        select(WorkOrder.equipment_id, WorkOrderEvent.data)
        .join(WorkOrderEvent, (WorkOrderEvent.work_order_id == WorkOrder.id) & (WorkOrderEvent.kind == "reported"))
        .where(WorkOrder.origin == "inspection", WorkOrder.closed_at.is_(None))
    )
    for equipment_id, data in session.execute(query):
        if equipment_id in wanted:
            counts[equipment_id] = counts.get(equipment_id, 0) + len((data.get("detail") or {}).get("findings", ()))
    return counts


def _new_order(
    session: Session,
    config: SiteConfig,
    row: Equipment,
    inspection: Inspection,
    bad: list[dict[str, Any]],
    now: datetime,
) -> WorkOrder:
    kind = class_of(row.kind)
    safe = kind in _SAFE_CLASSES or any(one["requirement"] in SAFETY for one in bad)
    policy = config.policy_by_id.get(_POLICIES.get(kind, "public_area") if safe else _ORDINARY)
    owner = people_of(config, row).responsible
    place, place_en = place_of(config, row)
    new = work_orders.NewOrder(
        site=row.site,
        title=f"{row.name}：{_title(bad, inspection, english=False)}",
        place=place,
        equipment=row.name,
        equipment_id=row.id,
        origin="inspection",
        category=category_of(row.kind),
        priority="P2" if safe else None,
        assignee=owner or None,
        clock_from=inspection.at if now - inspection.at <= FRESH else now,
        policy=policy.model_dump(mode="json") if policy else {},
        detail={
            "inspection": inspection.id,
            "found_at": inspection.at,
            "findings": [one["id"] for one in bad],
            "readings": [_reading(one, inspection) for one in bad],
            "photos": [*dict.fromkeys([photo for one in bad for photo in one["photos"]] + inspection.photos)],
            "note": inspection.note,
            "place_en": place_en,
            "title_en": f"{row.name_en or row.name}: {_title(bad, inspection, english=True)}",
        },
    )
    order = work_orders.report(session, new, ZoneInfo(config.site.timezone), now, actor=inspection.by)
    _attach(session, order, new.detail["photos"], inspection, now)
    if new.policy.get("auto_dispatch", True):
        _set_out(session, config, order, new, inspection, now)
    return order


def _attach(session: Session, order: WorkOrder, photos: Sequence[str], inspection: Inspection, now: datetime) -> None:
    """Photos of what was found become the order's photos before the repair, as many as it takes."""
    room = max(pictures.MOST - len(pictures.of_order(session, order.id)), 0)
    for photo in photos[:room]:
        pictures.attach(session, order.id, photo, "before", actor=inspection.by, now=now)


def _set_out(
    session: Session,
    config: SiteConfig,
    order: WorkOrder,
    new: work_orders.NewOrder,
    inspection: Inspection,
    now: datetime,
) -> None:
    """受理 and 派工 by policy, as for an alert's order; who gives it to himself need not be told."""
    system = work_orders.SYSTEM
    work_orders.accept(session, order.id, version=order.version, actor=system, now=now)
    role = None if new.assignee else new.assignee_role
    work_orders.dispatch(
        session, order.id, version=order.version, actor=system, now=now, assignee=new.assignee, assignee_role=role
    )
    if order.assignee != inspection.by:
        tell_dispatched(session, config, order, now)


def place_of(config: SiteConfig, row: Equipment) -> tuple[str, str]:
    """Where an entry is, in both languages: site, area, and where exactly."""
    site, site_en = config.site.name, config.site.name_en or config.site.name
    area = config.area_by_id.get(row.area)
    words = [site, area.name if area else "", row.place]
    words_en = [site_en, (area.name_en or area.name) if area else "", row.place]
    return " ".join(one for one in words if one), ", ".join(one for one in words_en if one)


def _title(bad: list[dict[str, Any]], inspection: Inspection, *, english: bool) -> str:
    first = _line(bad[0], inspection, english=english)
    if len(bad) == 1:
        return first
    return f"{first} and {len(bad) - 1} more" if english else f"{first}等{len(bad)}项"


def _lines(bad: list[dict[str, Any]], inspection: Inspection) -> str:
    return "；".join(
        _line(one, inspection, english=False) + (f"（{one['note']}）" if one["note"] else "") for one in bad
    )


def _line(one: Mapping[str, Any], inspection: Inspection, *, english: bool) -> str:
    """`绝缘电阻 0.32 MΩ（≥ 0.5 MΩ）`."""
    text = (one.get("text_en") if english else "") or one["text"]
    answer = inspection.answers.get(one["id"])
    words = answer_words(one, answer, english=english)
    limit = limit_words(one)
    if isinstance(answer, bool) or not limit:
        return f"{text}{': ' if english else ' '}{words}"
    return f"{text} {words} ({limit})" if english else f"{text} {words}（{limit}）"


def _reading(one: Mapping[str, Any], inspection: Inspection) -> dict[str, Any]:
    return {
        "item": one["id"],
        "text": one["text"],
        "text_en": one.get("text_en") or one["text"],
        "answer": inspection.answers.get(one["id"]),
        "unit": one.get("unit", ""),
        "limit": limit_words(one),
        "note": one["note"],
        "photos": one["photos"],
        "requirement": one["requirement"],
    }
