"""RDM6300 and its kin for EM4100 tags at 125 kHz (9600 8N1): they only talk, and repeat while a tag stays."""

from functools import reduce
from operator import xor
from typing import Final

from gateway.drivers.read import Presence, Read

BAUD: Final = 9600
_STX, _ETX, _LENGTH = 0x02, 0x03, 14
_LEFT_MS: Final = 1000
_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")


class Rdm6300:
    """One RDM6300: a driver as in gateway.drivers.read."""

    def __init__(self) -> None:
        self.errors = 0
        """What began like a frame and did not hold."""
        self._buffer = bytearray()
        self._presence = Presence(_LEFT_MS)
        self._failed = 0

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take bytes from the reader; a tag that stays is read once."""
        self._buffer += data
        reads: list[Read] = []
        while True:
            start = self._buffer.find(_STX)
            if start < 0:
                self._buffer.clear()
                return reads
            del self._buffer[:start]
            if len(self._buffer) < _LENGTH:
                return reads
            uid = uid_of(bytes(self._buffer[:_LENGTH]))
            if uid is None:
                self.errors += 1
                self._failed += 1
                del self._buffer[0]
                continue
            del self._buffer[:_LENGTH]
            if self._presence.is_new(uid, now_ms) and int(uid, 16):
                reads.append(Read(uid, now_ms, retries=self._failed))
            self._failed = 0

    def poll(self, now_ms: int) -> bytes:
        """It hears nothing."""
        return b""

    def close(self, now_ms: int) -> list[Read]:
        """Nothing is held back."""
        return []

    def is_well(self, now_ms: int) -> bool:
        """Nobody can know: it is silent without a tag."""
        return True


def uid_of(frame: bytes) -> str | None:
    """The ten digits (version and number) of a whole frame; None when it is damaged."""
    digits = frame[1:-1]
    if len(frame) != _LENGTH or frame[0] != _STX or frame[-1] != _ETX or not _HEX.issuperset(digits):
        return None
    *number, check = bytes.fromhex(digits.decode("ascii"))
    return digits[:10].decode("ascii").upper() if reduce(xor, number) == check else None
