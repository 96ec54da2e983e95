"""回访: whom to call about finished repairs, and what they said."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from services.people.roles import Actor, require
from services.web import order_actions
from services.web.deliveries import site_of
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.pages.patrol import Name
from services.web.queries import call_backs as queries
from services.web.queries import orders
from services.web.queries.order_sheet import requester_of
from services.web.queries.places import Places
from services.web.templating import render
from services.work_order.call_backs import Answer
from services.work_order.samples import CHECK_DAY, LEVELS, Level

router = APIRouter(include_in_schema=False)


@router.get("/call-backs")
def call_backs(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    level: Annotated[Level, Query()] = "service",
    site: Name = "",
) -> Response:
    """The list of a level."""
    return render(request, "call_backs.html", _lists(svc, actor, who.language, now, level, site), who=who)


@router.get("/fragments/call-backs")
def call_backs_part(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    level: Annotated[Level, Query()] = "service",
    site: Name = "",
) -> Response:
    """The list, again."""
    return render(request, "parts/call_back_list.html", _lists(svc, actor, who.language, now, level, site), who=who)


@router.get("/work-orders/{order_id}/call-backs/{level}")
def dialog(request: Request, svc: Svc, actor: Signed, who: Who, order_id: str, level: Level) -> Response:
    """The dialog to write a call-back down."""
    require(actor, f"call_back.{level}")
    with svc.db.read() as s:
        found = orders.one(s, svc, order_id, who.language)
    context = {"row": found.row, "level": level, "requester": requester_of(found.row.order, actor)}
    return render(request, "parts/call_back_form.html", context, who=who)


@router.post("/work-orders/{order_id}/call-backs/{level}")
def record(
    svc: Svc,
    actor: Signed,
    now: Now,
    order_id: str,
    level: Level,
    satisfied: Annotated[bool, Form()],
    answer: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Write it down."""
    order_actions.call_back(svc, actor, order_id, Answer(level, satisfied, answer), now)
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:orders": "", "gengfu:close": true}'})


def _lists(svc: Services, actor: Actor, language: str, now: Now, level: Level, site: str) -> dict[str, object]:
    config = site_of(svc, actor, site)
    with svc.db.read() as s:
        page = queries.page(s, config, Places(svc.configs, language), actor, now)
    is_checked = now.astimezone(ZoneInfo(config.site.timezone)).day >= CHECK_DAY
    return {"page": page, "level": level, "levels": LEVELS, "site": config.site.id, "is_checked": is_checked}
