"""Asking transmission devices from the desk: queries, their clock, duty checks 查岗; and what came of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from gateway.contract.commands import CommandKind
from services.web import fire_actions
from services.web.deps import Now, Signed, Svc, Who
from services.web.pages.fire import changed, views
from services.web.pages.patrol import Name
from services.web.queries import fire as board
from services.web.queries import fire_commands as queries
from services.web.queries.fire_log import AnyMoment
from services.web.queries.fire_names import FireNames, fire_site
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Byte = Annotated[int, Form(ge=0, le=255)]


@router.get("/fire/commands")
def commands(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "", before: AnyMoment | None = None
) -> Response:
    """Every source with its buttons, and what was asked before."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    if before is not None and before.tzinfo is None:
        before = None
    with svc.db.read() as s:
        sources = board.source_rows(s, config, names, now)
        context: dict[str, Any] = {
            "sources": [queries.source(s, one, names, now) for one in sources],
            "strangers": queries.strangers(s, config, sources, names, now),
            "lines": queries.history(s, config.site.id, names, now, before),
        }
    more = {"site": config.site.id, "page_size": queries.PAGE, "simple": queries.SIMPLE, "system": queries.SYSTEM}
    context |= {**more, "of_component": queries.COMPONENT, **views("commands", names)}
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/fire_commands_body.html" if fragment else "fire_commands.html", context, who=who)


@router.post("/fire/commands")
def ask(
    svc: Svc,
    actor: Signed,
    now: Now,
    source: Annotated[str, Form(min_length=1, max_length=64)],
    kind: Annotated[CommandKind, Form()],
    site: Annotated[str, Form(max_length=64)] = "",
    minutes: Annotated[int, Form(ge=1, le=60)] = 10,
    system_type: Byte = 1,
    system_address: Byte = 0,
    component: Annotated[str, Form(pattern="^([0-9a-fA-F]{8})?$")] = "",
    count: Annotated[int, Form(ge=1, le=50)] = 10,
) -> Response:
    """Ask something of a device; the answer appears in the history."""
    params = queries.params_of(
        kind,
        minutes=minutes,
        system_type=system_type,
        system_address=system_address,
        component=component.lower() or "00000000",
        count=count,
    )
    fire_actions.ask(svc, actor, site, source, kind, params, now)
    return changed()
