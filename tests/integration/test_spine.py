"""From the wire to a person with real processes: broker, ingest, worker and web on SQLite."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from brokers import MosquittoServer, free_port
from processes import WEBHOOK_ENV, Client, Stand, Webhook, copy_configs, now_ms, reading, until
from require import require

from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.people import service as people
from services.people.roles import Actor, Role

PLC = "gengfu/v1/yunhe/domestic-plc/reading"
PASSWORD = "seven-lanterns-by-the-gate"


@pytest.fixture(params=["mosquitto", "embedded"])
def broker_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """A Mosquitto, or a port on which `gengfu broker` will listen."""
    if request.param == "embedded":
        yield free_port()
        return
    with MosquittoServer(tmp_path) as server:
        yield server.port


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as receiver:
        yield receiver


@pytest.fixture
def stand(request: pytest.FixtureRequest, tmp_path: Path, broker_port: int, hook: Webhook) -> Iterator[Stand]:
    with Stand(tmp_path, broker_port, configs=copy_configs(tmp_path, webhook=True)) as group:
        group.env[WEBHOOK_ENV] = hook.url
        if "embedded" in request.node.name:
            group.start("broker")
        for role in ("ingest", "worker", "web"):
            group.start(role)
        until(group.hears, "ingest does not hear the broker")
        yield group


@contextmanager
def signed_in(stand: Stand) -> Iterator[httpx.Client]:
    """The console, as the duty desk."""
    with httpx.Client(base_url=f"http://127.0.0.1:{stand.web_port}", trust_env=False, timeout=10) as client:

        def answers() -> bool:
            try:
                return client.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        until(answers, "the console does not come up")
        db = Database(stand.database_url)
        with db.begin() as session:
            admin = Actor(username="test", display_name="test", role=Role.ADMIN)
            people.set_password(session, admin, "duty", PASSWORD, SystemClock().now(), must_change=False)
        db.dispose()
        assert client.get("/api/v1/alerts").status_code == 401
        answer = client.post("/sign-in", data={"username": "duty", "password": PASSWORD, "next": "/"})
        assert answer.status_code == 303
        yield client


def alerts(client: httpx.Client) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["rule"], one["target"]): one for one in client.get("/api/v1/alerts").raise_for_status().json()}


def test_a_breach_becomes_an_alert_a_work_order_and_a_message(stand: Stand, hook: Webhook) -> None:
    start_ms = now_ms() - 25_000
    with Client(int(stand.env["GENGFU_BROKER_PORT"])) as client, signed_in(stand) as console:
        for second in range(26):
            value = 0.45 if second < 5 else 0.6
            client.publish(PLC, reading("boot", second + 1, "low-zone-pressure", value, start_ms + second * 1000))
        client.publish(PLC, b'{"id":"boot-27","at":"yesterday","point":"low-zone-pressure","value":0.6}')
        key = ("NUM-01", "yunhe/low-zone-pressure")
        until(lambda: key in alerts(console), "no alert")
        alert = alerts(console)[key]
        assert (alert["state"], alert["severity"], alert["limit_text"]) == (
            "active_unack",
            "high",
            "0.450 ± 0.100 MPa",
        )
        assert alert["owner"]
        order = console.get(f"/api/v1/work-orders/{alert['work_order']}").raise_for_status().json()
        assert (order["state"], order["assignee"], order["alert_id"]) == ("dispatched", "engineer-water", alert["id"])

        def opened() -> list[dict[str, Any]]:
            # Others have their say too: papers of the shipped site that end soon, a day's checks at midnight.
            subject = {"kind": "alert", "id": alert["id"]}
            return [one for one in hook.received if (one["kind"], one["subject"]) == ("alert.opened", subject)]

        until(opened, "no message was sent")
        message = opened()[0]
        assert message["attempt"] == 1
        assert "低区出口压力" in message["text"]
        assert order["number"] in message["text"]

        def explained() -> set[str]:
            told = console.get(f"/api/v1/alerts/{alert['id']}/messages").raise_for_status().json()
            return {one["status"] for one in told}

        until(lambda: "sent" in explained(), "the message is not marked as sent")
        until(lambda: console.get("/api/v1/quarantine").json(), "nothing in quarantine")
        (entry,) = console.get("/api/v1/quarantine").raise_for_status().json()
        assert (entry["code"], entry["device"]) == ("bad_time", "domestic-plc")
        assert "'yesterday'" in entry["reason"]
        raw = console.get(f"/api/v1/quarantine/{entry['id']}/raw").raise_for_status()
        assert json.loads(raw.content)["at"] == "yesterday"
        point = console.get("/api/v1/points/yunhe/low-zone-pressure").raise_for_status().json()
        assert point["reading"]["value"] == 0.6
    assert stand.stored() == 26
    assert hook.repeated() == []
    for process in reversed(stand.processes):
        assert process.stop() == 0, f"{process.name} ends with an error:\n{process.errors}"
        assert "Traceback" not in process.errors


def test_one_reading_from_any_client_is_judged_at_once(stand: Stand, hook: Webhook) -> None:
    tool = shutil.which("mosquitto_pub")
    require(tool, "mosquitto_pub is not installed (Debian: apt-get install mosquitto-clients)")
    payload = reading("01", 1, "box-main-insulation", 0.3, unit="MΩ").replace(b"01-1", b"01JD7ZV1N0XXXXXXXXXXXXXX00")
    topic = "gengfu/v1/yunhe/meter-electrical/reading"
    port = stand.env["GENGFU_BROKER_PORT"]
    subprocess.run([str(tool), "-p", port, "-q", "1", "-t", topic, "-m", payload], check=True)
    found = "SELECT rule, target, severity, value, active FROM alert WHERE rule LIKE 'NUM-%'"
    until(lambda: stand.query(found), "no alert")
    assert [dict(row) for row in stand.query(found)] == [
        {"rule": "NUM-02", "target": "yunhe/box-main-insulation", "severity": "high", "value": 0.3, "active": 1}
    ]
    until(lambda: hook.received, "no message was sent")
