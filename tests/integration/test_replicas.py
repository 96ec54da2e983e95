"""Two web processes on one PostgreSQL: one session, one event stream, one device that they both speak as."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from brokers import MosquittoServer, free_port
from console import PASSWORD, ROOT, SITE, hasher, shipped
from database import PostgresServer
from processes import PATIENT, Process, Stand, now_ms, until

from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.people import service as people

TAGS = [place.tags[0].uid for place in shipped().site(SITE).patrol.checkpoints if place.tags]
HOUR_MS = timedelta(hours=1) // timedelta(milliseconds=1)


@dataclass
class Replica:
    """One web process and a browser at it."""

    stand: Stand
    port: int = field(default_factory=free_port)
    process: Process = field(init=False)
    client: httpx.Client = field(init=False)
    listener: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.process = self.stand.start("web", web_port=str(self.port))
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENT)

    def close(self) -> None:
        """Close the browser."""
        self.client.close()

    def listens(self) -> bool:
        try:
            return self.client.get("/sign-in").status_code == 200
        except httpx.TransportError:
            return False

    def sign_in(self, password: str = PASSWORD, username: str = "guard") -> httpx.Response:
        return self.client.post("/sign-in", data={"username": username, "password": password})

    def use_session_of(self, other: "Replica") -> None:
        """The same browser, sent to this process by whatever shares the requests out."""
        self.client.cookies = other.client.cookies
        self.client.headers["X-CSRF-Token"] = other.client.get("/api/v1/me").json()["csrf_token"]

    def tap(self, number: int) -> None:
        """The phone delivers one tap."""
        at_ms = now_ms() - 60_000 + number
        item = {"kind": "tap", "client_id": f"tap-{number:05d}", "by": "guard", "seq": number, "boot": "boot-1"}
        item |= {"wall_ms": at_ms, "mono_ms": HOUR_MS + at_ms, "tag": TAGS[number % len(TAGS)]}
        clocks = {"boot": "boot-1", "wall_ms": now_ms(), "mono_ms": HOUR_MS + now_ms()}
        body = {"phone": "phone-of-guard", "queued": 0, "items": [item], **clocks}
        answer = self.client.post("/api/v1/patrol/phone/sync", json=body)
        assert answer.json().get("accepted") == [item["client_id"]], answer.text

    def changes(self, heard: list[str]) -> None:
        """Listen to the live page's stream in the background."""

        def listen() -> None:
            with self.client.stream("GET", "/events") as stream:
                for line in stream.iter_lines():
                    if line.startswith("data:"):
                        heard.append(line)
                    if len(heard) > 1 and "patrol" in heard[-1]:
                        return

        self.listener = threading.Thread(target=listen, daemon=True)
        self.listener.start()


@pytest.fixture
def stand(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Stand]:
    url = postgres_server.url(postgres_server.fresh())
    db, now = Database(url), SystemClock().now()
    with db.begin() as s:
        people.seed_people(s, shipped().site(SITE).people, now)
        people.set_password(s, ROOT, "guard", PASSWORD, now, must_change=False, hasher=hasher())
    db.dispose()
    with MosquittoServer(tmp_path) as server, Stand(tmp_path, server.port, database_url=url) as stand:
        yield stand


@pytest.fixture
def start(stand: Stand) -> Iterator[Callable[[], Replica]]:
    with ExitStack() as browsers:
        yield lambda: browsers.enter_context(closing(Replica(stand)))


@pytest.mark.timeout(180)
def test_what_one_replica_begins_the_other_goes_on_with(stand: Stand, start: Callable[[], Replica]) -> None:
    ingest = stand.start("ingest")
    first, second = start(), start()
    until(lambda: first.listens() and second.listens(), "the consoles do not come up", seconds=2 * PATIENT)
    assert first.sign_in().status_code == 303
    first.use_session_of(first)
    second.use_session_of(first)

    heard: list[str] = []
    second.changes(heard)
    until(lambda: heard, "no live page")
    for number in range(1, 11):
        (first if number % 2 else second).tap(number)
    taps = "SELECT count(*) FROM patrol_tap"
    until(lambda: stand.scalar(taps) == 10, "a tap did not arrive")
    assert second.listener is not None
    second.listener.join(PATIENT)
    assert "patrol" in heard[-1], "the other replica's live page did not change"

    for number in range(30):  # wrong passwords are counted together
        replica = (first, second)[number % 2]
        if (refused := replica.sign_in("wrong", "nobody").status_code) == 429:
            break
    assert refused == 429
    assert first.sign_in("wrong", "nobody").status_code == second.sign_in("wrong", "nobody").status_code == 429

    # Nobody confirms a tap that the first one has; then it dies, and is not there to send it again.
    assert ingest.stop() == 0, ingest.errors
    first.tap(11)
    first.process.kill()
    ingest = stand.start("ingest")
    wills = "SELECT count(*) FROM heard_event WHERE kind = 'status' AND body->>'will' = 'true'"
    until(lambda: stand.scalar(wills) == 1, "the broker did not publish the last will of the dead one")
    online = f"SELECT online FROM device_state WHERE device = '{SITE}/patrol-app'"
    until(lambda: stand.scalar(online) is True, "the patrol app is called offline while a replica lives")
    second.tap(12)
    third = start()
    until(third.listens, "the new replica does not come up")
    third.use_session_of(second)
    third.tap(13)
    until(lambda: stand.scalar(taps) == 13, f"{stand.scalar(taps)} of 13 taps")
    places = sorted(path.name for path in stand.data_dir.glob("web-outbox-*.db"))
    assert places == [f"web-outbox-{SITE}.2.db", f"web-outbox-{SITE}.db"], "a new process takes a free place"

    for process in (second.process, third.process, ingest):
        assert process.stop() == 0, process.errors
        assert "Traceback" not in process.errors, process.errors
    rows = stand.query("SELECT body FROM heard_event WHERE kind = 'tap'")
    clients = [(json.loads(row["body"]) if isinstance(row["body"], str) else row["body"])["client_id"] for row in rows]
    assert sorted(clients) == [f"tap-{number:05d}" for number in range(1, 14)]
    assert stand.query("SELECT title FROM alert WHERE rule LIKE 'SYS-%'") == []
