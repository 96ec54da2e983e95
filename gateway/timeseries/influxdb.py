"""Readings in InfluxDB 1.8+, 2.x or 3: written through a durable spool, read by InfluxQL."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.contract.times import to_ms
from gateway.timeseries.influx.http import Client
from gateway.timeseries.influx.intake import Intake
from gateway.timeseries.influx.progress import Progress, SeenMarks
from gateway.timeseries.influx.reader import Reader
from gateway.timeseries.influx.rollup import Keeper
from gateway.timeseries.influx.sender import Pace, Sender
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.influx.spool import Spool, SpoolTaken
from gateway.timeseries.retention import limits
from gateway.timeseries.schema import Marks
from gateway.timeseries.store import (
    EPOCH,
    AheadClaim,
    Bucket,
    Reading,
    Refused,
    Row,
    StoreBroken,
    TimeSeriesStore,
    WriteResult,
)

__all__ = ["InfluxServer", "InfluxStore", "Pace", "SpoolTaken", "drain_leftovers", "open_influx_store"]

log = logging.getLogger(__name__)

READ_CONNECT_S, READ_ANSWER_S, READ_REST_S = 2.0, 10.0, 2.0
SEND_CONNECT_S, SEND_ANSWER_S = 5.0, 30.0
CLOSE_WITHIN_S = 5.0
SPOOLS = "spool-*.db"
MOST_BESIDE = 16


def open_influx_store(
    server: InfluxServer,
    spool: Path | None,
    *,
    spool_bytes: int,
    pace: Pace = Pace(),  # noqa: B008 - immutable
    send_answer_s: float = SEND_ANSWER_S,
    moves: bool = True,
    beside: bool = False,
) -> TimeSeriesStore:
    """Open the store; without a spool for reading only. Raises SpoolTaken, StoreBroken; InfluxDB need not be there.

    `moves`: whether its rollups go on; for a spool left over by another process they are only mended. `beside`: when
    another process holds the spool (it lost its lease, but has not ended), use the next free one beside it.
    """
    reading = Client(server, connect_s=READ_CONNECT_S, answer_s=READ_ANSWER_S, rest_s=READ_REST_S)
    if spool is None:
        return InfluxStore(server, reading, None)
    held = _first_free(spool, spool_bytes) if beside else Spool(spool, spool_bytes)
    sending = Client(server, connect_s=SEND_CONNECT_S, answer_s=send_answer_s)
    progress = Progress(held, sending, server)
    keeper = Keeper(held, sending, server, progress, moves)
    sender = Sender(held, sending, server.raw, keeper.turn, pace, progress.load)
    return InfluxStore(server, reading, Writing(held, sending, progress, sender))


def _first_free(path: Path, spool_bytes: int) -> Spool:
    names = [path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, MOST_BESIDE + 1))]
    for name in names[:-1]:
        try:
            return Spool(name, spool_bytes)
        except (SpoolTaken, StoreBroken) as error:
            log.warning("%s. Using one beside it", error)
    return Spool(names[-1], spool_bytes)


def drain_leftovers(
    folder: Path,
    server: InfluxServer,
    stop: threading.Event,
    now: Callable[[], datetime],
    *,
    spool_bytes: int,
    pace: Pace = Pace(),  # noqa: B008 - immutable
    names: str = SPOOLS,
) -> list[Path]:
    """Send what spools in a folder hold that no process works with; returns the spools that are empty now.

    Runs until all are empty or it is told to stop: give it a thread. The files stay, with what they remember. A group
    that starts meanwhile finds its spool taken until its turn is over, and tries again.
    """
    done = []
    for path in sorted(folder.glob(names)):
        try:
            store = open_influx_store(server, path, spool_bytes=spool_bytes, pace=pace, moves=False)
        except SpoolTaken:
            continue
        except StoreBroken as error:  # the others need not wait for whoever mends it
            log.warning("a spool that was left behind cannot be opened: %s", error)
            continue
        assert isinstance(store, InfluxStore)
        try:
            while not stop.is_set():
                was_sent = store.is_sent
                store.maintain(now())
                if store.flush(1.0) and was_sent and store.is_mended:
                    done.append(path)
                    break
        finally:
            store.close()
        if stop.is_set():
            break
    return done


class Writing:
    """The half of a store that changes something."""

    def __init__(self, spool: Spool, client: Client, progress: Progress, sender: Sender) -> None:
        self.spool = spool
        self.client = client
        self.progress = progress
        self.sender = sender
        self.intake = Intake(spool, progress)

    def close(self) -> None:
        """Stop sending; what waits stays in the spool."""
        if not self.sender.close(CLOSE_WITHIN_S):
            log.warning("InfluxDB does not answer: its request is given up, %s keeps everything", self.spool.path)
        self.client.close()
        self.spool.close()


class InfluxStore:
    """TimeSeriesStore on InfluxDB; safe to share between threads."""

    def __init__(self, server: InfluxServer, reading: Client, writing: Writing | None) -> None:
        self._server = server
        self._client = reading
        self._changing = writing
        self._now: datetime | None = None
        marks = writing.progress if writing is not None else SeenMarks(reading, server)
        self._reader = Reader(reading, server, marks)

    def write(self, rows: Sequence[Row]) -> WriteResult:
        """See TimeSeriesStore; also raises RowRefused."""
        return self._writing.intake.write(rows)

    def range(
        self, series: str, start: datetime, end: datetime, step: timedelta, *, origin: datetime = EPOCH
    ) -> list[Bucket]:
        """See TimeSeriesStore; here as in what follows StoreBusy says that InfluxDB does not answer."""
        return self._reader.range(series, start, end, step, origin)

    def readings(self, series: str, start: datetime, end: datetime, limit: int = 10_000) -> list[Reading]:
        """See TimeSeriesStore."""
        return self._reader.readings(series, start, end, limit)

    def latest(self, series: Sequence[str]) -> dict[str, Reading]:
        """See TimeSeriesStore."""
        return self._reader.latest(series)

    def count(self, series: str | None = None) -> int:
        """See TimeSeriesStore."""
        return self._reader.count(series)

    def settle_ahead(self, series: str, claimed_ms: int, tie: int, used_ms: int) -> int:
        """See TimeSeriesStore."""
        return self.settle_all_ahead([AheadClaim(series, claimed_ms, tie, used_ms)])[0]

    def settle_all_ahead(self, claims: Sequence[AheadClaim]) -> list[int]:
        """See TimeSeriesStore."""
        return self._writing.spool.settle_ahead(claims) if claims else []

    def retain(self, now: datetime, raw: timedelta, minutes: timedelta, hours: timedelta) -> int:
        """Note what is older than is kept: it is neither taken nor answered any more. InfluxDB deletes it, so 0."""
        spool, progress = self._writing.spool, self._writing.progress
        for site in progress.known():
            with spool.changed:
                marks = progress.marks(site)
                first_dirty = next(iter(spool.dirty(site, 0, marks.minutes_done)), None)
                ages = [to_ms(now - age) for age in (raw, max(raw, minutes), max(raw, minutes, hours))]
                raw_from, minutes_from, hours_from = limits(marks, first_dirty, *ages)
                kept = marks._replace(raw_from=raw_from, minutes_from=minutes_from, hours_from=hours_from)
                progress.set(site, kept)
        return 0

    def maintain(self, now: datetime) -> None:
        """Have a bounded piece of housekeeping done on the sender's thread: a slow server holds nobody up."""
        self._now = now
        self._writing.sender.ask(now)

    def refused(self, limit: int = 100) -> list[Refused]:
        """See TimeSeriesStore."""
        return self._writing.spool.refused(limit)

    def forget_refused(self, through: int) -> None:
        """See TimeSeriesStore."""
        self._writing.spool.forget_refused(through)

    def figures(self) -> dict[str, float]:
        """See TimeSeriesStore. Totals of losses count since the spool was made."""
        if self._changing is None:
            return {}
        depth, state = self._changing.spool.depth(), self._changing.sender.state
        waits_ms = 0
        if depth.taken_ms is not None and self._now is not None:
            waits_ms = to_ms(self._now) - depth.taken_ms
        return {
            "spool_rows": depth.rows,
            "spool_bytes": depth.bytes,
            "spool_age_s": max(0.0, waits_ms / 1000),
            "spool_dropped": depth.dropped,
            "store_refused": depth.refused,
            "store_away_s": state.away_s,
            "store_denied": float(state.denied),
        }

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was taken in is sent and housekeeping asked for is done; False when it took longer."""
        return self._writing.sender.flush(timeout_s)

    def marks(self, site: str) -> Marks:
        """How far the rollups of a site have come, as this process knows it."""
        return self._writing.progress.marks(site)

    @property
    def is_sent(self) -> bool:
        """Nothing waits to be sent."""
        return not self._writing.spool.waiting

    @property
    def is_mended(self) -> bool:
        """Nothing waits to be rolled up again, as far as InfluxDB has told us."""
        spool, progress = self._writing.spool, self._writing.progress
        return not any(spool.to_mend(site, 0, progress.marks(site).minutes_done, 1) for site in progress.known())

    def close(self) -> None:
        """See TimeSeriesStore."""
        self._client.close()
        if self._changing is not None:
            self._changing.close()

    @property
    def _writing(self) -> Writing:
        if self._changing is None:
            raise StoreBroken(
                f"The time series at {self._server.url} are open for reading only", hint="Write through ingest"
            )
        return self._changing
