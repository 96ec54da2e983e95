"""The tables of GB/T 26875.3-2011: what its numbers and bits mean, in our words and in the standard's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.contract.fire_terms import COMPONENT_TYPES, SYSTEM_TYPES, Term, term

__all__ = [
    "ANALOG_TYPES", "COMPONENT_STATES", "COMPONENT_TYPES", "NORMAL_BIT", "OPERATIONS", "SYSTEM_STATES", "SYSTEM_TYPES",
    "UTD_OPERATIONS", "UTD_STATES", "AnalogType", "Bit", "Term", "term", "unnamed_bits", "words_of",
]  # fmt: skip


class Bit(NamedTuple):
    """What it means that a bit is set: the word of our events, and the standard's."""

    word: str
    zh: str


@dataclass(frozen=True, slots=True)
class AnalogType:
    """A row of table 6: the physical value is the number on the wire times `scale`, in `unit`."""

    zh: str
    word: str
    unit: str
    low: float
    high: float
    scale: float


ANALOG_TYPES: Final[Mapping[int, AnalogType]] = {
    1: AnalogType("事件计数", "count", "件", 0, 32_000, 1),
    2: AnalogType("高度", "height", "m", 0, 320, 0.01),
    3: AnalogType("温度", "temperature", "°C", -273, 3200, 0.1),
    4: AnalogType("压力", "pressure", "MPa", 0, 3200, 0.1),
    5: AnalogType("压力", "pressure", "kPa", 0, 3200, 0.1),
    6: AnalogType("气体浓度", "gas", "%LEL", 0, 100, 0.1),
    7: AnalogType("时间", "time", "s", 0, 32_000, 1),
    8: AnalogType("电压", "voltage", "V", 0, 3200, 0.1),
    9: AnalogType("电流", "current", "A", 0, 3200, 0.1),
    10: AnalogType("流量", "flow", "L/s", 0, 3200, 0.1),
    11: AnalogType("风量", "air_volume", "m³/min", 0, 3200, 0.1),
    12: AnalogType("风速", "air_speed", "m/s", 0, 20, 1),
}
"""Table 6. 0 is unused, 13–127 are reserved, 128–255 the user's."""

NORMAL_BIT: Final = 0
"""1: 正常运行; 0: 测试. Devices leave it 0 in alarms too, so it decides nothing."""

_COMMON: Final[Mapping[int, Bit]] = {
    1: Bit("fire", "火警"),
    2: Bit("fault", "故障"),
    3: Bit("shield", "屏蔽"),
    4: Bit("supervisory", "监管"),
    5: Bit("start", "启动(开启)"),
    6: Bit("feedback", "反馈"),
    7: Bit("delay", "延时状态"),
}
SYSTEM_STATES: Final[Mapping[int, Bit]] = {
    **_COMMON,
    8: Bit("mains_fault", "主电故障"),
    9: Bit("battery_fault", "备电故障"),
    10: Bit("bus_fault", "总线故障"),
    11: Bit("manual", "手动状态"),
    12: Bit("config_changed", "配置改变"),
    13: Bit("reset", "复位"),
}
"""Figure 6, by bit; 14 and 15 are reserved. Figure 6 prints both values of bit 13 as 1: it means 复位 when set."""

COMPONENT_STATES: Final[Mapping[int, Bit]] = {**_COMMON, 8: Bit("power_fault", "电源故障")}
"""Figure 7, by bit; 9–15 are reserved."""

UTD_STATES: Final[Mapping[int, Bit]] = {
    1: Bit("fire", "火警"),
    2: Bit("fault", "故障"),
    3: Bit("mains_fault", "主电故障"),
    4: Bit("battery_fault", "备电故障"),
    5: Bit("centre_fault", "与监控中心通信信道故障"),
    6: Bit("link_fault", "监测连接线路故障"),
}
"""Figure 13, by bit; 7 is reserved."""

OPERATIONS: Final[Mapping[int, Bit]] = {
    0: Bit("reset", "复位"),
    1: Bit("silence", "消音"),
    2: Bit("manual_alarm", "手动报警"),
    3: Bit("cleared", "警情消除"),
    4: Bit("self_test", "自检"),
    5: Bit("confirm", "确认"),
    6: Bit("test", "测试"),
}
"""Figure 9, by bit; 7 is reserved."""

UTD_OPERATIONS: Final[Mapping[int, Bit]] = {**OPERATIONS, 5: Bit("duty_answer", "查岗应答")}
"""Figure 14, by bit; 7 is reserved."""


def words_of(bits: int, table: Mapping[int, Bit]) -> tuple[str, ...]:
    """Our words for the bits that are set."""
    return tuple(one.word for bit, one in table.items() if bits >> bit & 1)


def unnamed_bits(bits: int, table: Mapping[int, Bit]) -> bool:
    """Whether bits are set that the standard reserves; makers put codes of their own there."""
    return any(bits >> bit & 1 and bit not in table for bit in range(bits.bit_length()))
