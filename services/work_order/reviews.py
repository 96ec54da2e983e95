"""Emergency repair reports 紧急维修报告: due with the submission of an emergency, and its order stays open (ROU-33)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Forbidden, NotFound
from services.work_order.acting import act, is_open, short, words
from services.work_order.approvals import EMERGENCIES
from services.work_order.drafting import Facts, Line, draft
from services.work_order.model import ReviewApproved, ReviewReturned, ReviewWritten
from services.work_order.store import lock, snapshot
from services.work_order.tables import RepairReview, WorkOrder, WorkOrderEvent

LONGEST = 4000
"""Characters of each part of the report."""
LEADERS = frozenset({"supervisor", "manager", "admin"})
"""Who may write any report and approve those of others."""


def needs(order: WorkOrder) -> bool:
    """Whether such an order's repair ends with a report: an emergency whose policy says `review`."""
    return order.priority in EMERGENCIES and bool(order.policy.get("review", False))


def begin(session: Session, order: WorkOrder, now: datetime) -> None:
    """Draft the report of a locked order that was just submitted; what people wrote about it earlier stays."""
    if not needs(order):
        return
    facts = _draft_of(session, order)
    row = session.get(RepairReview, order.id)
    if row is None:
        session.add(RepairReview(work_order_id=order.id, draft=facts, drafted_at=now))
    else:
        row.draft, row.drafted_at = facts, now
        row.approved_by, row.approved_at = "", None
    order.review = "due"
    session.flush()


def write(
    session: Session, order_id: str, *, cause: str, effect: str, measures: str, actor: str, role: str, now: datetime
) -> RepairReview:
    """Write cause, effect and measures: whoever worked on it, or a leader. All three need words."""
    order, row = _open(session, order_id)
    if order.review == "approved":
        raise Conflict(
            f"The report of {order.number} is approved already", hint="Nothing is left to do", current=snapshot(order)
        )
    if role not in LEADERS and actor not in (*order.executors, order.assignee):
        raise Forbidden(
            f"{actor} did not work on {order.number}", hint="Whoever carried it out writes the report, or a supervisor"
        )
    parts = {"cause": cause, "effect": effect, "measures": measures}
    for name, text in parts.items():
        cut = short(order, text, LONGEST)
        setattr(row, name, cut if cut else words(order, text, f"the {name}", name))
    row.written_by, row.written_at = actor, now
    row.draft = _draft_of(session, order)
    order.review = "drafted"
    act(session, order, ReviewWritten(actor), actor, now)
    return row


def approve(session: Session, order_id: str, *, actor: str, role: str, now: datetime) -> RepairReview:
    """Approve it: a leader who neither wrote it nor did the work."""
    order, row = _judged(session, order_id, actor, role)
    row.approved_by, row.approved_at = actor, now
    order.review = "approved"
    act(session, order, ReviewApproved(actor), actor, now)
    return row


def send_back(session: Session, order_id: str, *, reason: str, actor: str, role: str, now: datetime) -> RepairReview:
    """Not good enough: it is to be written again."""
    order, row = _judged(session, order_id, actor, role)
    order.review = "due"
    act(session, order, ReviewReturned(words(order, reason, "sending a report back")), actor, now)
    return row


def refuse_unreviewed(order: WorkOrder) -> None:
    """Refuse to close an order whose report is not approved; raises Conflict with what comes next."""
    if order.review not in ("due", "drafted"):
        return
    hint = "Write the report on the order's page" if order.review == "due" else "A supervisor or manager approves it"
    raise Conflict(
        f"Work order {order.number} was an emergency repair: its report is not approved",
        hint=hint,
        current=snapshot(order),
        next_step="write_review" if order.review == "due" else "approve_review",
    )


def _judged(session: Session, order_id: str, actor: str, role: str) -> tuple[WorkOrder, RepairReview]:
    order, row = _open(session, order_id)
    if order.review != "drafted":
        raise Conflict(
            f"There is no report of {order.number} to approve", hint="It is to be written first",
            current=snapshot(order),
        )  # fmt: skip
    if role not in LEADERS or actor == row.written_by or actor in order.executors:
        raise Forbidden(
            f"{actor} cannot approve the report of {order.number}",
            hint="Another supervisor or manager, who did not work on it, approves it",
        )
    return order, row


def _open(session: Session, order_id: str) -> tuple[WorkOrder, RepairReview]:
    order = lock(session, order_id)
    is_open(order, "the report")
    row = session.get(RepairReview, order_id, with_for_update=True)
    if row is None or order.finished_at is None:
        raise NotFound(
            f"Work order {order.number} has no emergency repair report now",
            hint="It begins with the submission of an emergency repair",
        )
    return order, row


def _draft_of(session: Session, order: WorkOrder) -> dict[str, object]:
    session.flush()
    rows = session.scalars(
        select(WorkOrderEvent).where(WorkOrderEvent.work_order_id == order.id).order_by(WorkOrderEvent.seq)
    )
    facts = Facts(
        number=order.number,
        title=order.title,
        place=order.place,
        equipment=order.equipment,
        category=order.category,
        priority=order.priority,
        executors=tuple(order.executors),
        reported_at=order.created_at,
        respond_due_at=order.respond_due_at,
        responded_at=order.responded_at,
        finish_due_at=order.finish_due_at,
        finished_at=order.finished_at,
        rework_count=order.rework_count,
        rework_of=order.rework_of,
        cost_cents=order.cost_cents,
        approved_cents=order.approved_cents,
    )
    return draft(facts, [Line(one.kind, one.event_at, one.actor, one.data) for one in rows])
