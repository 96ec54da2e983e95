"""Costs that wait for a decision: mine first, then what waits for others."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.people.roles import Actor
from services.web.deps import Services, Signed, Svc, Who
from services.web.queries import approvals as queries
from services.web.templating import render
from services.work_order.money import yuan

router = APIRouter(include_in_schema=False)


@router.get("/approvals")
def approvals(request: Request, svc: Svc, actor: Signed, who: Who) -> Response:
    """The list."""
    return render(request, "approvals.html", _lists(svc, actor, who.language), who=who)


@router.get("/fragments/approvals")
def approvals_part(request: Request, svc: Svc, actor: Signed, who: Who) -> Response:
    """The list, again."""
    return render(request, "parts/approval_list.html", _lists(svc, actor, who.language), who=who)


def _lists(svc: Services, actor: Actor, language: str) -> dict[str, object]:
    with svc.db.read() as s:
        mine, others = queries.waiting(s, svc, actor, language)
    return {"mine": mine, "others": others, "yuan": yuan}
