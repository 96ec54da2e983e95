from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.times import from_ms, to_ms
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.session import Confirmed, Failed, Received, Replied, Session
from gateway.drivers.gb26875.signals import is_heartbeat, signals_of
from gateway.drivers.gb26875.units import KINDS, decode_unit, request_unit
from gateway.simulator.fire_days import Stage, Step, steps, storm
from gateway.simulator.fire_panel import Panel
from gateway.simulator.fire_points import Component, numbered
from gateway.simulator.scenario import FireAct
from gateway.simulator.utd import BACKLOG, Passed, Settings, Utd
from gateway.simulator.utd_words import words_of_frame

ZONE = ZoneInfo("Asia/Shanghai")
PROFILE = Profile(ZONE)
START_MS = to_ms(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
ADDRESS = bytes.fromhex("790300000000")
SMOKE, *_ = COMPONENTS = numbered(60)


def alarm(at_s: float, component: Component = SMOKE, word: str = "fire") -> Step:
    return Step(START_MS + int(at_s * 1_000), "begin", component, word)


class Wire:
    """A device and a centre with a cable between them, under one clock that the test moves."""

    def __init__(self, script: Iterator[Step] | list[Step], **settings: object) -> None:
        self.now_ms = START_MS
        self.passed: list[Passed] = []
        self.is_deaf = False
        self.denies = False
        self.heard: list[Frame] = []
        self.ended: dict[str, Confirmed | Replied | Failed] = {}
        self.utd = Utd(
            replace(Settings(ADDRESS), **settings),  # type: ignore[arg-type]
            Panel(COMPONENTS, START_MS),
            iter(script),
            PROFILE,
            watch=self.passed.append,
        )
        self.connect()

    @property
    def mono_ms(self) -> int:
        return self.now_ms - START_MS

    def connect(self) -> None:
        self.centre = Session(lambda: PROFILE.label(from_ms(self.now_ms)))
        self.utd.connected(self.mono_ms)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self._carry(self.utd.turn(self.now_ms, self.mono_ms))
            self.now_ms += 1_000
        self._carry(self.utd.turn(self.now_ms, self.mono_ms))

    def ask(self, kind: str, **params: object) -> None:
        command, app = request_unit(kind, params, PROFILE.label(from_ms(self.now_ms)), PROFILE)
        self.ask_app(kind, command, app)

    def ask_app(self, token: str, command: int, app: bytes) -> None:
        self.centre.ask(token, command, app, self.mono_ms, source=bytes(6), destination=ADDRESS)
        self._carry(self.utd.feed(self.centre.take(), self.now_ms, self.mono_ms))

    def _carry(self, data: bytes) -> None:
        while data and not self.is_deaf:
            for happening in self.centre.feed(data, self.mono_ms):
                if isinstance(happening, Received):
                    self.heard.append(happening.frame)
                    (self.centre.deny if self.denies else self.centre.confirm)(happening.frame)
                elif isinstance(happening, Confirmed | Replied | Failed) and happening.token:
                    self.ended[happening.token] = happening
            data = self.utd.feed(self.centre.take(), self.now_ms, self.mono_ms)

    @property
    def sent(self) -> list[Frame]:
        return [one.frame for one in self.passed if one.way == "sent"]


@pytest.mark.parametrize("per_frame", [1, 22])
def test_everything_it_says_decodes_and_arrives_in_order(per_frame: int) -> None:
    stage = Stage(COMPONENTS, 1, ZONE)
    acts = (
        FireAct(kind="fire", start=timedelta(seconds=5)),
        FireAct(kind="storm", start=timedelta(minutes=6), size=90),
    )
    wire = Wire(steps(acts, stage, START_MS), per_frame=per_frame)
    wire.wait(600)
    assert wire.utd.waiting == wire.utd.denied == wire.utd.dropped == 0
    assert all(Frame.decode(frame.encode()) == frame for frame in wire.sent)
    assert not any(decode_unit(frame.app).problems for frame in wire.heard)
    signals = [signal for frame in wire.heard for signal in signals_of(frame, PROFILE)]
    assert len(signals) == wire.utd.confirmed
    times = [signal.panel_at for signal in signals if signal.scope == "component"]
    assert times == sorted(times, key=lambda moment: moment or from_ms(0))
    assert sum("fire" in signal.state for signal in signals) == 90  # what is in alarm already does not say it twice
    assert {signal.scope for signal in signals} == {"component", "operation", "analog", "transmitter", "info"}
    assert max(decode_unit(frame.app).count for frame in wire.heard) == (1 if per_frame == 1 else 22)
    assert [frame.serial for frame in wire.heard] == sorted({frame.serial for frame in wire.heard})


def test_the_same_seed_sends_the_same_bytes() -> None:
    def bytes_of() -> bytes:
        wire = Wire(steps((FireAct(kind="fire", start=timedelta(0)),), Stage(COMPONENTS, 7, ZONE), START_MS))
        wire.wait(120)
        return b"".join(frame.encode() for frame in wire.sent)

    assert bytes_of() == bytes_of()


def test_an_alarm_has_bit_0_off_as_in_the_field_and_normal_has_it_on() -> None:
    wire = Wire([alarm(0), Step(START_MS + 1_000, "end", SMOKE, "fire")])
    wire.wait(2)
    states = [decode_unit(frame.app).objects[0].state for frame in wire.heard]  # type: ignore[union-attr]
    assert states == [2, 1]


def test_what_nobody_confirms_is_sent_four_times_ten_seconds_apart() -> None:
    wire = Wire([alarm(0)])
    wire.is_deaf = True
    wire.wait(29)
    assert len(wire.sent) == 3
    wire.wait(1)
    assert (len(wire.sent), wire.utd.is_failed) == (4, False)
    wire.wait(10)
    assert (len({frame.serial for frame in wire.sent}), len(wire.sent), wire.utd.is_failed) == (1, 4, True)


def test_over_a_new_connection_it_sends_the_same_frame_again_and_then_the_rest() -> None:
    wire = Wire([alarm(0), alarm(1, COMPONENTS[1]), alarm(2, COMPONENTS[2])])
    wire.is_deaf = True
    wire.wait(5)
    wire.utd.lost()
    wire.wait(5)
    wire.is_deaf = False
    wire.connect()
    wire.wait(1)
    first, *rest = wire.heard
    assert (first.serial, first.app) == (wire.sent[0].serial, wire.sent[0].app)
    assert [frame.serial for frame in rest] == [1, 2]
    assert wire.utd.confirmed == 3


def test_what_is_denied_again_and_again_is_given_up_and_the_next_goes_on() -> None:
    wire = Wire([alarm(0), alarm(3, COMPONENTS[1])])
    wire.denies = True
    wire.wait(1)
    assert (wire.utd.denied, wire.utd.is_failed, len(wire.sent)) == (1, False, 4)
    wire.denies = False
    wire.wait(4)
    assert (wire.utd.confirmed, wire.utd.waiting) == (1, 0)


@pytest.mark.parametrize(("form", "app"), [("empty", b""), ("byte", b"\x16")])
def test_heartbeats_come_when_there_is_nothing_else_to_say(form: str, app: bytes) -> None:
    wire = Wire([alarm(35)], heartbeat=form)
    wire.wait(100)
    beats = [frame for frame in wire.sent if is_heartbeat(frame)]
    assert [frame.app for frame in beats] == [app] * 3  # after 30, 65 and 95 s
    assert wire.utd.confirmed == 1
    assert not wire.utd.is_failed


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_it_answers_every_command(kind: str) -> None:
    wire = Wire(steps((), Stage(COMPONENTS, 1, ZONE), START_MS))
    wire.wait(2)
    heat = next(one.address for one in COMPONENTS if one.kind == "heat")
    wire.ask(kind, component=heat, count=5, system_type=1, system_address=1)
    ended = wire.ended[kind]
    if kind in ("utd_init", "sync_clock", "duty_check"):
        assert isinstance(ended, Confirmed)
    else:
        assert isinstance(ended, Replied)
        assert not decode_unit(ended.frame.app).problems
        assert signals_of(ended.frame, PROFILE)
    assert wire.utd.answered == 1


def test_an_answer_says_what_holds_now() -> None:
    wire = Wire([alarm(0, word="fault"), alarm(1)])
    wire.wait(2)
    wire.ask("read_component_state", component=SMOKE.address)
    ended = wire.ended["read_component_state"]
    assert isinstance(ended, Replied)
    (signal,) = signals_of(ended.frame, PROFILE)
    assert (signal.address, signal.state, signal.text) == (SMOKE.address, ("fire", "fault"), SMOKE.name)
    wire.ask("read_system_state")
    system = wire.ended["read_system_state"]
    assert isinstance(system, Replied)
    assert signals_of(system.frame, PROFILE)[0].state == ("fire", "fault")


@pytest.mark.parametrize(
    ("command", "app"),
    [
        (Command.REQUEST, bytes.fromhex("3e010101ffffffff")),  # a component it has not
        (Command.REQUEST, bytes.fromhex("5201")),  # a reserved type
        (Command.REQUEST, bytes.fromhex("3d02")),  # two objects, and none there
        (Command.CONTROL, bytes.fromhex("5c0100")),
        (Command.CONTROL, bytes.fromhex("5a01000000000000")),  # no such time
    ],
)
def test_what_it_cannot_do_it_denies(command: int, app: bytes) -> None:
    wire = Wire([])
    wire.ask_app("odd", command, app)
    ended = wire.ended["odd"]
    assert isinstance(ended, Failed)
    assert ended.reason == "denied"
    assert wire.utd.answered == 0


def duty_answers(wire: Wire) -> list[int]:
    return [
        (wire.now_ms - START_MS) // 1_000
        for frame in wire.heard
        for signal in signals_of(frame, PROFILE)
        if "duty_answer" in signal.operations and signal.operator == 9
    ]


def test_a_duty_check_is_answered_after_a_while_and_recorded() -> None:
    wire = Wire([], duty_after_ms=20_000, operator=9)
    wire.ask("duty_check", minutes=1)
    wire.wait(19)
    assert not duty_answers(wire)
    wire.wait(1)
    assert len(duty_answers(wire)) == 1
    wire.ask("utd_operations", count=10)
    ended = wire.ended["utd_operations"]
    assert isinstance(ended, Replied)
    assert [signal.operations for signal in signals_of(ended.frame, PROFILE)] == [("self_test",), ("duty_answer",)]


@pytest.mark.parametrize("after_ms", [None, 61_000])
def test_a_duty_check_that_nobody_answers_in_time_stays_unanswered(after_ms: int | None) -> None:
    wire = Wire([], duty_after_ms=after_ms, operator=9)
    wire.ask("duty_check", minutes=1)
    wire.wait(200)
    assert not duty_answers(wire)


def test_its_clock_is_wrong_until_the_centre_sets_it() -> None:
    wire = Wire([alarm(0), alarm(5, COMPONENTS[1])], clock_off_ms=600_000)
    wire.wait(1)
    wire.ask("sync_clock")
    wire.wait(5)
    off = [
        round((signal.panel_at.timestamp() * 1_000 - START_MS) / 1_000)
        for frame in wire.heard
        for signal in signals_of(frame, PROFILE)
        if signal.panel_at
    ]
    assert off == [600, 5]


def test_initialised_it_forgets_its_own_records_and_says_how_it_is() -> None:
    wire = Wire([alarm(0)])
    wire.ask("duty_check")
    wire.wait(6)
    wire.ask("utd_init")
    wire.wait(1)
    assert signals_of(wire.heard[-1], PROFILE)[0].scope == "transmitter"
    assert [one.word for one in wire.utd.panel.device_operations] == ["self_test"]
    assert wire.utd.panel.words_of(SMOKE.address) == ("fire",)


def test_while_the_centre_is_away_it_keeps_the_newest_reports() -> None:
    wire = Wire([])
    wire.utd.lost()
    many = [
        one._replace(at_ms=START_MS, do="end" if number % 2 else "begin", component=SMOKE)
        for number, one in enumerate(storm(Stage(COMPONENTS, 1, ZONE), START_MS, BACKLOG + 4, 1_000))
    ]
    away = Wire(many)
    away.utd.lost()
    away.wait(0)
    assert (away.utd.waiting, away.utd.dropped) == (BACKLOG, 4)


def test_a_test_is_told_by_bit_0_of_the_system_alone() -> None:
    wire = Wire([Step(START_MS, "system_begin", word="test"), Step(START_MS + 1_000, "system_end", word="test")])
    wire.wait(2)
    assert [signals_of(frame, PROFILE)[0].marks for frame in wire.heard] == [("test_bit",), ()]


def test_mains_that_fail_are_told_by_panel_and_device() -> None:
    wire = Wire([Step(START_MS, "system_begin", word="mains_fault")])
    wire.wait(1)
    said = [signals_of(frame, PROFILE)[0] for frame in wire.heard]
    assert [(one.scope, one.state) for one in said] == [("system", ("mains_fault",)), ("transmitter", ("mains_fault",))]


@pytest.mark.parametrize(
    ("frame", "zh", "en"),
    [
        (Frame(3, 2, ADDRESS, bytes(6)), "#3 心跳", "#3 heartbeat"),
        (Frame(4, 3, ADDRESS, bytes(6)), "#4 确认", "#4 confirm"),
        (
            Frame(5, 1, bytes(6), ADDRESS, bytes.fromhex("5b010a")),
            "#5 控制 查岗: 10 分钟",
            "#5 control duty check: 10 min",
        ),
        (Frame(6, 0xFE, ADDRESS, bytes(6)), "#6 命令 254", "#6 command 254"),
        (Frame(7, 2, ADDRESS, bytes(6), bytes.fromhex("fa0101")), "#7 上传 250", "#7 upload 250"),
        (
            Frame(8, 2, ADDRESS, bytes(6), bytes.fromhex("150103") + bytes(6)),
            "#8 上传 传输装置状态: [火警]",
            "#8 upload device state: [fire]",
        ),
    ],
)
def test_frames_are_told_in_words(frame: Frame, zh: str, en: str) -> None:
    assert (words_of_frame(frame, english=False), words_of_frame(frame, english=True)) == (zh, en)
