"""Registers of the shipped families → what they say: every sample, and every value broken."""

import math

import pytest
from modbus_line import shipped

from gateway.decode.registers import read
from gateway.decode.said import Refused
from gateway.drivers.modbus.registers import encode
from gateway.site.profile import ModbusProfile, Register, Sample

FAMILIES = sorted(shipped())
SAMPLES = [(name, sample) for name in FAMILIES for sample in shipped()[name].samples]
AT_MS = 1_767_225_600_000


def modbus_of(name: str) -> ModbusProfile:
    modbus = shipped()[name].modbus
    assert modbus is not None
    return modbus


def good_value(register: Register) -> float:
    """One the family can well measure."""
    if register.loop is not None:
        return 12.0
    low = max(register.minimum if register.minimum is not None else 0.0, -100.0)
    return (low + min(register.maximum if register.maximum is not None else 100.0, 100.0)) / 2


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_every_sample_becomes_what_it_says(name: str, sample: Sample) -> None:
    said = read(modbus_of(name).registers, sample.registers, AT_MS)
    (expected,) = sample.events
    assert {one.metric: one.value for one in said.values} == pytest.approx(expected.values, rel=1e-9)
    assert {one.metric: one.fault for one in said.values if one.fault} == expected.faults
    assert {one.place for one in said.refused} == set(expected.refused)
    assert (said.at_ms, said.claimed, said.name) == (AT_MS, False, "")


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_has_samples_that_name_their_source(name: str) -> None:
    assert len(shipped()[name].samples) >= 3
    assert all(sample.note for sample in shipped()[name].samples)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_encoded_is_read_again(name: str) -> None:
    registers = modbus_of(name).registers
    values = {one.name: good_value(one) for one in registers}
    said = read(registers, encode(registers, values), AT_MS)
    assert not said.refused
    assert {one.metric: one.value for one in said.values} == pytest.approx(values, rel=1e-3)
    assert all(one.quality == "good" for one in said.values)


@pytest.mark.parametrize(
    ("name", "metric"), [(name, one.name) for name in FAMILIES for one in modbus_of(name).registers]
)
def test_one_broken_value_is_refused_with_a_reason_and_the_others_stay(name: str, metric: str) -> None:
    registers = modbus_of(name).registers
    values = {one.name: good_value(one) for one in registers}
    broken = next(one for one in registers if one.name == metric)
    bad = [] if broken.maximum is None else [2 * broken.maximum + 1]
    if broken.type.startswith("float"):
        assert broken.minimum is not None
        bad += [2 * broken.minimum - 1, math.nan, math.inf, -math.inf, 1e30]
    assert bad
    for value in bad:
        said = read(registers, encode(registers, values | {metric: value}), AT_MS)
        assert {one.metric for one in said.values} == values.keys() - {metric}
        (refused,) = said.refused
        assert refused.place == metric
        assert metric in refused.reason


@pytest.mark.parametrize(
    ("signal", "fault"), [(2.9, "electrical"), (3.599, "electrical"), (3.7, ""), (20.4, ""), (22.0, "electrical")]
)
def test_a_loop_out_of_its_range_is_a_fault_not_a_value(signal: float, fault: str) -> None:
    registers = modbus_of("modbus-4-20ma").registers
    (value,) = read(registers, encode(registers, {"current_3": signal}), AT_MS).values
    assert (value.metric, value.fault, value.quality) == ("current_3", fault, "bad" if fault else "good")
    assert value.value == pytest.approx(signal), "the signal itself is kept"


def test_a_marker_for_no_measurement_is_refused() -> None:
    register = Register(name="level", address=3, type="int16", scale=0.01, invalid=(32_767, -32_768))
    for raw in (32_767, 0x8000):
        said = read([register], {"holding": {3: raw}}, AT_MS)
        assert [one.code for one in said.refused] == ["no_measurement"]
        assert not said.values
    (value,) = read([register], {"holding": {3: 32_766}}, AT_MS).values
    assert value.value == pytest.approx(327.66)


def test_states_and_status() -> None:
    registers = [
        Register(name="running", address=1, type="bit", bit=2, values={"0": 0, "1": 1}),
        Register(name="volts", address=2, status="battery", scale=0.1, minimum=0, maximum=100),
    ]
    said = read(registers, {"holding": {1: 0b100, 2: 995}}, AT_MS)
    assert [(one.metric, one.value) for one in said.values] == [("running", 1.0)]
    assert said.status == {"battery": pytest.approx(99.5)}
    refused = read(registers, {"holding": {2: 2000}}, AT_MS).refused
    assert isinstance(refused[0], Refused)


def test_a_counter_keeps_its_own_value_when_it_begins_again() -> None:
    register = Register(name="pulses", address=0, type="uint16")
    assert [read([register], {"holding": {0: raw}}, AT_MS).values[0].value for raw in (65_534, 3)] == [65_534, 3]
