"""Moving the state of a running house to PostgreSQL: everything goes on there, once, and nothing is lost on the way."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from database import PostgresServer
from processes import until
from scenario.conftest import quicken
from scenario.site import Night, yunhe
from sqlalchemy import select, text

from services import migrations
from services.kernel.db import Database
from services.notify.tables import Message
from services.patrol.tables import Photo
from services.tables import METADATA
from services.transfer import state as transfer
from services.transfer.errors import NotEqual, SourceChanged, SourceInUse, TargetRefused, ValuesRefused
from services.transfer.source import Source
from services.transfer.target import MARKS, Target, address

HIGH_ZONE = "high-zone-pressure"
Empty = Callable[[], str]


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[Empty]:
    """Makes databases without any table."""
    made: list[str] = []

    def make() -> str:
        made.append(f"empty_migrate_{len(made)}")
        postgres_server.execute(f"CREATE DATABASE {made[-1]} TEMPLATE template0")
        return postgres_server.url(made[-1])

    yield make
    for name in made:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def leak(sqlite_db: Database) -> Iterator[Night]:
    """A leak at night that nobody has answered: the duty desk and an engineer are told, the next level is due."""
    quicken(sqlite_db)
    night = Night(sqlite_db, yunhe(HIGH_ZONE))
    night.shows(HIGH_ZONE, 0.80)
    night.wait("1min")
    night.shows(HIGH_ZONE, 0.65)
    night.wait("20s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    with sqlite_db.begin() as s:
        at = night.now
        s.add(Photo(id="yunhe/1", site="yunhe", by="x", received_at=at, sha256="", content=bytes(range(256)) * 40))
    sqlite_db.dispose()
    yield night
    night.db.dispose()


def path_of(db: Database) -> Path:
    assert db.sqlite_path is not None
    return db.sqlite_path


def move(path: Path, url: str, *, start_over: bool = False) -> dict[str, int]:
    """Copy everything; the number of rows by phase."""
    steps: dict[str, int] = {}

    def step(phase: str, _table: str, rows: int) -> None:
        steps[phase] = steps.get(phase, 0) + rows

    target = Target(address(url, ""))
    try:
        with Source(path) as source:
            transfer.transfer(source, target, step, start_over=start_over)
    finally:
        target.close()
    return steps


def test_a_night_goes_on_where_it_was(leak: Night, empty: Empty) -> None:
    path, url = path_of(leak.db), empty()
    steps = move(path, url)
    with closing(sqlite3.connect(path)) as db:
        rows = sum(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in METADATA.tables)
    assert steps == {"check": rows, "copy": rows, "verify": rows}
    assert rows > 15
    leak.db = Database(url)
    leak.restart()
    assert leak.state() == "active_unack"
    assert [(one.state, one.assignee) for one in leak.orders()] == [("dispatched", "engineer-water")]
    assert leak.history() == ["opened", "announced"]
    leak.wait("5min")
    assert leak.heard() == ["alert.escalated: supervisor"]
    leak.wait("10min")
    assert leak.heard() == ["alert.escalated: manager"]
    leak.shows(HIGH_ZONE, 0.80)
    leak.wait("2min")
    leak.acknowledge()
    assert leak.state() == "closed"
    leak.heard()
    with leak.db.read() as s:
        assert s.get_one(Photo, "yunhe/1").content == bytes(range(256)) * 40
        keys = list(s.scalars(select(Message.idem_key)))
        assert len(keys) == len(set(keys))
        assert s.scalar(text(f"SELECT to_regclass('{MARKS}')")) is None
    with pytest.raises(TargetRefused, match="already holds data"):
        move(path, url)


def many(path: Path, rows: int) -> None:
    """Something that takes a while to copy."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO audit (id, at, actor, action, ref, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [(f"A{n:025}", "2026-11-21 02:00:00.000001", "a", "b", "价", f'{{"n": {n}}}') for n in range(rows)],
        )


ROWS = 6_000
HALT = f"""CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.id = 'A{ROWS - 1000:025}' THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$"""


@pytest.mark.timeout(120)
def test_killed_in_the_middle_it_goes_on_behind_the_last_batch(leak: Night, empty: Empty) -> None:
    url, path = empty(), path_of(leak.db).rename(path_of(leak.db).with_name("gengfu.db"))
    many(path, ROWS)
    env = os.environ | {"GENGFU_DATA_DIR": str(path.parent)}
    command = [sys.executable, "-m", "services.cli", "migrate", "state", "--to", url.replace("+psycopg", "")]
    db = Database(url)
    migrations.upgrade(db)
    with db.begin() as s:
        s.execute(text(HALT))
        s.execute(text("CREATE TRIGGER halt BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION halt()"))

    def copied() -> int:
        with db.read() as s:
            there = s.scalar(text(f"SELECT to_regclass('{MARKS}') IS NOT NULL"))
            return int(s.scalar(text(f"SELECT copied FROM {MARKS} WHERE name = 'audit'")) or 0) if there else 0

    with db.begin() as halting:
        halting.execute(text("SELECT pg_advisory_xact_lock(7)"))
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(lambda: copied() >= 2 * transfer.BATCH_ROWS, seconds=60)
        process.kill()
        process.wait(10)
    with db.read() as s:
        assert s.scalar(text("SELECT count(*) FROM audit")) == 2 * transfer.BATCH_ROWS, "the mark is what is there"
    done = subprocess.run([*command, "--lang", "en"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "all equal" in done.stdout
    assert f"GENGFU_DATABASE_URL={url}" in done.stdout
    with db.read() as s:
        assert s.scalar(text("SELECT count(*) FROM audit WHERE id LIKE 'A0%'")) == ROWS
    db.dispose()


def unfinished(path: Path, url: str) -> None:
    """A copy that ended in the middle."""

    class Enough(Exception):
        pass

    def step(phase: str, table: str, _rows: int) -> None:
        if (phase, table) == ("copy", "timer"):
            raise Enough

    target = Target(address(url, ""))
    with Source(path) as source, pytest.raises(Enough):
        transfer.transfer(source, target, step)
    target.close()


def test_what_changed_meanwhile_is_noticed_on_either_side(leak: Night, empty: Empty) -> None:
    path, url = path_of(leak.db), empty()
    unfinished(path, url)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE alert SET version = version + 1")
    with pytest.raises(SourceChanged, match="alert"):
        move(path, url)
    target = Database(url)
    with target.begin() as s:
        s.execute(text("DELETE FROM heartbeat"))
    with pytest.raises(TargetRefused, match="Somebody else has changed"):
        move(path, url)
    move(path, url, start_over=True)
    target.dispose()


DIFFERENCES = {
    "UPDATE alert SET value = value + 1e-12 WHERE value IS NOT NULL": r"alert \(\w{26}\): differs",
    "DELETE FROM timer WHERE id = (SELECT min(id) FROM timer)": r"timer \(\w{26}\): is missing",
    "UPDATE alert_event SET data = '{}'": r"alert_event \(\w{26}\): differs",
    "UPDATE timer SET due_at = due_at + interval '1 microsecond'": r"timer \(\w{26}\): differs",
    "INSERT INTO sun_counter VALUES ('x', 1, 2)": "sun_counter: 1 rows that the source does not have",
}


def test_one_different_row_is_found(leak: Night, empty: Empty) -> None:
    path, url = path_of(leak.db), empty()
    target, db = Target(address(url, "")), Database(url)
    with Source(path) as source:
        target.prepare(source.revision() or "")
        tallies = transfer.check(source, quiet)
        marks = target.begin(tallies)
        for table in METADATA.sorted_tables:
            transfer.copy(source, target, table, marks[table.name], quiet)
        transfer.compare(source, target, tallies, quiet)
        for statement, found in DIFFERENCES.items():
            with db.begin() as s:
                assert s.execute(text(statement)).rowcount
            with pytest.raises(NotEqual) as refused:
                transfer.compare(source, target, tallies, quiet)
            assert re.search(found, refused.value.hint), (statement, refused.value.hint)
    target.close()
    db.dispose()


def quiet(_phase: str, _table: str, _rows: int) -> None:
    """Nobody watches."""


def test_it_does_not_start_beside_a_process_that_uses_the_source(leak: Night) -> None:
    path = path_of(leak.db)
    with leak.db.read() as s:
        s.execute(text("SELECT 1"))  # the console, say: it has no role
    with pytest.raises(SourceInUse, match="open"):
        Source(path)
    leak.db.dispose()
    with Source(path), pytest.raises(SourceInUse, match=str(os.getpid())):
        Source(path)


def test_other_peoples_databases_are_left_alone(leak: Night, empty: Empty) -> None:
    path, url = path_of(leak.db), empty()
    db = Database(url)
    with db.begin() as s:
        s.execute(text("CREATE TABLE invoices (id int)"))
    with pytest.raises(TargetRefused, match="another program: invoices"):
        move(path, url)
    with db.begin() as s:
        s.execute(text("DROP TABLE invoices"))
        s.execute(text("CREATE TABLE alembic_version (version_num varchar(32))"))
        s.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    with pytest.raises(TargetRefused, match="schema 0001"):
        move(path, url)
    db.dispose()


def test_what_postgresql_refuses_is_named_before_anything_is_written(leak: Night, empty: Empty) -> None:
    path, url = path_of(leak.db), empty()
    with closing(sqlite3.connect(path)) as db, db:
        for n, (actor, ref, detail) in enumerate(
            [("a", "nul\0", "{}"), ("x" * 65, "long", "{}"), ("a", "number", '{"x": NaN}'), ("a", "broken", "{")]
        ):
            db.execute(
                "INSERT INTO audit VALUES (?, '2026-11-21 02:00:00', ?, 'b', ?, ?)", (f"K{n}", actor, ref, detail)
            )
        db.execute("UPDATE audit SET ref = CAST(x'ff41' AS TEXT) WHERE id = 'K3'")
        db.execute("UPDATE alert SET version = 4294967296")
    with pytest.raises(ValuesRefused) as refused:
        move(path, url)
    for line in (
        "audit (K0): ref contains a NUL",
        "audit (K1): actor has 65 characters, 64 fit",
        "audit (K2): detail is no JSON",
        "does not fit 32 bits",
    ):
        assert line in refused.value.hint
    db = Database(url)
    with db.read() as s:
        assert s.scalar(text("SELECT count(*) FROM audit")) == 0
    db.dispose()
