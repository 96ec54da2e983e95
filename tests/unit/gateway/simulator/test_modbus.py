"""Virtual Modbus slaves."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from modbus_line import bus_of, shipped
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException

from gateway.decode.registers import read
from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.scan import match, scan
from gateway.drivers.modbus.wire import LineLost, ModbusWire
from gateway.simulator.modbus import CannotListen, VirtualBus, VirtualSlave, registers_of
from gateway.site.profile import ModbusProfile

NOW_MS = 1_767_225_600_000


def modbus_of(name: str) -> ModbusProfile:
    profile = shipped()[name].modbus
    assert profile is not None
    return profile


def rising(metric: str, now_ms: int) -> float:
    return 5.0 + (now_ms - NOW_MS) / 1000 if metric in ("pressure", "current_1") else 4.0


@pytest.fixture
def bus() -> Iterator[VirtualBus]:
    slaves = [
        VirtualSlave(1, modbus_of("modbus-4-20ma"), rising),
        VirtualSlave(2, modbus_of("rs485-pressure"), rising),
        VirtualSlave(3, modbus_of("power-meter"), lambda metric, _: 0.5),
    ]
    bus = VirtualBus(slaves, lambda: NOW_MS + 2000)
    yield bus
    bus.close()


def test_registers_follow_the_time() -> None:
    slave = VirtualSlave(2, modbus_of("rs485-pressure"), rising)
    for later_ms, value in ((0, 5.0), (1500, 6.5)):
        words = registers_of(slave, "holding", NOW_MS + later_ms)
        said = read(slave.profile.registers, {"holding": words}, NOW_MS)
        assert {one.metric: one.value for one in said.values} == {"pressure": value, "temperature": 4.0}
    assert registers_of(slave, "input", NOW_MS) == {}


def test_what_a_slave_has_not_is_refused(bus: VirtualBus) -> None:
    def asked(slave: int, function: int, address: int, count: int) -> object:
        return asyncio.run(bus.async_getValues(slave, function, address, count))

    assert asked(2, 3, 2, 2) == [0x40E0, 0]
    assert asked(2, 3, 0, 2) == asked(2, 3, 8, 4) == asked(2, 4, 2, 2) == asked(1, 4, 0, 9) == ExcCodes.ILLEGAL_ADDRESS
    for temper in ("dead", "well"):
        bus.tempers = {2: "dead"}
        with pytest.raises(NoSuchIdException):
            asked(2 if temper == "dead" else 9, 3, 2, 2)


@pytest.mark.parametrize("kind", ["tcp", "rtu over tcp", "pty"])
def test_a_scan_finds_every_slave_and_its_family(bus: VirtualBus, kind: str) -> None:
    if kind == "pty":
        line = bus_of(port=bus.serve_pty())
    else:
        port = bus.serve_tcp("127.0.0.1", 0, rtu=kind != "tcp")
        line = bus_of(host=f"127.0.0.1:{port}", protocol="tcp" if kind == "tcp" else "rtu")
    wire = ModbusWire(line.model_copy(update={"timeout": timedelta(milliseconds=400)}))
    wire.open()
    try:
        found = {one.slave: one.answers for one in scan(wire, range(1, 5), ["input", "holding"])}
    finally:
        wire.close()
    profiles = {name: one.modbus for name, one in shipped().items() if one.modbus is not None}
    assert {slave: match(profiles, answers)[0].profile for slave, answers in found.items()} == {
        1: "modbus-4-20ma",
        2: "rs485-pressure",
        3: "power-meter",
    }


def test_a_port_in_use_is_told(bus: VirtualBus) -> None:
    port = bus.serve_tcp("127.0.0.1", 0)
    other = VirtualBus([], lambda: NOW_MS)
    with pytest.raises(CannotListen):
        other.serve_tcp("127.0.0.1", port)
    other.close()


@pytest.mark.parametrize("kind", ["tcp", "pty"])
def test_who_leaves_is_gone(bus: VirtualBus, kind: str) -> None:
    """A serial server that goes down; a converter that is pulled out."""
    where = {"port": bus.serve_pty()} if kind == "pty" else {"host": f"127.0.0.1:{bus.serve_tcp('127.0.0.1', 0)}"}
    wire = ModbusWire(bus_of(**where, timeout=timedelta(seconds=1)))
    wire.open()
    assert wire.read(2, Request("holding", 2, 2)) == [0x40E0, 0]
    bus.close()
    with pytest.raises(LineLost):
        wire.read(2, Request("holding", 2, 2))
    wire.close()
