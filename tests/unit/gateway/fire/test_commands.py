"""Which commands are carried out, and the sender without a broker."""

import json
from typing import Any

import pytest
from fire_gateway import NOW_MS

from gateway.contract.commands import CommandBody
from gateway.contract.errors import BadPayload, NotNow
from gateway.fire.commands import CommandDesk, CommandSender
from gateway.mqtt import BrokerAddress
from gateway.outlet import Event

TOPIC = "gengfu/v1/jingan/utd-1/command"
GOOD = {"id": "c-1", "kind": "utd_state", "params": {}, "expires_at": "2026-11-18T11:06:41Z"}


class Bench:
    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.kept: list[Event] = []
        self.now_ms = NOW_MS
        self._desk = CommandDesk(self.carry_out, self.kept.extend, frozenset({"utd-1"}), lambda: self.now_ms)

    def carry_out(self, device: str, command: CommandBody) -> None:
        self.done.append((device, command.id))

    def take(self, topic: str = TOPIC, **change: Any) -> None:
        self._desk.take(topic, json.dumps({**GOOD, **change}).encode())


def test_a_command_is_carried_out_once() -> None:
    bench = Bench()
    for _ in range(3):
        bench.take()
    bench.take(id="c-2")
    assert bench.done == [("utd-1", "c-1"), ("utd-1", "c-2")]
    assert bench.kept == []


def test_one_that_has_expired_is_answered_and_not_carried_out() -> None:
    bench = Bench()
    bench.now_ms += 1001
    bench.take()
    ((device, kind, body),) = bench.kept
    assert (device, kind, body["scope"], body["command"], body["outcome"]) == (
        "utd-1",
        "fire",
        "command",
        "c-1",
        "expired",
    )
    assert bench.done == []


def test_one_for_much_later_is_refused() -> None:
    bench = Bench()
    bench.take(id="soon", expires_at="2026-11-18T11:16:40Z")
    bench.take(id="later", expires_at="2026-11-18T11:16:41Z")
    ((_, _, body),) = bench.kept
    assert (body["command"], body["outcome"]) == ("later", "denied")
    assert bench.done == [("utd-1", "soon")]


def test_what_is_no_command_or_for_nobody_is_left() -> None:
    bench = Bench()
    bench.take(kind="evacuate")
    bench.take("gengfu/v1/jingan/utd-9/command")
    bench.take("gengfu/v1/jingan/command")
    assert (bench.done, bench.kept) == ([], [])


def test_memory_of_ids_is_bounded() -> None:
    bench = Bench()
    for number in range(2000):
        bench.take(id=f"c-{number}")
    assert len(bench._desk._seen) == 1000


def test_a_sender_says_when_nobody_takes_it() -> None:
    sender = CommandSender(BrokerAddress("127.0.0.1", 1), "sender")
    with pytest.raises(NotNow):
        sender.send("jingan", "utd-1", GOOD)
    with pytest.raises(BadPayload):
        sender.send("jingan", "utd-1", {**GOOD, "kind": "evacuate"})
    sender.close()
