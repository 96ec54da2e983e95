"""北大青鸟 JBF293K/193K interface card, RS-232/485: 26 bytes a frame, or 36 with a measured value. Listens by default.

Source: JBF293K 通讯接口卡 RS232/485 通讯协议 V1.1. A frame is 82, each data byte as two bytes 0x30 + nibble, 83; the
twelfth data byte is the sum of the eleven before. The card speaks by itself when nobody polls it for three seconds.
A frame that cannot be trusted and names a fire is a fire of the panel: its address may be what was damaged.
"""

from datetime import datetime, tzinfo
from typing import Any, Final

from gateway.drivers.fire_signal import Signal
from gateway.drivers.jbf293k_words import COMMANDS, FIRE, HEARTBEATS, NORMAL, TROUBLE, Meaning, meaning_of
from gateway.drivers.thinner import Thinner

BAUD: Final = 9600
POLL: Final = b"\x82" + b"\x30" * 24 + b"\x83"
_START, _END = 0x82, 0x83
_LENGTHS: Final = (24, 34)
_MAX: Final = max(_LENGTHS)
_POLL_EVERY_MS: Final = 1000
_PARTIAL_MS: Final = 3000
_BAD_IN_ROW: Final = 10
SELF: Final = "self"


class Jbf293k:
    """One card on a line: a driver as in gateway.drivers.fire_signal. `polls`: ask it every second."""

    def __init__(self, zone: tzinfo, *, polls: bool = False) -> None:
        self.baud = BAUD
        self._zone = zone
        self._polls = polls
        self._polled_ms: int | None = None
        self._frame: bytearray | None = None
        self._heard_ms = 0
        self._trouble: bool | None = None
        self._thin = Thinner()
        self.bad_in_row = 0
        """Frames that were none since the last good one."""
        self.dropped_bytes = 0

    def feed(self, data: bytes, now_ms: int) -> list[Signal]:
        """Take bytes as they come, in any portions; what is said by now."""
        signals: list[Signal] = []
        if self._frame is not None and now_ms - self._heard_ms >= _PARTIAL_MS:
            signals += self._broken()
        if data:
            self._heard_ms = now_ms
        for byte in data:
            signals += self._take(byte)
        return self._thin.pass_on(signals, now_ms)

    def poll(self, now_ms: int) -> bytes:
        """The card's poll every second, only where the source asks for it."""
        if not self._polls or (self._polled_ms is not None and now_ms - self._polled_ms < _POLL_EVERY_MS):
            return b""
        self._polled_ms = now_ms
        return POLL

    def close(self, now_ms: int) -> list[Signal]:
        """The line ends here: a frame that was not whole."""
        return self._thin.pass_on(self._broken(), now_ms)

    def is_well(self, now_ms: int) -> bool:
        """Whether what comes are frames; the line itself watches for silence."""
        return self.bad_in_row < _BAD_IN_ROW

    def _take(self, byte: int) -> list[Signal]:
        if byte == _START:
            signals = self._broken()
            self._frame = bytearray()
            return signals
        if self._frame is None:
            self.dropped_bytes += 1
            return []
        if byte == _END:
            return self._whole()
        if byte & 0xF0 == 0x30 and len(self._frame) < _MAX:
            self._frame.append(byte)
            return []
        signals = self._broken()
        self.dropped_bytes += 1
        return signals

    def _whole(self) -> list[Signal]:
        if self._frame is None or len(self._frame) not in _LENGTHS:
            return self._broken(ended=True)
        nibbles, self._frame = bytes(self._frame), None
        raw = bytes([_START]) + nibbles + bytes([_END])
        data = _data(nibbles)
        if sum(data[:11]) & 0xFF != data[11]:
            self.bad_in_row += 1
            return [_untrusted(data, raw, "bad_sum")]
        self.bad_in_row = 0
        return self._signals(data, raw)

    def _broken(self, *, ended: bool = False) -> list[Signal]:
        """What began as a frame and is none; too short to hold a command, it is noise."""
        frame, self._frame = self._frame, None
        if frame is None:
            return []
        self.bad_in_row += 1
        self.dropped_bytes += len(frame) + 1 + ended
        if len(frame) < 2:
            return []
        raw = bytes([_START]) + bytes(frame) + (bytes([_END]) if ended else b"")
        return [_untrusted(_data(bytes(frame)), raw, "bad_frame")]

    def _signals(self, data: bytes, raw: bytes) -> list[Signal]:
        command = data[0]
        if command in HEARTBEATS:
            return []
        if command in (NORMAL, TROUBLE):
            return self._controller(data, raw)
        meaning = meaning_of(data)
        panel_at, marks = self._time(data)
        extra: dict[str, Any] = {"controller": data[1], "loop": data[2], "point": data[3]}
        if meaning is None:
            return [
                Signal(
                    "unparsed", system_address=data[1], panel_at=panel_at, text=f"命令{command:02X}，{data[1]}号机",
                    raw=raw, marks=("unparsed", *marks), extra=extra,
                )
            ]  # fmt: skip
        return [_signal(meaning, data, raw, panel_at, (*meaning.marks, *marks), extra)]

    def _controller(self, data: bytes, raw: bytes) -> list[Signal]:
        """The card's answer says every second how the controller is; only a change is news."""
        trouble = data[0] == TROUBLE
        if trouble == self._trouble:
            return []
        self._trouble = trouble
        words = ("fault",)
        return [
            Signal(
                "system", SELF, state=words if trouble else (), ended=() if trouble else words,
                system_address=data[1], raw=raw, extra={"controller": data[1], "said": COMMANDS[data[0]]},
            )
        ]  # fmt: skip

    def _time(self, data: bytes) -> tuple[datetime | None, tuple[str, ...]]:
        year, month, day, hour, minute, second = data[5:11]
        try:
            shown = datetime(2000 + year, month, day, hour, minute, second, tzinfo=self._zone)
        except ValueError:
            return None, ("bad_time",) if any(data[5:11]) else ()
        return shown, ()


def _signal(
    meaning: Meaning, data: bytes, raw: bytes, panel_at: datetime | None, marks: tuple[str, ...], extra: dict[str, Any]
) -> Signal:
    return Signal(
        meaning.scope,
        meaning.address,
        state=meaning.state,
        ended=meaning.ended,
        operations=meaning.operations,
        system_address=data[1],
        component_type=meaning.component_type,
        panel_at=panel_at,
        values=meaning.values,
        raw=raw,
        marks=marks,
        extra={**extra, "said": meaning.name},
    )


def _data(nibbles: bytes) -> bytes:
    pairs = zip(nibbles[::2], nibbles[1::2], strict=False)
    return bytes((high & 0x0F) << 4 | low & 0x0F for high, low in pairs)


def _untrusted(data: bytes, raw: bytes, mark: str) -> Signal:
    said = COMMANDS.get(data[0], f"命令{data[0]:02X}")
    names = ("code", "controller", "loop", "point")
    extra: dict[str, Any] = dict(zip(names, data, strict=False))
    text = f"无法核对的数据：{said}"
    if data[0] in FIRE:
        return Signal("system", SELF, state=("fire",), text=text, raw=raw, marks=("unparsed", mark), extra=extra)
    return Signal("unparsed", text=text, raw=raw, marks=("unparsed", mark), extra=extra)
