"""kill -9 of the console, ingest and broker while typed readings are delivered again and again: each of them once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from brokers import free_port
from console import PASSWORD, ROOT, SITE, hasher, shipped
from processes import PATIENT, Process, Stand, now_ms, until

from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.migrations import upgrade
from services.people import service as people

BOX, FLOOR = "box-1-insulation", "lobby-1-friction"
READINGS = 24
KILLS = {4: "web", 8: "broker", 12: "ingest", 16: "web"}
"""After which reading who dies."""
USERNAME = "engineer-power"
STARTS_S = 90.0
"""A process that was killed is there again, also on a busy machine."""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path, free_port()) as group:
        db = Database(group.database_url)
        upgrade(db)
        with db.begin() as s:
            people.seed_people(s, shipped().site(SITE).people, SystemClock().now())
            people.set_password(s, ROOT, USERNAME, PASSWORD, SystemClock().now(), must_change=False, hasher=hasher())
        db.dispose()
        yield group


class App:
    """The phone, which keeps every reading until an answer has named it."""

    def __init__(self, stand: Stand) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{stand.web_port}", trust_env=False, timeout=PATIENT)
        self._since_ms = now_ms() - 60_000

    def sign_in(self) -> None:
        """Open a session; it outlives the server."""
        until(lambda: self._answers("/sign-in"), "the console does not come up", STARTS_S)
        answer = self._client.post("/sign-in", data={"username": USERNAME, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        self._client.headers["X-CSRF-Token"] = self._client.get("/api/v1/me").json()["csrf_token"]

    def close(self) -> None:
        """Put it away."""
        self._client.close()

    def _answers(self, path: str) -> bool:
        try:
            return self._client.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def deliver(self, number: int) -> bool:
        """Send one reading; whether the answer names it."""
        at_ms = now_ms()
        clocks = {"boot": "boot-001", "wall_ms": at_ms, "mono_ms": at_ms - self._since_ms}
        box = number % 2 == 0
        where = {"circuit": "WL1", "instrument": "1"} if box else {"place": "入口", "condition": "dry"}
        item = {
            "kind": "reading", "client_id": f"read-{number:05d}", "by": USERNAME, "seq": number + 1,
            "boot": "boot-001", "wall_ms": self._since_ms + number * 1000, "mono_ms": number * 1000,
            "point": BOX if box else FLOOR, "value": 0.3 + number / 1000 if box else 0.9, **where,
        }  # fmt: skip
        body = {"phone": "phone-0001", "queued": 0, "items": [item], **clocks}
        try:
            answer = self._client.post("/api/v1/patrol/phone/sync", json=body)
        except httpx.TransportError:
            return False
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200 and answer.json()["accepted"] == [item["client_id"]]


@contextmanager
def app_of(stand: Stand) -> Iterator[App]:
    """The phone, signed in."""
    app = App(stand)
    try:
        app.sign_in()
        yield app
    finally:
        app.close()


def deliver_all(stand: Stand, running: dict[str, Process], app: App) -> None:
    """Deliver every reading, some twice, and kill as planned."""
    for number in range(READINGS):
        until(lambda number=number: app.deliver(number), "the console does not take the reading", STARTS_S)  # type: ignore[misc]
        if number in KILLS:
            role = KILLS[number]
            running[role].kill()
            running[role] = stand.start(role)
        if number % 3 == 0:  # the answer got lost in the air
            until(lambda number=number: app.deliver(number), "the console does not take it again", STARTS_S)  # type: ignore[misc]


@pytest.mark.timeout(400)
def test_every_reading_is_one_row_one_judgement_and_no_loss_whatever_dies(stand: Stand) -> None:
    running: dict[str, Process] = {role: stand.start(role) for role in ("broker", "ingest", "web")}
    with app_of(stand) as app:
        deliver_all(stand, running, app)
    until(lambda: stand.scalar("SELECT count(*) FROM typed_reading") == READINGS, "not all readings arrive", STARTS_S)
    assert stand.scalar("SELECT count(DISTINCT client_id) FROM typed_reading") == READINGS
    samples = {point: stand.stored(f"{SITE}/{point}") for point in (BOX, FLOOR)}
    # A console killed between keeping a reading and noting it may send it twice: the same value of the same moment.
    assert all(READINGS // 2 <= count <= READINGS // 2 + len(KILLS) for count in samples.values()), samples
    alerts = stand.query("SELECT rule, target, occurrence FROM alert WHERE rule LIKE 'NUM-%'")
    assert [(one["rule"], one["target"], one["occurrence"]) for one in alerts] == [("NUM-02", f"{SITE}/{BOX}", 1)]
    missing = stand.query("SELECT gaps FROM device_sequence WHERE device LIKE '%/meter-%'")
    assert missing
    assert {str(one["gaps"]) for one in missing} == {"[]"}, "the meters lost nothing"
    assert not stand.query("SELECT id FROM quarantine")
