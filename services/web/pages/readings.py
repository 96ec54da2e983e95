"""Typed readings at the desk: the list, and the form for whoever measured without a phone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from gateway.site.model import SiteConfig
from services.kernel.errors import Invalid
from services.kernel.ids import new_id
from services.measurement.model import Condition, Entry
from services.people.roles import require
from services.web import typed
from services.web.deps import Now, Signed, Svc, Who
from services.web.queries import readings as queries
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Ref = Annotated[str, Query(max_length=130)]
BACKDATED = timedelta(days=31)
"""The desk may type in what was measured so long ago."""
_LONGEST = {"instrument": 80, "circuit": 80, "place": 200, "note": 500}


async def _fields(request: Request) -> FormData:
    return await request.form()


Fields = Annotated[FormData, Depends(_fields)]


@router.get("/readings")
def readings(
    request: Request, svc: Svc, actor: Signed, who: Who, quantity: Ref = "", point: Ref = "", sent: Ref = ""
) -> Response:
    """What was typed in, the newest first; `sent`: the point of one that is just on its way."""
    site, _, inner = point.partition("/")
    with svc.db.read() as s:
        lines = queries.lines(s, svc.configs, who.language, site=site, quantity=quantity, point=inner)
    context = {
        "lines": lines, "quantity": quantity, "quantities": queries.quantities(svc.configs), "point": point,
        "sent": sent, "most": queries.MOST,
    }  # fmt: skip
    return render(request, "readings.html", context, who=who)


@router.get("/readings/new")
def new(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, point: Ref = "") -> Response:
    """The form; without a point, the choice of one."""
    require(actor, "reading.enter")
    with svc.db.read() as s:
        if not point:
            choices = queries.choices(s, svc.configs, who.language, now)
            return render(request, "reading_new.html", {"choices": choices, "page": None}, who=who)
        page, instruments = queries.choice(s, svc.configs, point, who.language, now)
    local = now.astimezone(ZoneInfo(page.config.site.timezone))
    context = {
        "page": page,
        "instruments": instruments,
        "today": local.date(),
        "client_id": new_id(),
        "at": local.strftime("%Y-%m-%dT%H:%M"),
    }
    return render(request, "reading_new.html", context, who=who)


@router.post("/readings")
def create(svc: Svc, actor: Signed, now: Now, fields: Fields) -> Response:
    """Send what was typed in on its way."""
    require(actor, "reading.enter")
    said = {name: str(value).strip() for name, value in fields.items()}
    site, _, point = said.get("point", "").partition("/")
    config = svc.configs.sites.get(site)
    if config is None:
        raise Invalid("There is no such point any more", hint="Open the form again", field="point")
    typed.put(svc, config, _entry(said, point), by=actor.username, at=_moment(said, config, now), now=now)
    return Response(status_code=204, headers={"HX-Redirect": f"/readings?sent={site}/{point}"})


def _entry(said: Mapping[str, str], point: str) -> Entry:
    text = said.get("value", "")
    try:
        value = float(text.replace(",", ".").replace("−", "-"))
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no number", hint="Write digits", field="value") from error
    condition = said.get("condition", "")
    words = {name: said.get(name, "")[:most] for name, most in _LONGEST.items()}
    measured: Condition = "dry" if condition == "dry" else "wet" if condition == "wet" else ""
    return Entry(
        client_id=_client_id(said),
        point=point,
        value=value,
        instrument=words["instrument"],
        circuit=words["circuit"],
        place=words["place"],
        condition=measured,
        note=words["note"],
    )


def _moment(said: Mapping[str, str], config: SiteConfig, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(said.get("at", "")).replace(tzinfo=ZoneInfo(config.site.timezone))
    except ValueError as error:
        raise Invalid("The time cannot be read", hint="Use the field's own calendar", field="at") from error
    if not now - BACKDATED <= at <= now + timedelta(minutes=1):
        raise Invalid(f"{at.isoformat()} is not within the last {BACKDATED.days} days", hint="Check it", field="at")
    # The field knows minutes only: what is typed in the minute it was measured happens now.
    return now if now - at < timedelta(minutes=1) else at


def _client_id(said: Mapping[str, str]) -> str:
    """The form's own id: sent twice it is one reading."""
    found = said.get("client_id", "")
    return found if found.isascii() and found.isalnum() and 8 <= len(found) <= 32 else new_id()
