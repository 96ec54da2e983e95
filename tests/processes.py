"""Our own processes for tests, as a person starts them, and what they talk to: a webhook receiver and raw publishers.

Everything is on 127.0.0.1, with files under a test's own directory; a process ends with the test that started it.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
import yaml
from brokers import free_port
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from gateway.contract.times import format_at
from gateway.mqtt import client_options
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.db import Database

SHIPPED_CONFIGS = Path(__file__).parents[1] / "device_configs"
WEBHOOK_ENV = "GENGFU_TEST_WEBHOOK"
PATIENT = 30.0
"""Seconds after which waiting is given up; what is waited for takes far less."""


def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENT) -> None:
    """Wait for other processes: there is nothing to wait on but the clock."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(pid: int) -> list[int]:
    """Ids of all descendants."""
    try:
        direct = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return direct + [below for one in direct for below in children_of(one)]


class Process:
    """One `gengfu` command; its output is kept in files."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], directory: Path, number: int) -> None:
        self.name = " ".join(arguments)
        stem = f"{number:03d}-{arguments[0].lstrip('-')}"
        self.out_path, self.err_path = directory / f"{stem}.out", directory / f"{stem}.err"
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "services.cli", *arguments],
                env=dict(env),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._popen.poll()

    @property
    def output(self) -> str:
        """What it wrote."""
        return self.out_path.read_text(errors="replace")

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return self.err_path.read_text(errors="replace")

    def rss(self, field: str = "VmRSS") -> int:
        """Resident memory in bytes (VmHWM: its peak)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) << 10
        raise AssertionError(f"{self.name} has ended with code {self.code}:\n{self.errors}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        self._popen.send_signal(number)

    def wait(self, seconds: float = PATIENT) -> int:
        """Wait for its end; its exit code."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} does not end:\n{self.output}\n{self.errors}") from error

    def kill(self) -> None:
        """End it as a crash would."""
        self._popen.kill()
        self._popen.wait(10)

    def stop(self) -> int:
        """End it in order; its exit code."""
        self._popen.terminate()
        return self.wait()


class Stand:
    """Settings for a group of processes that belong together, and the processes."""

    def __init__(self, directory: Path, broker_port: int, *, configs: Path = SHIPPED_CONFIGS, **settings: str) -> None:
        """`settings`: further GENGFU_ variables, by their names in lower case."""
        self.directory = directory
        self.data_dir = directory / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.web_port, self.fire_port = free_port(), free_port()
        self.processes: list[Process] = []
        self._databases: dict[str, Database] = {}
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GENGFU_")}
        self.env |= {
            "GENGFU_CONFIGS": str(configs),
            "GENGFU_DATA_DIR": str(self.data_dir),
            "GENGFU_BROKER_PORT": str(broker_port),
            "GENGFU_WEB_PORT": str(self.web_port),
            "GENGFU_FIRE_PORT": str(self.fire_port),
            # A part whose supervisor is gone ends itself: so does ours when the test run is killed.
            "GENGFU_PARENT_PID": str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
        }
        self.env |= {f"GENGFU_{name.upper()}": value for name, value in settings.items()}

    def start(self, *arguments: str, **settings: str) -> Process:
        """Start a command."""
        env = self.env | {f"GENGFU_{name.upper()}": value for name, value in settings.items()}
        process = Process(arguments, env, self.directory, len(self.processes))
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **settings: str) -> Process:
        """Start a command and wait for its end."""
        process = self.start(*arguments, **settings)
        process.wait()
        return process

    @property
    def database_url(self) -> str:
        """The state database."""
        return self.env.get("GENGFU_DATABASE_URL") or f"sqlite:///{self.data_dir / 'gengfu.db'}"

    def query(self, sql: str, **values: Any) -> list[Any]:
        """Rows of a query on the state database; none while it has no tables."""
        if self.database_url not in self._databases:
            if self.database_url.startswith("sqlite") and not (self.data_dir / "gengfu.db").exists():
                return []
            self._databases[self.database_url] = Database(self.database_url)
        with self._databases[self.database_url].read() as session:
            try:
                return list(session.execute(text(sql), values).mappings())
            except (OperationalError, ProgrammingError) as error:
                if "no such table" in str(error) or "does not exist" in str(error):
                    return []  # the first process is still making the tables
                raise

    def scalar(self, sql: str, **values: Any) -> Any:
        """The one value of a query; None while there is none."""
        rows = self.query(sql, **values)
        return next(iter(rows[0].values())) if rows else None

    def store(self) -> TimeSeriesStore:
        """The time series, for reading."""
        return open_sqlite_store(self.data_dir / "timeseries.db", read_only=True)

    def stored(self, series: str | None = None) -> int:
        """How many readings are stored."""
        store = self.store()
        try:
            return store.count(series)
        finally:
            store.close()

    def hears(self) -> bool:
        """Ingest has both its sessions."""
        beat = self.scalar("SELECT figures FROM heartbeat WHERE role = 'ingest' ORDER BY at DESC")
        figures = json.loads(beat) if isinstance(beat, str) else beat
        return bool(figures) and figures.get("connected") == 2

    def close(self) -> None:
        """End everything that still runs."""
        for process in reversed(self.processes):
            if process.code is None:
                process.kill()
        for database in self._databases.values():
            database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Webhook:
    """Receives what the webhook channel sends; answers after `delay_s`, so that a sender may die in between."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.received: list[dict[str, Any]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append(body)
                time.sleep(delay_s)
                with suppress(OSError):  # whoever asked may be dead
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def repeated(self) -> list[dict[str, Any]]:
        """Messages received before under the same key, yet marked as a first attempt."""
        seen: set[str] = set()
        found = []
        for message in list(self.received):
            if message["idem_key"] in seen and message["attempt"] <= 1:
                found.append(message)
            seen.add(message["idem_key"])
        return found

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def copy_configs(directory: Path, *, webhook: bool = False) -> Path:
    """The shipped site files to be changed; `webhook`: messages go to the address in WEBHOOK_ENV."""
    target = directory / "configs"
    shutil.copytree(SHIPPED_CONFIGS, target)
    if webhook:
        channels = [{"name": "hook", "kind": "webhook", "url_env": WEBHOOK_ENV}]
        (target / "sites/yunhe/channels.yaml").write_text(yaml.safe_dump({"channels": channels}))
    return target


def edit_yaml(path: Path, edit: Callable[[Any], object]) -> None:
    """Change a YAML file in place."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


def now_ms() -> int:
    """This moment."""
    return time.time_ns() // 1_000_000


def reading(boot: str, seq: int, point: str, value: float, at_ms: int | None = None, **more: Any) -> bytes:
    """The payload of a single reading."""
    at = format_at(now_ms() if at_ms is None else at_ms)
    return json.dumps({"id": f"{boot}-{seq}", "at": at, "point": point, "value": value, **more}).encode()


class Client:
    """A paho client on a thread, as a stranger's device would use it."""

    def __init__(self, port: int, client_id: str = "stranger") -> None:
        self._client = paho.Client(**client_options(client_id, clean_session=True))
        self._client.connect("127.0.0.1", port, 60)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish and wait for the broker's acknowledgement."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(PATIENT)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _packet(topic: str, payload: bytes, mid: int) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2) + name + mid.to_bytes(2) + payload
    size, length = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return b"\x32" + bytes(length) + body


class RawSender:
    """Publishes with QoS 1 at a rate on a plain socket: costs the machine little and keeps no copy."""

    def __init__(self, port: int, client_id: str = "raw", *, window: int = 20_000) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        name = client_id.encode()
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2) + name
        self._sock.sendall(b"\x10" + bytes([len(body)]) + body)
        assert self._sock.recv(4)[3] == 0
        self._sock.setblocking(False)
        self._window = window
        self._mid = 0
        self._sent = 0
        self._acked = 0.0

    def send(self, messages: Iterable[tuple[str, bytes]], rate: float) -> None:
        """Publish all, `rate` per second, and wait until the broker has acknowledged them."""
        waiting = bytearray()
        source = iter(messages)
        started, count, ended = time.monotonic(), 0, False
        while not ended or waiting or self._sent - self._acked >= 1:
            due = (time.monotonic() - started) * rate
            while not ended and count < due and len(waiting) < 1 << 16 and self._sent - self._acked < self._window:
                one = next(source, None)
                if one is None:
                    ended = True
                    break
                self._mid = self._mid % 65_535 + 1
                waiting += _packet(*one, self._mid)
                count += 1
                self._sent += 1
            readable, writable, _ = select.select([self._sock], [self._sock] if waiting else [], [], 0.005)
            if writable:
                del waiting[: self._sock.send(waiting)]
            if readable:
                data = self._sock.recv(1 << 16)
                assert data, "the broker closed the connection"
                self._acked += len(data) / 4  # every answer is a PUBACK of four bytes

    def close(self) -> None:
        """Disconnect."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
