"""The work-order slice's verbs and questions, in one place. Callers own the transaction (`Database.begin`)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import NotFound
from services.work_order.creating import (
    FINISH_TIMER,
    HOLD_TIMER,
    RESPOND_TIMER,
    Created,
    NewOrder,
    create_for_alert,
    open_for_alert,
    report,
)
from services.work_order.store import SYSTEM, events_of, snapshot, state_of
from services.work_order.tables import WorkOrder, WorkOrderEvent
from services.work_order.working import (
    accept,
    cancel,
    comment,
    contact,
    dispatch,
    end_hold,
    hold,
    note_escalated,
    note_overdue,
    rate,
    reassign,
    resume,
    rework,
    start,
    submit,
    verify,
)


def get(session: Session, order_id: str) -> WorkOrder:
    """One order; raises NotFound."""
    order = session.get(WorkOrder, order_id)
    if order is None:
        raise NotFound(f"There is no work order {order_id}", hint="Open it from the list", work_order=order_id)
    return order


def open_orders(session: Session, site: str | None = None) -> list[WorkOrder]:
    """Everything not rated or cancelled: most urgent priority first, then the earliest finish deadline."""
    query = select(WorkOrder).where(WorkOrder.closed_at.is_(None))
    if site is not None:
        query = query.where(WorkOrder.site == site)
    rows = list(session.scalars(query))
    return sorted(rows, key=lambda one: (one.priority, one.finish_due_at or one.created_at, one.id))


def recent_orders(session: Session, limit: int = 200, site: str | None = None) -> list[WorkOrder]:
    """Orders of every state, newest first."""
    query = select(WorkOrder).order_by(WorkOrder.created_at.desc(), WorkOrder.id.desc()).limit(limit)
    if site is not None:
        query = query.where(WorkOrder.site == site)
    return list(session.scalars(query))


def for_alert(session: Session, alert_id: str) -> list[WorkOrder]:
    """Every order an alert ever had, newest first."""
    return list(session.scalars(select(WorkOrder).where(WorkOrder.alert_id == alert_id).order_by(WorkOrder.id.desc())))


def history(session: Session, order_id: str) -> list[WorkOrderEvent]:
    """Everything that happened to an order, in order."""
    return list(
        session.scalars(
            select(WorkOrderEvent).where(WorkOrderEvent.work_order_id == order_id).order_by(WorkOrderEvent.seq)
        )
    )


__all__ = [
    "FINISH_TIMER",
    "HOLD_TIMER",
    "RESPOND_TIMER",
    "SYSTEM",
    "Created",
    "NewOrder",
    "accept",
    "cancel",
    "comment",
    "contact",
    "create_for_alert",
    "dispatch",
    "end_hold",
    "events_of",
    "for_alert",
    "get",
    "history",
    "hold",
    "note_escalated",
    "note_overdue",
    "open_for_alert",
    "open_orders",
    "rate",
    "reassign",
    "recent_orders",
    "report",
    "resume",
    "rework",
    "snapshot",
    "start",
    "state_of",
    "submit",
    "verify",
]
