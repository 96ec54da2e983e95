"""How a work order begins: reported by a person, or made for an alert and sent on its way by policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Literal

from pydantic_core import to_jsonable_python
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.kernel import audit, timers
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.work_order.model import Accepted, Dispatched, Reported
from services.work_order.rework import NewOne, first_of, repeats
from services.work_order.store import SYSTEM, append, change, duration, lock, next_number
from services.work_order.tables import WorkOrder

RESPOND_TIMER = "work_order.respond_due"
FINISH_TIMER = "work_order.finish_due"
HOLD_TIMER = "work_order.hold_end"

Origin = Literal["alert", "request", "inspection", "rework"]
_OPEN_ALERT = text("closed_at IS NULL AND alert_id IS NOT NULL")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A job that is asked for."""

    site: str
    title: str
    place: str = ""
    equipment: str = ""
    priority: str | None = None
    """P1 to P4; None: the policy's."""
    assignee: str | None = None
    """Whom 派工 by policy gives it to; None: whoever of `assignee_role` comes first."""
    assignee_role: str | None = "engineer"
    """设备责任人 first (ROU-29)."""
    equipment_id: str | None = None
    """Its entry of the ledger."""
    category: str = ""
    """One of services.work_order.categories.CATEGORIES; empty: not known, and rework is not told."""
    origin: Origin = "alert"
    """request: somebody asked (报修), and call-backs are due."""
    requester: str = ""
    """Who asked: name, room, phone, in words."""
    rework_of: str | None = None
    """The first order of the chain, when it is known; None: looked for (AMB-12)."""
    clock_from: datetime | None = None
    """When the clocks began to run: the sensor's alarm or the call, never the dispatch; None: now."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What the first history row should remember besides."""


@dataclass(frozen=True, slots=True)
class Created:
    """The order of an alert; `new` is False when it had an open one already."""

    order: WorkOrder
    new: bool


def create_for_alert(session: Session, alert_id: str, new: NewOrder, zone: tzinfo, now: datetime) -> Created:
    """The one open order of an alert; a new one is accepted and dispatched at once by policy.

    The policy key `auto_dispatch: false` leaves both steps to people.
    """
    for _ in range(_TRIES):
        order = open_for_alert(session, alert_id, for_update=True)
        if order is not None:
            return Created(order, new=False)
        order = _insert(session, new, zone, now, actor=SYSTEM, alert_id=alert_id)
        if order is not None:
            _set_out(session, order, new, now)
            return Created(order, new=True)
    raise Conflict(
        f"Orders for alert {alert_id} are opened and closed faster than they can be read",
        hint="Look for two processes making orders for the same alert",
        alert=alert_id,
    )


def report(session: Session, new: NewOrder, zone: tzinfo, now: datetime, *, actor: str) -> WorkOrder:
    """A job that a person asks for; it waits for 受理."""
    order = _insert(session, new, zone, now, actor=actor, alert_id=None)
    if order is None:  # only an alert's order can meet an open one
        raise Conflict("The work order could not be written", hint="Try again")
    audit.record(session, now, actor, "work_order.report", order.id, number=order.number)
    return order


def open_for_alert(session: Session, alert_id: str, *, for_update: bool = False) -> WorkOrder | None:
    """The alert's open order, if it has one."""
    query = select(WorkOrder).where(WorkOrder.alert_id == alert_id, WorkOrder.closed_at.is_(None))
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def find_first(session: Session, new: NewOrder, now: datetime) -> str | None:
    """The first order of the chain that a new one repeats; None: it repeats none (AMB-12)."""
    one = NewOne(new.equipment_id, new.place, new.category)
    if not repeats(one):
        return None
    query = select(WorkOrder.id, WorkOrder.rework_of, WorkOrder.finished_at).where(
        WorkOrder.site == new.site,
        WorkOrder.category == new.category,
        WorkOrder.state != "cancelled",
        WorkOrder.finished_at.is_not(None),
    )
    if new.equipment_id:
        query = query.where(WorkOrder.equipment_id == new.equipment_id)
    else:
        query = query.where(WorkOrder.equipment_id.is_(None), WorkOrder.place == new.place)
    newest = query.order_by(WorkOrder.finished_at.desc(), WorkOrder.id.desc()).limit(1)
    found = session.execute(newest).first()
    return None if found is None else first_of(found.id, found.rework_of, found.finished_at, now)


def _set_out(session: Session, order: WorkOrder, new: NewOrder, now: datetime) -> None:
    if not order.policy.get("auto_dispatch", True):
        return
    policy_id = order.policy.get("id")
    change(session, order, Accepted(), now, actor=SYSTEM, policy=policy_id)
    if new.assignee or new.assignee_role:
        change(session, order, Dispatched(new.assignee, new.assignee_role), now, actor=SYSTEM, policy=policy_id)


def _insert(
    session: Session, new: NewOrder, zone: tzinfo, now: datetime, *, actor: str, alert_id: str | None
) -> WorkOrder | None:
    start = new.clock_from or now
    respond, finish = duration(new.policy, "respond_within"), duration(new.policy, "finish_within")
    reported = Reported(
        respond_due_at=start + respond if respond is not None else None,
        finish_due_at=start + finish if finish is not None else None,
    )
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    with session.begin_nested() as savepoint:
        inserted = session.scalar(
            insert(WorkOrder)
            .values(
                id=new_id(),
                number=next_number(session, new.site, now.astimezone(zone).date()),
                site=new.site,
                alert_id=alert_id,
                title=new.title,
                place=new.place,
                equipment=new.equipment,
                equipment_id=new.equipment_id,
                origin=new.origin,
                category=new.category,
                requester=new.requester,
                rework_of=new.rework_of or find_first(session, new, now),
                priority=new.priority or str(new.policy.get("priority", "P3")),
                state="reported",
                executors=[],
                created_at=now,
                respond_due_at=reported.respond_due_at,
                finish_due_at=reported.finish_due_at,
                rework_count=0,
                policy=to_jsonable_python(dict(new.policy)),
                version=0,
            )
            .on_conflict_do_nothing(index_elements=["alert_id"], index_where=_OPEN_ALERT)
            .returning(WorkOrder.id)
        )
        if inserted is None:
            savepoint.rollback()  # the number goes back with it
            return None
    order = lock(session, inserted)
    append(
        session,
        order,
        reported,
        now,
        actor=actor,
        event_at=start,
        policy=new.policy.get("id"),
        alert=alert_id,
        detail=to_jsonable_python(dict(new.detail)) or None,
        rework_of=order.rework_of,
    )
    if reported.respond_due_at is not None:
        timers.schedule(session, RESPOND_TIMER, order.id, reported.respond_due_at)
    if reported.finish_due_at is not None:
        timers.schedule(session, FINISH_TIMER, order.id, reported.finish_due_at)
    return order
