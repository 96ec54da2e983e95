"""One side of a conversation in GB/T 26875.3-2011 §6: exchanges, retries, retransmissions; no I/O, no clock.

Whoever carries the bytes calls `feed` with what came, `tick` when `due_ms` is over, and sends what `take` gives. What
is heard is not confirmed by itself: `confirm` says that it is safe. Both sides may begin exchanges, each one at a time.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gb26875.signals import is_heartbeat
from gateway.drivers.gb26875.stream import Denial, FrameReader

CENTRE: Final = frozenset({int(Command.SEND_DATA)})
"""What a centre hears of its own accord."""
DEVICE: Final = frozenset({int(Command.CONTROL), int(Command.REQUEST)})
"""What a transmission device does."""
TIMEOUT_MS: Final = 10_000
RETRIES: Final = 3
"""Retransmissions after the first attempt (§6.5.1, §6.5.2)."""
BAD_IN_ROW: Final = 20
"""So many bad frames without a good one are noise, or somebody who speaks something else."""
MOST_WAITING: Final = 64
_READ_OFFSET: Final = 60
"""A reply's type flag is its request's less this."""


class Received(NamedTuple):
    """A frame that wants an answer: confirm, deny, reply or forget it. It is none that was heard before."""

    frame: Frame
    is_reused: bool = False
    """The same bytes were heard before, and yet it is no retransmission."""


class Replied(NamedTuple):
    """The other side answered with data. `token` names the exchange; None: it comes too late for any."""

    frame: Frame
    token: str | None


class Confirmed(NamedTuple):
    """The other side confirmed an exchange."""

    token: str


class Failed(NamedTuple):
    """An exchange ended without an answer, or with no other than denials."""

    token: str
    reason: Literal["timeout", "denied"]


class Beat(NamedTuple):
    """A sign of life that was answered already: a heartbeat, or a frame that was heard before."""

    frame: Frame


Happening = Received | Replied | Confirmed | Failed | Beat
App = Callable[[], bytes]
"""Gives the application data anew for each transmission: a clock must not be set to an old time."""


@dataclass(slots=True)
class _Exchange:
    token: str
    command: int
    app: App
    source: bytes
    destination: bytes
    version: tuple[int, int]
    serial: int = 0
    sent: int = 0
    due_ms: int = 0
    expects: int | None = None
    is_denied: bool = False
    """The last transmission was."""


class Session:
    """One connection, or one line, as one of its sides sees it."""

    def __init__(
        self,
        label: Callable[[], bytes],
        *,
        accepts: Collection[int] = CENTRE,
        extra_commands: frozenset[int] = frozenset(),
        repeats: Repeats | None = None,
        connection: int = 0,
        speaker: Callable[[bytes], str] = lambda _: "",
        timeout_ms: int = TIMEOUT_MS,
        retries: int = RETRIES,
        first_serial: int = 0,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """`label`: our time now as a time label; `extra_commands`: the maker's own, taken for signs of life;
        `speaker`: whom we take the sender with an address for, over this connection."""
        self._most_waiting = most_waiting
        self._label = label
        self._accepts = frozenset(accepts)
        self._extra = extra_commands
        self._repeats = repeats if repeats is not None else Repeats()
        self._connection = connection
        self._speaker = speaker
        self._timeout_ms = timeout_ms
        self._retries = retries
        self._serial = first_serial
        self._reader = FrameReader(extra_commands)
        self._out = bytearray()
        self._current: _Exchange | None = None
        self._queue: deque[_Exchange] = deque()

    @property
    def is_hopeless(self) -> bool:
        """Nothing but bad frames for a while: close the connection."""
        return self._reader.bad_in_row >= BAD_IN_ROW

    @property
    def dropped_bytes(self) -> int:
        """Bytes that were part of no sound frame."""
        return self._reader.dropped_bytes

    @property
    def due_ms(self) -> int | None:
        """When `tick` must be called: an answer is overdue, or the rest of a frame; None: nothing is waited for."""
        waits = [self._reader.due_ms, self._current.due_ms if self._current is not None else None]
        return min((one for one in waits if one is not None), default=None)

    @property
    def waiting(self) -> int:
        """Exchanges of ours that are not over."""
        return len(self._queue) + (self._current is not None)

    def take(self) -> bytes:
        """What is to be sent, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def feed(self, data: bytes, now_ms: int) -> list[Happening]:
        """Take bytes as they come, in any portions. `now_ms`: of a clock that never goes back."""
        happenings: list[Happening] = []
        for found in self._reader.feed(data, now_ms):
            if isinstance(found, Denial):
                self._send(found.frame(self._label()))
            elif found.command in (Command.CONFIRM, Command.REPLY, Command.DENY):
                happenings += self._take_answer(found, now_ms)
            else:
                happenings += self._take_frame(found, now_ms)
        return happenings

    def _take_frame(self, frame: Frame, now_ms: int) -> list[Happening]:
        if frame.command in self._extra or is_heartbeat(frame):
            self._send(frame.answer(Command.CONFIRM, self._label()))
            return [Beat(frame)]
        if frame.command not in self._accepts:
            self._send(frame.answer(Command.DENY, self._label()))
            return [Beat(frame)]
        if frame.command == Command.REQUEST:  # asking again wants the answer again
            return [Received(frame)]
        standing = self._repeats.hear(frame, self._connection, now_ms, self._speaker(frame.source))
        if standing == "confirmed":
            self._send(frame.answer(Command.CONFIRM, self._label()))
        elif standing == "denied":
            self._send(frame.answer(Command.DENY, self._label()))
        elif standing != "waiting":  # what waits is answered when it is safe, once for all its repetitions
            return [Received(frame, standing == "reused")]
        return [Beat(frame)]

    def confirm(self, frame: Frame) -> None:
        """What the frame says is safe."""
        self._repeats.settle(frame, "confirmed", self._speaker(frame.source))
        self._send(frame.answer(Command.CONFIRM, self._label()))

    def deny(self, frame: Frame) -> None:
        """The frame cannot be done, or not be understood where that is asked for."""
        self._repeats.settle(frame, "denied", self._speaker(frame.source))
        self._send(frame.answer(Command.DENY, self._label()))

    def reply(self, frame: Frame, app: bytes) -> None:
        """Answer a request with data."""
        self._send(frame.answer(Command.REPLY, self._label(), app))

    def forget(self, frame: Frame) -> None:
        """The frame could not be kept: say nothing, its sender will send it again."""
        self._repeats.forget(frame, self._speaker(frame.source))

    def ask(
        self,
        token: str,
        command: int,
        app: bytes | App,
        now_ms: int,
        *,
        source: bytes,
        destination: bytes,
        version: tuple[int, int] = (1, 1),
    ) -> bool:
        """Begin an exchange, or let it wait for the one before; False when too many wait."""
        if len(self._queue) >= self._most_waiting:
            return False
        make: App = (lambda: app) if isinstance(app, bytes) else app
        self._queue.append(_Exchange(token, command, make, source, destination, version))
        self._next(now_ms)
        return True

    def tick(self, now_ms: int) -> list[Happening]:
        """Send again what is overdue, give up what was sent often enough, and the rest of a frame that never comes."""
        happenings: list[Happening] = []
        if self._reader.due_ms is not None and now_ms >= self._reader.due_ms:
            happenings += self.feed(b"", now_ms)
        exchange = self._current
        if exchange is not None and now_ms >= exchange.due_ms:
            exchange.is_denied = False
            happenings += self._again(exchange, now_ms)
        return happenings

    def fail_all(self) -> list[str]:
        """The connection has ended: the tokens of all exchanges that are not over."""
        waiting = [*([self._current] if self._current is not None else []), *self._queue]
        self._current = None
        self._queue.clear()
        return [one.token for one in waiting]

    def _take_answer(self, frame: Frame, now_ms: int) -> list[Happening]:
        exchange = self._current
        is_ours = exchange is not None and frame.serial == exchange.serial
        if frame.command == Command.REPLY:
            if exchange is None or not is_ours or exchange.command != Command.REQUEST:
                return [Replied(frame, None)]
            if exchange.expects is not None and frame.app[:1] != bytes([exchange.expects]):
                return [Replied(frame, None), *self._again(exchange, now_ms)]
            return [Replied(frame, self._end(exchange, now_ms))]
        if exchange is None or not is_ours:
            return [Beat(frame)]
        if frame.command == Command.DENY:
            exchange.is_denied = True
            return [Beat(frame), *self._again(exchange, now_ms)]
        if exchange.command == Command.REQUEST:  # some confirm a request before they reply
            return [Beat(frame)]
        return [Beat(frame), Confirmed(self._end(exchange, now_ms))]

    def _again(self, exchange: _Exchange, now_ms: int) -> list[Happening]:
        if exchange.sent > self._retries:
            reason: Literal["timeout", "denied"] = "denied" if exchange.is_denied else "timeout"
            return [Failed(self._end(exchange, now_ms), reason)]
        self._transmit(exchange, now_ms)
        return []

    def _end(self, exchange: _Exchange, now_ms: int) -> str:
        self._current = None
        self._next(now_ms)
        return exchange.token

    def _next(self, now_ms: int) -> None:
        if self._current is None and self._queue:
            exchange = self._current = self._queue.popleft()
            exchange.serial, self._serial = self._serial, (self._serial + 1) & 0xFFFF
            self._transmit(exchange, now_ms)

    def _transmit(self, exchange: _Exchange, now_ms: int) -> None:
        app = exchange.app()
        exchange.sent += 1
        exchange.due_ms = now_ms + self._timeout_ms
        if exchange.command == Command.REQUEST and app:
            exchange.expects = app[0] - _READ_OFFSET if app[0] >= _READ_OFFSET else None
        self._send(
            Frame(
                exchange.serial,
                exchange.command,
                exchange.source,
                exchange.destination,
                app,
                exchange.version,
                self._label(),
            )
        )

    def _send(self, frame: Frame) -> None:
        self._out += frame.encode()
