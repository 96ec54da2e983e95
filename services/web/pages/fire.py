"""Fire at the duty desk: the board of all buildings, one building, test mode."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from gateway.site.model import SiteConfig
from services.fire.tables import FireTestMode
from services.kernel.errors import NotFound
from services.people.roles import require
from services.web import fire_actions
from services.web.api.alerts import second_person
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.fire_words import GROUP_OF
from services.web.pages.patrol import Name
from services.web.queries import fire as queries
from services.web.queries import fire_building
from services.web.queries.fire_incident import component_name
from services.web.queries.fire_log import value_text
from services.web.queries.fire_names import FireNames, fire_site
from services.web.templating import render

router = APIRouter(include_in_schema=False)

View = Literal["live", "incidents", "log", "commands", "outages", "tests", "drills"]
VIEWS: dict[View, str] = {
    "live": "/fire",
    "incidents": "/fire/incidents",
    "log": "/fire/log",
    "commands": "/fire/commands",
    "outages": "/fire/outages",
    "tests": "/fire/tests",
    "drills": "/fire/drills",
}
Minutes = Annotated[int, Form(ge=1, le=24 * 60)]
Words = Annotated[str, Form(max_length=2000)]
Password = Annotated[str, Form(max_length=256)]
Account = Annotated[str, Form(max_length=64)]
CHANGED = {"HX-Trigger": '{"gengfu:fire": "", "gengfu:close": true}'}


def views(current: View, names: FireNames) -> dict[str, Any]:
    """What every fire page's template needs."""
    return {
        "fire_views": VIEWS,
        "view": current,
        "names": names,
        "groups": queries.GROUP_NAMES,
        "group_of": GROUP_OF,
        "comma": names.comma,
    }


def changed() -> Response:
    """Nothing to swap: open pages fetch themselves again, dialogs close."""
    return Response(status_code=204, headers=CHANGED)


@router.get("/fire")
def board(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """The live board."""
    return render(request, "fire.html", _board(svc, who.language, now, site), who=who)


@router.get("/fragments/fire")
def board_again(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """The live board, again."""
    return render(request, "parts/fire_board.html", _board(svc, who.language, now, site), who=who)


@router.get("/fragments/fire/banner")
def banner(
    request: Request, svc: Svc, actor: Signed, who: Who, on: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """What the page `on` shows on top while something burns or is under test."""
    return render(request, "parts/fire_banner.html", {"on": on}, who=who)


def _board(svc: Services, language: str, now: datetime, site: str) -> dict[str, Any]:
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, language)
    with svc.db.read() as s:
        found = queries.board(s, config, names, now)
    outage_names = {one.id: component_name(names, one.component) for one in found.prompts}
    return {"board": found, "site": config.site.id, "outage_names": outage_names, **views("live", names)}


@router.get("/fire/buildings/")
@router.get("/fire/buildings/{building}")
def building_page(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    building: str = "",
    site: Name = "",
    show: fire_building.Show = "all",
    text: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """One building; without a name: what was heard of none that anybody declared."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        page = fire_building.one(s, config, names, building, show, text.strip(), now)
    context = {
        "page": page,
        "show": show,
        "text": text,
        "shows": fire_building.SHOWS,
        "value_text": value_text,
        **views("live", names),
    }
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/fire_building_body.html" if fragment else "fire_building.html", context, who=who)


@router.get("/fire/test-mode/new")
def begin_form(
    request: Request, svc: Svc, actor: Signed, who: Who, site: Name = "", panel: Name = "", zone: Name = ""
) -> Response:
    """The dialog to announce maintenance."""
    require(actor, "fire.test_mode")
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    places = [
        (one.id, names.device(config.site.id, one.id), _zones(config, names, one.id)) for one in config.fire.panels
    ]
    context = {
        "mode": None,
        "site": config.site.id,
        "places": places,
        "chosen": f"{panel}/{zone}",
        "choices": _choices(config, timedelta()),
        **views("live", names),
    }
    return render(request, "parts/fire_test_mode.html", context, who=who)


@router.post("/fire/test-mode")
def begin_test_mode(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    place: Annotated[str, Form(min_length=1, max_length=140)],
    minutes: Minutes,
    reason: Annotated[str, Form(min_length=1, max_length=400)],
    site: Account = "",
    second_username: Account = "",
    second_password: Password = "",
) -> Response:
    """Announce maintenance of `panel/zone`, or of `panel/` as a whole."""
    second = second_person(request, svc, actor, second_username, second_password, now)
    panel, _, zone = place.partition("/")
    until = now + fire_actions.mode_span(minutes)
    fire_actions.begin_test_mode(svc, actor, second, site, now, panel=panel, zone=zone, until=until, reason=reason)
    return changed()


@router.get("/fire/test-mode/{mode_id}")
def change_form(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, mode_id: str) -> Response:
    """The dialog to extend or end it."""
    require(actor, "fire.test_mode")
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        config = fire_actions.mode_site(svc, s, mode_id)
        mode = _mode(s, mode_id)
    context = {
        "mode": mode,
        "site": mode.site,
        "over": mode.until <= now,
        "choices": _choices(config, mode.until - now),
        **views("live", names),
    }
    return render(request, "parts/fire_test_mode.html", context, who=who)


@router.post("/fire/test-mode/{mode_id}/extend")
def extend_test_mode(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    mode_id: str,
    minutes: Minutes,
    second_username: Account = "",
    second_password: Password = "",
) -> Response:
    """Let it go on for so many minutes from now."""
    second = second_person(request, svc, actor, second_username, second_password, now)
    fire_actions.extend_test_mode(svc, actor, second, mode_id, now + fire_actions.mode_span(minutes), now)
    return changed()


@router.post("/fire/test-mode/{mode_id}/end")
def end_test_mode(svc: Svc, actor: Signed, now: Now, mode_id: str) -> Response:
    """Signals call people again."""
    fire_actions.end_test_mode(svc, actor, mode_id, now)
    return changed()


def _mode(s: Session, mode_id: str) -> FireTestMode:
    mode = s.get(FireTestMode, mode_id)
    if mode is None:
        raise NotFound(f"There is no test mode {mode_id}", hint="Reload the page", mode=mode_id)
    return mode


def _choices(config: SiteConfig, longer_than: timedelta) -> list[timedelta]:
    """How long it may last from now on."""
    longest = config.fire.settings.test_mode_max
    return [one for one in fire_actions.MODE_CHOICES if longer_than < one <= longest]


def _zones(config: SiteConfig, names: FireNames, panel: str) -> Mapping[str, str]:
    return {
        one.zone: names.zone(config.site.id, one.zone) for one in config.fire.points if one.panel == panel and one.zone
    }
