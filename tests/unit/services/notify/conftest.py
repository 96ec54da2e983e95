"""A provider on loopback that answers as it is told and remembers what it got."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest


@dataclass
class Reply:
    """One scripted answer. `hang`: take the request, then say nothing until the test is over."""

    status: int = 200
    body: dict[str, Any] | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False


@dataclass
class Got:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Any


class Provider:
    """Answers with the script, then with its last line for ever."""

    reply = Reply

    def __init__(self) -> None:
        self.script: list[Reply] = [Reply()]
        self.got: list[Got] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = provider._next(Got(self.path, dict(self.headers.items()), json.loads(raw)))
                if reply.hang:
                    provider.over.wait(30)
                    return
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Clients hang up in the middle; that is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _next(self, got: Got) -> Reply:
        with self._lock:
            self.got.append(got)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """The provider, running."""
    one = Provider()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield one
    one.over.set()
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """An HTTP client that ignores this machine's proxies."""
    with httpx.Client(trust_env=False) as one:
        yield one
