"""Whether what ingest hears reaches the server of the time series, by the figures of its heartbeat."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.flows import system
from services.kernel.heartbeat import Heartbeat

BEHIND_AFTER_S = 300.0
CAUGHT_UP_S = 60.0
NEWS = timedelta(minutes=1)
"""What an older heartbeat says is not how it is now."""


class Waiting(NamedTuple):
    """How a spool stands; all zero for a store without one."""

    waits_s: float
    denied: bool
    dropped: int
    refused: int


def waiting(heart: Heartbeat) -> Waiting:
    """What the heartbeat says about its spool."""
    said = heart.figures
    return Waiting(
        float(said.get("spool_age_s", 0.0)),
        bool(said.get("store_denied", 0.0)),
        int(said.get("spool_dropped", 0.0)),
        int(said.get("store_refused", 0.0)),
    )


def look(session: Session, config: SiteConfig, heart: Heartbeat | None, now: datetime) -> None:
    """Raise or clear the alerts about one site's store, by the heartbeat of its ingest."""
    if heart is None or now - heart.at > NEWS:
        return
    stands = waiting(heart)
    if stands.denied or stands.waits_s > BEHIND_AFTER_S:
        system.store_behind(session, config, stands.waits_s, stands.denied, now)
    elif stands.waits_s < CAUGHT_UP_S:
        system.store_keeps_up(session, config, now)
    lost = stands.dropped + stands.refused
    if lost > 0 and lost > _counted(session, config, heart.holder):
        system.store_lost(session, config, heart.holder, stands.dropped, stands.refused, lost, now)


def _counted(session: Session, config: SiteConfig, holder: str) -> int:
    """How many losses of this holder its last alert has told of; totals grow for as long as a spool lives."""
    newest = select(Alert).where(Alert.rule == "SYS-UNSTORED", Alert.target == f"{config.site.id}/store")
    last = session.scalar(newest.order_by(Alert.opened_at.desc()).limit(1))
    return int(last.detail.get("counted", {}).get(holder, 0)) if last is not None else 0
