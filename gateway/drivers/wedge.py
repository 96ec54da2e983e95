"""Keyboard wedges: readers that type the number and press Enter. No person types as fast; that tells them apart."""

import re
from typing import Final

from gateway.drivers.read import Read

_KEY_GAP_MS: Final = 50
_MAX_KEYS: Final = 40
_NUMBER = re.compile(r"[0-9A-Fa-f]{4,20}|[0-9]{3,5},[0-9]{5}")


class Wedge:
    """One keyboard: a driver as in gateway.drivers.read, fed with characters as they are typed."""

    def __init__(self) -> None:
        self.typed = 0
        """Enter keys that ended no read."""
        self._keys = ""
        self._key_ms = 0

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take the keys pressed now; a read ends with Enter."""
        reads = []
        for key in data.decode("latin-1"):
            if now_ms - self._key_ms > _KEY_GAP_MS:
                self._keys = ""
            self._key_ms = now_ms
            if key not in "\r\n":
                self._keys = (self._keys + key)[-_MAX_KEYS:]
                continue
            if _NUMBER.fullmatch(self._keys):
                reads.append(Read(self._keys, now_ms))
            else:
                self.typed += 1
            self._keys = ""
        return reads

    def poll(self, now_ms: int) -> bytes:
        """A keyboard hears nothing."""
        return b""

    def close(self, now_ms: int) -> list[Read]:
        """Without Enter it is no read."""
        return []

    def is_well(self, now_ms: int) -> bool:
        """Nobody can know: it is silent without a tag."""
        return True
