"""One measured fact makes one work order, whether an alert or an inspection comes first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.alert.tables import Alert
from services.equipment.tables import Equipment
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder, WorkOrderEvent


def join_inspection(session: Session, row: Equipment, alert: Alert, now: datetime) -> None:
    """An alert about what an inspection of the entry found already: the inspection's open order becomes the alert's."""
    if not alert.requirement or work_orders.open_for_alert(session, alert.id) is not None:
        return
    query = (
        select(WorkOrder, WorkOrderEvent.data)
        .join(WorkOrderEvent, (WorkOrderEvent.work_order_id == WorkOrder.id) & (WorkOrderEvent.kind == "reported"))
        .where(
            WorkOrder.equipment_id == row.id,
            WorkOrder.origin == "inspection",
            WorkOrder.alert_id.is_(None),
            WorkOrder.closed_at.is_(None),
        )
        .order_by(WorkOrder.created_at, WorkOrder.id)
    )
    for order, data in session.execute(query):
        found = (data.get("detail") or {}).get("readings", ())
        if any(one["requirement"] == alert.requirement and _is_number(one["answer"]) for one in found):
            order.alert_id = alert.id
            session.flush()
            value = "" if alert.value is None else f"{alert.value:g} {alert.unit}"
            text = f"同一问题另有告警 · The same fault raised an alert: {alert.title} {value}"
            work_orders.comment(session, order.id, actor=work_orders.SYSTEM, text=text.strip(), now=now)
            return


def split_alerted(
    session: Session, row: Equipment, bad: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Open order of an alert about the entry → ids of the measured findings that it is about already."""
    query = (
        select(WorkOrder.id, Alert.requirement)
        .join(Alert, Alert.id == WorkOrder.alert_id)
        .where(WorkOrder.equipment_id == row.id, WorkOrder.origin == "alert", WorkOrder.closed_at.is_(None))
        .order_by(WorkOrder.created_at, WorkOrder.id)
    )
    found: dict[str, list[str]] = {}
    known: set[str] = set()
    for order_id, requirement in session.execute(query):
        same = [
            one["id"]
            for one in bad
            if one["requirement"] == requirement and _is_number(answers.get(one["id"])) and one["id"] not in known
        ]
        if requirement and same:
            found[order_id] = same
            known.update(same)
    return found


def _is_number(answer: object) -> bool:
    return isinstance(answer, int | float) and not isinstance(answer, bool)
