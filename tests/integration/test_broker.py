"""What Gengfu relies on in its brokers, and what it must know about them: pinned against surprises."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from brokers import EmbeddedServer, MosquittoServer, free_port

from gateway.broker import BrokerError, EmbeddedBroker, PortTaken
from gateway.mqtt import client_options

Broker = MosquittoServer | EmbeddedServer
PATIENT = 20.0


class Session:
    """One connection; acknowledges what it hears, or the first `acknowledge` messages only."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *filters: str,
        clean: bool = False,
        acknowledge: int = 1_000_000,
        will: tuple[str, bytes] | None = None,
        keepalive: int = 30,
    ) -> None:
        self.heard: list[paho.MQTTMessage] = []
        self.changed = threading.Condition()
        self.connected, self.subscribed, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.present: bool | None = None
        self._acknowledge = acknowledge
        options = client_options(client_id, clean_session=clean)
        self.client = client = paho.Client(**options, manual_ack=True, reconnect_on_failure=False)
        client.max_inflight_messages_set(0)
        if will is not None:
            client.will_set(*will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = lambda *_: self.subscribed.set()
        client.on_disconnect = lambda *_: self.ended.set()
        client.connect("127.0.0.1", broker.port, keepalive)
        client.loop_start()
        if filters:
            assert self.connected.wait(PATIENT)
            client.subscribe([(one, 1) for one in filters])

    def _on_connect(
        self, _c: paho.Client, _u: object, flags: paho.ConnectFlags, _reason: object, _properties: object
    ) -> None:
        self.present = flags.session_present
        self.connected.set()

    def _on_message(self, client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        with self.changed:
            self.heard.append(message)
            if len(self.heard) <= self._acknowledge:
                client.ack(message.mid, message.qos)
            self.changed.notify_all()

    def publish(self, topic: str, payloads: range, size: int = 0) -> None:
        infos = [self.client.publish(topic, str(n).encode().ljust(size), qos=1) for n in payloads]
        for info in infos:
            info.wait_for_publish(PATIENT)

    def wait(self, messages: int) -> "Session":
        assert self.connected.wait(PATIENT)
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= messages, PATIENT), f"heard {len(self.heard)}"
        return self

    @property
    def numbers(self) -> list[int]:
        with self.changed:
            return [int(message.payload) for message in self.heard]

    def lose(self) -> None:
        """The connection breaks."""
        sock = self.client.socket()
        assert sock is not None
        sock.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path) as server:
        yield server


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    server: Broker = MosquittoServer(tmp_path) if request.param == "mosquitto" else EmbeddedServer(tmp_path)
    with server:
        yield server


@pytest.fixture
def sender(broker: Broker) -> Iterator[Session]:
    session = Session(broker, "sender", clean=True)
    assert session.connected.wait(PATIENT)
    yield session
    session.close()


def subscribed(broker: Broker, client_id: str, *filters: str) -> None:
    """Leave a persistent session behind."""
    session = Session(broker, client_id, *filters)
    assert session.subscribed.wait(PATIENT)
    session.close()


def test_session_present_tells_the_truth(broker: Broker) -> None:
    seen = []
    for _ in range(2):
        session = Session(broker, "ingest", "a/#")
        assert session.subscribed.wait(PATIENT)
        seen.append(session.present)
        session.close()
    assert seen == [False, True]
    broker.kill()
    broker.start()
    session = Session(broker, "ingest").wait(0)
    assert session.present is False, "after a crash the session is gone, and the broker says so"
    session.close()


def test_twenty_thousand_messages_wait_for_a_session_in_order(broker: Broker, sender: Session) -> None:
    subscribed(broker, "ingest", "a/+/reading")
    sender.publish("a/d1/reading", range(20_000), size=150)
    session = Session(broker, "ingest").wait(20_000)
    assert session.numbers == list(range(20_000))
    session.close()


def test_unacknowledged_messages_come_again_in_order(broker: Broker, sender: Session) -> None:
    subscribed(broker, "ingest", "a/+/reading")
    sender.publish("a/d1/reading", range(500))
    first = Session(broker, "ingest", acknowledge=37).wait(100)
    first.lose()
    second = Session(broker, "ingest").wait(463)
    assert second.present is True
    assert second.numbers == list(range(37, 500))
    second.close()


def test_a_takeover_keeps_what_was_not_acknowledged(broker: Broker, sender: Session) -> None:
    first = Session(broker, "ingest", "a/+/reading", acknowledge=0)
    assert first.subscribed.wait(PATIENT)
    sender.publish("a/d1/reading", range(50))
    first.wait(50)
    second = Session(broker, "ingest").wait(50)
    assert first.ended.wait(PATIENT)
    assert second.numbers == list(range(50))
    second.close()
    first.client.loop_stop()


def test_retained_messages_greet_new_subscribers_only(broker: Broker, sender: Session) -> None:
    sender.client.publish("ready/s1", b"1", qos=1, retain=True).wait_for_publish(PATIENT)
    early = Session(broker, "early", "ready/s1", clean=True).wait(1)
    late = Session(broker, "late", "ready/s1", clean=True).wait(1)
    sender.client.publish("ready/s1", b"2", qos=1, retain=True).wait_for_publish(PATIENT)
    early.wait(2)
    late.wait(2)
    for session in (early, late):
        assert [(message.payload, message.retain) for message in session.heard] == [(b"1", True), (b"2", False)]
        session.close()


def test_the_last_will_speaks_when_a_connection_is_lost_and_only_then(broker: Broker) -> None:
    watcher = Session(broker, "watcher", "status/+", clean=True)
    assert watcher.subscribed.wait(PATIENT)
    polite = Session(broker, "polite", clean=True, will=("status/polite", b"offline")).wait(0)
    polite.close()
    lost = Session(broker, "lost", clean=True, will=("status/lost", b"offline")).wait(0)
    lost.lose()
    watcher.wait(1)
    assert [message.topic for message in watcher.heard] == ["status/lost"]
    later = Session(broker, "later", "status/+", clean=True).wait(1)
    assert later.heard[0].retain
    later.close()
    watcher.close()


def test_a_publish_that_nobody_hears_is_acknowledged(sender: Session) -> None:
    sender.publish("nobody/listens", range(3))
    assert not sender.ended.is_set()


def test_a_megabyte_passes(broker: Broker, sender: Session) -> None:
    session = Session(broker, "ingest", "a/#", clean=True)
    assert session.subscribed.wait(PATIENT)
    sender.publish("a/d1/reading", range(1), size=1 << 20)
    session.wait(1)
    assert len(session.heard[0].payload) == 1 << 20
    session.close()


def test_a_stock_mosquitto_drops_what_the_shipped_one_keeps(tmp_path: Path) -> None:
    kept = []
    for stock in (True, False):
        with MosquittoServer(tmp_path, stock=stock) as server:
            subscribed(server, "ingest", "a/#")
            sender = Session(server, "sender", clean=True)
            sender.publish("a/d1/reading", range(3000))
            session = Session(server, "ingest").wait(1000)
            sender.publish("a/d1/reading", range(3000, 3001))
            until(lambda session=session: 3000 in session.numbers)  # type: ignore[misc]
            kept.append(len(session.numbers) - 1)
            session.close()
            sender.close()
    assert kept[0] <= 1020
    assert kept[1] == 3000


def test_the_shipped_mosquitto_keeps_sessions_over_an_orderly_restart(tmp_path: Path) -> None:
    with MosquittoServer(tmp_path) as server:
        subscribed(server, "ingest", "a/#")
        sender = Session(server, "sender", clean=True)
        sender.publish("a/d1/reading", range(100))
        sender.close()
        server.restart()
        session = Session(server, "ingest").wait(100)
        assert session.present is True
        assert session.numbers == list(range(100))
        session.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# What is particular about the embedded broker.


def test_the_embedded_broker_ends_a_session_that_asks_for_sys(embedded: EmbeddedServer) -> None:
    session = Session(embedded, "curious", "$SYS/broker/publish/messages/dropped", clean=True)
    assert session.ended.wait(PATIENT)
    assert not session.subscribed.is_set()
    session.client.loop_stop()


@pytest.mark.parametrize(("client_id", "keepalive"), [("a/b", 30), ("a+b", 30), ("a#b", 30), ("a$b", 30), ("ok", 0)])
def test_the_embedded_broker_refuses_odd_clients(embedded: EmbeddedServer, client_id: str, keepalive: int) -> None:
    session = Session(embedded, client_id, clean=True, keepalive=keepalive)
    assert session.ended.wait(PATIENT)
    assert not session.connected.is_set()
    session.client.loop_stop()


def test_the_embedded_broker_sends_at_most_a_hundred_unacknowledged(embedded: EmbeddedServer) -> None:
    subscribed(embedded, "ingest", "a/#")
    sender = Session(embedded, "sender", clean=True)
    sender.publish("a/d1/reading", range(300))
    session = Session(embedded, "ingest", acknowledge=0).wait(100)
    assert not session.ended.wait(0.2)
    assert len(session.numbers) == 100
    session.close()
    sender.close()


def test_beyond_its_queue_the_embedded_broker_loses_the_oldest_silently(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, queue_bytes=1 << 20) as server:
        subscribed(server, "ingest", "a/#")
        sender = Session(server, "sender", clean=True)
        sender.publish("a/d1/reading", range(4000), size=1000)
        session = Session(server, "ingest").wait(500)
        until(lambda: session.numbers[-1] == 3999)
        assert session.present is True
        assert session.numbers == list(range(session.numbers[0], 4000))
        assert 500 < len(session.numbers) < 1200
        session.close()
        sender.close()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}") as refused:
            EmbeddedBroker(tmp_path, port).start()
        assert "choose another port" in refused.value.hint


def test_it_listens_on_this_machine_only(tmp_path: Path, embedded: EmbeddedServer) -> None:
    with pytest.raises(BrokerError, match="no passwords"):
        EmbeddedBroker(tmp_path, host="0.0.0.0")  # the point of the test
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]
    loopback = struct.pack("<I", 0x7F000001).hex().upper()
    assert [one for one in listening if one.endswith(f":{embedded.port:04X}")] == [f"{loopback}:{embedded.port:04X}"]


def test_start_stop_and_a_crash_are_visible(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path, free_port())
    assert (broker.is_running, broker.pid) == (False, None)
    broker.start()
    assert broker.is_running
    assert broker.start().pid is not None
    os.kill(broker.pid or 0, signal.SIGKILL)
    until(lambda: not broker.is_running)
    assert broker.pid is None
    with broker:
        assert broker.is_running
    assert not broker.is_running
    broker.stop()


def test_ctrl_c_is_the_parents_business(embedded: EmbeddedServer) -> None:
    os.kill(embedded.pid, signal.SIGINT)
    session = Session(embedded, "after", clean=True).wait(0)
    session.close()


PARENT = """
import sys, time
from pathlib import Path
from gateway.broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2])).start()
print(broker.pid, flush=True)
time.sleep(60)
"""


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", PARENT, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not Path(f"/proc/{pid}").exists())
