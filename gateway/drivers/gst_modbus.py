"""海湾 GST-INET-03A Modbus card: the states of points in holding registers, read again and again. No I/O here.

A register shows the last thing that happened to its point, so a fault after a fire does not say that the fire is over:
only restored and normal do, also when it is read for the first time after a restart. Numbers of loops and points
follow the register; the register itself is told with every signal, because vendors' tables differ and the first one
should be checked on site.
"""

from collections.abc import Sequence
from typing import Final, Literal

from gateway.drivers.fire_signal import Signal

BAUD: Final = 4800
MAX_COUNT: Final = 100
"""So many registers the card gives at once."""
Model = Literal["gst200", "gst500", "gst5000"]
_PER_LOOP: Final[dict[Model, int]] = {"gst200": 242, "gst500": 240, "gst5000": 240}
_POWER: Final[dict[Model, dict[int, str]]] = {
    "gst200": {242: "mains_fault", 243: "battery_fault", 244: "bus_fault"},
    "gst500": {4998: "mains_fault", 4999: "battery_fault"},
    "gst5000": {4998: "mains_fault", 4999: "battery_fault"},
}
_BEGINS: Final[dict[int, str]] = {1: "fire", 2: "fault", 3: "feedback", 5: "start", 7: "shield"}
_ENDS: Final[dict[int, tuple[str, ...]]] = {6: ("start", "feedback"), 8: ("shield",)}
_NORMAL: Final = frozenset({0, 4, 9})
_NAMES: Final = {
    0: "无", 1: "火警", 2: "故障", 3: "动作", 4: "恢复", 5: "启动", 6: "停止", 7: "屏蔽", 8: "释放", 9: "正常",
}  # fmt: skip
_POWER_NAMES: Final = {"mains_fault": "主电", "battery_fault": "备电", "bus_fault": "总线"}
_FAULT: Final = 2
SELF: Final = "self"


def point_address(register: int, model: Model) -> str:
    """`loop-point` of a point's register, both counted from 1."""
    loop, point = divmod(register, _PER_LOOP[model])
    return f"{loop + 1}-{point + 1}"


def point_signal(register: int, value: int, model: Model, *, is_first: bool) -> Signal | None:
    """What a point's register that reads anew says; None: there is no such point."""
    state = value & 0xFF
    if is_first and state == 0:
        return None
    address = point_address(register, model)
    said = _NAMES.get(state, f"状态{state}")
    extra = {"register": register, "value": value, "said": said}
    if state not in _NAMES:
        return Signal("unparsed", address, text=f"{said}，{address}", marks=("unparsed", "unknown_state"), extra=extra)
    begun = (_BEGINS[state],) if state in _BEGINS else ()
    if state in _NORMAL:
        return Signal("component", address, complete=True, extra=extra)
    return Signal("component", address, state=begun, ended=_ENDS.get(state, ()), extra=extra)


def power_signal(register: int, value: int, model: Model) -> Signal:
    """What a power register that reads anew says."""
    word = _POWER[model][register]
    is_faulty = value & 0xFF == _FAULT
    return Signal(
        "system",
        SELF,
        state=(word,) if is_faulty else (),
        ended=() if is_faulty else (word,),
        extra={"register": register, "value": value, "said": _POWER_NAMES[word] + ("故障" if is_faulty else "正常")},
    )


class GstModbus:
    """What the registers of one card have said; give it to one line for all its connections."""

    baud: Final = BAUD

    def __init__(self, model: Model, registers: int) -> None:
        self._model = model
        self._registers = registers
        self._last: dict[int, int] = {}

    def ranges(self) -> list[tuple[int, int]]:
        """(first register, how many) of all that is to be read in turn: power first, then the points."""
        power = sorted(_POWER[self._model])
        count = min(self._registers, power[0])
        points = [(start, min(MAX_COUNT, count - start)) for start in range(0, count, MAX_COUNT)]
        return [(power[0], len(power)), *points]

    def take(self, start: int, values: Sequence[int]) -> list[Signal]:
        """What registers from `start` on say that they did not say before."""
        signals = []
        for register, value in enumerate(values, start):
            before = self._last.get(register)
            if value == before:
                continue
            self._last[register] = value
            if register in _POWER[self._model]:
                signals.append(power_signal(register, value, self._model))
                continue
            signal = point_signal(register, value, self._model, is_first=before is None)
            if signal is not None:
                signals.append(signal)
        return signals

    def feed(self, data: bytes, now_ms: int) -> list[Signal]:
        """Nothing comes unasked: the line reads registers and gives them to `take`."""
        return []

    def poll(self, now_ms: int) -> bytes:
        """The requests are the line's."""
        return b""

    def close(self, now_ms: int) -> list[Signal]:
        """Nothing is held back."""
        return []

    def is_well(self, now_ms: int) -> bool:
        """What is read is checked by its frame."""
        return True
