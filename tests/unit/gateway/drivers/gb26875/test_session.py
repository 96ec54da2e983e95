"""Both sides of a conversation, with a clock that only moves when told: §6.2 to §6.5 of the standard."""

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gb26875.session import (
    BAD_IN_ROW,
    DEVICE,
    MOST_WAITING,
    Beat,
    Confirmed,
    Failed,
    Happening,
    Received,
    Replied,
    Session,
)
from gateway.drivers.gb26875.stream import FrameReader

UTD, CENTRE_ADDRESS = bytes.fromhex("790300000000"), bytes.fromhex("385b01000000")
LABEL = bytes([35, 58, 9, 26, 9, 12])
ALARM = bytes.fromhex("0101") + bytes(8)
READ_STATE, STATE = bytes.fromhex("510100"), bytes.fromhex("150101") + LABEL


def centre(**more: object) -> Session:
    return Session(lambda: LABEL, **more)  # type: ignore[arg-type]


def device(**more: object) -> Session:
    return Session(lambda: LABEL, accepts=DEVICE, **more)  # type: ignore[arg-type]


def sent(session: Session) -> list[Frame]:
    """What a session sends now, read by an independent reader."""
    frames = FrameReader().feed(session.take(), 0)
    assert all(isinstance(one, Frame) for one in frames)
    return [one for one in frames if isinstance(one, Frame)]


def upload(serial: int = 0, app: bytes = ALARM, command: int = Command.SEND_DATA) -> Frame:
    return Frame(serial, command, UTD, CENTRE_ADDRESS, app, (1, 6), LABEL)


def ask(session: Session, app: bytes = READ_STATE, command: int = Command.REQUEST, token: str = "t1") -> bool:
    return session.ask(token, command, app, 0, source=CENTRE_ADDRESS, destination=UTD, version=(1, 6))


def test_data_is_confirmed_only_when_it_is_said_to_be_safe() -> None:
    session = centre()
    frame = upload(7)
    assert session.feed(frame.encode(), 0) == [Received(frame)]
    assert session.take() == b""
    assert session.feed(frame.encode(), 10_000) == [Beat(frame)]
    assert session.take() == b"", "the retransmission of what is not yet safe is not confirmed either"
    session.confirm(frame)
    (answer,) = sent(session)
    assert answer == Frame(7, Command.CONFIRM, CENTRE_ADDRESS, UTD, b"", (1, 6), LABEL)
    assert session.feed(frame.encode(), 20_000) == [Beat(frame)]
    assert sent(session) == [answer], "its confirmation was lost: it is confirmed again and heard once"


def test_what_could_not_be_kept_is_not_confirmed_and_heard_again() -> None:
    session = centre()
    frame = upload()
    session.feed(frame.encode(), 0)
    session.forget(frame)
    assert session.feed(frame.encode(), 10_000) == [Received(frame)]
    assert session.take() == b""


def test_pipelined_frames_are_heard_in_order_whatever_the_portions() -> None:
    frames = [upload(serial) for serial in (65_534, 65_535, 0, 1)]
    data = b"\x00noise" + b"".join(one.encode() for one in frames)
    for size in (1, 7, len(data)):
        session = centre()
        heard = [one for at in range(0, len(data), size) for one in session.feed(data[at : at + size], 0)]
        assert heard == [Received(one) for one in frames]


@pytest.mark.parametrize("app", [b"", b"\x16"])
def test_heartbeats_are_confirmed_at_once(app: bytes) -> None:
    session = centre()
    frame = upload(3, app)
    assert session.feed(frame.encode(), 0) == [Beat(frame)]
    assert [(one.serial, one.command, one.app) for one in sent(session)] == [(3, Command.CONFIRM, b"")]


def test_a_frame_behind_a_false_header_is_found_when_its_rest_never_comes() -> None:
    session = centre()
    frame = upload(3)
    false_header = Frame(9, Command.SEND_DATA, UTD, CENTRE_ADDRESS, bytes(200), (1, 6), LABEL).encode()[:27]
    assert session.feed(false_header + frame.encode(), 0) == []
    due_ms = session.due_ms
    assert due_ms is not None
    assert session.tick(due_ms - 1) == []
    assert session.tick(due_ms) == [Received(frame)]
    assert session.due_ms is None


def test_a_makers_own_command_is_a_sign_of_life_where_it_is_known_and_denied_elsewhere() -> None:
    registration = upload(1, b"\x01", 0xFE)
    known, unknown = centre(extra_commands=frozenset({0xFE})), centre()
    assert known.feed(registration.encode(), 0) == [Beat(registration)]
    assert [one.command for one in sent(known)] == [Command.CONFIRM]
    assert unknown.feed(registration.encode(), 0) == []
    assert [one.command for one in sent(unknown)] == [Command.DENY]


@pytest.mark.parametrize(("session", "command"), [(centre(), 1), (centre(), 4), (device(), 2)])
def test_a_command_of_the_other_side_is_denied(session: Session, command: int) -> None:
    frame = upload(1, READ_STATE, command)
    assert session.feed(frame.encode(), 0) == [Beat(frame)]
    assert [one.command for one in sent(session)] == [Command.DENY]


def test_a_damaged_frame_is_denied_and_enough_of_them_are_hopeless() -> None:
    session = centre()
    damaged = bytearray(upload(9).encode())
    damaged[-3] ^= 1
    for number in range(BAD_IN_ROW):
        assert not session.is_hopeless
        assert session.feed(bytes(damaged), number) == []
        assert [(one.serial, one.command) for one in sent(session)] == [(9, Command.DENY)]
    assert session.is_hopeless
    session.feed(upload().encode(), 0)
    assert not session.is_hopeless


def test_a_request_is_sent_again_every_ten_seconds_three_times_and_then_given_up() -> None:
    session = centre()
    assert ask(session)
    times = [(0, sent(session))]
    happenings: list[Happening] = []
    while (due_ms := session.due_ms) is not None:
        assert session.tick(due_ms - 1) == []
        happenings += session.tick(due_ms)
        times.append((due_ms, sent(session)))
    assert [at for at, _ in times] == [0, 10_000, 20_000, 30_000, 40_000]
    assert [len(frames) for _, frames in times] == [1, 1, 1, 1, 0]
    assert {frames[0] for _, frames in times[:4]} == {
        Frame(0, Command.REQUEST, CENTRE_ADDRESS, UTD, READ_STATE, (1, 6), LABEL)
    }
    assert happenings == [Failed("t1", "timeout")]


def test_a_denied_request_is_sent_again_at_once_and_then_failed() -> None:
    session = centre()
    ask(session)
    happenings: list[Happening] = []
    for _ in range(4):
        (request,) = sent(session)
        happenings += session.feed(request.answer(Command.DENY, LABEL).encode(), 0)
    assert [one for one in happenings if not isinstance(one, Beat)] == [Failed("t1", "denied")]
    assert session.take() == b""


def test_an_answer_ends_the_exchange_and_the_next_one_begins() -> None:
    session = centre()
    ask(session)
    ask(session, b"\x5b\x01\x0a", Command.CONTROL, "t2")
    (request,) = sent(session)
    reply = request.answer(Command.REPLY, LABEL, STATE)
    assert session.feed(reply.encode(), 500) == [Replied(reply, "t1")]
    (control,) = sent(session)
    assert (control.serial, control.command) == (1, Command.CONTROL)
    confirm = control.answer(Command.CONFIRM, LABEL)
    assert session.feed(confirm.encode(), 600) == [Beat(confirm), Confirmed("t2")]
    assert session.due_ms is None
    assert session.feed(reply.encode(), 700) == [Replied(reply, None)], "a late reply still says something"
    assert session.feed(confirm.encode(), 700) == [Beat(confirm)]


def test_a_wrong_reply_is_heard_and_the_request_sent_again() -> None:
    session = centre()
    ask(session)
    (request,) = sent(session)
    wrong = request.answer(Command.REPLY, LABEL, ALARM)
    assert session.feed(wrong.encode(), 500) == [Replied(wrong, None)]
    assert sent(session) == [request]
    confirm = request.answer(Command.CONFIRM, LABEL)
    assert session.feed(confirm.encode(), 600) == [Beat(confirm)], "some confirm a request before they reply"
    right = request.answer(Command.REPLY, LABEL, STATE)
    assert session.feed(right.encode(), 700) == [Replied(right, "t1")]


def test_a_clock_is_set_to_the_time_of_each_transmission() -> None:
    times = iter([b"\x5a\x01\x01", b"\x5a\x01\x02"])
    session = centre()
    session.ask("t", Command.CONTROL, lambda: next(times), 0, source=CENTRE_ADDRESS, destination=UTD)
    session.tick(10_000)
    assert [(one.serial, one.app[2]) for one in sent(session)] == [(0, 1), (0, 2)]


def test_serials_wrap_and_waiting_exchanges_are_bounded() -> None:
    session = centre(first_serial=65_535)
    while ask(session, token=str(session.waiting)):
        pass
    assert session.waiting == MOST_WAITING + 1
    serials = []
    for _ in range(3):
        (request,) = sent(session)
        serials.append(request.serial)
        session.feed(request.answer(Command.REPLY, LABEL, STATE).encode(), 0)
    assert serials == [65_535, 0, 1]
    assert session.fail_all() == [str(number) for number in range(3, MOST_WAITING + 1)]
    assert session.waiting == 0


@dataclass
class Link:
    """A device that uploads and a centre that keeps, over a line that loses, repeats and ends."""

    retries: int = 3
    kept: list[bytes] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    now_ms: int = 0

    def __post_init__(self) -> None:
        self.device = device(retries=self.retries)
        self.centre = centre(repeats=Repeats(window_ms=10**9))
        self.waiting: deque[Frame] = deque()

    def send(self, number: int) -> None:
        app = b"\x01\x01" + number.to_bytes(8, "big")
        self.device.ask(str(number), Command.SEND_DATA, app, self.now_ms, source=UTD, destination=CENTRE_ADDRESS)

    def up(self, *, lost: bool) -> None:
        data = self.device.take()
        for one in self.centre.feed(b"" if lost else data, self.now_ms):
            if isinstance(one, Received):
                self.kept.append(one.frame.app[2:])
                self.waiting.append(one.frame)

    def down(self, *, lost: bool) -> None:
        data = self.centre.take()
        self._note(self.device.feed(b"" if lost else data, self.now_ms))

    def commit(self) -> None:
        while self.waiting:
            self.centre.confirm(self.waiting.popleft())

    def disk_full(self) -> None:
        while self.waiting:
            frame = self.waiting.popleft()
            self.kept.remove(frame.app[2:])
            self.centre.forget(frame)

    def wait(self) -> None:
        self.now_ms += 10_000
        self._note(self.device.tick(self.now_ms))

    def _note(self, happenings: list[Happening]) -> None:
        for one in happenings:
            if isinstance(one, Confirmed):
                self.confirmed.append(one.token)
            elif isinstance(one, Failed):
                self.failed.append(one.token)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["up", "lose up", "down", "lose down", "commit", "full", "wait", "send"]), max_size=60
    )
)
def test_whatever_is_lost_what_is_confirmed_was_kept_once_and_in_order(steps: list[str]) -> None:
    link = Link(retries=1000)
    count = 0
    for step in [*steps, *["up", "commit", "down", "wait"] * (len(steps) + 1)]:
        if step == "send":
            link.send(count)
            count += 1
        elif step.endswith("up"):
            link.up(lost=step.startswith("lose"))
        elif step.endswith("down"):
            link.down(lost=step.startswith("lose"))
        else:
            {"commit": link.commit, "full": link.disk_full, "wait": link.wait}[step]()
        numbers = [int.from_bytes(one, "big") for one in link.kept]
        assert numbers == list(range(len(numbers))), "kept twice, or out of order"
        assert len(link.confirmed) <= len(numbers) - len(link.waiting), "confirmed before it was kept"
    assert len(link.kept) == len(link.confirmed) == count
    assert not link.failed
