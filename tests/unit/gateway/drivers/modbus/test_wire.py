"""The line itself: what comes too late, from somebody else or in pieces is never taken for an answer."""

import ast
import contextlib
import os
import pty
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from modbus_line import bus_of
from pymodbus.framer import FramerRTU

import gateway.drivers.modbus
from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.wire import Garbage, LineLost, ModbusWire, NoAnswer, Refusal

PAIR = Request("holding", 2, 2)
TIMEOUT = timedelta(milliseconds=150)


def frame(data: str) -> bytes:
    """An RTU frame of these bytes, with its checksum."""
    body = bytes.fromhex(data)
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


class Slaves:
    """The other end of a pseudo-terminal: writes what a test says in answer to each request."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self.answer: Callable[[bytes], bytes] = lambda request: b""
        self.heard: list[bytes] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        os.write(self._ours, data)

    def say_before(self, data: bytes) -> None:
        """Say it unasked, and return when it lies at the other end."""
        self.say(data)
        assert select.select([self._theirs], [], [], 5.0)[0]

    def close(self) -> None:
        self._closing.set()
        os.write(self._theirs, b"\0")  # wakes the thread
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        while True:
            request = os.read(self._ours, 256)
            if self._closing.is_set():
                return
            self.heard.append(request)
            answer = self.answer(request)
            if answer:
                self.say(answer)


@pytest.fixture
def slaves() -> Iterator[Slaves]:
    slaves = Slaves()
    yield slaves
    slaves.close()


@pytest.fixture
def wire(slaves: Slaves) -> Iterator[ModbusWire]:
    wire = ModbusWire(bus_of(port=slaves.path, timeout=TIMEOUT))
    wire.open()
    yield wire
    wire.close()


def test_registers_and_bits(slaves: Slaves, wire: ModbusWire) -> None:
    slaves.answer = lambda _: frame("01030440e80000")
    assert wire.read(1, PAIR) == [0x40E8, 0]
    slaves.answer = lambda _: frame("010404000a000b")
    assert wire.read(1, Request("input", 0, 2)) == [10, 11]
    slaves.answer = lambda _: frame("01010205ff")
    assert wire.read(1, Request("coil", 0, 10)) == [1, 0, 1, 0, 0, 0, 0, 0, 1, 1]
    slaves.answer = lambda _: frame("01020102")
    assert wire.read(1, Request("discrete", 0, 2)) == [0, 1]
    assert [request[1] for request in slaves.heard] == [3, 4, 1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        frame("02030440e80000"),
        frame("01040440e80000"),
        frame("01030240e8"),
        frame("01030640e800000000"),
        frame("018402"),
        frame("01030440e80000")[:-1] + b"\x00",
        frame("01030440e80000")[:5],
        b"\x00" * 9,
        b"\xff" * 200,
        b"\x01",
        b"\x01\x83",
        frame("010340"),
        frame("012b0e0100"),
        b"OK\r\n",
    ],
    ids=lambda one: one[:8].hex(),
)
def test_what_is_no_answer_to_this_request_is_garbage(slaves: Slaves, wire: ModbusWire, answer: bytes) -> None:
    slaves.answer = lambda _: answer
    with pytest.raises(Garbage) as caught:
        wire.read(1, PAIR)
    assert caught.value.raw
    slaves.answer = lambda _: frame("01030440e80000")
    assert wire.read(1, PAIR) == [0x40E8, 0], "the next answer is read as if nothing had been"


def test_an_exception_is_a_refusal_with_its_code(slaves: Slaves, wire: ModbusWire) -> None:
    slaves.answer = lambda _: frame("018302")
    with pytest.raises(Refusal) as caught:
        wire.read(1, PAIR)
    assert caught.value.code == 2


@pytest.mark.parametrize("code", ["0a", "0b"])
def test_a_gateway_that_cannot_reach_the_slave_is_no_answer(slaves: Slaves, wire: ModbusWire, code: str) -> None:
    slaves.answer = lambda _: frame("0183" + code)
    with pytest.raises(NoAnswer):
        wire.read(1, PAIR)


def test_an_answer_that_comes_too_late_is_thrown_away(slaves: Slaves, wire: ModbusWire) -> None:
    with pytest.raises(NoAnswer):
        wire.read(1, PAIR)
    slaves.say_before(frame("01030441200000"))
    slaves.answer = lambda _: frame("01030440e80000")
    assert wire.read(1, PAIR) == [0x40E8, 0]


def test_a_late_answer_just_before_that_of_the_next_slave_is_not_taken_for_it(slaves: Slaves, wire: ModbusWire) -> None:
    with pytest.raises(NoAnswer):
        wire.read(1, PAIR)
    slaves.answer = lambda _: frame("01030441200000") + frame("02030440e80000")
    with contextlib.suppress(Garbage):  # lost, but not mistaken
        assert wire.read(2, PAIR) == [0x40E8, 0]


@pytest.mark.parametrize("protocol", ["tcp", "rtu"])
def test_an_answer_that_comes_too_late_over_tcp_is_thrown_away(protocol: Literal["tcp", "rtu"]) -> None:
    def answer(data: str, request: bytes) -> bytes:
        return frame(data) if protocol == "rtu" else request[:4] + b"\0\x07" + bytes.fromhex(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wire = ModbusWire(bus_of(host=f"127.0.0.1:{port}", protocol=protocol, timeout=TIMEOUT))
        wire.open()
        theirs, _ = server.accept()
        with theirs:
            with pytest.raises(NoAnswer):
                wire.read(1, PAIR)
            theirs.sendall(answer("01030441200000", theirs.recv(256)))
            assert select.select([wire._client.socket], [], [], 5.0)[0]
            thread = threading.Thread(target=lambda: theirs.sendall(answer("01030440e80000", theirs.recv(256))))
            thread.start()
            assert wire.read(1, PAIR) == [0x40E8, 0]
            thread.join()
        with pytest.raises(LineLost):
            wire.read(1, PAIR)
        wire.close()


def test_a_line_that_babbles_holds_nobody_longer_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = ModbusWire(bus_of(host=f"127.0.0.1:{server.getsockname()[1]}", protocol="rtu", timeout=TIMEOUT))
        wire.open()
        theirs, _ = server.accept()

        def babble() -> None:
            with contextlib.suppress(OSError):
                while True:
                    theirs.sendall(b"\x01" * 1024)

        with theirs:
            thread = threading.Thread(target=babble, daemon=True)
            thread.start()
            begun = time.monotonic()
            with pytest.raises(Garbage):
                wire.read(1, PAIR)
            assert time.monotonic() - begun < 2.5, "it waited for a connection"
            wire.close()
            thread.join()


def test_a_port_that_is_not_there_is_lost() -> None:
    wire = ModbusWire(bus_of(port="/dev/gengfu-is-not-here"))
    with pytest.raises(LineLost):
        wire.open()
    with pytest.raises(LineLost):
        wire.read(1, PAIR)


def test_an_address_may_be_given_in_place_of_the_buss_own() -> None:
    assert ModbusWire(bus_of(host="10.0.0.1:502"), "127.0.0.1:5020").where == "127.0.0.1:5020"


def test_nothing_can_be_written() -> None:
    """No function but 1 to 4 is named anywhere between the profiles and the line."""
    root = Path(gateway.drivers.modbus.__file__).parents[2]
    files = [*(root / "drivers" / "modbus").glob("*.py"), root / "sensors" / "bus.py", root / "sensors" / "buses.py"]
    assert len(files) >= 7
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert not name.lower().startswith(("write", "mask_write", "readwrite", "execute")), (file, name)
