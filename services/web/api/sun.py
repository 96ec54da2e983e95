"""Signed tags opened in a phone's browser: the page behind a tag's address, and the tap that comes of it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2s
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from gateway.contract.times import format_at, from_ms, to_ms
from gateway.site.model import SiteConfig
from services.kernel.errors import AppError, Conflict, Invalid, NotFound
from services.patrol.phone.items import DoorClosed
from services.patrol.sun import claims as sun_claims
from services.patrol.sun.claims import Outcome, Proof
from services.patrol.sun.keys import installation_secret
from services.patrol.sun.signature import Reason
from services.people.roles import Actor, require
from services.web.api.common import PROBLEMS, api_router
from services.web.api.schemas import Body
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.i18n import N_
from services.web.templating import render

log = logging.getLogger(__name__)

router = api_router("patrol")
pages = APIRouter(include_in_schema=False)

PATROL_APP = "patrol_app"
SENTENCES: dict[str, str] = {
    Outcome.VERIFIED: N_("Your visit is recorded."),
    Outcome.HARVESTED: N_("Recorded and marked for review: this tag was read before and no other point in between."),
    Outcome.STALE: N_("Not accepted: this address is old, the tag has been read again since. Read the tag again."),
    Outcome.REPLAY: N_("Not accepted: this address has been used already. Read the tag again."),
    Reason.MALFORMED: N_("Not accepted: the address is incomplete. Read the tag again."),
    Reason.BAD_MAC: N_("Not accepted: the tag's signature is wrong. Report it."),
    Reason.UNKNOWN_TAG: N_("Not accepted: nobody has declared this tag."),
    Reason.UNSUPPORTED_LRP: N_("Not accepted: the tag is in a mode that is not supported (LRP)."),
    Reason.FACTORY_KEY: N_("Not accepted: the tag still has its factory keys."),
    Reason.NO_KEYS: N_("Not accepted: the keys of this tag are not stored here."),
}
NOT_TAKEN = N_("Not recorded: taps cannot be taken right now. Try again in a minute.")

TagAddress = Annotated[str, Field(min_length=1, max_length=1024, description="The address the tag gave, whole")]
ClientId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The sender's own id; the same again is the same tap")
]
_DOOR_CLOSED: dict[int | str, dict[str, Any]] = {
    503: {**PROBLEMS[422], "description": "Verified, but the tap could not be kept: send it again with the same id"}
}


class SunTap(Body):
    """A tag was read by a phone without our app."""

    url: TagAddress
    client_id: ClientId


class SunOut(BaseModel):
    """What came of it."""

    outcome: Literal["verified", "harvested", "stale"]
    accepted: bool
    """It proves the visit beyond doubt; otherwise it is kept and marked."""
    site: str
    checkpoint: str
    checkpoint_name: str
    at: AwareDatetime


@router.post("/patrol/sun", operation_id="tap_signed_tag", responses=_DOOR_CLOSED)
def tap(svc: Svc, actor: Signed, now: Now, body: SunTap) -> SunOut:
    """Prove a visit with the one-time address of a signed tag; 409 when somebody else has used it."""
    require(actor, "patrol.tap")
    return take(svc, actor, body.url, body.client_id, now)


@pages.get("/t")
def tag_page(request: Request, who: Who, actor: Signed) -> Response:
    """What a phone's browser shows when a tag is read: it sends the tap on by itself, or by its button."""
    require(actor, "patrol.tap")
    query = request.scope["query_string"].decode("latin-1")
    return render(request, "tag.html", {"url": f"/t?{query}", "done": None, "sentence": ""}, who=who)


@pages.post("/t")
def tag_tap(
    request: Request, svc: Svc, who: Who, actor: Signed, now: Now, url: Annotated[str, Form(max_length=1024)]
) -> Response:
    """Take the tap and say what came of it. One person's reload of the page is the same tap."""
    require(actor, "patrol.tap")
    done, status = None, 200
    try:
        done = take(svc, actor, url, _digest(url), now)
        sentence = SENTENCES[done.outcome]
    except DoorClosed as error:
        status, sentence = error.status, NOT_TAKEN
    except AppError as error:
        status, sentence = error.status, SENTENCES.get(error.detail.get("outcome", ""), NOT_TAKEN)
    return render(request, "tag.html", {"url": url, "done": done, "sentence": sentence}, who=who, status=status)


def take(svc: Services, actor: Actor, url: str, client_id: str, now: datetime) -> SunOut:
    """Claim an address and put the tap through the door. Both can be repeated: a crash in between loses nothing.

    Raises Conflict for an address that somebody else used, Invalid for one that proves nothing, DoorClosed.
    """
    # Somebody else with the same client id is somebody else, and a browser is no installation of the app.
    mine, phone = _digest(actor.username, client_id), f"web-{_digest(actor.username)}"
    config, proof = _claim(svc, actor, url, mine, phone, now)
    if proof.checkpoint is None or proof.outcome == Outcome.REPLAY:
        log.warning("Tap of %s refused: %s, tag %s, read %s", actor.username, proof.outcome, proof.uid, proof.counter)
        raise _refusal(proof)
    if svc.door is None:
        raise DoorClosed("This server takes no taps", hint="Start it with `gengfu up`; the tap can be sent again")
    svc.door.put(config.site.id, _body(actor, url, mine, phone, proof, now))
    return _out(config, proof)


def _claim(
    svc: Services, actor: Actor, url: str, client_id: str, phone: str, now: datetime
) -> tuple[SiteConfig, Proof]:
    """The site whose tag gave the address, and what it proves; of refusals the most telling one."""
    found: tuple[SiteConfig, Proof] | None = None
    secret = installation_secret(svc.settings)
    with svc.db.begin() as s:
        for site, config in svc.configs.sites.items():
            app = next((one.id for one in config.devices if one.kind == PATROL_APP), "web")
            proof = sun_claims.check(
                s,
                config,
                secret,
                url,
                client_id=f"{site}/{app}/{client_id}",
                device=f"{site}/{phone}",
                at_ms=to_ms(now),
                guard=actor.username,
            )
            if proof.checkpoint is not None:
                return config, proof
            if found is None or found[1].outcome == Reason.UNKNOWN_TAG:
                found = config, proof
    if found is None:
        raise NotFound("No site is declared", hint="Declare one under device_configs/sites", outcome=Reason.UNKNOWN_TAG)
    return found


def _refusal(proof: Proof) -> AppError:
    if proof.outcome == Outcome.REPLAY:
        return Conflict(
            "This address has been used already",
            hint="Read the tag again: each read gives a new one",
            outcome=proof.outcome,
            checkpoint=proof.checkpoint,
        )
    return Invalid(f"The address proves nothing: {proof.outcome}", hint="Read the tag again", outcome=proof.outcome)


def _body(actor: Actor, url: str, client_id: str, phone: str, proof: Proof, now: datetime) -> Mapping[str, Any]:
    return {
        "at": format_at(proof.at_ms),
        "url": url,
        "guard": actor.username,
        "evidence": "sun",
        "client_id": client_id,
        "phone": phone,
        "received_at": format_at(to_ms(now)),
    }


def _out(config: SiteConfig, proof: Proof) -> SunOut:
    point = config.patrol.checkpoint(proof.checkpoint or "")
    return SunOut.model_validate(
        {
            "outcome": proof.outcome,
            "accepted": proof.accepted,
            "site": config.site.id,
            "checkpoint": proof.checkpoint,
            "checkpoint_name": point.name if point else "",
            "at": from_ms(proof.at_ms),
        }
    )


def _digest(*words: str) -> str:
    return blake2s("\n".join(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
