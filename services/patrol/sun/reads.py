"""What is on record of signed reads. The statements are built once: a busy judge asks thousands of times a second."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Executable, Table, and_, bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from services.kernel.db import Base
from services.kernel.upsert import insert_missing, upsert
from services.patrol.model import Evidence
from services.patrol.tables import SunClaim, SunCounter, TapRow

VERIFIED, STALE = "verified", "stale"
_STRONG = (Evidence.UID, Evidence.UID_WALKED, Evidence.SUN)
_LONGEST = timedelta(days=7)
"""Whoever was elsewhere was so within this before he came back, or the search gives up."""


class Read(NamedTuple):
    """A counter and when it is said to have been read."""

    counter: int
    at_ms: int


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a plain table")
    return table


_claims, _counters = _table(SunClaim).c, _table(SunCounter).c
_uid: BindParameter[str] = bindparam("uid")
_device: BindParameter[str] = bindparam("device")
_above: BindParameter[int] = bindparam("above")
_below: BindParameter[int] = bindparam("below")
_since: BindParameter[int] = bindparam("since")
_until: BindParameter[int] = bindparam("until")
_mine = and_(_claims.uid == _uid, _claims.device == _device, _claims.outcome != STALE)

_LAST = select(_counters["last"]).where(_counters.uid == _uid).with_for_update()
_NEXT = (
    select(_claims.at_ms)
    .where(_claims.uid == _uid, _claims.counter > _above, _claims.outcome != STALE)
    .order_by(_claims.counter)
    .limit(1)
)
_BEFORE = (
    select(_claims.at_ms)
    .where(_claims.uid == _uid, _claims.counter < _below, _claims.outcome == VERIFIED)
    .order_by(_claims.counter.desc())
    .limit(1)
)
_EARLIER = (
    select(_claims.counter, _claims.at_ms)
    .where(_mine, _claims.counter < _below, _claims.at_ms < _until)
    .order_by(_claims.counter.desc())
    .limit(1)
)
_LATER = (
    select(_claims.counter, _claims.at_ms)
    .where(_mine, _claims.counter > _above, _claims.at_ms > _since)
    .order_by(_claims.counter)
    .limit(1)
)
_SOMEBODY = select(
    exists().where(
        _claims.uid == _uid,
        _claims.counter > _above,
        _claims.counter < _below,
        _claims.device != _device,
        _claims.outcome == VERIFIED,
    )
)
_ELSEWHERE = select(
    exists().where(
        _claims.device == _device,
        _claims.at_ms > _since,
        _claims.at_ms < _until,
        _claims.uid.not_in(bindparam("uids", expanding=True)),
        _claims.outcome == VERIFIED,
    )
)


def take_turn(session: Session, uid: str) -> int:
    """Keep everybody else off this tag until the transaction ends; the highest counter so far, -1 at first."""
    last = _scalar(session, _LAST, uid=uid)
    if last is None:
        insert_missing(session, SunCounter, {"uid": uid, "last": -1, "last_at_ms": 0}, ["uid"])
        last = _scalar(session, _LAST, uid=uid)
    return int(last)


def record(session: Session, uid: str, read: Read, client_id: str, device: str, outcome: str, *, last: int) -> None:
    """Keep what became of a read, and the counter when it is the highest."""
    claim = {"uid": uid, "counter": read.counter, "client_id": client_id, "at_ms": read.at_ms, "device": device}
    insert_missing(session, SunClaim, {**claim, "outcome": outcome}, ["uid", "counter"])
    if read.counter > last:
        upsert(session, SunCounter, ("uid", "last", "last_at_ms"), [(uid, read.counter, read.at_ms)], ["uid"])


def drop(session: Session, uid: str) -> int:
    """Forget a tag; how many of its reads were known."""
    dropped = session.execute(delete(SunClaim).where(SunClaim.uid == uid).returning(SunClaim.counter)).all()
    session.execute(delete(SunCounter).where(SunCounter.uid == uid))
    return len(dropped)


def neighbours(session: Session, uid: str, counter: int) -> tuple[int | None, int | None]:
    """When the reads with the next lower and the next higher counter were, as far as they can be trusted."""
    return _scalar(session, _BEFORE, uid=uid, below=counter), _scalar(session, _NEXT, uid=uid, above=counter)


def visit_before(session: Session, uid: str, device: str, read: Read, apart_ms: int) -> Read | None:
    """The device's last read of this tag that was an earlier visit."""
    row = _row(session, _EARLIER, uid=uid, device=device, below=read.counter, until=read.at_ms - apart_ms)
    return Read(*row) if row is not None else None


def visit_after(session: Session, uid: str, device: str, read: Read, apart_ms: int) -> Read | None:
    """The device's first read of this tag that was a later visit."""
    row = _row(session, _LATER, uid=uid, device=device, above=read.counter, since=read.at_ms + apart_ms)
    return Read(*row) if row is not None else None


def somebody_else(session: Session, uid: str, device: str, above: int, below: int) -> bool:
    """Whether another device read the tag between two counters."""
    return bool(_scalar(session, _SOMEBODY, uid=uid, device=device, above=above, below=below))


def read_elsewhere(session: Session, uids: Collection[str], device: str, since_ms: int, until_ms: int) -> bool:
    """Whether the device read a signed tag other than these in between."""
    return bool(_scalar(session, _ELSEWHERE, uids=list(uids), device=device, since=since_ms, until=until_ms))


def tapped_elsewhere(
    session: Session, site: str, checkpoint: str, device: str, guard: str, since_ms: int, until_ms: int
) -> bool:
    """Whether the tag of another checkpoint was read in between; a code that is scanned or typed does not count.

    `device`: the phone, or the device where no phone is known; `guard`: who carries it, empty when that is not sure.
    """
    until = from_ms(until_ms)
    carried = [TapRow.phone == device, and_(TapRow.phone == "", TapRow.device == device)]
    if guard:
        carried.append(TapRow.guard == guard)
    query = (
        select(TapRow.id)
        .where(
            TapRow.site == site,
            TapRow.at > max(from_ms(since_ms), until - _LONGEST),
            TapRow.at < until,
            or_(*carried),
            TapRow.checkpoint.is_not(None),
            TapRow.checkpoint != checkpoint,
            TapRow.evidence.in_(_STRONG),
        )
        .order_by(TapRow.at.desc())
        .limit(1)
    )
    return session.scalar(query) is not None


def _row(session: Session, statement: Executable, **values: Any) -> Any:
    return session.connection().execute(statement, values).first()


def _scalar(session: Session, statement: Executable, **values: Any) -> Any:
    return session.connection().execute(statement, values).scalar()
