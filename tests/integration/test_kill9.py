"""kill -9 of any process at any point under load: the same store, alerts, orders and messages as on a calm day."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import scripted
from brokers import EmbeddedServer, MosquittoServer
from processes import SHIPPED_CONFIGS, WEBHOOK_ENV, Stand, Webhook, copy_configs, edit_yaml, now_ms, until

from services.kernel.clock import SystemClock

STEPS = 6000
RATE = 450
"""Events per second while others are being killed: the stream lasts for all of it."""
ROLES = ("publisher", "broker", "ingest", "worker")
KILLS = 12
Broker = MosquittoServer | EmbeddedServer
Facts = dict[str, Any]


def configs(directory: Path) -> Path:
    """The shipped site with a webhook; nothing is stale for an hour, because event times are the script's."""

    def patient(document: Any) -> None:
        for point in document["points"]:
            if point["interval"] != "none":
                point["stale_after"] = "2h"

    copied = copy_configs(directory, webhook=True)
    edit_yaml(copied / "sites/yunhe/devices.yaml", patient)
    return copied


@dataclass
class Run:
    """One run of the script from an empty data directory to the last message."""

    directory: Path
    broker: Broker
    hook: Webhook
    base_ms: int
    stand: Stand = field(init=False)
    log: list[Path] = field(default_factory=list)
    publisher: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.stand = Stand(self.directory, self.broker.port, configs=configs(self.directory), late_after="P1D")
        self.stand.env[WEBHOOK_ENV] = self.hook.url
        self._running = {role: self.stand.start(role) for role in ("ingest", "worker")}

    def publish(self, rate: int) -> None:
        """Start the publisher, again where it was."""
        path = self.directory / f"publisher-{len(self.log)}.log"
        self.log.append(path)
        arguments = [self.directory / "outbox.db", self.broker.port, self.base_ms, STEPS, rate]
        with path.open("wb") as out:
            self.publisher = subprocess.Popen(
                [sys.executable, scripted.__file__, *map(str, arguments)], stdout=out, cwd=self.directory
            )

    def kill(self, role: str) -> None:
        """kill -9 and start again."""
        if role == "broker":
            self.broker.kill()
            self.broker.start()
        elif role == "publisher":
            assert self.publisher is not None
            self.publisher.kill()
            self.publisher.wait(10)
            self.publish(RATE)
        else:
            self._running[role].kill()
            self._running[role] = self.stand.start(role)

    def finish(self) -> None:
        """Wait until everything is stored and judged."""
        assert self.publisher is not None
        assert self.publisher.wait(150) == 0

    def tell(self) -> None:
        """Wait until every message is sent."""
        waiting = "SELECT count(*) FROM message WHERE status IN ('pending', 'sending')"
        # A worker that was killed while sending holds its message for the 30 s of its lease.
        until(lambda: self.stand.scalar(waiting) == 0, "messages were not sent", 120)

    def facts(self) -> Facts:
        """All that must not depend on who was killed when."""
        with closing(sqlite3.connect(self.stand.data_dir / "timeseries.db")) as store:
            rows = store.execute("SELECT name, ts, value, quality FROM sample JOIN series ON series.id = series")
            stored = sorted(rows)

        def table(sql: str) -> list[tuple[Any, ...]]:
            return sorted((tuple(row.values()) for row in self.stand.query(sql)), key=repr)

        # Only what the script's readings cause: a silent device, an overdue plan or round and a fire's clocks are
        # judged by the clock of the wall, and two runs have that at different times (or on two sides of midnight).
        judged = "rule LIKE 'NUM-%'"
        return {
            "store": stored,
            "alerts": table(
                "SELECT rule, target, severity, max_severity, active, occurrence, acked_occurrence, "
                "announced_occurrence, opened_at, last_active_at, cleared_at, closed_at, late, value, title FROM alert "
                f"WHERE {judged}"
            ),
            "history": table(
                "SELECT rule, target, seq, kind, event_at FROM alert_event JOIN alert ON alert.id = alert_id "
                f"WHERE {judged} AND kind <> 'announced'"
            ),
            "orders": table(
                "SELECT rule, target, work_order.title, place, priority, state, assignee, respond_due_at, "
                f"finish_due_at, work_order.version FROM work_order JOIN alert ON alert.id = alert_id WHERE {judged}"
            ),
            "order history": table(
                "SELECT rule, target, work_order_event.seq, work_order_event.kind FROM work_order_event "
                f"JOIN work_order ON work_order.id = work_order_id JOIN alert ON alert.id = alert_id WHERE {judged}"
            ),
            "excursions": table("SELECT point, rule, started_at, ended_at, worst, alerted, suspended FROM excursion"),
            "events": table("SELECT device, kind, at_ms FROM heard_event"),
            # An incident's clocks are those of the wall, so its messages depend on how long a run takes.
            "fires": table("SELECT component, at, states, text FROM fire_signal"),
            "incidents": table("SELECT building, signals, zones FROM fire_incident"),
            "messages": table(
                "SELECT rule, target, kind, message.occurrence, recipient, channel FROM message "
                f"JOIN alert ON alert.id = subject_id WHERE {judged}"
            ),
        }

    def close(self) -> None:
        """End everything."""
        if self.publisher is not None:
            self.publisher.kill()
            self.publisher.wait(10)
        self.stand.close()


def test_the_script_is_worth_killing_for() -> None:
    assert len(list(scripted.events(0, STEPS))) > 20_000
    assert SHIPPED_CONFIGS.is_dir()


@pytest.fixture(scope="module")
def base_ms() -> int:
    """So long ago that the script's last event has happened."""
    return now_ms() - STEPS * scripted.STEP_MS - 1000


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, base_ms: int) -> Facts:
    """The facts of an undisturbed run."""
    directory = tmp_path_factory.mktemp("calm")
    with Webhook() as hook, MosquittoServer(directory) as broker:
        run = Run(directory, broker, hook, base_ms)
        run.publish(0)
        run.finish()
        facts = run.facts()
        assert hook.repeated() == []
        run.close()
    return facts


@pytest.fixture(params=["mosquitto", "embedded"])
def run(request: pytest.FixtureRequest, tmp_path: Path, base_ms: int) -> Iterator[Run]:
    kinds: dict[str, Callable[[Path], Broker]] = {"mosquitto": MosquittoServer, "embedded": EmbeddedServer}
    with Webhook(delay_s=0.3) as hook, kinds[request.param](tmp_path) as broker:
        started = Run(tmp_path, broker, hook, base_ms)
        yield started
        started.close()


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_who_is_killed_when_makes_no_difference(run: Run, calm: Facts) -> None:
    seed = int(os.environ.get("GENGFU_TEST_SEED", SystemClock().now().strftime("%j")))
    rng = random.Random(seed)
    plan = [role for role in ROLES for _ in range(KILLS // len(ROLES))]
    rng.shuffle(plan)
    print(f"seed {seed}, {len(plan)} kills: {' '.join(plan)}")
    run.publish(RATE)
    until(lambda: run.stand.stored() > 0, "nothing arrives")
    for role in plan:
        time.sleep(rng.uniform(0.2, 2.0))
        run.kill(role)
    assert run.publisher is not None
    assert run.publisher.poll() is None, "the stream ended before the killing: make it longer"
    run.publisher.send_signal(signal.SIGKILL)
    run.publisher.wait(10)
    run.publish(0)
    run.finish()
    run.tell()
    facts = run.facts()

    put = Counter(line for path in run.log for line in path.read_text().split("\n")[:-1])
    assert max(put.values()) == 1, "the script put an event twice"
    expected = list(scripted.events(run.base_ms, STEPS))
    readings = Counter((f"yunhe/{body['point']}", body["value"]) for _, kind, body in expected if kind == "reading")
    assert Counter((name, value) for name, _, value, _ in facts["store"]) == readings
    assert len(facts["events"]) == sum(kind != "reading" for _, kind, _ in expected)
    for name, found in facts.items():
        assert found == calm[name], f"{name} differ from those of an undisturbed run"
    assert len(facts["fires"]) == sum(kind == "fire" for _, kind, _ in expected)
    assert len(facts["incidents"]) == 1
    assert len(facts["alerts"]) == 5
    assert max(row[5] for row in facts["alerts"]) > 3
    assert len(facts["orders"]) == 5
    gaps = [row["gaps"] for row in run.stand.query("SELECT gaps FROM device_sequence")]
    assert all(one in ("[]", []) for one in gaps), "an event is counted as missing"
    assert run.stand.query("SELECT * FROM alert WHERE rule = 'SYS-LOSS'") == []
    assert run.stand.query("SELECT * FROM quarantine") == []

    assert run.hook.repeated() == [], "a message was sent twice and not marked as a further attempt"
    received = {message["id"] for message in run.hook.received}
    sent = {row["id"] for row in run.stand.query("SELECT id FROM message WHERE status = 'sent' AND channel = 'hook'")}
    assert sent <= received, "a message is marked as sent and never arrived"
    assert run.stand.query("SELECT * FROM message WHERE status = 'dead'") == []
    retried = sum(message["attempt"] > 1 for message in run.hook.received)
    print(f"{sum(readings.values())} readings, {len(run.hook.received)} messages, {retried} of them marked retries")
