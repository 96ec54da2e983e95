"""Work orders over HTTP."""

from typing import Annotated

from fastapi import Path, Query

from services.people.roles import Actor
from services.web import actions
from services.web.api import schemas
from services.web.api.common import api_router, event_out, order_out
from services.web.deps import Now, Services, Signed, Svc
from services.web.queries import orders as queries
from services.web.queries.order_sheet import knows, told
from services.web.queries.orders import Filter

router = api_router("work orders")
OrderId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/work-orders", operation_id="list_work_orders")
def list_orders(
    svc: Svc, actor: Signed, now: Now, which: Annotated[Filter, Query(alias="filter")] = "open"
) -> list[schemas.OrderOut]:
    """Work orders, the nearest deadline first."""
    with svc.db.read() as s:
        return [order_out(row, now) for row in queries.rows(s, svc, which, actor.username, now, actor.language)]


@router.get("/work-orders/{order_id}", operation_id="get_work_order")
def get_order(svc: Svc, actor: Signed, now: Now, order_id: OrderId) -> schemas.OrderDetail:
    """One order with its history."""
    return _detail(svc, actor, order_id, now)


def _step(
    svc: Services, actor: Actor, now: Now, order_id: str, what: actions.Step, body: schemas.Versioned
) -> schemas.OrderDetail:
    words = body.model_dump(exclude={"version"}, exclude_none=True)
    actions.step(svc, actor, order_id, what, body.version, now, **words)
    return _detail(svc, actor, order_id, now)


@router.post("/work-orders/{order_id}/accept", operation_id="accept_work_order")
def accept(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Versioned) -> schemas.OrderDetail:
    """受理."""
    return _step(svc, actor, now, order_id, "accept", body)


@router.post("/work-orders/{order_id}/dispatch", operation_id="dispatch_work_order")
def dispatch(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Dispatch) -> schemas.OrderDetail:
    """派工."""
    return _step(svc, actor, now, order_id, "dispatch", body)


@router.post("/work-orders/{order_id}/reassign", operation_id="reassign_work_order")
def reassign(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Reassign) -> schemas.OrderDetail:
    """转派."""
    return _step(svc, actor, now, order_id, "reassign", body)


@router.post("/work-orders/{order_id}/start", operation_id="start_work_order")
def start(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Versioned) -> schemas.OrderDetail:
    """实施 begins: on site."""
    return _step(svc, actor, now, order_id, "start", body)


@router.post("/work-orders/{order_id}/hold", operation_id="hold_work_order")
def hold(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Hold) -> schemas.OrderDetail:
    """挂起."""
    return _step(svc, actor, now, order_id, "hold", body)


@router.post("/work-orders/{order_id}/resume", operation_id="resume_work_order")
def resume(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Versioned) -> schemas.OrderDetail:
    """Work goes on."""
    return _step(svc, actor, now, order_id, "resume", body)


@router.post("/work-orders/{order_id}/submit", operation_id="submit_work_order")
def submit(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Noted) -> schemas.OrderDetail:
    """The work is done."""
    return _step(svc, actor, now, order_id, "submit", body)


@router.post("/work-orders/{order_id}/verify", operation_id="verify_work_order")
def verify(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Verify) -> schemas.OrderDetail:
    """验收."""
    return _step(svc, actor, now, order_id, "verify", body)


@router.post("/work-orders/{order_id}/rework", operation_id="rework_work_order")
def rework(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Reasoned) -> schemas.OrderDetail:
    """返修."""
    return _step(svc, actor, now, order_id, "rework", body)


@router.post("/work-orders/{order_id}/rate", operation_id="rate_work_order")
def rate(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Rate) -> schemas.OrderDetail:
    """评价."""
    return _step(svc, actor, now, order_id, "rate", body)


@router.post("/work-orders/{order_id}/cancel", operation_id="cancel_work_order")
def cancel(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Reasoned) -> schemas.OrderDetail:
    """Not needed any more."""
    return _step(svc, actor, now, order_id, "cancel", body)


@router.post("/work-orders/{order_id}/comments", operation_id="comment_work_order", status_code=201)
def comment(svc: Svc, actor: Signed, now: Now, order_id: OrderId, body: schemas.Comment) -> schemas.OrderDetail:
    """Add a remark to the history."""
    actions.comment_order(svc, actor, order_id, body.text, now)
    return _detail(svc, actor, order_id, now)


def _detail(svc: Services, actor: Actor, order_id: str, now: Now) -> schemas.OrderDetail:
    with svc.db.read() as s:
        page = queries.one(s, svc, order_id, actor.language)
    known = knows(page.row.order, actor)
    history = [event_out(event).model_copy(update={"data": told(event, knows=known)}) for event in page.history]
    return schemas.OrderDetail(**order_out(page.row, now).model_dump(), history=history)
