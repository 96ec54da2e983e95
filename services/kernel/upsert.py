"""Insert-or-update of many rows in one prepared statement, on both databases, without the ORM's cost per row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect, LargeBinary, Table
from sqlalchemy.orm import Session

from services.kernel.db import Base


class _Statement(NamedTuple):
    sql: str
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]
    """(column index, converter) of columns whose type needs one, such as JSON."""


_statements: dict[tuple[str, str, tuple[str, ...], bool], _Statement] = {}


def upsert(
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    keys: Sequence[str],
) -> None:
    """Write rows (values in the order of `columns`); where the keys exist, every other column is replaced."""
    _run(session, _statement(session, model, tuple(columns), tuple(keys), update=True), rows)


def insert_missing(session: Session, model: type[Base], row: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Write a row whose key is not there yet; False when it was."""
    statement = _statement(session, model, tuple(row), tuple(keys), update=False)
    return _run(session, statement, [tuple(row.values())]) == 1


def _run(session: Session, statement: _Statement, rows: Sequence[tuple[Any, ...]]) -> int:
    if statement.processors:
        rows = [_processed(row, statement.processors) for row in rows]
    many = list(rows) if len(rows) > 1 else rows[0]
    return int(session.connection().exec_driver_sql(statement.sql, many).rowcount)


def _processed(row: tuple[Any, ...], processors: tuple[tuple[int, Callable[[Any], Any]], ...]) -> tuple[Any, ...]:
    cells = list(row)
    for index, process in processors:
        cells[index] = process(cells[index])
    return tuple(cells)


def _statement(
    session: Session, model: type[Base], columns: tuple[str, ...], keys: tuple[str, ...], *, update: bool
) -> _Statement:
    dialect = session.connection().dialect
    cached = _statements.get((dialect.name, model.__tablename__, columns, update))
    if cached is not None:
        return cached
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a plain table")
    mark = "%s" if dialect.name == "postgresql" else "?"
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    action = f"UPDATE SET {others}" if update else "NOTHING"
    sql = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(mark for _ in columns)}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(keys)}) DO {action}"
    )
    found = _Statement(sql, tuple(_processors(table, columns, dialect)))
    _statements[dialect.name, model.__tablename__, columns, update] = found
    return found


def _processors(table: Table, columns: tuple[str, ...], dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for index, name in enumerate(columns):
        kind = table.c[name].type
        process = kind.dialect_impl(dialect).bind_processor(dialect)
        if process is not None and not isinstance(kind, LargeBinary):  # both drivers take bytes as they are
            found.append((index, process))
    return found
