"""On the first of a month the reports of the month before are made, beside the worker; missed ones are made once."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.kernel import timers
from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.errors import Conflict
from services.kernel.timers import Timer, TimerHandler
from services.report import store
from services.report.draft import Drafter
from services.report.model import ReportKind
from services.report.months import next_first, previous_first
from services.report.service import SYSTEM, Press
from services.report.telling import clear_failed, raise_failed, tell_waits

log = logging.getLogger(__name__)

WATCH_TIMER = "report.watch"
AT = time(2, 0)
"""Local time on the first: the last tasks of the month's last night had their grace until then."""
MOST_MISSED = 12
"""Months: what an outage longer than a year missed is made by hand."""
LOOK_AGAIN = timedelta(minutes=10)
"""So long after a month was handed over it is looked whether it is there."""
OpenStore = Callable[[], AbstractContextManager[TimeSeriesStore]]
Make = Callable[[str, date], None]
"""Makes what a site misses since a month."""


def due_at(first_on: date, zone: ZoneInfo) -> datetime:
    """When the report of the month that begins on `first_on` is made. Pure."""
    return datetime.combine(next_first(first_on), AT, zone)


def months_due(since_on: date, zone: ZoneInfo, now: datetime) -> list[date]:
    """Months from `since_on` on whose report is due, oldest first, at most the newest MOST_MISSED. Pure."""
    month = now.astimezone(zone).date().replace(day=1)
    if due_at(month, zone) > now:
        month = previous_first(month)
    if due_at(month, zone) > now:
        month = previous_first(month)
    found: list[date] = []
    while month >= since_on and len(found) < MOST_MISSED:
        found.append(month)
        month = previous_first(month)
    return found[::-1]


def next_due(zone: ZoneInfo, now: datetime) -> datetime:
    """The next moment at which a report is due. Pure."""
    month = now.astimezone(zone).date().replace(day=1)
    before = due_at(previous_first(month), zone)
    return before if before > now else due_at(month, zone)


def missing(session: Session, config: SiteConfig, since_on: date, now: datetime) -> list[tuple[date, ReportKind]]:
    """Reports that are due and were never made."""
    months = months_due(since_on, ZoneInfo(config.site.timezone), now)
    if not months:
        return []
    there = {(row.month_on, row.kind) for row in store.of_site(session, config.site.id, months[0])}
    return [(month, kind) for month in months for kind in store.KINDS if (month, kind) not in there]


@dataclass(slots=True)
class ReportDesk:
    """The handler of the timer, and the thread that has made what it found missing: no timer waits for a report."""

    db: Database
    configs: Configs
    clock: Clock
    make: Make
    """Makes what a site misses since a month, outside this process: counting a month would hold up messages here."""
    halt: Callable[[], None] = lambda: None
    """Ends a `make` that is under way; what it did not freeze is made with the next start."""
    _thread: ThreadPoolExecutor = field(init=False)
    _waiting: dict[str, date] = field(default_factory=dict)
    _going: dict[str, Future[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """One report at a time."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {WATCH_TIMER: self.watch}

    def begin(self, session: Session, now: datetime) -> None:
        """Start the watch over every site; one that runs goes on. The first report is that of the month it began in."""
        for site, config in self.configs.sites.items():
            zone = ZoneInfo(config.site.timezone)
            watch = timers.schedule(session, WATCH_TIMER, site, now)
            watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends
            if "since" not in watch.data:
                watch.data = {"since": now.astimezone(zone).date().replace(day=1).isoformat()}

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Hand over what is missing; sleep until the next first when nothing is."""
        config = self.configs.site(timer.ref)
        since_on = date.fromisoformat(str(timer.data["since"]))
        if missing(session, config, since_on, now):
            self._waiting[timer.ref] = since_on
            timer.due_at = now + LOOK_AGAIN
        else:
            clear_failed(session, config, now)
            timer.due_at = next_due(ZoneInfo(config.site.timezone), now)
        return ""

    def drop(self) -> None:
        """That transaction was not committed: the timer fires again."""
        self._waiting.clear()

    def carry(self) -> None:
        """Hand over after the commit; look after what is done without waiting for it."""
        for site, since_on in self._waiting.items():
            if site not in self._going:
                self._going[site] = self._thread.submit(self.make, site, since_on)
        self._waiting.clear()
        for site, future in list(self._going.items()):
            if future.done():
                del self._going[site]
                error = future.exception()
                if error is not None:
                    log.error("the reports of %s could not be made", site, exc_info=error)
                    with self.db.begin() as session:
                        raise_failed(session, self.configs.site(site), str(error), self.clock.now())

    def close(self) -> None:
        """Wait for nothing any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.halt()


def make_missing(
    db: Database, configs: Configs, clock: Clock, open_store: OpenStore, site: str, since_on: date
) -> None:
    """Make every report of a site that is due and missing; raises the first failure when all were tried."""
    config = configs.site(site)
    with db.read() as session:
        wanted = missing(session, config, since_on, clock.now())
    with open_store() as readings:
        press = Press(db, clock, Drafter(configs, readings), tell_waits)
        failed: Exception | None = None
        for month, kind in wanted:
            with db.read() as session:
                if store.newest(session, site, kind, month) is not None:  # another worker or a person was faster
                    continue
            try:
                made = press.make(site, kind, f"{month:%Y-%m}", SYSTEM)
            except Conflict:
                continue
            except Exception as error:
                log.exception("the %s report of %s for %s could not be made", kind, site, month)
                failed = failed or error
            else:
                log.info("report %s is made", made.row.number)
    if failed is not None:
        raise failed
