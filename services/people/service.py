"""Accounts: signing in and out, passwords, and the accounts that come from the site files."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.kernel import audit
from services.kernel.db import Database
from services.kernel.errors import Invalid, NotFound, Unauthenticated
from services.people import attempts
from services.people.lockout import KNOWN_FOR
from services.people.passwords import Argon2Hasher, Hasher, weakness
from services.people.roles import Actor, Role, Scope, parse_scopes, require
from services.people.tables import ApiToken, LoginAttempt, LoginSession, User

SESSION_LIFE = timedelta(hours=12)
"""One shift with its handover."""
SESSION_IDLE = timedelta(hours=4)
"""Unused for longer: signed out. An open console keeps itself in use."""
SEEN_EVERY = timedelta(minutes=5)
"""`last_seen_at` is written at most this often: reading pages must not become writing."""
LANGUAGES = ("zh", "en")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class SitePerson(Protocol):
    """A person as the site files declare one."""

    @property
    def username(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def areas(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a browser gets: the cookie's value, which is stored nowhere else."""

    token: str
    actor: Actor
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session found by its cookie."""

    actor: Actor
    csrf_token: str
    token_hash: str
    stale: bool
    """`last_seen_at` is due to be written (see `touch`)."""


DEFAULT_HASHER = Argon2Hasher()


def sign_in(
    db: Database, username: str, password: str, ip: str, now: datetime, hasher: Hasher = DEFAULT_HASHER
) -> SignedIn:
    """Open a session; raises Unauthenticated, or TooMany while the name or the address is locked."""
    actor = confirm(db, username, password, now, hasher, ip=ip)
    with db.begin() as s:
        signed_in = _open_session(s, _user(s, actor.username), ip, now)
        audit.record(s, now, actor.username, "people.sign_in", actor.username, ip=ip)
        return signed_in


def confirm(
    db: Database, username: str, password: str, now: datetime, hasher: Hasher = DEFAULT_HASHER, *, ip: str = ""
) -> Actor:
    """The account that a name and password belong to, without a session; raises like `sign_in`."""
    username = username.strip()[:64]
    with db.begin() as s:
        attempt_id = attempts.admit(s, username, ip, now)
        user = s.get(User, username)
        stored = user.password_hash if user is not None and user.active else None
    # Outside any transaction: hashing takes tens of milliseconds, and readings must not wait for it.
    if not hasher.verify(stored, password):
        with db.begin() as s:
            audit.record(s, now, username or "?", "people.sign_in_refused", username, ip=ip)
        raise Unauthenticated("The username or the password is wrong", hint="Check both; capitals count")
    with db.begin() as s:
        attempts.succeeded(s, attempt_id)
        return _actor(_user(s, username))


def sign_out(s: Session, token: str, now: datetime) -> None:
    """Close the session of a cookie; closing one that is gone is fine."""
    found = s.get(LoginSession, token_hash(token))
    if found is not None:
        audit.record(s, now, found.username, "people.sign_out", found.username)
        s.delete(found)


def resolve_session(s: Session, token: str, now: datetime) -> OpenSession | None:
    """The session of a cookie, or None when it is unknown, over, idle for too long or its account was switched off."""
    found = s.get(LoginSession, token_hash(token))
    if found is None or now >= found.expires_at or now - found.last_seen_at > SESSION_IDLE:
        return None
    user = s.get(User, found.username)
    if user is None or not user.active:
        return None
    return OpenSession(
        actor=_actor(user),
        csrf_token=found.csrf_token,
        token_hash=found.token_hash,
        stale=now - found.last_seen_at > SEEN_EVERY,
    )


def touch(s: Session, session_hash: str, now: datetime) -> None:
    """Note that a session was used, and forget sessions that are over."""
    s.execute(update(LoginSession).where(LoginSession.token_hash == session_hash).values(last_seen_at=now))
    s.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    s.execute(delete(LoginAttempt).where(LoginAttempt.at < now - KNOWN_FOR))


def issue_token(
    s: Session,
    actor: Actor,
    name: str,
    username: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """A new bearer token for a program, shown once; raises Forbidden, NotFound, Invalid."""
    require(actor, "token.issue")
    _user(s, username)
    try:
        wanted = parse_scopes(scopes)
    except ValueError as error:
        raise Invalid(f"{error}", hint=f"Scopes are {', '.join(Scope)}") from error
    if not wanted or not name.strip():
        raise Invalid("A token needs a name and at least one scope", hint=f"Scopes are {', '.join(Scope)}")
    token = f"gf_{secrets.token_urlsafe(32)}"
    s.add(
        ApiToken(
            token_hash=token_hash(token),
            name=name.strip()[:64],
            username=username,
            scopes=sorted(wanted),
            created_at=now,
            expires_at=expires_at,
        )
    )
    audit.record(s, now, actor.username, "people.issue_token", username, name=name, scopes=sorted(wanted))
    return token


def resolve_token(s: Session, token: str, now: datetime) -> Actor | None:
    """The program behind a bearer token, or None when it is unknown, expired or its account was switched off."""
    found = s.get(ApiToken, token_hash(token))
    if found is None or (found.expires_at is not None and now >= found.expires_at):
        return None
    user = s.get(User, found.username)
    if user is None or not user.active:
        return None
    return _actor(user, parse_scopes(found.scopes))


def token_is_stale(s: Session, token: str, now: datetime) -> bool:
    """Whether the use of a token was last noted so long ago that it is worth a write."""
    found = s.get(ApiToken, token_hash(token))
    return found is not None and (found.last_used_at is None or now - found.last_used_at > SEEN_EVERY)


def token_used(s: Session, token: str, now: datetime) -> None:
    """Note the use of a token."""
    found = s.get(ApiToken, token_hash(token))
    if found is not None:
        found.last_used_at = now


def revoke_token(s: Session, actor: Actor, hashed: str, now: datetime) -> None:
    """Make a token useless."""
    require(actor, "token.issue")
    found = s.get(ApiToken, hashed)
    if found is None:
        raise NotFound("There is no such token", hint="It may have been revoked already")
    audit.record(s, now, actor.username, "people.revoke_token", found.username, name=found.name)
    s.delete(found)
    s.flush()


def change_password(
    db: Database,
    actor: Actor,
    current: str,
    new: str,
    now: datetime,
    *,
    keep: str = "",
    hasher: Hasher = DEFAULT_HASHER,
    ip: str = "",
) -> None:
    """Set one's own password; every other session of the account ends (`keep` is the hash of this one).

    Guesses of the current one count like those of signing in: raises TooMany as well as Invalid.
    """
    with db.begin() as s:
        attempt_id = attempts.admit(s, actor.username, ip, now)
        stored = _user(s, actor.username).password_hash
    try:
        hashed = _checked_change(db, attempt_id, stored, current, new, actor.username, hasher)
    except Invalid as error:
        why = str(error.detail.get("weakness", "wrong_password"))
        with db.begin() as s:
            audit.record(s, now, actor.username, "people.change_password_refused", actor.username, ip=ip, reason=why)
        raise
    with db.begin() as s:
        _store_password(s, actor.username, hashed, must_change=False, keep=keep)
        audit.record(s, now, actor.username, "people.change_password", actor.username)


def _checked_change(
    db: Database, attempt_id: str, stored: str | None, current: str, new: str, username: str, hasher: Hasher
) -> str:
    """The hash of the new password; raises Invalid."""
    if not hasher.verify(stored, current):
        raise Invalid("The current password is wrong", hint="Type it again", field="current")
    with db.begin() as s:
        attempts.succeeded(s, attempt_id)
    if new == current:
        raise _refused("same")
    return _hash_checked(new, username, hasher)


def set_password(
    s: Session,
    actor: Actor,
    username: str,
    password: str,
    now: datetime,
    *,
    must_change: bool = True,
    hasher: Hasher = DEFAULT_HASHER,
) -> None:
    """Give another account a password; every session of it ends."""
    require(actor, "people.manage")
    _user(s, username)
    _store_password(s, username, _hash_checked(password, username, hasher), must_change=must_change)
    audit.record(s, now, actor.username, "people.set_password", username)


def set_active(s: Session, actor: Actor, username: str, active: bool, now: datetime) -> None:
    """Switch an account on or off; off ends its sessions."""
    require(actor, "people.manage")
    if username == actor.username and not active:
        raise Invalid("You cannot switch off your own account", hint="Ask another administrator")
    _user(s, username).active = active
    if not active:
        s.execute(delete(LoginSession).where(LoginSession.username == username))
    audit.record(s, now, actor.username, "people.set_active", username, active=active)


def set_language(s: Session, actor: Actor, language: str) -> None:
    """The language in which the console speaks to this person."""
    if language not in LANGUAGES:
        raise Invalid(f"Language {language!r} is not available", hint=f"Use one of {', '.join(LANGUAGES)}")
    _user(s, actor.username).language = language


def seed_people(s: Session, persons: Iterable[SitePerson], now: datetime) -> list[str]:
    """Create the accounts of the site files, without password, and bring their role and areas up to date.

    Returns the usernames that are new. Accounts that left the files stay: their history needs them.
    """
    created = []
    for person in persons:
        user = s.get(User, person.username)
        if user is None:
            user = User(username=person.username, created_at=now, active=True, language="zh", must_change_password=True)
            s.add(user)
            created.append(person.username)
        user.display_name, user.role, user.areas = person.name, Role(person.role).value, list(person.areas)
    s.flush()
    return created


def first_run_admin(
    s: Session, now: datetime, *, password: str = "", must_change: bool = True, hasher: Hasher = DEFAULT_HASHER
) -> str | None:
    """The password of a fresh `admin` account (empty: a random one), once; None when somebody can already sign in."""
    if s.scalar(select(func.count()).select_from(User).where(User.password_hash.is_not(None))):
        return None
    user = s.get(User, "admin")
    if user is None:
        user = User(username="admin", display_name="系统管理员", areas=[], created_at=now, active=True, language="zh")
        s.add(user)
    password = password or random_password()
    user.role, user.password_hash, user.must_change_password = Role.ADMIN.value, hasher.hash(password), must_change
    audit.record(s, now, "system", "people.first_run_admin", "admin")
    return password


def random_password() -> str:
    """Sixteen characters that survive being read aloud, about 79 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def token_hash(token: str) -> str:
    """What is stored of a cookie or bearer token; they are random, so a fast hash is right."""
    return hashlib.sha256(token.encode()).hexdigest()


def _open_session(s: Session, user: User, ip: str, now: datetime) -> SignedIn:
    token = secrets.token_urlsafe(32)
    expires_at = now + SESSION_LIFE
    s.add(
        LoginSession(
            token_hash=token_hash(token),
            username=user.username,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=expires_at,
            last_seen_at=now,
            ip=ip,
        )
    )
    return SignedIn(token=token, actor=_actor(user), expires_at=expires_at)


def _user(s: Session, username: str) -> User:
    user = s.get(User, username)
    if user is None:
        raise NotFound(f"There is no account {username!r}", hint="Accounts come from the site files")
    return user


def _actor(user: User, scopes: frozenset[Scope] | None = None) -> Actor:
    return Actor(
        username=user.username,
        display_name=user.display_name,
        role=Role(user.role),
        areas=tuple(user.areas),
        language=user.language,
        scopes=scopes,
        must_change_password=user.must_change_password and scopes is None,
    )


def _hash_checked(password: str, username: str, hasher: Hasher) -> str:
    code = weakness(password, username)
    if code is not None:
        raise _refused(code)
    return hasher.hash(password)


def _refused(code: str) -> Invalid:
    hint = "Choose another one" if code == "same" else "Use ten characters or more"
    return Invalid(f"The new password is refused: {code}", hint=hint, field="new", weakness=code)


def _store_password(s: Session, username: str, hashed: str, *, must_change: bool, keep: str = "") -> None:
    user = _user(s, username)
    user.password_hash, user.must_change_password = hashed, must_change
    s.execute(delete(LoginSession).where(LoginSession.username == username, LoginSession.token_hash != keep))
