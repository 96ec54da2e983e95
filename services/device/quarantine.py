"""Keeping what could not be an event: raw bytes, reason and what to do about it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from gateway.contract.heard import Rejected
from gateway.contract.times import from_ms
from services.device.tables import Quarantine
from services.kernel import audit
from services.kernel.errors import NotFound
from services.kernel.ids import new_id

KEPT_BYTES = 1 << 18
"""A larger payload is kept up to here; its full length is in the reason."""


def keep(session: Session, rejected: Sequence[Rejected]) -> None:
    """Write refused messages to quarantine."""
    session.connection().execute(
        insert(Quarantine),
        [
            {
                "id": new_id(),
                "received_at": from_ms(one.received_ms),
                "site": _writable(one.site)[:64],
                "device": _writable(one.device)[:64],
                "topic": _writable(one.topic),
                "payload": one.payload[:KEPT_BYTES],
                "code": one.code,
                "reason": _writable(one.reason),
                "hint": _writable(one.hint),
                "place": _writable(one.place)[:64],
            }
            for one in rejected
        ],
    )


def _writable(text: str) -> str:
    """The text without what PostgreSQL refuses (NUL) and without what is no character (half a surrogate pair)."""
    return text.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()


def dismiss(session: Session, quarantine_id: str, actor: str, now: datetime) -> None:
    """Take an entry off the list; it is kept."""
    entry = session.scalar(select(Quarantine).where(Quarantine.id == quarantine_id))
    if entry is None:
        raise NotFound(f"Nothing in quarantine has the id {quarantine_id!r}", hint="Open the list again")
    if entry.dismissed_at is None:
        entry.dismissed_at, entry.dismissed_by = now, actor
        audit.record(session, now, actor, "quarantine.dismiss", quarantine_id)
