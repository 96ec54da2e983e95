"""The row of an order and the machine's state, kept one: every change goes through `change`."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, NotFound
from services.kernel.ids import new_id
from services.work_order.model import ALLOWED, Event, OrderState, State, StepRefused, apply, decode, encode
from services.work_order.tables import WorkOrder, WorkOrderCounter, WorkOrderEvent

SYSTEM = "system"
"""The actor of everything no person did."""
_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


def duration(policy: Mapping[str, Any], key: str) -> timedelta | None:
    """A duration of a policy: ISO 8601, seconds, or a timedelta; None when it names none."""
    value = policy.get(key)
    return None if value is None else _DURATION.validate_python(value)


def state_of(order: WorkOrder) -> OrderState:
    """The machine's state as the row keeps it."""
    return OrderState(
        state=order.state,  # type: ignore[arg-type]
        assignee=order.assignee,
        assignee_role=order.assignee_role,
        executors=tuple(order.executors),
        respond_due_at=order.respond_due_at,
        finish_due_at=order.finish_due_at,
        responded_at=order.responded_at,
        finished_at=order.finished_at,
        closed_at=order.closed_at,
        hold_reason=order.hold_reason,
        hold_until=order.hold_until,
        held_at=order.held_at,
        rework_count=order.rework_count,
        rating=order.rating,
    )


def snapshot(order: WorkOrder) -> dict[str, Any]:
    """The state a refusal carries, as JSON: what the person should see instead."""
    state: State = order.state  # type: ignore[assignment]
    return {
        "id": order.id,
        "number": order.number,
        "state": state,
        "allowed": list(ALLOWED[state]),
        "assignee": order.assignee,
        "assignee_role": order.assignee_role,
        "respond_due_at": _text(order.respond_due_at),
        "finish_due_at": _text(order.finish_due_at),
        "responded_at": _text(order.responded_at),
        "finished_at": _text(order.finished_at),
        "hold_reason": order.hold_reason,
        "hold_until": _text(order.hold_until),
        "rework_count": order.rework_count,
        "version": order.version,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def lock(session: Session, order_id: str, version: int | None = None) -> WorkOrder:
    """The order, held until the transaction ends; raises NotFound, or Conflict when `version` is not current."""
    order = session.scalar(
        select(WorkOrder).where(WorkOrder.id == order_id).with_for_update().execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound(f"There is no work order {order_id}", hint="Open it from the list", work_order=order_id)
    if version is not None and order.version != version:
        raise Conflict(
            f"Work order {order.number} was changed meanwhile (version {order.version}, you saw {version})",
            hint="Look at its current state and decide again",
            current=snapshot(order),
        )
    return order


def change(
    session: Session,
    order: WorkOrder,
    event: Event,
    now: datetime,
    *,
    actor: str,
    event_at: datetime | None = None,
    **context: Any,
) -> None:
    """Apply an event to a locked row and append it to the history; raises Conflict when the step is not next."""
    try:
        state = apply(state_of(order), event)
    except StepRefused as refusal:
        allowed = ", ".join(refusal.allowed) or "nothing: it is over"
        raise Conflict(
            f"Work order {order.number} is {order.state}: {refusal.step} is not its next step",
            hint=f"Possible now: {allowed}",
            current=snapshot(order),
            allowed=list(refusal.allowed),
        ) from refusal
    _write(order, state)
    append(session, order, event, now, actor=actor, event_at=event_at, **context)


def append(
    session: Session,
    order: WorkOrder,
    event: Event,
    now: datetime,
    *,
    actor: str,
    event_at: datetime | None = None,
    **context: Any,
) -> None:
    """Add a history row; its sequence number is the order's new version."""
    order.version += 1
    session.add(
        WorkOrderEvent(
            id=new_id(),
            work_order_id=order.id,
            seq=order.version,
            at=now,
            event_at=event_at or now,
            kind=event.kind,
            actor=actor,
            data=encode(event) | {key: value for key, value in context.items() if value is not None},
        )
    )
    session.flush()


def _write(order: WorkOrder, state: OrderState) -> None:
    order.state = state.state or "reported"
    order.assignee = state.assignee
    order.assignee_role = state.assignee_role
    order.executors = list(state.executors)
    order.finish_due_at = state.finish_due_at
    order.responded_at = state.responded_at
    order.finished_at = state.finished_at
    order.closed_at = state.closed_at
    order.hold_reason = state.hold_reason
    order.hold_until = state.hold_until
    order.held_at = state.held_at
    order.rework_count = state.rework_count
    order.rating = state.rating


def next_number(session: Session, site: str, day: date) -> str:
    """The next number of a site's local day; whoever asks second waits for the first one's transaction."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    last = session.scalar(
        insert(WorkOrderCounter)
        .values(site=site, day=day, last=1)
        .on_conflict_do_update(index_elements=["site", "day"], set_={"last": WorkOrderCounter.last + 1})
        .returning(WorkOrderCounter.last)
    )
    return f"WO-{day:%Y%m%d}-{last:04d}"


def events_of(rows: list[WorkOrderEvent]) -> list[Event]:
    """The machine's events of history rows, for replay."""
    return [decode(row.kind, row.data) for row in rows]
