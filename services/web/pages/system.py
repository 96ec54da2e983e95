"""Points, limits, messages, quarantine: what engineers and installers look at."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from services.flows.breach import limit_text
from services.people.roles import require
from services.web import actions
from services.web.deps import Now, Signed, Svc, Who
from services.web.pages.alert import Window, draw
from services.web.queries import alerts as alert_queries
from services.web.queries import points as point_queries
from services.web.queries import readings as reading_queries
from services.web.queries import system as queries
from services.web.queries.places import Places
from services.web.templating import render

router = APIRouter(include_in_schema=False)

MODE_CHOICES = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 24))


@router.get("/points")
def points(request: Request, svc: Svc, actor: Signed, who: Who, now: Now) -> Response:
    """Every point with its last value."""
    with svc.db.read() as s:
        groups = point_queries.groups(s, svc, now, who.language)
        modes = list(point_queries.modes_on(s, now).values())
    template = "parts/point_list.html" if request.headers.get("HX-Request") == "true" else "points.html"
    places = Places(svc.configs, who.language)
    context = {"groups": groups, "modes": modes, "limit_text": limit_text, "places": places}
    return render(request, template, context, who=who)


@router.get("/points/{site}/{point}")
def point_page(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, point: str, window: Window = "6h"
) -> Response:
    """One point with its chart and limits."""
    key = f"{site}/{point}"
    with svc.db.read() as s:
        row = point_queries.one(s, svc, key, now, who.language)
        typed = reading_queries.of_point(s, svc.configs, key, now, who.language)
    context = {
        "row": row,
        "typed": typed,
        "place": Places(svc.configs, who.language).of(key),
        "pictures": draw(svc, key, "", window, who.language, now),
        "window": window,
        "windows": list(point_queries.WINDOWS),
        "target": key,
        "rule": "",
        "limit_text": limit_text,
    }
    return render(request, "point.html", context, who=who)


@router.get("/maintenance/{site}/{target}")
def maintenance_form(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, target: str) -> Response:
    """The dialog to switch maintenance mode of a point or a piece of equipment."""
    require(actor, "maintenance.set")
    with svc.db.read() as s:
        mode = point_queries.modes_on(s, now).get(f"{site}/{target}")
    name = point_queries.target_name(svc, site, target, who.language)
    context = {"site": site, "target": target, "name": name, "mode": mode, "choices": MODE_CHOICES}
    return render(request, "parts/maintenance.html", context, who=who)


@router.post("/maintenance/{site}/{target}")
def maintenance_on(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: str,
    target: str,
    hours: Annotated[int, Form(ge=1, le=72)],
    reason: Annotated[str, Form(min_length=1, max_length=400)],
) -> Response:
    """Say that something is being worked on."""
    actions.maintenance_on(svc, actor, f"{site}/{target}", reason, now + timedelta(hours=hours), now)
    return _changed()


@router.post("/maintenance/{site}/{target}/end")
def maintenance_off(svc: Svc, actor: Signed, now: Now, site: str, target: str) -> Response:
    """Say that the work is over."""
    actions.maintenance_off(svc, actor, f"{site}/{target}", now)
    return _changed()


@router.get("/limits")
def limits(request: Request, svc: Svc, actor: Signed, who: Who) -> Response:
    """Every limit with its source and where it applies."""
    context = {**point_queries.limits_by_id(svc, who.language), "limit_text": limit_text}
    return render(request, "limits.html", context, who=who)


@router.get("/messages")
def messages(
    request: Request, svc: Svc, actor: Signed, who: Who, before: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Who was told what."""
    with svc.db.read() as s:
        found = queries.messages(s, before=before)
    template = "parts/message_list.html" if request.headers.get("HX-Request") == "true" else "messages.html"
    places = Places(svc.configs, who.language)
    tellings = alert_queries.tellings(
        [alert_queries.Told(one, places.person(one.recipient)) for one in reversed(found)]
    )
    context = {"messages": found, "tellings": tellings, "before": before, "page_size": queries.PAGE}
    return render(request, template, context, who=who)


@router.get("/quarantine")
def quarantine(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    dismissed: bool = False,
    before: Annotated[str, Query(max_length=64)] = "",
    site: Annotated[str, Query(max_length=64)] = "",
    device: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Messages that could not be events; of one device, if one is named."""
    source = (site, device) if site and device else None
    with svc.db.read() as s:
        entries = queries.quarantine(s, dismissed=dismissed, before=before, source=source)
        waiting = queries.quarantined(s)
    template = "parts/quarantine_list.html" if request.headers.get("HX-Request") == "true" else "quarantine.html"
    context = {"entries": entries, "dismissed": dismissed, "waiting": waiting, "page_size": queries.PAGE}
    context["source"] = source
    return render(request, template, context, who=who)


@router.post("/quarantine/{entry_id}/dismiss")
def dismiss(svc: Svc, actor: Signed, now: Now, entry_id: str) -> Response:
    """Take an entry off the list."""
    actions.dismiss(svc, actor, entry_id, now)
    return Response(status_code=204, headers={"HX-Trigger": "gengfu:quarantine"})


def _changed() -> Response:
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:maintenance": "", "gengfu:close": true}'})
