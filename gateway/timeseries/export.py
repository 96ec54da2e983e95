"""Everything a SQLite store holds, oldest first, in pieces that fit into memory: for moving it elsewhere."""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from gateway.timeseries.ranges import bounds
from gateway.timeseries.schema import (
    MINUTE_MS,
    RAW,
    Level,
    Marks,
    connect_reader,
    explained,
    is_ready,
    load_marks,
    snapshot,
)
from gateway.timeseries.store import AheadClaim, Row, StoreBroken

_BUSY_S = 5.0
_ALONE_S = 1.0


class Slice(NamedTuple):
    """A period within one bucket of a table: [start_ms, end_ms), about so many rows."""

    level: Level
    start_ms: int
    end_ms: int
    rows: int


class Rollup(NamedTuple):
    """One stored minute or hour of a series."""

    at_ms: int
    rows: int
    total: float
    low: float
    high: float
    last: float


class Export:
    """Reads a store beside its writer, or `alone`: then nobody else has the file open until `close`."""

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        """Raises StoreBusy when somebody has it open and it is to be alone, StoreBroken when there is none."""
        with explained(path):
            conn = _connect_alone(path) if alone else connect_reader(path, _BUSY_S)
        if conn is None:
            raise StoreBroken(f"There is no time-series store at {path}", hint="Name the right data directory")
        self._path = path
        self._conn = conn
        self.series = {number: str(name) for number, name in self._conn.execute("SELECT id, name FROM series")}
        """Names by number."""

    def marks(self) -> Marks:
        """How far housekeeping has come."""
        with explained(self._path):
            return load_marks(self._conn)

    def dirty(self) -> int:
        """How many minutes have a rollup that is out of date."""
        with explained(self._path):
            return int(self._conn.execute("SELECT count(*) FROM dirty").fetchone()[0])

    def slices(self, level: Level, start_ms: int, end_ms: int, most_rows: int) -> Iterator[Slice]:
        """The period in pieces, oldest first; of about equal length within a bucket, so that most hold so many rows."""
        with explained(self._path):
            for bucket in list(bounds(self._conn, level, start_ms, end_ms)):
                first_ms = max(bucket * level.bucket_ms, start_ms)
                last_ms = min((bucket + 1) * level.bucket_ms, end_ms)
                count = f"SELECT count(*) FROM {level.table} WHERE bucket = ?"
                rows = int(self._conn.execute(count, (bucket,)).fetchone()[0])
                pieces = -(-rows // most_rows)
                length_ms = max(MINUTE_MS, -(-(last_ms - first_ms) // max(1, pieces)))
                for at_ms in range(first_ms, last_ms, length_ms):
                    yield Slice(level, at_ms, min(at_ms + length_ms, last_ms), -(-rows // max(1, pieces)))

    def rows(self, piece: Slice) -> Iterator[tuple[str, list[Row]]]:
        """Raw rows of a slice by series, in the order of time and tie, as they are written to a store."""
        for series, cells in self._by_series(piece, "ts", "r.ts, r.tie, r.value, r.quality, r.delay"):
            name = self.series[series]
            yield name, [(name, at, tie, value, quality, at + delay) for at, tie, value, quality, delay in cells]

    def rollups(self, piece: Slice) -> Iterator[tuple[str, list[Rollup]]]:
        """Minutes or hours of a slice by series."""
        for series, cells in self._by_series(piece, "at", "r.at, r.count, r.total, r.low, r.high, r.last"):
            yield self.series[series], [Rollup(*one) for one in cells]

    def claims(self) -> Iterator[AheadClaim]:
        """Readings whose device's clock ran ahead, and the times used instead."""
        sql = "SELECT s.name, a.claimed_ms, a.tie, a.used_ms FROM ahead AS a JOIN series AS s ON s.id = a.series"
        with explained(self._path):
            yield from (AheadClaim(*one) for one in self._conn.execute(sql))

    def close(self) -> None:
        """Let go of the file."""
        self._conn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _by_series(self, piece: Slice, time: str, columns: str) -> Iterator[tuple[int, list[Any]]]:
        level, start_ms, end_ms, _ = piece
        sql = (
            f"SELECT {columns} FROM {level.table} AS r"
            f" WHERE r.bucket = ? AND r.series = ? AND r.{time} >= ? AND r.{time} < ? ORDER BY r.{time}"
        ) + (", r.tie" if level is RAW else "")
        with explained(self._path), snapshot(self._conn):
            known = dict(self._conn.execute("SELECT id, name FROM series"))
            self.series |= known
            for series in sorted(known):
                found = self._conn.execute(sql, (start_ms // level.bucket_ms, series, start_ms, end_ms)).fetchall()
                if found:
                    yield series, found


def _connect_alone(path: Path) -> sqlite3.Connection | None:
    if not path.exists():
        return None
    conn = sqlite3.connect(path, timeout=_ALONE_S, isolation_level=None, check_same_thread=False)
    try:
        conn.execute("PRAGMA locking_mode = EXCLUSIVE")
        conn.execute("BEGIN EXCLUSIVE")
        conn.execute("COMMIT")
        if is_ready(conn, path):
            return conn
    except BaseException:
        conn.close()
        raise
    conn.close()
    return None
