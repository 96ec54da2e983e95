"""The worker: fires due timers, delivers messages and watches that the other processes live."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.alert import service as alerts
from services.flows import emergency, system
from services.flows.patrol_watch import PatrolTimers
from services.flows.telling import channel_of
from services.flows.timers import TimerFlows, run_due
from services.kernel import timers
from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.heartbeat import Heartbeat, beat
from services.notify.deliver import Courier
from services.notify.model import Channel
from services.notify.senders import Sender
from services.notify.tables import Message
from services.work_order import service as work_orders

log = logging.getLogger(__name__)

FORGET_EVERY = timedelta(hours=6)
TIMERS_KEPT = timedelta(days=90)
"""Finished timers answer «did it fire?» for so long."""
AT_ONCE = 25
"""Timers fired in one transaction: on SQLite everybody else waits for it."""
EVERY_S = 0.5
BEAT_EVERY = timedelta(seconds=2)
SILENT_AFTER = timedelta(seconds=60)
DEAF_AFTER = timedelta(seconds=60)
HEARS_BELOW_S = 5.0
AHEAD = timedelta(seconds=5)
"""A heartbeat further in the future was written before our clock was set back: it proves nothing."""


@dataclass(slots=True)
class Worker:
    """One worker process. Several may run on PostgreSQL; on SQLite exactly one."""

    db: Database
    configs: Configs
    clock: Clock
    sender_for: Callable[[Channel], Sender]
    late_after: timedelta = timedelta(minutes=5)
    holder: str = "worker"
    seed: str = ""
    """Makes the starts of random rounds unpredictable."""
    _courier: Courier = field(init=False)
    _flows: TimerFlows = field(init=False)
    _patrol: PatrolTimers = field(init=False)
    _beat_at: datetime | None = None
    _watched_since: datetime | None = None
    _forgot_at: datetime | None = None

    def __post_init__(self) -> None:
        """Put the parts together."""
        places = {
            (site, channel.name): channel_of(channel)
            for site, config in self.configs.sites.items()
            for channel in config.channels
        }
        self._courier = Courier(self.db, self.clock, places, self.sender_for, still_wanted)
        self._flows = TimerFlows(self.configs, self.late_after)
        self._patrol = PatrolTimers(self.configs, self.late_after, self.seed)

    def turn(self) -> None:
        """One round: timers, messages, the watch over the others."""
        now = self.clock.now()
        with self.db.begin() as session:
            if self._watched_since is None:
                self._patrol.begin(session, now)
            handlers = {**self._flows.handlers(), **self._patrol.handlers()}
            for timer, error in run_due(session, handlers, now, limit=AT_ONCE):
                log.error("timer %s of %s failed: %s", timer.kind, timer.ref, error)
                for config in self.configs.sites.values():
                    system.timer_failed(session, config, timer.kind, str(error), now)
            self._watch(session, now)
        delivered = self._courier.deliver_due()
        if delivered.dead or delivered.failing:
            with self.db.begin() as session:
                for message in delivered.dead + delivered.failing:
                    site = self.configs.sites.get(message.site)
                    if site is not None:
                        system.message_dead(session, site, message.channel, message.error or "", self.clock.now())

        if delivered.errors:
            raise delivered.errors[0]

    def _watch(self, session: Session, now: datetime) -> None:
        """Write our own heartbeat and raise an alert when ingest gives none."""
        if self._beat_at is not None and timedelta(0) <= now - self._beat_at < BEAT_EVERY:
            return
        self._beat_at = now
        if self._watched_since is None or self._watched_since > now:
            self._watched_since = now
        beat(session, "worker", self.holder, now)
        if self._forgot_at is None or not timedelta(0) <= now - self._forgot_at < FORGET_EVERY:
            self._forgot_at = now
            timers.forget(session, now - TIMERS_KEPT)
        hearts = list(session.scalars(select(Heartbeat).where(Heartbeat.role == "ingest")))
        for site, config in self.configs.sites.items():
            system.settle_seen(session, config, now)
            emergency.settle_seen(session, config, now)
            own = [heart for heart in hearts if site in (heart.sites or [site]) and heart.at <= now + AHEAD]
            self._watch_ingest(session, config, max(own, key=lambda heart: heart.at, default=None), now)

    def _watch_ingest(self, session: Session, config: SiteConfig, heart: Heartbeat | None, now: datetime) -> None:
        """One site's ingest: does it live, and does it hear and store?"""
        since = self._watched_since or now
        last = heart.at if heart is not None else since
        if now - max(last, since) > SILENT_AFTER:
            system.process_silent(session, config, "ingest", last, now)
            return
        if heart is None or now - last > SILENT_AFTER:
            return
        system.process_alive(session, config, "ingest", now)
        deaf_s = float(heart.figures.get("deaf_s", 0.0))
        if deaf_s > DEAF_AFTER.total_seconds():
            system.process_deaf(session, config, "ingest", deaf_s, now)
        elif deaf_s < HEARS_BELOW_S:
            system.process_hears(session, config, "ingest", now)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; a database that does not answer is waited for."""
        while not stop.is_set():
            started = time.monotonic()
            try:
                self.turn()
            except (OperationalError, InterfaceError) as error:
                log.warning("the state database does not answer (%s); trying again", error.orig)
                stop.wait(2)
            stop.wait(max(0.0, EVERY_S - (time.monotonic() - started)))


def still_wanted(session: Session, message: Message) -> str | None:
    """Why a waiting message is not wanted any more; None: send it."""
    if message.kind == "work_order.overdue":
        order = work_orders.get(session, message.subject_id)
        met = order.responded_at if ":overdue:respond:" in message.idem_key else order.finished_at
        return "already_closed" if order.closed_at is not None or met is not None else None
    if message.subject_kind != "alert" or message.kind not in ("alert.opened", "alert.escalated"):
        return None
    alert = alerts.get(session, message.subject_id)
    if alert.closed_at is not None:
        return "already_closed"
    if alert.acked_occurrence >= message.occurrence:
        return "already_acknowledged"
    hidden = alerts.shown(alert, message.created_at) in ("shelved", "suppressed", "out_of_service")
    return "muted" if hidden else None
