"""How the information objects of each type flag are laid out (§7, table 3; §8, figures 6–46)."""

import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from gateway.contract.errors import GengfuError
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875.objects import InformationObject


class BadUnit(GengfuError):
    """Objects that do not fit into a unit, or parameters that make no request."""


class Layout:
    """How objects of one type are laid out: a fixed part, then for some a text led by its length."""

    def __init__(self, kind: type[Any], fixed: str, most: int, *, text: bool = False) -> None:
        self.kind, self.most, self.has_text = kind, most, text
        self._struct = struct.Struct("<" + fixed)
        self._names = tuple(field.name for field in fields(kind))
        self.size = self._struct.size

    def take_all(self, body: bytes, count: int) -> tuple[list[InformationObject], int]:
        """(objects, bytes they take): `count` of them, or as many as fill the body exactly, or are whole."""
        if self.has_text:
            return self._walk(body, count)
        whole = len(body) // self.size
        if count and len(body) % self.size:
            whole = min(whole, count)
        used = whole * self.size
        return [self.kind(*values) for values in self._struct.iter_unpack(body[:used])], used

    def _walk(self, body: bytes, count: int) -> tuple[list[InformationObject], int]:
        taken: list[InformationObject] = []
        at = 0
        while at + self.size <= len(body) and (len(taken) < count or not count):
            *values, length = self._struct.unpack_from(body, at)
            end = at + self.size + length
            if end > len(body):
                break
            taken.append(self.kind(*values, body[at + self.size : end]))
            at = end
        return taken, at

    def pack(self, one: InformationObject) -> bytes:
        """The bytes of one object; raises BadUnit."""
        if not isinstance(one, self.kind):
            raise BadUnit(f"{type(one).__name__} is no object of this type", hint=f"Give {self.kind.__name__}")
        values = [getattr(one, name) for name in self._names]
        text = values.pop() if self.has_text else b""
        numbers = [*values, len(text)] if self.has_text else values
        try:
            packed = self._struct.pack(*numbers)
        except struct.error as error:
            raise BadUnit(f"{one} does not fit: {error}") from error
        if list(self._struct.unpack(packed)) != numbers:  # struct cuts and pads bytes without a word
            raise BadUnit(f"A text, address or time label of {one} has a wrong length")
        return bytes(packed + text)


_SYSTEM, _COMPONENT = "BB", "BBB4s"
LAYOUTS: Final[Mapping[int, Layout]] = {
    1: Layout(o.SystemState, _SYSTEM + "H6s", 102),
    2: Layout(o.ComponentState, _COMPONENT + "H31s6s", 22),
    3: Layout(o.AnalogValue, _COMPONENT + "Bh6s", 63),
    4: Layout(o.Operation, _SYSTEM + "BB6s", 102),
    5: Layout(o.SystemVersion, _SYSTEM + "BB", 1),
    6: Layout(o.SystemConfig, _SYSTEM + "B", 3, text=True),
    7: Layout(o.ComponentConfig, _COMPONENT + "31s", 26),
    8: Layout(o.SystemTime, _SYSTEM + "6s", 1),
    21: Layout(o.UtdState, "B6s", 1),
    24: Layout(o.UtdOperation, "BB6s", 127),
    25: Layout(o.UtdVersion, "BB", 1),
    26: Layout(o.UtdConfig, "B", 1, text=True),
    28: Layout(o.UtdTime, "6s", 1),
    61: Layout(o.ReadSystem, _SYSTEM, 102),
    62: Layout(o.ReadComponent, _SYSTEM + "4s", 22),
    63: Layout(o.ReadComponent, _SYSTEM + "4s", 63),
    64: Layout(o.ReadOperations, _SYSTEM + "B6s", 1),
    65: Layout(o.ReadSystem, _SYSTEM, 1),
    66: Layout(o.ReadSystem, _SYSTEM, 3),
    67: Layout(o.ReadComponent, _SYSTEM + "4s", 26),
    68: Layout(o.ReadSystem, _SYSTEM, 1),
    81: Layout(o.Plain, "B", 1),
    84: Layout(o.ReadUtdOperations, "B6s", 1),
    85: Layout(o.Plain, "B", 1),
    86: Layout(o.Plain, "B", 1),
    88: Layout(o.Plain, "B", 1),
    89: Layout(o.Plain, "B", 1),
    90: Layout(o.SetClock, "6s", 1),
    91: Layout(o.DutyCheck, "B", 1),
}
"""Table 3 with figures 6–46. The most objects keep a unit within 1024 bytes."""

TYPES_UP: Final = frozenset(flag for flag in LAYOUTS if flag < 61)
"""What a device sends: in send_data, or in its reply."""
REPLY_TO: Final[Mapping[int, int]] = {
    61: 1, 62: 2, 63: 3, 64: 4, 65: 5, 66: 6, 67: 7, 68: 8, 81: 21, 84: 24, 85: 25, 86: 26, 88: 28,
}  # fmt: skip
"""The type that replies to a request's type."""
