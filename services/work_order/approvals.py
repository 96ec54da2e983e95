"""Approval of an order's cost, hand after hand (APR-01, APR-02): the whole sum picks the chain, split or not.

What may be done before it is approved: everything but handing in, except in an emergency (P1, P2), which may be handed
in, so that its clock tells when the danger was over, and is then neither verified nor closed (decision 0033).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.approvals import ApprovalBand
from services.kernel.errors import Conflict, Forbidden, NotFound
from services.kernel.ids import new_id
from services.work_order.acting import act, is_open, short, words
from services.work_order.model import ApprovalAsked, ApprovalDecided, ApprovalDropped
from services.work_order.money import yuan
from services.work_order.store import lock, snapshot
from services.work_order.tables import WorkOrder, WorkOrderApproval

EMERGENCIES = frozenset({"P1", "P2"})


def ask(session: Session, order_id: str, band: ApprovalBand, *, actor: str, now: datetime) -> list[WorkOrderApproval]:
    """Put the whole cost to the hands of a band; raises Conflict when nothing is to be approved, or is asked already.

    `band` is the one that the order's cost falls into.
    """
    order = lock(session, order_id)
    is_open(order, "asking for approval")
    if order.cost_cents <= order.approved_cents:
        raise Conflict(
            f"Work order {order.number} costs ¥{yuan(order.cost_cents)}, which is approved",
            hint="Enter the cost lines first",
            current=snapshot(order),
        )
    waiting = current(session, order.id)
    if waiting is not None:
        raise Conflict(
            f"The cost of {order.number} waits for {waiting.title} already",
            hint="Wait, or change the cost",
            current=snapshot(order),
        )
    asked = session.scalar(
        select(func.max(WorkOrderApproval.request)).where(WorkOrderApproval.work_order_id == order.id)
    )
    request = (asked or 0) + 1
    rows = [
        WorkOrderApproval(
            id=new_id(),
            work_order_id=order.id,
            request=request,
            position=position,
            band=band.id,
            amount_cents=order.cost_cents,
            title=step.title,
            asked_at=now,
            asked_by=actor,
            state="waiting",
        )
        for position, step in enumerate(band.steps)
    ]
    session.add_all(rows)
    act(session, order, ApprovalAsked(request, band.id, order.cost_cents), actor, now)
    return rows


def decide(
    session: Session,
    approval_id: str,
    *,
    actor: str,
    holders: Sequence[str],
    may_enter: bool,
    approve: bool,
    now: datetime,
    note: str = "",
    paper: str = "",
) -> WorkOrderApproval:
    """The decision of one hand, by somebody of `holders`, or entered from paper by who `may_enter` it.

    Raises Conflict when it is not this hand's turn, Forbidden for others and for who asked, Invalid without words.
    """
    row = get(session, approval_id)
    order = lock(session, row.work_order_id)
    session.refresh(row)
    turn = current(session, order.id)
    if row.state != "waiting" or turn is None or turn.id != row.id:
        whose = f"It is the turn of {turn.title}" if turn else "Nothing waits for a decision"
        raise Conflict(
            f"{row.title} cannot decide about the cost of {order.number} now", hint=whose, current=snapshot(order)
        )
    if actor == row.asked_by:
        raise Forbidden(
            f"{actor} asked for the approval of {order.number} and cannot give it", hint="Let somebody else decide"
        )
    number = short(order, paper, 120)
    if number and not may_enter:
        raise Forbidden("A decision on paper is entered by a manager", hint="Ask a manager to enter it")
    if not number and actor not in holders:
        hint = f"Decides: {', '.join(holders)}" if holders else "Nobody here has the title: enter it from paper"
        raise Forbidden(f"{actor} does not decide as {row.title}", hint=hint)
    row.note = short(order, note) if approve else words(order, note, "a refusal", "note")
    row.state, row.decided_at, row.decided_by = ("approved" if approve else "rejected"), now, actor
    row.paper = number
    decided = ApprovalDecided(
        row.request, row.position, row.title, approve, row.amount_cents, paper=row.paper, note=row.note
    )
    later = _waiting(session, order.id)
    if not approve:
        for one in later:
            one.state = "dropped"
    elif not later:
        order.approved_cents = row.amount_cents
    act(session, order, decided, actor, now)
    return row


def settle(session: Session, order: WorkOrder, now: datetime, *, actor: str) -> None:
    """The cost of a locked order changed, or it was cancelled: drop what waits without need, or for too small a sum."""
    waiting = _waiting(session, order.id)
    if not waiting:
        return
    over = order.state == "cancelled"
    if not over and order.approved_cents < order.cost_cents <= waiting[0].amount_cents:
        return
    for one in waiting:
        one.state = "dropped"
    why = "it costs more now" if order.cost_cents > waiting[0].amount_cents else "no approval is needed any more"
    act(session, order, ApprovalDropped(waiting[0].request, why), actor, now)


def refuse_unapproved(session: Session, order: WorkOrder, what: str) -> None:
    """Refuse a step while the order costs more than is approved; raises Conflict with what comes next."""
    if order.cost_cents <= order.approved_cents:
        return
    waiting = current(session, order.id)
    hint = f"It waits for {waiting.title}" if waiting else "Ask for the approval of its cost on the order's page"
    raise Conflict(
        f"Work order {order.number} costs ¥{yuan(order.cost_cents)}, approved are ¥{yuan(order.approved_cents)}: "
        f"it cannot be {what} yet",
        hint=hint,
        current=snapshot(order),
        next_step="decide" if waiting else "ask_approval",
    )


def get(session: Session, approval_id: str) -> WorkOrderApproval:
    """One hand; raises NotFound."""
    row = session.get(WorkOrderApproval, approval_id)
    if row is None:
        raise NotFound(f"There is no approval {approval_id}", hint="Look at the list again", approval=approval_id)
    return row


def current(session: Session, order_id: str) -> WorkOrderApproval | None:
    """The hand whose turn it is; None: nothing waits."""
    waiting = _waiting(session, order_id)
    return waiting[0] if waiting else None


def of_order(session: Session, order_id: str) -> list[WorkOrderApproval]:
    """Every hand of every request, the newest request first."""
    query = select(WorkOrderApproval).where(WorkOrderApproval.work_order_id == order_id)
    return list(session.scalars(query.order_by(WorkOrderApproval.request.desc(), WorkOrderApproval.position)))


def turns(session: Session) -> list[tuple[WorkOrderApproval, WorkOrder]]:
    """The hand whose turn it is at every order that waits, oldest request first."""
    query = (
        select(WorkOrderApproval, WorkOrder)
        .join(WorkOrder, WorkOrder.id == WorkOrderApproval.work_order_id)
        .where(WorkOrderApproval.state == "waiting")
        .order_by(WorkOrderApproval.asked_at, WorkOrderApproval.work_order_id, WorkOrderApproval.position)
    )
    seen: set[str] = set()
    found = []
    for row, order in session.execute(query):
        if order.id not in seen:
            seen.add(order.id)
            found.append((row, order))
    return found


def _waiting(session: Session, order_id: str) -> list[WorkOrderApproval]:
    session.flush()
    query = select(WorkOrderApproval).where(
        WorkOrderApproval.work_order_id == order_id, WorkOrderApproval.state == "waiting"
    )
    return list(session.scalars(query.order_by(WorkOrderApproval.request, WorkOrderApproval.position)))
