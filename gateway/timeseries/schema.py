"""The SQLite file of the embedded store: tables, connections, transactions, and its errors in our words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.timeseries.store import StoreBroken, StoreBusy

SCHEMA = 1
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
LAST_MS = 253_402_300_799_999
"""The end of the year 9999, beyond which no datetime goes."""
GREATEST = 1.7976931348623157e308


class Level(NamedTuple):
    """A table by its time unit and by the bucket its key starts with, which is what retention drops."""

    table: str
    unit_ms: int
    bucket_ms: int


RAW = Level("sample", 1, 6 * HOUR_MS)
MINUTES = Level("minute", MINUTE_MS, DAY_MS)
HOURS = Level("hour", HOUR_MS, 30 * DAY_MS)

# The key starts with a time bucket: the pages written to stay few however many series there are, and old data is one
# range of the key. `newest` is the time of a series' newest row before minutes_done (see rollup.py).
_ROLLUP = """(
    bucket INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL,
    count INTEGER NOT NULL, total REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    newest INTEGER NOT NULL, last REAL NOT NULL,
    PRIMARY KEY (bucket, series, at)
) WITHOUT ROWID"""
_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, newest INTEGER NOT NULL DEFAULT -1)",
    f"""CREATE TABLE sample (
    bucket INTEGER NOT NULL, series INTEGER NOT NULL, ts INTEGER NOT NULL CHECK (ts BETWEEN 0 AND {LAST_MS}),
    tie INTEGER NOT NULL, value REAL NOT NULL CHECK (value BETWEEN -{GREATEST!r} AND {GREATEST!r}),
    quality INTEGER NOT NULL CHECK (quality BETWEEN 0 AND 2), delay INTEGER NOT NULL,
    PRIMARY KEY (bucket, series, ts, tie)
) WITHOUT ROWID""",
    f"CREATE TABLE minute {_ROLLUP}",
    f"CREATE TABLE hour {_ROLLUP}",
    "CREATE TABLE dirty (series INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (series, at)) WITHOUT ROWID",
    """CREATE TABLE ahead (
    series INTEGER NOT NULL, claimed_ms INTEGER NOT NULL, tie INTEGER NOT NULL, used_ms INTEGER NOT NULL,
    PRIMARY KEY (series, claimed_ms, tie)
) WITHOUT ROWID""",
)


class Marks(NamedTuple):
    """How far housekeeping has come, as stored in `meta`; epoch milliseconds except the generation."""

    late_before: int = 0
    """Rows older than this mark their minute dirty when written."""
    minutes_done: int = 0
    """Minutes before this are rolled up, but for dirty ones."""
    hours_done: int = 0
    raw_from: int = 0
    """Rows before this are dropped, or about to be."""
    minutes_from: int = 0
    hours_from: int = 0
    generation: int = 0
    """Grows with every rollup or retention transaction."""


def load_marks(conn: sqlite3.Connection) -> Marks:
    """The marks as this transaction sees them."""
    stored = dict(conn.execute("SELECT key, value FROM meta WHERE key <> 'schema'").fetchall())
    return Marks(**stored)


def save_marks(conn: sqlite3.Connection, marks: Marks) -> None:
    """Write the marks as the next generation."""
    following = marks._replace(generation=marks.generation + 1)
    conn.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", following._asdict().items())


def connect_writer(path: Path, busy_s: float) -> sqlite3.Connection:
    """A writing connection to a file that has the tables afterwards."""
    conn = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA wal_autocheckpoint = 4000")
        conn.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        conn.execute(f"PRAGMA cache_size = -{64 << 10}")
        conn.execute("PRAGMA temp_store = MEMORY")
        if not is_ready(conn, path):
            with writing(conn):
                if not is_ready(conn, path):
                    _create(conn)
    except BaseException:
        conn.close()
        raise
    return conn


def connect_reader(path: Path, busy_s: float) -> sqlite3.Connection | None:
    """A connection that cannot write; None while there is no store at `path` yet."""
    if not path.exists():
        return None
    uri = f"{path.absolute().as_uri()}?mode=ro"
    conn = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        conn.execute(f"PRAGMA cache_size = -{8 << 10}")
        conn.execute("PRAGMA temp_store = MEMORY")
        ready = is_ready(conn, path)
    except BaseException:
        conn.close()
        raise
    if not ready:
        conn.close()
        return None
    return conn


def is_ready(conn: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are there; raises StoreBroken for another program's file or a newer version's."""
    tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return False
    found = None
    if "meta" in tables and "sample" in tables:
        found = conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if found is None:
        raise StoreBroken(f"{path} is a SQLite file, but no time-series store", hint="Give the store a path of its own")
    if found[0] > SCHEMA:
        raise StoreBroken(
            f"{path} was written by a newer Gengfu (schema {found[0]}, this one knows {SCHEMA})",
            hint="Start the newer version again, or restore the backup made before it",
        )
    return True


def _create(conn: sqlite3.Connection) -> None:
    for statement in _TABLES:
        conn.execute(statement)
    conn.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA,))
    save_marks(conn, Marks())


@contextmanager
def writing(conn: sqlite3.Connection) -> Iterator[None]:
    """One write transaction: all of it is durable, or none of it is there."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(conn: sqlite3.Connection) -> Iterator[None]:
    """One read transaction: every query in it sees the same state; nobody is kept from writing."""
    conn.execute("BEGIN")
    try:
        yield
        conn.execute("COMMIT")  # nothing but temporary tables can have changed
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into StoreBusy or StoreBroken."""
    try:
        yield
    except sqlite3.Error as error:
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(
                f"The time-series store {path} is locked by somebody else; nothing was written", hint="Try again"
            ) from error
        raise StoreBroken(
            f"The time-series store {path} does not work: {error}", hint=_HINTS.get(primary, _ANY_HINT)
        ) from error


_ANY_HINT = "Check the disk, then the file with: sqlite3 FILE 'PRAGMA integrity_check'"
_HINTS = {
    sqlite3.SQLITE_FULL: "Free some disk space",
    sqlite3.SQLITE_CANTOPEN: "Check that its folder exists and may be written to",
    sqlite3.SQLITE_READONLY: "Check the permissions of the file and of its folder",
    sqlite3.SQLITE_PERM: "Check the permissions of the file and of its folder",
}
