"""The calendar feed: what somebody answers for, as all-day events for a calendar program.

A calendar program cannot sign in; it sends an API token, as a bearer token or as the password of HTTP Basic. A token in
the address would end up in logs and histories.
"""

import base64
import binascii
from datetime import UTC, timedelta

from fastapi import APIRouter, Request
from icalendar import Calendar, Event
from starlette.responses import Response

from services.kernel.errors import Unauthenticated
from services.maintenance.reading import Job, open_jobs
from services.people import service as people
from services.people.roles import Actor, require
from services.web.deps import Now, Services, Svc
from services.web.pages.patrol import Name
from services.web.queries import maintenance as queries
from services.web.queries.places import Places

router = APIRouter(include_in_schema=False)

LISTED = 40
"""Pieces of equipment named in one event; the rest is counted."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="gengfu", charset="UTF-8"'}


def _program(svc: Services, request: Request) -> Actor | None:
    """Whose token the request carries; None: no token, or one that is not valid."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = value.strip()
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    elif scheme.lower() != "bearer":
        return None
    with svc.db.read() as s:
        return people.resolve_token(s, token, svc.clock.now())


@router.get("/maintenance/feed.ics")
def feed(request: Request, svc: Svc, now: Now, site: Name = "") -> Response:
    """Open tasks of levels 2 to 6 that the token's account answers for; one event for a plan and day."""
    actor = _program(svc, request)
    if actor is None:
        refused = Unauthenticated("The feed needs an API token", hint="Send it as the password of HTTP Basic")
        return Response(refused.message + "\n", status_code=refused.status, media_type="text/plain", headers=_CHALLENGE)
    require(actor, "read")
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, actor.language)
    with svc.db.read() as s:
        jobs = [one for one in open_jobs(s, config, now) if one.task.level > 1 and not one.missed]
        mine = queries.mine(jobs, actor.username, actor.role)
    groups: dict[tuple[str, str], list[Job]] = {}
    for one in mine:
        groups.setdefault((one.task.plan, one.task.due_on.isoformat()), []).append(one)
    calendar = Calendar()
    calendar.add("prodid", "-//Gengfu//Maintenance//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", places.name(config.site))
    for (plan, due), those in sorted(groups.items(), key=lambda group: (group[0][1], group[0][0])):
        task = those[0].task
        level = queries.level_name(task.level, actor.language == "en")
        count = f" ×{len(those)}" if len(those) > 1 else f" · {places.name(those[0].row)}"
        lines = [f"{places.name(one.row)} {queries.place_of(config, one.row, places)}".strip() for one in those]
        event = Event()
        event.add("uid", f"{config.site.id}.{plan}.{due}@gengfu")
        event.add("dtstamp", max(one.task.created_at for one in those).astimezone(UTC))
        event.add("dtstart", task.due_on)
        event.add("dtend", task.due_on + timedelta(days=1))
        event.add("summary", f"{level} · {queries.plan_name(config, plan, places)}{count}")
        event.add("description", "\n".join(lines[:LISTED] + ([f"+{len(lines) - LISTED}"] if lines[LISTED:] else [])))
        event.add("transp", "TRANSPARENT")
        if config.site.console_url:
            event.add("url", f"{config.site.console_url}/maintenance?site={config.site.id}&plan={plan}")
        calendar.add_component(event)
    return Response(
        calendar.to_ical(), media_type="text/calendar", headers={"Content-Disposition": 'inline; filename="gengfu.ics"'}
    )
