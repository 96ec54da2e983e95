"""What every handler may use, and who is asking."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from gateway.site.model import Configs
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.errors import Forbidden, Unauthenticated
from services.kernel.settings import Settings
from services.patrol.phone.items import TapDoor
from services.people import service as people
from services.people.passwords import Hasher
from services.people.roles import Actor, require
from services.web import i18n

SESSION_COOKIE = "gengfu_session"
LANGUAGE_COOKIE = "gengfu_language"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Services:
    """The application's collaborators, handed to `create_app`."""

    settings: Settings
    db: Database
    store: TimeSeriesStore
    configs: Configs
    clock: Clock
    hasher: Hasher
    door: TapDoor | None = None
    """Where the phones' taps go; None: nowhere, and they stay on the phones."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is asking: a signed-in browser, a program, or nobody yet."""

    actor: Actor | None
    language: str
    via: Literal["cookie", "bearer", "none"]
    csrf_token: str = ""
    session_hash: str = ""


class PasswordChangeNeeded(Forbidden):
    """Signed in with a password somebody else knows: it has to be changed first."""

    code = "password_change_needed"


def services(request: Request) -> Services:
    """The application's collaborators."""
    found: Services = request.app.state.services
    return found


def visitor(request: Request) -> Visitor:
    """Who is asking; looked up once per request. A wrong bearer token never falls back to the cookie."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known is None:
        known = _identify(request, services(request))
        request.state.visitor = known
    return known


def _identify(request: Request, svc: Services) -> Visitor:
    now = svc.clock.now()
    chosen = i18n.known(request.cookies.get(LANGUAGE_COOKIE))
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        with svc.db.read() as s:
            actor = people.resolve_token(s, token.strip(), now) if scheme.lower() == "bearer" else None
            stale = actor is not None and people.token_is_stale(s, token.strip(), now)
        if actor is None:
            raise Unauthenticated("The bearer token is not valid", hint="Ask an administrator for a new one")
        if stale:
            with svc.db.begin() as s:
                people.token_used(s, token.strip(), now)
        return Visitor(actor=actor, language=actor.language, via="bearer")
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie:
        with svc.db.read() as s:
            found = people.resolve_session(s, cookie, now)
        if found is not None:
            if found.stale:
                with svc.db.begin() as s:
                    people.touch(s, found.token_hash, now)
            return Visitor(
                actor=found.actor,
                language=i18n.known(found.actor.language),
                via="cookie",
                csrf_token=found.csrf_token,
                session_hash=found.token_hash,
            )
    return Visitor(actor=None, language=chosen, via="none")


def signed_in(request: Request) -> Actor:
    """The actor; raises Unauthenticated, Forbidden without read permission, PasswordChangeNeeded."""
    actor = require(visitor(request).actor, "read")
    if actor.must_change_password:
        raise PasswordChangeNeeded("The password must be changed first", hint="Open /password in the console")
    return actor


async def csrf_guard(request: Request) -> None:
    """Refuse state changes that another site made the browser send. Bearer tokens are sent by no browser on its own."""
    if request.method in SAFE_METHODS or request.headers.get("Authorization") is not None:
        return
    if not same_origin(request):
        raise Forbidden("The request comes from another site", hint="Open the console itself and try again")
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return
    expected = await _expected_csrf(request)
    sent = request.headers.get(CSRF_HEADER) or ""
    if not sent and request.headers.get("Content-Type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        field = (await request.form()).get(CSRF_FIELD)
        sent = field if isinstance(field, str) else ""
    if expected and not hmac.compare_digest(expected.encode(), sent.encode()):
        raise Forbidden(
            "The CSRF token is missing or wrong", hint=f"Reload the page, or send {CSRF_HEADER} (see /api/v1/me)"
        )


async def _expected_csrf(request: Request) -> str:
    who = await run_in_threadpool(visitor, request)
    return who.csrf_token


def same_origin(request: Request) -> bool:
    """Whether the browser says the request comes from this site; programs that say nothing pass."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def client_ip(request: Request) -> str:
    """The address of the other side, as the server sees it."""
    return request.client.host if request.client else ""


def now_of(request: Request) -> datetime:
    """This moment."""
    return services(request).clock.now()


Svc = Annotated[Services, Depends(services)]
Who = Annotated[Visitor, Depends(visitor)]
Signed = Annotated[Actor, Depends(signed_in)]
Now = Annotated[datetime, Depends(now_of)]
