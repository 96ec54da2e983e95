"""Everything of one order besides its steps: costs, approval, pictures, linked orders, report, call-backs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.site.approvals import ApprovalBand, band_for
from services.equipment.tables import Equipment
from services.flows.approvals import PAPER_ROLES, holders_of, step_of
from services.people.roles import Actor, may
from services.web.actions import own_or_free
from services.web.deps import Services
from services.web.queries.places import Places
from services.work_order import approvals, call_backs, costs, pictures
from services.work_order.privacy import masked
from services.work_order.reviews import LEADERS
from services.work_order.tables import (
    CallBack,
    RepairReview,
    WorkOrder,
    WorkOrderApproval,
    WorkOrderCost,
    WorkOrderEvent,
    WorkOrderPicture,
)

_KNOW = frozenset({"duty", "supervisor", "manager", "admin"})
"""Roles that see who asked; others only about an order of their own."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand of a chain, as people read it."""

    row: WorkOrderApproval
    title: str
    who: str
    """Who decided, or who may."""
    is_turn: bool
    may_decide: bool
    may_enter: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as somebody may see it."""

    photo_id: str
    kind: str
    signer: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an order's page and its printed form show."""

    order: WorkOrder
    requester: str
    equipment: Equipment | None
    equipment_name: str
    first: WorkOrder | None
    """The order whose fault this one repeats."""
    later: Sequence[WorkOrder]
    """Orders that repeat the fault of this one's chain, this one left out."""
    costs: Sequence[WorkOrderCost]
    removed: Sequence[WorkOrderCost]
    hands: Sequence[Hand]
    """The newest request's hands, in order; a request that was refused or is void stays until there is another."""
    requests: int
    band: ApprovalBand | None
    """The chain the cost as it stands would need."""
    pictures: Sequence[Shown]
    knows: bool
    """Who asked and who signed are shown in full."""
    review: RepairReview | None
    call_backs: Sequence[CallBack]
    can: frozenset[str]
    names: dict[str, str]

    @property
    def unapproved(self) -> bool:
        """It costs more than is approved."""
        return self.order.cost_cents > self.order.approved_cents

    @property
    def photos(self) -> list[Shown]:
        """Pictures without signatures."""
        return [one for one in self.pictures if one.kind != "signature"]

    @property
    def signature(self) -> Shown | None:
        """The newest acceptance signature."""
        return next((one for one in reversed(self.pictures) if one.kind == "signature"), None)


def knows(order: WorkOrder, actor: Actor) -> bool:
    """Whether somebody needs to know who asked: the desk, and whoever does the work."""
    return str(actor.role) in _KNOW or actor.username in (order.assignee, *order.executors)


def requester_of(order: WorkOrder, actor: Actor) -> str:
    """Who asked, masked for those who need not know."""
    return order.requester if knows(order, actor) else masked(order.requester)


def told(event: WorkOrderEvent, *, knows: bool) -> dict[str, Any]:
    """What a line of history says; who signed is masked for those who need not know."""
    signer = event.data.get("signer")
    return event.data if knows or not signer else {**event.data, "signer": masked(str(signer))}


def may_see(s: Session, actor: Actor, photo_id: str) -> bool:
    """Whether somebody may see a picture: a signature is for those who may know who signed."""
    query = select(WorkOrder).join(WorkOrderPicture, WorkOrderPicture.work_order_id == WorkOrder.id)
    signed = s.scalars(query.where(WorkOrderPicture.photo_id == photo_id, WorkOrderPicture.kind == "signature")).all()
    return not signed or any(knows(order, actor) for order in signed)


def sheet(s: Session, svc: Services, order: WorkOrder, actor: Actor, language: str) -> Sheet:
    """Everything, as this person may see it."""
    places = Places(svc.configs, language)
    rows = approvals.of_order(s, order.id)
    newest = [one for one in rows if one.request == rows[0].request] if rows else []
    every = costs.lines(s, order.id, removed=True)
    known = knows(order, actor)
    shown = [
        Shown(one.photo_id, one.kind, one.signer if known else masked(one.signer), one.at, one.by)
        for one in pictures.of_order(s, order.id)
        if known or one.kind != "signature"
    ]
    review = s.get(RepairReview, order.id)
    calls = call_backs.all_of(s, order.id)
    equipment = s.get(Equipment, order.equipment_id) if order.equipment_id else None
    root = order.rework_of or order.id
    chain = s.scalars(
        select(WorkOrder)
        .where(or_(WorkOrder.id == root, WorkOrder.rework_of == root), WorkOrder.id != order.id)
        .order_by(WorkOrder.created_at, WorkOrder.id)
        .limit(20)
    ).all()
    people = {one.by for one in every} | {one.by for one in shown} | {one.by for one in calls}
    people |= {one.removed_by for one in every} | {one.person for one in every} | {one.asked_by for one in rows}
    people |= {review.written_by, review.approved_by} if review else set()
    return Sheet(
        order=order,
        requester=requester_of(order, actor),
        equipment=equipment,
        equipment_name=places.name(equipment) if equipment is not None else _declared(svc, places, order),
        first=next((one for one in chain if one.id == order.rework_of), None),
        later=[one for one in chain if one.id != order.rework_of],
        costs=[one for one in every if one.removed_at is None],
        removed=[one for one in every if one.removed_at is not None],
        hands=[_hand(svc, places, actor, order, one, newest, english=language == "en") for one in newest],
        requests=rows[0].request if rows else 0,
        band=band_for(svc.configs.approvals, order.cost_cents),
        pictures=shown,
        knows=known,
        review=review,
        call_backs=calls,
        can=_can(actor, order, review),
        names={one: places.person(one) for one in people if one},
    )


def _declared(svc: Services, places: Places, order: WorkOrder) -> str:
    """The name of equipment that an order knows by its short id of the site files alone."""
    config = svc.configs.sites.get(order.site)
    known = config.equipment_by_id.get(order.equipment) if config is not None else None
    return places.name(known) if known is not None else order.equipment


def _hand(
    svc: Services,
    places: Places,
    actor: Actor,
    order: WorkOrder,
    row: WorkOrderApproval,
    all_of_request: Sequence[WorkOrderApproval],
    *,
    english: bool,
) -> Hand:
    config = svc.configs.sites.get(order.site)
    step = step_of(svc.configs.approvals, row)
    deciders = holders_of(svc.configs, config, row) if config is not None else ()
    first = next((one for one in all_of_request if one.state == "waiting"), None)
    is_turn = first is not None and first.id == row.id
    free = is_turn and actor.username != row.asked_by and may(actor, "work_order.approve")
    return Hand(
        row=row,
        title=step.title_en if english and step.title_en else step.title,
        who=places.person(row.decided_by) if row.decided_by else "、".join(places.person(one) for one in deciders),
        is_turn=is_turn,
        may_decide=free and actor.username in deciders,
        may_enter=free and str(actor.role) in PAPER_ROLES,
    )


def _can(actor: Actor, order: WorkOrder, review: RepairReview | None) -> frozenset[str]:
    """What this person may do to the order as it stands."""
    if order.closed_at is not None:
        return frozenset()
    holder = own_or_free(order, actor)
    found = {one for one in ("cost", "ask_approval", "picture") if may(actor, f"work_order.{one}", assignee=holder)}
    if order.origin == "request" and order.assignee and may(actor, "work_order.contact", assignee=holder):
        found.add("contact")
    if review is None or order.finished_at is None or not may(actor, "work_order.review"):
        return frozenset(found)
    leads = str(actor.role) in LEADERS
    if order.review in ("due", "drafted") and (leads or actor.username in order.executors):
        found.add("write_review")
    if order.review == "drafted" and leads and actor.username not in (review.written_by, *order.executors):
        found.add("judge_review")
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Moments:
    """When each documented step of an order was taken, and by whom."""

    at: dict[str, datetime]
    by: dict[str, str]


def moments(history: Sequence[WorkOrderEvent], places: Places) -> Moments:
    """The last time of each kind of event, for the printed form."""
    return Moments(
        {one.kind: one.event_at for one in history},
        {one.kind: places.person(one.actor) if one.actor != "system" else "" for one in history},
    )
