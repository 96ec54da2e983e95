"""What Grafana may read of the state database: SQL views in the schema `grafana` of PostgreSQL, versioned as a whole.

Each `.sql` file beside this is one view: a comment that describes it and its columns, and the query. SQLite has none.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from services.kernel.errors import SchemaMismatch

SCHEMA, ROLE = "grafana", "gengfu_grafana"
VERSION = 1
"""Rises with every change of a view: a program with older views leaves newer ones alone."""
FILTERED = frozenset({"alert", "work_order"})
"""Views that keep rows back: no function of whoever reads may see those."""
_WAIT_MS, _TRIES = 300, 200
_LOCKED = "55P03"


@dataclass(frozen=True, slots=True)
class View:
    """One view and what its comment says of it."""

    name: str
    about: str
    columns: Mapping[str, str]
    """Column → what it is, in their order."""
    query: str

    @property
    def creation(self) -> str:
        """The statement that makes it."""
        guard = " WITH (security_barrier)" if self.name in FILTERED else ""
        return f"CREATE VIEW {SCHEMA}.{self.name}{guard} AS\n{self.query}"


def parse(name: str, source: str) -> View:
    """The view of a file: paragraphs about it, then a line `-- column: what it is` for each column, then the query."""
    lines = source.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    words = [line.removeprefix("--").strip() for line in lines[:end]]
    parting = len(words) - words[::-1].index("")
    columns = dict(line.split(": ", 1) for line in words[parting:])
    about = "\n".join(words[: parting - 1])
    return View(name, about, columns, "\n".join(lines[end:]))


@cache
def views() -> tuple[View, ...]:
    """Every view, by name."""
    files = sorted(Path(__file__).parent.glob("*.sql"))
    return tuple(parse(file.stem, file.read_text("utf-8")) for file in files)


def fingerprint() -> str:
    """`version:digest`: what the comment on the schema says when these very views are installed."""
    digest = hashlib.sha256()
    for view in views():
        digest.update(f"{view.creation}\n{view.about}\n{view.columns}\n".encode())
    return f"{VERSION}:{digest.hexdigest()[:16]}"


def drop(connection: Connection) -> None:
    """Take them away, so that tables they read can be altered; `install` puts them back."""
    if not _schema_exists(connection):
        return
    found = connection.scalars(text("SELECT viewname FROM pg_views WHERE schemaname = :s ORDER BY 1"), {"s": SCHEMA})
    names = [f'{SCHEMA}."{name}"' for name in found]
    if names:
        _drop(connection, names)
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS NULL")


def install(connection: Connection) -> None:
    """Bring the views up to date, and let Grafana's role read them where it exists. Call it under the migrators' lock.

    Raises SchemaMismatch when the database's user may not make the schema.
    """
    if not _schema_exists(connection):
        _create_schema(connection)
    installed = connection.scalar(
        text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :s"), {"s": SCHEMA}
    )
    if installed != fingerprint() and not _is_newer(installed):
        drop(connection)
        for view in views():
            connection.exec_driver_sql(view.creation)
            _comment(connection, view)
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{fingerprint()}'")
    _grant(connection)


def _drop(connection: Connection, names: list[str]) -> None:
    """A board may hold one view and wait for another that we hold: we let go before PostgreSQL breaks the deadlock."""
    for left in reversed(range(_TRIES)):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_WAIT_MS}")
                connection.exec_driver_sql(f"DROP VIEW {', '.join(names)}")
                connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")
        except OperationalError as error:
            if not left or getattr(error.orig, "sqlstate", None) != _LOCKED:
                raise
        else:
            return


def _schema_exists(connection: Connection) -> bool:
    return connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :s"), {"s": SCHEMA}) is not None


def _create_schema(connection: Connection) -> None:
    if not connection.scalar(text("SELECT has_database_privilege(current_database(), 'CREATE')")):
        user = connection.scalar(text("SELECT current_user"))
        raise SchemaMismatch(
            f"The database's user {user} may not make the schema {SCHEMA}, which holds the views for boards",
            hint=f'Let its owner run: CREATE SCHEMA {SCHEMA} AUTHORIZATION "{user}"',
        )
    connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")


def _is_newer(installed: str | None) -> bool:
    version = (installed or "").partition(":")[0]
    return version.isdigit() and int(version) > VERSION


def _comment(connection: Connection, view: View) -> None:
    place = f"{SCHEMA}.{view.name}"
    connection.exec_driver_sql(f"COMMENT ON VIEW {place} IS {_quoted(view.about)}")
    for column, about in view.columns.items():
        connection.exec_driver_sql(f"COMMENT ON COLUMN {place}.{column} IS {_quoted(about)}")


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _grant(connection: Connection) -> None:
    """Nothing but reading the views; a role that came later, or views that are new, get theirs here."""
    unread = (
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role) AND (NOT has_schema_privilege(:role, :s, 'USAGE')"
        " OR EXISTS (SELECT FROM pg_views WHERE schemaname = :s AND NOT"
        " has_table_privilege(:role, format('%I.%I', schemaname, viewname), 'SELECT')))"
    )
    exists = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ROLE})
    if exists and connection.scalar(text(unread), {"role": ROLE, "s": SCHEMA}):
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}")


__all__ = ["FILTERED", "ROLE", "SCHEMA", "VERSION", "View", "drop", "fingerprint", "install", "parse", "views"]
