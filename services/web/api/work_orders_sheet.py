"""Work orders over HTTP: reports, costs, approval, pictures, emergency reports, call-backs."""

from typing import Annotated, Literal, TypeVar

from fastapi import Body, Path, Query
from pydantic import BaseModel

from services.flows import orders as flow
from services.people.roles import Actor
from services.web import order_actions
from services.web.api import order_schemas as schemas
from services.web.api.common import PROBLEMS, api_router, order_out
from services.web.deliveries import site_of
from services.web.deps import Now, Services, Signed, Svc
from services.web.queries import approvals as waiting
from services.web.queries import call_backs as calls
from services.web.queries import order_sheet
from services.web.queries import orders as queries
from services.web.queries.places import Places
from services.work_order import approvals
from services.work_order.call_backs import Answer
from services.work_order.costs import NewCost

router = api_router("work orders")
T = TypeVar("T", bound=BaseModel)
Id = Annotated[str, Path(min_length=1, max_length=64)]
PictureId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,32}$", description="The sender's own id of the picture")]
_ENOUGH = {**PROBLEMS[422], "description": "Enough pictures for a day; keep it and come again"}


@router.post("/work-orders", operation_id="report_work_order", status_code=201)
def report(svc: Svc, actor: Signed, now: Now, body: schemas.Report) -> schemas.SheetOut:
    """报修: ask for a repair."""
    site = site_of(svc, actor, body.site).site.id
    asked = flow.Report(body.title, body.place, body.category, body.requester, body.equipment_id)
    order = order_actions.report(svc, actor, site, asked, now)
    return _sheet(svc, actor, order.id, now)


@router.get("/work-orders/{order_id}/sheet", operation_id="get_work_order_sheet")
def sheet(svc: Svc, actor: Signed, now: Now, order_id: Id) -> schemas.SheetOut:
    """Everything of one order."""
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/contacts", operation_id="contact_requester", status_code=201)
def contact(svc: Svc, actor: Signed, now: Now, order_id: Id, body: schemas.Contact) -> schemas.SheetOut:
    """The requester was told how things stand."""
    order_actions.contact(svc, actor, order_id, body.text, now)
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/costs", operation_id="add_work_order_cost", status_code=201)
def add_cost(svc: Svc, actor: Signed, now: Now, order_id: Id, body: schemas.Cost) -> schemas.SheetOut:
    """Enter a line."""
    order_actions.add_cost(svc, actor, order_id, NewCost(**body.model_dump()), now)
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/costs/{cost_id}/remove", operation_id="remove_work_order_cost")
def remove_cost(svc: Svc, actor: Signed, now: Now, order_id: Id, cost_id: Id) -> schemas.SheetOut:
    """Take a line out; it stays readable."""
    order_actions.remove_cost(svc, actor, order_id, cost_id, now)
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/approval", operation_id="ask_work_order_approval", status_code=201)
def ask(svc: Svc, actor: Signed, now: Now, order_id: Id) -> schemas.SheetOut:
    """Put the whole cost to its chain."""
    order_actions.ask_approval(svc, actor, order_id, now)
    return _sheet(svc, actor, order_id, now)


@router.get("/approvals", operation_id="list_approvals")
def list_approvals(svc: Svc, actor: Signed) -> list[schemas.WaitingOut]:
    """Costs that wait for a decision: one's own first."""
    with svc.db.read() as s:
        mine, others = waiting.waiting(s, svc, actor, actor.language)
    return [
        schemas.WaitingOut(
            approval=_of(schemas.ApprovalOut, turn.row),
            number=turn.order.number,
            title=turn.order.title,
            is_mine=turn in mine,
        )
        for turn in [*mine, *others]
    ]


@router.post("/approvals/{approval_id}/decide", operation_id="decide_approval")
def decide(svc: Svc, actor: Signed, now: Now, approval_id: Id, body: schemas.Decision) -> schemas.ApprovalOut:
    """Decide as one hand, or enter what was decided on paper."""
    return _of(
        schemas.ApprovalOut, order_actions.decide(svc, actor, approval_id, body.approve, now, body.note, body.paper)
    )


@router.post(
    "/work-orders/{order_id}/pictures/{client_id}",
    operation_id="add_work_order_picture",
    status_code=201,
    responses={429: _ENOUGH},
)
def add_picture(
    svc: Svc,
    actor: Signed,
    now: Now,
    order_id: Id,
    client_id: PictureId,
    content: Annotated[bytes, Body(media_type="image/jpeg", description="At most 900 KiB")],
    kind: Annotated[Literal["before", "after"], Query()] = "after",
) -> schemas.PictureOut:
    """Add a photo; the same again changes nothing."""
    row = order_actions.add_picture(svc, actor, order_id, client_id, kind, content, now)
    return _of(schemas.PictureOut, row)


@router.post("/work-orders/{order_id}/report", operation_id="write_emergency_report")
def write_report(svc: Svc, actor: Signed, now: Now, order_id: Id, body: schemas.Review) -> schemas.SheetOut:
    """Write the emergency repair report."""
    order_actions.write_review(svc, actor, order_id, body.cause, body.effect, body.measures, now)
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/report/approve", operation_id="approve_emergency_report")
def approve_report(svc: Svc, actor: Signed, now: Now, order_id: Id) -> schemas.SheetOut:
    """Approve it."""
    order_actions.approve_review(svc, actor, order_id, now)
    return _sheet(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/report/return", operation_id="return_emergency_report")
def return_report(svc: Svc, actor: Signed, now: Now, order_id: Id, body: schemas.ReturnReview) -> schemas.SheetOut:
    """Have it written again."""
    order_actions.return_review(svc, actor, order_id, body.reason, now)
    return _sheet(svc, actor, order_id, now)


@router.get("/call-backs", operation_id="list_call_backs")
def list_call_backs(
    svc: Svc, actor: Signed, now: Now, site: Annotated[str, Query(max_length=64)] = ""
) -> schemas.CallBacksOut:
    """Calls to make, and where the month stands."""
    config = site_of(svc, actor, site)
    with svc.db.read() as s:
        page = calls.page(s, config, Places(svc.configs, actor.language), actor, now)
    return schemas.CallBacksOut(
        month_on=page.month,
        levels=[
            schemas.LevelOut(
                level=one.level,
                population=one.population,
                needed=one.needed,
                drawn=one.drawn,
                called=one.called,
                shortfall=one.shortfall,
            )
            for one in page.figures
        ],
        waiting=[
            schemas.DueOut(
                work_order_id=one.order.id,
                number=one.order.number,
                level=level,
                requester=one.requester,
                due_at=one.due_at,
                is_late=one.is_late,
            )
            for level, dues in page.waiting.items()
            for one in dues
        ],
    )


@router.post("/work-orders/{order_id}/call-backs", operation_id="record_call_back", status_code=201)
def record_call_back(svc: Svc, actor: Signed, now: Now, order_id: Id, body: schemas.CallBack) -> schemas.CallBackOut:
    """Write a call-back down; a bad answer brings a rework order."""
    row = order_actions.call_back(svc, actor, order_id, Answer(body.level, body.satisfied, body.answer), now)
    return _of(schemas.CallBackOut, row)


def _of(shape: type[T], row: object) -> T:
    return shape(**{name: getattr(row, name) for name in shape.model_fields})


def _sheet(svc: Services, actor: Actor, order_id: str, now: Now) -> schemas.SheetOut:
    with svc.db.read() as s:
        row = queries.one(s, svc, order_id, actor.language).row
        found = order_sheet.sheet(s, svc, row.order, actor, actor.language)
        hands = approvals.of_order(s, order_id)
    base = order_out(row, now).model_dump()
    return schemas.SheetOut(
        **base,
        requester=found.requester,
        costs=[_of(schemas.CostOut, one) for one in (*found.costs, *found.removed)],
        approvals=[_of(schemas.ApprovalOut, one) for one in hands],
        pictures=[_of(schemas.PictureOut, one) for one in found.pictures],
        emergency_report=_of(schemas.ReviewOut, found.review) if found.review is not None else None,
        call_backs=[_of(schemas.CallBackOut, one) for one in found.call_backs],
        repeated_by=[one.id for one in found.later],
    )
