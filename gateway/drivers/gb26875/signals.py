"""What a device's frame says, as signals: one for each information object, one for a unit nobody understands."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from gateway.contract.times import format_at, to_ms
from gateway.drivers.fire_signal import Signal, Value, repeat_key
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875 import tables
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.layouts import TYPES_UP
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.texts import read_text
from gateway.drivers.gb26875.units import Unit, decode_unit

__all__ = ["SELF", "Profile", "is_heartbeat", "signals_of", "signals_of_unit"]

SELF: Final = "self"
"""The address of the transmission device itself."""
Marks = tuple[str, ...]


def is_heartbeat(frame: Frame) -> bool:
    """Whether a frame only says that the device lives: the standard has none, makers send data without an object."""
    return frame.command == Command.SEND_DATA and len(frame.app) < 2


def signals_of(frame: Frame, profile: Profile) -> list[Signal]:
    """The signals of what a device sends or replies; nothing for heartbeats and other commands."""
    if frame.command not in (Command.SEND_DATA, Command.REPLY) or is_heartbeat(frame):
        return []
    raw = frame.encode()
    start = (frame.source, frame.serial.to_bytes(2, "little"), bytes([frame.command]), frame.app)
    unit = decode_unit(frame.app)
    return [
        replace(one, raw=raw, key=repeat_key(*start, index.to_bytes(2, "little")), marks=(*one.marks, *unit.problems))
        for index, one in enumerate(signals_of_unit(unit, profile))
    ]


def signals_of_unit(unit: Unit, profile: Profile) -> list[Signal]:
    """The signals of a unit's objects, without raw, key and the unit's own problems.

    One more says that objects which were announced cannot be read: whatever they are, somebody should look.
    """
    extra = {"type_flag": unit.type_flag, "count": unit.count}
    if unit.objects and unit.type_flag not in TYPES_UP:
        return [Signal("unparsed", marks=("unparsed", "wrong_direction"), extra=extra)]
    signals = [_READ[type(one)](one, profile) for one in unit.objects]
    if not signals or len(signals) < unit.count:
        signals.append(Signal("unparsed", marks=("unparsed",), extra=extra))
    return signals


def _time(label: bytes, profile: Profile) -> tuple[datetime | None, Marks]:
    moment = profile.moment(label)
    return moment, () if moment is not None else ("bad_time",)


def _state(bits: int, table: Mapping[int, tables.Bit]) -> tuple[dict[str, Any], Marks, dict[str, Any]]:
    """(fields of a signal, marks, extra) of state bits: all of them are there, so what is not set has ended."""
    normal = bits >> tables.NORMAL_BIT & 1
    marks: Marks = () if normal else ("test_bit",)
    fields = {"state": tables.words_of(bits, table), "complete": True}
    if tables.unnamed_bits(bits & ~(1 << tables.NORMAL_BIT), table):
        return fields, (*marks, "reserved_bits"), {"state_bits": bits}
    return fields, marks, {}


def _component(one: o.ComponentState | o.AnalogValue | o.ComponentConfig) -> dict[str, Any]:
    return {**_system(one), "address": one.component.hex(), "component_type": one.component_type}


def _place(component: bytes, profile: Profile) -> dict[str, int]:
    """Loop and point: halves of the address, in the order this device has them."""
    low, high = int.from_bytes(component[:2], "little"), int.from_bytes(component[2:], "little")
    return {"loop": high, "point": low} if profile.point_first else {"loop": low, "point": high}


def _system(one: Any) -> dict[str, Any]:
    """What says which system an object is about; its address is overwritten where it is about a component."""
    return {
        "system_type": one.system_type,
        "system_address": one.system_address,
        "address": f"system:{one.system_address}",
    }


def _system_state(one: o.SystemState, profile: Profile) -> Signal:
    panel_at, odd = _time(one.label, profile)
    fields, marks, extra = _state(one.state, tables.SYSTEM_STATES)
    return Signal("system", **_system(one), **fields, panel_at=panel_at, marks=marks + odd, extra=extra)


def _component_state(one: o.ComponentState, profile: Profile) -> Signal:
    panel_at, odd = _time(one.label, profile)
    fields, marks, extra = _state(one.state, tables.COMPONENT_STATES)
    text, cut = read_text(one.text)
    extra |= _place(one.component, profile)
    marks = marks + odd + cut
    return Signal("component", **_component(one), **fields, panel_at=panel_at, text=text, marks=marks, extra=extra)


def _analog(one: o.AnalogValue, profile: Profile) -> Signal:
    panel_at, marks = _time(one.label, profile)
    kind = tables.ANALOG_TYPES.get(one.analog_type)
    scale = profile.scales.get(one.analog_type, kind.scale if kind is not None else 1)
    # Nine digits: what multiplying by 0.1 adds is cut, and no scale of use is finer.
    number = round(one.value * scale, 9)
    if kind is None:
        value = Value(f"type_{one.analog_type}", number, "", "uncertain")
        marks += ("unknown_analog",)
    else:
        value = Value(kind.word, number, kind.unit, "good" if kind.low <= number <= kind.high else "bad")
    extra = {"analog_type": one.analog_type, **_place(one.component, profile)}
    return Signal("analog", **_component(one), values=(value,), panel_at=panel_at, marks=marks, extra=extra)


def _done(bits: int, operator: int, table: Mapping[int, tables.Bit]) -> tuple[dict[str, Any], Marks, dict[str, Any]]:
    fields = {"operations": tables.words_of(bits, table), "operator": operator}
    odd = tables.unnamed_bits(bits, table)
    return fields, ("reserved_bits",) if odd else (), {"operation_bits": bits} if odd else {}


def _operation(one: o.Operation, profile: Profile) -> Signal:
    panel_at, odd = _time(one.label, profile)
    fields, marks, extra = _done(one.operations, one.operator, tables.OPERATIONS)
    return Signal("operation", **_system(one), **fields, panel_at=panel_at, marks=marks + odd, extra=extra)


def _utd_operation(one: o.UtdOperation, profile: Profile) -> Signal:
    panel_at, odd = _time(one.label, profile)
    fields, marks, extra = _done(one.operations, one.operator, tables.UTD_OPERATIONS)
    return Signal("operation", SELF, **fields, panel_at=panel_at, marks=marks + odd, extra=extra)


def _utd_state(one: o.UtdState, profile: Profile) -> Signal:
    panel_at, odd = _time(one.label, profile)
    fields, marks, extra = _state(one.state, tables.UTD_STATES)
    return Signal("transmitter", SELF, **fields, panel_at=panel_at, marks=marks + odd, extra=extra)


def _component_config(one: o.ComponentConfig, profile: Profile) -> Signal:
    name, marks = read_text(one.text)
    extra = {"info": "name", "name": name, **_place(one.component, profile)}
    return Signal("info", **_component(one), text=name, marks=marks, extra=extra)


def _version(one: o.SystemVersion | o.UtdVersion, _profile: Profile) -> Signal:
    return Signal("info", **_whom(one), extra={"info": "version", "version": f"{one.major}.{one.minor}"})


def _config(one: o.SystemConfig | o.UtdConfig, _profile: Profile) -> Signal:
    text, marks = read_text(one.text)
    return Signal("info", **_whom(one), text=text, marks=marks, extra={"info": "config", "config": text})


def _clock(one: o.SystemTime | o.UtdTime, profile: Profile) -> Signal:
    moment, marks = _time(one.label, profile)
    time = {"time": format_at(to_ms(moment))} if moment is not None else {}
    return Signal("info", **_whom(one), panel_at=moment, marks=marks, extra={"info": "time", **time})


def _whom(one: Any) -> dict[str, Any]:
    return _system(one) if hasattr(one, "system_address") else {"address": SELF}


_READ: Final[Mapping[type, Callable[[Any, Profile], Signal]]] = {
    o.SystemState: _system_state,
    o.ComponentState: _component_state,
    o.AnalogValue: _analog,
    o.Operation: _operation,
    o.SystemVersion: _version,
    o.SystemConfig: _config,
    o.ComponentConfig: _component_config,
    o.SystemTime: _clock,
    o.UtdState: _utd_state,
    o.UtdOperation: _utd_operation,
    o.UtdVersion: _version,
    o.UtdConfig: _config,
    o.UtdTime: _clock,
}
