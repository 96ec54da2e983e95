"""The durable spool: what was taken in and InfluxDB has not confirmed yet, in a SQLite file of one process.

A row is one write: its lines in one gzip member. Beside the rows the file keeps what must survive with them: minutes
whose rollup is out of date, how far the rollups of each site have come, claims of clocks that run ahead, dead letters.
A row's `open_at` is its oldest reading that is not late; the line behind which minutes are rolled up stops before it.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.contract.errors import GengfuError
from gateway.contract.times import from_ms
from gateway.timeseries.schema import Marks, explained, writing
from gateway.timeseries.store import AheadClaim, Refused, StoreBroken

_APPLICATION_ID = 0x47465350
_VERSION = 1
_TABLES = (
    """CREATE TABLE spool (id INTEGER PRIMARY KEY AUTOINCREMENT, rows INTEGER NOT NULL, open_at INTEGER,
    taken_ms INTEGER NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX spool_open ON spool (open_at) WHERE open_at IS NOT NULL",
    """CREATE TABLE dirty (site TEXT NOT NULL, at INTEGER NOT NULL, after INTEGER NOT NULL,
    PRIMARY KEY (site, at)) WITHOUT ROWID""",
    """CREATE TABLE site (name TEXT PRIMARY KEY, minutes_done INTEGER NOT NULL, hours_done INTEGER NOT NULL,
    raw_from INTEGER NOT NULL, minutes_from INTEGER NOT NULL, hours_from INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE ahead (series TEXT NOT NULL, claimed_ms INTEGER NOT NULL, tie INTEGER NOT NULL,
    used_ms INTEGER NOT NULL, PRIMARY KEY (series, claimed_ms, tie)) WITHOUT ROWID""",
    """CREATE TABLE refused (number INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB NOT NULL, reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL)""",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('late_before', 0), ('dropped', 0), ('refused', 0)",
)
MOST_REFUSED = 100_000
"""Dead letters that are kept until somebody quarantines them; of more only the number is known."""
_DIRTY = "INSERT INTO dirty VALUES (?, ?, ?) ON CONFLICT (site, at) DO UPDATE SET after = max(after, excluded.after)"
_SITE = "SELECT minutes_done, hours_done, raw_from, minutes_from, hours_from FROM site"


class SpoolTaken(GengfuError):
    """Another process works with this spool."""


class Part(NamedTuple):
    """A piece of a write, as it goes into one row."""

    body: bytes
    rows: int
    open_at: int | None


class Held(NamedTuple):
    """A row of the spool."""

    id: int
    rows: int
    body: bytes
    open_at: int | None


class Depth(NamedTuple):
    """How much waits."""

    rows: int
    bytes: int
    taken_ms: int | None
    """When the oldest was taken in."""
    dropped: int
    refused: int


class Spool:
    """The file, held by this process alone; any number of threads."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Open or create it; raises SpoolTaken, StoreBroken."""
        self.path = path
        self.most_bytes = most_bytes
        self.changed = threading.Condition(threading.RLock())
        """Its lock is held around every use of the file; notified when rows come or go."""
        self._rows = self._bytes = self._dropped = self._refused = 0
        self._lock_file = _locked(path)
        try:
            with explained(path):
                self._conn = _opened(path)
                self.late_before = self._meta("late_before")
                self._recount()
        except BaseException:
            os.close(self._lock_file)
            raise

    @property
    def waiting(self) -> int:
        """How many lines are still to be sent."""
        return self._rows

    def close(self) -> None:
        """Release the file; what waits stays in it."""
        with self.changed:
            if self._lock_file >= 0:
                self._conn.close()
                os.close(self._lock_file)
                self._lock_file = -1

    def put(self, parts: Sequence[Part], dirty: Iterable[tuple[str, int]], taken_ms: int) -> None:
        """Keep a write durably, with the (site, minute) it makes out of date; the oldest go when there is no room.

        `dirty` is noted with the rows, before they are sent: no crash can come between, and until they are sent and
        the minute is mended it is read from raw rows.
        """
        with self._changing() as conn:
            for body, rows, open_at in parts:
                conn.execute(
                    "INSERT INTO spool (rows, open_at, taken_ms, body) VALUES (?, ?, ?, ?)",
                    (rows, open_at, taken_ms, body),
                )
                self._rows, self._bytes = self._rows + rows, self._bytes + len(body)
            newest = self._newest()
            conn.executemany(_DIRTY, [(site, at, newest) for site, at in dirty])
            while self._bytes > self.most_bytes:
                oldest = "DELETE FROM spool WHERE id = (SELECT min(id) FROM spool) RETURNING rows, length(body)"
                rows, size = conn.execute(oldest).fetchall()[0]
                conn.execute("UPDATE meta SET value = value + ? WHERE key = 'dropped'", (rows,))
                self._rows, self._bytes = self._rows - rows, self._bytes - size
                self._dropped += rows

    def oldest(self, most_rows: int, most_bytes: int) -> list[Held]:
        """The rows to send next: as many as fit, and at least one when there is any."""
        found: list[Held] = []
        with self.changed, explained(self.path):
            for one in self._conn.execute("SELECT id, rows, body, open_at FROM spool ORDER BY id"):
                held = Held(*one)
                most_rows, most_bytes = most_rows - held.rows, most_bytes - len(held.body)
                if found and (most_rows < 0 or most_bytes < 0):
                    break
                found.append(held)
        return found

    def newest(self) -> int:
        """Id of the last row ever put."""
        with self.changed, explained(self.path):
            return self._newest()

    def settle(
        self,
        sent: Sequence[Held],
        refused: Sequence[tuple[bytes, str]],
        now_ms: int,
        dirty: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Delete what was sent, the oldest rows there were; what was refused of it becomes dead letters.

        `dirty`: the (site, minute) of what came so late that another process may have rolled up without it.
        """
        with self._changing() as conn:
            conn.executemany(_DIRTY, [(site, at, sent[-1].id) for site, at in dirty])
            delete = "DELETE FROM spool WHERE id <= ? RETURNING rows, length(body)"
            gone = conn.execute(delete, (sent[-1].id,)).fetchall()
            rows = sum(rows for rows, _ in gone)
            self._rows -= rows
            self._bytes -= sum(size for _, size in gone)
            # What the bound dropped while it was under way has arrived after all.
            saved = sum(held.rows for held in sent) - rows
            conn.execute("UPDATE meta SET value = value - ? WHERE key = 'dropped'", (saved,))
            self._dropped -= saved
            conn.executemany(
                "INSERT INTO refused (line, reason, at_ms) VALUES (?, ?, ?)",
                [(line, reason, now_ms) for line, reason in refused],
            )
            if refused:
                conn.execute(
                    "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?", (MOST_REFUSED,)
                )
            conn.execute("UPDATE meta SET value = value + ? WHERE key = 'refused'", (len(refused),))
            self._refused += len(refused)

    def depth(self) -> Depth:
        """How much waits, and what was lost."""
        with self.changed, explained(self.path):
            first = self._conn.execute("SELECT taken_ms FROM spool ORDER BY id LIMIT 1").fetchone()
            return Depth(self._rows, self._bytes, first[0] if first else None, self._dropped, self._refused)

    def refused(self, limit: int) -> list[Refused]:
        """The oldest dead letters."""
        with self.changed, explained(self.path):
            rows = self._conn.execute("SELECT * FROM refused ORDER BY number LIMIT ?", (limit,)).fetchall()
        return [Refused(number, line, reason, from_ms(at_ms)) for number, line, reason, at_ms in rows]

    def forget_refused(self, through: int) -> None:
        """Drop dead letters up to this number."""
        with self._changing() as conn:
            conn.execute("DELETE FROM refused WHERE number <= ?", (through,))

    def settle_ahead(self, claims: Sequence[AheadClaim]) -> list[int]:
        """See TimeSeriesStore.settle_all_ahead."""
        with self._changing() as conn:
            conn.executemany("INSERT INTO ahead VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", claims)
            one = "SELECT used_ms FROM ahead WHERE series = ? AND claimed_ms = ? AND tie = ?"
            return [int(conn.execute(one, claim[:3]).fetchone()[0]) for claim in claims]

    def move_line(self, line_ms: int) -> int:
        """Move the line behind which minutes are rolled up, but not over what is still to be sent; where it is now."""
        with self._changing() as conn:
            waits = conn.execute("SELECT min(open_at) FROM spool WHERE open_at IS NOT NULL").fetchone()[0]
            line_ms = line_ms if waits is None else min(line_ms, waits)
            if line_ms > self.late_before:
                conn.execute("UPDATE meta SET value = ? WHERE key = 'late_before'", (line_ms,))
                self.late_before = line_ms
            return self.late_before

    def sites(self) -> dict[str, Marks]:
        """How far the rollups of each site have come."""
        with self.changed, explained(self.path):
            found = self._conn.execute(_SITE.replace("SELECT", "SELECT name,", 1)).fetchall()
        return {name: _marks(cells) for name, *cells in found}

    def late_sites(self) -> list[str]:
        """Sites with minutes whose rollup is out of date."""
        with self.changed, explained(self.path):
            return [site for (site,) in self._conn.execute("SELECT DISTINCT site FROM dirty ORDER BY site")]

    def save_sites(self, sites: Mapping[str, Marks]) -> None:
        """Remember it, and forget claims about what is dropped."""
        with self._changing() as conn:
            conn.executemany(
                "INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?)",
                [(name, *_cells(marks)) for name, marks in sites.items()],
            )
            for name, marks in sites.items():
                conn.execute(
                    "DELETE FROM ahead WHERE used_ms < ? AND series >= ? AND series < ?",
                    (marks.raw_from, f"{name}/", f"{name}0"),  # '0' follows '/'
                )

    def dirty(self, site: str, start_ms: int, end_ms: int) -> list[int]:
        """Minutes of a site whose rollup is out of date, ascending, those of rows still to be sent included."""
        with self.changed, explained(self.path):
            rows = self._conn.execute(
                "SELECT at FROM dirty WHERE site = ? AND at >= ? AND at < ? ORDER BY at", (site, start_ms, end_ms)
            )
            return [at for (at,) in rows]

    def to_mend(self, site: str, start_ms: int, end_ms: int, limit: int) -> list[tuple[int, int]]:
        """(minute, newest row that made it dirty) of minutes whose rows have all been sent, ascending."""
        with self.changed, explained(self.path):
            return self._conn.execute(
                "SELECT at, after FROM dirty WHERE site = ? AND at >= ? AND at < ?"
                " AND after < coalesce((SELECT min(id) FROM spool), after + 1) ORDER BY at LIMIT ?",
                (site, start_ms, end_ms, limit),
            ).fetchall()

    def mended(self, site: str, minutes: Sequence[tuple[int, int]]) -> None:
        """These were rolled up again; what was written to them since keeps them dirty."""
        with self._changing() as conn:
            conn.executemany(
                "DELETE FROM dirty WHERE site = ? AND at = ? AND after = ?", [(site, *one) for one in minutes]
            )

    def shrink(self, pages: int) -> None:
        """Give disk that an outage took back to the system, a little at a time."""
        with self.changed, explained(self.path):
            if self._conn.execute("PRAGMA freelist_count").fetchone()[0] > pages:
                # Not by execute: it takes one step, which frees one page.
                self._conn.executescript(f"PRAGMA incremental_vacuum({pages})")

    def _newest(self) -> int:
        found = self._conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        return int(found[0]) if found else 0

    def _meta(self, key: str) -> int:
        return int(self._conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def _recount(self) -> None:
        totals = "SELECT coalesce(sum(rows), 0), coalesce(sum(length(body)), 0) FROM spool"
        self._rows, self._bytes = self._conn.execute(totals).fetchone()
        self._dropped, self._refused = self._meta("dropped"), self._meta("refused")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self.changed, explained(self.path):
            if self._lock_file < 0:
                raise StoreBroken(f"The spool {self.path} is closed")
            line_ms = self.late_before
            try:
                with writing(self._conn):
                    yield self._conn
            except BaseException:
                # Memory follows the file: nothing of this transaction happened.
                self.late_before = line_ms
                self._recount()
                raise
            self.changed.notify_all()


def _locked(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreBroken(
            f"The spool {path} cannot be opened: {error}", hint="Check the disk and the permissions of its folder"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise SpoolTaken(
            f"The spool {path} is in use by another process", hint="Run one ingest per group and data directory"
        ) from error
    return file


def _opened(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        conn.execute("PRAGMA locking_mode = EXCLUSIVE")  # before the first read: then it needs no -shm file
        conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        with writing(conn):
            _check_or_create(conn, path)
    except BaseException:
        conn.close()
        raise
    return conn


def _check_or_create(conn: sqlite3.Connection, path: Path) -> None:
    (application,) = conn.execute("PRAGMA application_id").fetchone()
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    (tables,) = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not application:
        for statement in _TABLES:
            conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {_VERSION}")
    elif (application, version) != (_APPLICATION_ID, _VERSION):
        raise StoreBroken(
            f"{path} is a SQLite file, but no spool of this version", hint="Give the spool a path of its own"
        )


def _cells(marks: Marks) -> tuple[int, ...]:
    return marks.minutes_done, marks.hours_done, marks.raw_from, marks.minutes_from, marks.hours_from


def _marks(cells: Sequence[int]) -> Marks:
    minutes_done, hours_done, raw_from, minutes_from, hours_from = cells
    return Marks(0, minutes_done, hours_done, raw_from, minutes_from, hours_from)
