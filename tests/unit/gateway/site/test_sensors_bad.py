# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake in profiles and sensors.yaml gives its own clear error: which line, what is wrong, what to write."""

import itertools
from typing import NamedTuple

import pytest

from gateway.decode.units import converter
from gateway.site.load import load_configs
from gateway.site.problems import SiteInvalid, format_problems
from gateway.site.profile_units import DIMENSIONS, converts
from gateway.site.sensor_messages import SENSOR_MESSAGES

from .conftest import FIRE_FILES, SiteFiles

PROFILES, SITE, DEVICES = "profiles/all.yaml", "sites/demo/sensors.yaml", "sites/demo/devices.yaml"
_PROFILES = """\
profiles:
  - id: loops
    name: 采集模块
    name_en: Loop module
    source: 样例
    modbus:
      registers:
        - {name: current_1, function: input, address: 0, unit: mA, scale: 0.001, minimum: 0, maximum: 25, loop: {low: 3.6}}
        - {name: total, address: 10, type: uint32, unit: kWh}
        - {name: alarm, address: 20, type: bit, bit: 3}
    samples:
      - {registers: {input: {0: 12000}}, events: [{values: {current_1: 12}}]}
  - id: climate
    name: 温湿度
    name_en: Climate
    source: 样例
    mqtt:
      topic: tele/{device}/SENSOR
      time: {select: Time}
      fields:
        - {name: temperature, select: AM.Temperature, unit: °F}
        - {name: kelvin, select: AM.K, unit: K}
    samples:
      - {topic: tele/a/SENSOR, payload: {AM: {Temperature: 50}}, events: [{device: a, values: {temperature: 50}}]}
"""
_SITE = """\
buses:
  - {id: line, host: "10.1.0.20:502"}
  - {id: wire, port: /dev/ttyUSB7, baud: 4800}
sensors:
  - {device: module, profile: loops, bus: line, slave: 1, points: {current_1: second}, spans: {current_1: {low: 0, high: 1.6}}}
  - {device: room, profile: climate, points: {temperature: room-temperature}}
  - {device: hall, profile: climate, name: A4C1}
"""
_DEVICES = "".join(
    f"  - {{id: {one}, name: 现成设备, area: pump-room, kind: sensor}}\n" for one in ("module", "room", "hall")
)
_POINTS = """\
  - {id: second, device: module, name: 校核压力, quantity: pressure, unit: MPa, interval: 2s, set_value: 0.45, twin: pressure, twin_within: 0.05}
  - {id: room-temperature, device: room, name: 温度, quantity: temperature, unit: °C, interval: 1min}
"""


@pytest.fixture
def files(fire_files: SiteFiles) -> SiteFiles:
    """The small site with a loop module on a Modbus line and two climate sensors."""
    devices = FIRE_FILES[DEVICES].replace("points:\n", _DEVICES + "points:\n", 1) + _POINTS
    fire_files.write(DEVICES, devices)
    (fire_files.root / "profiles").mkdir()
    fire_files.write(PROFILES, _PROFILES)
    fire_files.write(SITE, _SITE)
    return fire_files


class Bad(NamedTuple):
    old: str
    new: str
    place: str
    message: str
    suggestion: str
    file: str = SITE


CASES = [
    # Profiles
    Bad("    mqtt:\n", "    modbus:\n      registers: [{name: x, address: 1}]\n    mqtt:\n", "profiles[1].modbus", "正好写一个", "留下一个", PROFILES),
    Bad("    samples:\n      - {registers", "    note: 无\n    samples: []\n    # - {registers", "profiles[0].samples", "型谱 loops 没有样例", "gengfu probe", PROFILES),
    Bad("      fields:\n        - {name: temperature, select: AM.Temperature, unit: °F}\n        - {name: kelvin, select: AM.K, unit: K}\n", "", "profiles[1].mqtt", "没有读出任何值", "fields", PROFILES),
    Bad("name: total", "name: current_1", "profiles[0].modbus.registers[1].name", "值 current_1 重复", "只用一次", PROFILES),
    Bad("unit: K}", "unit: Kelvin}", "profiles[1].mqtt.fields[1].unit", "不认识单位 Kelvin", "可用单位", PROFILES),
    Bad("minimum: 0,", "minimum: 26,", "profiles[0].modbus.registers[0].minimum", "minimum 26.0 大于 maximum 25.0", "对调", PROFILES),
    Bad("loop: {low: 3.6}", "loop: {zero: 20, full: 4}", "profiles[0].modbus.registers[0].loop", "zero 20, full 4", "low: 3.6", PROFILES),
    Bad("select: AM.K", "select: AM..K", "profiles[1].mqtt.fields[1].select", "选择式 AM..K 不能用", "JMESPath", PROFILES),
    Bad("select: Time", "select: '[Time'", "profiles[1].mqtt.time.select", "选择式 [Time 不能用", "JMESPath", PROFILES),
    Bad("topic: tele/{device}/SENSOR", "topic: tele/{device}/.*", "profiles[1].mqtt.topic", "主题 tele/{device}/.* 的写法不对", "{device} 最多一次", PROFILES),
    Bad("topic: tele/{device}/SENSOR", "topic: tele/{device}/#/SENSOR", "profiles[1].mqtt.topic", "写法不对", "# 只能在最后", PROFILES),
    Bad("topic: tele/{device}/SENSOR", "topic: tele/+/SENSOR", "profiles[1].mqtt.topic", "看不出是哪个设备", "写 {device}", PROFILES),
    Bad("address: 10,", "address: 65535,", "profiles[0].modbus.registers[1].address", "uint32 占 2 个寄存器，从 65535 开始", "40001", PROFILES),
    Bad("address: 20", "address: 11", "profiles[0].modbus.registers[2].address", "alarm 与 total 共用寄存器 11", "address", PROFILES),
    Bad("type: bit, bit: 3", "bit: 3", "profiles[0].modbus.registers[2].bit", "holding 的 uint16 与 bit 不配", "type: bit", PROFILES),
    Bad("type: bit, bit: 3", "type: bit", "profiles[0].modbus.registers[2].type", "holding 的 bit 与 bit 不配", "type: bit", PROFILES),
    Bad("{registers: {input: {0: 12000}}, events", "{events", "profiles[0].samples[0]", "需要 registers", "补上", PROFILES),
    Bad("{registers: {input", "{topic: a, registers: {input", "profiles[0].samples[0].topic", "不用 topic", "去掉", PROFILES),
    # Lines
    Bad('host: "10.1.0.20:502"', 'host: "10.1.0.20:502", port: /dev/ttyUSB8', "buses[0].host", "必须正好写一个", "/dev/ttyUSB0"),
    Bad(', host: "10.1.0.20:502"', "", "buses[0].host", "必须正好写一个", "192.168.1.20:502"),
    Bad('"10.1.0.20:502"}', '"10.1.0.20:502", baud: 9600}', "buses[0].baud", "不用 baud", "串口服务器"),
    Bad("10.1.0.20:502", "10.1.0.20:70000", "buses[0].host", "10.1.0.20:70000 的端口", "502"),
    Bad("10.1.0.20:502", "10.1.0.9:4001", "buses[0].host", "10.1.0.9:4001 已被 fire.yaml panel-2 使用", "从站"),
    Bad("/dev/ttyUSB7", "/dev/ttyUSB0", "buses[1].port", "/dev/ttyUSB0 已被 patrol.yaml meter 使用", "从站"),
    # Sensors
    Bad("device: hall, profile: climate", "device: halle, profile: climate", "sensors[2].device", "halle 没有定义", "改为 hall"),
    Bad("device: hall", "device: utd-1", "sensors[2].device", "utd-1 已经由 fire.yaml sources 接入", "换一个设备"),
    Bad("profile: climate, name", "profile: climates, name", "sensors[2].profile", "设备型谱 climates 没有定义", "改为 climate"),
    Bad("bus: line", "bus: lines", "sensors[0].bus", "总线 lines 没有定义", "改为 line"),
    Bad("bus: line, slave: 1, ", "", "sensors[0].bus", "Modbus 设备需要 bus", "pump-bus"),
    Bad("name: A4C1", "topic: gengfu/v1/demo/plc/reading", "sensors[2].topic", "写法不对", "不能以 gengfu/"),
    Bad("name: A4C1", "bus: line", "sensors[2].bus", "MQTT 设备不用 bus", "profile"),
    Bad("bus: line,", "bus: line, topic: a/b,", "sensors[0].topic", "Modbus 设备不用 topic", "profile"),
    Bad("{temperature: room", "{temperatur: room", "sensors[1].points.temperatur", "没有值 temperatur", "改为 temperature"),
    Bad("room-temperature}", "room-temp}", "sensors[1].points.temperature", "room-temp 没有定义", "改为 room-temperature"),
    Bad("name: A4C1", "points: {kelvin: room-temperature}", "sensors[2].points.kelvin", "属于设备 room，不是 hall", "hall 自己"),
    Bad("{temperature: room-temperature}", "{temperature: room-temperature, kelvin: room-temperature}", "sensors[1].points.kelvin", "已经由 room temperature 给出", "一个来源"),
    Bad("quantity: temperature, unit: °C", "quantity: pressure, unit: kPa", "sensors[1].points.temperature", "°F 换算不成测点 room-temperature 的 kPa", "unit", DEVICES),
    Bad(", spans: {current_1: {low: 0, high: 1.6}}", "", "sensors[0].points.current_1", "需要量程", "current_1: {low: 0"),
    Bad("{temperature: room-temperature}", "{temperature: room-temperature}, spans: {temperature: {low: 0, high: 1}}", "sensors[1].spans.temperature", "不用量程", "去掉"),
    Bad("low: 0, high: 1.6", "low: 1.6, high: 1.6", "sensors[0].spans.current_1", "量程两端都是 1.6", "铭牌"),
    Bad("device: hall, profile: climate, name: A4C1", "device: hall, profile: loops, bus: line, slave: 1", "sensors[2].slave", "总线 line 上的从站 1 已用于 module", "slave"),
    Bad("name: A4C1", "name: gengfu/v1/demo/plc", "sensors[2].name", "gengfu/v1/demo/plc 不能用在主题里", "不以 gengfu"),
    Bad("name: A4C1", 'name: "a\\nuser x"', "sensors[2].name", "不能用在主题里", "换行"),
    Bad("name: A4C1", "name: room", "sensors[2].name", "设备名 room 已用于 room", "devEui"),
    Bad("device: hall", "device: room", "sensors[2].device", "room 重复", "换一个编号"),
    # Points
    Bad("interval: 1min}", "interval: 1min, derived: true}", "points[5].derived", "derived 不能写", "pumps.yaml", DEVICES),
    Bad("twin: pressure", "twin: second", "points[4].twin", "不能是测点自己", "另一个测点", DEVICES),
    Bad("twin: pressure", "twin: insulation", "points[4].twin", "insulation 的单位是 MΩ，不是 MPa", "同一个单位", DEVICES),
    Bad(", twin_within: 0.05", "", "points[4].twin_within", "要一起写", "补上 twin_within", DEVICES),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.message[:14]}")
def test_a_mistake_says_where_and_what(files: SiteFiles, case: Bad) -> None:
    files.change(case.file, case.old, case.new)
    problems = files.problems()
    wanted = [one for one in problems if one.place == case.place and case.message in one.message]
    assert len(wanted) == 1, format_problems(problems)
    assert case.suggestion in wanted[0].suggestion
    assert wanted[0].line is not None
    english = wanted[0].message_in("en") + wanted[0].suggestion_in("en")
    assert english
    assert not any("一" <= character <= "鿿" for character in english)


def test_the_site_is_right_before_it_is_spoiled(files: SiteFiles) -> None:
    sensors = load_configs(files.root).site("demo").sensors
    assert sensors.sensor_by_device["module"].spans["current_1"].high == 1.6
    assert list(sensors.bus_by_id) == ["line", "wire"]


def test_every_mistake_is_reported_at_once(files: SiteFiles) -> None:
    chosen = [CASES[3], CASES[5], CASES[7], CASES[20], CASES[31], CASES[40]]
    for case in chosen:
        files.change(case.file, case.old, case.new)
    assert {case.place for case in chosen} <= {one.place for one in files.problems()}


def test_every_text_has_a_case(files: SiteFiles) -> None:
    seen = set()
    for case in CASES:
        before = (files.root / case.file).read_text("utf-8")
        files.change(case.file, case.old, case.new)
        try:
            load_configs(files.root)
        except SiteInvalid as error:
            seen |= {one.code for one in error.problems}
        files.write(case.file, before)
    assert set(SENSOR_MESSAGES) <= seen


@pytest.mark.parametrize("unit", sorted(DIMENSIONS))
def test_a_unit_that_is_let_through_converts(unit: str) -> None:
    """The list that checks without the library of units agrees with that library."""
    others = [one for one in DIMENSIONS if converts(unit, one)]
    assert unit in others
    for one in others:
        scale, offset = converter(unit, one)
        back, _ = converter(one, unit)
        assert scale * back == pytest.approx(1)
        assert offset == 0 or DIMENSIONS[unit] == "temperature"


def test_what_measures_different_things_does_not_convert() -> None:
    strangers = itertools.combinations(("MPa", "°C", "V", "mA", "kWh", "m", "L/s", "1"), 2)
    assert not any(converts(one, other) for one, other in strangers)
