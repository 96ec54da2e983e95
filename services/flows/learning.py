"""Slow work beside ingest: provisional set values from the first week's median, and keeping the store in bounds."""

import logging
import statistics
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.contract.errors import GengfuError
from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.flows.judge import SiteJudge
from services.kernel.clock import Clock

log = logging.getLogger(__name__)

LEARN_FOR = timedelta(days=7)
"""AMB-01: without a set value the median of the first seven days stands in, marked 临时基准."""
LEARN_FROM = timedelta(minutes=10)
"""Before that there is nothing to take a median of."""
EVERY_S = 60.0
RETAIN_EVERY = timedelta(hours=1)
MINUTES_KEPT = timedelta(days=400)
HOURS_KEPT = timedelta(days=3_650)


class Learner:
    """A thread of its own, because a week's median must not hold up a fire."""

    def __init__(self, judge: SiteJudge, store: TimeSeriesStore, sites: Sequence[SiteConfig], raw_days: int) -> None:
        self._judge = judge
        self._store = store
        self._raw = timedelta(days=raw_days)
        self._points = sorted(
            {
                limit.point
                for config in sites
                for limit in config.limits
                if limit.kind == "deviation" and limit.set_value is None
            }
        )
        self._retained_at: datetime | None = None
        self._thread: threading.Thread | None = None

    def start(self, stop: threading.Event, clock: Clock) -> None:
        """Work in the background until told to stop."""
        self._thread = threading.Thread(target=self._run, args=(stop, clock), name="learner", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread to end."""
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self, stop: threading.Event, clock: Clock) -> None:
        while not stop.wait(EVERY_S):
            try:
                self.turn(clock.now())
            except GengfuError as error:
                log.warning("learning waits: %s", error)

    def turn(self, now: datetime) -> None:
        """Learn what can be learned now, and drop what is older than is kept."""
        for point in self._points:
            self._learn(point, now)
        if self._retained_at is None or now - self._retained_at >= RETAIN_EVERY:
            self._store.retain(now, self._raw, MINUTES_KEPT, HOURS_KEPT)
            self._judge.forget(to_ms(now - self._raw), to_ms(now))
            self._retained_at = now

    def _learn(self, point: str, now: datetime) -> None:
        track = self._judge.engine.tracks[point]
        if track.first_ms == 0:
            return
        first_at = from_ms(track.first_ms)
        until = min(now, first_at + LEARN_FOR)
        if until - first_at < LEARN_FROM or (now > until and track.provisional_set is not None):
            return
        means = [bucket.mean for bucket in self._store.range(point, first_at, until, timedelta(minutes=1))]
        if means:
            self._judge.learn_set_value(point, round(statistics.median(means), 3), to_ms(now))
