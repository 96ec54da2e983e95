"""What a virtual panel says, as units of GB/T 26875.3: its own reports, and answers to what a centre asks."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.contract.times import from_ms, to_ms
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875 import tables
from gateway.drivers.gb26875.layouts import LAYOUTS, REPLY_TO
from gateway.drivers.gb26875.objects import InformationObject
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.tables import Bit
from gateway.drivers.gb26875.texts import name_field, write_text
from gateway.drivers.gb26875.units import Unit, encode_unit
from gateway.simulator.fire_panel import Kind, Panel, Record, Report
from gateway.simulator.fire_points import Component

VERSION = (2, 1)
"""Software version of both devices, as they tell it."""
TYPES: Mapping[Kind, int] = {
    "component": 2, "system": 1, "value": 3, "operation": 4, "state": 21, "device_operation": 24, "clock": 28,
}  # fmt: skip
SYSTEM = (1, 1)
"""Type and address of the fire alarm system itself."""
_NORMAL = 1 << tables.NORMAL_BIT
_TEXT_BYTES = 255


def bits_of(words: Iterable[str], table: Mapping[int, Bit]) -> int:
    """The bits of the words that the table has."""
    wanted = set(words)
    return sum(1 << bit for bit, meaning in table.items() if meaning.word in wanted)


def component_bits(words: Sequence[str]) -> int:
    """As devices in the field write it: bit 0 is set only while nothing else is."""
    return bits_of(words, tables.COMPONENT_STATES) if words else _NORMAL


def system_bits(words: Sequence[str]) -> int:
    """Bit 0 is set unless the panel is in test."""
    return bits_of(words, tables.SYSTEM_STATES) | (0 if "test" in words else _NORMAL)


class Units:
    """Writes and reads units with the labels of a device's clock, which may be wrong by `off_ms`."""

    def __init__(self, panel: Panel, profile: Profile) -> None:
        self.off_ms = 0
        """How far the device's clock is ahead."""
        self._panel = panel
        self._profile = profile

    def label(self, at_ms: int) -> bytes:
        """What the device's clock showed at a moment."""
        return self._profile.label(from_ms(at_ms + self.off_ms))

    def set_clock(self, label: bytes, now_ms: int) -> bool:
        """Set the device's clock; False: the label names no time."""
        moment = self._profile.moment(label)
        if moment is not None:
            self.off_ms = to_ms(moment) - now_ms
        return moment is not None

    def of_reports(self, reports: Sequence[Report]) -> bytes:
        """One unit of reports of the same kind."""
        return encode_unit(TYPES[reports[0].kind], [self._object(one) for one in reports])

    def reply(self, unit: Unit, now_ms: int) -> bytes | None:
        """The unit that replies to a request; None: there is nothing of the kind."""
        flag = REPLY_TO.get(unit.type_flag)
        if flag is None or unit.problems:
            return None
        found = [answer for asked in unit.objects for answer in self._answers(flag, asked, now_ms)]
        return encode_unit(flag, found[: LAYOUTS[flag].most]) if found else None

    def _object(self, one: Report) -> InformationObject:
        label = self.label(one.at_ms)
        match one.kind:
            case "component" | "value" if one.component is not None:
                if one.kind == "value":
                    return o.AnalogValue(*_place(one.component), *one.value, label)
                return _component_state(one.component, one.words, label)
            case "system":
                return o.SystemState(*SYSTEM, system_bits(one.words), label)
            case "operation":
                return o.Operation(*SYSTEM, bits_of(one.words, tables.OPERATIONS), one.operator, label)
            case "device_operation":
                return o.UtdOperation(bits_of(one.words, tables.UTD_OPERATIONS), one.operator, label)
            case "state":
                return o.UtdState(bits_of(one.words, tables.UTD_STATES) | _NORMAL, label)
            case _:
                return o.UtdTime(label)

    def _answers(self, flag: int, asked: InformationObject, now_ms: int) -> list[InformationObject]:
        match asked:
            case o.ReadSystem():
                return [self._of_system(flag, asked, now_ms)]
            case o.ReadComponent():
                return self._of_component(flag, asked.component.hex(), now_ms)
            case o.ReadOperations():
                return [
                    o.Operation(
                        asked.system_type, asked.system_address, bits_of([one.word], tables.OPERATIONS), one.operator,
                        self.label(one.at_ms),
                    )
                    for one in self._since(self._panel.operations, asked.count, asked.label)
                ]  # fmt: skip
            case o.ReadUtdOperations():
                return [
                    o.UtdOperation(bits_of([one.word], tables.UTD_OPERATIONS), one.operator, self.label(one.at_ms))
                    for one in self._since(self._panel.device_operations, asked.count, asked.label)
                ]
            case _:
                return [self._of_device(flag, now_ms)]

    def _since(self, records: Iterable[Record], count: int, label: bytes) -> list[Record]:
        """The first so many records from a time on, by the device's clock; from the beginning where it is no time."""
        moment = self._profile.moment(label)
        since_ms = 0 if moment is None else to_ms(moment) - self.off_ms
        return [one for one in records if one.at_ms + 999 >= since_ms][:count]

    def _of_system(self, flag: int, asked: o.ReadSystem, now_ms: int) -> InformationObject:
        which = (asked.system_type, asked.system_address)
        if flag == 1:
            return o.SystemState(*which, system_bits(self._panel.system_words()), self.label(now_ms))
        if flag == 5:
            return o.SystemVersion(*which, *VERSION)
        if flag == 6:
            text = f"模拟火灾报警控制器，部件 {len(self._panel.components)} 个"
            return o.SystemConfig(*which, write_text(text, _TEXT_BYTES))
        return o.SystemTime(*which, self.label(now_ms))

    def _of_component(self, flag: int, address: str, now_ms: int) -> list[InformationObject]:
        one = self._panel.components.get(address)
        if one is None:
            return []
        if flag == 2:
            return [_component_state(one, self._panel.words_of(address), self.label(now_ms))]
        if flag == 7:
            return [o.ComponentConfig(*_place(one), name_field(one.name))]
        value = self._panel.value_of(address)
        return [] if value is None else [o.AnalogValue(*_place(one), *value, self.label(now_ms))]

    def _of_device(self, flag: int, now_ms: int) -> InformationObject:
        if flag == 21:
            state = bits_of(self._panel.device_words(), tables.UTD_STATES) | _NORMAL
            return o.UtdState(state, self.label(now_ms))
        if flag == 25:
            return o.UtdVersion(*VERSION)
        if flag == 26:
            return o.UtdConfig(write_text("模拟用户信息传输装置", _TEXT_BYTES))
        return o.UtdTime(self.label(now_ms))


def _place(one: Component) -> tuple[int, int, int, bytes]:
    return one.system_type, one.system_address, one.component_type, bytes.fromhex(one.address)


def _component_state(one: Component, words: Sequence[str], label: bytes) -> o.ComponentState:
    return o.ComponentState(*_place(one), component_bits(words), name_field(one.name), label)
