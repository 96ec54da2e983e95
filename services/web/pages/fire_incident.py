"""One fire incident: what people do about it, its record, and the list of past ones."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from services.fire import record
from services.people.roles import require
from services.web import fire_actions
from services.web.deps import Now, Signed, Svc, Who
from services.web.fire_actions import Grade, Verdict
from services.web.pages.fire import changed, views
from services.web.pages.patrol import Name
from services.web.queries import fire_incident as queries
from services.web.queries import fire_upkeep
from services.web.queries.fire_log import AnyMoment
from services.web.queries.fire_names import FireNames, fire_site
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Note = Annotated[str, Form(max_length=2000)]


@router.get("/fire/incidents")
def incidents(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "", before: AnyMoment | None = None
) -> Response:
    """Incidents, false alarms by month, and points that alarm falsely again and again."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    if before is not None and before.tzinfo is None:
        before = None
    with svc.db.read() as s:
        context = {
            "rows": queries.past(s, config.site.id, names, before),
            "repeated": fire_upkeep.repeated(s, config, names, now),
            "rates": fire_upkeep.rates(s, config, now),
        }
    settings = config.fire.settings
    more = {"site": config.site.id, "settings": settings, "page_size": queries.PAGE, **views("incidents", names)}
    return render(request, "fire_incidents.html", {**context, **more}, who=who)


@router.get("/fire/incidents/{incident_id}")
def incident_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, incident_id: str) -> Response:
    """One incident."""
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        page = queries.one(s, svc, incident_id, actor.username, who.language)
    context = {"page": page, "row": page.row, **views("incidents", names)}
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/fire_incident_body.html" if fragment else "fire_incident.html", context, who=who)


@router.get("/fire/incidents/{incident_id}/record")
def record_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, incident_id: str) -> Response:
    """The event record, to print and sign."""
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        row = queries.get(s, incident_id)
        found = record.of(s, fire_site(svc.configs, row.site), incident_id, english=names.english)
    context = {"record": found, "row": row, **views("incidents", names)}
    return render(request, "fire_record.html", context, who=who)


@router.get("/fire/incidents/{incident_id}/close")
def close_form(request: Request, svc: Svc, actor: Signed, who: Who, incident_id: str, verdict: Name = "") -> Response:
    """The dialog to say what it was."""
    require(actor, "fire.close")
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        page = queries.one(s, svc, incident_id, actor.username, who.language)
    context = {"page": page, "row": page.row, "chosen": verdict, **views("incidents", names)}
    return render(request, "parts/fire_close.html", context, who=who)


@router.get("/fire/incidents/{incident_id}/grade/{grade}")
def grade_form(request: Request, svc: Svc, actor: Signed, who: Who, incident_id: str, grade: Grade) -> Response:
    """The dialog to say how bad it is, with what that will bring."""
    require(actor, "fire.grade")
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        page = queries.one(s, svc, incident_id, actor.username, who.language)
    steps = queries.step_texts(page.row.response, grade, names.english)
    context = {"page": page, "row": page.row, "grade": grade, "steps": steps, **views("incidents", names)}
    return render(request, "parts/fire_grade.html", context, who=who)


@router.get("/fire/incidents/{incident_id}/steps/{plan}/{step}")
def skip_form(
    request: Request, svc: Svc, actor: Signed, who: Who, incident_id: str, plan: Grade, step: str
) -> Response:
    """The dialog to say why a line of the plan is not needed."""
    require(actor, "fire.respond")
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        row = queries.get(s, incident_id)
    text, _ = queries.step_texts(row.response, plan, names.english).get(step, (step, ""))
    return render(request, "parts/fire_skip.html", {"row": row, "plan": plan, "step": step, "text": text}, who=who)


@router.post("/fire/incidents/{incident_id}/accept")
def accept(svc: Svc, actor: Signed, now: Now, incident_id: str) -> Response:
    """I am coming."""
    fire_actions.accept(svc, actor, incident_id, now)
    return changed()


@router.post("/fire/incidents/{incident_id}/arrive")
def arrive(svc: Svc, actor: Signed, now: Now, incident_id: str) -> Response:
    """I am there."""
    fire_actions.arrive(svc, actor, incident_id, now)
    return changed()


@router.post("/fire/incidents/{incident_id}/grade")
def grade(
    svc: Svc, actor: Signed, now: Now, incident_id: str, grade: Annotated[Grade, Form()], note: Note = ""
) -> Response:
    """How bad it is."""
    fire_actions.grade(svc, actor, incident_id, grade, note.strip(), now)
    return changed()


@router.post("/fire/incidents/{incident_id}/steps/{plan}/{step}")
def finish_step(
    svc: Svc,
    actor: Signed,
    now: Now,
    incident_id: str,
    plan: Grade,
    step: str,
    not_needed: Annotated[bool, Form()] = False,
    note: Note = "",
) -> Response:
    """A line of the plan is done."""
    fire_actions.finish_step(svc, actor, incident_id, plan, step, now, not_needed=not_needed, note=note.strip())
    return changed()


@router.post("/fire/incidents/{incident_id}/calls")
def call(
    svc: Svc, actor: Signed, now: Now, incident_id: str, username: Annotated[str, Form(min_length=1, max_length=64)]
) -> Response:
    """Call somebody."""
    fire_actions.call(svc, actor, incident_id, username, now)
    return changed()


@router.post("/fire/incidents/{incident_id}/comments")
def comment(
    svc: Svc, actor: Signed, now: Now, incident_id: str, text: Annotated[str, Form(min_length=1, max_length=2000)]
) -> Response:
    """Add a remark."""
    fire_actions.comment(svc, actor, incident_id, text, now)
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:fire": "", "gengfu:commented": true}'})


@router.post("/fire/incidents/{incident_id}/close")
def close(
    svc: Svc,
    actor: Signed,
    now: Now,
    incident_id: str,
    verdict: Annotated[Verdict, Form()],
    cause: Annotated[str, Form(min_length=1, max_length=2000)],
) -> Response:
    """What it was."""
    fire_actions.close(svc, actor, incident_id, verdict, cause.strip(), now)
    return changed()
