"""What an order costs: lines of material and labour, summed in cents; a line is taken out with a trace."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id
from services.work_order import approvals
from services.work_order.acting import act, is_open, short
from services.work_order.model import CostAdded, CostRemoved
from services.work_order.money import MOST_CENTS, line_cents, yuan
from services.work_order.store import lock, snapshot
from services.work_order.tables import WorkOrder, WorkOrderCost

CostKind = Literal["material", "labour"]
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class NewCost:
    """One line as somebody enters it; the price is per unit."""

    kind: CostKind
    name: str
    quantity: float
    unit: str
    price_cents: int
    person: str = ""
    """Labour: who worked."""


def add(session: Session, order_id: str, new: NewCost, *, actor: str, now: datetime) -> WorkOrderCost:
    """Add a line; what waits for approval of a smaller sum is dropped. Raises Invalid, Conflict on a closed order."""
    order = lock(session, order_id)
    is_open(order, "a cost line")
    amount = _checked(order, new)
    if len(lines(session, order_id, removed=True)) >= MOST_LINES:
        raise Conflict(f"Work order {order.number} has {MOST_LINES} cost lines already", hint="Sum up small parts")
    row = WorkOrderCost(
        id=new_id(),
        work_order_id=order.id,
        kind=new.kind,
        name=new.name.strip(),
        quantity=new.quantity,
        unit=new.unit.strip(),
        price_cents=new.price_cents,
        amount_cents=amount,
        person=new.person,
        at=now,
        by=actor,
    )
    session.add(row)
    order.cost_cents += amount
    act(session, order, CostAdded(row.id, _text(row), amount, order.cost_cents), actor, now)
    approvals.settle(session, order, now, actor=actor)
    return row


def remove(session: Session, order_id: str, cost_id: str, *, actor: str, now: datetime) -> WorkOrderCost:
    """Take a line out; it stays readable with who did it. Raises NotFound, Conflict when it is out already."""
    order = lock(session, order_id)
    is_open(order, "a cost line")
    row = session.get(WorkOrderCost, cost_id)
    if row is None or row.work_order_id != order.id:
        raise NotFound(f"Work order {order.number} has no cost line {cost_id}", hint="Look at the order", cost=cost_id)
    if row.removed_at is not None:
        raise Conflict(
            f"The line {row.name} of {order.number} was removed already", hint="Look again", current=snapshot(order)
        )
    row.removed_at, row.removed_by = now, actor
    order.cost_cents -= row.amount_cents
    act(session, order, CostRemoved(row.id, _text(row), row.amount_cents, order.cost_cents), actor, now)
    approvals.settle(session, order, now, actor=actor)
    return row


def lines(session: Session, order_id: str, *, removed: bool = False) -> list[WorkOrderCost]:
    """The lines of an order as they were entered; those taken out only when asked for."""
    query = select(WorkOrderCost).where(WorkOrderCost.work_order_id == order_id)
    if not removed:
        query = query.where(WorkOrderCost.removed_at.is_(None))
    return list(session.scalars(query.order_by(WorkOrderCost.at, WorkOrderCost.id)))


def _checked(order: WorkOrder, new: NewCost) -> int:
    if not short(order, new.name, 200):
        raise Invalid("A cost line needs a name", hint="Write what it is", field="name")
    if not new.unit.strip() or len(new.unit.strip()) > 16:
        raise Invalid("A cost line needs a unit of at most 16 characters", hint="E.g. 个, m, h", field="unit")
    if not math.isfinite(new.quantity) or not 0 < new.quantity <= 1_000_000:
        raise Invalid("The quantity must be above 0 and at most 1,000,000", hint="Look at it again", field="quantity")
    if not 0 <= new.price_cents <= MOST_CENTS:
        raise Invalid("The price must not be below 0 or above 20 million yuan", hint="Check it", field="price")
    amount = line_cents(new.quantity, new.price_cents)
    if order.cost_cents + amount > MOST_CENTS:
        raise Invalid(f"Work order {order.number} cannot cost more than 20 million yuan", hint="Check", field="price")
    return amount


def _text(row: WorkOrderCost) -> str:
    return f"{row.name} {row.quantity:g} {row.unit} × ¥{yuan(row.price_cents)} = ¥{yuan(row.amount_cents)}"
