"""The guard's phone: what it must know, what it delivers, the pictures it took, the end of duty."""

from typing import Annotated, Any

from fastapi import Body, Header, Path, Query, Request, Response

from gateway.contract.times import to_ms
from services.flows import inspection_briefing, measurement_briefing
from services.flows.inspection_briefing import UpkeepOut
from services.flows.measurement_briefing import ReadingsOut
from services.flows.patrol import emergency
from services.kernel.errors import Invalid, Unauthenticated
from services.patrol.phone import photos
from services.patrol.phone.briefing import Briefing, briefing
from services.people import attempts
from services.people import service as people
from services.people.roles import Actor, require
from services.web import deliveries, phone_fire
from services.web.api import phone_schemas as schemas
from services.web.api.common import PROBLEMS, api_router
from services.web.deps import Now, Services, Signed, Svc, client_ip

router = api_router("patrol")

SiteId = Annotated[str, Query(max_length=64, description="Empty: the account's own site")]
PhotoId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,32}$", description="The phone's own id of the picture")]
_CLOSED: dict[int | str, dict[str, Any]] = {
    429: {**PROBLEMS[422], "description": "Too many wrong codes; `retry_after_s` says how long to wait"},
    503: {**PROBLEMS[422], "description": "Taps cannot be taken right now; keep them and come again"},
}
_STILL_TRUE: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the phone has is still true: `If-None-Match` names its version"}
}
_ENOUGH = {**PROBLEMS[422], "description": "Enough pictures for a day; keep it and come again"}


@router.get("/patrol/phone/rounds", operation_id="get_phone_briefing")
def rounds(svc: Svc, actor: Signed, now: Now, site: SiteId = "") -> Briefing:
    """Everything a phone keeps for the hours without network."""
    require(actor, "patrol.tap")
    config = deliveries.site_of(svc, actor, site)
    with svc.db.read() as s:
        return briefing(s, config, actor, now, demo=svc.settings.demo)


@router.get(
    "/patrol/phone/upkeep",
    operation_id="get_phone_upkeep",
    response_model=UpkeepOut,
    responses=_STILL_TRUE,
)
def upkeep(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: SiteId = "",
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Equipment, what is due for it, checklists and last values: what a phone needs to inspect without network."""
    require(actor, "inspection.record")
    config = deliveries.site_of(svc, actor, site)
    with svc.db.read() as s:
        found = inspection_briefing.upkeep(s, config, actor, now)
    return _unless_known(found, if_none_match)


@router.get(
    "/patrol/phone/readings",
    operation_id="get_phone_readings",
    response_model=ReadingsOut,
    responses=_STILL_TRUE,
)
def readings(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: SiteId = "",
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """What people measure, its limits, last values and instruments: what a phone needs to type readings in off line."""
    require(actor, "patrol.tap")
    config = deliveries.site_of(svc, actor, site)
    with svc.db.read() as s:
        found = measurement_briefing.readings(s, config, actor, now)
    return _unless_known(found, if_none_match)


@router.post("/patrol/phone/sync", operation_id="sync_phone", responses={503: _CLOSED[503]})
def sync(svc: Svc, actor: Signed, now: Now, body: schemas.Sync) -> schemas.SyncOut:
    """Deliver what happened: what the answer accepts is durable, what it does not name comes again."""
    require(actor, "patrol.tap")
    return deliveries.deliver(svc, actor, deliveries.site_of(svc, actor, body.site), body, now)


@router.get("/patrol/phone/fire", operation_id="get_phone_fire")
def fire(svc: Svc, actor: Signed, now: Now, site: SiteId = "") -> schemas.FireNewsOut:
    """Open fires that concern this person, and panels in test mode: for a page that is looked at right now."""
    require(actor, "patrol.tap")
    config = deliveries.site_of(svc, actor, site)
    with svc.db.read() as s:
        news = phone_fire.news(s, config, actor, now)
    return schemas.FireNewsOut(open=news.open, tests=news.tests, server_ms=to_ms(now))


@router.post(
    "/patrol/phone/photos/{client_id}", operation_id="keep_phone_photo", status_code=201, responses={429: _ENOUGH}
)
def keep_photo(
    svc: Svc,
    actor: Signed,
    now: Now,
    client_id: PhotoId,
    content: Annotated[bytes, Body(media_type="image/jpeg", description="At most 900 KiB")],
    site: SiteId = "",
) -> schemas.Done:
    """Keep a picture; the same again changes nothing."""
    require(actor, "patrol.tap")
    config = deliveries.site_of(svc, actor, site)
    with svc.db.begin() as s:
        photos.keep(s, config.site.id, client_id, actor.username, content, now)
    return schemas.Done(server_ms=to_ms(now))


@router.post("/patrol/phone/pin", operation_id="set_duty_pin", responses={429: _CLOSED[429]})
def set_pin(request: Request, svc: Svc, actor: Signed, now: Now, body: schemas.SetPin) -> schemas.Done:
    """Choose the code for signing off."""
    require(actor, "patrol.tap")
    try:
        people.confirm(svc.db, actor.username, body.password, now, svc.hasher, ip=client_ip(request))
    except Unauthenticated as error:
        raise Invalid("The password is wrong", hint="Type it again", field="password") from error
    with svc.db.begin() as s:
        emergency.set_pin(s, actor.username, body.pin, svc.hasher, now)
    return schemas.Done(server_ms=to_ms(now))


@router.post("/patrol/phone/sign-off", operation_id="sign_off_duty", responses={429: _CLOSED[429]})
def sign_off(request: Request, svc: Svc, actor: Signed, now: Now, body: schemas.SignOff) -> schemas.Done:
    """End duty with the personal code."""
    require(actor, "patrol.tap")
    config = deliveries.site_of(svc, actor, body.site)
    attempt = _admit(svc, actor, client_ip(request), now)
    with svc.db.begin() as s:
        emergency.sign_off(s, config, actor.username, body.client_id, body.pin, svc.hasher, now)
        attempts.succeeded(s, attempt)
    return schemas.Done(server_ms=to_ms(now))


def _admit(svc: Services, actor: Actor, ip: str, now: Now) -> str:
    """Guesses of the code are counted like guesses of a password, but do not lock the account's sign-in."""
    with svc.db.begin() as s:
        return attempts.admit(s, f"pin:{actor.username}"[:64], ip, now)


def _unless_known(found: UpkeepOut | ReadingsOut, if_none_match: str) -> Response:
    """The whole answer, unless the phone has this version already."""
    etag = f'"{found.version}"'
    if etag in if_none_match:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(found.model_dump_json(), media_type="application/json", headers={"ETag": etag})
