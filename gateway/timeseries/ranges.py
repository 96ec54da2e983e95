"""Aggregates over time: rollups where they are complete and clean, raw rows for everything else, never a difference."""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import json
import sqlite3
from collections.abc import Iterable, Iterator

from gateway.timeseries.pieces import Part, Piece, merged, plan
from gateway.timeseries.schema import HOUR_MS, HOURS, MINUTE_MS, MINUTES, RAW, Level, load_marks
from gateway.timeseries.store import Bucket


def aggregate(
    conn: sqlite3.Connection, series: int, start_ms: int, end_ms: int, step_ms: int, origin_ms: int
) -> list[Bucket]:
    """The buckets of one series, as this snapshot sees it."""
    marks = load_marks(conn)
    dirty = conn.execute(
        "SELECT at FROM dirty WHERE series = ? AND at > ? AND at < ? ORDER BY at",
        (series, start_ms - MINUTE_MS, end_ms),
    )
    pieces = plan(
        start_ms,
        end_ms,
        marks,
        [at for (at,) in dirty],
        minutes=step_ms % MINUTE_MS == 0 == origin_ms % MINUTE_MS,
        hours=step_ms % HOUR_MS == 0 == origin_ms % HOUR_MS,
    )
    shift = -origin_ms % step_ms
    parts = (part for piece in pieces for part in _read(conn, series, piece, step_ms, shift))
    return merged(parts, step_ms, shift)


def bounds(conn: sqlite3.Connection, level: Level, start_ms: int, end_ms: int | None) -> Iterator[int]:
    """Buckets of a table that exist between two times (no end: to the newest), ascending."""
    last = None if end_ms is None else (end_ms - 1) // level.bucket_ms
    bucket = start_ms // level.bucket_ms - 1
    following = f"SELECT min(bucket) FROM {level.table} WHERE bucket > ?"
    while True:
        found = conn.execute(following, (bucket,)).fetchone()[0]
        if found is None or (last is not None and found > last):
            return
        bucket = found
        yield bucket


# CROSS JOIN keeps the bucket list outermost. `last` is looked up by key instead of taken from max(ts)'s row: of two
# readings in one millisecond SQLite would pick either. `g.newest`: the rollup tables have a `newest` of their own.
_RAW_PARTS = f"""
SELECT slot, count, total, low, high, newest,
    (SELECT value FROM sample WHERE bucket = g.newest / {RAW.bucket_ms} AND series = :series AND ts = g.newest
     AND quality < 2 ORDER BY tie DESC LIMIT 1)
FROM (
    SELECT (r.ts + :shift) / :step AS slot, count(*) AS count, coalesce(sum(r.value), 0.0) AS total,
        min(r.value) AS low, max(r.value) AS high, max(r.ts) AS newest
    FROM json_each(:buckets) AS k CROSS JOIN sample AS r
        ON r.bucket = k.value AND r.series = :series AND r.ts >= :start AND r.ts < :end
    WHERE r.quality < 2 GROUP BY slot) AS g
"""


def _rolled_parts(level: Level) -> str:
    return f"""
SELECT slot, count, total, low, high, newest,
    (SELECT last FROM {level.table} WHERE bucket = g.newest / {level.bucket_ms} AND series = :series
     AND at = g.newest / {level.unit_ms} * {level.unit_ms})
FROM (
    SELECT (r.at + :shift) / :step AS slot, sum(r.count) AS count, coalesce(sum(r.total), 0.0) AS total,
        min(r.low) AS low, max(r.high) AS high, max(r.newest) AS newest
    FROM json_each(:buckets) AS k CROSS JOIN {level.table} AS r
        ON r.bucket = k.value AND r.series = :series AND r.at >= :start AND r.at < :end
    GROUP BY slot) AS g
"""


def _rolled_rows(level: Level) -> str:
    return f"""
SELECT (r.at + :shift) / :step, r.count, r.total, r.low, r.high, r.newest, r.last
FROM json_each(:buckets) AS k CROSS JOIN {level.table} AS r
    ON r.bucket = k.value AND r.series = :series AND r.at >= :start AND r.at < :end
"""


_ROWS = {MINUTES: _rolled_rows(MINUTES), HOURS: _rolled_rows(HOURS)}
"""For steps as long as a rollup's: each row is a part as it stands."""
_PARTS = {RAW: _RAW_PARTS, MINUTES: _rolled_parts(MINUTES), HOURS: _rolled_parts(HOURS)}


def _read(conn: sqlite3.Connection, series: int, piece: Piece, step_ms: int, shift: int) -> Iterable[Part]:
    level, start_ms, end_ms = piece
    values = {
        "buckets": json.dumps(list(bounds(conn, level, start_ms, end_ms))),
        "series": series,
        "start": start_ms,
        "end": end_ms,
        "step": step_ms,
        "shift": shift,
    }
    as_it_stands = level in _ROWS and step_ms == level.unit_ms and shift % level.unit_ms == 0
    return conn.execute((_ROWS if as_it_stands else _PARTS)[level], values)
