"""A real InfluxDB for tests, on 127.0.0.1, behind a small proxy that can be told to misbehave.

Debian's influxd 1.6.7 by default, to which the proxy adds what later versions have: `/api/v2/write`, `/health` and the
status codes of 2.x. An influxd 2.x that comes first on PATH is used as it is; so is the server of INFLUXDB_URL (with
INFLUXDB_TOKEN and INFLUXDB_ORG), which cannot be stopped, killed or started.
"""

import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from brokers import free_port
from require import require

from gateway.timeseries.influx_dialects import Http, Version2
from gateway.timeseries.influxdb import InfluxServer

START_SECONDS = 20.0
INFLUXD = shutil.which("influxd") or shutil.which("influxd", path="/usr/bin:/usr/sbin:/usr/local/bin")
USER, PASSWORD, TOKEN, ORG = "admin", "test-password", "test-token", "gengfu"

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[coordinator]
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  max-row-limit = 0
[continuous_queries]
  enabled = false
[retention]
  check-interval = "30m"
"""

How = Literal["up", "down", "slow", "mute", "busy", "many", "denied", "failing", "deaf"]
"""What the proxy does with requests.

up: passes them on; down: hangs up at once; slow: passes them on after `delay_s`; mute: passes them on and hangs up
instead of answering; busy: 503 with Retry-After; many: 429 with Retry-After; denied: 401; failing: 500; deaf: 400 with
a sentence nobody knows.
"""
_ANSWERS: dict[str, tuple[int, str, str]] = {
    "busy": (503, "unavailable", "the server is overloaded"),
    "many": (429, "too many requests", "write rate exceeded"),
    "denied": (401, "unauthorized", "unauthorized access"),
    "failing": (500, "internal error", "engine: something broke"),
    "deaf": (400, "invalid", "this proxy likes nobody"),
}


@dataclass
class Mode:
    """How the proxy behaves; change it while it runs."""

    how: How = "up"
    delay_s: float = 0.2
    retry_after: str | None = "1"
    only: str = ""
    """Set: only requests whose path holds this are treated so."""
    most_bytes: int = 0
    """Set: longer bodies are answered with 413."""


@dataclass
class Proxy:
    """The proxy, and what came through it."""

    upstream: str
    is_v1: bool
    port: int = field(default_factory=free_port)
    mode: Mode = field(default_factory=Mode)
    seen: list[tuple[str, int]] = field(default_factory=list)
    """(method and path with query, status answered or 0 for none), oldest first."""
    bodies: list[bytes] | None = None
    """Set to a list: the bodies of writes that were answered with 204, oldest first."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    _server: ThreadingHTTPServer | None = None
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=False, timeout=60))

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a body behind its headers would wait 40 ms

            def do_GET(self) -> None:
                proxy.serve(self)

            do_POST = do_GET  # noqa: N815 - the base class looks for these names
            do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                """A client that went away is no error of ours."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="influx-proxy").start()

    def stop(self) -> None:
        """Listen no more: connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def close(self) -> None:
        """Give up for good."""
        self.stop()
        self._client.close()

    def wait_for(self, path: str, status: int, seconds: float = 20.0) -> None:
        """Wait until such a request has been answered so (0: not at all)."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: any(path in line and code == status for line, code in self.seen), seconds
            )
        assert found, f"no {path} was answered with {status}: {self.seen[-10:]}"

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        mode = self.mode
        how = mode.how if mode.only in request.path else "up"
        if how == "slow":
            time.sleep(mode.delay_s)
        if how == "down":
            self._note(request, 0)
            request.close_connection = True
            return
        if how in _ANSWERS:
            status, code, message = _ANSWERS[how]
            extra = {"Retry-After": mode.retry_after} if status in (429, 503) and mode.retry_after else {}
            self._answer(request, status, json.dumps({"code": code, "message": message}).encode(), extra)
            return
        if mode.most_bytes and len(body) > mode.most_bytes:
            self._answer(request, 413, b'{"code":"request too large","message":"too long"}', {})
            return
        self._forward(request, body, answer=how != "mute")

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes, *, answer: bool) -> None:
        split = urlsplit(request.path)
        path = request.path
        if self.is_v1:
            if split.path == "/health":
                self._answer(request, 200, b'{"name":"influxdb","status":"pass","version":"1.6.7"}', {})
                return
            if split.path == "/api/v2/write":
                path = _v1_write_path(split.query)
        keep = ("Authorization", "Content-Encoding", "Content-Type", "Accept", "Accept-Encoding")
        headers = {name: request.headers[name] for name in keep if name in request.headers}
        try:
            got = self._client.request(request.command, self.upstream + path, content=body, headers=headers)
        except (httpx.HTTPError, HTTPException, OSError):
            self._note(request, 0)
            request.close_connection = True
            return
        status, content = got.status_code, got.content
        if self.is_v1 and split.path == "/api/v2/write":
            status, content = _v2_answer(status, content)
        if not answer:
            self._note(request, 0)
            request.close_connection = True
            return
        if status == 204 and self.bodies is not None:
            self.bodies.append(body)
        extra = {"Content-Type": got.headers.get("Content-Type", "application/json")}
        self._answer(request, status, content, extra)

    def _answer(self, request: BaseHTTPRequestHandler, status: int, content: bytes, extra: dict[str, str]) -> None:
        with suppress(OSError):
            request.send_response(status)
            for name, value in extra.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
        self._note(request, status)

    def _note(self, request: BaseHTTPRequestHandler, status: int) -> None:
        with self.changed:
            self.seen.append((f"{request.command} {request.path}", status))
            self.changed.notify_all()


def _v1_write_path(query: str) -> str:
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    database, _, policy = asked.get("bucket", "").partition("/")
    precision = {"us": "u", "ns": "n"}.get(asked.get("precision", "ns"), asked.get("precision", "ns"))
    return "/write?" + urlencode({"db": database, "precision": precision} | ({"rp": policy} if policy else {}))


def _v2_answer(status: int, content: bytes) -> tuple[int, bytes]:
    if status == 204:
        return status, content
    with suppress(ValueError):
        message = json.loads(content).get("error", "")
        if "partial write" in message and "unable to parse" not in message:
            status = 422
        code = {400: "invalid", 404: "not found", 422: "unprocessable entity"}.get(status, "internal error")
        return status, json.dumps({"code": code, "message": message}).encode()
    return status, content


class InfluxTestServer:
    """A server with its proxy. Clients use `url`; `proxy.mode` makes it misbehave."""

    def __init__(self) -> None:
        self.given_url = os.environ.get("INFLUXDB_URL", "")
        self.token = os.environ.get("INFLUXDB_TOKEN", TOKEN) if self.given_url else TOKEN
        self.org = os.environ.get("INFLUXDB_ORG", ORG) if self.given_url else ORG
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        self._port, self._rpc = free_port(), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="gengfu-influx-"))
        if self.given_url:
            upstream = self.given_url.rstrip("/")
            version = httpx.get(upstream + "/health", trust_env=False).json().get("version", "")
            self.is_v1 = version.startswith("1.")
        else:
            require(INFLUXD, "influxd is not installed (Debian: apt-get install influxdb)")
            upstream = f"http://127.0.0.1:{self._port}"
            said = subprocess.run([str(INFLUXD), "version"], capture_output=True, text=True, check=False).stdout
            self.is_v1 = re.search(r"InfluxDB v?1\.", said) is not None
        self.proxy = Proxy(upstream, self.is_v1 and not self.given_url)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self.proxy.url

    @property
    def mode(self) -> Mode:
        """How the proxy behaves."""
        return self.proxy.mode

    @contextmanager
    def misbehaving(self, how: How, **more: Any) -> Iterator[None]:
        """Behave like that for a while."""
        before, self.proxy.mode = self.proxy.mode, Mode(how, **more)
        try:
            yield
        finally:
            self.proxy.mode = before

    @property
    def can_be_killed(self) -> bool:
        """Whether the server is ours."""
        return not self.given_url

    def open(self) -> "InfluxTestServer":
        """Start everything; once."""
        if self.can_be_killed:
            self.start()
            if not self.is_v1:
                setup = {"username": USER, "password": PASSWORD, "org": ORG, "bucket": "first", "token": TOKEN}
                httpx.post(f"{self.proxy.upstream}/api/v2/setup", json=setup, trust_env=False).raise_for_status()
        self.proxy.start()
        return self

    def close(self) -> None:
        """Stop everything and remove the files."""
        self.proxy.close()
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server on its port and files, and wait until it answers."""
        assert self._process is None
        assert INFLUXD is not None
        at, folder = f"127.0.0.1:{self._port}", self._folder
        if self.is_v1:
            config = folder / "influxdb.conf"
            config.write_text(_CONFIG.format(folder=folder, port=self._port, rpc=self._rpc))
            arguments = ["-config", str(config)]
        else:
            arguments = [f"--http-bind-address={at}", f"--bolt-path={folder}/bolt", f"--sqlite-path={folder}/sqlite"]
            arguments += [f"--engine-path={folder}/engine", "--reporting-disabled", "--log-level=warn"]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [INFLUXD, *arguments],
                stdout=log,
                stderr=log,
                cwd=folder,
                env={"PATH": os.defpath, "HOME": str(folder)},
                preexec_fn=_die_with_the_tests,
            )
        deadline = time.monotonic() + START_SECONDS
        path = "/ping" if self.is_v1 else "/ready"  # since 2.10 /health answers before anything else does
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(self.proxy.upstream + path, trust_env=False, verify=False, timeout=1).status_code < 300:
                    return
            time.sleep(0.05)  # the server is another process: there is nothing to wait on but the clock
        self.kill()
        raise AssertionError(f"influxd did not start:\n{(folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(20)

    def fresh(self, prefix: str = "", keep_s: int = 0) -> InfluxServer:
        """A server description whose three databases exist and are empty (a given prefix: are new).

        `keep_s`: how long raw readings are kept, at least an hour; 0: for ever. In 2.x its token is the store's own,
        good for these three and nothing else.
        """
        server = InfluxServer(self.url, prefix or f"t{os.getpid()}x{next(self._numbers)}", self.org, token=self.token)
        names = (server.raw, server.minutes, server.hours)
        for name in names:
            self.create(name, keep_s if name == server.raw else 0)
        if self.is_v1:
            return server
        with Http(replace(server, url=self.proxy.upstream)) as http:
            return replace(server, token=Version2(http).issue(server.bucket, names, write=True, secret=""))

    def create(self, name: str, keep_s: int = 0) -> None:
        """Create a database, or a bucket."""
        if self.is_v1:
            self._ask("", f'CREATE DATABASE "{name}"' + (f" WITH DURATION {keep_s}s" if keep_s else ""))
            return
        rules = [{"type": "expire", "everySeconds": keep_s}] if keep_s else []
        headers = {"Authorization": f"Token {self.token}"}
        with httpx.Client(base_url=self.proxy.upstream, headers=headers, trust_env=False, timeout=30) as client:
            (org,) = client.get("/api/v2/orgs", params={"org": self.org}).raise_for_status().json()["orgs"]
            bucket = {"orgID": org["id"], "name": name, "retentionRules": rules}
            client.post("/api/v2/buckets", json=bucket).raise_for_status()

    def query(self, database: str, influxql: str) -> list[dict[str, Any]]:
        """Rows as dictionaries with `time` in ms, tags included; straight from the server, past the proxy."""
        rows = []
        for result in self._ask(database, influxql):
            assert "error" not in result, result["error"]
            for series in result.get("series", ()):
                tags = series.get("tags", {})
                rows += [tags | dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
        return rows

    def count(self, server: InfluxServer, level: str = "raw", field_name: str = "value") -> int:
        """Number of points of the measurement `reading`."""
        rows = self.query(f"{server.bucket}_{level}", f'SELECT count("{field_name}") AS n FROM "reading"')
        return int(rows[0]["n"]) if rows else 0

    def _ask(self, database: str, influxql: str) -> list[dict[str, Any]]:
        answer = httpx.post(
            f"{self.proxy.upstream}/query",
            params={"db": database, "q": influxql, "epoch": "ms"},
            headers={} if self.is_v1 else {"Authorization": f"Token {self.token}"},
            trust_env=False,
            verify=False,
            timeout=60,
        )
        answer.raise_for_status()
        results: list[dict[str, Any]] = answer.json()["results"]
        return results


def _die_with_the_tests() -> None:
    """Ask the kernel to end the server when the test run is killed before it can."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@pytest.fixture(scope="session")
def influx_session() -> Iterator[InfluxTestServer]:
    """One server for the whole run."""
    server = InfluxTestServer().open()
    yield server
    server.close()


@pytest.fixture
def influx_server(influx_session: InfluxTestServer) -> Iterator[InfluxTestServer]:
    """The server of the run, well behaved at the start of each test and running at its end."""
    influx_session.proxy.mode = Mode()
    influx_session.proxy.seen.clear()
    influx_session.proxy.bodies = None
    yield influx_session
    influx_session.proxy.mode = Mode()
    if influx_session.can_be_killed and influx_session._process is None:
        influx_session.start()
