"""Telling a retransmission from a new frame (§6.5): the same frame again is confirmed again and heard once.

Not every repeated frame is a retransmission. There are devices that never count their serial number, or have no
clock: their second fire looks like the first one. So the same bytes are news again when the sender has used the serial
for something else since, when it has gone on to other frames and then made a new connection, or when the first one is
two minutes old. Nor do equal bytes come from one sender: factory addresses are all alike, and anybody can send what
another will. Taking a retransmission for news tells a state twice; taking news for a retransmission would lose a fire.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from gateway.drivers.fire_signal import repeat_key
from gateway.drivers.gb26875.frame import Frame

WINDOW_MS: Final = 120_000
"""From the first transmission to the last: four of them are 10 s apart, and there may be a new connection between."""
REMEMBERED: Final = 65_536

Standing = Literal["new", "reused", "waiting", "confirmed", "denied"]
"""new: never heard; reused: heard before and news all the same; else a repetition of what has been answered so."""
_Slot = tuple[str, bytes, int, int]


@dataclass(slots=True)
class _Entry:
    connection: int
    first_ms: int
    standing: Standing = "waiting"
    is_followed: bool = False
    """Its sender has sent another frame over the same connection since."""


class Repeats:
    """The frames heard of late: of all senders and connections of a centre, or of one side of a line."""

    def __init__(self, window_ms: int = WINDOW_MS, remembered: int = REMEMBERED) -> None:
        self._window_ms = window_ms
        self._remembered = remembered
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._holders: OrderedDict[_Slot, str] = OrderedDict()
        """What a sender used a serial for last."""
        self._last: OrderedDict[tuple[int, bytes], str] = OrderedDict()
        """The last new frame of a sender over a connection."""

    def hear(self, frame: Frame, connection: int, now_ms: int, speaker: str = "") -> Standing:
        """How a frame that came over a connection stands; `speaker`: whom we take its sender for."""
        name, slot = _name(frame, speaker), (speaker, frame.source, frame.serial, frame.command)
        entry = self._entries.get(name)
        if entry is not None and self._holders.get(slot) == name and self._repeats(entry, connection, now_ms):
            if entry.connection != connection:
                self._note(name, connection, frame.source)
                entry.connection, entry.is_followed = connection, False
            return entry.standing
        self._entries[name] = _Entry(connection, now_ms)
        self._entries.move_to_end(name)
        self._holders[slot] = name
        self._holders.move_to_end(slot)
        self._note(name, connection, frame.source)
        self._trim()
        return "new" if entry is None else "reused"

    def settle(self, frame: Frame, standing: Literal["confirmed", "denied"], speaker: str = "") -> None:
        """The frame was answered so."""
        entry = self._entries.get(_name(frame, speaker))
        if entry is not None:
            entry.standing = standing

    def forget(self, frame: Frame, speaker: str = "") -> None:
        """Nothing became of the frame: its retransmission is heard as if it were the first."""
        self._entries.pop(_name(frame, speaker), None)

    def _repeats(self, entry: _Entry, connection: int, now_ms: int) -> bool:
        in_time = now_ms - entry.first_ms <= self._window_ms
        return in_time and (entry.connection == connection or not entry.is_followed)

    def _note(self, name: str, connection: int, source: bytes) -> None:
        before = self._entries.get(self._last.get((connection, source), ""))
        if before is not None:
            before.is_followed = True
        self._last[connection, source] = name
        self._last.move_to_end((connection, source))

    def _trim(self) -> None:
        for memory in (self._entries, self._holders, self._last):
            if len(memory) > self._remembered:
                memory.popitem(last=False)


def _name(frame: Frame, speaker: str) -> str:
    head = frame.serial.to_bytes(2, "big") + bytes([frame.command])
    return repeat_key(speaker.encode(), frame.source, head, frame.app)
