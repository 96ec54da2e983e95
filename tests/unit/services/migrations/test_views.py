"""The views for boards as a whole: documented, versioned, replaced while they are read, readable and nothing else."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from database import PostgresServer
from sqlalchemy import LargeBinary, create_engine, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError

from services import migrations, tables
from services.kernel.db import Database, UtcDateTime
from services.kernel.errors import SchemaMismatch
from services.migrations import views
from services.migrations.documents import document

ROOT = Path(__file__).parents[4]
PINNED = {1: "879144046d5c6cc7"}
"""Version → digest of every view. When this fails a view has changed: raise VERSION and add the new line."""
SECRET = "zz-secret-zz"


def run(db: Database, sql: str) -> Any:
    with db.connection() as connection:
        result = connection.execute(text(sql))
        return result.scalars().all() if result.returns_rows else None


def installed(db: Database) -> str | None:
    return run(db, "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'grafana'")[0]


@pytest.fixture
def own_db(postgres_server: PostgresServer) -> Iterator[Database]:
    """A database that nobody else is given afterwards: its schema may change."""
    postgres_server.execute("CREATE DATABASE views TEMPLATE gengfu_template")
    database = Database(postgres_server.url("views"))
    yield database
    database.dispose()
    postgres_server.execute("DROP DATABASE views WITH (FORCE)")


@pytest.fixture
def role(postgres_server: PostgresServer) -> str:
    """Grafana's role with its grants alone: the server is shared, and another test may have set more on it."""
    missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{views.ROLE}')"
    postgres_server.execute(f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {views.ROLE} LOGIN; END IF; END $$")
    postgres_server.execute(f"ALTER ROLE {views.ROLE} RESET ALL")
    return views.ROLE


@pytest.fixture
def reader(role: str, postgres_db: Database) -> Iterator[Connection]:
    """A connection as that role."""
    migrations.upgrade(postgres_db)
    engine = create_engine(make_url(postgres_db.url).set(username=role), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


# What they are


def test_a_change_of_a_view_raises_the_version() -> None:
    version, _, digest = views.fingerprint().partition(":")
    assert PINNED[int(version)] == digest
    assert int(version) == views.VERSION == max(PINNED)


def test_every_column_is_described_and_no_other(postgres_db: Database) -> None:
    sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'grafana'"
    with postgres_db.connection() as connection:
        rows = connection.execute(text(f"{sql} ORDER BY table_name, ordinal_position")).all()
    found: dict[str, list[str]] = {}
    for view, column in rows:
        found.setdefault(view, []).append(column)
    assert found == {view.name: list(view.columns) for view in views.views()}
    assert all(view.about and all(view.columns.values()) for view in views.views())


def test_moments_end_in_at_and_have_a_zone(postgres_db: Database) -> None:
    sql = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'grafana' "
    assert run(postgres_db, sql + "AND data_type LIKE 'timestamp without%'") == []
    assert run(postgres_db, sql + "AND data_type LIKE 'timestamp with %' AND column_name !~ '(^|_)at$'") == []


def test_the_comments_are_in_the_database(postgres_db: Database) -> None:
    view = next(one for one in views.views() if one.name == "fire_outage")
    assert run(postgres_db, "SELECT obj_description('grafana.fire_outage'::regclass)") == [view.about]
    assert run(postgres_db, "SELECT col_description('grafana.fire_outage'::regclass, 1)") == [view.columns["id"]]


def test_the_document_keeps_up() -> None:
    written = (ROOT / "docs" / "operations" / "views.md").read_text("utf-8")
    assert written == document(), "run: python -m services.migrations.documents"


def test_a_file_is_a_comment_and_a_query() -> None:
    view = views.parse(
        "v", "-- What it is,\n-- in two lines.\n--\n-- a: first\n-- b: second: with a colon\nSELECT 1 AS a"
    )
    assert (view.about, dict(view.columns)) == (
        "What it is,\nin two lines.",
        {"a": "first", "b": "second: with a colon"},
    )
    assert view.creation == "CREATE VIEW grafana.v AS\nSELECT 1 AS a"


def test_sqlite_has_none(sqlite_db: Database) -> None:
    migrations.upgrade(sqlite_db)
    assert run(sqlite_db, "SELECT name FROM sqlite_master WHERE type = 'view'") == []


# Installing


def test_nothing_is_done_when_nothing_changed(own_db: Database) -> None:
    sql = "SELECT oid FROM pg_class WHERE relnamespace = 'grafana'::regnamespace ORDER BY 1"
    before = run(own_db, sql)
    migrations.upgrade(own_db)
    assert run(own_db, sql) == before


def test_other_views_are_replaced_and_what_was_there_goes(own_db: Database) -> None:
    run(own_db, "COMMENT ON SCHEMA grafana IS '0:older'")
    run(own_db, "CREATE OR REPLACE VIEW grafana.forgotten AS SELECT 1 AS a")
    run(own_db, "DROP VIEW grafana.figure")
    migrations.upgrade(own_db)
    names = run(own_db, "SELECT viewname FROM pg_views WHERE schemaname = 'grafana' ORDER BY 1")
    assert names == [view.name for view in views.views()]
    assert installed(own_db) == views.fingerprint()


def test_an_older_program_leaves_newer_views_alone(own_db: Database) -> None:
    newer = f"{views.VERSION + 1}:0123456789abcdef"
    run(own_db, f"COMMENT ON SCHEMA grafana IS '{newer}'")
    migrations.upgrade(own_db)
    assert installed(own_db) == newer


def test_tables_can_be_altered_by_a_migration(own_db: Database) -> None:
    alter = "ALTER TABLE alert ALTER COLUMN rule TYPE varchar(200)"
    with pytest.raises(DBAPIError, match="cannot alter type of a column used by a view"):
        run(own_db, alter)
    with own_db.connection() as connection:
        views.drop(connection)
        config = migrations._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
        connection.execute(text(alter))
    migrations.upgrade(own_db)
    assert run(own_db, "SELECT count(*) FROM grafana.figure") == [0]
    assert installed(own_db) == views.fingerprint()


def test_a_migration_drops_the_views_first(own_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a later revision does to a table, the views are out of its way."""
    run(own_db, "UPDATE alembic_version SET version_num = '0004'")
    seen: list[int] = []

    def upgrade(config: Any, _target: str) -> None:
        count = text("SELECT count(*) FROM pg_views WHERE schemaname = 'grafana'")
        seen.append(config.attributes["connection"].scalar(count))

    monkeypatch.setattr("services.migrations.command.upgrade", upgrade)
    migrations.upgrade(own_db)
    assert seen == [0]
    assert installed(own_db) == views.fingerprint()


@pytest.mark.timeout(60)
def test_several_processes_replace_them_while_they_are_read(own_db: Database) -> None:
    names = [view.name for view in views.views()]
    stop, reads = threading.Event(), [0]

    def read(number: int) -> None:
        engine = create_engine(own_db.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            while not stop.is_set():
                one, other = names[reads[0] % len(names)], names[(reads[0] * 7 + number) % len(names)]
                both = (f"(SELECT count(*) FROM grafana.{name})" for name in (one, other))
                connection.execute(text(f"SELECT {', '.join(both)}"))
                reads[0] += 1
        engine.dispose()

    def replace(number: int) -> None:
        other = Database(own_db.url)
        for turn in range(3):
            run(other, f"COMMENT ON SCHEMA grafana IS '0:{number}-{turn}'")
            migrations.upgrade(other)
        other.dispose()

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, number) for number in range(2)]
        list(pool.map(replace, range(3)))
        stop.set()
        for one in readers:
            one.result()
    migrations.upgrade(own_db)
    assert installed(own_db) == views.fingerprint()
    assert reads[0] > 10


def test_a_user_who_may_not_make_the_schema_is_told_what_to_run(own_db: Database) -> None:
    run(own_db, "DROP SCHEMA grafana CASCADE")
    run(own_db, "CREATE ROLE limited LOGIN")
    run(own_db, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO limited")
    limited = Database(make_url(own_db.url).set(username="limited"))
    with pytest.raises(SchemaMismatch, match="limited may not make the schema grafana") as refused:
        migrations.upgrade(limited)
    assert refused.value.hint == 'Let its owner run: CREATE SCHEMA grafana AUTHORIZATION "limited"'
    limited.dispose()
    run(own_db, "DROP OWNED BY limited")
    run(own_db, "DROP ROLE limited")


# Least privilege


def test_the_role_reads_every_view(reader: Connection) -> None:
    for view in views.views():
        reader.execute(text(f"SELECT * FROM grafana.{view.name}"))


def test_the_role_reads_no_table(reader: Connection) -> None:
    readable = text(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
        "AND n.nspname NOT LIKE 'pg_toast%' "
        "AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
    )
    assert sorted(reader.scalars(readable)) == sorted(f"grafana.{view.name}" for view in views.views())
    with pytest.raises(ProgrammingError, match="permission denied for table user_account"):
        reader.execute(text("SELECT * FROM public.user_account"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE grafana.site SET name = 'x'",
        "DELETE FROM grafana.figure",
        "INSERT INTO grafana.figure (role, holder, name, at, value) VALUES ('a', 'b', 'c', now(), 1)",
        "CREATE VIEW grafana.mine AS SELECT 1",
        "CREATE TABLE public.mine (a integer)",
        "CREATE SCHEMA mine",
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_role_changes_nothing(reader: Connection, sql: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be"):
        reader.execute(text(sql))


def test_a_role_that_comes_later_is_let_in_at_the_next_start(role: str, own_db: Database) -> None:
    run(own_db, f"REVOKE ALL ON ALL TABLES IN SCHEMA grafana FROM {role}")
    run(own_db, f"REVOKE ALL ON SCHEMA grafana FROM {role}")
    migrations.upgrade(own_db)
    assert run(own_db, f"SELECT has_table_privilege('{role}', 'grafana.alert', 'SELECT')") == [True]


def test_no_secret_and_no_phone_number_is_reachable(reader: Connection, postgres_db: Database) -> None:
    """Every text of the tables that hold secrets or people's numbers is planted; no view may show it."""
    sensitive = (
        "user_account", "login_session", "api_token", "login_attempt", "duty_pin", "sun_key", "message", "audit",
        "patrol_incident", "patrol_photo", "duty_time", "patrol_handover", "patrol_phone",
    )  # fmt: skip
    with postgres_db.connection() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for name in sensitive:
            connection.execute(tables.METADATA.tables[name].insert(), planted(name))
    for view in views.views():
        shown = reader.scalars(text(f"SELECT v::text FROM grafana.{view.name} v")).all()
        assert not [row for row in shown if SECRET in row], view.name


def planted(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in tables.METADATA.tables[name].columns:
        kind = column.type
        if isinstance(kind, UtcDateTime):
            found[column.name] = datetime.now(UTC)
        elif isinstance(kind, LargeBinary):
            found[column.name] = SECRET.encode()
        elif kind.python_type is str:
            found[column.name] = SECRET[: getattr(kind, "length", None) or 99]
        elif kind.python_type is bool:
            found[column.name] = True
        elif kind.python_type is int:
            found[column.name] = 1
        elif kind.python_type is float:
            found[column.name] = 1.0
        else:
            found[column.name] = [SECRET]
    return found


def test_nothing_of_a_duress_alarm_is_shown(reader: Connection, postgres_db: Database) -> None:
    with postgres_db.connection() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        alert = planted("alert") | {"id": "a", "rule": "PATROL-DURESS", "acked_occurrence": 0, "closed_at": None}
        connection.execute(tables.METADATA.tables["alert"].insert(), alert)
        order = planted("work_order") | {"id": "o", "alert_id": "a", "closed_at": None}
        connection.execute(tables.METADATA.tables["work_order"].insert(), order)
    assert reader.scalar(text("SELECT count(*) FROM grafana.alert")) == 0
    assert reader.scalar(text("SELECT count(*) FROM grafana.work_order")) == 0
    leak = "CREATE FUNCTION pg_temp.leak(words text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS"
    reader.execute(text(f"{leak} $$ BEGIN RAISE EXCEPTION 'leaked %', words; END $$"))
    assert reader.scalar(text("SELECT count(*) FROM grafana.alert WHERE pg_temp.leak(title)")) == 0
    assert reader.scalar(text("SELECT count(*) FROM grafana.work_order WHERE pg_temp.leak(title)")) == 0


def test_a_device_that_counts_wildly_does_not_take_the_view_away(own_db: Database) -> None:
    highest = 10**16 - 1
    rows = f"SELECT 'yunhe/wild', 'b' || n, {highest}, '[[1, {highest}, 0, 0]]' FROM generate_series(1, 1000) n"
    run(own_db, "INSERT INTO device_state (device, heard_ms, event_ms, ahead_ms) VALUES ('yunhe/wild', 0, 0, 0)")
    run(own_db, f"INSERT INTO device_sequence (device, boot, high, gaps) {rows}")
    assert run(own_db, "SELECT missing_events FROM grafana.device WHERE device = 'wild'") == [2**63 - 1]
