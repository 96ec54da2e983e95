"""Housekeeping beside the writer: minutes and hours rolled up behind a line, mended when late rows arrive.

`late_before` is the line: rows older than it mark their minute dirty as they are written. A minute is rolled up only
after the line has passed it, from a snapshot taken after that, so a row is either in the snapshot or its minute is
dirty. Scanning happens in that snapshot, without the write lock; a second, short transaction stores the result if no
other housekeeping came between (`generation`). A range reads rolled-up, clean minutes from here and the rest raw.
"""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from gateway.contract.times import to_ms
from gateway.timeseries.retention import drop
from gateway.timeseries.schema import (
    HOUR_MS,
    HOURS,
    MINUTE_MS,
    MINUTES,
    RAW,
    Level,
    Marks,
    connect_writer,
    explained,
    load_marks,
    save_marks,
    snapshot,
    writing,
)
from gateway.timeseries.store import StoreBusy

SETTLE = timedelta(minutes=1)
"""How long after its end a minute is left open: rows that come in this time cost nothing extra."""
CHECKPOINT_EVERY = timedelta(seconds=30)
_CHUNKS = 4
_CHUNK_ROWS = 5_000
"""Rollup rows written in one transaction, about; it holds the lock for some 20 ms."""
_MEND_BATCHES = 4
_MEND_MINUTES = 250
_CHECKPOINT_BUSY_MS = 100
"""How long a checkpoint may wait for readers, and the writer for it."""

_FRESH = """CREATE TEMP TABLE IF NOT EXISTS fresh (
    bucket INTEGER, series INTEGER, at INTEGER, count INTEGER, total REAL, low REAL, high REAL,
    newest INTEGER, last REAL)"""
_SEEN = "CREATE TEMP TABLE IF NOT EXISTS seen (series INTEGER PRIMARY KEY, newest INTEGER)"
_JOB = "CREATE TEMP TABLE IF NOT EXISTS job (series INTEGER, at INTEGER, PRIMARY KEY (series, at)) WITHOUT ROWID"

_COLUMNS = """
    count(*) AS count, coalesce(sum(r.value), 0.0) AS total, min(r.value) AS low, max(r.value) AS high,
    max(r.ts) AS newest"""
# An infinite total (readings near the greatest double) is stored as it is; one that is no number becomes 0.
_LAST_RAW = f"""(SELECT value FROM sample WHERE bucket = g.newest / {RAW.bucket_ms} AND series = g.series
    AND ts = g.newest AND quality < 2 ORDER BY tie DESC LIMIT 1)"""
_MINUTES_OF_SPAN = f"""
INSERT INTO temp.fresh
SELECT at / {MINUTES.bucket_ms}, series, at, count, total, low, high, newest, {_LAST_RAW}
FROM (
    SELECT s.id AS series, r.ts / {MINUTE_MS} * {MINUTE_MS} AS at, {_COLUMNS}
    FROM series AS s CROSS JOIN sample AS r
        ON r.bucket = :bucket AND r.series = s.id AND r.ts >= :start AND r.ts < :end
    WHERE r.quality < 2 GROUP BY 1, 2) AS g
"""
_MINUTES_OF_JOB = f"""
INSERT OR REPLACE INTO minute
SELECT at / {MINUTES.bucket_ms}, series, at, count, total, low, high, newest, {_LAST_RAW}
FROM (
    SELECT j.series AS series, j.at AS at, {_COLUMNS}
    FROM temp.job AS j CROSS JOIN sample AS r
        ON r.bucket = j.at / {RAW.bucket_ms} AND r.series = j.series AND r.ts >= j.at AND r.ts < j.at + {MINUTE_MS}
    WHERE r.quality < 2 GROUP BY 1, 2) AS g
"""
_SEEN_IN_SPAN = """
INSERT INTO temp.seen
SELECT s.id, (SELECT max(ts) FROM sample WHERE bucket = :bucket AND series = s.id AND ts >= :start AND ts < :end)
FROM series AS s
"""
_NEWEST = """
UPDATE series SET newest = seen.newest FROM temp.seen AS seen
WHERE seen.series = series.id AND seen.newest > series.newest
"""


def _hours(source: str) -> str:
    return f"""
SELECT at / {HOURS.bucket_ms}, series, at, count, total, low, high, newest,
    (SELECT last FROM minute WHERE bucket = g.newest / {MINUTES.bucket_ms} AND series = g.series
     AND at = g.newest / {MINUTE_MS} * {MINUTE_MS})
FROM (
    SELECT r.series AS series, r.at / {HOUR_MS} * {HOUR_MS} AS at, sum(r.count) AS count,
        coalesce(sum(r.total), 0.0) AS total, min(r.low) AS low, max(r.high) AS high, max(r.newest) AS newest
    FROM {source} GROUP BY 1, 2) AS g
"""


_HOURS_OF_SPAN = "INSERT INTO temp.fresh" + _hours(
    "series AS s CROSS JOIN minute AS r ON r.bucket = :bucket AND r.series = s.id AND r.at >= :start AND r.at < :end"
)
_HOURS_OF_JOB = "INSERT OR REPLACE INTO hour" + _hours(
    f"(SELECT DISTINCT series, at / {HOUR_MS} * {HOUR_MS} AS at FROM temp.job) AS h CROSS JOIN minute AS r"
    f" ON r.bucket = h.at / {MINUTES.bucket_ms} AND r.series = h.series AND r.at >= h.at AND r.at < h.at + {HOUR_MS}"
)


class Keeper:
    """Rolls up, mends, drops and checkpoints, on a connection of its own."""

    def __init__(self, path: Path, busy_timeout: timedelta) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._busy_ms = busy_timeout // timedelta(milliseconds=1)
        self._checkpointed_at: datetime | None = None
        with explained(path):
            self._conn = connect_writer(path, busy_timeout.total_seconds())
            for table in (_FRESH, _SEEN, _JOB):
                self._conn.execute(table)

    def maintain(self, now: datetime) -> None:
        """See TimeSeriesStore.maintain."""
        with self._mine():
            self._move_line(to_ms(now - SETTLE) // MINUTE_MS * MINUTE_MS)
            _repeat(self._roll_minutes, _CHUNKS)
            _repeat(self._roll_hours, _CHUNKS)
            _repeat(self._mend, _MEND_BATCHES)
            last = self._checkpointed_at
            if last is None or not last <= now < last + CHECKPOINT_EVERY:
                self._checkpoint()
                self._checkpointed_at = now

    def retain(self, now: datetime, raw: timedelta, minutes: timedelta, hours: timedelta) -> int:
        """See TimeSeriesStore.retain."""
        with self._mine():
            return drop(self._conn, to_ms(now - raw), to_ms(now - minutes), to_ms(now - hours))

    def close(self) -> None:
        """Close the connection, once the work under way is done."""
        with self._turn:
            self._conn.close()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._busy_ms / 1000):
            raise StoreBusy(f"Housekeeping of {self._path} is under way in another thread", hint="Try again")
        try:
            with explained(self._path):
                yield
        finally:
            self._turn.release()

    def _move_line(self, line_ms: int) -> None:
        if line_ms <= load_marks(self._conn).late_before:
            return
        with writing(self._conn):
            marks = load_marks(self._conn)
            save_marks(self._conn, marks._replace(late_before=max(marks.late_before, line_ms)))

    def _roll_minutes(self) -> bool:
        conn = self._conn
        self._forget()
        with snapshot(conn):
            marks = load_marks(conn)
            if marks.minutes_done >= marks.late_before:
                return False
            span = _next_span(conn, RAW, MINUTE_MS, marks.minutes_done, marks.late_before)
            conn.execute(_MINUTES_OF_SPAN, span)
            conn.execute(_SEEN_IN_SPAN, span)
        return self._store("minute", marks, marks._replace(minutes_done=span["end"]))

    def _roll_hours(self) -> bool:
        conn = self._conn
        self._forget()
        with snapshot(conn):
            marks = load_marks(conn)
            complete = marks.minutes_done // HOUR_MS * HOUR_MS
            if marks.hours_done >= complete:
                return False
            span = _next_span(conn, MINUTES, HOUR_MS, marks.hours_done, complete)
            conn.execute(_HOURS_OF_SPAN, span)
        return self._store("hour", marks, marks._replace(hours_done=span["end"]))

    def _forget(self) -> None:
        for table in ("fresh", "seen", "job"):
            self._conn.execute(f"DELETE FROM temp.{table}")

    def _store(self, table: str, before: Marks, after: Marks) -> bool:
        """Keep what was computed from a snapshot, unless other housekeeping has been at work since."""
        conn = self._conn
        with writing(conn):
            if load_marks(conn).generation != before.generation:
                return False
            conn.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM temp.fresh ORDER BY 1, 2, 3")
            conn.execute(_NEWEST)
            save_marks(conn, after)
        return True

    def _mend(self) -> bool:
        """Roll up some dirty minutes again, and the hours they are in; few enough to do all of it under the lock."""
        conn = self._conn
        self._forget()
        with snapshot(conn):
            if not conn.execute("SELECT EXISTS (SELECT 1 FROM dirty)").fetchone()[0]:
                return False
        with writing(conn):
            marks = load_marks(conn)
            job = conn.execute(
                "INSERT INTO temp.job SELECT series, at FROM dirty WHERE at < ? LIMIT ?",
                (marks.minutes_done, _MEND_MINUTES),
            )
            if job.rowcount < 1:
                return False
            conn.execute(_MINUTES_OF_JOB)
            conn.execute(_HOURS_OF_JOB)
            conn.execute("DELETE FROM dirty WHERE (series, at) IN (SELECT series, at FROM temp.job)")
            save_marks(conn, marks)
        return job.rowcount == _MEND_MINUTES

    def _checkpoint(self) -> None:
        """Move the write-ahead log into the file and cut it, unless a reader is in the way for long."""
        conn = self._conn
        conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        conn.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_BUSY_MS}")
        try:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            conn.execute(f"PRAGMA busy_timeout = {self._busy_ms}")


def _repeat(work: Callable[[], bool], most: int) -> None:
    for _ in range(most):
        if not work():
            return


def _next_span(conn: sqlite3.Connection, source: Level, unit_ms: int, done_ms: int, until_ms: int) -> dict[str, int]:
    """The next piece to roll up: within one bucket of the source, about _CHUNK_ROWS results, gaps skipped at once."""
    following = f"SELECT min(bucket) FROM {source.table} WHERE bucket >= ?"
    bucket = conn.execute(following, (done_ms // source.bucket_ms,)).fetchone()[0]
    if bucket is None or bucket * source.bucket_ms >= until_ms:
        return {"bucket": -1, "start": done_ms, "end": until_ms}
    series = conn.execute("SELECT count(*) FROM series").fetchone()[0]
    start = max(done_ms, bucket * source.bucket_ms)
    units = max(1, _CHUNK_ROWS // max(1, series))
    return {
        "bucket": bucket,
        "start": start,
        "end": min(until_ms, (bucket + 1) * source.bucket_ms, start + units * unit_ms),
    }
