"""Modbus on real lines: 32 slaves, two dead and one answering garbage, over TCP, RTU over TCP and a pseudo-terminal."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from statistics import mean

import pytest
from modbus_line import Kept, bus_of, shipped, site_of

from gateway.sensors.buses import Buses
from gateway.simulator.modbus import VirtualBus, VirtualSlave
from gateway.site.sensors import Bus

SLAVES = 32
DEAD, GARBAGE = (7, 20), 13
LIVING = [f"t{number}" for number in range(1, SLAVES + 1) if number not in (*DEAD, GARBAGE)]
INTERVAL = timedelta(seconds=1)
TIMEOUT = timedelta(milliseconds=150)
READINGS = 6


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def virtual() -> Iterator[VirtualBus]:
    profile = shipped()["rs485-pressure"].modbus
    assert profile is not None
    values = {"pressure": 5.0, "temperature": 20.0}

    def value_of(number: int) -> Callable[[str, int], float]:
        return lambda metric, at_ms: values[metric] + number

    bus = VirtualBus([VirtualSlave(number, profile, value_of(number)) for number in range(1, SLAVES + 1)], now_ms)
    bus.tempers = dict.fromkeys(DEAD, "dead") | {GARBAGE: "garbage"}
    yield bus
    bus.close()


def line_of(virtual: VirtualBus, kind: str) -> Bus:
    if kind == "pty":
        return bus_of(port=virtual.serve_pty(), timeout=TIMEOUT)
    port = virtual.serve_tcp("127.0.0.1", 0, rtu=kind == "rtu over tcp")
    return bus_of(host=f"127.0.0.1:{port}", protocol="tcp" if kind == "tcp" else "rtu", timeout=TIMEOUT)


@pytest.mark.parametrize("kind", ["tcp", "pty", "rtu over tcp"])
def test_the_living_keep_their_interval(virtual: VirtualBus, kind: str) -> None:
    kept = Kept()
    buses = Buses(site_of(line_of(virtual, kind), SLAVES, INTERVAL), shipped(), kept, now_ms, {})
    buses.start()
    try:
        is_enough = kept.wait_for(
            lambda now: all(len(now.readings()[device]) >= READINGS for device in LIVING), READINGS * 1.5 + 2
        )
    finally:
        buses.close()
    readings = kept.readings()
    assert is_enough, {device: len(readings[device]) for device in LIVING}
    assert set(readings) == set(LIVING)
    assert {round(value, 6) for _, value in readings["t5"]} == {1.0}, "10 bar are 1 MPa: its own value, nobody else's"
    interval_ms = INTERVAL.total_seconds() * 1000
    gaps = {device: [later - one for (one, _), (later, _) in pairwise(its)] for device, its in readings.items()}
    # Without the shortest and the longest: one stall of the machine makes one of each, a missed turn makes more.
    usual = {device: mean(sorted(its)[1:-1]) for device, its in gaps.items()}
    worst = max(abs(one - interval_ms) for one in usual.values())
    largest = max(abs(gap - interval_ms) for its in gaps.values() for gap in its)
    print(
        f"{kind}: usual interval off by at most {worst:.0f} ms, a single one by {largest:.0f} ms of {interval_ms:.0f}"
    )
    assert worst <= 0.1 * interval_ms, usual
    statuses = kept.statuses()
    assert {device for device, online in statuses if online} == set(LIVING)
    assert sorted(device for device, online in statuses if not online) == sorted(
        f"t{number}" for number in (*DEAD, GARBAGE)
    ), "offline once each, and none of the living"
    refused = kept.refused(f"t{GARBAGE}")
    assert len(refused) == 1, "the same garbage is told once a minute"
    assert refused[0]["topic"] == f"modbus/line/{GARBAGE}"
    assert all(virtual.asked[number] < READINGS for number in DEAD), "the dead are asked more rarely"


def test_a_line_that_goes_and_comes_back(virtual: VirtualBus) -> None:
    kept = Kept()
    port = virtual.serve_tcp("127.0.0.1", 0)
    config = site_of(bus_of(host="127.0.0.1:9"), 3, timedelta(milliseconds=200))
    buses = Buses(config, shipped(), kept, now_ms, {"yunhe/line": f"127.0.0.1:{port}"})
    buses.start()
    try:
        assert kept.wait_for(lambda now: len(now.readings()) == 3, 10), "the address replaces that of the site files"
        virtual.close()
        assert kept.wait_for(lambda now: [online for _, online in now.statuses()].count(False) == 3, 10)
        virtual.serve_tcp("127.0.0.1", port)
        assert kept.wait_for(lambda now: [online for _, online in now.statuses()].count(True) == 6, 10)
    finally:
        buses.close()
    assert len(kept.statuses()) == 9, "each device: online, offline once, online"
