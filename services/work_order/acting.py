"""What every command on an order does alike: the change with its audit line, and words of a bearable length."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.kernel import audit
from services.kernel.errors import Conflict, Invalid
from services.work_order.model import Event
from services.work_order.store import SYSTEM, change, snapshot
from services.work_order.tables import WorkOrder


def act(session: Session, order: WorkOrder, event: Event, actor: str, now: datetime, **context: Any) -> None:
    """Apply an event to a locked order and audit who did it."""
    change(session, order, event, now, actor=actor, **context)
    if actor != SYSTEM:
        audit.record(session, now, actor, f"work_order.{event.kind}", order.id, seq=order.version)


def words(order: WorkOrder, text: str, what: str, field: str = "reason") -> str:
    """Words that must be there; raises Invalid."""
    cut = short(order, text)
    if not cut:
        raise Invalid(
            f"Work order {order.number}: {what} needs words",
            hint="Say why in a few words; others will read it",
            field=field,
        )
    return cut


def short(order: WorkOrder, text: str, longest: int = 400) -> str:
    """Trimmed words; raises Invalid when they are too long."""
    cut = text.strip()
    if len(cut) > longest:
        raise Invalid(f"Work order {order.number}: {len(cut)} characters are too many", hint=f"Use at most {longest}")
    return cut


def is_open(order: WorkOrder, what: str) -> None:
    """Refuse what nobody may do to an order that is over; raises Conflict."""
    if order.closed_at is not None:
        raise Conflict(
            f"Work order {order.number} is {order.state}: {what} is not possible any more",
            hint="Make a new order for what is still to be done",
            current=snapshot(order),
        )
