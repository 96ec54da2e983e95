"""Text lines out of bytes; a line that nobody ends is taken for whole when the sender has been quiet."""

import re

_ENDS = re.compile(rb"[\r\n\x03\x00]+")
_MAX_LINE = 4096


class Lines:
    """Collects bytes into lines, without their ends, STX and ETX."""

    def __init__(self, quiet_ms: int) -> None:
        self._quiet_ms = quiet_ms
        self._rest = b""
        self._heard_ms = 0

    @property
    def heard_ms(self) -> int:
        """When a byte came last."""
        return self._heard_ms

    def feed(self, data: bytes, now_ms: int) -> list[str]:
        """The lines that are whole by now."""
        if data:
            self._heard_ms = now_ms
            *whole, self._rest = _ENDS.split(self._rest + data)
            if len(self._rest) > _MAX_LINE:
                whole, self._rest = [*whole, self._rest], b""
        elif self._rest and now_ms - self._heard_ms >= self._quiet_ms:
            whole = self.flush_bytes()
        else:
            whole = []
        return _texts(whole)

    def flush(self) -> list[str]:
        """What is left, whole or not."""
        return _texts(self.flush_bytes())

    def flush_bytes(self) -> list[bytes]:
        """The same undecoded."""
        rest, self._rest = self._rest, b""
        return [rest]


def _texts(lines: list[bytes]) -> list[str]:
    texts = (line.replace(b"\x02", b"").decode("utf-8", "replace").strip() for line in lines)
    return [text for text in texts if text]
