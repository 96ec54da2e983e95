"""The publisher against real brokers: whoever dies, nothing is lost and order holds."""

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from brokers import PATIENT, SITE, Consumer, EmbeddedServer, MosquittoServer, free_port
from require import require

from gateway.contract.topics import ready_topic, receipt_topic
from gateway.mqtt import BrokerAddress, client_options
from gateway.outbox import Lane, Outbox
from gateway.publish import Pace, Publisher
from services.install.secrets import passwd_line

Broker = MosquittoServer | EmbeddedServer
AT = "2026-11-21T10:00:00.000Z"
READING: dict[str, Any] = {"at": AT, "point": "p1", "value": 0.31}
TAP: dict[str, Any] = {"at": AT, "checkpoint": "c1"}


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    server: Broker = MosquittoServer(tmp_path) if request.param == "mosquitto" else EmbeddedServer(tmp_path)
    with server:
        yield server


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", "gw")
    yield box
    box.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def in_order_and_whole(consumer: Consumer) -> None:
    """First arrivals of each device and boot are 1, 2, 3, … without a gap."""
    seqs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in consumer.ids():
        device, _, event_id = one.partition("/")
        boot, _, seq = event_id.partition("-")
        seqs[device, boot].append(int(seq))
    assert seqs
    for key, found in seqs.items():
        assert found == list(range(1, len(found) + 1)), key


def test_what_was_put_arrives_and_leaves_the_outbox(broker: Broker, outbox: Outbox) -> None:
    publisher = Publisher(outbox, broker.address, SITE).start()
    publisher.put_many([(f"d{n % 5}", "reading", READING) for n in range(2500)])
    tap = publisher.put("d1", "tap", TAP)
    consumer = Consumer(broker.address)
    assert publisher.flush(PATIENT)
    stats = publisher.stats()
    assert (stats.queued, stats.in_flight, stats.oldest_age, stats.connected, stats.ready) == (0, 0, None, True, True)
    assert len(consumer.heard) == len(consumer.ids()) == 2501, "in calm weather nothing is sent twice"
    assert f"d1/{tap}" in consumer.ids()
    in_order_and_whole(consumer)
    publisher.close()
    consumer.close()


def test_nothing_is_sent_before_ingest_is_ready(broker: Broker, outbox: Outbox) -> None:
    order: list[str] = []
    subscribed, heard = threading.Event(), threading.Event()
    watcher = paho.Client(**client_options("watcher", clean_session=True))
    watcher.on_subscribe = lambda *_: subscribed.set()

    def on_message(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        order.append(message.topic)
        if message.topic.endswith("/tap"):
            heard.set()

    watcher.on_message = on_message
    watcher.connect("127.0.0.1", broker.port)
    watcher.loop_start()
    watcher.subscribe([("gengfu/v1/#", 1)])
    assert subscribed.wait(PATIENT)
    publisher = Publisher(outbox, broker.address, SITE).start()
    publisher.put("d1", "tap", TAP)
    until(lambda: publisher.stats().connected)
    assert not publisher.stats().ready
    watcher.publish(ready_topic(SITE), b"", qos=1, retain=True).wait_for_publish(PATIENT)
    assert not publisher.flush(0.3)
    assert order == [ready_topic(SITE)], "an empty ready message says that nobody is"
    watcher.publish(ready_topic(SITE), b"{}", qos=1, retain=True).wait_for_publish(PATIENT)
    assert heard.wait(PATIENT)
    publisher.close()
    watcher.disconnect()
    watcher.loop_stop()


def test_an_event_without_receipt_stays_and_is_sent_again(broker: Broker, outbox: Outbox) -> None:
    consumer = Consumer(broker.address, receipts=False)
    publisher = Publisher(outbox, broker.address, SITE, pace=Pace(overdue=0.2)).start()
    first, second = publisher.put_many([("d1", "tap", TAP)] * 2)
    consumer.wait(lambda c: len(c.heard) >= 4)
    assert [event["id"] for _, event in consumer.heard[:4]] == [first, second, first, second]
    assert publisher.stats().queued == 2
    consumer.receipts = True
    assert publisher.flush(PATIENT)
    publisher.close()
    consumer.close()


def test_a_new_ready_brings_again_what_has_no_receipt(broker: Broker, outbox: Outbox) -> None:
    consumer = Consumer(broker.address, receipts=False)
    publisher = Publisher(outbox, broker.address, SITE).start()
    publisher.put("d1", "tap", TAP)
    consumer.wait(lambda c: len(c.heard) == 1)
    consumer.announce()
    consumer.wait(lambda c: len(c.heard) == 2)
    publisher.close()
    consumer.close()


def test_a_tap_overtakes_readings_that_wait(broker: Broker, outbox: Outbox) -> None:
    consumer = Consumer(broker.address, receipts=False)
    publisher = Publisher(outbox, broker.address, SITE, pace=Pace(window=50)).start()
    publisher.put_many([("d1", "reading", READING)] * 5000)
    consumer.wait(lambda c: len(c.heard) == 50)
    tap = publisher.put("d1", "tap", TAP)
    consumer.wait(lambda c: c.heard[-1][1]["id"] == tap)
    assert len(consumer.heard) == 51
    publisher.close()
    consumer.close()


@pytest.mark.parametrize("kind", ["mosquitto", "stock mosquitto", "embedded"])
def test_a_broker_that_is_killed_loses_nothing(tmp_path: Path, outbox: Outbox, kind: str) -> None:
    server: Broker
    server = (
        EmbeddedServer(tmp_path) if kind == "embedded" else MosquittoServer(tmp_path, stock=kind.startswith("stock"))
    )
    rng = random.Random(2)
    with server:
        consumer = Consumer(server.address)
        # A stock Mosquitto also drops what it can not queue: only an overdue receipt tells.
        publisher = Publisher(outbox, server.address, SITE, pace=Pace(overdue=1.0), rng=rng).start()
        put: list[str] = []
        for round_ in range(3):
            for n in range(60):
                device = f"d{n % 3}"
                put += [f"{device}/{one}" for one in publisher.put_many([(device, "reading", READING)] * 20)]
                put.append(f"{device}/{publisher.put(device, 'tap', TAP)}")
                if n == 20 + 10 * round_:
                    server.kill()
            server.start()
        assert publisher.flush(3 * PATIENT)
        assert sorted(set(put)) == sorted(consumer.ids())
        in_order_and_whole(consumer)
        publisher.close()
        consumer.close()


CHILD = """
import sys
from pathlib import Path
from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from services.install.secrets import passwd_line
path, port, rounds, flush = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
outbox = Outbox(path, "gw")
publisher = Publisher(outbox, BrokerAddress("127.0.0.1", port), "jingan", will_device="gateway-1").start()
at = "2026-11-21T10:00:00.000Z"
for n in range(rounds):
    device = f"d{n % 3}"
    if n % 4:
        ids = publisher.put_many([(device, "reading", {"at": at, "point": "p1", "value": 1.0})] * 10)
    else:
        ids = [publisher.put(device, "tap", {"at": at, "checkpoint": "c1"})]
    print(*(f"{device}/{one}" for one in ids), sep="\\n", flush=True)
if not publisher.flush(flush):
    sys.exit("not everything was receipted")
publisher.close()
"""


def child(path: Path, port: int, rounds: int, flush: float = 0.0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(path), str(port), str(rounds), str(flush)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_publisher_that_is_killed_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    rng = random.Random(20261121)
    consumer = Consumer(broker.address)
    put: list[str] = []
    for _ in range(6):
        with child(tmp_path / "child.db", broker.port, 1_000_000) as process:
            assert process.stdout is not None
            for _ in range(rng.randint(1, 1500)):
                put.append(process.stdout.readline().strip())
            process.kill()
            put += process.stdout.read().split("\n")[:-1]
    with child(tmp_path / "child.db", broker.port, 8, PATIENT) as last:
        assert last.stdout is not None
        put += last.stdout.read().split()
    assert last.returncode == 0
    assert set(put) <= set(consumer.ids())
    in_order_and_whole(consumer)
    consumer.close()


def test_last_will_and_goodbye_say_offline_and_ready_says_online(broker: Broker, tmp_path: Path) -> None:
    consumer = Consumer(broker.address)

    def online(found: Consumer) -> list[bool]:
        return [event["online"] for topic, event in found.heard if topic == f"gengfu/v1/{SITE}/gateway-1/status"]

    with child(tmp_path / "child.db", broker.port, 1, 60.0) as process:
        consumer.wait(lambda c: online(c) == [True])
        process.wait(PATIENT)
    consumer.wait(lambda c: online(c) == [True, False])
    with child(tmp_path / "child.db", broker.port, 1_000_000) as process:
        consumer.wait(lambda c: online(c) == [True, False, True])
        os.kill(process.pid, signal.SIGKILL)
    consumer.wait(lambda c: online(c) == [True, False, True, False])
    assert consumer.heard[-1][1]["will"] is True
    late = Consumer(broker.address, client_id="late")
    late.wait(lambda c: online(c) == [False])
    late.close()
    consumer.close()


def test_a_full_disk_holds_up_but_loses_nothing(
    broker: Broker, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = Consumer(broker.address, receipts=False)
    publisher = Publisher(outbox, broker.address, SITE, pace=Pace(overdue=0.2)).start()
    publisher.put("d1", "tap", TAP)
    consumer.wait(lambda c: len(c.heard) >= 1)
    outbox._db.execute("PRAGMA query_only = ON")
    consumer.receipts = True
    until(lambda: "can not be written" in caplog.text)
    assert publisher.stats().queued == 1
    outbox._db.execute("PRAGMA query_only = OFF")
    assert publisher.flush(PATIENT)
    publisher.close()
    consumer.close()


def test_garbage_on_the_receipt_topic_is_ignored(
    broker: Broker, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = Consumer(broker.address)
    publisher = Publisher(outbox, broker.address, SITE).start()
    until(lambda: publisher.stats().ready)
    for garbage in (
        b"",
        b"[]",
        b"\xff",
        b'{"stored":{"d1":[1]}}',
        b'{"stored":{"d1":{"b":[[1]]}}}',
        b'{"ids":{"d1":7}}',
    ):
        consumer._client.publish(receipt_topic("gw"), garbage, qos=1)
    publisher.put("d1", "tap", TAP)
    assert publisher.flush(PATIENT)
    until(lambda: caplog.text.count("is no receipt") == 6)
    publisher.close()
    consumer.close()


def test_an_unreachable_broker_is_reported_once_and_tried_with_patience(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gateway.publish")
    server = EmbeddedServer(tmp_path)
    address = BrokerAddress("127.0.0.1", server.port, username="gw", password="do-not-tell")
    publisher = Publisher(outbox, address, SITE).start()
    until(lambda: len(caplog.records) >= 3)
    publisher.close()
    assert [record.levelno for record in caplog.records[:3]] == [logging.WARNING, logging.DEBUG, logging.DEBUG]
    assert f"127.0.0.1:{server.port}" in caplog.text
    assert "do-not-tell" not in caplog.text + repr(publisher.__dict__)


def test_a_closed_publisher_leaves_its_events_for_the_next(broker: Broker, outbox: Outbox) -> None:
    publisher = Publisher(outbox, broker.address, SITE).start()
    publisher.put("d1", "tap", TAP)
    publisher.close()
    publisher.close()
    assert outbox.stats().events == 1
    consumer = Consumer(broker.address)
    again = Publisher(outbox, broker.address, SITE).start()
    assert again.flush(PATIENT)
    assert consumer.ids("d1") == [f"{outbox.boot(Lane.URGENT)}-1"]
    again.close()
    consumer.close()


def test_a_wrong_password_is_told_and_never_shown(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gateway.publish")
    passwords = tmp_path / "passwd"
    passwords.write_text("".join(f"{passwd_line(name, 'right-secret')}\n" for name in ("gengfu", "gw")))
    with MosquittoServer(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as server:
        wrong = Publisher(outbox, BrokerAddress("127.0.0.1", server.port, "gw", "wrong-secret"), SITE).start()
        until(lambda: "Not authorized" in caplog.text)
        wrong.close()
        assert "wrong-secret" not in caplog.text
        consumer = Consumer(BrokerAddress("127.0.0.1", server.port, "gengfu", "right-secret"))
        publisher = Publisher(outbox, BrokerAddress("127.0.0.1", server.port, "gw", "right-secret"), SITE).start()
        publisher.put("d1", "tap", TAP)
        assert publisher.flush(PATIENT)
        publisher.close()
        consumer.close()


# paho forgets to close the socket of a failed handshake; it closes when its object goes, right away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_tls_verifies_the_broker(tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "gateway.publish")
    tool = shutil.which("openssl")
    require(tool, "openssl is not installed (Debian: apt-get install openssl)")
    for name in ("right", "wrong"):
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / f"{name}.key")]
        subject = ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = [str(tool), "req", "-x509", *key, *subject, "-out", str(tmp_path / f"{name}.crt")]
        subprocess.run(command, check=True, capture_output=True)
    port = free_port()
    files = f"certfile {tmp_path}/right.crt\nkeyfile {tmp_path}/right.key"
    with MosquittoServer(tmp_path, f"listener {port} 127.0.0.1\n{files}") as server:
        suspicious = Publisher(outbox, BrokerAddress("127.0.0.1", port, ca=tmp_path / "wrong.crt"), SITE).start()
        until(lambda: "certificate verify failed" in caplog.text)
        suspicious.close()
        consumer = Consumer(server.address)
        publisher = Publisher(outbox, BrokerAddress("127.0.0.1", port, ca=tmp_path / "right.crt"), SITE).start()
        publisher.put("d1", "tap", TAP)
        assert publisher.flush(PATIENT)
        publisher.close()
        consumer.close()
