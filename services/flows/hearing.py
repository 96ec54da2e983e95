"""Whether what was sent to a site has been heard: nobody is accused of what only our own outage kept from us."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.heartbeat import Heartbeat

STALE_AFTER = timedelta(seconds=10)
"""An ingest that lives writes its heartbeat every second."""
DEAF_FROM_S = 5.0
CAUGHT_UP_AFTER = timedelta(seconds=60)
"""After an outage everything that waited has been heard by then."""
AHEAD = timedelta(seconds=5)
"""A heartbeat further in the future was written before our clock was set back: it proves nothing."""


def hears_all(session: Session, site: str, now: datetime) -> bool:
    """A site's ingest lives and has heard without a break for long enough; a site without any ingest is not heard."""
    return _hears_all(_heart(session, site, now), now)


def hears_since(session: Session, site: str, now: datetime) -> datetime | None:
    """Since when a site has been heard without a break, for `hears_all`; None: it is not heard now.

    An ingest that does not say since when has always heard.
    """
    heart = _heart(session, site, now)
    if heart is None or not _hears_all(heart, now):
        return None
    heard_s = heart.figures.get("hearing_s")
    return datetime.min.replace(tzinfo=UTC) if heard_s is None else heart.at - timedelta(seconds=float(heard_s))


def _heart(session: Session, site: str, now: datetime) -> Heartbeat | None:
    hearts = session.scalars(select(Heartbeat).where(Heartbeat.role == "ingest", Heartbeat.at <= now + AHEAD))
    return max((one for one in hearts if site in (one.sites or [site])), key=lambda one: one.at, default=None)


def _hears_all(heart: Heartbeat | None, now: datetime) -> bool:
    if heart is None or now - heart.at > STALE_AFTER or float(heart.figures.get("deaf_s", 0.0)) >= DEAF_FROM_S:
        return False
    heard_s = heart.figures.get("hearing_s")
    return heard_s is None or float(heard_s) >= CAUGHT_UP_AFTER.total_seconds()
