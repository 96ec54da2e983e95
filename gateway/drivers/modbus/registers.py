"""Registers ↔ raw numbers, by the description in a profile. Pure; what a number may be is gateway.decode's business."""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.site.profile import Function, Register

Answers = Mapping[Function, Mapping[int, int]]
"""What stands in which register or bit, by function."""
Raw = int | float

BIT_FUNCTIONS: Final[frozenset[Function]] = frozenset({"coil", "discrete"})
_FORMATS: Final[Mapping[str, str]] = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f",
    "float64": "d",
}  # fmt: skip


def width(register: Register) -> int:
    """How many registers (or bits, of a coil) the metric takes."""
    if register.type == "bit" or register.function in BIT_FUNCTIONS:
        return 1
    return struct.calcsize(">" + _FORMATS[register.type]) // 2


def addresses(register: Register) -> range:
    """The addresses the metric takes."""
    return range(register.address, register.address + width(register))


def raw_of(register: Register, answers: Answers) -> Raw | None:
    """The number in the registers, before scale and offset; None: they were not all answered."""
    said = answers.get(register.function, {})
    words = [said.get(address) for address in addresses(register)]
    known = [word for word in words if word is not None]
    if len(known) < len(words):
        return None
    if register.function in BIT_FUNCTIONS:
        return int(known[0] != 0)
    if register.type == "bit":
        word = _turned(known[0]) if register.byte_order == "little" else known[0]
        return word >> (register.bit or 0) & 1
    if register.word_order == "little":
        known.reverse()
    packed = b"".join(word.to_bytes(2, register.byte_order) for word in known)
    raw: Raw = struct.unpack(">" + _FORMATS[register.type], packed)[0]
    return shortest(raw) if register.type == "float32" else raw


def encode(registers: Iterable[Register], values: Mapping[str, float]) -> dict[Function, dict[int, int]]:
    """The registers of a device that measures these values (by metric, in its unit); others are left out.

    Whole-number registers get the nearest number; raises ValueError where the type cannot hold it.
    """
    answers: dict[Function, dict[int, int]] = {}
    for register in registers:
        if register.name in values:
            there = answers.setdefault(register.function, {})
            raw = (values[register.name] - register.offset) / register.scale
            for address, word in _encoded(register, raw, there.get(register.address, 0)):
                there[address] = word
    return answers


def _encoded(register: Register, raw: float, before: int) -> Iterable[tuple[int, int]]:
    if register.function in BIT_FUNCTIONS:
        return [(register.address, int(raw != 0))]
    if register.type == "bit":
        mask = 1 << (register.bit or 0)
        mask = _turned(mask) if register.byte_order == "little" else mask
        return [(register.address, before | mask if raw else before & ~mask)]
    try:
        packed = struct.pack(">" + _FORMATS[register.type], raw if register.type.startswith("float") else round(raw))
    except (struct.error, OverflowError, ValueError) as error:
        raise ValueError(f"{register.name}: {raw} does not fit into {register.type}") from error
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    if register.byte_order == "little":
        words = [_turned(word) for word in words]
    if register.word_order == "little":
        words.reverse()
    return zip(addresses(register), words, strict=True)


def shortest(raw: float) -> float:
    """The number that a device means by a float32: 0.14 in 32 bits is not above a limit of 0.14."""
    if not 1e-30 < abs(raw) < 1e30:
        return raw
    packed = struct.pack(">f", raw)
    shorts = (float(f"{raw:.{digits}g}") for digits in (7, 8))
    return next((short for short in shorts if struct.pack(">f", short) == packed), raw)


def _turned(word: int) -> int:
    return (word >> 8 | word << 8) & 0xFFFF
