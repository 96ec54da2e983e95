"""Frames in a stream of bytes that come in any portions, with noise between: framed by length, never by `##`."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from gateway.drivers.gb26875.frame import ANSWERS, END, HEAD, MAX_APP, OVERHEAD, START, Command, Frame

PARTIAL_MS: Final = 10_000
"""A frame that is not whole so long after its start never will be."""
NOISE_BYTES: Final = 1024
"""So many bytes that belong to no frame count as one bad frame."""
_SLICE: Final = 4096
_MARK_MS: Final = 250

Reason = Literal["too_long", "bad_end", "bad_checksum", "unknown_command"]


@dataclass(frozen=True, slots=True)
class Denial:
    """A frame to be denied (§6.5.3): what its header says, and why. `source` is who sent it."""

    serial: int
    source: bytes
    destination: bytes
    version: tuple[int, int]
    reason: Reason

    def frame(self, label: bytes) -> Frame:
        """The deny to send back; `label`: our time."""
        return Frame(self.serial, Command.DENY, self.destination, self.source, b"", self.version, label)


class FrameReader:
    """Finds frames. What comes out depends on the bytes alone, not on their portions, but for partial frames.

    `extra_commands`: the maker's own commands that are let through. At most 5 KiB are kept.
    """

    def __init__(self, extra_commands: frozenset[int] = frozenset()) -> None:
        self.dropped_bytes = 0
        """Bytes that were part of no sound frame."""
        self._commands = frozenset(int(one) for one in Command) | extra_commands
        self._buffer = bytearray()
        self._offset = 0
        """How far in the stream the buffer begins; so are the two below counted."""
        self._quiet_until = 0
        """What begins before this is, or may be, part of a frame already denied."""
        self._arrivals: deque[tuple[int, int]] = deque()
        """(where in the stream a portion ends, when it came)."""
        self._bad = 0
        self._noise = 0

    @property
    def bad_in_row(self) -> int:
        """Bad frames since the last sound one; every KiB of noise counts as one."""
        return self._bad + self._noise // NOISE_BYTES

    @property
    def buffered(self) -> int:
        """Bytes of a frame that is not yet whole."""
        return len(self._buffer)

    @property
    def due_ms(self) -> int | None:
        """When a frame that is not yet whole is given up: feed nothing then; None: none has begun."""
        return self._arrivals[0][1] + PARTIAL_MS if len(self._buffer) > 1 else None

    def feed(self, data: bytes, now_ms: int) -> list[Frame | Denial]:
        """Frames that are whole by now, and those to deny, in their order; `feed(b"", now)` lets time pass."""
        found: list[Frame | Denial] = []
        for start in range(0, max(len(data), 1), _SLICE):
            portion = data[start : start + _SLICE]
            if portion:
                self._buffer += portion
                self._note_arrival(now_ms)
            self._scan(now_ms, found)
        return found

    def _note_arrival(self, now_ms: int) -> None:
        end = self._offset + len(self._buffer)
        if self._arrivals and now_ms - self._arrivals[-1][1] < _MARK_MS:
            now_ms = self._arrivals.pop()[1]
        self._arrivals.append((end, now_ms))

    def _scan(self, now_ms: int, found: list[Frame | Denial]) -> None:
        at = 0
        while (start := self._buffer.find(START, at)) >= 0:
            self._drop(start - at)
            at = start
            size = self._size_at(at, found)
            if size is None:
                if not self._is_stale(at, now_ms):
                    break
                self._give_up(at)
                size = 0
            if size == 0:
                self._drop(1)
                at += 1
            else:
                at += size
        else:
            kept = 1 if self._buffer.endswith(START[:1]) and at < len(self._buffer) else 0
            self._drop(len(self._buffer) - kept - at)
            at = len(self._buffer) - kept
        del self._buffer[:at]
        self._offset += at
        while self._arrivals and self._arrivals[0][0] <= self._offset:
            self._arrivals.popleft()

    def _size_at(self, at: int, found: list[Frame | Denial]) -> int | None:
        """Size of the sound frame at `at`; 0: there is none; None: it is not yet whole."""
        buffer = self._buffer
        if len(buffer) - at < HEAD:
            return None
        length = buffer[at + 24] | buffer[at + 25] << 8
        if length > MAX_APP:
            return self._refuse(at, HEAD, "too_long", found)
        end = at + OVERHEAD + length
        if len(buffer) < end:
            return None
        if buffer[end - 2 : end] != END:
            return self._refuse(at, OVERHEAD + length, "bad_end", found)
        if sum(buffer[at + 2 : end - 3]) & 0xFF != buffer[end - 3]:
            return self._refuse(at, OVERHEAD + length, "bad_checksum", found)
        self._bad = self._noise = 0
        self._quiet_until = self._offset + end
        frame = Frame.of_sound(bytes(buffer[at:end]))
        known = frame.command in self._commands
        found.append(frame if known else _denial(frame, "unknown_command"))
        return OVERHEAD + length

    def _refuse(self, at: int, extent: int, reason: Reason, found: list[Frame | Denial]) -> int:
        """Deny what begins at `at`, unless it is part of something denied, an answer, or `@@@`: the start may be next.

        Where `@@@` has its end in the right place it is a frame with such a serial number.
        """
        doubtful = self._buffer[at + 2] == START[0] and reason != "bad_checksum"
        if doubtful or self._offset + at < self._quiet_until:
            return 0
        self._bad += 1
        self._quiet_until = self._offset + at + extent
        if self._buffer[at + HEAD - 1] not in ANSWERS:
            # Only the header is looked at: what it takes to make a frame of it does not matter.
            found.append(_denial(Frame.of_sound(bytes(self._buffer[at : at + HEAD])), reason))
        return 0

    def _is_stale(self, at: int, now_ms: int) -> bool:
        position = self._offset + at
        came = next((came for end, came in self._arrivals if end > position), now_ms)
        return now_ms - came >= PARTIAL_MS

    def _give_up(self, at: int) -> None:
        """What begins at `at` stays a part; it is not denied, and neither is what it contains."""
        if self._offset + at >= self._quiet_until:
            self._bad += 1
            self._quiet_until = self._offset + len(self._buffer)

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._noise += count


def _denial(frame: Frame, reason: Reason) -> Denial:
    return Denial(frame.serial, frame.source, frame.destination, frame.version, reason)
