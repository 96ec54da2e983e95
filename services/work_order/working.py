"""What people do with an order. Every command names the version its person saw and is audited."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.kernel import timers
from services.kernel.errors import Conflict, Forbidden, Invalid
from services.work_order import approvals, pictures, reviews
from services.work_order.acting import act, is_open, short, words
from services.work_order.creating import FINISH_TIMER, HOLD_TIMER, RESPOND_TIMER
from services.work_order.model import (
    Accepted,
    Cancelled,
    Clock,
    Commented,
    Contacted,
    Dispatched,
    Escalated,
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
    is_running,
)
from services.work_order.store import SYSTEM, change, lock, snapshot, state_of
from services.work_order.tables import WorkOrder

VERIFY_OWN_ROLES = frozenset({"manager"})
"""Who may verify even what they carried out themselves."""


def accept(session: Session, order_id: str, *, version: int, actor: str, now: datetime) -> WorkOrder:
    """受理."""
    order = lock(session, order_id, version)
    act(session, order, Accepted(), actor, now)
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
    act(session, order, Dispatched(assignee, assignee_role), actor, now)
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
    why = words(order, reason, "reassigning")
    held = order.held_at is not None
    due = finish_due_after_hold(state_of(order), now, pauses=_pauses(order))
    act(session, order, Reassigned(assignee, assignee_role, why, due), actor, now)
    if held:
        _end_hold(session, order, now, "reassigned")
    return order


def start(session: Session, order_id: str, *, version: int, actor: str, now: datetime) -> WorkOrder:
    """实施 begins: `actor` is on site, takes the order if it was not theirs, and the response clock stops."""
    order = lock(session, order_id, version)
    act(session, order, Started(actor, now), actor, now)
    timers.cancel(session, [RESPOND_TIMER], order.id, now, "work began")
    return order


def hold(
    session: Session, order_id: str, *, version: int, reason: str, until: datetime, actor: str, now: datetime
) -> WorkOrder:
    """挂起: with a reason and an end; the clocks run on unless the policy says otherwise."""
    order = lock(session, order_id, version)
    why = words(order, reason, "a hold")
    if until <= now:
        raise Invalid(
            f"Work order {order.number} cannot be on hold until {until.isoformat()}", hint="Choose a moment after now"
        )
    act(session, order, PutOnHold(why, until, now), actor, now)
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
    """The work is done: the finish clock stops and somebody else must verify.

    Raises Conflict while it costs more than is approved, unless it was an emergency.
    """
    order = lock(session, order_id, version)
    if order.state == "in_progress" and order.priority not in approvals.EMERGENCIES:
        approvals.refuse_unapproved(session, order, "submitted")
    act(session, order, Submitted(actor, now, short(order, note)), actor, now)
    timers.cancel(session, [FINISH_TIMER], order.id, now, "submitted")
    reviews.begin(session, order, now)
    return order


def verify(
    session: Session, order_id: str, *, version: int, actor: str, role: str, now: datetime, note: str = ""
) -> WorkOrder:
    """验收 by somebody who did not carry it out (a 经理 may in any case); a request needs a signature first."""
    order = lock(session, order_id, version)
    _not_own(order, actor, role)
    if order.state == "submitted":
        approvals.refuse_unapproved(session, order, "verified")
        pictures.refuse_unsigned(session, order)
    act(session, order, Verified(actor, short(order, note)), actor, now)
    return order


def rework(
    session: Session, order_id: str, *, version: int, actor: str, role: str, reason: str, now: datetime
) -> WorkOrder:
    """返修: verification failed; back to 实施 with the same deadline, and counted."""
    order = lock(session, order_id, version)
    _not_own(order, actor, role)
    act(session, order, ReworkOrdered(actor, words(order, reason, "rework")), actor, now)
    _run_finish_clock(session, order)
    return order


def rate(
    session: Session, order_id: str, *, version: int, stars: int, actor: str, now: datetime, comment: str = ""
) -> WorkOrder:
    """评价: 1 to 5 stars; closes the order. Raises Conflict before cost and emergency report are approved."""
    order = lock(session, order_id, version)
    if order.state == "verified":
        approvals.refuse_unapproved(session, order, "closed")
        reviews.refuse_unreviewed(order)
    if not 1 <= stars <= 5:
        raise Invalid(f"Work order {order.number} cannot get {stars} stars", hint="Give 1 to 5")
    act(session, order, Rated(stars, now, short(order, comment)), actor, now)
    return order


def cancel(session: Session, order_id: str, *, version: int, actor: str, reason: str, now: datetime) -> WorkOrder:
    """The job is not needed any more; possible until it is submitted."""
    order = lock(session, order_id, version)
    act(session, order, Cancelled(words(order, reason, "cancelling"), now), actor, now)
    timers.cancel(session, [RESPOND_TIMER, FINISH_TIMER, HOLD_TIMER], order.id, now, "cancelled")
    approvals.settle(session, order, now, actor=actor)
    return order


def comment(session: Session, order_id: str, *, actor: str, text: str, now: datetime) -> WorkOrder:
    """Add a remark to the history; needs no version, because it overwrites nothing."""
    order = lock(session, order_id)
    act(session, order, Commented(words(order, text, "a comment")), actor, now)
    return order


def contact(session: Session, order_id: str, *, actor: str, text: str, now: datetime) -> WorkOrder:
    """Tell the requester how things stand; with a person named for the work this is the response (TIM-07, AMB-22).

    Raises Conflict for an order nobody asked for, or nobody in person has yet.
    """
    order = lock(session, order_id)
    is_open(order, "a call about its progress")
    if order.origin != "request":
        raise Conflict(f"Nobody asked for work order {order.number}", hint="Write a comment", current=snapshot(order))
    if order.assignee is None:
        raise Conflict(
            f"Work order {order.number} has nobody in person yet",
            hint="Dispatch it to a person, then tell the requester who comes",
            current=snapshot(order),
        )
    responds = order.responded_at is None
    act(session, order, Contacted(now, words(order, text, "a call", "text"), responds), actor, now)
    if responds:
        timers.cancel(session, [RESPOND_TIMER], order.id, now, "the requester was told who comes")
    return order


def note_overdue(session: Session, order_id: str, clock: Clock, now: datetime) -> WorkOrder | None:
    """A deadline's timer: record that the clock ran out; None when it was stopped meanwhile or runs longer."""
    order = lock(session, order_id)
    state = state_of(order)
    due = state.respond_due_at if clock == "respond" else state.finish_due_at
    # The timer fires once, and may fire at the very moment: the clock has run out then.
    if not is_running(state, clock) or due is None or now < due:
        return None
    change(session, order, OverdueNoted(clock), now, actor=SYSTEM)
    return order


def note_escalated(
    session: Session, order_id: str, role: str, now: datetime, *, reason: str = "", actor: str = SYSTEM
) -> WorkOrder:
    """Record that the next level was told."""
    order = lock(session, order_id)
    act(session, order, Escalated(role, reason), actor, now)
    return order


def _resume(session: Session, order: WorkOrder, actor: str, now: datetime) -> None:
    due = finish_due_after_hold(state_of(order), now, pauses=_pauses(order))
    act(session, order, Resumed(due), actor, now)
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
