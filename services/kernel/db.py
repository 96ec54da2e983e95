"""The state database: one engine for writing, one for reading, and the only place that commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from services.kernel.turnstile import Turnstile

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite connection waits for another process's transaction."""

CUT_OFF = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A PostgreSQL whose machine is gone says nothing at all: without these an answer is waited for for hours."""


class Base(DeclarativeBase):
    """Every table of every slice."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC on both sides; SQLite keeps no zone, so it is stored as UTC and read back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes; hand UTC to the driver."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r} cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """The state database. `begin` is the unit of work: it commits once, at its end, or not at all."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn = threading.Lock()
        file = self.sqlite_path
        self._turnstile = None if file is None else Turnstile(file, BUSY_TIMEOUT_MS / 1000)
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, read_only=False)
            self._reader = _sqlite_engine(self.url, read_only=True)
        else:
            limits = {name: limit for name, limit in CUT_OFF.items() if name not in self.url.query}
            self._writer = create_engine(
                self.url, pool_pre_ping=True, pool_size=5, max_overflow=10, connect_args=limits
            )
            self._reader = self._writer.execution_options(postgresql_readonly=True)

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, when there is one."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations."""
        return self._writer

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A write transaction: committed when the block ends, rolled back when it raises."""
        # Threads and processes queue here instead of in SQLite's busy handler, which sleeps and starves.
        with self._serialised(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A read-only view of one moment."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A write transaction without the ORM, for the hot path of judging."""
        with self._serialised(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _serialised(self) -> Iterator[None]:
        if self._turnstile is None:
            with self._turn if self.is_sqlite else nullcontext():
                yield
            return
        with self._turn, self._turnstile.turn():
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    def dispose(self) -> None:
        """Close every connection."""
        if self._turnstile is not None:
            self._turnstile.close()
        self._writer.dispose()
        self._reader.dispose()


def _sqlite_engine(url: URL, *, read_only: bool) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling would start transactions late and as readers; we begin them ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA journal_size_limit=67108864")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # SQLite has no SKIP LOCKED and SQLAlchemy drops the clause silently: only taking the write lock at the start
        # keeps two claimers apart (tests/unit/services/kernel/test_db.py fails without this).
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
