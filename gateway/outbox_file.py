"""The SQLite file of an outbox: its layout, opening and checking it, and saying clearly what is wrong with one."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.contract.errors import GengfuError

_APPLICATION_ID: Final = 0x47464F42
_SCHEMA_VERSION: Final = 2
_WITHOUT_FIRE_LANE: Final = 1
"""Files of this version have fire events in the urgent lane; those stay there, under the ids they have."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sequences (
  device TEXT NOT NULL, lane INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (device, lane)
) WITHOUT ROWID;
CREATE TABLE events (
  pos INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL,
  seq INTEGER NOT NULL, put_ms INTEGER NOT NULL, cost INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX events_by_id ON events (device, lane, seq);
CREATE INDEX events_by_lane ON events (lane, pos);
CREATE INDEX events_status ON events (pos) WHERE kind = 'status';
CREATE TABLE drops (
  device TEXT NOT NULL, kind TEXT NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (device, kind)
) WITHOUT ROWID;
"""


class OutboxError(GengfuError):
    """The outbox can not do what was asked."""


class OutboxDamaged(OutboxError):
    """The outbox file is not readable."""


class OutboxFull(OutboxError):
    """Only events that are never dropped are left, and they fill the bound. `ids` has None where one was refused."""

    def __init__(self, message: str, *, hint: str, ids: Sequence[str | None]) -> None:
        super().__init__(message, hint=hint)
        self.ids = tuple(ids)


def open_outbox_file(path: Path, new_boot: Callable[[], str]) -> sqlite3.Connection:
    """Open or create the file for this process alone, check all of it; raises OutboxError or OutboxDamaged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with explained(path):
        # Any thread may use the connection: the outbox holds a lock around it.
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            # Exclusive before the first read: no second process can put here, and no -shm file is needed.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA journal_size_limit = 16777216")
            db.execute("BEGIN EXCLUSIVE")
            _check_or_create(db, path, new_boot)
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db


def _check_or_create(db: sqlite3.Connection, path: Path, new_boot: Callable[[], str]) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not application:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        boots = [("boot_urgent", f"u{new_boot()}"), ("boot_bulk", f"r{new_boot()}"), ("boot_fire", f"f{new_boot()}")]
        db.executemany("INSERT INTO meta VALUES (?, ?)", boots)
        return
    if application == _APPLICATION_ID and version == _WITHOUT_FIRE_LANE:
        _add_fire_lane(db, new_boot)
        version = _SCHEMA_VERSION
    if application != _APPLICATION_ID or version != _SCHEMA_VERSION:
        raise OutboxError(
            f"{path} is a database, but not an outbox of this version", hint="Give the outbox a file of its own"
        )
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(path, str(verdict))


def _add_fire_lane(db: sqlite3.Connection, new_boot: Callable[[], str]) -> None:
    db.execute("INSERT OR IGNORE INTO meta VALUES ('boot_fire', ?)", (f"f{new_boot()}",))
    db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file into an OutboxError that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise OutboxError(
                f"Outbox {path} is in use by another process", hint="Stop it, or give each publisher its own file"
            ) from error
        raise OutboxError(
            f"Outbox {path} can not be written or read ({error})", hint="Check free space and file permissions"
        ) from error
    except sqlite3.ProgrammingError as error:
        raise OutboxError(f"Outbox {path} is closed ({error})") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> OutboxDamaged:
    return OutboxDamaged(
        f"Outbox {path} is damaged ({reason})",
        hint=f"Move {path.name} and {path.name}-wal aside and start again; "
        "`sqlite3 <file> .recover` may bring back what was not sent",
    )
