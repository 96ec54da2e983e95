"""The tables against what the events' contract calls things."""

from typing import get_args

from gateway.contract.events import FireState
from gateway.drivers.gb26875 import tables


def test_every_state_has_a_word_of_the_contract() -> None:
    known = set(get_args(FireState))
    for table in (tables.SYSTEM_STATES, tables.COMPONENT_STATES, tables.UTD_STATES):
        assert {bit.word for bit in table.values()} <= known
        assert len({bit.word for bit in table.values()}) == len(table)


def test_tables_4_and_5_leave_the_standards_gaps() -> None:
    systems = {0, 1, *range(10, 25)}
    assert set(tables.SYSTEM_TYPES) == systems
    gaps = {
        *range(2, 10), 14, 15, 19, 20, *range(26, 30), 38, 39, *range(45, 50), *range(54, 61), *range(63, 69),
        *range(70, 74), 75, 76, 77, 80, 89, 90, 93, 94, 100, *range(107, 111), 112, 119, 120, *range(122, 128),
    }  # fmt: skip
    assert set(tables.COMPONENT_TYPES) == set(range(128)) - gaps


def test_every_analog_value_of_16_bits_fits_its_range_somewhere() -> None:
    assert set(tables.ANALOG_TYPES) == set(range(1, 13))
    for kind in tables.ANALOG_TYPES.values():
        assert kind.low < kind.high
        assert kind.low >= -32_768 * kind.scale
