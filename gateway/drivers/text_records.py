"""Records out of the bytes of a printer port: by begin and end marks, and by silence. Bounded, without I/O."""

import re
from typing import Final

from gateway.site.duration import to_milliseconds
from gateway.site.fire_formats import TextFormat

MAX_RECORD: Final = 4096


class Records:
    """Collects bytes into records as a format describes them; nothing that was heard is left out except heartbeats."""

    def __init__(self, layout: TextFormat) -> None:
        self._begins = tuple(bytes.fromhex(one) for one in layout.begins)
        self._ends = tuple(bytes.fromhex(one) for one in layout.ends)
        self._heartbeats = tuple(bytes.fromhex(one) for one in layout.heartbeats)
        self._min_bytes = layout.min_bytes
        self._quiet_ms = to_milliseconds(layout.quiet)
        marks = [(b"h", self._heartbeats), (b"b", self._begins), (b"e", self._ends)]
        named = [
            b"(?P<%s>%s)" % (name, b"|".join(re.escape(mark) for mark in sorted(some, key=len, reverse=True)))
            for name, some in marks
            if some
        ]
        self._mark = re.compile(b"|".join(named)) if named else None
        self._rest = b""
        self._sought = 0
        """Up to here the rest holds no mark."""
        self._longest = max((len(mark) for _, some in marks for mark in some), default=1)
        self._heard_ms = 0

    @property
    def heard_ms(self) -> int:
        """When a byte came last."""
        return self._heard_ms

    def is_quiet(self, now_ms: int) -> bool:
        """Whether nothing has come for the format's time."""
        return now_ms - self._heard_ms >= self._quiet_ms

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """The records that are whole by now."""
        whole = self.flush() if self._rest and self.is_quiet(now_ms) else []
        if data:
            self._heard_ms = now_ms
            self._rest += data
            whole += self._cut()
        return whole

    def flush(self) -> list[bytes]:
        """What is left, whole or not."""
        rest, self._rest, self._sought = self._rest, b"", 0
        return [rest] if rest else []

    def _cut(self) -> list[bytes]:
        whole: list[bytes] = []
        start = 0
        if self._mark is not None:
            for mark in self._mark.finditer(self._rest, self._sought):
                if mark.lastgroup != "e":
                    if mark.start() > start:
                        whole.append(self._rest[start : mark.start()])
                    start = mark.start() if mark.lastgroup == "b" else mark.end()
                elif mark.end() - start >= self._min_bytes:
                    whole.append(self._rest[start : mark.end()])
                    start = mark.end()
        rest = self._rest[start:]
        while len(rest) > MAX_RECORD:
            whole.append(rest[:MAX_RECORD])
            rest = rest[MAX_RECORD:]
        self._rest = rest
        self._sought = max(0, len(rest) - self._longest + 1)
        return whole
