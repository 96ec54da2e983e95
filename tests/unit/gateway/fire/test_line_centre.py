"""A transmission device on a serial line: the same promises without a connection."""

from fire_gateway import NOW_MS, OURS, UTD, Memory, alarm, site, source

from gateway.contract.commands import CommandBody
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gb26875.stream import FrameReader
from gateway.fire.book import Book
from gateway.fire.line_centre import LineCentre
from gateway.outlet import Outlet

LINE = source(port="/dev/ttyS1")


class Bench:
    def __init__(self) -> None:
        self.memory = Memory()
        self.repeats = Repeats()
        self.centre = self.connect()

    def connect(self) -> LineCentre:
        """What the line does when its port is opened."""
        book = Book(site(LINE), "gateway-1")
        self.centre = LineCentre(LINE, book, Outlet(self.memory), self.repeats, clock_ms=lambda: NOW_MS)
        return self.centre

    def answers(self, now_ms: int = 0) -> list[Frame]:
        return [one for one in FrameReader().feed(self.centre.poll(now_ms), 0) if isinstance(one, Frame)]


def command(name: str) -> CommandBody:
    return CommandBody(id=name, kind="utd_state", params={}, expires_at="2026-11-18T12:00:00Z")


def test_a_frame_is_confirmed_with_the_next_turn_when_it_is_on_disk() -> None:
    bench = Bench()
    assert bench.centre.feed(alarm(5).encode(), 0) == []
    assert len(bench.memory.bodies()) == 1
    assert [(one.serial, one.command) for one in bench.answers()] == [(5, Command.CONFIRM)]
    bench.connect()
    bench.centre.feed(alarm(5).encode(), 5000)
    assert len(bench.memory.bodies()) == 1, "the port was lost with the confirmation"
    assert [one.serial for one in bench.answers()] == [5]


def test_nothing_is_confirmed_on_a_full_disk() -> None:
    bench = Bench()
    bench.memory.is_full = True
    bench.centre.feed(alarm(5).encode(), 0)
    assert bench.answers() == []
    bench.memory.is_full = False
    bench.centre.feed(alarm(5).encode(), 10_000)
    assert [one.serial for one in bench.answers()] == [5]
    assert len(bench.memory.bodies()) == 1


def test_it_is_well_while_it_is_heard() -> None:
    bench = Bench()
    assert not bench.centre.is_well(0)
    bench.centre.feed(b"noise", 0)
    assert not bench.centre.is_well(0)
    bench.centre.feed(Frame(1, Command.SEND_DATA, UTD, OURS).encode(), 1000)
    assert bench.centre.is_well(181_000)
    assert not bench.centre.is_well(181_001)


def test_commands_go_with_the_line_or_are_unreachable() -> None:
    bench = Bench()
    bench.centre.carry_out(command("too-early"))
    assert bench.answers() == []
    bench.centre.feed(alarm(5).encode(), 0)
    bench.answers()
    bench.centre.carry_out(command("asked"))
    (request,) = bench.answers()
    assert [one.command for one in bench.answers(10_000)] == [Command.REQUEST]
    bench.centre.feed(request.answer(Command.REPLY, bytes(6), bytes([21, 1, 1, *bytes(6)])).encode(), 11_000)
    bench.centre.carry_out(command("on-the-way"))
    bench.answers()
    bench.centre.carry_out(command("not-yet-taken"))
    bench.centre.close(12_000)
    bench.centre.carry_out(command("too-late"))
    outcomes = {body["command"]: body["outcome"] for body in bench.memory.bodies() if body["scope"] == "command"}
    assert outcomes == {
        "too-early": "unreachable",
        "asked": "answered",
        "on-the-way": "unreachable",
        "not-yet-taken": "unreachable",
        "too-late": "unreachable",
    }
