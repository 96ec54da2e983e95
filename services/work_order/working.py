"""What people do with an order. Every command names the version its person saw and is audited."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.kernel import audit, timers
from services.kernel.errors import Forbidden, Invalid
from services.work_order.creating import FINISH_TIMER, HOLD_TIMER, RESPOND_TIMER
from services.work_order.model import (
    Accepted,
    Cancelled,
    Clock,
    Commented,
    Dispatched,
    Escalated,
    Event,
    OverdueNoted,
    PutOnHold,
    Rated,
    Reassigned,
    Resumed,
    ReworkOrdered,
    Started,
    Submitted,
    Verified,
    finish_due_after_hold,
    is_overdue,
    is_running,
)
from services.work_order.store import SYSTEM, change, lock, snapshot, state_of
from services.work_order.tables import WorkOrder

VERIFY_OWN_ROLES = frozenset({"manager"})
"""Who may verify even what they carried out themselves."""


def accept(session: Session, order_id: str, *, version: int, actor: str, now: datetime) -> WorkOrder:
    """受理."""
    order = lock(session, order_id, version)
    _act(session, order, Accepted(), actor, now)
    return order


def dispatch(
    session: Session,
    order_id: str,
    *,
    version: int,
    actor: str,
    now: datetime,
    assignee: str | None = None,
    assignee_role: str | None = None,
) -> WorkOrder:
    """派工: to a person, or to a role whose first comer takes it."""
    order = lock(session, order_id, version)
    _somebody(order, assignee, assignee_role)
    _act(session, order, Dispatched(assignee, assignee_role), actor, now)
    return order


def reassign(
    session: Session,
    order_id: str,
    *,
    version: int,
    actor: str,
    now: datetime,
    reason: str,
    assignee: str | None = None,
    assignee_role: str | None = None,
) -> WorkOrder:
    """转派: to somebody else, who begins anew. Ends a hold."""
    order = lock(session, order_id, version)
    _somebody(order, assignee, assignee_role)
    words = _words(order, reason, "reassigning")
    held = order.held_at is not None
    due = finish_due_after_hold(state_of(order), now, pauses=_pauses(order))
    _act(session, order, Reassigned(assignee, assignee_role, words, due), actor, now)
    if held:
        _end_hold(session, order, now, "reassigned")
    return order


def start(session: Session, order_id: str, *, version: int, actor: str, now: datetime) -> WorkOrder:
    """实施 begins: `actor` is on site, takes the order if it was not theirs, and the response clock stops."""
    order = lock(session, order_id, version)
    _act(session, order, Started(actor, now), actor, now)
    timers.cancel(session, [RESPOND_TIMER], order.id, now, "work began")
    return order


def hold(
    session: Session, order_id: str, *, version: int, reason: str, until: datetime, actor: str, now: datetime
) -> WorkOrder:
    """挂起: with a reason and an end; the clocks run on unless the policy says otherwise."""
    order = lock(session, order_id, version)
    words = _words(order, reason, "a hold")
    if until <= now:
        raise Invalid(
            f"Work order {order.number} cannot be on hold until {until.isoformat()}", hint="Choose a moment after now"
        )
    _act(session, order, PutOnHold(words, until, now), actor, now)
    timers.schedule(session, HOLD_TIMER, order.id, until, step=str(order.version))
    if _pauses(order):
        timers.cancel(session, [FINISH_TIMER], order.id, now, "on hold")
    return order


def resume(session: Session, order_id: str, *, version: int, actor: str, now: datetime) -> WorkOrder:
    """Work goes on before the hold's end."""
    order = lock(session, order_id, version)
    _resume(session, order, actor, now)
    return order


def end_hold(session: Session, order_id: str, now: datetime) -> WorkOrder | None:
    """The hold's timer: work goes on; None when the order is not on hold any more, or until later."""
    order = lock(session, order_id)
    if order.hold_until is None or order.hold_until > now:
        return None
    _resume(session, order, SYSTEM, now)
    return order


def submit(session: Session, order_id: str, *, version: int, actor: str, now: datetime, note: str = "") -> WorkOrder:
    """The work is done: the finish clock stops and somebody else must verify."""
    order = lock(session, order_id, version)
    _act(session, order, Submitted(actor, now, _short(order, note)), actor, now)
    timers.cancel(session, [FINISH_TIMER], order.id, now, "submitted")
    return order


def verify(
    session: Session, order_id: str, *, version: int, actor: str, role: str, now: datetime, note: str = ""
) -> WorkOrder:
    """验收 by somebody who did not carry it out (a 经理 may in any case)."""
    order = lock(session, order_id, version)
    _not_own(order, actor, role)
    _act(session, order, Verified(actor, _short(order, note)), actor, now)
    return order


def rework(
    session: Session, order_id: str, *, version: int, actor: str, role: str, reason: str, now: datetime
) -> WorkOrder:
    """返修: verification failed; back to 实施 with the same deadline, and counted."""
    order = lock(session, order_id, version)
    _not_own(order, actor, role)
    _act(session, order, ReworkOrdered(actor, _words(order, reason, "rework")), actor, now)
    _run_finish_clock(session, order)
    return order


def rate(
    session: Session, order_id: str, *, version: int, stars: int, actor: str, now: datetime, comment: str = ""
) -> WorkOrder:
    """评价: 1 to 5 stars; closes the order."""
    order = lock(session, order_id, version)
    if not 1 <= stars <= 5:
        raise Invalid(f"Work order {order.number} cannot get {stars} stars", hint="Give 1 to 5")
    _act(session, order, Rated(stars, now, _short(order, comment)), actor, now)
    return order


def cancel(session: Session, order_id: str, *, version: int, actor: str, reason: str, now: datetime) -> WorkOrder:
    """The job is not needed any more; possible until it is submitted."""
    order = lock(session, order_id, version)
    _act(session, order, Cancelled(_words(order, reason, "cancelling"), now), actor, now)
    timers.cancel(session, [RESPOND_TIMER, FINISH_TIMER, HOLD_TIMER], order.id, now, "cancelled")
    return order


def comment(session: Session, order_id: str, *, actor: str, text: str, now: datetime) -> WorkOrder:
    """Add a remark to the history; needs no version, because it overwrites nothing."""
    order = lock(session, order_id)
    _act(session, order, Commented(_words(order, text, "a comment")), actor, now)
    return order


def note_overdue(session: Session, order_id: str, clock: Clock, now: datetime) -> WorkOrder | None:
    """A deadline's timer: record that the clock ran out; None when it was stopped meanwhile or runs longer."""
    order = lock(session, order_id)
    state = state_of(order)
    if not is_running(state, clock) or not is_overdue(state, clock, now):
        return None
    change(session, order, OverdueNoted(clock), now, actor=SYSTEM)
    return order


def note_escalated(
    session: Session, order_id: str, role: str, now: datetime, *, reason: str = "", actor: str = SYSTEM
) -> WorkOrder:
    """Record that the next level was told."""
    order = lock(session, order_id)
    _act(session, order, Escalated(role, reason), actor, now)
    return order


def _act(session: Session, order: WorkOrder, event: Event, actor: str, now: datetime, **context: Any) -> None:
    change(session, order, event, now, actor=actor, **context)
    if actor != SYSTEM:
        audit.record(session, now, actor, f"work_order.{event.kind}", order.id, seq=order.version)


def _resume(session: Session, order: WorkOrder, actor: str, now: datetime) -> None:
    due = finish_due_after_hold(state_of(order), now, pauses=_pauses(order))
    _act(session, order, Resumed(due), actor, now)
    _end_hold(session, order, now, "work goes on")


def _end_hold(session: Session, order: WorkOrder, now: datetime, why: str) -> None:
    timers.cancel(session, [HOLD_TIMER], order.id, now, why)
    if _pauses(order):
        _run_finish_clock(session, order)


def _run_finish_clock(session: Session, order: WorkOrder) -> None:
    if order.finish_due_at is not None:
        # A finished timer never fires again: each time the clock starts anew it gets its own.
        timers.schedule(session, FINISH_TIMER, order.id, order.finish_due_at, step=str(order.version))


def _pauses(order: WorkOrder) -> bool:
    return bool(order.policy.get("hold_pauses_finish", False))


def _somebody(order: WorkOrder, assignee: str | None, role: str | None) -> None:
    if not assignee and not role:
        raise Invalid(f"Work order {order.number} must go to somebody", hint="Name a person or a role")


def _not_own(order: WorkOrder, actor: str, role: str) -> None:
    if order.state != "submitted":
        return  # the machine refuses with the better reason
    if actor in order.executors and role not in VERIFY_OWN_ROLES:
        raise Forbidden(
            f"Work order {order.number} was carried out by {actor}, who cannot verify it",
            hint="Let somebody else verify it, or a 经理",
            current=snapshot(order),
        )


def _words(order: WorkOrder, text: str, what: str) -> str:
    cut = _short(order, text)
    if not cut:
        raise Invalid(
            f"Work order {order.number}: {what} needs words", hint="Say why in a few words; others will read it"
        )
    return cut


def _short(order: WorkOrder, text: str) -> str:
    cut = text.strip()
    if len(cut) > 400:
        raise Invalid(f"Work order {order.number}: {len(cut)} characters are too many", hint="Use at most 400")
    return cut
