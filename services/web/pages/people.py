"""Accounts and tokens, for administrators."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from services.people import service as people
from services.people.roles import Scope, require
from services.people.tables import ApiToken, User
from services.web.deps import Now, Signed, Svc, Who
from services.web.templating import render

router = APIRouter(include_in_schema=False)

TOKEN_DAYS = (30, 90, 365)


@router.get("/people")
def accounts(request: Request, svc: Svc, actor: Signed, who: Who) -> Response:
    """Every account and token."""
    require(actor, "people.manage")
    with svc.db.read() as s:
        return render(request, "people.html", _lists(s), who=who)


@router.post("/people/{username}/password")
def new_password(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, username: str) -> Response:
    """Give an account a password that is shown once and must be changed."""
    password = people.random_password()
    with svc.db.begin() as s:
        people.set_password(s, actor, username, password, now, hasher=svc.hasher)
    with svc.db.read() as s:
        context = {**_lists(s), "secret": password, "secret_for": username, "secret_kind": "password"}
    return render(request, "people.html", context, who=who)


@router.post("/people/{username}/active")
def switch(svc: Svc, actor: Signed, now: Now, username: str, active: Annotated[bool, Form()]) -> Response:
    """Switch an account on or off."""
    with svc.db.begin() as s:
        people.set_active(s, actor, username, active, now)
    return RedirectResponse("/people", status_code=303)


@router.post("/tokens")
def new_token(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    name: Annotated[str, Form(min_length=1, max_length=64)],
    username: Annotated[str, Form(max_length=64)],
    scopes: Annotated[list[Scope], Form()],
    days: Annotated[int, Form(ge=1, le=3650)] = 90,
) -> Response:
    """Issue a bearer token that is shown once."""
    with svc.db.begin() as s:
        token = people.issue_token(s, actor, name, username, scopes, now, now + timedelta(days=days))
    with svc.db.read() as s:
        context = {**_lists(s), "secret": token, "secret_for": name, "secret_kind": "token"}
    return render(request, "people.html", context, who=who)


@router.post("/tokens/{hashed}/revoke")
def revoke(svc: Svc, actor: Signed, now: Now, hashed: str) -> Response:
    """Make a token useless."""
    with svc.db.begin() as s:
        people.revoke_token(s, actor, hashed, now)
    return RedirectResponse("/people", status_code=303)


def _lists(s: Session) -> dict[str, Any]:
    return {
        "users": list(s.scalars(select(User).order_by(User.role, User.username))),
        "tokens": list(s.scalars(select(ApiToken).order_by(ApiToken.created_at.desc()))),
        "secret": "",
        "scopes": list(Scope),
        "token_days": TOKEN_DAYS,
    }
