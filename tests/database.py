"""The state database of tests: the same tests on SQLite and on a real PostgreSQL, each on a fresh database.

`db` runs a test on both. `one_db` and `new_db` are for tests in which the kind of database matters little: SQLite, or
PostgreSQL with GENGFU_TEST_STATE=postgresql, which takes SQLite out of every test that is not about SQLite itself.
"""

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from brokers import free_port
from require import require

from services import migrations
from services.kernel.db import Database
from services.tables import METADATA

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
_START_WITHIN_S = 30.0
_TEMPLATE = "gengfu_template"
STATE_ENV = "GENGFU_TEST_STATE"
ONLY = os.environ.get(STATE_ENV, "")
"""The kind of database that every test of the state runs on; empty: as the test says."""
KINDS = [ONLY] if ONLY else ["sqlite", "postgresql"]
if not {*KINDS} <= {"sqlite", "postgresql"}:
    raise pytest.UsageError(f"{STATE_ENV}={ONLY}: say sqlite or postgresql")
_HANG_UP = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_SCHEMA = """SELECT (SELECT string_agg(version_num, ',') FROM alembic_version), (SELECT count(*) FROM pg_proc),
(SELECT count(*) FROM pg_trigger),
(SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text NOT LIKE 'pg_%')"""
_FILLED = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in METADATA.tables)


@dataclass
class PostgresServer:
    """A server of our own on loopback, in a directory that goes with it."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _clean: list[str] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)
    _schema: tuple[object, ...] | None = None
    _cleaners: dict[str, psycopg.Connection] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Address of one of its databases."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str) -> None:
        """Run one statement outside any transaction, on the maintenance database."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.encode())

    def fresh(self) -> str:
        """Name of a database with every table and no row; `drop` gives it back."""
        if self._clean:
            return self._clean.pop()
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
        self._made.add(name)
        return name

    def drop(self, name: str) -> None:
        """Throw it away; what `fresh` made and nobody changed but for rows is emptied and used again."""
        if name not in self._made or not self._emptied(name):
            self._made.discard(name)
            if name in self._cleaners:
                self._cleaners.pop(name).close()
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")
            return
        self._clean.append(name)

    def remember_schema(self) -> None:
        """What every database made from the template has."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname={_TEMPLATE}"
        with psycopg.connect(address, autocommit=True) as connection:
            self._schema = connection.execute(_SCHEMA).fetchone()

    def _emptied(self, name: str) -> bool:
        """Throw out whoever is still connected and every row; False when somebody changed the schema."""
        if name not in self._cleaners:
            address = f"host=127.0.0.1 port={self.port} user=postgres dbname={name}"
            self._cleaners[name] = psycopg.connect(address, autocommit=True)
            self._cleaners[name].execute("SET session_replication_role = replica")  # in any order of the tables
        cleaner = self._cleaners[name]
        cleaner.execute(_HANG_UP)
        found = cleaner.execute(_SCHEMA).fetchone()
        if found != self._schema:
            return False
        filled = [table for (table,) in cleaner.execute(_FILLED.encode())]
        cleaner.execute("; ".join(f'DELETE FROM "{table}"' for table in filled).encode())
        return True

    def close(self) -> None:
        """Close the connections that clean up."""
        for cleaner in self._cleaners.values():
            cleaner.close()


def start_postgres() -> PostgresServer:
    """Start a server; its files belong to `postgres` when we are root, because initdb refuses root."""
    directory = Path(tempfile.mkdtemp(prefix="gengfu-postgres-"))
    user: str | None = None
    if os.geteuid() == 0:
        user = "postgres"
        account = pwd.getpwnam(user)
        os.chown(directory, account.pw_uid, account.pw_gid)
    data = directory / "data"
    subprocess.run(
        [POSTGRES_BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        check=True,
        capture_output=True,
        user=user,
        cwd=directory,
    )
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "100",
        "shared_buffers": "32MB",
    }
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [POSTGRES_BIN / "postgres", "-D", data, *(f"--{key}={value}" for key, value in settings.items())],
            stdout=log,
            stderr=log,
            user=user,
            cwd=directory,
            preexec_fn=_die_with_the_tests,
        )
    server = PostgresServer(directory, port, process)
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            server.execute("SELECT 1")
            break
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                stop_postgres(server)
                raise
            time.sleep(0.05)  # the server is another process: there is nothing to wait on but the clock
    server.execute(f"CREATE DATABASE {_TEMPLATE}")
    template = Database(server.url(_TEMPLATE))
    migrations.upgrade(template)
    template.dispose()
    server.remember_schema()
    return server


def _die_with_the_tests() -> None:
    """Ask the kernel to end the server when the test run is killed before it can."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def stop_postgres(server: PostgresServer) -> None:
    """Stop it at once and remove its files."""
    server.close()
    server.process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait(10)
    shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run."""
    require((POSTGRES_BIN / "postgres").exists(), "PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    server = start_postgres()
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    database.dispose()
    return path


@dataclass(frozen=True)
class Databases:
    """Makes databases with every table and no row."""

    template: Path
    directory: Path
    postgres: Callable[[], PostgresServer]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def open(self, kind: str, path: Path | None = None) -> Iterator[Database]:
        """One database for as long as the block lasts; `path`: where SQLite keeps it."""
        if kind == "sqlite":
            path = path or self.directory / f"{next(self._numbers)}.db"
            shutil.copy(self.template, path)
            database = Database(f"sqlite:///{path}")
            yield database
            database.dispose()
            return
        server = self.postgres()
        name = server.fresh()
        database = Database(server.url(name))
        yield database
        database.dispose()
        server.drop(name)

    def one(self, path: Path | None = None) -> AbstractContextManager[Database]:
        """One of whichever kind this run is about."""
        return self.open(KINDS[0], path)


@pytest.fixture(scope="session")
def databases(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Databases:
    """For fixtures of a module, and for whoever needs several."""
    directory = tmp_path_factory.mktemp("databases")
    return Databases(sqlite_template, directory, lambda: request.getfixturevalue("postgres_server"))


@pytest.fixture
def sqlite_db(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database, whatever the run is about: for what only SQLite does."""
    with databases.open("sqlite", tmp_path / "state.db") as database:
        yield database


@pytest.fixture
def postgres_db(databases: Databases) -> Iterator[Database]:
    """A fresh PostgreSQL database, whatever the run is about: for what only PostgreSQL does."""
    with databases.open("postgresql") as database:
        yield database


@pytest.fixture
def one_db(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of one kind, the cheaper one unless the run says otherwise."""
    with databases.one(tmp_path / "state.db") as database:
        yield database


@pytest.fixture
def new_db(databases: Databases) -> Iterator[Callable[[], Database]]:
    """Makes as many of them as a test compares with each other."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(databases.one())


@pytest.fixture(params=KINDS)
def db(request: pytest.FixtureRequest) -> Database:
    """A fresh database with every table; the test runs once on each kind."""
    fixture = "sqlite_db" if request.param == "sqlite" else "postgres_db"
    database: Database = request.getfixturevalue(fixture)
    return database
