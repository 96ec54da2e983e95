"""Alerts over HTTP."""

from typing import Annotated

from fastapi import Path, Query, Request

from services.kernel.errors import Invalid, Unauthenticated
from services.people import service as people
from services.people.roles import Actor
from services.web import actions
from services.web.api import schemas
from services.web.api.common import alert_out, api_router, event_out
from services.web.deps import Now, Services, Signed, Svc, client_ip
from services.web.queries import alerts as queries
from services.web.queries.alerts import Tab

router = api_router("alerts")
AlertId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/alerts", operation_id="list_alerts")
def list_alerts(
    svc: Svc,
    actor: Signed,
    now: Now,
    tab: Annotated[Tab, Query(description="open, shelved or recently closed")] = "open",
) -> list[schemas.AlertOut]:
    """What is wrong: unacknowledged first, then the worst."""
    with svc.db.read() as s:
        return [alert_out(row, now) for row in queries.rows(s, svc, tab, now, actor)]


@router.get("/alerts/{alert_id}", operation_id="get_alert")
def get_alert(svc: Svc, actor: Signed, now: Now, alert_id: AlertId) -> schemas.AlertDetail:
    """One alert with its history."""
    return _detail(svc, actor, alert_id, now)


@router.post("/alerts/{alert_id}/acknowledge", operation_id="acknowledge_alert")
def acknowledge(svc: Svc, actor: Signed, now: Now, alert_id: AlertId, body: schemas.Acknowledge) -> schemas.AlertDetail:
    """Say «seen» to everything up to the occurrence that was shown."""
    actions.acknowledge(svc, actor, alert_id, body.occurrence, now)
    return _detail(svc, actor, alert_id, now)


@router.post("/alerts/{alert_id}/shelve", operation_id="shelve_alert")
def shelve(
    request: Request, svc: Svc, actor: Signed, now: Now, alert_id: AlertId, body: schemas.Shelve
) -> schemas.AlertDetail:
    """Put an alert aside; it comes back by itself. Life safety needs a second person's sign-in."""
    second = second_person(request, svc, actor, body.second_username, body.second_password, now)
    until = now + actions.shelve_span(body.minutes)
    actions.shelve(svc, actor, alert_id, until, body.reason, now, second)
    return _detail(svc, actor, alert_id, now)


@router.post("/alerts/{alert_id}/unshelve", operation_id="unshelve_alert")
def unshelve(svc: Svc, actor: Signed, now: Now, alert_id: AlertId) -> schemas.AlertDetail:
    """Take a shelved alert back."""
    actions.unshelve(svc, actor, alert_id, now)
    return _detail(svc, actor, alert_id, now)


@router.post("/alerts/{alert_id}/reset", operation_id="reset_alert")
def reset(svc: Svc, actor: Signed, now: Now, alert_id: AlertId) -> schemas.AlertDetail:
    """Reset a latched alert after a look on site."""
    actions.reset(svc, actor, alert_id, now)
    return _detail(svc, actor, alert_id, now)


@router.post("/alerts/{alert_id}/comments", operation_id="comment_alert", status_code=201)
def comment(svc: Svc, actor: Signed, now: Now, alert_id: AlertId, body: schemas.Comment) -> schemas.AlertDetail:
    """Add a remark to the history."""
    actions.comment(svc, actor, alert_id, body.text, now)
    return _detail(svc, actor, alert_id, now)


def second_person(
    request: Request, svc: Services, actor: Actor, username: str | None, password: str | None, now: Now
) -> Actor | None:
    """The second person of a two-person action, by his own password; None when none was given.

    A wrong one is Invalid, not Unauthenticated: whoever asks is signed in and must not be sent to the sign-in page.
    """
    username = (username or "").strip()
    if not username:
        return None
    if username == actor.username:
        raise Invalid("The second person must be somebody else", hint="Let a colleague sign", field="second_username")
    try:
        return people.confirm(svc.db, username, password or "", now, svc.hasher, ip=client_ip(request))
    except Unauthenticated as error:
        raise Invalid(
            "The second person's username or password is wrong", hint=error.hint, field="second_password"
        ) from error


def _detail(svc: Services, actor: Actor, alert_id: str, now: Now) -> schemas.AlertDetail:
    with svc.db.read() as s:
        page = queries.one(s, svc, alert_id, now, actor.language)
    base = alert_out(page.row, now).model_dump()
    return schemas.AlertDetail(**base, history=[event_out(event) for event in page.history])
