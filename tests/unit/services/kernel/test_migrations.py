"""The schema as revisions build it is the schema that the code declares."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from database import PostgresServer
from sqlalchemy import inspect

from services.kernel.db import Database
from services.kernel.errors import SchemaMismatch
from services.migrations import upgrade
from services.tables import METADATA


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'new' / 'state.db'}")
        yield database
        database.dispose()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"empty_{request.node.name.partition('[')[0][-30:]}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    database = Database(server.url(name))
    yield database
    database.dispose()
    server.drop(name)


def test_nothing_drifts(empty: Database) -> None:
    upgrade(empty)
    with empty.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_partial_indexes_are_there(empty: Database) -> None:
    """Autogenerate does not compare their conditions, and one open alert per key hangs on one."""
    upgrade(empty)
    option = "sqlite_where" if empty.is_sqlite else "postgresql_where"
    declared = {
        index.name: str(index.dialect_options[empty.url.get_backend_name()]["where"])
        for table in METADATA.tables.values()
        for index in table.indexes
        if index.dialect_options[empty.url.get_backend_name()]["where"] is not None
    }
    with empty.connection() as connection:
        found = {
            str(index["name"]): str(index["dialect_options"][option])
            for table in METADATA.tables
            for index in inspect(connection).get_indexes(table)
            if index.get("dialect_options", {}).get(option) is not None
        }
    assert set(found) == set(declared)
    assert {"uq_alert_open", "uq_work_order_open_alert", "ix_timer_open"} <= set(found)
    if empty.is_sqlite:
        assert found == declared


def test_twice_is_once(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    with empty.connection() as connection:
        assert len(inspect(connection).get_table_names()) == len(METADATA.tables) + 1


def test_a_newer_schema_is_refused(empty: Database) -> None:
    upgrade(empty)
    with empty.connection() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="schema 9999") as refused:
        upgrade(empty)
    assert "newer" in refused.value.hint
