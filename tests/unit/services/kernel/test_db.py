"""The unit of work: who holds the write lock, and what a moment in time looks like in the database."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from services.kernel import timers
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.timers import Timer

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ROWS = 200
CLAIMERS = 5


def fill(db: Database) -> None:
    with db.begin() as session:
        for number in range(ROWS):
            timers.schedule(session, "test", str(number), NOW - timedelta(seconds=number))


def claim_all(db: Database, wait_for_all: Callable[[], object]) -> list[str]:
    """Take everything that is due in small transactions, as a worker would; what was taken."""
    mine: list[str] = []
    wait_for_all()
    while True:
        with db.begin() as session:
            due = timers.claim_due(session, NOW, limit=7)
            if not due:
                return mine
            for timer in due:
                timer.done_at, timer.outcome = NOW, "claimed"
                mine.append(timer.ref)


def claim_in_parallel(databases: list[Database]) -> tuple[list[str], list[BaseException]]:
    """Every database object claims in a thread of its own; what they took together, and what went wrong."""
    barrier = threading.Barrier(len(databases))
    taken: list[str] = []
    failed: list[BaseException] = []

    def work(db: Database) -> None:
        try:
            taken.extend(claim_all(db, barrier.wait))
        except OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(db,)) for db in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, failed


def test_five_claimers_take_each_row_once(db: Database) -> None:
    fill(db)
    others = [Database(db.url) for _ in range(CLAIMERS)]
    taken, failed = claim_in_parallel(others)
    for other in others:
        other.dispose()
    assert failed == []
    assert sorted(taken, key=int) == [str(number) for number in range(ROWS)]


def begin_late(engine: Engine) -> None:
    """Put the driver's own way in place of ours: a transaction starts as a reader and takes the lock when it writes."""
    begin = next(one for one in engine.dispatch.begin if one.__name__ == "_begin")
    event.remove(engine, "begin", begin)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


def test_without_the_lock_at_the_start_they_get_in_each_others_way(sqlite_db: Database) -> None:
    """The test above is worth something: it fails without `BEGIN IMMEDIATE`."""
    fill(sqlite_db)
    both_have_read = threading.Barrier(2)
    results: list[str] = []

    def work(db: Database) -> None:
        begin_late(db.engine)
        db._turnstile = None  # it would keep them apart as well, but it is a courtesy
        try:
            with db.begin() as session:
                due = timers.claim_due(session, NOW, limit=7)
                both_have_read.wait(timeout=20)
                for timer in due:
                    timer.done_at = NOW
            results.append("claimed")
        except OperationalError as error:
            results.append(str(error.orig))

    others = [Database(sqlite_db.url) for _ in range(2)]
    threads = [threading.Thread(target=work, args=(db,)) for db in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.dispose()
    assert sorted(results) == ["claimed", "database is locked"]


def test_naive_moments_are_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="naive datetime"), db.begin() as session:
        timers.schedule(session, "test", "a", datetime(2026, 11, 21, 2, 0))  # noqa: DTZ001


def test_moments_come_back_as_aware_utc(db: Database) -> None:
    shanghai = timezone(timedelta(hours=8))
    with db.begin() as session:
        timers.schedule(session, "test", "a", datetime(2026, 11, 21, 10, 0, 0, 123_456, tzinfo=shanghai))
    with db.read() as session:
        due_at = session.scalars(select(Timer.due_at)).one()
    assert due_at == datetime(2026, 11, 21, 2, 0, 0, 123_456, tzinfo=UTC)
    assert due_at.utcoffset() == timedelta(0)


def test_a_transaction_that_raises_leaves_nothing(db: Database) -> None:
    def fail(session: Session) -> None:
        timers.schedule(session, "test", "a", NOW)
        session.flush()
        raise LookupError("in the middle")

    with pytest.raises(LookupError), db.begin() as session:
        fail(session)
    with db.read() as session:
        assert session.scalars(select(Timer)).all() == []


def test_reading_sessions_cannot_write(db: Database) -> None:
    with db.read() as session:
        session.add(Timer(id="x", kind="test", ref="a", due_at=NOW, data={}))
        with pytest.raises(DBAPIError, match=r"read-?only"):
            session.flush()


def test_sqlite_survives_a_power_cut_and_waits_its_turn(sqlite_db: Database) -> None:
    with sqlite_db.connection() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_only_sqlite_has_a_file(sqlite_db: Database, tmp_path: Path) -> None:
    assert sqlite_db.sqlite_path == tmp_path / "state.db"


def test_a_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(datetime(2026, 11, 21, 10, 0, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == NOW
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.advance(timedelta(minutes=5)) == clock.now() == NOW + timedelta(minutes=5)
    clock.set(NOW)
    assert clock.now() == NOW


def test_a_postgresql_that_is_cut_off_is_not_waited_for_for_hours(postgres_db: Database) -> None:
    with postgres_db.connection() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        with socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as own:
            unheard_ms = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            silent_s = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    assert 0 < unheard_ms <= 30_000
    assert silent_s <= 30


def test_the_address_may_say_otherwise(postgres_db: Database) -> None:
    db = Database(postgres_db.url.update_query_dict({"keepalives_idle": "77"}))
    with db.connection() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        with socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as own:
            assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
    db.dispose()
