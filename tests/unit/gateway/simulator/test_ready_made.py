"""Ready-made devices of the simulated site: what they say in their own formats reads back as what the plan meant."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.times import to_ms
from gateway.decode.payload import PayloadReader
from gateway.decode.registers import read
from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.wire import ModbusWire, NoAnswer
from gateway.simulator.field_bus import FieldBuses
from gateway.simulator.messages import Message
from gateway.simulator.payloads import PayloadScript, payload_scripts, raw_of, signal_of, steps
from gateway.simulator.plan import Plan
from gateway.simulator.scenario import Fault, Scenario
from gateway.site.load import load_configs
from gateway.site.model import Configs, SiteConfig
from gateway.site.profile import Loop, Metric
from gateway.site.sensors import Bus, Sensor, Span

START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
MIN = timedelta(minutes=1)


@pytest.fixture(scope="module")
def configs() -> Configs:
    return load_configs(Path(__file__).parents[4] / "device_configs")


def plan_of(configs: Configs, *faults: dict[str, object]) -> Plan:
    scenario = Scenario(
        id="test", name="测试", name_en="test", faults=tuple(Fault.model_validate(one) for one in faults)
    )
    return Plan(configs.site("yunhe"), scenario, 1, START)


def said(script: PayloadScript, minutes: int) -> Iterator[Message]:
    return takewhile(lambda one: one.send_at_ms < to_ms(START + minutes * MIN), script.messages())


def scripts(configs: Configs, *faults: dict[str, object]) -> dict[str, PayloadScript]:
    return {one.device: one for one in payload_scripts(plan_of(configs, *faults), configs.profiles)}


def test_what_every_mqtt_device_says_reads_back_as_the_plan_meant_it(configs: Configs) -> None:
    plan, config = plan_of(configs), configs.site("yunhe")
    found = scripts(configs)
    assert {"fire-pump-door", "fire-pump-leak", "power-room-climate", "garage-light-switch"} <= found.keys()
    for device, script in found.items():
        sensor = config.sensors.sensor_by_device[device]
        reader = PayloadReader(configs.profiles[sensor.profile], sensor.topic)
        met: set[str] = set()
        for message in said(script, 25):
            if message.role != "reading":
                continue
            (one,) = reader.read(message.topic, message.payload, message.send_at_ms, ZONE)
            assert (one.name, one.refused) == (sensor.name or device, [])
            assert not one.claimed or abs(one.at_ms - message.send_at_ms) < 2_000
            for value in one.values:
                if value.metric in sensor.points:
                    point = config.point(sensor.points[value.metric])
                    metric = next(it for it in configs.profiles[sensor.profile].metrics if it.name == value.metric)
                    meant = [plan.signal(point.id)(message.send_at_ms - late) for late in range(100)]
                    near = [signal_of(metric, sensor, raw, point.unit) for raw in meant if raw is not None]
                    assert min(abs(value.value - raw) for raw in near) < 0.02
                    met.add(value.metric)
        assert met == set(sensor.points), device


def test_a_family_that_says_who_is_there_does_so_by_its_own_last_will(configs: Configs) -> None:
    climate, light = scripts(configs)["power-room-climate"], scripts(configs)["garage-light-switch"]
    birth, will = climate.birth(1), climate.will(1)
    assert birth is not None
    assert will is not None
    assert (birth.topic, birth.payload, birth.retain) == ("tele/power_room/LWT", b"Online", True)
    assert (will.topic, will.payload, will.retain) == ("tele/power_room/LWT", b"Offline", True)
    assert light.birth(1) is None
    door = scripts(configs)["fire-pump-door"].farewell(1)
    assert door is not None
    assert door.payload == b'{"state": "offline"}'


def test_silence_and_broken_messages_reach_the_maker_s_format_too(configs: Configs) -> None:
    faults = (
        {"kind": "silence", "target": "power-room-humidity", "start": "0s", "duration": "1h"},
        {"kind": "malformed", "target": "power-room-climate", "start": "30s", "duration": "1s"},
    )
    script = scripts(configs, *faults)["power-room-climate"]
    messages = list(said(script, 5))
    readings = [one for one in messages if one.role == "reading"]
    assert readings
    assert all(b"Humidity" not in one.payload and b"Temperature" in one.payload for one in readings)
    assert [one.payload for one in messages if one.role == "malformed"] == [b'{"Time":"']


def test_twins_measure_the_same_water_and_fail_alone(configs: Configs) -> None:
    config = configs.site("yunhe")
    points = tuple(
        one.model_copy(update={"twin": "hydrant-main-pressure", "twin_within": 0.03})
        if one.id == "hydrant-main-pressure-2"
        else one
        for one in config.points
    )
    faults = [
        {"kind": "leak", "target": "hydrant-main-pressure", "start": "1min", "ramp": "10s", "duration": "5min"},
        {"kind": "out_of_range", "target": "hydrant-main-pressure", "start": "10min", "duration": "1min", "size": -0.2},
    ]
    scenario = Scenario(id="t", name="t", name_en="t", faults=tuple(Fault.model_validate(one) for one in faults))
    plan = Plan(SiteConfig.model_construct(**(dict(config) | {"points": points})), scenario, 1, START)
    first, second = plan.signal("hydrant-main-pressure"), plan.signal("hydrant-main-pressure-2")
    leaking, broken = to_ms(START + 3 * MIN), to_ms(START + 10.5 * MIN)
    assert first(leaking) == second(leaking)
    assert (first(leaking) or 1) < 0.6
    assert (first(broken) or 0) < 0
    assert (second(broken) or 0) > 0.6


def test_slaves_of_the_site_s_line_answer_what_their_points_read(configs: Configs) -> None:
    away = {"kind": "offline", "target": "power-meter", "start": "1min", "duration": "1min"}
    plan, config = plan_of(configs, away), configs.site("yunhe")
    now_ms = to_ms(START + 10 * MIN)
    told: list[str] = []
    buses = FieldBuses(plan, configs.profiles, {"yunhe/pump-bus": "127.0.0.1:0"})
    buses.start(lambda: now_ms, lambda text, text_en: told.append(text_en))
    try:
        (virtual,) = buses._buses.values()
        wire = ModbusWire(Bus(id="b", host=f"127.0.0.1:{virtual.port}", timeout=timedelta(seconds=2)))
        wire.open()
        for device in ("fire-loop-module", "sprinkler-end-transmitter", "power-meter"):
            sensor = config.sensors.sensor_by_device[device]
            modbus = configs.profiles[sensor.profile].modbus
            assert modbus is not None
            for metric, point in sensor.points.items():
                (register,) = [one for one in modbus.registers if one.name == metric]
                width = 1 if register.type == "uint16" else 2
                request = Request(register.function, register.address, width)
                words = dict(enumerate(wire.read(sensor.slave or 0, request), register.address))
                (value,) = read([register], {register.function: words}, now_ms).values
                meant = signal_of(register, sensor, plan.signal(point)(now_ms) or 0, config.point(point).unit)
                assert value.value == pytest.approx(meant, abs=0.001, rel=1e-6)
        buses.step(to_ms(START + 1.5 * MIN))
        with pytest.raises(NoAnswer):
            wire.read(3, Request("input", 0, 2))
        wire.close()
        taken = FieldBuses(plan, configs.profiles, {"yunhe/pump-bus": f"127.0.0.1:{virtual.port}"})
        taken.start(lambda: now_ms, lambda text, text_en: told.append(text_en)).close()
        assert len(told) == 1
        assert "pump-bus" in told[0]
    finally:
        buses.close()


def test_a_loop_is_driven_over_its_span_and_breaks_below_it() -> None:
    metric = Metric(name="i", unit="mA", loop=Loop())
    sensor = Sensor(device="d", profile="p", spans={"i": Span(low=0, high=1.6)})
    assert signal_of(metric, sensor, 0.8, "MPa") == 12.0
    assert signal_of(metric, sensor, -0.32, "MPa") == pytest.approx(0.8)


def test_a_raw_value_is_of_the_type_the_family_writes() -> None:
    door = Metric(name="contact", values={"true": 0, "false": 1})
    assert raw_of(door, 1, True) is False
    assert raw_of(Metric(name="s", values={"ON": 1, "OFF": 0}), 1, "OFF") == "ON"
    assert raw_of(Metric(name="s", values={"1": 1, "0": 0}), 1, 0) == 1
    assert raw_of(Metric(name="t", scale=0.1), 21.5, 3) == 215
    assert raw_of(Metric(name="t"), 21.5, "3.1") == "21.5"


@pytest.mark.parametrize(
    ("selector", "path"),
    [
        ("a.b", ("a", "b")),
        ('p."switch:0".x', ("p", "switch:0", "x")),
        ("l[1].x", ("l", 1, "x")),
        ("a.missing || a.b", ("a", "b")),
        ("to_number(a.b)", ("a", "b")),
        ("l[?x==`1`]", ()),
        ("nothing", ()),
    ],
)
def test_a_plain_selector_is_a_place(selector: str, path: tuple[str | int, ...]) -> None:
    body = {"a": {"b": 1}, "p": {"switch:0": {"x": 2}}, "l": [{}, {"x": 3}]}
    assert steps(selector, body) == path
