"""Dropping what is too old: whole buckets, a little at a time, and never what is not rolled up."""
# ruff: noqa: S608 - the texts put together here are table names and numbers of ours

import sqlite3

from gateway.timeseries.schema import HOURS, MINUTES, RAW, Level, Marks, load_marks, save_marks, writing

_MOST_ROWS = 20_000
"""Rows deleted in one transaction, about, so that the writer never waits long."""


def drop(conn: sqlite3.Connection, raw_from_ms: int, minutes_from_ms: int, hours_from_ms: int) -> int:
    """Drop whole buckets before these times; returns the number of rows. A crash in between is made up for next time.

    The new limits are stored first: from then on no query sees what is being dropped, and rows older than that are
    no longer accepted, since rolling one up again would forget its dropped neighbours.
    """
    with writing(conn):
        marks = load_marks(conn)
        first = conn.execute("SELECT min(at) FROM dirty").fetchone()[0]
        raw, minutes, hours = limits(marks, first, raw_from_ms, minutes_from_ms, hours_from_ms)
        if (raw, minutes, hours) != (marks.raw_from, marks.minutes_from, marks.hours_from):
            save_marks(conn, marks._replace(raw_from=raw, minutes_from=minutes, hours_from=hours))
            conn.execute("DELETE FROM ahead WHERE used_ms < ?", (raw,))
    return _delete(conn, RAW, raw) + _delete(conn, MINUTES, minutes) + _delete(conn, HOURS, hours)


def limits(
    marks: Marks, first_dirty_ms: int | None, raw_from_ms: int, minutes_from_ms: int, hours_from_ms: int
) -> tuple[int, int, int]:
    """From when on raw rows, minutes and hours are kept: whole buckets, rolled up, and what is not mended yet stays."""
    raw = _floor(RAW, min(raw_from_ms, marks.minutes_done))
    if first_dirty_ms is not None and first_dirty_ms < raw:
        raw = _floor(RAW, first_dirty_ms)
    raw = max(raw, marks.raw_from)
    minutes = max(marks.minutes_from, _floor(MINUTES, min(minutes_from_ms, marks.hours_done, raw)))
    return raw, minutes, max(marks.hours_from, _floor(HOURS, min(hours_from_ms, minutes)))


def _floor(level: Level, at_ms: int) -> int:
    return max(0, at_ms // level.bucket_ms * level.bucket_ms)


def _delete(conn: sqlite3.Connection, level: Level, before_ms: int) -> int:
    total, more = 0, True
    while more:
        deleted = 0
        with writing(conn):
            while more and deleted < _MOST_ROWS:
                part = _oldest_part(conn, level, before_ms // level.bucket_ms)
                if part is None:
                    more = False
                else:
                    one = f"DELETE FROM {level.table} WHERE bucket = ? AND series = ?"
                    deleted += conn.execute(one, part).rowcount
        total += deleted
    return total


def _oldest_part(conn: sqlite3.Connection, level: Level, end_bucket: int) -> tuple[int, int] | None:
    """(bucket, series) of the oldest rows there are before a bucket."""
    first = f"SELECT bucket, series FROM {level.table} WHERE bucket < ? ORDER BY bucket, series LIMIT 1"
    found = conn.execute(first, (end_bucket,)).fetchone()
    return (int(found[0]), int(found[1])) if found else None
