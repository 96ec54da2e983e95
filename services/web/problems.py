"""Errors as people and programs meet them: RFC 9457 problem documents, or a page for browsers."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway.contract.errors import GengfuError
from gateway.timeseries.store import StoreBroken, StoreBusy
from services.kernel.errors import AppError, Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from services.web import i18n, labels
from services.web.deps import LANGUAGE_COOKIE, PasswordChangeNeeded, Visitor
from services.web.i18n import N_, Translate
from services.web.templating import render

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_API_PATHS = ("/api/", "/events", "/healthz", "/metrics")

TITLES = {
    400: N_("The request cannot be understood"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not possible here"),
    409: N_("Somebody was faster"),
    413: N_("Too large"),
    415: N_("Wrong format"),
    422: N_("Please check the input"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong on our side"),
    503: N_("Not available right now"),
}
FIELDS = {
    "sign_password": N_("The password is wrong."),
    "paper": N_("Give the number of the paper and who signed it."),
    "correction": N_("The records say something else than the report: say why it is corrected."),
    "month": N_("Choose another month, like 2026-10."),
    "weights": N_("Weights give 100 together, each above 0."),
    "weights_from": N_("Weights hold from the first of this month or of a later one."),
    "kit": N_("Say of every item of the kit whether it is complete."),
    "shift": N_("No handover to this shift is due. Reload the page."),
    "given_by": N_("This person has no account at this site."),
    "taken_by": N_("A handover takes two people of this site."),
    "second_username": N_("The second person must be somebody else."),
    "note": N_("Give the reason."),
    "cause": N_("Give the cause."),
    "measures": N_("Say what protects the place meanwhile."),
    "tested_on": N_("Choose a day within the last month, not after today."),
    "held_on": N_("Choose a day within the last month, not after today."),
    "items": N_("Say what was practised."),
    "file": N_("Send a PDF, JPEG, PNG, docx, xlsx or text file of at most 10 MiB, without macros."),
    "import_file": N_("Send the exported ledger as .xlsx, at most 5 MiB."),
    "import_rows": N_("The file has problems: nothing was imported. Look at the preview."),
    "expires_on": N_("The certificate ends before it begins. Check both days."),
    "subject": N_("Say whose certificate it is."),
    "point": N_("Choose the point again; it may have been changed."),
    "value": N_("Check the value, its decimal point and its unit."),
    "at": N_("Choose a moment within the last 31 days, not in the future."),
    "instrument": N_("Give the number of the measuring instrument."),
    "circuit": N_("Name the circuit."),
    "place": N_("Say where it was measured."),
    "condition": N_("Say whether it was dry or wet."),
    "facts": N_("Check the values that were read off."),
    "event_at": N_("Choose a moment after the last change of status and not in the future."),
}


def install(app: FastAPI) -> None:
    """Have every error of the application rendered here."""
    app.add_exception_handler(GengfuError, _gengfu_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(DataError, _not_kept)
    app.add_exception_handler(Exception, _unexpected)


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """A problem document."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    return {"type": f"urn:gengfu:problem:{code}", "title": title, "status": status, "detail": detail, **extra}


def human(error: Exception, _: Translate) -> str:
    """One sentence for a person, in his language: what happened and what to do next."""
    if isinstance(error, PasswordChangeNeeded):
        return _("Your password must be changed first.")
    if isinstance(error, Unauthenticated):
        if "command" in error.detail:
            return _("You are signed out. Sign in again.")
        return _("The username or the password is wrong.")
    if isinstance(error, TooMany):
        minutes = -(-int(error.detail.get("retry_after_s", 60)) // 60)
        return _("Too many wrong attempts. Try again in %(minutes)s minutes.") % {"minutes": minutes}
    if isinstance(error, Forbidden) and "command" in error.detail:
        wanted = {"command": labels.command(error.detail["command"], _)}
        return _("Your role does not allow this: %(command)s.") % wanted
    if isinstance(error, Forbidden) and "slot" in error.detail:
        return _("Somebody else signs this line.")
    if isinstance(error, Forbidden) and error.detail.get("needs_second_person"):
        return _("This concerns life safety: a second person must sign.")
    if isinstance(error, Forbidden) and "current" in error.detail:
        return _("You carried this out yourself; somebody else must verify it.")
    if isinstance(error, Invalid) and error.detail.get("field") == "second_password":
        return _("The second person's username or password is wrong.")
    field = error.detail.get("field") if isinstance(error, Invalid) else None
    if isinstance(error, Invalid) and "test_mode_max_s" in error.detail:
        hours = f"{error.detail['test_mode_max_s'] / 3600:g}"
        return _("The test mode may last %(hours)s hours at most.") % {"hours": hours}
    if field in FIELDS:
        return _(FIELDS[field])
    if isinstance(error, Conflict) and "incident" in error.detail.get("current", {}):
        return _("A fire incident of this panel is open. Close it first.")
    if isinstance(error, Conflict):
        return _("The state has changed in the meantime. Look at the current state and decide again.")
    if isinstance(error, NotFound):
        return _("It does not exist, or no longer.")
    if isinstance(error, StoreBusy | StoreBroken):
        return _("The store of readings does not answer right now. Alarms go on; try again in a moment.")
    if isinstance(error, AppError) and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _("Much is being made right now. Try again in a minute.")
    if isinstance(error, AppError) and "weakness" in error.detail:
        return labels.weakness(error.detail["weakness"], _)
    return str(error)


def _gengfu_error(request: Request, error: Exception) -> Response:
    status, code, extra = 500, "internal", {}
    if isinstance(error, AppError):
        status, code, extra = error.status, error.code, error.detail
    elif isinstance(error, StoreBusy | StoreBroken):
        status, code, extra = 503, "store_away", {"retry_after_s": 5}
    message, hint = (error.message, error.hint) if isinstance(error, GengfuError) else (str(error), "")
    if status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    headers = {"Retry-After": str(extra["retry_after_s"])} if "retry_after_s" in extra else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="gengfu"'
    document = problem(status, code, message, hint=hint, **extra)
    return _answer(request, document, headers, lambda _: human(error, _))


def _validation_error(request: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [{"place": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in details]
    document = problem(422, "validation", "The input does not have the expected shape", errors=errors)
    where = ", ".join(one["place"].partition(".")[2] or one["place"] for one in errors)
    return _answer(request, document, {}, lambda _: _("Please check these fields: %(fields)s") % {"fields": where})


def _http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    code = HTTPStatus(status).name.lower()
    document = problem(status, code, f"{request.method} {request.url.path}: {detail}")
    return _answer(request, document, headers, lambda _: _(TITLES.get(status, detail)))


def _not_kept(request: Request, error: Exception) -> Response:
    """What a database refuses as a value, e.g. NUL in a text or an address, is wrong input and no fault of ours."""
    log.warning("%s %s: the database refused a value", request.method, request.url.path)
    document = problem(
        422, "unwritable", "The input has characters or numbers that cannot be kept", hint="Type it again"
    )
    return _answer(request, document, {}, lambda _: _("The input has characters that cannot be kept. Type it again."))


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    document = problem(500, "internal", "Something went wrong on our side; it has been logged")
    return _answer(request, document, {}, lambda _: _("It has been logged. Try again, or tell the administrator."))


def _answer(
    request: Request, document: dict[str, Any], headers: dict[str, str], sentence: Callable[[Translate], str]
) -> Response:
    status: int = document["status"]
    who: Visitor | None = getattr(request.state, "visitor", None)
    language = who.language if who else i18n.known(request.cookies.get(LANGUAGE_COOKIE))
    translate = i18n.catalogue(language).gettext
    document["instance"] = request.url.path
    fragment = request.headers.get("HX-Request") == "true"
    if fragment and not request.url.path.startswith("/api/"):
        if status == 401:
            return Response(status_code=401, headers={**headers, "HX-Redirect": "/sign-in"})
        document["title"], document["sentence"] = translate(document["title"]), sentence(translate)
    wants_page = "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith(_API_PATHS)
    if fragment or not wants_page:
        return JSONResponse(jsonable_encoder(document), status, headers=headers, media_type=MEDIA_TYPE)
    if status == 401 and request.method == "GET":
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        suffix = "" if target == "/" else f"?next={quote(target, safe='')}"
        return RedirectResponse(f"/sign-in{suffix}", status_code=303)
    if document["type"].endswith(":password_change_needed"):
        return RedirectResponse("/password", status_code=303)
    context = {"title": translate(document["title"]), "sentence": sentence(translate), "status": status}
    return render(request, "error.html", context, who=who, language=language, status=status, headers=headers)
