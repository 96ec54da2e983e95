"""Frames between a host and a PN532 (HSU): building them, and finding them in a stream that has noise in it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

WAKE: Final = bytes.fromhex("5555000000000000000000000000000000")
_START: Final = b"\x00\xff"
_TO_CHIP: Final = 0xD4
_FROM_CHIP: Final = 0xD5
_ERROR: Final = 0x7F
_KEPT: Final = 1
_MAX_BODY: Final = 265


class Signal(Enum):
    """A frame without data."""

    ACK = "ack"
    NACK = "nack"
    ERROR = "error"
    """The chip did not understand the command."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the chip answers: `code` is that of the command plus one."""

    code: int
    data: bytes


Frame = Signal | Reply


def command(code: int, data: bytes = b"") -> bytes:
    """The frame of a command; at most 253 bytes of data."""
    body = bytes([_TO_CHIP, code]) + data
    return _framed(body)


def reply(code: int, data: bytes = b"") -> bytes:
    """The frame a chip sends; for simulated ones."""
    return _framed(bytes([_FROM_CHIP, code]) + data)


def _framed(body: bytes) -> bytes:
    length = len(body)
    if length > 0xFF:
        raise ValueError(f"{length} bytes do not fit into one frame")
    return b"\x00\x00\xff" + bytes([length, -length & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])


class FrameDecoder:
    """Finds frames in bytes that come in any portions; after a broken frame it looks for the next start."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.checksum_errors = 0
        """Frames that began well and did not hold."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole by now."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            start = self._buffer.find(_START)
            if start < 0:
                del self._buffer[:-_KEPT]  # the last byte may be the first half of a start
                return frames
            del self._buffer[:start]
            taken, frame = self._take()
            if taken == 0:
                return frames
            if frame is not None:
                frames.append(frame)
            del self._buffer[:taken]

    def give_up(self) -> list[Frame]:
        """The frame begun will never be whole: look for others in what came after its start."""
        if len(self._buffer) <= _KEPT:
            return []
        self.checksum_errors += 1
        rest = bytes(self._buffer[1:])
        self._buffer.clear()
        return self.feed(rest)

    def _take(self) -> tuple[int, Frame | None]:
        """(bytes to drop, the frame) at the buffer's start; (0, None): not whole yet."""
        buffer = self._buffer
        if len(buffer) < 4:
            return 0, None
        length, check = buffer[2], buffer[3]
        if (length, check) == (0x00, 0xFF):
            return 4, Signal.ACK
        if (length, check) == (0xFF, 0x00):
            return 4, Signal.NACK
        head = 4
        if (length, check) == (0xFF, 0xFF):  # extended: two length bytes
            if len(buffer) < 7:
                return 0, None
            length, check, head = buffer[4] << 8 | buffer[5], buffer[6] + buffer[4], 7
        if (length + check) & 0xFF or not 0 < length <= _MAX_BODY:
            return self._broken()
        if len(buffer) < head + length + 1:
            return 0, None
        body = bytes(buffer[head : head + length])
        if (sum(body) + buffer[head + length]) & 0xFF:
            return self._broken()
        return head + length + 1, _frame_of(body)

    def _broken(self) -> tuple[int, None]:
        self.checksum_errors += 1
        return 1, None


def _frame_of(body: bytes) -> Frame | None:
    if body[0] == _FROM_CHIP and len(body) >= 2:
        return Reply(body[1], body[2:])
    return Signal.ERROR if body[0] == _ERROR else None
