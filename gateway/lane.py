"""One persistent session and the thread that serves it: socket → decode → store → judge → commit → acknowledge."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from gateway.contract.errors import NotNow, NotOurs
from gateway.contract.heard import Judge
from gateway.contract.receipts import Receipt
from gateway.contract.topics import receipt_topic
from gateway.decoder import Batch, Claim, Decoder, judge_failed
from gateway.subscribe import Message, Subscriber
from gateway.timeseries.store import StoreBroken, StoreBusy, TimeSeriesStore, WriteResult

log = logging.getLogger(__name__)

MAX_MESSAGES = 1000
MAX_URGENT_MESSAGES = 100
"""The first alarm of a storm is committed, and told, before the last of it has been judged."""
MAX_BYTES = 4 << 20
LINGER_S = 0.02
WAIT_S = 0.1
RECEIPT_INTERVAL_S = 0.05
RETRY_S = 0.5
BEHIND_MS = 5_000
"""A lane that hears only older events, for as long, is working off a backlog."""

NowMs = Callable[[], int]
_T = TypeVar("_T")
_PASSING = (StoreBusy, StoreBroken, NotNow)
"""No message's fault: it is waited for, also when a person has to mend it (a full disk)."""


@dataclass(slots=True)
class Receipts:
    """Collects what is stored per publisher and sends it, coalesced."""

    send: Callable[[str, bytes], None]
    interval_s: float = RECEIPT_INTERVAL_S
    _open: dict[str, Receipt] = field(default_factory=dict)
    _sent_at: float = 0.0

    def add(self, claims: Sequence[Claim]) -> None:
        """Note events that are safe."""
        for via, device, boot, seq, event_id in claims:
            receipt = self._open.get(via)
            if receipt is None:
                receipt = self._open[via] = Receipt()
            receipt.add(device, boot, seq, event_id)

    def flush(self, *, force: bool = False) -> None:
        """Send what has collected, not more often than the interval."""
        if not self._open or (not force and time.monotonic() - self._sent_at < self.interval_s):
            return
        for publisher, receipt in self._open.items():
            self.send(receipt_topic(publisher), receipt.to_json())
        self._open.clear()
        self._sent_at = time.monotonic()


@dataclass(slots=True)
class Figures:
    """Ingest's own numbers, per lane."""

    messages: int = 0
    readings: int = 0
    rejected: int = 0
    batches: int = 0
    lag_ms: int = 0
    """Receive time minus event time of the newest event of the last batch."""
    stalled_s: float = 0.0
    """How long the current batch has been waiting for the store or the database."""


class Taken(NamedTuple):
    """A batch between socket and acknowledgement."""

    messages: Sequence[Message]
    batch: Batch
    received_ms: int
    generation: int
    """The connection it came over: message ids mean nothing on another one."""
    write: Future[WriteResult] | None
    """The store's write, when there are rows."""


class Lane:
    """One session and the thread that serves it."""

    def __init__(
        self,
        name: str,
        subscriber: Subscriber,
        decoder: Decoder,
        judge: Judge,
        store: TimeSeriesStore,
        now_ms: NowMs,
        on_session: Callable[["Lane", bool], bool],
        max_messages: int = MAX_MESSAGES,
    ) -> None:
        """`on_session(lane, present)`: the broker answered a connection; it may raise NotNow and is called again.

        `max_messages`: of one batch, and so of one transaction.
        """
        self.name = name
        self.subscriber = subscriber
        self.figures = Figures()
        self._decoder = decoder
        self._judge = judge
        self._store = store
        self._now_ms = now_ms
        self._receipts = Receipts(subscriber.publish)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"store-{name}")
        self._waiting: Taken | None = None
        self._on_session = on_session
        self._max_messages = max_messages
        self._new_session: bool | None = None
        subscriber.on_session = self._note_session
        self.hearing_since_ms = 0
        """Since when this lane has been connected and caught up; 0 while it is not."""
        self._behind_since_ms = 0

    def turn(self, stop: threading.Event) -> None:
        """One batch from socket to acknowledgement, while the store is still writing the one before."""
        waiting = self._waiting
        messages = self.subscriber.gather(self._max_messages, MAX_BYTES, LINGER_S, 0.0 if waiting else WAIT_S)
        if self._new_session is not None and not self._tell_session(self._new_session, stop):
            return
        taken = self._take(messages, stop) if messages else None
        if waiting is not None:
            self._waiting = None
            self._finish(waiting, stop)
        self._waiting = taken
        if not messages:
            self._receipts.flush(force=waiting is None)
            if waiting is None:
                self._note_hearing(self._now_ms(), caught_up=True)

    def _note_session(self, present: bool) -> None:
        # paho's callback: raising here would break its loop, and it must not wait for a database.
        self._new_session = present and self._new_session is not False

    def _tell_session(self, present: bool, stop: threading.Event) -> bool:
        if self._persist(lambda: self._on_session(self, present), stop) is None:
            return False
        self._new_session = None
        return True

    def _take(self, messages: Sequence[Message], stop: threading.Event) -> Taken | None:
        """Decode a batch and hand its rows to the store's thread; SQLite works there without holding up Python."""
        received_ms = self._now_ms()
        batch = self._decode(messages, received_ms, stop)
        if batch is None:
            return None
        write = self._writer.submit(self._store.write, batch.rows) if batch.rows else None
        return Taken(messages, batch, received_ms, self.subscriber.generation, write)

    def _finish(self, taken: Taken, stop: threading.Event) -> None:
        """Judge, commit and acknowledge a batch whose rows are (being) stored."""
        if not self._commit(taken, stop):
            return
        self.subscriber.acknowledge(taken.messages, taken.generation)
        self._receipts.add(taken.batch.claims)
        self._receipts.flush()
        self._count(taken)

    def _commit(self, taken: Taken, stop: threading.Event) -> bool:
        """Store and judge until it is done; False only when told to stop before."""
        messages, batch, received_ms, _, write = taken
        started = time.monotonic()
        stored = write is None
        refused = False
        while not stop.is_set():
            try:
                if write is not None:
                    write.result()
                elif not stored:
                    self._store.write(batch.rows)
                stored, write = True, None
                self._judge.hear(batch.heard, batch.rejected, received_ms)
            except _PASSING as error:
                write = None
                self._stall(error, time.monotonic() - started)
                stop.wait(RETRY_S)
            except NotOurs:
                raise
            except Exception as error:
                # One poison message must not stop the stream: it is found by halving no further than one by one.
                if len(messages) > 1:
                    return all(self._commit_alone(message, taken, stop) for message in messages)
                if refused:
                    raise
                log.exception("%s lane: a message could not be judged and goes to quarantine", self.name)
                batch = self._decoder.refuse(messages[0], judge_failed(error), received_ms)
                stored, write, refused = True, None, True
            else:
                self.figures.stalled_s = 0.0
                return True
        return False

    def _commit_alone(self, message: Message, taken: Taken, stop: threading.Event) -> bool:
        batch = self._decode([message], taken.received_ms, stop)
        if batch is None:
            return False
        write = self._writer.submit(self._store.write, batch.rows) if batch.rows else None
        return self._commit(Taken([message], batch, taken.received_ms, taken.generation, write), stop)

    def _decode(self, messages: Sequence[Message], received_ms: int, stop: threading.Event) -> Batch | None:
        return self._persist(lambda: self._decoder.decode_all(messages, received_ms), stop)

    def _persist(self, work: Callable[[], _T], stop: threading.Event) -> _T | None:
        """Do it until store and database take it; None only when told to stop before."""
        started = time.monotonic()
        while not stop.is_set():
            try:
                return work()
            except _PASSING as error:
                self._stall(error, time.monotonic() - started)
                stop.wait(RETRY_S)
        return None

    def _stall(self, error: Exception, waited_s: float) -> None:
        level = logging.WARNING if self.figures.stalled_s == 0 else logging.DEBUG
        log.log(level, "%s lane waits: %s", self.name, error)
        self.figures.stalled_s = max(waited_s, RETRY_S)
        self._note_hearing(self._now_ms(), caught_up=False)
        self.subscriber.keep_alive()

    def close(self) -> None:
        """Leave the session and end the store's thread; what was not acknowledged will be delivered again."""
        self.subscriber.close()
        self._writer.shutdown()

    def _count(self, taken: Taken) -> None:
        figures, batch = self.figures, taken.batch
        figures.batches += 1
        figures.messages += len(taken.messages)
        figures.readings += len(batch.rows)
        figures.rejected += len(batch.rejected)
        if batch.heard:
            figures.lag_ms = max(0, taken.received_ms - batch.heard[-1].at_ms)
        # How full a batch is tells nothing: a broker's window may keep every one of a long backlog small.
        now_ms = self._now_ms()  # not when it was received: it may have waited for the store since
        self._note_hearing(now_ms, caught_up=_is_news(batch, now_ms))

    def _note_hearing(self, now_ms: int, *, caught_up: bool) -> None:
        """A burst or a short wait is no deafness: silence is judged on unless we stay behind."""
        if caught_up:
            self._behind_since_ms = 0
        elif not 0 < self._behind_since_ms <= now_ms:
            self._behind_since_ms = now_ms
        behind = self._behind_since_ms > 0 and now_ms - self._behind_since_ms >= BEHIND_MS
        if not self.subscriber.connected or behind:
            self.hearing_since_ms = 0
        elif not 0 < self.hearing_since_ms <= now_ms:  # never, or our clock moved back
            self.hearing_since_ms = now_ms


def _is_news(batch: Batch, now_ms: int) -> bool:
    return any(
        now_ms - event.at_ms < BEHIND_MS and not event.ahead_ms and (event.samples or event.body is not None)
        for event in reversed(batch.heard)
    )
