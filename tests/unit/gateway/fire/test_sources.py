"""All sources of a site together: lines beside the server, commands to each, and who is there."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fire_gateway import NOW_MS, Dial, Memory, alarm, site, source

from gateway.contract.commands import CommandBody
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.stream import FrameReader
from gateway.fire.sources import FireSources
from gateway.mqtt import BrokerAddress
from gateway.site.fire import Source

NOBODY = BrokerAddress("127.0.0.1", 1)


class Heard(Memory):
    """An outbox that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def put_many(self, events: list) -> list[str]:  # type: ignore[override, type-arg]
        with self._changed:
            self._changed.notify_all()
            return super().put_many(events)

    def wait(self, kind: str, count: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.bodies(kind)) >= count, 20), self.events


@pytest.fixture
def serial_server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        yield listening


def sources(memory: Memory, *declared: Source) -> FireSources:
    return FireSources(
        site(*declared, heartbeat=timedelta(minutes=1)),
        memory,
        NOBODY,
        gateway="gateway-1",
        name="fire",
        clock_ms=lambda: NOW_MS,
        host="127.0.0.1",
        port=0,
        formats={},
    )


def command(kind: str = "utd_state") -> CommandBody:
    return CommandBody(id="c-1", kind=kind, params={}, expires_at="2026-11-18T12:00:00Z")  # type: ignore[arg-type]


def hear(line: socket.socket) -> Frame:
    reader = FrameReader()
    while True:
        for one in reader.feed(line.recv(4096), 0):
            assert isinstance(one, Frame)
            return one


def test_a_device_behind_a_serial_server_is_confirmed_and_asked(serial_server: socket.socket) -> None:
    memory = Heard()
    host, port = serial_server.getsockname()
    running = sources(memory, source(host=f"{host}:{port}"), source("jbf", protocol="jbf293k", host="127.0.0.1:1"))
    running.start()
    line, _ = serial_server.accept()
    with line:
        line.settimeout(20)
        line.sendall(alarm(5).encode())
        answer = hear(line)
        assert (answer.serial, answer.command) == (5, Command.CONFIRM)
        assert [body["address"] for body in memory.bodies(device="utd-1")] == ["06000000"]
        running._carry_out("utd-1", command())
        assert hear(line).command == Command.REQUEST
    running.close()
    assert memory.bodies("status", "utd-1")[0]["online"] is True
    (outcome,) = [body for body in memory.bodies(device="utd-1") if body["scope"] == "command"]
    assert outcome["outcome"] == "unreachable"
    assert running.server is None, "nobody connects to us"


def test_a_panel_that_only_listens_denies_commands() -> None:
    memory = Memory()
    sources(memory, source("jbf", protocol="jbf293k", port="/dev/ttyS9"))._carry_out("jbf", command())
    ((device, _, body),) = memory.events
    assert (device, body["outcome"], body["answer"]) == ("jbf", "denied", {"reason": "jbf293k only listens"})


def test_a_source_that_never_came_is_unreachable() -> None:
    memory = Memory()
    for one in (source(port="/dev/ttyS9"), source()):
        sources(memory, one)._carry_out("utd-1", command())
    assert [body["outcome"] for body in memory.bodies()] == ["unreachable"] * 2


def test_a_port_that_cannot_be_had_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    running = sources(Memory(), source())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert running.server is not None
        running.server.port = taken.getsockname()[1]
        running.start()
        assert "cannot be had" in caplog.text
    running.retry()
    socket.create_connection(("127.0.0.1", running.server.port), timeout=20).close()
    running.close()


def test_after_a_fault_of_the_server_what_was_not_confirmed_is_heard_again() -> None:
    class Faulty(Heard):
        fails = True

        def put_many(self, events: list) -> list[str]:  # type: ignore[override, type-arg]
            if self.fails and any(kind == "fire" for _, kind, _ in events):
                self.fails = False
                raise ZeroDivisionError
            return super().put_many(events)

    memory = Faulty()
    running = sources(memory, source()).start()
    assert running.server is not None
    first = Dial(running.server.port)
    first.say(alarm(5))
    assert first.until_closed() == []
    while running.server.is_running:
        pass
    running.retry()
    second = Dial(running.server.port)
    second.say(alarm(5))
    assert [one.command for one in second.hear()] == [Command.CONFIRM]
    assert len(memory.bodies()) == 1
    for dial in (first, second):
        dial.close()
    running.close()
