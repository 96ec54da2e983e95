"""The TCP server on the loopback: what is confirmed, who is let in, who is read more slowly."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from fire_gateway import NOW_MS, OURS, UTD, Dial, Memory, alarm, site, source

from gateway.contract.commands import CommandBody
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.fire.book import Book
from gateway.fire.peer import Allowance, Limits
from gateway.fire.presence import Patience, Presence
from gateway.fire.tcp import FireServer
from gateway.outlet import Event, Outlet
from gateway.site.fire import Source

Connect = Callable[[], Dial]


class Gate(Memory):
    """An outbox that can be made to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.changed = threading.Condition()

    def put_many(self, events: list[Event]) -> list[str]:  # type: ignore[override]
        self.entered.release()
        assert self.open.wait(20)
        with self.changed:
            self.changed.notify_all()
            return super().put_many(events)

    def wait(self, count: int, kind: str = "fire") -> None:
        """Until so many events of a kind are kept."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.bodies(kind)) >= count, 20), self.events


@contextmanager
def serving(*sources: Source, limits: Limits | None = None) -> Iterator[tuple[FireServer, Gate, Connect]]:
    sources = sources or (source(),)
    memory = Gate()
    with ExitStack() as stack:
        server = FireServer(
            Book(site(*sources), "gateway-1"),
            Outlet(memory),
            Presence({one.id: Patience(180_000, 90_000) for one in sources}, 0),
            "127.0.0.1",
            0,
            clock_ms=lambda: NOW_MS,
            limits=limits,
        )
        server.start()
        stack.callback(server.close)
        stack.callback(memory.open.set)

        def connect() -> Dial:
            dial = Dial(server.port)
            stack.callback(dial.close)
            return dial

        yield server, memory, connect


def serials(frames: list[Frame], command: Command = Command.CONFIRM) -> list[int]:
    assert {one.command for one in frames} <= {command}
    return [one.serial for one in frames]


def test_nothing_is_confirmed_before_it_is_kept_and_then_in_order() -> None:
    with serving() as (_, memory, connect):
        memory.open.clear()
        utd = connect()
        utd.say(*[alarm(serial) for serial in range(5)])
        assert memory.entered.acquire(timeout=20)
        heartbeat = Frame(9, Command.SEND_DATA, UTD, OURS)
        utd.say(heartbeat)
        assert serials(utd.hear()) == [9], "a heartbeat does not wait, and no confirmation went before it"
        memory.open.set()
        assert serials(utd.hear(5)) == [0, 1, 2, 3, 4]
        assert [body["address"][:2] for body in memory.bodies()] == ["01", "02", "03", "04", "05"]


def test_a_full_disk_confirms_nothing_and_the_same_frame_again_is_heard_once() -> None:
    with serving() as (_, memory, connect):
        memory.is_full = True
        utd, beat = connect(), Frame(2, Command.SEND_DATA, UTD, OURS)
        utd.say(alarm(1), beat)
        assert memory.entered.acquire(timeout=20)
        assert serials(utd.hear()) == [2]
        memory.is_full = False
        heard: list[int] = []
        while 1 not in heard:  # what waits for the disk is not heard a second time
            utd.say(alarm(1), beat)
            heard += serials(utd.hear())
        assert len(memory.bodies()) == 1


def test_a_lost_confirmation_is_repeated_over_a_new_connection() -> None:
    with serving() as (_, memory, connect):
        first = connect()
        first.say(alarm(1))
        assert serials(first.hear()) == [1]
        first.close()
        second = connect()
        second.say(alarm(1))
        assert serials(second.hear()) == [1]
        assert len(memory.bodies()) == 1


def test_what_many_have_to_say_is_kept_together() -> None:
    with serving(limits=Limits(per_address=100)) as (server, memory, connect):
        memory.open.clear()
        others = [connect() for _ in range(20)]
        for number, one in enumerate(others):
            one.say(alarm(1, number, sender=number.to_bytes(6, "big")))
            if number == 0:
                assert memory.entered.acquire(timeout=20)
        heartbeats = [Frame(2, Command.SEND_DATA, UTD, OURS)] * 20
        for one, beat in zip(others, heartbeats, strict=True):
            one.say(beat)
            assert serials(one.hear()) == [2]
        assert server.connections == 20
        memory.open.set()
        assert [serials(one.hear()) for one in others] == [[1]] * 20
        assert memory.commits <= 3


def test_too_many_of_one_address_are_refused_but_silent_ones_make_room() -> None:
    with serving(limits=Limits(per_address=2)) as (_, _, connect):
        first, second = connect(), connect()
        for one in (first, second):
            one.say(alarm(1))
            assert serials(one.hear()) == [1]
        assert connect().until_closed() == []
        second.say(alarm(2))
        assert serials(second.hear()) == [2]


def test_only_allowed_networks_are_let_in() -> None:
    with serving(source(peers=["10.0.0.0/8"])) as (_, memory, connect):
        assert connect().until_closed() == []
        assert memory.events == []
    with serving(source(peers=["127.0.0.0/8"])) as (_, _, connect):
        utd = connect()
        utd.say(alarm(1))
        assert serials(utd.hear()) == [1]


def test_noise_is_denied_and_then_hung_up_on() -> None:
    with serving() as (_, memory, connect):
        utd = connect()
        damaged = bytearray(alarm(3).encode())
        damaged[-3] ^= 1
        utd.say(bytes(damaged) * 25)
        assert set(serials(utd.until_closed(), Command.DENY)) == {3}
        assert memory.bodies() == []


def test_a_flood_is_read_slowly_and_nothing_of_it_is_lost() -> None:
    limits = Limits(frames_per_s=20_000, frames_burst=50, waiting=40, waiting_each=30)
    with serving(limits=limits) as (_, memory, connect):
        utd = connect()
        threading.Thread(target=utd.say, args=[alarm(serial) for serial in range(600)], daemon=True).start()
        assert serials(utd.hear(600)) == list(range(600))
        assert len(memory.bodies()) == 600


def test_a_stranger_is_read_slowly_by_objects_and_a_declared_storm_is_not() -> None:
    limits = Limits(strange_objects_per_s=0.001, strange_objects_burst=5)
    with serving(source(address=UTD.hex()), limits=limits) as (_, memory, connect):
        strangers = [connect(), connect()]
        strangers[0].say(alarm(1, *range(6), sender=OURS))
        assert serials(strangers[0].hear()) == [1]
        for one in strangers:
            one.say(alarm(2, 7, sender=OURS))  # the second pays for the first: they have one address
        assert serials(strangers[1].hear()) == [2]
        strangers[1].say(alarm(3, 8, sender=OURS))
        utd = connect()
        utd.say(*[alarm(serial, *range(20 * serial, 20 * serial + 20)) for serial in range(25)])
        assert serials(utd.hear(25)) == list(range(25))
        assert len(memory.bodies(device="utd-1")) == 500
        assert len(memory.bodies(device="gateway-1")) == 7


def test_a_declared_source_finds_room_among_strangers() -> None:
    with serving(source(address=UTD.hex()), limits=Limits(connections=4)) as (_, memory, connect):
        for serial in range(4):
            stranger = connect()
            stranger.say(alarm(serial, sender=OURS))
            assert serials(stranger.hear()) == [serial]
        utds = [connect() for _ in range(4)]
        utds[0].say(alarm(1))
        assert serials(utds[0].hear()) == [1]
        assert len(memory.bodies(device="utd-1")) == 1


def test_a_declared_fire_goes_before_what_strangers_have_brought() -> None:
    with serving(source(address=UTD.hex())) as (_, memory, connect):
        memory.open.clear()
        stranger, utd = connect(), connect()
        stranger.say(alarm(0, sender=OURS))
        assert memory.entered.acquire(timeout=20)
        for one, sender, count in ((stranger, OURS, 50), (utd, UTD, 3)):
            frames = [alarm(serial, sender=sender) for serial in range(1, count + 1)]
            one.say(*frames, Frame(99, Command.SEND_DATA, sender, OURS))
            assert serials(one.hear()) == [99]
        memory.open.set()
        memory.wait(54)
        order = [device for device, kind, _ in memory.events if kind == "fire"]
        assert order[:5] == ["gateway-1", "utd-1", "utd-1", "utd-1", "gateway-1"]


def test_who_does_not_take_the_answers_is_read_no_more_and_left_while_others_are_served() -> None:
    much = 1e9
    limits = Limits(10, 10, much, much, much, much, stalled_s=0.1)
    with serving(limits=limits) as (server, _, connect):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(20)
            deaf.connect(("127.0.0.1", server.port))
            beat = Frame(1, Command.SEND_DATA, UTD, OURS).encode()

            def talk_on() -> None:
                while True:
                    deaf.sendall(beat * 500)

            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                talk_on()
        other = connect()
        other.say(alarm(1))
        assert serials(other.hear()) == [1]


def test_an_allowance_may_be_overdrawn_and_is_then_waited_for() -> None:
    allowance = Allowance(10, 100, 0)
    assert allowance.take(100, 0) == 0
    assert allowance.take(50, 0) == 5
    assert allowance.take(0, 4) == 1
    assert allowance.take(0, 5) == 0
    assert allowance.take(100, 1000) == 0, "no more than the burst is saved"
    assert allowance.take(10, 1000) == 1


def test_a_source_is_there_while_it_is_connected() -> None:
    with serving() as (_, memory, connect):
        first, second = connect(), connect()
        for one in (first, second):
            one.say(alarm(1))
            one.hear()
        first.close()  # it speaks over the other one
        second.say(alarm(2))
        second.hear()
        second.close()
        memory.wait(2, "status")
        assert [body["online"] for body in memory.bodies("status", "utd-1")] == [True, False]


def command(name: str, kind: str = "utd_state") -> CommandBody:
    return CommandBody(id=name, kind=kind, params={}, expires_at="2026-11-18T12:00:00Z")  # type: ignore[arg-type]


def test_commands_are_answered_by_the_source_or_unreachable() -> None:
    with serving() as (server, memory, connect):
        server.carry_out("utd-1", command("nobody"))
        memory.wait(1)
        utd = connect()
        utd.say(alarm(1))
        utd.hear()
        server.carry_out("utd-1", command("asked"))
        (request,) = utd.hear()
        utd.say(request.answer(Command.REPLY, bytes(6), bytes([21, 1, 1, *bytes(6)])))
        memory.wait(4)
        server.carry_out("utd-1", command("hung-up"))
        utd.hear()
        utd.close()
        memory.wait(5)
        outcomes = {body["command"]: body["outcome"] for body in memory.bodies() if body["scope"] == "command"}
        assert outcomes == {"nobody": "unreachable", "asked": "answered", "hung-up": "unreachable"}
    server.carry_out("utd-1", command("closed"))
    assert memory.bodies()[-1]["outcome"] == "unreachable"


def test_a_taken_port_is_an_error_and_can_be_tried_again() -> None:
    with serving() as (server, memory, connect):
        other = FireServer(
            Book(site(source()), "gateway-1"),
            Outlet(memory),
            Presence({}, 0),
            "127.0.0.1",
            server.port,
            clock_ms=lambda: NOW_MS,
        )
        with pytest.raises(OSError, match="in use"):
            other.start()
        server.close()
        other.start()
        utd = connect()
        utd.say(alarm(1))
        assert serials(utd.hear()) == [1]
        other.close()
