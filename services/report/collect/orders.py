"""Work orders for section 八."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import CLASSES
from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.equipment.model import class_of
from services.equipment.tables import Equipment
from services.report.chapters.orders import OrderRecord, OrdersFacts
from services.report.collect.history import OrderThen, area_name, orders_of
from services.report.collect.links import person
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.categories import name_of
from services.work_order.tables import RepairReview, WorkOrder, WorkOrderCost

Hours = Mapping[str, tuple[tuple[str, float], ...]]


def collect(source: Source, month: Month) -> OrdersFacts:
    """Orders as they stood at the month's end; rework and reports as known at the cut-off."""
    session, config = source.session, source.config
    found = orders_of(source, month)
    machines = {row.id: row for row in session.scalars(select(Equipment).where(Equipment.site == config.site.id))}
    again = _followed(session, config.site.id, month)
    areas = _alert_areas(session, config.site.id)
    hours = _labour(session, config, month)
    approved = _approved(session, config.site.id, month)
    return OrdersFacts(
        tuple(
            _record(config, one, machines.get(one.row.equipment_id or ""), again, areas, hours, approved)
            for one in found
        )
    )


def _record(
    config: SiteConfig,
    one: OrderThen,
    machine: Equipment | None,
    again: Mapping[str, str],
    areas: Mapping[str, str],
    hours: Hours,
    approved: frozenset[str],
) -> OrderRecord:
    row, state = one.row, one.state
    area = machine.area if machine is not None else areas.get(row.alert_id or "", "")
    return OrderRecord(
        id=row.id,
        number=row.number,
        title=row.title,
        place=row.place,
        priority=row.priority,
        category=name_of(row.category),
        origin=row.origin,
        registered_at=row.created_at,
        first_signal_at=one.first_signal_at,
        area=area_name(config, area),
        equipment_id=row.equipment_id or "",
        equipment=machine.name if machine is not None else row.equipment,
        equipment_class=CLASSES[class_of(machine.kind)].name if machine is not None else "",  # type: ignore[index]
        accepted_at=one.accepted_at,
        arrived_at=state.responded_at,
        finished_at=state.finished_at,
        closed_at=state.closed_at,
        cancelled=one.cancelled,
        respond_due_at=state.respond_due_at,
        finish_due_at=state.finish_due_at,
        reworked=bool(one.sent_back) or row.id in again,
        rework_why=one.sent_back[-1] if one.sent_back else again.get(row.id, ""),
        rating=state.rating,
        assignee=person(config, state.assignee) if state.assignee else "",
        executors=tuple(person(config, name) for name in state.executors),
        hours=hours.get(row.id, ()),
        review="" if not row.review else "approved" if row.id in approved else "due",
    )


def _followed(session: Session, site: str, month: Month) -> dict[str, str]:
    """First orders of faults that came back, with words for it; a cancelled report is none."""
    later = session.execute(
        select(WorkOrder.rework_of, WorkOrder.number)
        .where(
            WorkOrder.site == site,
            WorkOrder.rework_of.is_not(None),
            WorkOrder.created_at <= month.now,
            WorkOrder.state != "cancelled",
        )
        .order_by(WorkOrder.number.desc())
    )
    return {str(first): f"再次报修 {number}" for first, number in later}


def _alert_areas(session: Session, site: str) -> dict[str, str]:
    of_orders = select(WorkOrder.alert_id).where(WorkOrder.site == site, WorkOrder.alert_id.is_not(None))
    rows: Iterable[tuple[str, dict[str, object]]] = session.execute(
        select(Alert.id, Alert.detail).where(Alert.id.in_(of_orders))
    )
    return {alert: str(detail.get("area") or "") for alert, detail in rows}


def _labour(session: Session, config: SiteConfig, month: Month) -> Hours:
    found: dict[str, list[tuple[str, float]]] = {}
    lines = session.scalars(
        select(WorkOrderCost)
        .join(WorkOrder, WorkOrder.id == WorkOrderCost.work_order_id)
        .where(
            WorkOrder.site == config.site.id,
            WorkOrderCost.kind == "labour",
            WorkOrderCost.at <= month.now,
            WorkOrderCost.person != "",
        )
        .order_by(WorkOrderCost.id)
    )
    for line in lines:
        if line.removed_at is None or line.removed_at > month.now:
            found.setdefault(line.work_order_id, []).append((person(config, line.person), line.quantity))
    return {order: tuple(hours) for order, hours in found.items()}


def _approved(session: Session, site: str, month: Month) -> frozenset[str]:
    return frozenset(
        session.scalars(
            select(RepairReview.work_order_id)
            .join(WorkOrder, WorkOrder.id == RepairReview.work_order_id)
            .where(WorkOrder.site == site, RepairReview.approved_at <= month.now)
        )
    )
