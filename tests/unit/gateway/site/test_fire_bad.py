# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake in `fire.yaml` gives its own clear error: which line, what is wrong, what to write."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from gateway.site.fire_messages import FIRE_MESSAGES
from gateway.site.load import load_configs
from gateway.site.problems import format_problems

from .conftest import SiteFiles

FIRE, POLICIES, DEVICES = "sites/demo/fire.yaml", "policies/default.yaml", "sites/demo/devices.yaml"


class Bad(NamedTuple):
    code: str
    old: str
    new: str
    place: str
    message: str
    suggestion: str
    file: str = FIRE


CASES = [
    # References
    Bad("unknown_reference", "format: lines", "format: linse", "sources[2].format", "打印格式 linse 没有定义", "改为 lines"),
    Bad("unknown_reference", "source: panel-2", "source: panel-9", "panels[3].source", "消防信号来源 panel-9 没有定义", "改为 panel-"),
    Bad("unknown_reference", "building: garage", "building: garaje", "panels[1].building", "区域 garaje 没有定义", "改为 garage"),
    Bad("unknown_reference", "equipment: main}\n  - {id: panel-1", "equipment: mian}\n  - {id: panel-1", "panels[1].equipment", "设备台账条目 mian", "改为 main"),
    Bad("unknown_reference", "area: pump-room}", "area: pumproom}", "zones[1].area", "区域 pumproom", "改为 pump-room"),
    Bad("unknown_reference", "[lobby]", "[loby]", "zones[0].checkpoints[0]", "巡更点 loby", "改为 lobby"),
    Bad("unknown_reference", "panel: panel-4, address", "panel: panel-9, address", "points[2].panel", "火灾报警控制器 panel-9", "改为 panel-"),
    Bad("unknown_reference", "zone: pumps", "zone: pump", "points[2].zone", "报警区域 pump", "改为 pumps"),
    Bad("unknown_reference", "zone: pumps, equipment: main", "zone: pumps, equipment: mine", "points[2].equipment", "设备台账条目 mine", "main"),
    Bad("unknown_reference", "kind: extinguisher, area: building-1", "kind: extinguisher, area: building-9", "appliances[0].area", "区域 building-9", "building-1"),
    Bad("unknown_reference", "squad: [engineer-power]", "squad: [engineer-powr]", "response.squad[0]", "人员 engineer-powr", "改为 engineer-power"),
    Bad("unknown_reference", "people: [manager]", "people: [manger]", "response.tiers[1].people[0]", "人员 manger", "改为 manager"),
    Bad("duplicate_id", "id: smoke-2", "id: smoke-1", "points[1].id", "smoke-1 重复", "换一个"),
    Bad("duplicate_id", "id: watch", "id: out", "response.small[1].id", "out 重复", "换一个"),
    Bad("fire_policy", "id: fire_care", "id: fire_cares", "sources", "需要策略 fire_care", "policies/", POLICIES),
    # Sources
    Bad("fire_device_kind", "消防, area: building-1, kind: utd}", "消防, area: building-1, kind: plc}", "sources[0].id", "utd-1 的类型是 plc", "fire-panel, utd", DEVICES),
    Bad("bad_form", '"790300000000"', '"79:03"', "sources[0].address", "79:03", "6 个字节"),
    Bad("bad_form", '"10.1.0.9:4001"', "10.1.0.9", "sources[2].host", "10.1.0.9", "主机:端口"),
    Bad("want_text", '"790300000000"', "790300000000", "sources[0].address", "应为文字", '"790300000000"'),
    Bad("fire_needs", "port: /dev/ttyUSB5, baud: 9600", "framing: 8N1", "sources[1].port", "jbf293k 来源需要 port", "/dev/ttyUSB0"),
    Bad("fire_needs", ", format: lines", "", "sources[2].format", "text 来源需要 format", "gst9000"),
    Bad("fire_unused", "format: lines}", "format: lines, slave: 3}", "sources[2].slave", "text 来源不用 slave", "去掉"),
    Bad("fire_line_unused", "format: lines}", "format: lines, baud: 9600}", "sources[2].baud", "没有串口就不用 baud", "port"),
    Bad("fire_one_line", "port: /dev/ttyUSB5", 'host: "a:1", port: /dev/ttyUSB5', "sources[1].host", "只能写一个", "去掉"),
    Bad("duplicate_id", "/dev/ttyUSB5", "/dev/ttyUSB0", "sources[1].port", "/dev/ttyUSB0 重复", "换一个"),
    Bad("fire_host_port", "10.1.0.9:4001", "10.1.0.9:70000", "sources[2].host", "端口 70000", "4001"),
    Bad("fire_network", "10.1.0.0/24", "10.1.0.7/24", "sources[0].peers[0]", "10.1.0.7/24 不是网段", "10.1.0.0/24"),
    Bad("fire_network", "10.1.0.0/24", "office", "sources[0].peers[0]", "office 不是网段", "192.168.1.0/24"),
    Bad("fire_scale_twice", "{type: 3, scale: 0.1}", "{type: 3, scale: 0.1}, {type: 3, scale: 1}", "sources[0].scales[1].type", "类型 3", "留下一个"),
    Bad("fire_positive", "format: lines}", "format: lines, offline_after: 0s}", "sources[2].offline_after", "必须大于 0", "3min"),
    Bad("unknown_timezone", "format: lines}", "format: lines, zone: Asia/Shangai}", "sources[2].zone", "不认识时区", "Asia/Shanghai"),
    Bad("fire_no_panel", "  - {id: panel-2, source: panel-2, building: building-1}\n", "", "sources[2].id", "panel-2 没有控制器", "source: panel-2"),
    # Panels and zones
    Bad("fire_system_unused", "source: panel-2, building", "source: panel-2, system_address: 1, building", "panels[3].system_address", "只有 gb26875", "去掉"),
    Bad("fire_system_twice", "id: panel-4, source: utd-1", "id: panel-4, source: utd-1, system_address: 1", "panels[1].system_address", "系统 1 已经是 panel-3", "不同的"),
    Bad("fire_building", "building: garage", "building: pump-room", "panels[1].building", "pump-room 是 pump_room", "写 garage"),
    # Points
    Bad("fire_point_address", '"01000200"', '"1-2"', "points[2].address", "1-2 不是 gb26875", "0a000200"),
    Bad("fire_address_case", '"01000200"', '"01000A00"', "points[2].address", "01000A00 里有大写字母", '写 "01000a00"'),
    Bad("fire_point_address", "8-155", "08-155", "points[1].address", "08-155 不是 jbf293k", "4-12"),
    Bad("fire_id_taken", "id: ext-1", "id: flow", "appliances[0].id", "flow 已经是一个点位", "换一个"),
    # Response
    Bad("fire_person_program", "squad: [engineer-power]", "squad: [robot]", "response.squad[0]", "robot 是程序", "用户名"),
    Bad("fire_tier_empty", ", roles: [supervisor]", "", "response.tiers[0]", "没有叫任何人", "roles"),
    Bad("fire_tier_nobody", "roles: [supervisor]", "roles: [guard]", "response.tiers[0].roles[0]", "没有角色为 guard", "people.yaml"),
    Bad("fire_tier_order", "after: 2min", "after: 30s", "response.tiers[1].after", "30s 不晚于上一级的 1min", "更晚"),
    Bad("fire_broadcast", "{place}着火", "{where}着火", "response.broadcast", "不认识 {where}", "{place}"),
    Bad("fire_broadcast", "{place}着火", "{place着火", "response.broadcast", "不认识", "{place}"),
    Bad("fire_positive", "squad: [", "confirm_within: 0s\n  squad: [", "response.confirm_within", "必须大于 0", "3min"),
    Bad("fire_longest", "squad: [", "confirm_within: 2h\n  squad: [", "response.confirm_within", "2h 太长", "最长 30min"),
    Bad("fire_plan_empty", "squad: [", "large: []\n  squad: [", "response.large", "预案 large 没有步骤", "去掉 large"),
    # Settings
    Bad("fire_settings_loose", "prompt_after: 12h", "prompt_after: 25h", "settings.prompt_after", "比 GB 25201 表 B.1 的 1d 更宽", "不超过 1d"),
    Bad("fire_positive", "prompt_after: 12h", "prompt_after: 0s", "settings.prompt_after", "必须大于 0", "3min"),
    Bad("fire_longest", "digest_every: 30s", "digest_every: 1h", "settings.digest_every", "1h 太长", "10min"),
    Bad("out_of_bounds", "digest_every: 30s", "false_count: 1", "settings.false_count", "1 超出", "≥ 2"),
]  # fmt: skip
MORE = [
    Bad("unknown_reference", "id: utd-1, protocol", "id: utd-9, protocol", "sources[0].id", "utd-9", "utd-1"),
    Bad("fire_panel_id", "id: panel-3, source: utd-1", "id: panel-1, source: utd-1", "panels[0].id", "panel-1 是另一个来源", "source: panel-1"),
    Bad("fire_offline_short", "protocol: text", "protocol: gst_modbus, offline_after: 5s", "sources[2].offline_after", "5s 短于", "6s"),
    Bad("fire_panel_source", "{id: panel-2, source", "{id: panel-4, source", "panels[3].id", "id 应与 source panel-2 相同", "id: panel-2"),
    Bad("fire_outside", "id: garage, name: 车库, kind: garage", "id: garage, name: 车库, kind: other", "panels[1].building", "garage 不是楼栋或车库", "parent", "sites/demo/areas.yaml"),
    Bad("fire_address_twice", "panel-1, protocol: jbf293k, port: /dev/ttyUSB5, baud: 9600", 'panel-1, protocol: gb26875, address: "790300000000"', "sources[1].address", "已经属于 utd-1", "地址不同"),
    Bad("fire_point_twice", 'panel: panel-4, address: "01000200"', 'panel: panel-3, address: "01000100"', "points[2].address", "01000100 写了两次", "改正"),
]  # fmt: skip
"""Mistakes from which others follow."""


def spoil(files: SiteFiles, case: Bad) -> None:
    files.change("sites/demo/people.yaml", "people:\n", "people:\n  - {username: robot, name: 程序, role: program}\n")
    files.change(case.file, case.old, case.new)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.message[:12]}")
def test_a_mistake_is_the_only_problem_and_says_where_and_what(fire_files: SiteFiles, case: Bad) -> None:
    spoil(fire_files, case)
    problems = fire_files.problems()
    assert len(problems) == 1, format_problems(problems)
    problem = problems[0]
    assert (problem.code, problem.place, problem.line is not None) == (case.code, case.place, True)
    assert case.message in problem.message
    assert case.suggestion in problem.suggestion
    assert problem.message_in("en") + problem.suggestion_in("en")


@pytest.mark.parametrize("case", MORE, ids=lambda case: case.code)
def test_a_mistake_that_brings_others_is_among_them(fire_files: SiteFiles, case: Bad) -> None:
    spoil(fire_files, case)
    found = {(one.code, one.place): one for one in fire_files.problems()}
    problem = found[case.code, case.place]
    assert case.message in problem.message
    assert case.suggestion in problem.suggestion


def test_two_sources_without_address(fire_files: SiteFiles) -> None:
    fire_files.change(FIRE, ' address: "790300000000",', "")
    fire_files.change(FIRE, "protocol: jbf293k, port: /dev/ttyUSB5, baud: 9600", "protocol: gb26875")
    codes = {(one.code, one.place) for one in fire_files.problems()}
    assert ("fire_wildcards", "sources[1].address") in codes


def test_every_text_of_fire_has_a_case() -> None:
    assert set(FIRE_MESSAGES) <= {case.code for case in (*CASES, *MORE)} | {"fire_wildcards"}


def test_the_small_fire_itself_is_valid(fire_files: SiteFiles) -> None:
    configs = load_configs(fire_files.root)
    demo = configs.site("demo")
    fire = demo.fire
    assert set(configs.fire_formats) == {"lines"}
    assert fire.point_by_address["panel-1", "8-155"].id == "smoke-2"
    assert (fire.panel_of("utd-1", 1), fire.panel_of("utd-1", 7)) == (fire.panels[0], fire.panels[1])
    assert (fire.response.confirm_within, len(fire.response.small)) == (timedelta(minutes=3), 2)
    assert [step.id for step in fire.response.large][:2] == ["call-119", "evacuate"]
    assert (fire.settings.prompt_after, fire.settings.faults_together) == (timedelta(hours=12), 10)
    building = demo.building_of("pump-room")
    assert building is not None
    assert building.id == "garage"


def test_points_of_readings_and_of_panels_do_not_mix(fire_files: SiteFiles) -> None:
    fire_files.change(FIRE, "id: smoke-1", "id: pressure")
    demo = load_configs(fire_files.root).site("demo")
    assert demo.point("pressure").unit == "MPa"
    assert demo.fire.point_by_id["pressure"].kind == "smoke"
    assert demo.patrol.settings.skew_after == timedelta(minutes=2)


def test_without_the_file_nothing_is_asked_for(fire_files: SiteFiles) -> None:
    (fire_files.root / FIRE).unlink()
    fire_files.change(POLICIES, "id: fire_care", "id: other")
    assert load_configs(fire_files.root).site("demo").fire.sources == ()
