"""Attempts to prove a password: noted before it is looked at, and refused while a name or an address is locked."""

import math
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from services.kernel.errors import TooMany
from services.kernel.ids import new_id
from services.people.lockout import KNOWN_FOR, PER_ADDRESS, PER_PAIR, PER_USERNAME, Lockout, locked_until
from services.people.tables import LoginAttempt


def admit(s: Session, username: str, ip: str, now: datetime) -> str:
    """Note an attempt, as failed until it has succeeded; returns its id, raises TooMany while locked."""
    name, address = LoginAttempt.username == username, LoginAttempt.ip == ip
    _check(s, name & address, PER_PAIR, now)
    if ip:
        _check(s, address, PER_ADDRESS, now)
    if not _known(s, name & address, now):
        _check(s, name, PER_USERNAME, now)
    attempt = LoginAttempt(id=new_id(), at=now, username=username, ip=ip)
    s.add(attempt)
    return attempt.id


def succeeded(s: Session, attempt_id: str) -> None:
    """The password was right: the slate of this name at this address is clean, and the address is known."""
    s.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(succeeded=True))


def _check(s: Session, condition: ColumnElement[bool], rule: Lockout, now: datetime) -> None:
    until = locked_until(_failures(s, condition, rule, now), rule)
    if until is not None and now < until:
        wait = math.ceil((until - now).total_seconds())
        raise TooMany(
            "Too many wrong sign-ins", hint=f"Wait {-(-wait // 60)} minutes and try again", retry_after_s=wait
        )


def _failures(s: Session, condition: ColumnElement[bool], rule: Lockout, now: datetime) -> list[datetime]:
    """Failures that may still lock. Only for name and address together does a success wipe the slate: elsewhere
    somebody who knows one password could go on guessing others, and an owner would clear the guesses of strangers.
    """
    rows = s.execute(
        select(LoginAttempt.at, LoginAttempt.succeeded)
        .where(condition, LoginAttempt.at > now - rule.window - rule.hold)
        .order_by(LoginAttempt.at, LoginAttempt.id)
    )
    failed: list[datetime] = []
    for at, was_right in rows:
        if not was_right:
            failed.append(at)
        elif rule is PER_PAIR:
            failed.clear()
    return failed


def _known(s: Session, pair: ColumnElement[bool], now: datetime) -> bool:
    query = select(LoginAttempt.id).where(pair, LoginAttempt.succeeded, LoginAttempt.at > now - KNOWN_FOR).limit(1)
    return s.scalar(query) is not None
