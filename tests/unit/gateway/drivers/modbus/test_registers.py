"""Registers ↔ raw numbers."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.modbus.registers import Answers, addresses, encode, raw_of, width
from gateway.site.profile import Register

RANGES = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**53), 2**53),
    "uint64": (0, 2**53),
}
ORDERS = st.sampled_from(["big", "little"])


def register_of(**changes: Any) -> Register:
    return Register(**({"name": "value", "address": 10} | changes))


@pytest.mark.parametrize(
    ("changes", "words", "raw"),
    [
        ({"type": "uint16"}, [0xFFFE], 65_534),
        ({"type": "int16"}, [0xFFFE], -2),
        ({"type": "int16", "byte_order": "little"}, [0xFEFF], -2),
        ({"type": "uint32"}, [0x0001, 0x0002], 65_538),
        ({"type": "uint32", "word_order": "little"}, [0x0002, 0x0001], 65_538),
        ({"type": "uint32", "word_order": "little", "byte_order": "little"}, [0x0200, 0x0100], 65_538),
        ({"type": "int32"}, [0xFFFF, 0xFFFF], -1),
        ({"type": "uint64"}, [0, 0, 1, 0], 65_536),
        ({"type": "int64", "word_order": "little"}, [0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF], -2),
        ({"type": "float32"}, [0x3E0F, 0x5C29], 0.14),
        ({"type": "float32", "word_order": "little"}, [0x5C29, 0x3E0F], 0.14),
        ({"type": "float64"}, [0x3FC1, 0xEB85, 0x1EB8, 0x51EC], 0.14),
        ({"type": "bit", "bit": 0}, [0x0001], 1),
        ({"type": "bit", "bit": 15}, [0x8000], 1),
        ({"type": "bit", "bit": 8, "byte_order": "little"}, [0x0001], 1),
        ({"type": "bit", "bit": 3}, [0xFFF7], 0),
        ({"type": "bit", "function": "coil"}, [1], 1),
        ({"type": "bit", "function": "discrete"}, [0], 0),
    ],
)
def test_types_and_orders(changes: dict[str, Any], words: list[int], raw: float) -> None:
    register = register_of(**changes)
    answers: Answers = {register.function: dict(enumerate(words, 10))}
    assert raw_of(register, answers) == raw
    assert width(register) == len(words) == len(addresses(register))


@pytest.mark.parametrize("missing", [10, 11])
def test_half_a_number_is_none(missing: int) -> None:
    words = {10: 0x4120, 11: 0x0000}
    del words[missing]
    assert raw_of(register_of(type="float32"), {"holding": words}) is None
    assert raw_of(register_of(type="float32", function="input"), {"holding": {10: 0, 11: 0}}) is None


@given(st.sampled_from(sorted(RANGES)), st.data(), ORDERS, ORDERS)
def test_whole_numbers_come_back(kind: str, data: st.DataObject, words: str, octets: str) -> None:
    value = data.draw(st.integers(*RANGES[kind]))
    register = register_of(type=kind, word_order=words, byte_order=octets)
    assert raw_of(register, encode([register], {"value": value})) == value


@given(st.floats(width=32), ORDERS, ORDERS)
def test_floats_come_back(value: float, words: str, octets: str) -> None:
    register = register_of(type="float32", word_order=words, byte_order=octets)
    raw = raw_of(register, encode([register], {"value": value}))
    assert raw is not None
    assert math.isnan(raw) if math.isnan(value) else struct.pack(">f", raw) == struct.pack(">f", value)


@given(st.floats(-1e4, 1e4), st.sampled_from([0.001, 0.01, 0.1, 1.0, 10.0]), st.floats(-100, 100))
def test_scaled_values_come_back_to_within_half_a_step(value: float, scale: float, offset: float) -> None:
    register = register_of(type="int32", scale=scale, offset=offset)
    raw = raw_of(register, encode([register], {"value": value}))
    assert raw is not None
    assert abs(raw * scale + offset - value) <= scale / 2 + 1e-6


def test_bits_share_a_register() -> None:
    registers = [register_of(name=f"bit_{bit}", type="bit", bit=bit) for bit in (0, 3, 8)]
    answers = encode(registers, {"bit_0": 1, "bit_3": 1, "bit_8": 0})
    assert answers == {"holding": {10: 0b1001}}
    assert [raw_of(register, answers) for register in registers] == [1, 1, 0]


def test_what_does_not_fit_is_told() -> None:
    for kind, value in (
        ("uint16", -1),
        ("int16", 40_000),
        ("float32", 1e39),
        ("uint16", math.inf),
        ("int32", math.nan),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            encode([register_of(type=kind)], {"value": value})
