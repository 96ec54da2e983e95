"""PN532 readers on a serial line (HSU, 115200 8N1): wake, configure, poll for tags, read the address of SUN tags.

The conversation is written as generators that yield what they want from the chip and are sent its answer, so that it
reads from top to bottom although nothing here waits.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.drivers import ndef
from gateway.drivers.pn532_frames import WAKE, FrameDecoder, Reply, Signal, command
from gateway.drivers.read import Presence, Read

BAUD: Final = 115_200
_FIRMWARE, _SAM, _CONFIGURE, _LIST, _EXCHANGE, _RELEASE = 0x02, 0x14, 0x32, 0x4A, 0x40, 0x52
_ANSWER_MS: Final = 1000
_POLL_MS: Final = 100
_LEFT_MS: Final = 1000
_RESTART_MS: Final = 500
_WELL_MS: Final = 5000
_ATTEMPTS: Final = 3
_NACKS: Final = 2
_ISO_DEP: Final = 0x20
_SW_OK: Final = b"\x90\x00"


class _Ask(NamedTuple):
    """A command whose answer is wanted."""

    code: int
    data: bytes = b""
    wake: bool = False


class _Rest(NamedTuple):
    """Nothing to do for a while."""

    ms: int


class _NoAnswer(Exception):
    """The chip is silent, or answers something else."""


class _TagGone(Exception):
    """The tag was taken away in the middle."""


_Script = Generator[_Ask | _Rest, bytes | None, None]
_Asking = Generator[_Ask | _Rest, bytes | None, bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """A tag in the field."""

    number: int
    uid: bytes
    is_iso_dep: bool

    @property
    def presence(self) -> str:
        """What stays the same while it stays: tags that hide their UID draw a new one (08…) each time."""
        hides = len(self.uid) == 4 and self.uid[0] == 0x08
        return "hidden" if hides else self.uid.hex()


def parse_target(data: bytes) -> Target | None:
    """The tag in an answer to InListPassiveTarget at 106 kbit/s type A; None: there is none."""
    if len(data) < 6 or data[0] == 0:
        return None
    uid = data[6 : 6 + data[5]]
    if not uid or len(uid) != data[5]:
        return None
    return Target(data[1], uid, bool(data[4] & _ISO_DEP))


class Pn532:
    """One PN532: a driver as in gateway.drivers.read."""

    def __init__(self) -> None:
        self.firmware = ""
        """As `1.6`, once the chip has told it."""
        self.frames = FrameDecoder()
        self._presence = Presence(_LEFT_MS)
        self._reads: list[Read] = []
        self._now_ms = 0
        self._answered_ms: int | None = None
        self._failed = 0
        self._nacks = 0
        self._out = b""
        self._sent = b""
        self._waits_for: int | None = None
        self._until_ms = 0
        self._script: _Script = self._converse()
        self._begun = False

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take bytes from the chip."""
        self._now_ms = now_ms
        errors = self.frames.checksum_errors
        frames = self.frames.feed(data)
        self._failed += self.frames.checksum_errors - errors
        for frame in frames:
            self._take(frame)
        reads, self._reads = self._reads, []
        return reads

    def poll(self, now_ms: int) -> bytes:
        """What to send to the chip now."""
        self._now_ms = now_ms
        if not self._begun:
            self._begun = True
            self._wants(next(self._script))
        elif now_ms >= self._until_ms:
            for frame in self.frames.give_up() if self._waits_for is not None else []:
                self._take(frame)
            if now_ms >= self._until_ms:
                self._step(None)
        out, self._out = self._out, b""
        return out

    def close(self, now_ms: int) -> list[Read]:
        """Nothing is held back."""
        return self.feed(b"", now_ms)

    def is_well(self, now_ms: int) -> bool:
        """Whether the chip answered within the last seconds."""
        return self._answered_ms is not None and now_ms - self._answered_ms < _WELL_MS

    def _take(self, frame: Reply | Signal) -> None:
        if self._waits_for is None:
            return
        if isinstance(frame, Reply):
            if frame.code == self._waits_for:
                self._answered_ms = self._now_ms
                self._step(frame.data)
        elif frame is Signal.ERROR:
            self._failed += 1
            self._step(None)
        elif frame is Signal.NACK and self._nacks < _NACKS:
            self._nacks += 1
            self._out = self._sent

    def _step(self, answer: bytes | None) -> None:
        """Hand the answer (None: there was none, or a rest is over) to the conversation and hear what it wants next."""
        self._wants(self._script.send(answer))

    def _wants(self, wish: _Ask | _Rest) -> None:
        if isinstance(wish, _Rest):
            self._waits_for = None
            self._until_ms = self._now_ms + wish.ms
            return
        self._nacks = 0
        self._sent = command(wish.code, wish.data)
        self._out = WAKE + self._sent if wish.wake else self._sent
        self._waits_for = wish.code + 1
        self._until_ms = self._now_ms + _ANSWER_MS

    def _converse(self) -> _Script:
        while True:
            try:
                yield from self._start()
                while True:
                    yield from self._round()
                    yield _Rest(_POLL_MS)
            except _NoAnswer:
                self._failed += 1
                yield _Rest(_RESTART_MS)

    def _ask(self, code: int, data: bytes = b"", *, wake: bool = False) -> _Asking:
        answer = yield _Ask(code, data, wake)
        if answer is None:
            raise _NoAnswer
        return answer

    def _start(self) -> _Script:
        yield from self._ask(_SAM, b"\x01\x14\x00", wake=True)
        version = yield from self._ask(_FIRMWARE)
        if len(version) >= 3:
            self.firmware = f"{version[1]}.{version[2]}"
        # One attempt per poll: with more, the chip keeps silent until a tag comes.
        yield from self._ask(_CONFIGURE, b"\x05\xff\x01\x01")
        self._failed = 0

    def _list(self) -> Generator[_Ask | _Rest, bytes | None, Target | None]:
        return parse_target((yield from self._ask(_LIST, b"\x01\x00")))

    def _round(self) -> _Script:
        target = yield from self._list()
        if target is None:
            return
        if self._presence.is_new(target.presence, self._now_ms):
            yield from self._read(target)
            self._presence.is_new(target.presence, self._now_ms)
        yield from self._ask(_RELEASE, bytes([target.number]))

    def _read(self, target: Target) -> _Script:
        """Tell of the tag; if talking to it fails, its UID still counts."""
        at_ms, url = self._now_ms, ""
        if target.is_iso_dep:
            try:
                url = yield from self._url(target)
            except _NoAnswer:
                self._tell(target, at_ms, "")
                raise
        self._tell(target, at_ms, url)

    def _tell(self, target: Target, at_ms: int, url: str) -> None:
        self._reads.append(Read(target.uid.hex().upper(), at_ms, url, self._failed))
        self._failed = 0

    def _url(self, target: Target) -> Generator[_Ask | _Rest, bytes | None, str]:
        number = target.number
        for attempt in range(_ATTEMPTS):
            if attempt:
                again = yield from self._list()
                if again is None or again.presence != target.presence:
                    break
                number = again.number
            try:
                return (yield from self._message(number))
            except _TagGone:
                self._failed += 1
        return ""

    def _message(self, number: int) -> Generator[_Ask | _Rest, bytes | None, str]:
        """The address in the tag's NDEF file; empty when it has none. Raises _TagGone."""
        for select in (ndef.SELECT_APPLICATION, ndef.SELECT_FILE):
            if (yield from self._exchange(number, select)) is None:
                return ""
        head = yield from self._exchange(number, ndef.read_binary(0, 2))
        length = int.from_bytes(head[:2], "big") if head else 0
        message = b""
        while len(message) < min(length, ndef.MAX_MESSAGE):
            part = yield from self._exchange(number, ndef.read_binary(2 + len(message), length - len(message)))
            if not part:
                break
            message += part
        return ndef.url_of(message[:length])

    def _exchange(self, number: int, apdu: bytes) -> Generator[_Ask | _Rest, bytes | None, bytes | None]:
        """The tag's answer without its status; None: it refuses. Raises _TagGone."""
        answer = yield from self._ask(_EXCHANGE, bytes([number]) + apdu)
        if not answer or answer[0] & 0x3F or len(answer) < 3:
            raise _TagGone
        return answer[1:-2] if answer[-2:] == _SW_OK else None
