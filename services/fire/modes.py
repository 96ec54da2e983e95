"""Test mode: which announced maintenance of a panel or zone holds at a moment, and what it covers."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fire.tables import FireTestMode


def active(session: Session, site: str, now: datetime) -> list[FireTestMode]:
    """Modes of a site that hold at `now`, oldest first; one that ran out holds no longer, ended by somebody or not.

    Once ended a mode holds no more, even for a caller who took `now` before it was ended and then had to wait.
    """
    query = (
        select(FireTestMode)
        .where(
            FireTestMode.site == site,
            FireTestMode.begun_at <= now,
            FireTestMode.until > now,
            FireTestMode.ended_at.is_(None),
        )
        .order_by(FireTestMode.id)
    )
    return list(session.scalars(query))


def covers(mode: FireTestMode, panel: str, zone: str) -> bool:
    """Whether a signal of this panel and zone is a test under the mode; one of no zone only under the whole panel's."""
    return mode.panel == panel and mode.zone in ("", zone)


def covering(modes: Iterable[FireTestMode], panel: str, zone: str) -> FireTestMode | None:
    """The first of these modes that covers a signal; None: people are called."""
    return next((mode for mode in modes if covers(mode, panel, zone)), None)


def not_ended(session: Session, site: str) -> list[FireTestMode]:
    """Modes that nobody has ended, oldest first, those that ran out among them."""
    query = select(FireTestMode).where(FireTestMode.site == site, FireTestMode.ended_at.is_(None))
    return list(session.scalars(query.order_by(FireTestMode.id)))
