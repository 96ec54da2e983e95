"""交接班 and who is on duty."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from services.flows.patrol.handover import Given
from services.people.roles import Actor
from services.web import actions
from services.web.api.alerts import second_person
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.pages.patrol import Name, views
from services.web.queries import handover as queries
from services.web.queries.handover import WaitingShift
from services.web.queries.patrol_names import Names, site_or_first
from services.web.templating import render

router = APIRouter(include_in_schema=False)

KIT = "kit:"
"""What the form's name of an item begins with."""
Side = Literal["taken", "given"]
Words = Annotated[str, Form(max_length=2000)]


async def kit_of(request: Request) -> dict[str, bool]:
    """The form's checklist: item → complete or not."""
    form = await request.form()
    return {name.removeprefix(KIT): value == "yes" for name, value in form.items() if name.startswith(KIT)}


@router.get("/patrol/handover")
def page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "", shift: Name = "") -> Response:
    """What waits to be handed over, the form, who is on duty, and the last handovers."""
    fragment = request.headers.get("HX-Request") == "true"
    template = "parts/handover_now.html" if fragment else "handover.html"
    return render(request, template, _context(svc, actor, now, site, shift), who=who)


@router.post("/patrol/handover")
def hand_over(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    kit: Annotated[dict[str, bool], Depends(kit_of)],
    site: Annotated[str, Form(max_length=64)],
    shift: Annotated[str, Form(min_length=1, max_length=80)],
    side: Annotated[Side, Form()],
    other: Annotated[str, Form(min_length=1, max_length=64)],
    second_password: Annotated[str, Form(max_length=256)],
    hazards: Words = "",
    keys: Words = "",
    note: Words = "",
) -> Response:
    """Record a handover; the person who is not signed in proves with his password that he is there."""
    second = second_person(request, svc, actor, other, second_password, now)
    given_by, taken_by = (other, actor.username) if side == "taken" else (actor.username, other)
    given = Given(shift, given_by, taken_by, hazards.strip(), keys.strip(), kit, note.strip())
    actions.hand_over(svc, actor, site_or_first(svc.configs, site).site.id, given, second, now)
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return RedirectResponse(f"/patrol/handover?site={site}", status_code=303)


def _context(svc: Services, actor: Actor, now: datetime, site: str, shift: str) -> dict[str, Any]:
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, actor.language)
    with svc.db.read() as s:
        waiting = queries.waiting(s, config, names, now)
        context = {
            "waiting": waiting,
            "duty": queries.on_duty(s, config, names, now),
            "alerts": queries.open_alerts(s, config, actor),
            "records": queries.records(s, config, names, actor),
        }
    chosen = _chosen(waiting, shift, actor)
    side: Side = "given" if chosen is not None and actor.username in chosen.before else "taken"
    return {
        **context,
        "chosen": chosen,
        "site": config.site.id,
        "names": names,
        "side": side,
        "kit": queries.kit_items(config),
        "kit_prefix": KIT,
        "people": queries.signatories(config, names, actor),
        "likely": _likely(chosen, actor, side),
        "declared": actor.username in config.person_by_username,
        **views("handover"),
    }


def _chosen(waiting: list[WaitingShift], shift: str, actor: Actor) -> WaitingShift | None:
    """The shift asked for, else one the person takes over, else one he gives, else the first."""
    wanted = sorted(
        waiting, key=lambda one: (one.id != shift, actor.username not in one.after, actor.username not in one.before)
    )
    return wanted[0] if wanted else None


def _likely(chosen: WaitingShift | None, actor: Actor, side: Side) -> str:
    """Who the other person probably is."""
    if chosen is None:
        return ""
    candidates = chosen.before if side == "taken" else chosen.after
    return next((one for one in candidates if one != actor.username), "")
