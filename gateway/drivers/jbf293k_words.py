"""What the commands of a JBF293K card mean: the tables of its protocol, V1.1."""

from dataclasses import dataclass
from typing import Final

from gateway.contract.events import FireScope
from gateway.drivers.fire_signal import Value

FIRE: Final = frozenset({0x80, 0x0A, 0x8B})
"""Fire, fire of older firmware, simulated fire."""
HEARTBEATS: Final = frozenset({0x00, 0x69})
NORMAL, TROUBLE = 0x09, 0xEF
_SELF: Final = "self"
_Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a good frame says."""

    name: str
    address: str = _SELF
    state: _Words = ()
    ended: _Words = ()
    operations: _Words = ()
    scope: FireScope = "component"
    component_type: int | None = None
    values: tuple[Value, ...] = ()
    marks: _Words = ()


_POINT: Final[dict[int, tuple[str, _Words, _Words, _Words]]] = {
    0x80: ("火警", ("fire",), (), ()),
    0x0A: ("火警", ("fire",), (), ()),
    0x8B: ("模拟报警", ("fire",), (), ("simulated",)),
    0x81: ("故障", ("fault",), (), ()),
    0x82: ("故障恢复", (), ("fault",), ()),
    0x87: ("回路故障", ("bus_fault",), (), ()),
    0x88: ("回路故障恢复", (), ("bus_fault",), ()),
    0x83: ("自动启动", ("start",), (), ()),
    0x84: ("自动停止", (), ("start",), ()),
    0x90: ("手动启动", ("start",), (), ()),
    0x91: ("手动停止", (), ("start",), ()),
    0x85: ("设备回答", ("feedback",), (), ()),
    0x86: ("设备回答撤销", (), ("feedback",), ()),
    0x98: ("屏蔽", ("shield",), (), ()),
    0x97: ("屏蔽解除", (), ("shield",), ()),
    0x8C: ("监管报警", ("supervisory",), (), ()),
    0x8D: ("监管报警撤销", (), ("supervisory",), ()),
}
"""Command → name, what begins, what ends, marks."""
_LINE: Final[dict[int, tuple[str, _Words, _Words, _Words]]] = {
    0x51: ("多线手动启动", ("start",), (), ()),
    0x52: ("多线手动停止", (), ("start",), ()),
    0x53: ("多线回答", ("feedback",), (), ()),
    0x54: ("多线停止回答", (), ("feedback",), ()),
    0x55: ("多线自动启动", ("start",), (), ()),
    0x56: ("多线自动停止", (), ("start", "delay"), ()),
    0x57: ("多线自动启动延时", ("delay",), (), ()),
    0x58: ("多线应答缺失", ("fault",), (), ("answer_missing",)),
    0x59: ("多线线路故障", ("fault",), (), ()),
    0x5A: ("多线线路故障恢复", (), ("fault",), ()),
}
_GAS: Final[dict[int, tuple[str, str, _Words, _Words]]] = {
    0x01: ("气体灭火线路故障", "", ("fault",), ()),
    0x02: ("气体灭火线路故障恢复", "", (), ("fault",)),
    0x03: ("气体灭火喷洒回答", "", ("feedback", "alarm"), ()),
    0x04: ("气体灭火喷洒回答撤销", "", (), ("feedback",)),
    0x05: ("气体灭火声光启动", ":sounder", ("start",), ()),
    0x06: ("气体灭火声光停止", ":sounder", (), ("start",)),
    0x07: ("气体灭火联动设备启动", ":device", ("start",), ()),
    0x08: ("气体灭火联动设备停止", ":device", (), ("start",)),
    0x09: ("气体灭火区启动", "", ("start", "alarm"), ()),
    0x0A: ("气体灭火区停止", "", (), ("start", "delay")),
    0x0B: ("气体灭火喷洒启动", "", ("start", "alarm"), ()),
    0x0C: ("气体灭火延时", "", ("delay", "alarm"), ()),
    0x0E: ("气体灭火远程停止撤销", "", (), ()),
}
"""Subcommand → name, which part of the zone, what begins, what ends. A release is told even where no fire was."""
_POWER: Final[dict[int, tuple[str, str]]] = {
    0x70: ("板卡故障", "fault"),
    0x71: ("主电故障", "mains_fault"),
    0x72: ("备电故障", "battery_fault"),
}
_DOOR: Final[dict[int, tuple[str, _Words, _Words]]] = {
    0x1: ("防火门故障", ("fault",), ()),
    0x2: ("防火门故障撤销", (), ("fault",)),
    0x3: ("防火门延时关闭", ("delay",), ()),
    0x4: ("防火门正在关闭（自动）", ("start",), ()),
    0x5: ("防火门正在关闭撤销（自动）", (), ("start", "delay")),
    0x6: ("防火门正在关闭（手动）", ("start",), ()),
    0x7: ("防火门正在关闭撤销（手动）", (), ("start", "delay")),
    0x8: ("防火门已关闭", ("feedback",), ()),
    0x9: ("防火门已关闭撤销", (), ("feedback",)),
    0xA: ("防火门屏蔽", ("shield",), ()),
    0xB: ("防火门屏蔽撤销", (), ("shield",)),
}
_ELECTRIC: Final[dict[int, tuple[str, _Words, _Words]]] = {
    0x1: ("报警", ("alarm",), ()),
    0x2: ("故障", ("fault",), ()),
    0x3: ("故障撤销", (), ("fault",)),
    0x4: ("脱扣动作（自动）", ("start",), ()),
    0x5: ("脱扣停止（自动）", (), ("start",)),
    0x6: ("脱扣动作（手动）", ("start",), ()),
    0x7: ("脱扣停止（手动）", (), ("start",)),
    0x8: ("屏蔽", ("shield",), ()),
    0x9: ("屏蔽撤销", (), ("shield",)),
}
_DETECTORS: Final[dict[int, tuple[str, int, tuple[str, str, int] | None]]] = {
    0x1: ("全部电气火灾探测器", 16, None),
    0x2: ("剩余电流探测器", 17, ("residual_current", "mA", 10)),
    0x3: ("温度探测器", 18, ("temperature", "°C", 10)),
    0x4: ("故障电弧探测器", 16, None),
    0x5: ("过电流探测器", 16, ("current", "A", 100)),
    0x6: ("脱扣继电器", 86, None),
}
"""Type → name, component type of GB/T 26875.3, (quantity, unit, steps in a unit)."""
COMMANDS: Final[dict[int, str]] = {
    0x00: "心跳", 0x69: "心跳", 0x09: "控制器正常", 0xEF: "控制器故障", 0x01: "复位", 0x0B: "消音", 0xFA: "气体灭火",
    0xFB: "防火门", 0xFC: "电气火灾", **{number: name for number, (name, *_) in _POINT.items()},
    **{number: name for number, (name, *_) in _LINE.items()}, **{number: name for number, (name, _) in _POWER.items()},
}  # fmt: skip
"""Names of all commands."""


def meaning_of(data: bytes) -> Meaning | None:
    """What twelve or more data bytes say; None: the protocol has no such command."""
    command, _, loop, point = data[:4]
    if command == 0x01:
        return Meaning("复位", operations=("reset",), scope="operation")
    if command == 0x0B:
        return Meaning("消音", operations=("silence",), scope="operation")
    if command in _POINT:
        name, state, ended, marks = _POINT[command]
        number = (
            (point + 1) & 0xFF if command == 0x8B else point
        )  # a simulated alarm names the point before the real one
        return Meaning(name, _place(loop, number), state, ended, marks=marks)
    if command in _LINE and loop == 0xF2:
        name, state, ended, marks = _LINE[command]
        return Meaning(name, f"multi:{_disk(point, 8)}", state, ended, marks=marks)
    if command == 0xFA and loop in _GAS:
        name, part, state, ended = _GAS[loop]
        marks = ("release",) if "alarm" in state else ()
        return Meaning(name, f"gas:{_disk(point, 4)}{part}", state, ended, component_type=81, marks=marks)
    if command in _POWER and loop in (0x80, 0x90):
        return _power(command, loop, point)
    if command == 0xFB and data[4] >> 4 in _DOOR:
        name, state, ended = _DOOR[data[4] >> 4]
        return Meaning(name, _place(loop, point), state, ended, component_type=102)
    if command == 0xFC:
        return _electric(data)
    return None


def _power(command: int, what: int, number: int) -> Meaning:
    name, state = _POWER[command]
    address = f"board:{number}" if command == 0x70 else _SELF
    if what == 0x80:
        return Meaning(name, address, (state,), scope="system" if address == _SELF else "component")
    return Meaning(f"{name}恢复", address, ended=(state,), scope="system" if address == _SELF else "component")


def _electric(data: bytes) -> Meaning | None:
    is_extended = data[4] == 0xFF and len(data) > 15
    kind = data[12] if is_extended else data[4]
    if kind >> 4 not in _ELECTRIC:
        return None
    name, state, ended = _ELECTRIC[kind >> 4]
    detector, component_type, measure = _DETECTORS.get(kind & 0x0F, ("电气火灾探测器", 16, None))
    channel = f":{data[13]}" if is_extended and data[13] else ""
    values: tuple[Value, ...] = ()
    if is_extended and measure is not None:
        quantity, unit, steps = measure
        number = data[14] | data[15] << 8
        if quantity == "temperature" and number & 0x8000:
            number = -(number & 0x7FFF)
        values = (Value(quantity, number / steps, unit),)
    address = _place(data[2], data[3]) + channel
    return Meaning(detector + name, address, state, ended, component_type=component_type, values=values)


def _place(loop: int, point: int) -> str:
    if point:
        return f"{loop}-{point}"
    return str(loop) if loop else _SELF


def _disk(number: int, lines: int) -> str:
    """`disk-line` of a number that counts through the lines of all disks from 1."""
    return f"{(number - 1) // lines + 1}-{(number - 1) % lines + 1}" if number else "0"
