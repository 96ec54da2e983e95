"""Findings of inspections and rounds with the orders that repair them, for section 十一."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select

from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.equipment.model import people_of
from services.equipment.tables import Equipment
from services.flows.patrol.desk import FINDING_RULE
from services.maintenance.tables import Inspection
from services.report.chapters.findings import Finding, FindingsFacts
from services.report.collect.history import LOOK_BACK, OrderThen, orders_of
from services.report.collect.links import area, chunks, person
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.tables import WorkOrder

ROLES = {"engineer": "设备责任人", "supervisor": "设备主管", "manager": "经理", "guard": "安管员", "duty": "值班"}


def collect(source: Source, month: Month) -> FindingsFacts:
    """A finding is one with its order; those without one stand for themselves."""
    alerts = {row.id: row for row in source.session.scalars(_alerts(source.config.site.id, month))}
    orders = orders_of(source, month)
    found = [one for order in orders if (one := _of_order(source.config, order, alerts)) is not None]
    with_order = frozenset(one.row.alert_id for one in orders if one.row.alert_id)
    found += _of_alerts(source, alerts, with_order, month)
    found += _without_order(source, month)
    return FindingsFacts(tuple(one for one in found if _belongs(one, month)))


def _of_order(config: SiteConfig, one: OrderThen, alerts: dict[str, Alert]) -> Finding | None:
    alert = alerts.get(one.row.alert_id or "")
    if one.row.origin != "inspection" and alert is None:
        return None
    state = one.state
    who = person(config, state.assignee) or ROLES.get(state.assignee_role or "", "")
    return Finding(
        id=one.row.id,
        ref="work_order",
        source="inspection" if one.row.origin == "inspection" else "patrol",
        title=one.row.title,
        place=one.row.place,
        found_at=one.first_signal_at,
        number=one.row.number,
        priority=one.row.priority,
        due_at=state.finish_due_at,
        fixed_at=state.finished_at,
        rechecked_at=one.verified_at if state.finished_at is not None else None,
        cancelled=one.cancelled,
        responsible=who,
    )


def _alerts(site: str, month: Month) -> Select[Any]:
    """What rounds found that was not over before the month, or whose order was not."""
    ordered = select(WorkOrder.alert_id).where(
        WorkOrder.site == site,
        WorkOrder.alert_id.is_not(None),
        or_(WorkOrder.closed_at.is_(None), WorkOrder.closed_at >= month.since_at),
    )
    going_on = or_(Alert.cleared_at.is_(None), Alert.cleared_at >= month.since_at, Alert.id.in_(ordered))
    return select(Alert).where(
        Alert.site == site, Alert.rule == FINDING_RULE, Alert.opened_at < month.ends_at, going_on
    )


def _of_alerts(source: Source, alerts: dict[str, Alert], with_order: frozenset[str], month: Month) -> Iterator[Finding]:
    for row in sorted(alerts.values(), key=lambda one: (one.opened_at, one.id)):
        if row.id in with_order:
            continue
        cleared = row.cleared_at if row.cleared_at is not None and row.cleared_at < month.ends_at else None
        yield Finding(
            id=row.id,
            ref="alert",
            source="patrol",
            title=row.title,
            place=area(source.config, str(row.detail.get("area") or "")),
            found_at=row.opened_at,
            fixed_at=cleared,
            responsible=person(source.config, str(row.detail.get("assignee") or "")),
        )


def _without_order(source: Source, month: Month) -> Iterator[Finding]:
    """Failed inspections that brought no order; the next good one of the same checklist is the repair."""
    failed = source.session.execute(
        select(Inspection, Equipment)
        .join(Equipment, Equipment.id == Inspection.equipment_id)
        .where(
            Inspection.site == source.config.site.id,
            Inspection.passed.is_(False),
            Inspection.at >= month.since_at - LOOK_BACK,
            Inspection.at < month.ends_at,
            Inspection.received_at <= month.now,
        )
        .order_by(Inspection.at, Inspection.id)
    )
    found = [(row, thing) for row, thing in failed if not row.order_ids]
    repaired = _good(source, {thing.id for _, thing in found}, month)
    known: set[tuple[str, str, datetime | None]] = set()
    for row, thing in found:
        fixed = next((at for at in repaired.get((thing.id, row.checklist), ()) if at > row.at), None)
        if (key := (thing.id, row.checklist, fixed)) in known:
            continue  # found again before it was repaired
        known.add(key)
        yield Finding(
            id=row.id,
            ref="inspection",
            source="inspection",
            title=f"{thing.name}{_items(row)}",
            place=thing.place or area(source.config, thing.area),
            found_at=row.at,
            fixed_at=fixed,
            rechecked_at=fixed,
            responsible=person(source.config, people_of(source.config, thing).responsible),
        )


def _good(source: Source, equipment_ids: set[str], month: Month) -> dict[tuple[str, str], list[datetime]]:
    """When inspections of these entries passed, by checklist, the earliest first."""
    found: dict[tuple[str, str], list[datetime]] = {}
    for some in chunks(sorted(equipment_ids)):
        query = select(Inspection.equipment_id, Inspection.checklist, Inspection.at).where(
            Inspection.equipment_id.in_(some),
            Inspection.passed,
            Inspection.at >= month.since_at - LOOK_BACK,
            Inspection.at < month.ends_at,
            Inspection.received_at <= month.now,
        )
        for equipment_id, checklist, at in source.session.execute(query.order_by(Inspection.at)):
            found.setdefault((equipment_id, checklist), []).append(at)
    return found


def _items(row: Inspection) -> str:
    names = {str(one.get("id")): str(one.get("text", one.get("id"))) for one in row.items}
    return f"不合格：{found}" if (found := "、".join(names.get(one, one) for one in row.findings)) else "不合格"


def _belongs(one: Finding, month: Month) -> bool:
    if one.found_at >= month.since_at:
        return True
    return not one.cancelled and (one.fixed_at is None or one.fixed_at >= month.since_at)
