"""On a real PostgreSQL: several workers and ingest groups share the work, and a database that goes away comes back."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from brokers import MosquittoServer, free_port
from database import POSTGRES_BIN, PostgresServer
from processes import (
    WEBHOOK_ENV,
    Client,
    Process,
    RawSender,
    Stand,
    Webhook,
    copy_configs,
    edit_yaml,
    now_ms,
    reading,
    until,
)
from require import require

from gateway.contract.times import format_at

SITES = ("yunhe", "qinghe")
JUDGED = "rule LIKE 'NUM-%'"
"""What the readings cause; plans and rounds fall overdue by the clock of the wall, at midnight above all."""


def two_sites(directory: Path) -> Path:
    """The shipped site and a twin of it; whoever does not acknowledge is escalated over within seconds."""
    configs = copy_configs(directory, webhook=True)
    twin = configs / "sites/qinghe"
    shutil.copytree(configs / "sites/yunhe", twin)
    edit_yaml(twin / "site.yaml", lambda document: document.update(id="qinghe", name="清河苑", name_en="Qinghe Garden"))

    def hurry(document: Any) -> None:
        for policy in document["policies"]:
            if policy["id"] in ("pump_pressure", "electrical"):
                policy["escalation"][1]["after"] = "2s"
                policy["escalation"][2]["after"] = "5s"

    edit_yaml(configs / "policies/default.yaml", hurry)
    return configs


def breaches(site: str, boot: str) -> Iterator[tuple[str, bytes]]:
    """Three things that go wrong at a site within half a minute of event time."""
    start_ms = now_ms() - 25_000
    for second in range(25):
        for device, point, value in (
            ("domestic-plc", "low-zone-pressure", 0.6),
            ("fire-plc", "hydrant-main-pressure", 0.5),
        ):
            yield (
                f"gengfu/v1/{site}/{device}/reading",
                reading(boot, second + 1, point, value, start_ms + second * 1000),
            )
    yield f"gengfu/v1/{site}/meter-electrical/reading", reading(boot, 1, "box-main-insulation", 0.3)


@pytest.mark.timeout(120)
def test_two_workers_and_two_ingest_groups_do_everything_once(tmp_path: Path, postgres_server: PostgresServer) -> None:
    postgres_server.execute("DROP DATABASE IF EXISTS twice WITH (FORCE)")
    postgres_server.execute("CREATE DATABASE twice")
    with (
        MosquittoServer(tmp_path) as server,
        Webhook(delay_s=0.05) as hook,
        Stand(tmp_path, server.port, configs=two_sites(tmp_path), database_url=postgres_server.url("twice")) as stand,
    ):
        stand.env[WEBHOOK_ENV] = hook.url
        parts = [stand.start("worker"), stand.start("worker")]
        parts += [stand.start("ingest", ingest_sites=site, ingest_group=site) for site in SITES]
        beats = "SELECT role, holder, figures FROM heartbeat"

        def everybody() -> bool:
            found = stand.query(beats)
            connected = [row["figures"].get("connected") for row in found if row["role"] == "ingest"]
            return Counter(row["role"] for row in found) == {"ingest": 2, "worker": 2} and connected == [2, 2]

        until(everybody, "not everybody is at work")
        with Client(server.port) as client:
            for messages in zip(*(breaches(site, f"b{site}") for site in SITES), strict=True):
                for topic, payload in messages:
                    client.publish(topic, payload)
                    client.publish(topic, payload)  # heard twice, judged once
        done = "SELECT count(*) FROM timer WHERE kind = 'alert.escalate' AND done_at IS NOT NULL"
        until(lambda: stand.scalar(done) == 12, "not everything was escalated")
        waiting = "SELECT count(*) FROM message WHERE status IN ('pending', 'sending')"
        until(lambda: stand.scalar(waiting) == 0, "messages were not sent")

        alerts = stand.query(f"SELECT id, site, rule, target, occurrence FROM alert WHERE {JUDGED}")
        assert sorted((row["rule"], row["target"], row["occurrence"]) for row in alerts) == sorted(
            (rule, f"{site}/{point}", 1)
            for site in SITES
            for rule, point in (
                ("NUM-01", "low-zone-pressure"),
                ("NUM-01", "hydrant-main-pressure"),
                ("NUM-02", "box-main-insulation"),
            )
        ), alerts
        assert stand.scalar(f"SELECT count(*) FROM work_order JOIN alert ON alert.id = alert_id WHERE {JUDGED}") == 6
        escalated = "SELECT outcome FROM timer WHERE kind = 'alert.escalate' AND done_at IS NOT NULL"
        outcomes = Counter(row["outcome"] for row in stand.query(escalated))
        assert outcomes == {"told supervisor": 6, "told manager": 6}
        keys = Counter(message["idem_key"] for message in hook.received)
        assert max(keys.values()) == 1, keys
        told = "SELECT idem_key FROM message JOIN alert ON alert.id = subject_id WHERE message.status = 'sent'"
        about = {row["id"] for row in alerts}
        arrived = [message for message in hook.received if message["subject"]["id"] in about]
        assert {one["idem_key"] for one in arrived} == {row["idem_key"] for row in stand.query(f"{told} AND {JUDGED}")}
        kinds = Counter(one["kind"] for one in arrived)
        assert kinds["alert.opened"] == 6
        assert kinds["alert.escalated"] == 12
        assert stand.stored() == 2 * 51
        for process in parts:
            assert process.stop() == 0, process.errors
            assert "Traceback" not in process.errors


class Database:
    """A PostgreSQL of our own that can be killed and started again; commits are durable against that."""

    def __init__(self, directory: Path) -> None:
        require((POSTGRES_BIN / "postgres").exists(), "PostgreSQL 15 is not installed (apt-get install postgresql-15)")
        self._directory = directory
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(directory, account.pw_uid, account.pw_gid)
        self._run(["initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]).wait(60)
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(
                [POSTGRES_BIN / command[0], *command[1:]],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._directory,
            )

    def start(self, port: int) -> None:
        """Start and wait until it answers."""
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
        self._process = self._run(["postgres", "-D", "data", *(f"--{key}={value}" for key, value in settings.items())])
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"

        def answers() -> bool:
            try:
                psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres").close()
            except psycopg.OperationalError:
                return False
            return True

        until(answers, "PostgreSQL does not answer")

    def crash(self) -> None:
        """End it at once, whatever it is doing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None


@pytest.fixture
def database() -> Iterator[Database]:
    directory = Path(tempfile.mkdtemp(prefix="gengfu-postgres-"))  # tmp_path is closed to the user postgres
    own = Database(directory)
    yield own
    own.crash()
    shutil.rmtree(directory, ignore_errors=True)


def calm(count: int) -> Iterator[tuple[str, bytes]]:
    """Readings, and every hundredth message a tap."""
    for number in range(1, count + 1):
        if number % 100 == 0:
            tap = {"id": f"t-{number // 100}", "at": format_at(now_ms()), "checkpoint": "c1"}
            yield "gengfu/v1/yunhe/fire-panel-1/tap", json.dumps(tap).encode()
        else:
            seq = number - number // 100
            yield "gengfu/v1/yunhe/domestic-plc/reading", reading("c", seq, "low-zone-pressure", 0.45)


@pytest.mark.timeout(120)
def test_a_database_that_dies_is_waited_for_and_nothing_is_lost(tmp_path: Path, database: Database) -> None:
    port, count, rate = free_port(), 12_000, 1_000
    database.start(port)
    with MosquittoServer(tmp_path) as server, Stand(tmp_path, server.port, database_url=database.url) as stand:
        ingest, worker = stand.start("ingest"), stand.start("worker")
        until(stand.hears, "ingest does not hear the broker")
        source = calm(count)
        with RawSender(server.port) as sender:
            sender.send((next(source) for _ in range(3 * rate)), rate)
            database.crash()
            sender.send((next(source) for _ in range(4 * rate)), rate)
            # The broker goes as well: what ingest then has to say about its session waits for the database.
            server.stop()
            server.start()
        time.sleep(1)
        database.start(port)
        with RawSender(server.port, "again") as sender:
            sender.send(source, rate)
        taps = count // 100
        until(lambda: stand.stored() == count - taps, f"stored {stand.stored()} of {count - taps}")
        until(lambda: stand.scalar("SELECT count(*) FROM heard_event") == taps, "a tap was lost")
        assert ingest.code is None, ingest.errors
        assert worker.code is None, worker.errors
        until(
            lambda: all(row["gaps"] == [] for row in stand.query("SELECT gaps FROM device_sequence")),
            "an event is counted as missing",
        )
        highs = {row["device"]: row["high"] for row in stand.query("SELECT device, high FROM device_sequence")}
        assert highs == {"yunhe/domestic-plc": count - taps, "yunhe/fire-panel-1": taps}
        assert stand.query("SELECT title FROM alert WHERE rule = 'SYS-LOSS'") == []
        for process in (ingest, worker):
            _ends_well(process)


def _ends_well(process: Process) -> None:
    assert process.stop() == 0, process.errors
    assert "Traceback" not in process.errors, process.errors
