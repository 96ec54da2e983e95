"""A virtual fire transmission device 用户信息传输装置 (GB/T 26875.3): what it sends and answers; no I/O, no clock.

Whoever carries the bytes calls `connected` and `lost`, `feed` with what came, and `turn` often; both give what to send.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, NamedTuple

from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.layouts import LAYOUTS
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.session import DEVICE, Beat, Confirmed, Failed, Received, Session
from gateway.drivers.gb26875.units import decode_unit
from gateway.simulator.fire_days import Step
from gateway.simulator.fire_panel import Panel, Report
from gateway.simulator.utd_units import TYPES, Units

BACKLOG = 10_000
"""Reports kept while the centre is away; then the oldest are dropped."""
HEARTBEATS: dict[str, bytes] = {"empty": b"", "byte": b"\x16"}
"""Forms of heartbeat seen in the field: no application data, or the one byte 0x16."""
_INIT, _CLOCK, _DUTY = 89, 90, 91
_BEAT, _REPORT = "beat", "report"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installer sets at the device."""

    address: bytes
    """Six bytes, as on the wire."""
    centre: bytes = bytes(6)
    heartbeat_ms: int = 30_000
    """After so long without sending anything else."""
    heartbeat: Literal["empty", "byte"] = "empty"
    per_frame: int = 1
    """Reports of one kind that wait are sent together, up to so many (the standard allows 22 component states)."""
    duty_after_ms: int | None = 5_000
    """How long the operator takes to answer a duty check 查岗; None: nobody is there."""
    operator: int = 1
    """His number."""
    clock_off_ms: int = 0
    """How far its clock is ahead, until the centre sets it."""


class Passed(NamedTuple):
    """A frame that went by, for whoever watches."""

    way: Literal["sent", "heard"]
    frame: Frame


class Utd:
    """One device. Reports leave in the order in which they arose, one exchange at a time; none is skipped."""

    def __init__(
        self,
        settings: Settings,
        panel: Panel,
        script: Iterator[Step],
        profile: Profile,
        *,
        watch: Callable[[Passed], None] = lambda passed: None,
        on_step: Callable[[Step], None] = lambda step: None,
    ) -> None:
        """`script`: what happens, in order. `watch` sees every frame."""
        self.settings = settings
        self.panel = panel
        self.units = Units(panel, profile)
        self.units.off_ms = settings.clock_off_ms
        self._script = script
        self._next = next(script, None)
        self._watch = watch
        self._on_step = on_step
        self._now_ms = 0
        self._queue: deque[Report] = deque()
        self._sending: list[Report] = []
        self._app = b""
        self._serial = -1
        """Of the last exchange that was begun."""
        self._session: Session | None = None
        self._beat_ms = 0
        self._duty_ms: int | None = None
        self.is_failed = False
        """The centre does not answer any more: close the connection and make a new one."""
        self.confirmed = 0
        """Reports the centre has confirmed."""
        self.denied = 0
        """Reports it denied again and again."""
        self.dropped = 0
        """Reports dropped because too many waited."""
        self.answered = 0
        """What the centre asked for and got, control commands among it."""

    @property
    def waiting(self) -> int:
        """Reports that are not confirmed."""
        return len(self._queue) + len(self._sending)

    @property
    def due_ms(self) -> int | None:
        """When the next step is."""
        return None if self._next is None else self._next.at_ms

    def connected(self, mono_ms: int) -> None:
        """There is a connection. What was not confirmed over the last one is sent again, under its serial number."""
        first = self._serial if self._sending else self._serial + 1
        self._session = Session(lambda: self.units.label(self._now_ms), accepts=DEVICE, first_serial=first & 0xFFFF)
        self._beat_ms = mono_ms + self.settings.heartbeat_ms
        self.is_failed = False
        if self._sending:
            self._ask(_REPORT, self._app, mono_ms)

    def lost(self) -> None:
        """The connection is gone."""
        self._session = None

    def turn(self, now_ms: int, mono_ms: int) -> bytes:
        """Let time pass: `now_ms` of the world, `mono_ms` of a clock that never goes back. What to send."""
        self._now_ms = now_ms
        while self._next is not None and self._next.at_ms <= now_ms:
            self._on_step(self._next)
            self._put(self.panel.apply(self._next))
            self._next = next(self._script, None)
        if self._duty_ms is not None and self._duty_ms <= now_ms:
            self._duty_ms = None
            self._put([self.panel.acknowledge(now_ms, self.settings.operator)])
        session = self._session
        if session is None:
            return b""
        for happening in session.tick(mono_ms):
            if isinstance(happening, Failed):
                self._failed(happening)
        return self._speak(session, mono_ms)

    def feed(self, data: bytes, now_ms: int, mono_ms: int) -> bytes:
        """Take bytes of the centre as they come; what to send."""
        session, self._now_ms = self._session, now_ms
        if session is None:
            return b""
        for happening in session.feed(data, mono_ms):
            match happening:
                case Received(frame=frame):
                    self._watch(Passed("heard", frame))
                    self._answer(session, frame)
                case Beat(frame=frame):
                    self._watch(Passed("heard", frame))
                case Confirmed(token=token):
                    self._done(token)
                case Failed():
                    self._failed(happening)
        self.is_failed = self.is_failed or session.is_hopeless
        return self._speak(session, mono_ms)

    def _put(self, reports: list[Report]) -> None:
        self._queue.extend(reports)
        while len(self._queue) > BACKLOG:
            self._queue.popleft()
            self.dropped += 1

    def _speak(self, session: Session, mono_ms: int) -> bytes:
        """Begin the next exchange when there is none; everything to send."""
        if not session.waiting and not self.is_failed:
            if self._queue:
                self._sending = self._take()
                self._app = self.units.of_reports(self._sending)
                self._ask(_REPORT, self._app, mono_ms)
            elif mono_ms >= self._beat_ms:
                self._ask(_BEAT, HEARTBEATS[self.settings.heartbeat], mono_ms)
        data = session.take()
        for frame in _frames(data):
            if frame.command == Command.SEND_DATA:
                self._serial = frame.serial
            self._watch(Passed("sent", frame))
        return data

    def _ask(self, token: str, app: bytes, mono_ms: int) -> None:
        self._beat_ms = mono_ms + self.settings.heartbeat_ms
        if self._session is not None:
            self._session.ask(
                token, Command.SEND_DATA, app, mono_ms, source=self.settings.address, destination=self.settings.centre
            )

    def _take(self) -> list[Report]:
        kind = self._queue[0].kind
        most = min(self.settings.per_frame, LAYOUTS[TYPES[kind]].most)
        alike = takewhile(lambda one: one.kind == kind, (self._queue[index] for index in range(len(self._queue))))
        count = sum(1 for _ in zip(range(most), alike, strict=False))
        return [self._queue.popleft() for _ in range(count)]

    def _done(self, token: str) -> None:
        if token == _REPORT:
            self.confirmed += len(self._sending)
            self._sending = []

    def _failed(self, failed: Failed) -> None:
        """No answer: try again over a new connection. Denied four times: it would be denied for ever."""
        if failed.reason == "timeout":
            self.is_failed = True
        elif failed.token == _REPORT:
            self.denied += len(self._sending)
            self._sending = []

    def _answer(self, session: Session, frame: Frame) -> None:
        unit = decode_unit(frame.app)
        self.answered += 1
        if frame.command == Command.REQUEST:
            app = self.units.reply(unit, self._now_ms)
            if app is not None:
                session.reply(frame, app)
                return
        elif not unit.problems and self._obey(unit.type_flag, frame.app):
            session.confirm(frame)
            return
        self.answered -= 1
        session.deny(frame)

    def _obey(self, flag: int, app: bytes) -> bool:
        """Do what a control command says; False: cannot."""
        if flag == _INIT:
            self._put([self.panel.forget(self._now_ms)])
            return True
        if flag == _CLOCK:
            return self.units.set_clock(app[2:8], self._now_ms)
        if flag != _DUTY:
            return False
        after_ms = self.settings.duty_after_ms
        in_time = after_ms is not None and after_ms <= app[2] * 60_000
        self._duty_ms = self._now_ms + (after_ms or 0) if in_time else None
        return True


def _frames(data: bytes) -> Iterator[Frame]:
    """The frames of what a session gave to send."""
    at = 0
    while at < len(data):
        size = 30 + int.from_bytes(data[at + 24 : at + 26], "little")
        yield Frame.of_sound(data[at : at + size])
        at += size
