"""Who holds what of which there is one: a row with an end, renewed while its holder lives. PostgreSQL only.

A holder that stops renewing (dead, paused, cut off) loses the thing after `TTL_S`; whoever takes it gets a higher
epoch, and `confirm` at the end of a transaction refuses whoever still believes to hold it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, String, event, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.contract.errors import NotOurs
from services.kernel.db import Base, Database, UtcDateTime

TTL_S = 8.0
"""After so long without a renewal a lease is anybody's."""
PAUSED_S = 5
"""So long PostgreSQL waits for a client within a transaction; below the TTL, since a paused one holds locks."""
MEMBER = "member:"
"""Leases with this before the holder's id say only that the holder lives."""


class Lease(Base):
    """One thing and its holder. All times are the database's own, so no two machines disagree."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128), default="")
    """Empty: given back."""
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    """Rises whenever the holder changes: who writes with an older one is refused."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class Held(NamedTuple):
    """A lease as its holder knows it."""

    name: str
    holder: str
    epoch: int


class Moves(NamedTuple):
    """What a holder is to do now."""

    give: tuple[str, ...]
    take: tuple[str, ...]


class View(NamedTuple):
    """The leases of one moment: who holds what, and who lives."""

    holders: Mapping[str, str]
    """Holder by name, of leases that are neither given back nor run out."""
    members: frozenset[str]


def shares(count: int, held: Mapping[str, int]) -> dict[str, int]:
    """How many of `count` things each member is to hold: as even as can be, the odd ones where most are held now."""
    if not held:
        return {}
    low, odd = divmod(count, len(held))
    ordered = sorted(held, key=lambda member: (-held[member], member))
    return {member: low + (index < odd) for index, member in enumerate(ordered)}


def decide(me: str, names: Sequence[str], view: View, shunned: Collection[str] = ()) -> Moves:
    """What `me` gives back and takes of `names`; it takes none of `shunned` for now."""
    members = view.members | {me}
    held = {member: sum(view.holders.get(name) == member for name in names) for member in members}
    share = shares(len(names), held)[me]
    mine = [name for name in names if view.holders.get(name) == me]
    give = tuple(mine[share:])
    free = [name for name in names if name not in view.holders and name not in shunned]
    return Moves(give, tuple(free[: max(0, share - len(mine))]))


_RENEW_MEMBER = text(
    "INSERT INTO lease (name, holder, epoch, taken_at, until) "
    "VALUES (:name, :holder, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :ttl)) "
    "ON CONFLICT (name) DO UPDATE SET until = excluded.until"
)
_RENEW = text(
    "UPDATE lease SET until = clock_timestamp() + make_interval(secs => :ttl) "
    "WHERE name = :name AND holder = :holder AND epoch = :epoch"
)
_TAKE = text(
    "INSERT INTO lease (name, holder, epoch, taken_at, until) "
    "VALUES (:name, :holder, 1, clock_timestamp(), clock_timestamp() + make_interval(secs => :ttl)) "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1, "
    "taken_at = excluded.taken_at, until = excluded.until "
    "WHERE lease.holder = '' OR lease.until <= clock_timestamp() RETURNING epoch"
)
_GIVE = text(
    "UPDATE lease SET holder = '', until = clock_timestamp() WHERE name = :name AND holder = :holder AND epoch = :epoch"
)
_VIEW = text(
    "SELECT name, holder FROM lease WHERE holder <> '' AND until > clock_timestamp() "
    "AND (name LIKE :prefix OR name LIKE :members)"
)
_CONFIRM = text("SELECT 1 FROM lease WHERE name = :name AND holder = :holder AND epoch = :epoch FOR SHARE")


def live(session: Session, holder: str, ttl_s: float = TTL_S) -> None:
    """Say that `holder` lives and wants its share."""
    session.execute(_RENEW_MEMBER, {"name": _member(holder), "holder": holder, "ttl": ttl_s})


def leave(session: Session, holder: str) -> None:
    """Say that `holder` is gone, and forget members that have long been dead."""
    session.execute(text("DELETE FROM lease WHERE name = :name"), {"name": _member(holder)})
    session.execute(
        text("DELETE FROM lease WHERE name LIKE :members AND until < clock_timestamp() - interval '1 hour'"),
        {"members": f"{MEMBER}%"},
    )


def renew(session: Session, held: Iterable[Held], ttl_s: float = TTL_S) -> list[Held]:
    """Hold on to leases; returns those that somebody else has taken."""
    # In one order, as everybody does who locks several rows.
    return [
        one
        for one in sorted(held)
        if not getattr(session.execute(_RENEW, {**one._asdict(), "ttl": ttl_s}), "rowcount", 0)
    ]


def take(session: Session, name: str, holder: str, ttl_s: float = TTL_S) -> Held | None:
    """Take a lease that is free or has run out; None when somebody was faster."""
    epoch = session.scalar(_TAKE, {"name": name, "holder": holder, "ttl": ttl_s})
    return None if epoch is None else Held(name, holder, int(epoch))


def give_back(session: Session, held: Held) -> None:
    """Let the next one have it at once."""
    session.execute(_GIVE, held._asdict())


def look(session: Session, prefix: str) -> View:
    """Who lives, and who holds what of the leases whose names begin with `prefix`."""
    rows = session.execute(_VIEW, {"prefix": f"{prefix}%", "members": f"{MEMBER}%"}).all()
    return View(
        {name: holder for name, holder in rows if not name.startswith(MEMBER)},
        frozenset(holder for name, holder in rows if name.startswith(MEMBER)),
    )


def confirm(session: Session, held: Held) -> None:
    """Refuse to commit what is not ours any more; raises NotOurs. Nobody takes it before this transaction ends."""
    if session.scalar(_CONFIRM, held._asdict()) is None:
        raise NotOurs(
            f"Lease {held.name} is no longer held by {held.holder} (epoch {held.epoch})",
            hint="Another process goes on with it; nothing was committed here",
        )


def drop_paused(db: Database) -> None:
    """Let PostgreSQL end the transactions of this process when it is paused within one: others wait for its locks."""

    @event.listens_for(db.engine, "do_connect")
    def _limit(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        limit = f"-c idle_in_transaction_session_timeout={PAUSED_S}s"
        options["options"] = f"{options.get('options', '')} {limit}".strip()

    db.engine.dispose()  # connections made before have no limit


def _member(holder: str) -> str:
    return f"{MEMBER}{holder}"
