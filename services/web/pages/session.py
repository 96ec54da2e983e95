"""Signing in and out, the language, and the password."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from services.kernel.errors import AppError, Invalid, TooMany, Unauthenticated
from services.people import service as people
from services.people.roles import Actor, Role, require
from services.web import i18n
from services.web.deps import LANGUAGE_COOKIE, SESSION_COOKIE, Now, Svc, Visitor, Who, client_ip
from services.web.problems import human
from services.web.templating import render

router = APIRouter(include_in_schema=False)

_YEAR_S = 365 * 24 * 3600


def safe_next(target: str) -> str:
    """A path of this site to go on to; anything else becomes the console."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\n" in target or "\r" in target:
        return "/"
    return target


def home(actor: Actor, target: str) -> str:
    """Where somebody begins: guards with their phone, everybody else with the console."""
    return "/patrol/phone" if target == "/" and actor.role == Role.GUARD else target


@router.get("/sign-in")
def sign_in_page(
    request: Request, svc: Svc, who: Who, to: Annotated[str, Query(alias="next")] = "/", lang: str = ""
) -> Response:
    """The sign-in form; `lang` chooses its language."""
    if who.actor is not None:
        return RedirectResponse(home(who.actor, safe_next(to)), status_code=303)
    language = lang if lang in i18n.LANGUAGES else who.language
    context = {"error": "", "username": "", "next": safe_next(to)}
    response = render(request, "sign_in.html", context, who=who, language=language)
    if lang in i18n.LANGUAGES:
        _remember_language(response, lang, svc.settings.web_secure_cookies)
    return response


@router.post("/sign-in")
def sign_in(
    request: Request,
    svc: Svc,
    who: Who,
    now: Now,
    username: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    to: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Open a session, or say why not."""
    try:
        signed_in = people.sign_in(svc.db, username, password, client_ip(request), now, svc.hasher)
    except (Unauthenticated, TooMany) as error:
        sentence = human(error, i18n.catalogue(who.language).gettext)
        context = {"error": sentence, "username": username, "next": safe_next(to)}
        return render(request, "sign_in.html", context, who=who, status=error.status, headers=_retry_after(error))
    target = "/password" if signed_in.actor.must_change_password else home(signed_in.actor, safe_next(to))
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=int(people.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=svc.settings.web_secure_cookies,
        path="/",
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request, svc: Svc, who: Who, now: Now) -> Response:
    """Close the session of this browser."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and who.via == "cookie":
        with svc.db.begin() as s:
            people.sign_out(s, cookie, now)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.post("/language")
def choose_language(
    svc: Svc, who: Who, language: Annotated[str, Form()], to: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Speak another language from now on."""
    if language not in i18n.LANGUAGES:
        raise Invalid(f"Language {language!r} is not available", hint=f"Use one of {', '.join(i18n.LANGUAGES)}")
    if who.actor is not None:
        with svc.db.begin() as s:
            people.set_language(s, who.actor, language)
    response = RedirectResponse(safe_next(to), status_code=303)
    _remember_language(response, language, svc.settings.web_secure_cookies)
    return response


@router.get("/password")
def password_page(request: Request, who: Who) -> Response:
    """The form to change one's own password; open also to those who must."""
    require(who.actor, "read")
    return render(request, "password.html", {"error": ""}, who=who)


@router.post("/password")
def change_password(
    request: Request,
    svc: Svc,
    who: Who,
    now: Now,
    current: Annotated[str, Form(max_length=256)],
    new: Annotated[str, Form(max_length=512)],
) -> Response:
    """Set one's own password; other browsers of the account are signed out."""
    actor = require(who.actor, "read")
    try:
        people.change_password(
            svc.db, actor, current, new, now, keep=who.session_hash, hasher=svc.hasher, ip=client_ip(request)
        )
    except (Invalid, TooMany) as error:
        headers = _retry_after(error)
        return render(
            request, "password.html", {"error": _why(error, who)}, who=who, status=error.status, headers=headers
        )
    return RedirectResponse("/", status_code=303)


def _retry_after(error: AppError) -> dict[str, str]:
    return {"Retry-After": str(error.detail["retry_after_s"])} if isinstance(error, TooMany) else {}


def _why(error: AppError, who: Visitor) -> str:
    _ = i18n.catalogue(who.language).gettext
    if error.detail.get("field") == "current":
        return _("The current password is wrong.")
    return human(error, _)


def _remember_language(response: Response, language: str, secure: bool) -> None:
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", secure=secure, path="/")
