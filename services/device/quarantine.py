"""Keeping what could not be an event: raw bytes, reason and what to do about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from gateway.contract.heard import Rejected
from gateway.contract.times import from_ms
from services.device.tables import Quarantine
from services.kernel import audit
from services.kernel.errors import NotFound
from services.kernel.ids import new_id

KEPT_BYTES = 1 << 18
"""A larger payload is kept up to here."""
KEPT_BYTES_LATER = 4096
"""… and this much of it once a source has sent WHOLE_PER_WINDOW within the window."""
KEPT_TOPIC = 2000
BUDGET_WINDOW = timedelta(hours=1)
WHOLE_PER_WINDOW = 50
ROWS_PER_WINDOW = 500
"""Rows per device and code within the window; what is beyond is the same mistake again."""
DEVICE_SHARE = 4
"""A device has so many times the budget of one code: in what it refuses itself it chooses the codes."""
ROWS_KEPT = 50_000
_UNKNOWN_SOURCE = frozenset({"bad_topic", "unknown_device"})
"""Whoever sends these chooses the names: they share one budget."""


def keep(session: Session, rejected: Sequence[Rejected]) -> None:
    """Write refused messages to quarantine, within a budget per source and hour: beyond it only the count goes on."""
    for one in rejected:
        site, device = (
            ("", "") if one.code in _UNKNOWN_SOURCE else (_writable(one.site)[:64], _writable(one.device)[:64])
        )
        received_at = from_ms(one.received_ms)
        its = (Quarantine.site == site, Quarantine.device == device)
        mine = Quarantine.code == one.code
        lately = select(func.count().filter(mine), func.count()).where(
            *its, Quarantine.received_at > received_at - BUDGET_WINDOW
        )
        of_code, of_device = session.execute(lately).one()
        known = max(of_code, of_device // DEVICE_SHARE)
        if known >= ROWS_PER_WINDOW:
            newest = select(func.max(Quarantine.id)).where(*its, *([mine] if of_code else [])).scalar_subquery()
            session.execute(
                update(Quarantine)
                .where(Quarantine.id == newest)
                .values(count=Quarantine.count + 1)
                .execution_options(synchronize_session=False)
            )
            continue
        session.execute(
            insert(Quarantine).values(
                id=new_id(),
                received_at=received_at,
                site=site,
                device=device,
                topic=_writable(one.topic)[:KEPT_TOPIC],
                payload=one.payload[: KEPT_BYTES if known < WHOLE_PER_WINDOW else KEPT_BYTES_LATER],
                code=one.code,
                reason=_writable(one.reason),
                hint=_writable(one.hint),
                place=_writable(one.place)[:64],
                count=1,
            )
        )


def forget(session: Session, before: datetime) -> None:
    """Drop what is older than readings are kept, and the oldest beyond the bound."""
    session.execute(delete(Quarantine).where(Quarantine.received_at < before))
    oldest_kept = select(Quarantine.id).order_by(Quarantine.id.desc()).offset(ROWS_KEPT).limit(1)
    last = session.scalar(oldest_kept)
    if last is not None:
        session.execute(delete(Quarantine).where(Quarantine.id <= last))


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
