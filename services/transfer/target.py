"""The PostgreSQL state database as something to copy into: rows and how far they are, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Connection, Table, Text, cast, func, inspect, select, text, tuple_
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from services.kernel.db import Database
from services.kernel.errors import SettingsError
from services.migrations import upgrade
from services.tables import METADATA
from services.transfer.errors import SourceChanged, TargetRefused, ValuesRefused
from services.transfer.rows import Shape, Tally, shape_of
from services.transfer.source import START, Stored

MARKS = "gengfu_transfer"
"""A table beside ours, as long as a copy is under way."""
_LOCK = 0x67656E68
_MARKS_SQL = f"""CREATE TABLE {MARKS} (
    name text PRIMARY KEY, place text NOT NULL, copied bigint NOT NULL, "rows" bigint NOT NULL,
    checksum text NOT NULL)"""


class Mark(NamedTuple):
    """How far a table is."""

    place: str
    """Of the last row that was copied, in the source."""
    copied: int


def address(url: str, password: str) -> URL:
    """The target's address from its two halves; raises SettingsError."""
    scheme, colon, rest = url.partition("://")
    try:
        found = make_url(f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError("--to is no address of a database", hint=_EXAMPLE) from error
    if not colon or found.get_backend_name() != "postgresql" or not found.database:
        raise SettingsError("--to is no address of a PostgreSQL database", hint=_EXAMPLE)
    if found.password:
        raise SettingsError(
            "--to holds a password, and a command line can be read by everybody on this machine",
            hint="Leave it out: set GENGFU_DATABASE_PASSWORD, name --password-file, or wait to be asked",
        )
    return found.set(password=password) if password else found


_EXAMPLE = "Write postgresql://user@host/name"


class Target:
    """A database that holds nothing, or what an earlier run of this copy put there."""

    def __init__(self, url: URL) -> None:
        self.name = url.render_as_string(hide_password=True)
        self._db = Database(url)

    def prepare(self, revision: str) -> None:
        """Make the tables if there are none; raises TargetRefused, SchemaMismatch."""
        with self._reached(), self._db.connection() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            foreign = sorted(set(inspect(connection).get_table_names()) - {MARKS})
        if found is None and foreign:
            raise TargetRefused(
                f"{self.name} holds tables of another program: {', '.join(foreign[:5])}", hint=_OWN_DATABASE
            )
        if found is not None and found != revision:
            raise TargetRefused(
                f"{self.name} has schema {found}, the source has {revision}",
                hint="Start each with this version of Gengfu once: it brings the schema up to date",
            )
        if found is not None:
            return
        with self._reached():
            upgrade(self._db)
            with self._db.connection() as connection:
                newest = MigrationContext.configure(connection).get_current_revision()
        if newest != revision:
            raise TargetRefused(
                f"The source has schema {revision}, this version of Gengfu has {newest}",
                hint="Start this version with the SQLite database once: it brings the schema up to date",
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other copy goes into this database meanwhile."""
        engine = self._db.engine.execution_options(isolation_level="AUTOCOMMIT")
        with self._reached(), engine.connect() as connection:
            connection.detach()  # it is closed at the end, and the lock goes with it
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                raise TargetRefused(f"Another copy into {self.name} is under way", hint="Wait for it, or stop it")
            yield

    def begin(self, tallies: Mapping[str, Tally]) -> dict[str, Mark]:
        """How far each table is; nothing yet: note what the source holds. Raises TargetRefused, SourceChanged."""
        with self._reached(), self._db.connection() as connection:
            counts = _counts(connection)
            if not inspect(connection).has_table(MARKS):
                filled = [name for name, rows in counts.items() if rows]
                if filled:
                    raise TargetRefused(
                        f"{self.name} already holds data, in {', '.join(filled[:5])}", hint=_OWN_DATABASE
                    )
                connection.execute(text(_MARKS_SQL))
                fresh = f"INSERT INTO {MARKS} VALUES (:name, '{START}', 0, :rows, :checksum)"  # noqa: S608 - ours
                values = [{"name": name, "rows": one.rows, "checksum": one.checksum} for name, one in tallies.items()]
                connection.execute(text(fresh), values)
                return {name: Mark(START, 0) for name in tallies}
            found = {row.name: row for row in connection.execute(text(f"SELECT * FROM {MARKS}"))}  # noqa: S608 - ours
        wrong = [name for name, row in found.items() if counts.get(name) != row.copied]
        if wrong or set(found) != set(tallies):
            raise TargetRefused(
                f"Somebody else has changed {self.name} since this copy began: {', '.join(wrong[:5])}",
                hint=_START_OVER,
            )
        changed = [
            name
            for name, one in tallies.items()
            if (found[name].rows, found[name].checksum) != (one.rows, one.checksum)
        ]
        if changed:
            raise SourceChanged(
                f"The source has changed since this copy began: {', '.join(changed[:5])}", hint=_START_OVER
            )
        return {name: Mark(row.place, row.copied) for name, row in found.items()}

    def start_over(self) -> None:
        """Empty what an unfinished copy put here; a database without one stays as it is."""
        with self._reached(), self._db.connection() as connection:
            if inspect(connection).has_table(MARKS):
                names = ", ".join(f'"{table.name}"' for table in METADATA.sorted_tables)
                connection.execute(text(f"TRUNCATE {names}"))
                connection.execute(text(f"DROP TABLE {MARKS}"))

    def append(self, table: Table, rows: Sequence[Stored]) -> None:
        """Add rows and note the last one's place, both or neither; raises ValuesRefused."""
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        statement = f'COPY "{table.name}" ({columns}) FROM STDIN'
        with self._db.connection() as connection:
            raw = connection.connection.driver_connection
            if not isinstance(raw, psycopg.Connection):
                raise TypeError(f"{raw!r} is no connection of psycopg")
            try:
                with raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    for one in rows:
                        copy.write_row(one.row)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise _refusal(table, rows, error) from error
            connection.execute(
                text(f"UPDATE {MARKS} SET place = :place, copied = copied + :rows WHERE name = :name"),  # noqa: S608
                {"place": rows[-1].place, "rows": len(rows), "name": table.name},
            )

    def digests(self, table: Table) -> Iterator[int]:
        """The digest of every row, in no order."""
        shape = shape_of(table)
        with self._db.read() as session:
            found = session.connection().execution_options(yield_per=2_000).execute(_cells(table))
            for row in found:
                yield shape.digest(row)

    def by_key(self, table: Table, rows: Sequence[Stored]) -> dict[tuple[Any, ...], int]:
        """Digests of the rows that have the keys of these, by key."""
        shape = shape_of(table)
        keys = [_key(shape, one.row) for one in rows]
        wanted = tuple_(*(table.columns[place] for place in shape.keys)).in_(keys)
        with self._db.read() as session:
            return {_key(shape, row): shape.digest(row) for row in session.execute(_cells(table).where(wanted))}

    def finish(self) -> None:
        """Leave nothing but the copy."""
        with self._db.connection() as connection:
            connection.execute(text(f"DROP TABLE {MARKS}"))
        with self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))

    def close(self) -> None:
        """Close its connections."""
        self._db.dispose()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, psycopg.OperationalError) as error:
            reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
            raise TargetRefused(
                f"{self.name} cannot be used: {reason}",
                hint="Check that it runs, and that the user and the password are right",
            ) from error


_OWN_DATABASE = "Give Gengfu a new, empty database: CREATE DATABASE gengfu OWNER …"
_START_OVER = "Empty the target and begin again with --start-over"


def _counts(connection: Connection) -> dict[str, int]:
    return {
        table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
        for table in METADATA.sorted_tables
    }


def _cells(table: Table) -> Any:
    """Every column; JSON as the text it was stored as."""
    return select(*(cast(one, Text).label(one.name) if isinstance(one.type, JSON) else one for one in table.columns))


def _key(shape: Shape, row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(row[place] for place in shape.keys)


def _refusal(table: Table, rows: Sequence[Stored], error: psycopg.Error) -> ValuesRefused:
    """Name the row that PostgreSQL would not take: it says in which line of the copy."""
    context = error.diag.context or ""
    _, _, line = context.partition(", line ")
    number = int("".join(one for one in line.partition(",")[0].partition(":")[0] if one.isdigit()) or 0)
    reason = (error.diag.message_primary or str(error)).strip()
    where = f" ({shape_of(table).key(rows[number - 1].row)})" if 0 < number <= len(rows) else ""
    return ValuesRefused(
        f"PostgreSQL refuses a row of {table.name}{where}: {reason}; this batch was not written",
        hint="Mend it in the source, then run this again with --start-over",
    )
