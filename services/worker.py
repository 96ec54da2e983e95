"""The worker: fires due timers, delivers messages, sends commands, watches that processes and fire sources live."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Select, bindparam, exists, or_, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.alert import service as alerts
from services.flows import figures, store_watch, system
from services.flows.call_backs import CallBackTimers
from services.flows.fire import link as fire_link
from services.flows.fire.care_watch import FireCareTimers
from services.flows.fire.commands import Send
from services.flows.fire.post import CommandPost
from services.flows.fire.telling import ALARM_RULE
from services.flows.fire.watch import FireTimers
from services.flows.ledger_watch import LedgerTimers
from services.flows.patrol import emergency
from services.flows.patrol.watch import PatrolTimers
from services.flows.plans import PlanTimers
from services.flows.pump_tests import PumpTimers
from services.flows.telling import channel_of
from services.flows.timers import TimerFlows, run_due
from services.kernel import timers
from services.kernel.clock import Clock
from services.kernel.db import Database, UtcDateTime
from services.kernel.groups import group_of, lease_of
from services.kernel.heartbeat import Heartbeat, beat
from services.kernel.leases import Lease
from services.kernel.timers import Timer, TimerHandler
from services.notify.deliver import Courier
from services.notify.model import Channel
from services.notify.senders import Sender
from services.notify.tables import IN_FLIGHT, Message
from services.report.watch import ReportDesk
from services.work_order import service as work_orders

log = logging.getLogger(__name__)

FORGET_EVERY = timedelta(hours=6)
TIMERS_KEPT = timedelta(days=90)
"""Finished timers answer «did it fire?» for so long."""
AT_ONCE = 25
"""Timers fired in one transaction: on SQLite everybody else waits for it."""
LONG = frozenset({"maintenance.watch", "ledger.watch", "report.watch", "call_back.watch"})
"""Kinds of which one is fired in a transaction: at midnight they are due for every site."""
EVERY_S = 0.1
"""How often we look whether anything is due: so long a fire's first message waits at most. A look only reads."""
BEAT_EVERY = timedelta(seconds=2)
SILENT_AFTER = timedelta(seconds=60)
DEAF_AFTER = timedelta(seconds=60)
UNHELD_AFTER = timedelta(seconds=20)
"""A living ingest takes what is free within a second, and what ran out within ten."""
HEARS_BELOW_S = 5.0
AHEAD = timedelta(seconds=5)
"""A heartbeat further in the future was written before our clock was set back: it proves nothing."""
_NOW = bindparam("now", type_=UtcDateTime())
_TIMER_DUE = exists().where(Timer.done_at.is_(None), Timer.due_at <= _NOW)
_MESSAGE_DUE = or_(
    exists().where(IN_FLIGHT, Message.status == "pending", Message.next_at <= _NOW),
    exists().where(IN_FLIGHT, Message.status == "sending", Message.lease_until <= _NOW),
)
_ANY_TIMER_DUE = select(_TIMER_DUE)
_ANYTHING_DUE = select(or_(_TIMER_DUE, _MESSAGE_DUE))


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
    send_command: Send | None = None
    """Carries a command to a site's gateway; None: commands to fire sources expire."""
    ingest_groups: int = 0
    """As in the settings: each must have a holder. 0: ingest has no leases."""
    reports: ReportDesk | None = None
    """Makes the monthly reports; None: nobody does."""
    _courier: Courier = field(init=False)
    _flows: TimerFlows = field(init=False)
    _patrol: PatrolTimers = field(init=False)
    _fire: FireTimers = field(init=False)
    _care: FireCareTimers = field(init=False)
    _ledger: LedgerTimers = field(init=False)
    _calls: CallBackTimers = field(init=False)
    _plans: PlanTimers = field(init=False)
    _pumps: PumpTimers = field(init=False)
    _post: CommandPost | None = field(init=False, default=None)
    _beat_at: datetime | None = None
    _watched_since: datetime | None = None
    _begun: frozenset[str] = frozenset()
    """Which watches that never end were started."""
    _forgot_at: datetime | None = None
    _noted_minute: datetime | None = None

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
        if self.send_command is not None:
            self._post = CommandPost(self.db, self.clock, self.send_command)
        self._fire = FireTimers(self.configs, self.late_after)
        self._calls = CallBackTimers(self.configs, self.seed)
        self._ledger = LedgerTimers(self.configs)
        self._plans = PlanTimers(self.configs)
        self._pumps = PumpTimers(self.configs)
        self._care = FireCareTimers(self.configs, self.late_after, self._post.put if self._post is not None else None)

    def is_due(self) -> bool:
        """Whether a turn would do anything; asked often, so it writes nothing and blocks nobody."""
        now = self.clock.now()
        return self._beat_due(now) or self._ask(_ANYTHING_DUE, now)

    def _ask(self, question: Select[bool], now: datetime) -> bool:
        with self.db.read() as session:
            return bool(session.scalar(question, {"now": now}))

    def turn(self) -> None:
        """One round: timers, commands, messages, the watch over the others."""
        now = self.clock.now()
        # A message of a fire does not queue behind ingest for a transaction that has nothing to do.
        failure: Exception | None = None
        if self._beat_due(now) or self._ask(_ANY_TIMER_DUE, now):
            try:
                self._do_what_is_due(now)
            except (OperationalError, InterfaceError):  # then there is nothing to send from either
                raise
            except Exception as error:
                log.exception("what is due could not be done; messages go out all the same")
                failure = error
        delivered = self._courier.deliver_due()
        if delivered.dead or delivered.failing:
            with self.db.begin() as session:
                for message in delivered.dead + delivered.failing:
                    site = self.configs.sites.get(message.site)
                    if site is not None:
                        system.message_dead(session, site, message.channel, message.error or "", self.clock.now())

        if failure is not None:
            raise failure
        if delivered.errors:
            raise delivered.errors[0]
        if self._post is not None:
            self._post.carry()
        if self.reports is not None:
            self.reports.carry()

    def _do_what_is_due(self, now: datetime) -> None:
        if self._post is not None:
            self._post.drop()
        if self.reports is not None:
            self.reports.drop()
        with self.db.begin() as session:
            begun = self._begin(session, now)
            for timer, error in run_due(
                session, self._handlers(), now, limit=AT_ONCE, sites=self.configs.sites, long=LONG
            ):
                log.error("timer %s of %s failed: %s", timer.kind, timer.ref, error)
                self._report(session, timer.kind, error, self.configs.sites.values(), now)
            self._watch(session, now)
        self._begun = begun

    def _begin(self, session: Session, now: datetime) -> frozenset[str]:
        """Start the watches that never end, once; returns those that run, if this is committed."""
        starts = {
            "ledger.begin": self._ledger.begin,
            "patrol.begin": self._patrol.begin,
            "fire.begin": self._care.begin,
            "call_back.begin": self._calls.begin,
            "maintenance.begin": self._plans.begin,  # after the ledger: plans are for what is in it
            "pump.begin": self._pumps.begin,
        }
        if self.reports is not None:
            starts["report.begin"] = self.reports.begin
        begun = set(self._begun)
        for name, start in starts.items():
            if name not in begun and self._try(session, name, partial(start, session, now), None, now):
                begun.add(name)
        return frozenset(begun)

    def _try(
        self, session: Session, what: str, act: Callable[[], object], config: SiteConfig | None, now: datetime
    ) -> bool:
        """Do something in a savepoint of its own; its failure is an alert of the site (None: of all), and no more."""
        try:
            with session.begin_nested():
                act()
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("%s failed", what)
            self._report(session, what, error, [config] if config else self.configs.sites.values(), now)
            return False
        return True

    @staticmethod
    def _report(session: Session, what: str, error: Exception, sites: Iterable[SiteConfig], now: datetime) -> None:
        """Raise it as an alert; where not even that works, the log has it."""
        for config in sites:
            try:
                with session.begin_nested():
                    system.timer_failed(session, config, what, str(error), now)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("the failure of %s could not be told at %s", what, config.site.id)

    def _handlers(self) -> Mapping[str, TimerHandler]:
        parts = (self._flows, self._patrol, self._fire, self._care, self._ledger, self._calls, self._plans, self._pumps)
        found = {kind: handler for part in parts for kind, handler in part.handlers().items()}
        return {**found, **self.reports.handlers()} if self.reports is not None else found

    def _beat_due(self, now: datetime) -> bool:
        return self._beat_at is None or not timedelta(0) <= now - self._beat_at < BEAT_EVERY

    def _watch(self, session: Session, now: datetime) -> None:
        """Write our own heartbeat; raise an alert when ingest gives none, or a fire source is not heard."""
        if not self._beat_due(now):
            return
        self._beat_at = now
        if self._watched_since is None or self._watched_since > now:
            self._watched_since = now
        beat(session, "worker", self.holder, now)
        if self._forgot_at is None or not timedelta(0) <= now - self._forgot_at < FORGET_EVERY:
            self._forgot_at = now
            timers.forget(session, now - TIMERS_KEPT)
        minute = now.replace(second=0, microsecond=0)
        if minute != self._noted_minute:
            self._noted_minute = minute
            self._try(session, "watch.figures", partial(figures.note, session, now), None, now)
        hearts = list(session.scalars(select(Heartbeat).where(Heartbeat.role == "ingest")))
        for site, config in self.configs.sites.items():
            own = [heart for heart in hearts if site in (heart.sites or [site]) and heart.at <= now + AHEAD]
            newest = max(own, key=lambda heart: heart.at, default=None)
            watches: dict[str, Callable[[], object]] = {
                "watch.ingest": partial(self._watch_ingest, session, config, newest, now),
                "watch.store": partial(store_watch.look, session, config, newest, now),
                "watch.fire_link": partial(fire_link.look, session, config, now),
                "watch.seen": partial(system.settle_seen, session, config, now),
                "watch.patrol_seen": partial(emergency.settle_seen, session, config, now),
            }
            for what, act in watches.items():
                self._try(session, what, act, config, now)

    def _watch_ingest(self, session: Session, config: SiteConfig, heart: Heartbeat | None, now: datetime) -> None:
        """One site's ingest: does it live, and does it hear and store?"""
        since = self._watched_since or now
        if self.ingest_groups and not self._is_held(session, config, since, now):
            return  # that it is silent is no news
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

    def _is_held(self, session: Session, config: SiteConfig, watched_since: datetime, now: datetime) -> bool:
        """Whether a process has the site's ingest group; an alert says when nobody takes it."""
        group = group_of(config.site.id, self.ingest_groups)
        lease = session.get(Lease, lease_of(group))
        since = watched_since if lease is None else max(lease.until, watched_since)
        is_held = lease is not None and lease.holder != "" and lease.until > now
        if is_held:
            system.group_held(session, config, group, now)
        elif now - since > UNHELD_AFTER:
            system.group_unheld(session, config, group, since, now)
        return is_held or now - since <= UNHELD_AFTER

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; a database that does not answer is waited for."""
        while not stop.is_set():
            started = time.monotonic()
            try:
                if self.is_due():
                    self.turn()
            except (OperationalError, InterfaceError) as error:
                log.warning("the state database does not answer (%s); trying again", error.orig)
                stop.wait(2)
            stop.wait(max(0.0, EVERY_S - (time.monotonic() - started)))
        if self._post is not None:
            self._post.close()
        if self.reports is not None:
            self.reports.close()


_OF_FIRES = frozenset({"fire.graded", "fire.call", "fire.digest"})
"""How a fire goes on: its alert may be put aside, what follows concerns everybody until the incident is closed."""
_OF_ALERTS = _OF_FIRES | {"alert.opened", "alert.escalated"}


def still_wanted(session: Session, message: Message) -> str | None:
    """Why a waiting message is not wanted any more; None: send it."""
    if message.kind == "work_order.overdue":
        order = work_orders.get(session, message.subject_id)
        met = order.responded_at if ":overdue:respond:" in message.idem_key else order.finished_at
        return "already_closed" if order.closed_at is not None or met is not None else None
    if message.subject_kind != "alert" or message.kind not in _OF_ALERTS:
        return None
    alert = alerts.get(session, message.subject_id)
    if alert.closed_at is not None:
        return "already_closed"
    if message.kind in _OF_FIRES:
        return None
    # A fire is everybody's: that one person has seen it spares nobody else.
    everybodys = alert.rule == ALARM_RULE and message.kind != "alert.escalated"
    if not everybodys and alert.acked_occurrence >= message.occurrence:
        return "already_acknowledged"
    hidden = alerts.shown(alert, message.created_at) in ("shelved", "suppressed", "out_of_service")
    return "muted" if hidden else None
