"""Modbus buses at work, on a line and in a time that are played."""

import base64
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import mean
from types import MappingProxyType
from typing import Any

import pytest
from modbus_line import Kept, bus_of, shipped, site_of

from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.registers import encode
from gateway.drivers.modbus.wire import Garbage, LineLost, NoAnswer, Refusal
from gateway.outbox import OutboxError
from gateway.outlet import Event
from gateway.sensors.bus import BusLine, interval_of
from gateway.sensors.buses import Buses, Desk
from gateway.sensors.mapping import BadSensor
from gateway.site.model import SiteConfig
from gateway.site.profile import Profile

START_MS = 1_767_225_600_000
SECOND = timedelta(seconds=1)
VALUES = {"pressure": 4.5, "temperature": 21.0}


class Played:
    """A line of slaves and the time it takes; `answer` of a slave may be replaced by words, or raise."""

    where = "nowhere:502"

    def __init__(self, profile: Profile, timeout: timedelta, answer_ms: int = 10) -> None:
        assert profile.modbus is not None
        self.words = encode(profile.modbus.registers, VALUES)
        self.now_s = 0.0
        self.is_there = True
        self.opened = 0
        self.asked: dict[int, list[float]] = defaultdict(list)
        self.requests: list[tuple[int, Request]] = []
        self.answers: dict[int, Callable[[Request], list[int]]] = {}
        self._timeout_s = timeout.total_seconds()
        self._answer_s = answer_ms / 1000

    def open(self) -> None:
        self.opened += 1
        if not self.is_there:
            raise LineLost("nobody there")

    def read(self, slave: int, request: Request) -> list[int]:
        if not self.is_there:
            raise LineLost("gone")
        self.asked[slave].append(self.now_s)
        self.requests.append((slave, request))
        try:
            words = self.answers.get(slave, self.well)(request)
        except (NoAnswer, Garbage):
            self.now_s += self._timeout_s
            raise
        finally:
            self.now_s += self._answer_s
        return words

    def well(self, request: Request) -> list[int]:
        words = self.words[request.function]
        return [words.get(address, 0) for address in range(request.start, request.end)]

    def close(self) -> None:
        pass


def dead(request: Request) -> list[int]:
    raise NoAnswer("Slave does not answer")


def garbage(request: Request) -> list[int]:
    raise Garbage("Slave answers with what is none", b"\xff\x00\xff")


class Bench:
    """A bus line with a played wire."""

    def __init__(self, count: int = 1, interval: timedelta = SECOND, answer_ms: int = 10, **changes: Any) -> None:
        bus = bus_of(host="nowhere:502")
        self.config = site_of(bus, count, interval, **changes)
        self.kept = Kept()
        profile = shipped()[self.config.sensors.sensors[0].profile]
        self.wire = Played(profile, bus.timeout, answer_ms)
        self.line = BusLine(
            bus,
            [(sensor, profile) for sensor in self.config.sensors.sensors],
            self.config,
            self.wire,
            self._put,
            clock_ms=lambda: START_MS + round(self.wire.now_s * 1000),
            monotonic=lambda: self.wire.now_s,
            wait=self._wait,
        )

    def run(self, seconds: float) -> "Bench":
        end_s = self.wire.now_s + seconds
        while self.wire.now_s < end_s:
            self._wait(max(self.line.step(), 0.001))
        return self

    def quarantined(self, device: str) -> list[dict[str, Any]]:
        return self.kept.refused(device)

    def _wait(self, seconds: float) -> None:
        self.wire.now_s += seconds

    def _put(self, events: Sequence[Event]) -> None:
        self.kept.put_many(events)


def test_values_become_events_in_the_unit_of_their_point() -> None:
    bench = Bench(2).run(0.9)
    readings = bench.kept.readings()
    assert {device: value for device, its in readings.items() for _, value in its} == pytest.approx(
        {"t1": 0.45, "t2": 0.45}
    )
    assert readings["t1"][0][0] == START_MS + 10, "the time of the answer"
    assert bench.kept.statuses() == [("t1", True), ("t2", True)]


def test_only_what_a_point_needs_is_asked_for() -> None:
    bench = Bench(1).run(0.5)
    assert bench.wire.requests == [(1, Request("holding", 2, 2))]


def test_32_slaves_keep_their_interval_whatever_three_of_them_do(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(32)
    bench.wire.answers = {7: dead, 20: dead, 13: garbage}
    with caplog.at_level(logging.WARNING):
        bench.run(240)
    readings = bench.kept.readings()
    assert len(readings) == 29
    for its in readings.values():
        gaps = [later - one for (one, _), (later, _) in pairwise(its)]
        assert mean(gaps) == pytest.approx(1000, rel=0.02)
        assert max(gaps) <= 1200
    assert [(one, online) for one, online in bench.kept.statuses() if not online] == [
        ("t7", False),
        ("t13", False),
        ("t20", False),
    ]
    assert len(caplog.records) == 3, "each of the three is told once"
    assert len(bench.quarantined("t13")) <= 240 / 60 + 1


def test_a_dead_slave_that_answers_again_is_online_again() -> None:
    bench = Bench(2)
    bench.run(5).wire.answers[2] = dead
    bench.run(60)
    assert bench.kept.statuses()[2:] == [("t2", False)]
    del bench.wire.answers[2]
    bench.run(90)
    assert bench.kept.statuses()[3:] == [("t2", True)]
    at_ms = [at for at, _ in bench.kept.readings()["t2"]][-10:]
    assert mean(later - one for one, later in pairwise(at_ms)) == pytest.approx(1000, rel=0.02)


def test_garbage_is_quarantined_once_a_minute_with_its_bytes() -> None:
    bench = Bench(1)
    bench.wire.answers[1] = garbage
    bench.run(20)
    (body,) = bench.quarantined("t1")
    assert body["topic"] == "modbus/line/1"
    assert base64.b64decode(body["raw"]) == b"\xff\x00\xff"
    assert body["refused"][0]["code"] == "garbage"
    bench.run(130)
    assert "times since the last report" in bench.quarantined("t1")[1]["refused"][0]["reason"]


def test_a_value_that_is_none_loses_nothing_else() -> None:
    bench = Bench(1, metrics=("pressure", "temperature"), profile="rs485-pressure")
    bench.wire.words["holding"] |= {8: 0x7FC0, 9: 0}
    bench.run(30)
    assert len(bench.kept.readings()["t1"]) == 30
    (body,) = bench.quarantined("t1")
    assert [one["place"] for one in body["refused"]] == ["temperature"]
    assert json.loads(base64.b64decode(body["raw"]))["holding"]["8"] == 0x7FC0


def test_registers_refused_together_are_read_alone_from_then_on() -> None:
    bench = Bench(1, metrics=("pressure", "temperature"))

    def no_gaps(request: Request) -> list[int]:
        if request.count > 2:
            raise Refusal(2, request)
        return bench.wire.well(request)

    bench.wire.answers[1] = no_gaps
    bench.run(10)
    assert [request.count for _, request in bench.wire.requests[:5]] == [8, 2, 2, 2, 2]
    assert len(bench.kept.readings()["t1"]) == 18, "two values in each of nine turns"
    assert bench.quarantined("t1") == []


def test_a_register_that_is_not_there_is_told_once_a_minute() -> None:
    bench = Bench(1)

    def nothing(request: Request) -> list[int]:
        raise Refusal(2, request)

    bench.wire.answers[1] = nothing
    bench.run(50)
    (body,) = bench.quarantined("t1")
    assert [(one["place"], one["code"]) for one in body["refused"]] == [("pressure", "exception_2")]
    assert bench.kept.statuses() == [("t1", True)], "it answers"
    assert len(bench.wire.asked[1]) == 50


def test_a_busy_slave_is_there_and_says_nothing() -> None:
    bench = Bench(1)

    def busy(request: Request) -> list[int]:
        raise Refusal(6, request)

    bench.wire.answers[1] = busy
    bench.run(10)
    assert (bench.kept.statuses(), bench.quarantined("t1"), len(bench.wire.asked[1])) == ([("t1", True)], [], 10)


def test_after_a_lost_answer_the_same_slave_is_not_asked_for_more() -> None:
    bench = Bench(1, profile="power-meter", metrics=("voltage_1", "energy_import"))
    bench.wire.answers[1] = dead
    bench.run(0.1)
    assert len(bench.wire.requests) == 1


def test_a_line_that_is_gone_is_tried_ever_more_rarely_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(3)
    bench.wire.is_there = False
    with caplog.at_level(logging.WARNING):
        bench.run(600)
    assert 600 / 15 <= bench.wire.opened <= 600 / 15 + 10
    assert len(caplog.records) == 1
    assert bench.kept.statuses() == [("t1", False), ("t2", False), ("t3", False)]
    bench.wire.is_there = True
    bench.run(20)
    assert bench.kept.statuses()[3:] == [("t1", True), ("t2", True), ("t3", True)]


def test_a_line_lost_on_the_way_is_opened_again() -> None:
    bench = Bench(1).run(3)
    bench.wire.is_there = False
    bench.run(1)
    bench.wire.is_there = True
    bench.run(5)
    assert len(bench.kept.readings()["t1"]) >= 6
    assert bench.kept.statuses() == [("t1", True)]


def test_a_line_on_which_nobody_answers_is_opened_anew_for_each_try(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(1)
    bench.wire.answers[1] = dead
    with caplog.at_level(logging.WARNING):
        bench.run(300)
    assert len(caplog.records) == 1
    assert bench.wire.opened == len(bench.wire.asked[1]), "once, and anew after each failure from the second on"
    assert len(bench.wire.asked[1]) <= 12, "and still ever more rarely"


def test_a_bus_that_cannot_keep_up_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(10, answer_ms=195)
    with caplog.at_level(logging.WARNING):
        bench.run(120)
    assert bench.line.load == pytest.approx(2.0, rel=0.05)
    (record,) = caplog.records
    assert "200 %" in record.getMessage()
    counts = [len(its) for its in bench.kept.readings().values()]
    assert max(counts) - min(counts) <= 1


def test_the_interval_is_the_sensors_or_its_familys() -> None:
    config = site_of(bus_of(host="nowhere:502"), 1, SECOND)
    profile, sensor = shipped()["rs485-pressure"], config.sensors.sensors[0]
    silent = sensor.model_copy(update={"interval": None})
    assert interval_of(config, sensor, profile) == SECOND
    assert interval_of(config, silent, profile) == timedelta(seconds=2)
    assert profile.modbus is not None
    bare = profile.model_copy(update={"modbus": profile.modbus.model_copy(update={"interval": None})})
    assert interval_of(config, silent, bare) == SECOND, "that of its point"


class Disk:
    """Takes events or not."""

    def __init__(self) -> None:
        self.is_full = True
        self.kept: list[Event] = []

    def put_many(self, events: Sequence[Event]) -> list[str]:
        if self.is_full:
            raise OutboxError("no space")
        self.kept += events
        return [""] * len(events)


def test_what_the_disk_does_not_take_waits_in_order() -> None:
    disk = Disk()
    desk = Desk(disk)
    event: Event = ("t1", "reading", {"n": 1})
    later: Event = ("t1", "reading", {"n": 2})
    desk.put([event])
    assert not desk.flush()
    desk.put([later])
    disk.is_full = False
    assert desk.flush()
    assert disk.kept == [event, later]


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    disk = Disk()
    desk = Desk(disk)
    desk.put([("t1", "reading", {"n": number}) for number in range(12_000)])
    assert not desk.flush()
    disk.is_full = False
    desk.close()
    assert [body["n"] for _, _, body in disk.kept] == list(range(2_000, 12_000))


def buses_of(config: SiteConfig, addresses: Mapping[str, str] = MappingProxyType({})) -> Buses:
    return Buses(config, shipped(), Kept(), lambda: START_MS, addresses)


def test_a_family_that_is_not_there_is_told() -> None:
    with pytest.raises(BadSensor, match="no family 'unknown'"):
        buses_of(site_of(bus_of(host="nowhere:502"), 1, SECOND, profile="unknown"))


def test_a_sensor_without_a_number_is_told() -> None:
    config = site_of(bus_of(host="nowhere:502"), 1, SECOND)
    sensor = config.sensors.sensors[0].model_copy(update={"slave": None})
    sensors = config.sensors.model_copy(update={"sensors": (sensor,)})
    with pytest.raises(BadSensor, match="slave number"):
        buses_of(config.model_copy(update={"sensors": sensors}))


@pytest.mark.parametrize("address", ["plc", "plc:", ":502", "plc:70000", "plc:0", "plc:x", "plc:²"])
def test_an_address_that_is_none_is_told_before_anything_starts(address: str) -> None:
    config = site_of(bus_of(host="nowhere:502"), 1, SECOND)
    name = f"{config.site.id}/{config.sensors.buses[0].id}"
    with pytest.raises(BadSensor, match="is no address"):
        buses_of(config, {name: address})


def test_an_address_of_a_bus_that_is_not_there_is_told(caplog: pytest.LogCaptureFixture) -> None:
    config = site_of(bus_of(host="nowhere:502"), 1, SECOND)
    buses_of(config, {f"{config.site.id}/typo": "plc:502", "elsewhere/typo": "plc:502"})
    assert [one.getMessage() for one in caplog.records if "GENGFU_BUS_ADDRESSES" in one.getMessage()] == [
        f"GENGFU_BUS_ADDRESSES names '{config.site.id}/typo', which is no bus of this site"
    ]


def test_a_site_without_buses_starts_nothing() -> None:
    buses = buses_of(site_of(bus_of(host="nowhere:502"), 0, SECOND))
    buses.start()
    buses.retry()
    buses.close()
