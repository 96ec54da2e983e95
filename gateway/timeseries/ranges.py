"""Aggregates over time: rollups where they are complete and clean, raw rows for everything else, never a difference."""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.contract.times import from_ms
from gateway.timeseries.schema import HOUR_MS, HOURS, MINUTE_MS, MINUTES, RAW, Level, Marks, load_marks
from gateway.timeseries.store import Bucket


class Piece(NamedTuple):
    """A part of a range to be read from one table: [start_ms, end_ms)."""

    level: Level
    start_ms: int
    end_ms: int


def plan(start_ms: int, end_ms: int, marks: Marks, dirty: Iterable[int], *, minutes: bool, hours: bool) -> list[Piece]:
    """Cut a range into pieces that together hold every row once.

    `dirty`: starts of the minutes in the range whose rollup is out of date, ascending; `minutes`, `hours`: whether the
    steps end on minutes, on hours. What retention dropped is left out.
    """
    pieces: list[Piece] = []

    def add(level: Level, from_ms: int, since_ms: int, until_ms: int) -> None:
        if max(since_ms, from_ms) < until_ms:
            pieces.append(Piece(level, max(since_ms, from_ms), until_ms))

    def add_clean(since_ms: int, until_ms: int) -> None:
        first_hour, end_hour = _up(since_ms, HOUR_MS), _down(min(until_ms, marks.hours_done), HOUR_MS)
        if hours and first_hour < end_hour:
            add(MINUTES, marks.minutes_from, since_ms, first_hour)
            add(HOURS, marks.hours_from, first_hour, end_hour)
            add(MINUTES, marks.minutes_from, end_hour, until_ms)
        else:
            add(MINUTES, marks.minutes_from, since_ms, until_ms)

    clean_from = _up(start_ms, MINUTE_MS)
    clean_end = min(_down(end_ms, MINUTE_MS), marks.minutes_done) if minutes else clean_from
    if clean_from >= clean_end:
        add(RAW, marks.raw_from, start_ms, end_ms)
        return pieces
    raw_since = start_ms
    cursor = clean_from
    for minute in (*(one for one in dirty if clean_from <= one < clean_end), clean_end):
        if cursor < minute:
            add(RAW, marks.raw_from, raw_since, cursor)
            add_clean(cursor, minute)
            raw_since = minute
        cursor = minute + MINUTE_MS
    add(RAW, marks.raw_from, raw_since, end_ms)
    return pieces


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
    merged: dict[int, _Part] = {}
    for piece in pieces:
        for part in _read(conn, series, piece, step_ms, shift):
            slot = part[0]
            merged[slot] = _merge(merged[slot], part) if slot in merged else part
    return [_bucket(slot * step_ms - shift, merged[slot]) for slot in sorted(merged)]


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


_Part = tuple[int, int, float, float, float, int, float]
"""(slot, rows, total, low, high, time of the newest, its value) of a slot, or of the piece of it in one table."""


def _up(at_ms: int, unit_ms: int) -> int:
    return -(-at_ms // unit_ms) * unit_ms


def _down(at_ms: int, unit_ms: int) -> int:
    return at_ms // unit_ms * unit_ms


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


_PARTS = {RAW: _RAW_PARTS, MINUTES: _rolled_parts(MINUTES), HOURS: _rolled_parts(HOURS)}


def _read(conn: sqlite3.Connection, series: int, piece: Piece, step_ms: int, shift: int) -> Iterable[_Part]:
    level, start_ms, end_ms = piece
    values = {
        "buckets": json.dumps(list(bounds(conn, level, start_ms, end_ms))),
        "series": series,
        "start": start_ms,
        "end": end_ms,
        "step": step_ms,
        "shift": shift,
    }
    return conn.execute(_PARTS[level], values)


def _merge(one: _Part, other: _Part) -> _Part:
    slot, rows, total, low, high, newest, last = one
    _, more_rows, more_total, lower, higher, newer, newer_last = other
    if newer > newest:
        newest, last = newer, newer_last
    return slot, rows + more_rows, total + more_total, min(low, lower), max(high, higher), newest, last


def _bucket(at_ms: int, part: _Part) -> Bucket:
    _, rows, total, low, high, _, last = part
    mean = total / rows
    if not low <= mean <= high:  # by rounding; or a sum beyond the greatest double, which may be no number at all
        mean = low if mean < low else high if mean > high else min(max(0.0, low), high)
    return Bucket(from_ms(at_ms), rows, mean, low, high, last)
