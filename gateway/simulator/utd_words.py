"""What a frame of GB/T 26875.3 says, in one line for people who watch: Chinese or English."""

from collections.abc import Mapping

from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875 import tables
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.labels import decode_label
from gateway.drivers.gb26875.objects import InformationObject
from gateway.drivers.gb26875.profile import STANDARD
from gateway.drivers.gb26875.signals import is_heartbeat
from gateway.drivers.gb26875.tables import Bit
from gateway.drivers.gb26875.texts import read_text
from gateway.drivers.gb26875.units import decode_unit

_COMMANDS: Mapping[int, tuple[str, str]] = {
    Command.CONTROL: ("控制", "control"),
    Command.SEND_DATA: ("上传", "upload"),
    Command.CONFIRM: ("确认", "confirm"),
    Command.REQUEST: ("请求", "request"),
    Command.REPLY: ("应答", "reply"),
    Command.DENY: ("否认", "deny"),
}
_TYPES: Mapping[int, tuple[str, str]] = {
    1: ("系统状态", "system state"),
    2: ("部件状态", "component state"),
    3: ("模拟量", "analog value"),
    4: ("操作信息", "operation"),
    5: ("软件版本", "software version"),
    6: ("系统配置", "system configuration"),
    7: ("部件配置", "component configuration"),
    8: ("系统时间", "system time"),
    21: ("传输装置状态", "device state"),
    24: ("传输装置操作", "device operation"),
    25: ("传输装置版本", "device version"),
    26: ("传输装置配置", "device configuration"),
    28: ("传输装置时间", "device time"),
    61: ("读系统状态", "read system state"),
    62: ("读部件状态", "read component state"),
    63: ("读模拟量", "read analog value"),
    64: ("读操作信息", "read operations"),
    65: ("读软件版本", "read software version"),
    66: ("读系统配置", "read system configuration"),
    67: ("读部件配置", "read component configuration"),
    68: ("读系统时间", "read system time"),
    81: ("读传输装置状态", "read device state"),
    84: ("读传输装置操作", "read device operations"),
    85: ("读传输装置版本", "read device version"),
    86: ("读传输装置配置", "read device configuration"),
    88: ("读传输装置时间", "read device time"),
    89: ("初始化传输装置", "initialise device"),
    90: ("同步时钟", "set clock"),
    91: ("查岗", "duty check"),
}
_SHOWN = 3
"""Objects of a frame that are written out."""


def words_of_frame(frame: Frame, *, english: bool) -> str:
    """One line, without time and direction."""
    which = 1 if english else 0
    names = _COMMANDS.get(frame.command)
    said = names[which] if names else f"{'command' if english else '命令'} {frame.command}"
    if is_heartbeat(frame):
        said = "heartbeat" if english else "心跳"
    head = f"#{frame.serial} {said}"
    if len(frame.app) < 2:
        return head
    unit = decode_unit(frame.app)
    name = _TYPES.get(unit.type_flag)
    head += f" {name[which] if name else unit.type_flag}"
    shown = [said for said in (_object(one, english=english) for one in unit.objects[:_SHOWN]) if said]
    more = len(unit.objects) - _SHOWN
    if more > 0:
        shown.append(f"+{more} more" if english else f"等 {len(unit.objects)} 个")
    return ": ".join([head, ", ".join(shown)]) if shown else head


def _object(one: InformationObject, *, english: bool) -> str:
    match one:
        case o.ComponentState():
            states = _bits(one.state, tables.COMPONENT_STATES, english=english)
            return f"{one.component.hex()} {read_text(one.text)[0]} [{states}]"
        case o.SystemState():
            return f"[{_bits(one.state, tables.SYSTEM_STATES, english=english)}]"
        case o.UtdState():
            return f"[{_bits(one.state, tables.UTD_STATES, english=english)}]"
        case o.Operation():
            return f"{_done(one.operations, tables.OPERATIONS, english=english)} ({one.operator})"
        case o.UtdOperation():
            return f"{_done(one.operations, tables.UTD_OPERATIONS, english=english)} ({one.operator})"
        case o.AnalogValue():
            return f"{one.component.hex()} {_value(one)}"
        case o.SystemVersion() | o.UtdVersion():
            return f"{one.major}.{one.minor}"
        case o.SystemConfig() | o.UtdConfig() | o.ComponentConfig():
            return read_text(one.text)[0]
        case o.SystemTime() | o.UtdTime() | o.SetClock():
            return _time(one.label)
        case o.ReadComponent():
            return one.component.hex()
        case o.DutyCheck():
            return f"{one.minutes} min" if english else f"{one.minutes} 分钟"
        case _:
            return ""


def _bits(state: int, table: Mapping[int, Bit], *, english: bool) -> str:
    """States that hold; bit 0 where nothing else does."""
    said = _done(state & ~1, table, english=english)
    if said:
        return said
    if state & 1:
        return "normal" if english else "正常"
    return "test" if english else "测试"


def _done(bits: int, table: Mapping[int, Bit], *, english: bool) -> str:
    found = [meaning for bit, meaning in table.items() if bits >> bit & 1]
    return "+".join(one.word.replace("_", " ") if english else one.zh for one in found)


def _value(one: o.AnalogValue) -> str:
    kind = tables.ANALOG_TYPES.get(one.analog_type)
    return f"{one.value}" if kind is None else f"{one.value * kind.scale:g} {kind.unit}"


def _time(label: bytes) -> str:
    """As the clock shows it, whatever its zone."""
    moment = decode_label(label, STANDARD.zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment is not None else label.hex()
