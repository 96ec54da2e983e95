"""The duty console: one list of what is wrong now, and the status strip of every page."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.people.roles import Actor, Role
from services.web import actions, chart
from services.web.api.alerts import second_person
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.queries import alerts as queries
from services.web.queries import points as point_queries
from services.web.queries import system
from services.web.queries.alerts import AlertRow, Tab
from services.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/")
def console(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, tab: Tab = "open") -> Response:
    """The duty console; guards are sent to their phone page unless they ask for a list."""
    if actor.role == Role.GUARD and not request.url.query:
        return RedirectResponse("/patrol/phone", status_code=303)
    return render(request, "console.html", _list(svc, actor, tab, now), who=who)


@router.get("/fragments/alerts")
def alert_list(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, tab: Tab = "open") -> Response:
    """The list, again."""
    return render(request, "parts/alert_list.html", _list(svc, actor, tab, now), who=who)


@router.get("/fragments/status")
def status(request: Request, svc: Svc, actor: Signed, who: Who, now: Now) -> Response:
    """The status strip."""
    with svc.db.read() as s:
        found = system.status(s, now)
    return render(request, "parts/status.html", {"status": found}, who=who)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    alert_id: str,
    occurrence: Annotated[int, Form(ge=1, le=2**31 - 1)],
) -> Response:
    """Say «seen»; the page fetches what it shows again."""
    actions.acknowledge(svc, actor, alert_id, occurrence, now)
    return _changed("acknowledged")


@router.get("/alerts/{alert_id}/shelve")
def shelve_form(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, alert_id: str) -> Response:
    """The dialog to put an alert aside."""
    with svc.db.read() as s:
        page = queries.one(s, svc, alert_id, now, who.language)
    context = {"row": page.row, "choices": actions.SHELVE_CHOICES}
    return render(request, "parts/shelve.html", context, who=who)


@router.post("/alerts/{alert_id}/shelve")
def shelve(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    alert_id: str,
    minutes: Annotated[int, Form(ge=15, le=480)],
    reason: Annotated[str, Form(min_length=1, max_length=400)],
    second_username: Annotated[str, Form(max_length=64)] = "",
    second_password: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """Put an alert aside."""
    second = second_person(request, svc, actor, second_username, second_password, now)
    actions.shelve(svc, actor, alert_id, now + actions.shelve_span(minutes), reason, now, second)
    return _changed("shelved")


@router.post("/alerts/{alert_id}/unshelve")
def unshelve(svc: Svc, actor: Signed, now: Now, alert_id: str) -> Response:
    """Take a shelved alert back."""
    actions.unshelve(svc, actor, alert_id, now)
    return _changed("unshelved")


def _changed(what: str) -> Response:
    """Nothing to swap: open lists fetch themselves again, dialogs close."""
    return Response(status_code=204, headers={"HX-Trigger": f'{{"gengfu:alerts": "{what}", "gengfu:close": true}}'})


def _list(svc: Services, actor: Actor, tab: Tab, now: Now) -> dict[str, Any]:
    with svc.db.read() as s:
        rows = queries.rows(s, svc, tab, now, actor)
        counts = queries.counts(s, now)
        order = sum(1 for row in rows if row.unacknowledged)
        sparks = _sparks(svc, rows, now) if tab == "open" else {}
    return {"rows": rows, "counts": counts, "tab": tab, "tabs": queries.TABS, "sparks": sparks, "unseen": order}


def _sparks(svc: Services, rows: list[AlertRow], now: Now, most: int = 30) -> dict[str, str]:
    """A small picture of the last hour for the first lines."""
    found = {}
    start = now - point_queries.SPARK_WINDOW
    for row in rows[:most]:
        point = row.place.point
        if point is None:
            continue
        target = row.alert.target
        samples = point_queries.past(svc, target, start, now, point_queries.SPARK_STEP)
        if samples is None:
            break
        limits = [limit for limit in svc.configs.limits_of(target) if limit.rule == row.alert.rule]
        band = point_queries.band_for(limits, point.set_value)
        gap = point_queries.gap_ms(point, point_queries.SPARK_STEP)
        found[row.alert.id] = chart.sparkline(
            samples, int(start.timestamp() * 1000), int(now.timestamp() * 1000), band, gap
        )
    return found
