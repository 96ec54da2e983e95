"""What people do about an order besides its steps: permission first, then the flow in one transaction."""

from datetime import datetime

from services.flows import approvals, call_backs, orders, reviews
from services.kernel.errors import Invalid
from services.people.roles import Actor, require
from services.web.actions import own_or_free
from services.web.deps import Services
from services.work_order import costs
from services.work_order import reviews as reports
from services.work_order import service as work_orders
from services.work_order.call_backs import Answer
from services.work_order.costs import NewCost
from services.work_order.money import parse_yuan
from services.work_order.pictures import PictureKind
from services.work_order.tables import (
    CallBack,
    RepairReview,
    WorkOrder,
    WorkOrderApproval,
    WorkOrderCost,
    WorkOrderPicture,
)


def report(svc: Services, actor: Actor, site: str, asked: orders.Report, now: datetime) -> WorkOrder:
    """Ask for a repair 报修."""
    require(actor, "work_order.report")
    with svc.db.begin() as s:
        return orders.report(s, svc.configs.site(site), asked, actor=actor.username, now=now)


def contact(svc: Services, actor: Actor, order_id: str, text: str, now: datetime) -> WorkOrder:
    """Record that the requester was told how things stand."""
    require(actor, "read")
    with svc.db.begin() as s:
        _allow(actor, "work_order.contact", work_orders.get(s, order_id))
        return work_orders.contact(s, order_id, actor=actor.username, text=text, now=now)


def add_cost(svc: Services, actor: Actor, order_id: str, new: NewCost, now: datetime) -> WorkOrderCost:
    """Enter a line of material or labour."""
    require(actor, "read")
    with svc.db.begin() as s:
        _allow(actor, "work_order.cost", work_orders.get(s, order_id))
        return costs.add(s, order_id, new, actor=actor.username, now=now)


def remove_cost(svc: Services, actor: Actor, order_id: str, cost_id: str, now: datetime) -> WorkOrderCost:
    """Take a line out."""
    require(actor, "read")
    with svc.db.begin() as s:
        _allow(actor, "work_order.cost", work_orders.get(s, order_id))
        return costs.remove(s, order_id, cost_id, actor=actor.username, now=now)


def price(text: str) -> int:
    """Cents of a price as typed; raises Invalid."""
    try:
        return parse_yuan(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no price", hint="Write yuan, e.g. 12.50", field="price") from error


def ask_approval(svc: Services, actor: Actor, order_id: str, now: datetime) -> list[WorkOrderApproval]:
    """Put the cost to its chain."""
    require(actor, "read")
    with svc.db.begin() as s:
        _allow(actor, "work_order.ask_approval", work_orders.get(s, order_id))
        return approvals.ask(s, svc.configs, order_id, actor=actor.username, now=now)


def decide(
    svc: Services, actor: Actor, approval_id: str, approve: bool, now: datetime, note: str = "", paper: str = ""
) -> WorkOrderApproval:
    """One hand's decision."""
    require(actor, "work_order.approve")
    with svc.db.begin() as s:
        return approvals.decide(
            s,
            svc.configs,
            approval_id,
            actor=actor.username,
            role=str(actor.role),
            approve=approve,
            now=now,
            note=note,
            paper=paper,
        )


def add_picture(
    svc: Services, actor: Actor, order_id: str, client_id: str, kind: PictureKind, content: bytes, now: datetime
) -> WorkOrderPicture:
    """Add a photo before or after; the same again changes nothing."""
    require(actor, "read")
    with svc.db.begin() as s:
        _allow(actor, "work_order.picture", work_orders.get(s, order_id))
        return orders.keep_picture(s, order_id, client_id, kind, content, actor=actor.username, now=now)


def write_review(
    svc: Services, actor: Actor, order_id: str, cause: str, effect: str, measures: str, now: datetime
) -> RepairReview:
    """Write the emergency repair report."""
    require(actor, "work_order.review")
    with svc.db.begin() as s:
        row = reports.write(
            s,
            order_id,
            cause=cause,
            effect=effect,
            measures=measures,
            actor=actor.username,
            role=str(actor.role),
            now=now,
        )
        order = work_orders.get(s, order_id)
        reviews.tell_written(s, svc.configs.site(order.site), order, now)
        return row


def approve_review(svc: Services, actor: Actor, order_id: str, now: datetime) -> RepairReview:
    """Approve it."""
    require(actor, "work_order.review")
    with svc.db.begin() as s:
        return reports.approve(s, order_id, actor=actor.username, role=str(actor.role), now=now)


def return_review(svc: Services, actor: Actor, order_id: str, reason: str, now: datetime) -> RepairReview:
    """Have it written again."""
    require(actor, "work_order.review")
    with svc.db.begin() as s:
        row = reports.send_back(s, order_id, reason=reason, actor=actor.username, role=str(actor.role), now=now)
        order = work_orders.get(s, order_id)
        reviews.tell_due(s, svc.configs.site(order.site), order, now)
        return row


def call_back(svc: Services, actor: Actor, order_id: str, given: Answer, now: datetime) -> CallBack:
    """Record what the requester says about the work."""
    require(actor, f"call_back.{given.level}")
    with svc.db.begin() as s:
        order = work_orders.get(s, order_id)
        return call_backs.record(s, svc.configs.site(order.site), order_id, given, actor=actor.username, now=now)


def _allow(actor: Actor, command: str, order: WorkOrder) -> None:
    require(actor, command, assignee=own_or_free(order, actor))
