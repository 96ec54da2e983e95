"""Which requests read the registers of a device."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.modbus.plan import Reading, Request, plan
from gateway.drivers.modbus.registers import addresses
from gateway.site.profile import ModbusProfile, Register


def register_of(address: int, **changes: Any) -> Register:
    return Register(**({"name": f"at_{address}", "address": address} | changes))


def test_neighbours_are_one_request() -> None:
    assert plan([register_of(2), register_of(0), register_of(1)], 0, 100) == (Request("holding", 0, 3),)


def test_gaps_are_read_along_only_so_far() -> None:
    registers = [register_of(0, type="float32"), register_of(6)]
    assert plan(registers, 4, 100) == (Request("holding", 0, 7),)
    assert plan(registers, 3, 100) == (Request("holding", 0, 2), Request("holding", 6, 1))


def test_functions_are_apart() -> None:
    registers = [register_of(0), register_of(1, function="input"), register_of(2, function="coil", type="bit")]
    assert {request.function for request in plan(registers, 8, 100)} == {"holding", "input", "coil"}


def test_a_number_is_never_torn_apart() -> None:
    registers = [register_of(address, type="float32") for address in range(0, 12, 2)]
    assert plan(registers, 0, 5) == (
        Request("holding", 0, 4),
        Request("holding", 4, 4),
        Request("holding", 8, 4),
    )


def test_bits_of_one_register_are_read_once() -> None:
    registers = [register_of(5, name=f"bit_{bit}", type="bit", bit=bit) for bit in range(16)]
    assert plan(registers, 0, 100) == (Request("holding", 5, 1),)


@given(
    st.lists(
        st.builds(
            register_of,
            st.integers(0, 300),
            type=st.sampled_from(["uint16", "float32", "float64"]),
            function=st.sampled_from(["holding", "input"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 64),
    st.integers(4, 125),
)
def test_everything_is_read_within_the_limits(registers: list[Register], max_gap: int, longest: int) -> None:
    requests = plan(registers, max_gap, longest)
    for register in registers:
        assert any(request.covers(register) for request in requests)
    wanted = {(one.function, address) for one in registers for address in addresses(one)}
    for request in requests:
        assert request.count <= longest
        there = [address for address in range(request.start, request.end) if (request.function, address) in wanted]
        assert all(later - one <= max_gap + 1 for one, later in pairwise(there))
    assert len(requests) <= len(registers)


def reading_of(*registers: Register) -> Reading:
    return Reading(ModbusProfile(registers=registers), registers)


def test_what_is_refused_together_is_read_alone() -> None:
    first, second = register_of(0), register_of(4, type="float32")
    reading = reading_of(first, second)
    (whole,) = reading.requests
    assert reading.refused(whole) == ()
    assert reading.requests == (Request("holding", 0, 1), Request("holding", 4, 2))


def test_what_is_refused_alone_is_told_and_asked_again() -> None:
    first, second = register_of(0), register_of(4, type="float32")
    reading = reading_of(first, second)
    reading.refused(reading.requests[0])
    alone = reading.requests[1]
    assert reading.refused(alone) == (second,)
    assert alone in reading.requests, "a device that starts up refuses what it has later"


def test_bits_that_are_refused_are_all_told() -> None:
    bits = [register_of(5, name=f"bit_{bit}", type="bit", bit=bit) for bit in range(3)]
    reading = reading_of(*bits)
    assert reading.refused(reading.requests[0]) == tuple(bits)
    assert reading.requests == (Request("holding", 5, 1),)
