"""Reading beside the writer: a pool of read-only connections, each query in one short snapshot."""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import json
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from gateway.contract.times import from_ms, to_ms
from gateway.timeseries.ranges import aggregate, bounds
from gateway.timeseries.schema import RAW, Marks, connect_reader, explained, load_marks, snapshot
from gateway.timeseries.store import Bucket, Reading, StoreBroken

_READ_BUSY_S = 5.0
"""Readers wait only while the file is being recovered or closed."""

_LATEST = f"""
WITH newest AS MATERIALIZED (
    SELECT s.id, s.name, coalesce(
        (SELECT max((SELECT max(ts) FROM sample WHERE bucket = recent.value AND series = s.id))
         FROM json_each(:recent) AS recent),
        s.newest) AS ts
    FROM json_each(:names) AS wanted CROSS JOIN series AS s ON s.name = wanted.value)
SELECT n.name, r.ts, r.value, r.quality, r.delay
FROM newest AS n CROSS JOIN sample AS r
    ON r.bucket = n.ts / {RAW.bucket_ms} AND r.series = n.id AND r.ts = n.ts AND r.ts >= :raw_from
    AND r.tie = (SELECT max(tie) FROM sample WHERE bucket = n.ts / {RAW.bucket_ms} AND series = n.id AND ts = n.ts)
"""


class Reader:
    """Everything a store answers. Any number of threads; a store that does not exist yet has no rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    def range(self, series: str, start: datetime, end: datetime, step: timedelta, origin: datetime) -> list[Bucket]:
        """See TimeSeriesStore.range."""
        step_ms = step // timedelta(milliseconds=1)
        if step_ms < 1 or timedelta(milliseconds=step_ms) != step:
            raise ValueError(f"step {step} is not a positive number of whole milliseconds")
        with self._snapshot() as conn:
            number = _number(conn, series)
            if conn is None or number is None:
                return []
            return aggregate(conn, number, _ceil_ms(start), _ceil_ms(end), step_ms, to_ms(origin))

    def readings(self, series: str, start: datetime, end: datetime, limit: int) -> list[Reading]:
        """See TimeSeriesStore.readings."""
        with self._snapshot() as conn:
            number = _number(conn, series)
            if conn is None or number is None:
                return []
            first_ms, end_ms = max(_ceil_ms(start), load_marks(conn).raw_from), _ceil_ms(end)
            found: list[Reading] = []
            for bucket in bounds(conn, RAW, first_ms, end_ms):
                rows = conn.execute(
                    "SELECT ts, value, quality, delay FROM sample"
                    " WHERE bucket = ? AND series = ? AND ts >= ? AND ts < ? ORDER BY ts, tie LIMIT ?",
                    (bucket, number, first_ms, end_ms, limit - len(found)),
                )
                found.extend(_reading(*row) for row in rows)
                if len(found) >= limit:
                    break
            return found

    def latest(self, series: Sequence[str]) -> dict[str, Reading]:
        """See TimeSeriesStore.latest."""
        with self._snapshot() as conn:
            if conn is None:
                return {}
            marks = load_marks(conn)
            rows = conn.execute(
                _LATEST,
                {
                    "names": json.dumps(list(series)),
                    "recent": json.dumps(_recent_buckets(conn, marks)),
                    "raw_from": marks.raw_from,
                },
            )
            return {name: _reading(*cells) for name, *cells in rows}

    def count(self, series: str | None) -> int:
        """See TimeSeriesStore.count."""
        with self._snapshot() as conn:
            if conn is None:
                return 0
            first = load_marks(conn).raw_from // RAW.bucket_ms
            if series is None:
                sql, values = "SELECT count(*) FROM sample WHERE bucket >= ?", (first,)
                return int(conn.execute(sql, values).fetchone()[0])
            number = _number(conn, series)
            sql = "SELECT count(*) FROM sample WHERE bucket = ? AND series = ?"
            buckets = bounds(conn, RAW, first * RAW.bucket_ms, None)
            return sum(int(conn.execute(sql, (bucket, number)).fetchone()[0]) for bucket in buckets)

    def close(self) -> None:
        """Close idle connections; those in use close when their query is done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection | None]:
        if self._closed:
            raise StoreBroken(f"The time-series store {self._path} is closed")
        with explained(self._path):
            conn = self._take()
            if conn is None:
                yield None
                return
            try:
                with snapshot(conn):
                    yield conn
            except BaseException:
                conn.close()
                raise
            self._give_back(conn)

    def _take(self) -> sqlite3.Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return connect_reader(self._path, _READ_BUSY_S)

    def _give_back(self, conn: sqlite3.Connection) -> None:
        self._idle.append(conn)
        if self._closed:
            self.close()


def _number(conn: sqlite3.Connection | None, series: str) -> int | None:
    found = conn.execute("SELECT id FROM series WHERE name = ?", (series,)).fetchone() if conn else None
    return int(found[0]) if found else None


def _recent_buckets(conn: sqlite3.Connection, marks: Marks) -> list[int]:
    """Buckets with rows that `series.newest` may not know of yet: normally one or two."""
    floor = marks.minutes_done // RAW.bucket_ms
    return list(bounds(conn, RAW, floor * RAW.bucket_ms, None))


def _reading(at_ms: int, value: float, quality: int, delay_ms: int) -> Reading:
    return Reading(from_ms(at_ms), value, quality, from_ms(at_ms + delay_ms))


def _ceil_ms(moment: datetime) -> int:
    # Rows have whole milliseconds: with both ends rounded up, [start, end) means what it says.
    floor = to_ms(moment)
    return floor if from_ms(floor) == moment else floor + 1
