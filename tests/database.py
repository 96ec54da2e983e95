"""The state database of tests: the same tests on SQLite and on a real PostgreSQL, each on a fresh database."""

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from require import require

from services import migrations
from services.kernel.db import Database

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
_START_WITHIN_S = 30.0
_TEMPLATE = "gengfu_template"


@dataclass
class PostgresServer:
    """A server of our own on loopback, in a directory that goes with it."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, name: str) -> str:
        """Address of one of its databases."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str) -> None:
        """Run one statement outside any transaction, on the maintenance database."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.encode())

    def fresh(self) -> str:
        """Name of a new database with every table."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    def drop(self, name: str) -> None:
        """Throw one away."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
    return server


def _die_with_the_tests() -> None:
    """Ask the kernel to end the server when the test run is killed before it can."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def stop_postgres(server: PostgresServer) -> None:
    """Stop it at once and remove its files."""
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


@pytest.fixture
def sqlite_db(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database."""
    path = tmp_path / "state.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def postgres_db(postgres_server: PostgresServer) -> Iterator[Database]:
    """A fresh PostgreSQL database."""
    name = postgres_server.fresh()
    database = Database(postgres_server.url(name))
    yield database
    database.dispose()
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Database:
    """A fresh database with every table; the test runs once on each kind."""
    fixture = "sqlite_db" if request.param == "sqlite" else "postgres_db"
    database: Database = request.getfixturevalue(fixture)
    return database
