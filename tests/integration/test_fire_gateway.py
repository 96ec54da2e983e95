"""Fire signals through real brokers and killed processes: each once, the first of all, and never lost."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from brokers import PATIENT, SITE, Consumer, EmbeddedServer, MosquittoServer
from fire_gateway import OURS, UTD, Dial, alarm, site, source
from processes import Process, Stand, now_ms, until

from gateway.contract.times import format_at
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.fire.commands import CommandSender
from gateway.fire.sources import FireSources
from gateway.outbox import Outbox
from gateway.publish import Publisher

KILLS = 2
"""At random moments, beside the one right after a confirmation."""


class Utd:
    """A transmission device that says a frame until it is confirmed, over as many connections as that takes."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._dial: Dial | None = None

    def transmit(self, frame: Frame) -> None:
        """Send a frame once; connects when it has to."""
        deadline = time.monotonic() + PATIENT
        while True:
            try:
                if self._dial is None:
                    self._dial = Dial(self._stand.fire_port)
                self._dial.say(frame)
                return
            except OSError:
                self.hang_up()
                assert time.monotonic() < deadline, "the gateway does not come up"
                time.sleep(0.05)

    def is_confirmed(self) -> bool:
        """Wait for the answer; False when the connection ends before it."""
        assert self._dial is not None
        answers = self._dial.hear()
        assert all(one.command == Command.CONFIRM for one in answers)
        if not answers:
            self.hang_up()
        return bool(answers)

    def deliver(self, frame: Frame) -> None:
        """Send until it is confirmed."""
        self.transmit(frame)
        while not self.is_confirmed():
            self.transmit(frame)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._dial is not None:
            self._dial.close()
            self._dial = None


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with MosquittoServer(tmp_path) as broker, Stand(tmp_path, broker.port) as running:
        yield running


def kill(stand: Stand, gateway: Process) -> Process:
    """kill -9, and start again as the supervisor does."""
    gateway.kill()
    return stand.start("gateway")


@pytest.mark.timeout(90)
def test_killed_between_receiving_and_confirming_every_signal_is_one_event(stand: Stand) -> None:
    rng = random.Random(26875)
    stand.start("ingest")
    gateway = stand.start("gateway")
    utd, said = Utd(stand), []

    def frame() -> Frame:
        said.append(alarm(len(said), 100 + len(said)))
        return said[-1]

    utd.deliver(frame())
    lost = frame()
    utd.transmit(lost)
    assert utd.is_confirmed()  # and suppose that it was lost on its way
    gateway = kill(stand, gateway)
    utd.hang_up()
    utd.deliver(lost)
    for _ in range(KILLS):
        one = frame()
        utd.transmit(one)
        time.sleep(rng.uniform(0, 0.02))
        gateway = kill(stand, gateway)
        utd.deliver(one)
    utd.deliver(frame())
    utd.hang_up()

    heard = "SELECT component, count(*) AS n FROM fire_signal WHERE scope = 'component' GROUP BY component"
    # They come in order: when the last is there nothing else is on its way.
    until(lambda: len(stand.query(heard)) == len(said), "an alarm is missing")
    assert {row["n"] for row in stand.query(heard)} == {1}, "an alarm counts twice"
    assert stand.scalar("SELECT count(*) FROM heard_event WHERE kind = 'fire'") > len(said), "nothing came twice"


def test_after_an_outage_of_the_broker_fire_comes_before_all_else(tmp_path: Path) -> None:
    at = format_at(now_ms())
    reading = {"at": at, "point": "p1", "value": 0.31}
    with ExitStack() as stack:
        server = stack.enter_context(MosquittoServer(tmp_path))
        consumer = Consumer(server.address)
        stack.callback(consumer.close)
        outbox = Outbox(tmp_path / "outbox.db", "gw")
        stack.callback(outbox.close)
        publisher = Publisher(outbox, server.address, SITE).start()
        stack.callback(publisher.close)
        publisher.put("utd", "fire", {"at": at, "text": "before"})
        assert publisher.flush(PATIENT)
        server.stop()
        publisher.put_many([(f"d{n % 5}", "reading", reading) for n in range(3600)])
        publisher.put_many([("reader", "tap", {"at": at, "checkpoint": "c1"})] * 500)
        publisher.put_many([("utd", "fire", {"at": at, "text": str(n)}) for n in range(20)])
        server.start()
        assert publisher.flush(PATIENT)
        # What was sent just before the consumer announced itself anew is sent once more, as it may be.
        first = list({(topic, event["id"]): (topic, event) for topic, event in consumer.heard}.values())
        kinds = [topic.rpartition("/")[2] for topic, _ in first]
        assert kinds[:521] == ["fire"] * 21 + ["tap"] * 500
        assert len(kinds) == 4121
        assert [event["text"] for _, event in first[1:21]] == [str(n) for n in range(20)]


def test_commands_go_out_and_their_answers_come_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(tmp_path))
        consumer = Consumer(server.address)
        stack.callback(consumer.close)
        outbox = Outbox(tmp_path / "outbox.db", "gw")
        stack.callback(outbox.close)
        publisher = Publisher(outbox, server.address, SITE).start()
        stack.callback(publisher.close)
        sources = FireSources(
            site(source()),
            publisher,
            server.address,
            gateway="gateway-1",
            name="fire",
            clock_ms=now_ms,
            host="127.0.0.1",
            port=0,
            formats={},
        ).start()
        stack.callback(sources.close)
        sender = CommandSender(server.address, "sender")
        stack.callback(sender.close)
        assert sources.server is not None
        utd = Dial(sources.server.port)
        stack.callback(utd.close)
        utd.say(Frame(0, Command.SEND_DATA, UTD, OURS))
        utd.hear()
        sent = threading.Event()

        def send(name: str, kind: str, expires_ms: int) -> None:
            sender.send(SITE, "utd-1", {"id": name, "kind": kind, "params": {}, "expires_at": format_at(expires_ms)})

        def outcomes() -> dict[str, Any]:
            heard = [event for topic, event in consumer.heard if topic.endswith("/utd-1/fire")]
            return {event["command"]: event["outcome"] for event in heard if event["scope"] == "command"}

        def ask() -> None:
            number = 0
            while not sent.wait(0.2):  # until the gateway's session has subscribed
                number += 1
                send(f"state-{number}", "utd_state", now_ms() + 60_000)

        asking = threading.Thread(target=ask)
        asking.start()
        (request,) = utd.hear()
        sent.set()
        asking.join()
        utd.say(request.answer(Command.REPLY, bytes(6), bytes([21, 1, 1, *bytes(6)])))
        send("late", "duty_check", now_ms() - 1000)
        consumer.wait(lambda _: "late" in outcomes() and "answered" in outcomes().values())
        assert outcomes()["late"] == "expired"
        status = [event["online"] for topic, event in consumer.heard if topic.endswith("/utd-1/status")]
        assert status == [True]
