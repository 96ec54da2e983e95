"""Panels on lines: real ptys, a real socket and a real Modbus server on loopback; time is ours."""

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fire_gateway import NOW_MS, Memory, alarm, site, source
from pymodbus import FramerType
from pymodbus.framer import FramerRTU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tag_readers import Plug

from gateway.drivers.fire_signal import PanelDriver, Signal
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gst_modbus import GstModbus
from gateway.drivers.jbf293k import POLL
from gateway.fire.book import Book
from gateway.fire.drivers import NoSuchFormat, baud_of, driver_for_source
from gateway.fire.line_centre import LineCentre
from gateway.fire.lines import PanelLine
from gateway.outlet import Outlet
from gateway.site.fire import Source
from gateway.site.fire_formats import TextFormat

FORMAT = TextFormat.model_validate(
    {
        "id": "plain",
        "name": "plain",
        "name_en": "plain",
        "source": "made up",
        "encoding": "ascii",
        "baud": 4800,
        "patterns": [r"^(?P<event>[A-Z]++) (?P<loop>\d)-(?P<point>\d)"],
        "events": [{"words": ["ALARM"], "state": ["fire"]}],
    }
)
FIRE = b"ALARM 1-2\r\n"
JBF_FIRE = bytes.fromhex("82383032343038393b3031313130333038313030343038383083")


class Bench:
    """A line and what it says, in order; `now_s` is its clock."""

    def __init__(self, source: Source, build: Callable[[], PanelDriver] | None = None) -> None:
        self.said: queue.Queue[Any] = queue.Queue()
        self.now_s = 1000.0
        self.line = PanelLine(
            source,
            build or driver_for_source(source, {FORMAT.id: FORMAT}, "Asia/Shanghai"),
            self._hear,
            self.said.put,
            clock_ms=lambda: int(self.now_s * 1000),
            monotonic=lambda: self.now_s,
        )

    def _hear(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            self.said.put(signal)

    def next(self) -> Any:
        return self.said.get(timeout=10)

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        while not wanted(one := self.next()):
            pass
        return one

    def mark(self) -> None:
        signal = self.next()
        assert signal.marks == ("state_unknown",)

    def fire(self) -> None:
        said = [self.next(), self.next()]
        assert True in said
        (signal,) = [one for one in said if one is not True]
        assert signal.state == ("fire",)


def text_source(**changes: Any) -> Source:
    return Source(id="panel", protocol="text", format="plain", offline_after=timedelta(minutes=3), **changes)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_printer_on_a_port_that_is_pulled_out_and_comes_back(tmp_path: Path, stack: ExitStack) -> None:
    heard: list[bytes] = []

    def hear(data: bytes) -> bytes:
        heard.append(data)
        return b""

    plug = Plug(tmp_path / "port", hear)
    stack.callback(plug.close)
    bench = Bench(text_source(port=str(plug.path)))
    stack.callback(bench.line.start().close)
    bench.mark()
    plug.say(FIRE[:4])
    plug.say(FIRE[4:])
    bench.fire()
    bench.now_s += 1
    plug.say(b"ALARM 1-3")
    while bench.line._heard_ms != bench.now_s * 1000:
        time.sleep(0.005)  # a pty drops what nobody has read when it is closed
    plug.pull_out()
    said = [bench.next(), bench.next()]  # what had come is not lost with the port
    assert False in said
    assert [one.address for one in said if one is not False] == ["1-3"]
    plug.plug_in()
    unknown = bench.next()
    assert unknown.extra["unheard_since"] == "1970-01-01T00:16:41.000Z"
    plug.say(FIRE)
    bench.fire()
    assert heard == []


def test_silence_is_no_connection(tmp_path: Path, stack: ExitStack) -> None:
    plug = Plug(tmp_path / "port")
    stack.callback(plug.close)
    bench = Bench(text_source(port=str(plug.path)))
    stack.callback(bench.line.start().close)
    bench.mark()
    bench.now_s += 181  # never a byte
    assert bench.next() is False
    plug.say(FIRE)
    bench.fire()
    bench.now_s += 181
    assert bench.next() is False


def test_a_port_that_is_not_there_is_offline_at_once(tmp_path: Path, stack: ExitStack) -> None:
    bench = Bench(text_source(port=str(tmp_path / "nowhere")))
    stack.callback(bench.line.start().close)
    assert bench.next() is False


def listener(stack: ExitStack) -> socket.socket:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    server.settimeout(10)
    return server


def test_a_serial_server_that_closes_is_connected_again_and_told_once(stack: ExitStack) -> None:
    server = listener(stack)
    bench = Bench(text_source(host=f"127.0.0.1:{server.getsockname()[1]}"))
    stack.callback(bench.line.start().close)
    server.accept()[0].close()
    panel = stack.enter_context(server.accept()[0])
    panel.sendall(FIRE)
    bench.mark()
    assert bench.next() is False
    bench.fire()


def test_a_card_is_asked_only_where_the_source_says_so(stack: ExitStack) -> None:
    server = listener(stack)
    panel_source = Source(id="panel", protocol="jbf293k", host=f"127.0.0.1:{server.getsockname()[1]}", poll_card=True)
    bench = Bench(panel_source)
    stack.callback(bench.line.start().close)
    panel = stack.enter_context(server.accept()[0])
    panel.settimeout(10)
    assert panel.recv(100) == POLL
    panel.sendall(JBF_FIRE)
    bench.mark()
    bench.fire()


def test_a_transmission_device_on_a_serial_port_is_confirmed_and_is_there(tmp_path: Path, stack: ExitStack) -> None:
    answers: queue.Queue[bytes] = queue.Queue()
    plug = Plug(tmp_path / "port", lambda data: answers.put(data) or b"")
    stack.callback(plug.close)
    device, memory = source(port=str(plug.path)), Memory()
    book = Book(site(device), "gateway-1")
    bench = Bench(device, lambda: LineCentre(device, book, Outlet(memory), Repeats(), clock_ms=lambda: NOW_MS))
    stack.callback(bench.line.start().close)
    while bench.line._connected_ms != bench.now_s * 1000:
        time.sleep(0.005)  # opening a port drops what came before
    plug.say(alarm(5).encode())
    assert bench.next() is True
    assert Frame.decode(answers.get(timeout=10)).command == Command.CONFIRM
    assert len(memory.bodies()) == 1


def test_a_driver_that_fails_costs_no_alarm(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __init__(self) -> None:
            self.baud = 9600

        def feed(self, data: bytes, now_ms: int) -> list[Signal]:
            if data:
                raise RuntimeError("ours")
            return []

        def poll(self, now_ms: int) -> bytes:
            return b""

        def close(self, now_ms: int) -> list[Signal]:
            return []

        def is_well(self, now_ms: int) -> bool:
            return True

    server = listener(stack)
    bench = Bench(text_source(host=f"127.0.0.1:{server.getsockname()[1]}"), Broken)
    stack.callback(bench.line.start().close)
    panel = stack.enter_context(server.accept()[0])
    panel.sendall(FIRE)
    signal = bench.until(lambda one: isinstance(one, Signal) and "unparsed" in one.marks)
    assert signal.raw == FIRE
    assert bench.until(lambda one: one is True)
    assert "cannot be read" in caplog.text


class Card:
    """A Modbus RTU card behind a serial server, as pymodbus plays it."""

    def __init__(self, values: dict[int, int]) -> None:
        registers = [values.get(register, 9) for register in range(300)]
        self.registers = SimData(0, values=registers, datatype=DataType.REGISTERS)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        device = SimDevice(3, simdata=[self.registers])
        self.server = ModbusTcpServer(device, framer=FramerType.RTU, address=("127.0.0.1", 0))
        await self.server.serve_forever(background=True)
        self.port = self.server.transport.sockets[0].getsockname()[1]
        self._ready.set()
        await self.server.serving

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.shutdown(), self._loop).result(10)
        self._thread.join()
        self._loop.close()


def test_a_modbus_card_is_read_again_and_again(stack: ExitStack) -> None:
    card = Card({1: 1, 241: 2, 242: 2})
    stack.callback(card.close)
    source = Source(
        id="panel",
        protocol="gst_modbus",
        host=f"127.0.0.1:{card.port}",
        slave=3,
        poll_every=timedelta(milliseconds=10),
    )
    bench = Bench(source)
    stack.callback(bench.line.start().close)
    said = [bench.next() for _ in range(3 + 1 + 242)]
    assert said.count(True) == 1
    signals = [one for one in said if one is not True]
    assert [one.state for one in signals[:3]] == [("mains_fault",), (), ()]
    assert {one.address: one.state for one in signals[3:] if one.state} == {"1-2": ("fire",), "1-242": ("fault",)}


def played_card(values: dict[int, int]) -> Callable[[bytes], bytes]:
    """A card on a serial line that answers whole requests for registers; those from 200 on it refuses."""

    def answer(request: bytes) -> bytes:
        start, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        body = bytes([request[0], 0x83, 2])
        if start < 200:
            words = b"".join(values.get(start + number, 9).to_bytes(2, "big") for number in range(count))
            body = bytes([request[0], 3, 2 * count]) + words
        return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")

    return answer


def test_a_modbus_card_on_a_serial_port_tells_changes_and_is_gone_when_it_refuses(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {0: 5}
    assert played_card(values)(bytes.fromhex("010300000001840a")) == bytes.fromhex("01030200057847")  # as captured
    plug = Plug(tmp_path / "port", played_card(values))
    stack.callback(plug.close)
    source = Source(
        id="panel", protocol="gst_modbus", port=str(plug.path), registers=2, poll_every=timedelta(milliseconds=10)
    )
    card = GstModbus("gst200", 2)
    ranges = [(0, 2)]
    monkeypatch.setattr(GstModbus, "ranges", lambda _: ranges)
    bench = Bench(source, lambda: card)
    stack.callback(bench.line.start().close)
    assert [bench.next() for _ in range(3)][-1] is True
    values[1] = 1
    fire = bench.next()
    assert (fire.address, fire.state) == ("1-2", ("fire",))
    ranges[:] = [(242, 3)]
    assert bench.next() is False


def test_a_line_has_the_speed_that_is_written_else_the_usual_one() -> None:
    usual = {"text": 4800, "jbf293k": 9600, "gst_modbus": 4800}
    for protocol, baud in usual.items():
        source = Source(id="panel", protocol=protocol, format="plain", port="x")
        build = driver_for_source(source, {FORMAT.id: FORMAT}, "UTC")
        assert baud_of(source, build) == baud
        assert baud_of(source.model_copy(update={"baud": 2400}), build) == 2400


def test_a_format_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchFormat):
        driver_for_source(text_source(port="x"), {}, "UTC")
