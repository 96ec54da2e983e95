"""The one thread that speaks for a spool: sends what waits, in order, until the server has it; then housekeeping."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.contract.errors import GengfuError
from gateway.contract.times import to_ms
from gateway.timeseries.influx.http import Outcome
from gateway.timeseries.influx.lines import LINES_AT_ONCE, compressed, lines_of, minutes_of
from gateway.timeseries.influx.spool import Held, Spool
from gateway.timeseries.store import StoreBroken, StoreBusy

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
LONG_S = 30.0
"""What took longer to be sent (we were paused, or the server away) another process may have rolled up without."""
_ALL_REFUSED = 8
"""So many lines refused one by one, none taken and no word about lines: it is not the lines."""


class Pace(NamedTuple):
    """How long to wait before trying again; jitter takes up to half of it away."""

    first_s: float = 0.5
    most_s: float = 30.0
    denied_s: float = 30.0
    """After an answer that a person has to do something about: a mended token goes on by itself."""


class Writing(Protocol):
    """What takes a body for a bucket."""

    def write(self, bucket: str, body: bytes) -> Outcome:
        """Send it; never raises."""


class State(NamedTuple):
    """How the server takes what is sent."""

    away_s: float
    denied: bool


class Stopped(Exception):
    """Told to stop: what is under way stays in the spool."""


class Sender:
    """Sends a spool to a bucket and does the housekeeping asked for, on one thread, one thing at a time."""

    def __init__(
        self,
        spool: Spool,
        writing: Writing,
        bucket: str,
        housekeeping: Callable[[datetime], None],
        pace: Pace,
        prepare: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`prepare` is done before each batch, as far as the server answers."""
        self._spool = spool
        self._writing = writing
        self._bucket = bucket
        self._housekeeping = housekeeping
        self._pace = pace
        self._prepare = prepare
        self._jitter = jitter
        self._stop = threading.Event()
        self._asked: datetime | None = None
        self._busy = False
        self._now_ms = 0
        self._away_since = 0.0
        self._denied = False
        self._failures = 0
        self._left_over = spool.newest()
        """Rows up to this one are from an earlier holder of the spool."""
        self.most_held = 0
        """The most lines that were ever in memory at once."""
        self._thread = threading.Thread(target=self._run, name=f"influx-{spool.path.stem}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """How the server takes what is sent."""
        since = self._away_since
        return State(time.monotonic() - since if since else 0.0, self._denied)

    def ask(self, now: datetime) -> None:
        """Have a piece of housekeeping done soon."""
        with self._spool.changed:
            self._asked, self._now_ms = now, to_ms(now)
            self._spool.changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until nothing is to be sent and no housekeeping is under way; False when that took too long."""
        with self._spool.changed:
            return self._spool.changed.wait_for(self._is_idle, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Stop the thread; False when it is still in a request after this time."""
        self._stop.set()
        with self._spool.changed:
            self._spool.changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _is_idle(self) -> bool:
        return not self._busy and self._asked is None and self._spool.waiting == 0

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Stopped:
                return
            except GengfuError as error:  # the file or the server: neither is given up
                level = logging.DEBUG if isinstance(error, StoreBusy) else logging.WARNING
                log.log(level, "spool %s waits: %s", self._spool.path, error)
                self._stop.wait(self._pace.first_s)
            except Exception:
                log.exception("spool %s: going on all the same", self._spool.path)
                self._stop.wait(self._pace.most_s)

    def _turn(self) -> None:
        with self._spool.changed:
            waits = self._spool.changed.wait_for(self._has_work, timeout=1.0)
            if not waits or self._stop.is_set():
                return
            asked, self._asked, self._busy = self._asked, None, True
        try:
            with suppress(StoreBusy, StoreBroken):
                self._prepare()
            batch = self._spool.oldest(LINES_AT_ONCE, MOST_BYTES)
            if batch:
                self._deliver(batch)
            if asked is not None:
                self._housekeeping(asked)
        finally:
            with self._spool.changed:
                self._busy = False
                self._spool.changed.notify_all()

    def _has_work(self) -> bool:
        return self._stop.is_set() or self._asked is not None or self._spool.waiting > 0

    def _deliver(self, batch: Sequence[Held]) -> None:
        """Send a batch until every line is stored or refused for good, then delete it."""
        refused: list[tuple[bytes, str]] = []
        started_s = time.monotonic()
        if len(batch) == 1:
            body = batch[0].body
            self.most_held = max(self.most_held, batch[0].rows)
            sent = self._attempt(body)
            lines = [] if sent.what == "stored" else lines_of(body)
        else:
            lines = [line for held in batch for line in lines_of(held.body)]
            self.most_held = max(self.most_held, len(lines))
            sent = self._attempt(compressed(lines))
        while sent.what != "stored":
            found = self._split(lines, sent)
            if found is not None:
                refused = found
                break
            self._wait_denied(sent)
            sent = self._attempt(compressed(lines))
        took_long = time.monotonic() - started_s > LONG_S
        late = [one for one in batch if one.open_at is not None and (took_long or one.id <= self._left_over)]
        dirty = minutes_of(line for one in late for line in lines_of(one.body))
        self._spool.settle(batch, refused, self._now_ms, dirty)
        self._note_well()
        if refused:
            log.warning("InfluxDB will not keep %d lines, first %r: %s", len(refused), *refused[0])

    def _split(self, lines: list[bytes], first: Outcome) -> list[tuple[bytes, str]] | None:
        """Find the lines that are refused, in order, storing the others; None: the server refuses whatever comes.

        What was stored before is sent again: the same point is only overwritten by itself.
        """
        refused: list[tuple[bytes, str]] = []
        accepted = familiar = False
        waiting: list[tuple[list[bytes], Outcome | None]] = [(lines, first)]
        while waiting:
            piece, known = waiting.pop()
            sent = known or self._attempt(compressed(piece))
            if sent.what == "stored":
                if not (accepted or familiar):  # until now nothing was taken: it may have been the server, not the line
                    waiting += [([line], None) for line, _ in reversed(refused)]
                    refused = []
                accepted = True
            elif len(piece) == 1 or sent.dropped == len(piece):
                familiar = familiar or sent.is_familiar or sent.what == "long"
                refused += [(line, sent.reason) for line in piece]
                if not (accepted or familiar) and len(refused) >= min(_ALL_REFUSED, len(lines)):
                    return None
            else:
                half = len(piece) // 2
                waiting += [(piece[half:], None), (piece[:half], None)]
        return refused

    def _attempt(self, body: bytes) -> Outcome:
        """Send until the server says what it thinks of these lines; raises Stopped."""
        while not self._stop.is_set():
            sent = self._writing.write(self._bucket, body)
            if sent.what == "denied":
                self._wait_denied(sent)
            elif sent.what == "later":
                self._wait_later(sent)
            else:
                return sent
        raise Stopped

    def _note_well(self) -> None:
        if self._failures or self._denied:
            log.info("InfluxDB takes readings again")
        self._failures, self._away_since, self._denied = 0, 0.0, False

    def _wait_denied(self, sent: Outcome) -> None:
        if not self._denied:
            log.error("InfluxDB does not let us write, readings stay in the spool: %s", sent.reason)
        self._denied = True
        self._away_since = self._away_since or time.monotonic()
        self._pause(self._pace.denied_s)

    def _wait_later(self, sent: Outcome) -> None:
        if not self._failures:
            log.warning("InfluxDB does not take readings, they stay in the spool: %s", sent.reason)
        self._away_since = self._away_since or time.monotonic()
        self._failures += 1
        backoff_s: float = min(self._pace.most_s, self._pace.first_s * 2.0 ** min(self._failures - 1, 16))
        self._pause(backoff_s * (1 - self._jitter() / 2) if sent.retry_after_s is None else sent.retry_after_s)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped
