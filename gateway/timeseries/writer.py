"""The hot path: rows in, durable when it returns, repeats skipped, late rows noted for the rollups."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from pathlib import Path

from gateway.timeseries.refusal import refusal
from gateway.timeseries.schema import MINUTE_MS, RAW, connect_writer, explained, writing
from gateway.timeseries.store import AheadClaim, Row, StoreBusy, WriteResult

Cells = tuple[int, int, int, int, float, int, int]
"""(bucket, series id, ts, tie, value, quality, delay): one row of `sample`."""

_MOST_ROWS = 4096
_INSERTS = {
    size: "INSERT INTO sample VALUES " + ",".join(["(?,?,?,?,?,?,?)"] * size) + " ON CONFLICT DO NOTHING"  # noqa: S608
    for size in (1 << power for power in range(_MOST_ROWS.bit_length()))
}
_bucket_ms = RAW.bucket_ms
_at = itemgetter(1)
_key = itemgetter(0, 1, 2, 3)


class Writer:
    """The one writing connection of a store. Any thread may call it; one at a time gets through."""

    def __init__(self, path: Path, busy_timeout: timedelta) -> None:
        self._path = path
        self._busy_s = busy_timeout.total_seconds()
        self._turn = threading.Lock()
        with explained(path):
            self._conn = connect_writer(path, self._busy_s)
            self._ids: dict[str, int] = dict(self._conn.execute("SELECT name, id FROM series"))

    def write(self, rows: Sequence[Row]) -> WriteResult:
        """See TimeSeriesStore.write."""
        if not rows:
            return WriteResult(0, 0)
        with self._mine(), explained(self._path):
            try:
                return self._write(rows)
            except (sqlite3.IntegrityError, OverflowError) as error:
                raise refusal(rows, "SQLite") from error

    def settle(self, claims: Sequence[AheadClaim]) -> list[int]:
        """See TimeSeriesStore.settle_all_ahead."""
        with self._mine(), explained(self._path):
            conn = self._conn
            with writing(conn):
                ids = self._register({claim.series for claim in claims})
                keys = [(ids[claim.series], claim.claimed_ms, claim.tie) for claim in claims]
                conn.executemany(
                    "INSERT INTO ahead VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [(*key, claim.used_ms) for key, claim in zip(keys, claims, strict=True)],
                )
                one = "SELECT used_ms FROM ahead WHERE series = ? AND claimed_ms = ? AND tie = ?"
                used = [int(conn.execute(one, key).fetchone()[0]) for key in keys]
            self._ids = ids
        return used

    def close(self) -> None:
        """Close the connection, once the write under way is done."""
        with self._turn:
            self._conn.close()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        # Waiting for another thread and waiting for another process share one allowance.
        until = time.monotonic() + self._busy_s
        if not self._turn.acquire(timeout=self._busy_s):
            raise StoreBusy(f"Another thread is writing to {self._path}; nothing was written", hint="Try again")
        try:
            left_ms = max(0, round((until - time.monotonic()) * 1000))
            with explained(self._path):
                self._conn.execute(f"PRAGMA busy_timeout = {left_ms}")
            yield
        finally:
            self._turn.release()

    def _write(self, rows: Sequence[Row]) -> WriteResult:
        conn, ids, expired = self._conn, self._ids, 0
        try:
            cells = _cells(rows, ids)
        except KeyError:
            cells = []
        oldest = min(map(_at, rows))
        if oldest < 0:
            raise refusal(rows, "SQLite")
        with writing(conn):
            if not cells:
                ids = self._register({row[0] for row in rows})
                cells = _cells(rows, ids)
            # Read inside the transaction: the rollup moves its line in one of its own, so no row falls between.
            late_before = conn.execute("SELECT value FROM meta WHERE key = 'late_before'").fetchone()[0]
            if oldest < late_before:
                cells = self._mark_late(cells, late_before)
                expired = len(rows) - len(cells)
            # In key order the B-tree is walked once: a sixth less time for 50,000 rows of 1,000 series. By nothing but
            # the key: of two rows that share it the first one counts.
            cells.sort(key=_key)
            stored = _insert(conn, cells)
        self._ids = ids
        return WriteResult(stored, len(cells) - stored, expired)

    def _register(self, names: set[str]) -> dict[str, int]:
        """Ids by name, those of new series included; they are real only once the transaction is committed."""
        fresh = sorted(names - self._ids.keys())
        if not fresh:
            return self._ids
        self._conn.executemany(
            "INSERT INTO series (name) VALUES (?) ON CONFLICT DO NOTHING", [(name,) for name in fresh]
        )
        one = "SELECT id FROM series WHERE name = ?"
        return self._ids | {name: self._conn.execute(one, (name,)).fetchone()[0] for name in fresh}

    def _mark_late(self, cells: list[Cells], late_before: int) -> list[Cells]:
        """Tell the rollups which minutes to look at again; returns the rows that are not expired."""
        conn = self._conn
        raw_from = conn.execute("SELECT value FROM meta WHERE key = 'raw_from'").fetchone()[0]
        kept = [cell for cell in cells if cell[2] >= raw_from]
        late = sorted((cell[1], cell[2]) for cell in kept if cell[2] < late_before)
        dirty = sorted({(series, ts // MINUTE_MS * MINUTE_MS) for series, ts in late})
        conn.executemany("INSERT INTO dirty VALUES (?, ?) ON CONFLICT DO NOTHING", dirty)
        newest = dict(late)
        conn.executemany(
            "UPDATE series SET newest = ?2 WHERE id = ?1 AND newest < ?2",
            newest.items(),
        )
        return kept


def _cells(rows: Sequence[Row], ids: dict[str, int]) -> list[Cells]:
    return [
        (at_ms // _bucket_ms, ids[series], at_ms, tie, value, quality, received_ms - at_ms)
        for series, at_ms, tie, value, quality, received_ms in rows
    ]


def _insert(conn: sqlite3.Connection, cells: list[Cells]) -> int:
    """Insert what is not there yet; returns how many that were.

    Python gives up its global lock at every step of a statement, and beside a busy thread may get it back only 5 ms
    later. executemany steps once per row and so collapses now and then; a statement of 4,096 rows steps once.
    """
    before = conn.total_changes
    start, size = 0, _MOST_ROWS
    while start < len(cells):
        while size > len(cells) - start:
            size >>= 1
        conn.execute(_INSERTS[size], list(chain.from_iterable(cells[start : start + size])))
        start += size
    return conn.total_changes - before
