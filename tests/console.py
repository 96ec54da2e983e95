"""A console over the shipped site, with a clock that only the test moves and hashing that costs nothing."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import select

from gateway.contract.heard import Heard, Rejected
from gateway.contract.times import to_ms
from gateway.site.load import load_configs
from gateway.site.model import Configs
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import tie_of
from services.alert.tables import Alert
from services.flows.judge import SiteJudge
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.heartbeat import beat
from services.kernel.settings import Settings
from services.people import service as people
from services.people.passwords import Argon2Hasher
from services.people.roles import Actor, Role
from services.web.app import create_app
from services.work_order.tables import WorkOrder

with warnings.catch_warnings():
    # It prefers a successor of httpx that nothing else here needs.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

SITE = "yunhe"
START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
PASSWORD = "lantern-night-walk"
ROOT = Actor("root", "root", Role.ADMIN)
LOW_ZONE = "low-zone-pressure"
"""Set pressure 0.450 MPa, allowed ±0.100."""


@cache
def shipped() -> Configs:
    """The configuration as it is shipped."""
    return load_configs(Path(__file__).parents[1] / "device_configs")


@cache
def hasher() -> Argon2Hasher:
    """argon2 with the least it can be asked for."""
    return Argon2Hasher(time_cost=1, memory_kib=8)


class Console:
    """The application, its database, its site and its clock."""

    def __init__(self, db: Database, directory: Path) -> None:
        self.db = db
        self.configs = shipped()
        self.clock = FakeClock(START)
        self.store = open_sqlite_store(directory / "readings.db")
        self.judge = SiteJudge(db, self.configs, [SITE])
        self._seqs: dict[str, int] = {}
        with db.begin() as s:
            people.seed_people(s, self.configs.site(SITE).people, START)
            for person in self.configs.site(SITE).people:
                people.set_password(s, ROOT, person.username, PASSWORD, START, must_change=False, hasher=hasher())
        self.app: FastAPI = create_app(
            Settings(data_dir=directory), db, self.store, self.configs, self.clock, hasher=hasher()
        )

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    @property
    def now(self) -> datetime:
        """The console's time."""
        return self.clock.now()

    def hear(self, point: str, value: float, seconds: int = 2) -> None:
        """A point reads `value` every two seconds for so long."""
        config = self.configs.site(SITE)
        device = config.point_by_id[point].device
        for _ in range(max(seconds // 2, 1)):
            at_ms = to_ms(self.clock.advance(timedelta(seconds=2)))
            seq = self._seqs[device] = self._seqs.get(device, 0) + 1
            event_id = f"t1-{seq}"
            row = (config.key(point), at_ms, tie_of(event_id, 0), value, 0, at_ms)
            self.store.write([row])
            heard = Heard(SITE, device, "reading", event_id, "t1", seq, at_ms, samples=[row], at_ms=at_ms)
            self.judge.hear([heard], [], at_ms)

    def breach(self, point: str = LOW_ZONE, value: float = 0.6) -> str:
        """Have a point leave its limit; the alert's id."""
        self.hear(point, 0.45, 4)
        self.hear(point, value, 16)
        return self.alert(point, "NUM-01").id

    def alert(self, point: str, rule: str) -> Alert:
        """The open alert of a point."""
        with self.db.read() as s:
            found = s.scalar(
                select(Alert).where(Alert.target == f"{SITE}/{point}", Alert.rule == rule, Alert.closed_at.is_(None))
            )
        assert found is not None
        return found

    def order(self, alert_id: str) -> WorkOrder:
        """The work order of an alert."""
        with self.db.read() as s:
            found = s.scalar(select(WorkOrder).where(WorkOrder.alert_id == alert_id))
        assert found is not None
        return found

    def reject(self, payload: bytes, topic: str = "gengfu/v1/yunhe/domestic-plc/reading") -> None:
        """Something that is no event arrives."""
        now_ms = to_ms(self.now)
        self.judge.hear([], [Rejected(topic, payload, "bad_payload", "Not JSON", "Send JSON", now_ms)], now_ms)

    def alive(self, *roles: str) -> None:
        """Processes give a sign of life."""
        with self.db.begin() as s:
            for role in roles or ("ingest", "worker"):
                beat(s, role, "test", self.now, lag_ms=120, connected=2)

    @contextmanager
    def browser(self, username: str | None = None, language: str = "zh") -> Iterator["Browser"]:
        """A browser, signed in when a username is given."""
        with TestClient(self.app, base_url="http://console.test", follow_redirects=False) as client:
            client.headers["Accept"] = "text/html"
            found = Browser(client)
            if username:
                found.sign_in(username)
                found.csrf = client.get("/api/v1/me").json()["csrf_token"]
                if language != "zh":
                    found.post("/language", {"language": language})
            yield found

    def token(self, username: str, *scopes: str) -> str:
        """A bearer token of an account."""
        with self.db.begin() as s:
            return people.issue_token(s, ROOT, "test", username, scopes or ("read", "command"), self.now)


class Browser:
    """Sends what a browser with our pages would send."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.csrf = ""

    def sign_in(self, username: str, password: str = PASSWORD):
        """Fill in the form."""
        return self.client.post("/sign-in", data={"username": username, "password": password})

    def get(self, path: str, **headers: str):
        """Open a page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, data: dict[str, object] | None = None, **headers: str):
        """What htmx sends: a form, with the token as a header."""
        return self.client.post(
            path, data=data or {}, headers={"X-CSRF-Token": self.csrf, "HX-Request": "true", **headers}
        )

    def api(self, path: str, body: dict[str, object] | None = None):
        """A JSON command with the cookie and the token."""
        headers = {"X-CSRF-Token": self.csrf, "Accept": "application/json"}
        return self.client.post(f"/api/v1{path}", json=body, headers=headers)
