"""The SQLite state database as something to copy from: nobody else has it open, and it is only read."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from sqlalchemy import Table

from services.kernel.errors import RoleTaken
from services.kernel.roles import RoleLock
from services.transfer.errors import SourceInUse, SourceMissing
from services.transfer.rows import Unfit, shape_of

ROLES = ("ingest", "worker")
START = ""
"""Before the place of any row."""
_BUSY_S = 1.0
_STOP_FIRST = "Stop Gengfu (every process that uses this data directory), then run this again"


class Stored(NamedTuple):
    """One row and its place in the file."""

    place: str
    """Its key as the file has it, in JSON: rows are read in its order."""
    row: tuple[Any, ...]


class Source:
    """Holds the file for itself alone until it is closed; a process that dies lets go of it."""

    def __init__(self, path: Path) -> None:
        """Raises SourceMissing, SourceInUse."""
        self.path = path
        if not path.exists():
            raise SourceMissing(
                f"There is no state database at {path}", hint="Name the right data directory with --data-dir"
            )
        self._locks = [RoleLock(path, role) for role in ROLES]
        self._conn = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            for lock in self._locks:
                lock.take()
            self._take_file()
        except RoleTaken as error:
            self.close()
            raise SourceInUse(error.message, hint=_STOP_FIRST) from error
        except BaseException:
            self.close()
            raise

    def revision(self) -> str | None:
        """The version of its schema."""
        with suppress(sqlite3.OperationalError):
            found = self._conn.execute("SELECT version_num FROM alembic_version").fetchone()
            return found and str(found[0])
        return None

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return int(self._conn.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])  # noqa: S608 - ours

    def rows(self, table: Table, after: str = START, *, unfit: list[str] | None = None) -> Iterator[Stored]:
        """Rows behind a place, in the order of places.

        What PostgreSQL would not take goes into `unfit`, with the row's key and the column; without it raises Unfit.
        """
        shape = shape_of(table)
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        behind = json.loads(after) if after else []
        where = f"WHERE ({key}) > ({', '.join('?' * len(behind))})" if behind else ""
        sql = f'SELECT {names} FROM "{table.name}" {where} ORDER BY {key}'  # noqa: S608 - ours
        for cells in self._conn.execute(sql, behind):
            try:
                yield Stored(json.dumps([cells[place] for place in shape.keys]), shape.read(cells))
            except Unfit as error:
                if unfit is None:
                    raise
                unfit.append(f"{table.name} ({shape.key(cells)}): {error}")

    def orphans(self) -> list[str]:
        """Rows that refer to one that is not there."""
        found = self._conn.execute("PRAGMA foreign_key_check").fetchmany(10)
        return [
            f"{table} (row {place}): refers to a row of {parent} that is not there" for table, place, parent, _ in found
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._conn.close()
        for lock in self._locks:
            lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_file(self) -> None:
        conn = self._conn
        # Text that is no UTF-8 is to be named with its row, not to end the reading of it.
        conn.text_factory = lambda text: text.decode(errors="surrogateescape")
        try:
            conn.execute("PRAGMA locking_mode = EXCLUSIVE")
            conn.execute("BEGIN EXCLUSIVE")
            conn.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise SourceMissing(
                    f"The state database {self.path} cannot be read: {error}", hint="Check the file and its permissions"
                ) from error
            raise SourceInUse(f"Another process has {self.path} open", hint=_STOP_FIRST) from error
