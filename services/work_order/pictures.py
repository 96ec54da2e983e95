"""Photos of an order and the acceptance signature; the pictures themselves are kept elsewhere."""

from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Invalid
from services.work_order.acting import act, is_open, short
from services.work_order.model import PictureAdded
from services.work_order.store import lock, snapshot
from services.work_order.tables import WorkOrder, WorkOrderPicture

PictureKind = Literal["before", "after", "signature"]
MOST = 30
"""Pictures of one order."""


def attach(
    session: Session, order_id: str, photo_id: str, kind: PictureKind, *, actor: str, now: datetime, signer: str = ""
) -> WorkOrderPicture:
    """Make a kept picture one of an order; the same again changes nothing. A signature says whose it is."""
    order = lock(session, order_id)
    known = session.get(WorkOrderPicture, (order_id, photo_id))
    if known is not None:
        return known
    is_open(order, "a picture")
    if len(of_order(session, order_id)) >= MOST:
        raise Conflict(
            f"Work order {order.number} has {MOST} pictures already", hint="They are enough", current=snapshot(order)
        )
    name = short(order, signer, 120)
    if kind == "signature" and not name:
        raise Invalid("A signature needs the name of who signed", hint="Write who it is", field="signer")
    row = WorkOrderPicture(work_order_id=order_id, photo_id=photo_id, kind=kind, signer=name, at=now, by=actor)
    session.add(row)
    act(session, order, PictureAdded(photo_id, kind, name), actor, now)
    return row


def of_order(session: Session, order_id: str) -> list[WorkOrderPicture]:
    """Pictures of an order, oldest first."""
    query = select(WorkOrderPicture).where(WorkOrderPicture.work_order_id == order_id)
    return list(session.scalars(query.order_by(WorkOrderPicture.at, WorkOrderPicture.photo_id)))


def refuse_unsigned(session: Session, order: WorkOrder) -> None:
    """A request is accepted by whoever asked for it: raises Invalid without a signature since submission (ROU-17)."""
    if order.origin != "request" or order.finished_at is None:
        return
    signed = session.scalar(
        select(func.count())
        .select_from(WorkOrderPicture)
        .where(
            WorkOrderPicture.work_order_id == order.id,
            WorkOrderPicture.kind == "signature",
            WorkOrderPicture.at >= order.finished_at,
        )
    )
    if not signed:
        raise Invalid(
            f"Work order {order.number} was asked for: whoever accepts the work signs",
            hint="Let the owner or the person in charge sign",
            field="signature",
        )
