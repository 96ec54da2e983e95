"""Ingest as a member among several: an `Ingest` for every group whose lease this process holds (PostgreSQL only).

A group ends within its lease's life when the lease is lost or the database cannot be reached; the other groups go on.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.contract.errors import GengfuError, NotOurs
from gateway.contract.times import to_ms
from gateway.ingest import Ingest
from gateway.registry import Registry
from gateway.site.model import Configs
from gateway.timeseries.influxdb import drain_leftovers
from gateway.timeseries.store import TimeSeriesStore
from services.cli.wiring import broker_of, influx_server, open_store
from services.flows.judge import SiteJudge
from services.flows.learning import Learner
from services.kernel import leases
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.errors import SettingsError
from services.kernel.groups import LEASES, lease_of, spread
from services.kernel.heartbeat import forget_silent
from services.kernel.installation import session_tag
from services.kernel.leases import Held
from services.kernel.settings import Settings
from services.patrol.sun.keys import installation_secret

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often we look whether a lease is free, or somebody wants his share."""
RENEW_S = 2.0
MARGIN_S = 1.0
"""A group that could not renew ends so long before anybody may take its lease."""
SHUN_S = 30.0
"""A group that failed here is left to others for so long."""
JOIN_S = 15.0
LEFTOVERS_S = 60.0
LEASED = "g*of*"
"""Groups that have leases: without leases nobody hears them. A group of one's own name may be about to start."""


class Tenure(threading.Event):
    """Told to stop, or not renewed in time: whichever comes first, also after a sleep of the process."""

    def __init__(self, until_s: float, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._until_s = until_s
        self._now_s = now_s

    def prolong(self, until_s: float) -> None:
        """Renewed; what has ended stays ended."""
        self._until_s = until_s

    def is_set(self) -> bool:
        """Whether it is over."""
        return super().is_set() or self._now_s() >= self._until_s

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end."""
        return super().wait(timeout) or self.is_set()


Serve = Callable[[str, Held, Tenure], None]
"""`(group, lease, until)`: hears one group until told to stop."""


class Keeper:
    """Holds this process's fair share of the leases and runs a thread for each."""

    def __init__(
        self,
        db: Database,
        groups: Sequence[str],
        serve: Serve,
        *,
        holder: str,
        ttl_s: float = leases.TTL_S,
        now_s: Callable[[], float] | None = None,
    ) -> None:
        """`db`: a pool of its own, so that renewing never waits behind the groups."""
        self._db = db
        self._names = {lease_of(group): group for group in groups}
        self._serve = serve
        self._holder = holder
        self._ttl_s = ttl_s
        self._now_s = now_s or _uptime_s
        self._running: dict[str, tuple[Held, Tenure, threading.Thread]] = {}
        self._shunned: dict[str, float] = {}
        self._renew_at_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Take part until told to stop; then hand everything over at once."""
        try:
            while True:
                self.turn()
                if stop.wait(LOOK_S):
                    break
        finally:
            self.close()

    def turn(self) -> None:
        """Renew, look, give what is too much, take what is free."""
        now_s = self._now_s()
        self._running = {name: one for name, one in self._running.items() if one[2].is_alive()}
        for name in [name for name, until_s in list(self._shunned.items()) if until_s <= now_s]:
            del self._shunned[name]
        try:
            if now_s >= self._renew_at_s:
                self._renew(now_s)
            with self._db.read() as session:
                view = leases.look(session, LEASES)
            moves = leases.decide(self._holder, list(self._names), view, {*self._shunned, *self._running})
            for name in moves.give:
                self._end(name, "given to another process")
            for name in moves.take:
                self._take(name)
        except DBAPIError as error:
            log.warning("leases cannot be renewed (%s); groups end as theirs run out", error.orig)

    def _renew(self, asked_s: float) -> None:
        held = [held for held, tenure, _ in self._running.values() if not tenure.is_set()]
        with self._db.begin() as session:
            leases.live(session, self._holder, self._ttl_s)
            lost = leases.renew(session, held, self._ttl_s)
        for one in held:
            if one not in lost:
                self._running[one.name][1].prolong(self._end_of(asked_s))
        for one in lost:
            self._end(one.name, "lost to another process")
        self._renew_at_s = asked_s + RENEW_S

    def _end_of(self, asked_s: float) -> float:
        """When we let go by our own clock: counted from before we asked, so never later than by the database's."""
        return asked_s + self._ttl_s - MARGIN_S

    def _end(self, name: str, why: str) -> None:
        running = self._running.get(name)
        if running is not None and not running[1].is_set():
            log.info("ingest group %s is %s", self._names[name], why)
            running[1].set()

    def _take(self, name: str) -> None:
        asked_s = self._now_s()
        with self._db.begin() as session:
            held = leases.take(session, name, self._holder, self._ttl_s)
        if held is None:
            return
        log.info("ingest group %s is ours (epoch %d)", self._names[name], held.epoch)
        tenure = Tenure(self._end_of(asked_s), self._now_s)
        thread = threading.Thread(target=self._run_group, args=(held, tenure), name=self._names[name], daemon=True)
        self._running[name] = (held, tenure, thread)
        thread.start()

    def _run_group(self, held: Held, tenure: Tenure) -> None:
        try:
            self._serve(self._names[held.name], held, tenure)
        except NotOurs as error:
            log.warning("ingest group %s ends here: %s", self._names[held.name], error)
        except Exception:
            log.exception("ingest group %s failed; it is left to others for %.0f s", self._names[held.name], SHUN_S)
            self._shunned[held.name] = self._now_s() + SHUN_S
        try:
            with self._db.begin() as session:
                leases.give_back(session, held)
        except DBAPIError as error:
            log.warning("lease %s was not given back, it runs out: %s", held.name, error.orig)

    def close(self) -> None:
        """End every group and give its lease back."""
        running = list(self._running.values())
        for _, tenure, _ in running:
            tenure.set()
        for _, _, thread in running:
            thread.join(JOIN_S)
        try:
            with self._db.begin() as session:
                leases.leave(session, self._holder)
        except DBAPIError as error:
            log.warning("the leases' database does not answer: %s", error.orig)


def hear(
    settings: Settings,
    configs: Configs,
    db: Database,
    store: TimeSeriesStore,
    group: str,
    sites: Sequence[str],
    stop: threading.Event,
    *,
    holder: str,
    fence: Callable[[Session], None] | None = None,
) -> None:
    """Store, judge, commit and acknowledge what one group's sites say, until told to stop.

    `holder`: names the heartbeat. `fence`: see SiteJudge.
    """
    clock = SystemClock()
    judge = SiteJudge(
        db,
        configs,
        sites,
        holder=holder,
        late_after=settings.late_after,
        loss_settle=settings.loss_settle,
        secret=installation_secret(settings),
        fence=fence,
        store=store,
    )
    learner = Learner(judge, store, [configs.site(site) for site in sites], settings.raw_days)
    running = Ingest(
        broker_of(settings),
        Registry.of(configs.site(site) for site in sites),
        store,
        judge,
        group=group,
        sites=sites,
        tag=session_tag(db),
        now_ms=lambda: to_ms(clock.now()),
    )
    learner.start(stop, clock)
    try:
        running.run(stop)
    finally:
        stop.set()
        learner.join()


def hear_groups(
    settings: Settings, configs: Configs, db: Database, sites: Sequence[str], stop: threading.Event
) -> None:
    """Hear a fair share of the groups until told to stop; raises SettingsError where that cannot be."""
    if db.is_sqlite:
        raise SettingsError(
            f"GENGFU_INGEST_GROUPS={settings.ingest_groups} needs PostgreSQL: SQLite has one ingest",
            hint="Set GENGFU_DATABASE_URL to a PostgreSQL database, or GENGFU_INGEST_GROUPS=0",
        )
    if settings.ingest_sites:
        raise SettingsError(
            "GENGFU_INGEST_SITES and GENGFU_INGEST_GROUPS exclude each other",
            hint="The groups share all sites out by themselves: unset GENGFU_INGEST_SITES",
        )
    groups = spread(sites, settings.ingest_groups)
    leases.drop_paused(db)
    own = Database(settings.state_url)
    leases.drop_paused(own)
    holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(3)}"
    # One file has one writer: with InfluxDB each group has a spool of its own.
    shared = None if settings.influx_url else open_store(settings)
    serve = partial(_serve, settings, configs, db, groups, shared)
    try:
        _refuse_files_apart(settings, own, holder)
        with own.begin() as session:
            forget_silent(session, "ingest", keep=groups, now=SystemClock().now())
        send_leftovers(settings, stop, "*")
        Keeper(own, list(groups), serve, holder=holder).run(stop)
    finally:
        own.dispose()
        if shared is not None:
            shared.close()


def _serve(
    settings: Settings,
    configs: Configs,
    db: Database,
    groups: Mapping[str, Sequence[str]],
    shared: TimeSeriesStore | None,
    group: str,
    held: Held,
    tenure: Tenure,
) -> None:
    fence = partial(_confirm, held)
    with closing(open_store(settings, group)) if shared is None else nullcontext(shared) as store:
        hear(settings, configs, db, store, group, groups[group], tenure, holder=group, fence=fence)


def _confirm(held: Held, session: Session) -> None:
    leases.confirm(session, held)


def send_leftovers(settings: Settings, stop: threading.Event, groups: str = LEASED) -> None:
    """Have the spools on this machine sent whose groups nobody holds here; `groups`: their names, with wildcards."""
    if settings.influx_url:
        threading.Thread(target=_drain, args=(settings, stop, groups), name="leftovers", daemon=True).start()


def _drain(settings: Settings, stop: threading.Event, groups: str) -> None:
    while not stop.wait(LEFTOVERS_S):
        try:
            drain_leftovers(
                settings.data_dir,
                influx_server(settings),
                stop,
                SystemClock().now,
                spool_bytes=settings.spool_mib << 20,
                names=settings.spool_path(groups).name,
            )
        except (GengfuError, OSError) as error:
            log.warning("a spool that was left behind waits: %s", error)


def _refuse_files_apart(settings: Settings, db: Database, holder: str) -> None:
    """The embedded time series is a file: with groups on several machines each would have a part of every chart."""
    if settings.influx_url:
        return
    with db.read() as session:
        members = leases.look(session, LEASES).members
    host = holder.partition(":")[0]
    others = sorted({member.partition(":")[0] for member in members} - {host})
    if others:
        raise SettingsError(
            f"Ingest already runs on {', '.join(others)}: {host} has a time-series file of its own",
            hint="Set GENGFU_INFLUX_URL on every machine, or run all ingest processes on one",
        )


def _uptime_s() -> float:
    """Seconds that go on while the machine sleeps, where the system can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
