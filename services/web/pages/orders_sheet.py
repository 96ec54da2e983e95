"""What belongs to an order besides its steps: costs, approval, calls, the emergency report, and its printed forms."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from services.kernel.errors import Conflict, NotFound
from services.people.roles import Actor
from services.web import order_actions
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.queries import order_sheet
from services.web.queries import orders as queries
from services.web.queries.places import Places
from services.web.templating import render
from services.work_order import approvals
from services.work_order.costs import CostKind, NewCost
from services.work_order.money import yuan

router = APIRouter(include_in_schema=False)

Dialog = Literal["cost", "contact", "review", "return"]
Note = Annotated[str, Form(max_length=400)]
Long = Annotated[str, Form(min_length=1, max_length=4000)]


@router.get("/work-orders/{order_id}/dialogs/{what}")
def dialog(request: Request, svc: Svc, actor: Signed, who: Who, order_id: str, what: Dialog) -> Response:
    """A dialog that asks for words or numbers."""
    context = {**_printed(svc, actor, order_id, who.language), "what": what}
    return render(request, "parts/order_dialog.html", context, who=who)


@router.get("/approvals/{approval_id}")
def decide_dialog(request: Request, svc: Svc, actor: Signed, who: Who, approval_id: str) -> Response:
    """The dialog to decide as one hand."""
    with svc.db.read() as s:
        order_id = approvals.get(s, approval_id).work_order_id
    context = _printed(svc, actor, order_id, who.language)
    hand = next((one for one in context["sheet"].hands if one.row.id == approval_id and one.is_turn), None)
    if hand is None:
        raise Conflict("This hand does not decide now", hint="Look at the list again")
    return render(request, "parts/order_dialog.html", {**context, "what": "decide", "hand": hand}, who=who)


@router.post("/work-orders/{order_id}/costs")
def add_cost(
    svc: Svc,
    actor: Signed,
    now: Now,
    order_id: str,
    kind: Annotated[CostKind, Form()],
    name: Annotated[str, Form(min_length=1, max_length=200)],
    quantity: Annotated[float, Form(gt=0, le=1_000_000, allow_inf_nan=False)],
    unit: Annotated[str, Form(min_length=1, max_length=16)],
    price: Annotated[str, Form(min_length=1, max_length=24)],
    person: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Enter a line."""
    new = NewCost(kind, name, quantity, unit, order_actions.price(price), person if kind == "labour" else "")
    order_actions.add_cost(svc, actor, order_id, new, now)
    return changed()


@router.post("/work-orders/{order_id}/costs/{cost_id}/remove")
def remove_cost(svc: Svc, actor: Signed, now: Now, order_id: str, cost_id: str) -> Response:
    """Take it out."""
    order_actions.remove_cost(svc, actor, order_id, cost_id, now)
    return changed()


@router.post("/work-orders/{order_id}/approval")
def ask(svc: Svc, actor: Signed, now: Now, order_id: str) -> Response:
    """Ask for approval."""
    order_actions.ask_approval(svc, actor, order_id, now)
    return changed()


@router.post("/approvals/{approval_id}")
def decide(
    svc: Svc,
    actor: Signed,
    now: Now,
    approval_id: str,
    decision: Annotated[Literal["approve", "reject"], Form()],
    note: Note = "",
    paper: Annotated[str, Form(max_length=120)] = "",
) -> Response:
    """Decide as one hand."""
    order_actions.decide(svc, actor, approval_id, decision == "approve", now, note, paper)
    return changed()


@router.post("/work-orders/{order_id}/contacts")
def contact(
    svc: Svc, actor: Signed, now: Now, order_id: str, text: Annotated[str, Form(min_length=1, max_length=400)]
) -> Response:
    """The requester was told."""
    order_actions.contact(svc, actor, order_id, text, now)
    return changed()


@router.post("/work-orders/{order_id}/review")
def write_review(
    svc: Svc, actor: Signed, now: Now, order_id: str, cause: Long, effect: Long, measures: Long
) -> Response:
    """Write the report."""
    order_actions.write_review(svc, actor, order_id, cause, effect, measures, now)
    return changed()


@router.post("/work-orders/{order_id}/review/approve")
def approve_review(svc: Svc, actor: Signed, now: Now, order_id: str) -> Response:
    """Approve it."""
    order_actions.approve_review(svc, actor, order_id, now)
    return changed()


@router.post("/work-orders/{order_id}/review/return")
def return_review(svc: Svc, actor: Signed, now: Now, order_id: str, reason: Note = "") -> Response:
    """Send it back."""
    order_actions.return_review(svc, actor, order_id, reason, now)
    return changed()


@router.get("/work-orders/{order_id}/form")
def form(request: Request, svc: Svc, actor: Signed, who: Who, order_id: str) -> Response:
    """《报修维修单》 to print (ROU-19)."""
    return render(request, "order_form.html", _printed(svc, actor, order_id, who.language), who=who)


@router.get("/work-orders/{order_id}/review")
def review(request: Request, svc: Svc, actor: Signed, who: Who, order_id: str) -> Response:
    """《紧急维修报告》 to print (ROU-33)."""
    context = _printed(svc, actor, order_id, who.language)
    if context["sheet"].review is None:
        raise NotFound(f"Work order {order_id} has no emergency repair report", hint="Only emergency repairs have one")
    return render(request, "order_review.html", context, who=who)


def changed() -> Response:
    """What htmx does after a change: fetch the order again."""
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:orders": "", "gengfu:close": true}'})


def _printed(svc: Services, actor: Actor, order_id: str, language: str) -> dict[str, Any]:
    places = Places(svc.configs, language)
    with svc.db.read() as s:
        page = queries.one(s, svc, order_id, language)
        sheet = order_sheet.sheet(s, svc, page.row.order, actor, language)
    return {
        "page": page,
        "row": page.row,
        "order": page.row.order,
        "sheet": sheet,
        "moments": order_sheet.moments(page.history, places),
        "executors": [places.person(one) for one in page.row.order.executors],
        "person": places.person,
        "site_name": places.name(svc.configs.site(page.row.order.site).site),
        "yuan": yuan,
    }
