"""Work orders: the list, and one order with its steps."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from services.flows.orders import Report
from services.kernel.errors import Invalid, NotFound
from services.people.roles import Actor, may, require
from services.web import actions, order_actions
from services.web.deliveries import site_of
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.order_words import REPORTABLE
from services.web.pages.patrol import Name
from services.web.queries import order_sheet
from services.web.queries import orders as queries
from services.web.queries.orders import Filter, OrderPage
from services.web.templating import render
from services.work_order.model import ALLOWED
from services.work_order.money import yuan

router = APIRouter(include_in_schema=False)

HOLD_CHOICES = tuple(timedelta(hours=hours) for hours in (1, 4, 12, 24, 72))
_PLAIN: tuple[actions.Step, ...] = ("accept", "start", "resume")
"""Steps that need no words: a button is enough."""


@router.get("/work-orders")
def order_list(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, show: Filter = "open") -> Response:
    """The list."""
    return render(request, "orders.html", _list(svc, actor, show, now), who=who)


@router.get("/fragments/work-orders")
def order_list_part(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, show: Filter = "open") -> Response:
    """The list, again."""
    return render(request, "parts/order_list.html", _list(svc, actor, show, now), who=who)


@router.get("/work-orders/new")
def report_form(
    request: Request, svc: Svc, actor: Signed, who: Who, site: Name = "", equipment: Name = "", category: Name = ""
) -> Response:
    """The form to report a repair."""
    require(actor, "work_order.report")
    config = site_of(svc, actor, site)
    with svc.db.read() as s:
        known = queries.equipment_choices(s, config.site.id)
    chosen = next((one for one in known if equipment in (one.id, one.eid)), None) if equipment else None
    context = {
        "site": config.site.id,
        "equipment": known[: queries.LONGEST_LIST * 3],
        "chosen": chosen,
        "category": category,
        "categories": REPORTABLE,
        "areas": [one.name for one in config.areas],
    }
    return render(request, "order_new.html", context, who=who)


@router.post("/work-orders/new")
def report(
    svc: Svc,
    actor: Signed,
    now: Now,
    title: Annotated[str, Form(min_length=1, max_length=200)],
    category: Annotated[str, Form(max_length=32)],
    place: Annotated[str, Form(max_length=400)] = "",
    equipment: Annotated[str, Form(max_length=200)] = "",
    requester: Annotated[str, Form(max_length=120)] = "",
    site: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Report a repair, and go to its order."""
    config = site_of(svc, actor, site)
    equipment_id = None
    if equipment.strip():
        with svc.db.read() as s:
            equipment_id = queries.equipment_named(s, config.site.id, equipment.strip())
    asked = Report(title, place, category, requester, equipment_id)
    order = order_actions.report(svc, actor, config.site.id, asked, now)
    return Response(status_code=204, headers={"HX-Redirect": f"/work-orders/{order.id}"})


@router.get("/work-orders/{order_id}")
def order_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, order_id: str) -> Response:
    """One order."""
    return render(request, "order.html", _page(svc, actor, order_id, who.language), who=who)


@router.get("/fragments/work-orders/{order_id}")
def order_part(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, order_id: str) -> Response:
    """Everything of the page that changes."""
    return render(request, "parts/order_body.html", _page(svc, actor, order_id, who.language), who=who)


@router.get("/work-orders/{order_id}/steps/{what}")
def step_form(request: Request, svc: Svc, actor: Signed, who: Who, order_id: str, what: actions.Step) -> Response:
    """The dialog for a step that needs words."""
    context = _page(svc, actor, order_id, who.language)
    return render(request, "parts/order_step.html", {**context, "what": what, "holds": HOLD_CHOICES}, who=who)


@router.post("/work-orders/{order_id}/steps/{what}")
def step(
    svc: Svc,
    actor: Signed,
    now: Now,
    order_id: str,
    what: actions.Step,
    version: Annotated[int, Form(ge=0, le=2**31 - 1)],
    reason: Annotated[str, Form(max_length=400)] = "",
    note: Annotated[str, Form(max_length=400)] = "",
    assignee: Annotated[str, Form(max_length=64)] = "",
    hours: Annotated[int, Form(ge=1, le=240)] = 4,
    stars: Annotated[int | None, Form(ge=1, le=5)] = None,
    signature: Annotated[str, Form(max_length=600_000)] = "",
    signer: Annotated[str, Form(max_length=120)] = "",
) -> Response:
    """Take the order one step on."""
    words: dict[str, Any] = {}
    if what in ("dispatch", "reassign"):
        words["assignee" if not assignee.startswith("role:") else "assignee_role"] = assignee.removeprefix("role:")
    if what in ("reassign", "hold", "rework", "cancel"):
        words["reason"] = reason
    if what == "hold":
        words["until"] = now + timedelta(hours=hours)
    if what in ("submit", "verify"):
        words["note"] = note
    if what == "verify":
        words |= {"signature": signature, "signer": signer}
    if what == "rate":
        if stars is None:
            raise Invalid("A rating needs one to five stars", hint="Choose one", field="stars")
        words |= {"stars": stars, "comment": note}
    actions.step(svc, actor, order_id, what, version, now, **words)
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:orders": "", "gengfu:close": true}'})


@router.post("/work-orders/{order_id}/comments")
def comment(
    svc: Svc, actor: Signed, now: Now, order_id: str, text: Annotated[str, Form(min_length=1, max_length=400)]
) -> Response:
    """Add a remark."""
    actions.comment_order(svc, actor, order_id, text, now)
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:orders": "", "gengfu:commented": true}'})


def steps_for(page: OrderPage, actor: Actor) -> list[actions.Step]:
    """The steps this actor may take now, the one that leads on first."""
    order = page.row.order
    possible = ALLOWED[order.state]  # type: ignore[index]
    holder = actions.own_or_free(order, actor)
    return [one for one in possible if may(actor, f"work_order.{one}", assignee=holder)]


def _list(svc: Services, actor: Actor, show: Filter, now: Now) -> dict[str, Any]:
    with svc.db.read() as s:
        rows = queries.rows(s, svc, show, actor.username, now, actor.language)
        counts = queries.counts(s, actor.username, now)
    return {"rows": rows, "counts": counts, "show": show, "filters": queries.FILTERS}


def _page(svc: Services, actor: Actor, order_id: str, language: str) -> dict[str, Any]:
    with svc.db.read() as s:
        page = queries.one(s, svc, order_id, language)
        sheet = order_sheet.sheet(s, svc, page.row.order, actor, language)
    if page.row.order.state not in ALLOWED:
        raise NotFound(f"Work order {order_id} is in a state this console does not know", hint="Update the console")
    return {
        "page": page,
        "row": page.row,
        "sheet": sheet,
        "steps": steps_for(page, actor),
        "plain": _PLAIN,
        "flow": queries.STEPS,
        "yuan": yuan,
    }
