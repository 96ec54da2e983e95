# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake gives its own clear error: which file, where, what is wrong, what to write."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.site.load import load_configs
from gateway.site.messages import MESSAGES
from gateway.site.problems import SiteInvalid, format_problems

from .conftest import SiteFiles

LIMITS, POLICIES = "limits/documented.yaml", "policies/default.yaml"
SITE, AREAS, EQUIPMENT, DEVICES, PEOPLE, CHANNELS, CHANGES = (
    f"sites/demo/{name}.yaml" for name in ("site", "areas", "equipment", "devices", "people", "channels", "limits")
)


class Bad(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    place: str
    message: str
    suggestion: str


CASES = [
    # Shape
    Bad("unknown key", DEVICES, "set_value: 0.45", "setvalue: 0.45", "points[0].setvalue", "不认识的键 setvalue", "改为 set_value"),
    Bad("unknown section", AREAS, "areas:", "aeras:", "aeras", "不认识的键 aeras", "改为 areas"),
    Bad("unknown nested key", LIMITS, "quantity: pressure", "quantiti: pressure", "limits[0].applies_to.quantiti", "quantiti", "改为 quantity"),
    Bad("missing key", DEVICES, "    interval: 2s\n", "", "points[0].interval", "缺少 interval", "补上 interval"),
    Bad("number in quotes", DEVICES, "set_value: 0.45", 'set_value: "0.45"', "points[0].set_value", "应为数字", "只写数字"),
    Bad("number with unit", DEVICES, "set_value: 0.45", "set_value: 0.45 MPa", "points[0].set_value", "0.45 MPa", "不带单位"),
    Bad("not a number", DEVICES, "set_value: 0.45", "set_value: .nan", "points[0].set_value", "应为数字", "只写数字"),
    Bad("text without quotes", DEVICES, 'unit: "1", interval', "unit: 1, interval", "points[1].unit", "应为文字，实际是 1", '加上引号："1"'),
    Bad("yes for true", POLICIES, "work_order: false", "work_order: no", "policies[1].work_order", "应为 true 或 false", "写 true 或 false"),
    Bad("whole number wanted", LIMITS, "median_of: 5", "median_of: 5.5", "limits[0].median_of", "应为整数", "整数"),
    Bad("list wanted", PEOPLE, "areas: [pump-room]", "areas: pump-room", "people[1].areas", "应为列表", "[a, b]"),
    Bad("section is no list", AREAS, "areas:\n", "areas: 3\nother:\n", "areas", "应为列表", "- 开头"),
    Bad("entry is no mapping", AREAS, "areas:\n", "areas:\n  - building\n", "areas[0]", "名称: 值", "名称: 值"),
    Bad("file is no mapping", CHANNELS, "channels:\n", "", "", "名称: 值", "docs/configuration.md"),
    Bad("word out of a list", AREAS, "kind: pump_room", "kind: pumproom", "areas[1].kind", "不认识的值 pumproom", "改为 pump_room"),
    Bad("word far from all", CHANNELS, "kind: console", "kind: pigeon", "channels[0].kind", "pigeon", "console, webhook, wecom"),
    Bad("id with capitals", DEVICES, "id: pressure", "id: Pressure", "points[0].id", "Pressure", "小写字母"),
    Bad("limit id", LIMITS, "id: NUM-02", "id: num2", "limits[1].id", "num2", "NUM-01"),
    Bad("policy id", POLICIES, "id: data", "id: Data", "policies[1].id", "Data", "下划线"),
    Bad("empty name", SITE, "name: 样例小区", 'name: ""', "name", "文字为空", "1 到 300"),
    Bad("out of bounds", LIMITS, "median_of: 5", "median_of: 0", "limits[0].median_of", "0 超出允许范围", "≥ 1"),
    Bad("empty escalation", POLICIES, "escalation: [{after: 0s, role: engineer}]", "escalation: []", "policies[1].escalation", "列表是空的", "至少写一项"),
    # Durations
    Bad("duration without unit", DEVICES, "interval: 2s", "interval: 2", "points[0].interval", "2 不是时长", "10s"),
    Bad("m is not minutes", POLICIES, "ack_within: 5min", "ack_within: 5m", "policies[0].ack_within", "5m 不是时长", "写 min"),
    Bad("negative interval", DEVICES, "interval: 2s", "interval: -2s", "points[0].interval", "-2s 不是时长", "10s"),
    Bad("interval zero", DEVICES, "interval: 2s", "interval: 0s", "points[0].interval", "必须大于 0", "interval: none"),
    Bad("stale before due", DEVICES, "interval: 2s", "interval: 2s\n    stale_after: 1s", "points[0].stale_after", "短于 interval 2s", "至少写 2s"),
    Bad("stale without interval", DEVICES, "interval: none", "interval: none, stale_after: 1h", "points[3].stale_after", "不会失联", "去掉 stale_after"),
    Bad("heartbeat zero", DEVICES, "kind: plc}", "kind: plc, heartbeat: 0s}", "devices[0].heartbeat", "必须大于 0", "2s"),
    # References
    Bad("unknown area", EQUIPMENT, "area: pump-room, owner", "area: pumproom, owner", "equipment[0].area", "区域 pumproom 没有定义", "改为 pump-room"),
    Bad("unknown parent", AREAS, "parent: garage", "parent: cellar", "areas[1].parent", "区域 cellar 没有定义", "已定义：building-1, garage"),
    Bad("area inside itself", AREAS, "kind: garage}", "kind: garage, parent: pump-room}", "areas[0].parent", "绕回了自己", "parent"),
    Bad("unknown device", DEVICES, "device: meter", "device: metre", "points[3].device", "设备 metre 没有定义", "改为 meter"),
    Bad("unknown equipment", DEVICES, "equipment: main", "equipment: mian", "points[0].equipment", "台账条目 mian 没有定义", "改为 main"),
    Bad("unknown owner", EQUIPMENT, "owner: engineer-water", "owner: engineer-walter", "equipment[0].owner", "engineer-walter", "改为 engineer-water"),
    Bad("owner of another role", EQUIPMENT, "owner: engineer-water", "owner: manager", "equipment[0].owner", "角色是 manager", "owner_role"),
    Bad("unknown supervisor", EQUIPMENT, "owner: engineer-water", "supervisor: supervisr", "equipment[0].supervisor", "supervisr", "改为 supervisor"),
    Bad("manager of another role", EQUIPMENT, "owner: engineer-water", "manager: supervisor", "equipment[0].manager", "角色是 supervisor", "owner_role"),
    Bad("unknown area of a person", PEOPLE, "[building-1, garage]", "[building-1, garaje]", "people[2].areas[1]", "garaje", "改为 garage"),
    Bad("unknown policy", LIMITS, "policy: pump_pressure", "policy: pump_presure", "limits[0].policy", "策略 pump_presure 没有定义", "改为 pump_pressure"),
    Bad("unknown SLA row", POLICIES, "sla: facility_alarm", "sla: facility_alarms", "policies[0].sla", "facility_alarms", "改为 facility_alarm"),
    Bad("unknown role", POLICIES, "role: supervisor", "role: superviser", "policies[0].escalation[1].role", "superviser", "改为 supervisor"),
    Bad("unknown point in a limit", CHANGES, "points: [pressure]", "points: [presure]", "limits[0].points[0]", "点 presure 没有定义", "改为 pressure"),
    Bad("unknown limit", CHANGES, "limit: NUM-01", "limit: NUM-1", "limits[0].limit", "限值 NUM-1 没有定义", "改为 NUM-01"),
    Bad("duplicate id", AREAS, "id: building-1", "id: garage", "areas[2].id", "garage 重复，第一次在 sites/demo/areas.yaml:2", "换一个编号"),
    Bad("duplicate user", PEOPLE, "username: manager", "username: duty", "people[4].username", "duty 重复", "换一个编号"),
    Bad("duplicate key", DEVICES, "    set_value: 0.45\n", "    set_value: 0.45\n    set_value: 0.5\n", "points[0].set_value", "第一次在第 11 行", "只保留一个"),
    # Values
    Bad("unknown time zone", SITE, "Asia/Shanghai", "Asia/Shangai", "timezone", "不认识时区", "改为 Asia/Shanghai"),
    Bad("directory is not the id", SITE, "id: demo", "id: demo-2", "id", "与目录名 demo 不一致", "id: demo"),
    Bad("unknown unit", DEVICES, "unit: MPa", "unit: Mpa", "points[0].unit", "不认识单位 Mpa", "改为 MPa"),
    Bad("unit of another quantity", DEVICES, "unit: MPa", "unit: MΩ", "points[0].unit", "pressure 不能用单位 MΩ", "MPa, kPa, bar"),
    Bad("unit is not the limit's", DEVICES, "unit: MPa", "unit: kPa", "points[0].unit", "单位是 MPa", "unit 改为 MPa"),
    Bad("set value out of range", DEVICES, "set_value: 0.45", "set_value: 4.5", "points[0].set_value", "不在有效范围 0.0 至 1.6 内", "valid_min"),
    Bad("valid range upside down", DEVICES, "valid_max: 1.6", "valid_max: -1", "points[0].valid_min", "不小于 valid_max", "对调"),
    # Limits
    Bad("return outside", LIMITS, "return_threshold: 0.09", "return_threshold: 0.11", "limits[0].return_threshold", "错误一侧", "≤ 0.1，如 0.09"),
    Bad("return below a low limit", LIMITS, "threshold: 0.5", "threshold: 0.5\n    return_threshold: 0.4", "limits[1].return_threshold", "错误一侧", "≥ 0.5"),
    Bad("severe inside", LIMITS, "severe_threshold: 0.2", "severe_threshold: 0.05", "limits[0].severe_threshold", "没有比限值 0.1 更严重", "> 0.1"),
    Bad("no threshold", LIMITS, "    threshold: 0.5\n", "", "limits[1].threshold", "low 限值需要 threshold", "补上 threshold"),
    Bad("threshold of silence", LIMITS, "kind: low\n    unit: MΩ", "kind: stale", "limits[1].threshold", "stale 限值不用 threshold", "去掉"),
    Bad("off the grid", LIMITS, "threshold: 0.1\n", "threshold: 0.1005\n", "limits[0].threshold", "不是分辨率 0.001 的整数倍", "0.001"),
    Bad("count without window", LIMITS, "median_of: 5", "min_count: 3", "limits[0].window", "需要 window", "1h"),
    Bad("stale of a threshold limit", LIMITS, "median_of: 5", "stale_after: 1h", "limits[0].stale_after", "不用 stale_after", "去掉"),
    Bad("suspended by no pump", CHANGES, "{point: pump-run}", "{point: insulation}", "limits[0].suspend_while[0].point", "不是运行状态点", "run_state"),
    Bad("limit on a point of another kind", CHANGES, "points: [pressure]", "points: [insulation]", "limits[0].points[0]", "insulation", "去掉 insulation"),
    # Channels and policies
    Bad("secret under url", CHANNELS, "kind: console", "kind: webhook, url: https://example.com/hook", "channels[0].url", "密钥", "环境变量"),
    Bad("secret instead of a name", CHANNELS, "kind: console", "kind: wecom, key_env: 693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa", "channels[0].key_env", "密钥", "GENGFU_WECOM_KEY"),
    Bad("secret in a comment field", EQUIPMENT, "name: 管网", 'name: "https://qyapi.example.com/send?key=693a91f6"', "equipment[0].name", "密钥", "环境变量"),
    Bad("no variable's name", CHANNELS, "kind: console", "kind: webhook, url_env: my-hook", "channels[0].url_env", "不是环境变量名", "GENGFU_WEBHOOK_URL"),
    Bad("variable missing", CHANNELS, "kind: console", "kind: wecom", "channels[0].key_env", "wecom 通道需要 key_env", "key_env: GENGFU_WECOM_KEY"),
    Bad("variable of another kind", CHANNELS, "kind: console", "kind: console, key_env: MY_KEY", "channels[0].key_env", "console 通道不用 key_env", "去掉"),
    Bad("escalation downward", POLICIES, "{after: 15min, role: manager}", "{after: 15min, role: engineer}", "policies[0].escalation[2].role", "从 supervisor 到 engineer", "engineer → supervisor → manager"),
    Bad("escalation not later", POLICIES, "{after: 15min, role: manager}", "{after: 5min, role: manager}", "policies[0].escalation[2].after", "不晚于上一级的 5min", "更晚"),
    Bad("nobody to escalate to", PEOPLE, "role: manager", "role: guard", "people", "没有角色为 manager 的人", "people.yaml"),
    Bad("nobody for an area", PEOPLE, "areas: [building-1, garage]", "areas: [garage]", "people", "building-1 没有角色为 engineer 的人", "building-1"),
    Bad("unknown channel", POLICIES, "ack_within: 5min", "ack_within: 5min\n    channels: [consol]", "policies[0].channels[0]", "站点 demo 没有", "改为 console"),
    Bad("no clock", POLICIES, "finish_within: 4h, ", "", "policies[0].finish_within", "finish_within 没有写", "补上 finish_within"),
    Bad("clock looser than the table", POLICIES, "ack_within: 5min", "ack_within: 5min\n    respond_within: 2h", "policies[0].respond_within", "2h 比服务时限表 facility_alarm 的 1h 更宽", "1h"),
    Bad("built-in policy missing", POLICIES, "id: system", "id: sistem", "policies", "缺少策略 system", "id: system"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_named_where_it_is(site_files: SiteFiles, case: Bad) -> None:
    site_files.change(case.file, case.old, case.new)
    found = [one for one in site_files.problems() if one.file == case.file and one.place == case.place]
    assert found, format_problems(site_files.problems())
    problem = next((one for one in found if case.message in one.message), found[0])
    assert case.message in problem.message
    assert case.suggestion in problem.suggestion
    assert problem.line is not None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_line_is_the_one_to_look_at(site_files: SiteFiles, case: Bad) -> None:
    """A mistake in a written value points at its line; one in something missing, at what lacks it."""
    site_files.change(case.file, case.old, case.new)
    problem = next(one for one in site_files.problems() if (one.file, one.place) == (case.file, case.place))
    line = (site_files.root / case.file).read_text(encoding="utf-8").splitlines()[(problem.line or 0) - 1]
    key = case.place.rpartition(".")[2].partition("[")[0]
    assert key in line or problem.code in ("missing_key", "threshold_missing", "window_missing", "clock_missing",
                                           "env_missing", "want_mapping"), (problem.line, line)  # fmt: skip


def test_the_small_site_itself_is_valid(site_files: SiteFiles) -> None:
    assert list(load_configs(site_files.root).sites) == ["demo"]


def test_everything_is_reported_at_once(site_files: SiteFiles) -> None:
    chosen = [case for case in CASES if case.name in {
        "unknown area", "unknown device", "unknown unit", "unknown time zone", "unknown role", "word far from all",
        "duplicate user", "no threshold", "unknown point in a limit", "m is not minutes",
    }]  # fmt: skip
    for case in chosen:
        site_files.change(case.file, case.old, case.new)
    reported = {(one.file, one.place) for one in site_files.problems()}
    assert {(case.file, case.place) for case in chosen} <= reported


SEVERAL = {"section is no list", "duplicate id", "secret under url", "no clock"}
"""Mistakes that are more than one."""


@pytest.mark.parametrize("case", [one for one in CASES if one.name not in SEVERAL], ids=lambda case: case.name)
def test_one_mistake_gives_one_problem(site_files: SiteFiles, case: Bad) -> None:
    """What only follows from a mistake is not told: a broken point is not unknown to those that refer to it."""
    site_files.change(case.file, case.old, case.new)
    problems = site_files.problems()
    assert len(problems) == 1, format_problems(problems)


def test_an_entry_with_an_unknown_key_is_checked_all_the_same(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "device: plc\n", "device: plk\n    colour: red\n")
    assert [(one.place, one.code) for one in site_files.problems()] == [
        ("points[0].device", "unknown_reference"),
        ("points[0].colour", "unknown_key"),
    ]


def test_an_unreadable_file_does_not_make_everything_unknown(site_files: SiteFiles) -> None:
    site_files.write(AREAS, "areas: [\n")
    assert [(one.file, one.code) for one in site_files.problems()] == [(AREAS, "yaml_syntax")]


def test_problems_are_sorted_by_file_and_line(site_files: SiteFiles) -> None:
    for case in CASES[:1] + [one for one in CASES if one.name in ("unknown area", "unknown device", "unknown unit")]:
        site_files.change(case.file, case.old, case.new)
    order = [(one.file, one.line) for one in site_files.problems()]
    assert order == sorted(order)


def test_a_secret_is_never_repeated(site_files: SiteFiles) -> None:
    secret = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
    site_files.write(
        CHANNELS,
        f"channels:\n  - {{name: a, kind: wecom, key_env: {secret}}}\n  - {{name: b, kind: wecom, key: {secret}}}\n"
        f"  - {{name: c, kind: webhook, url_env: 'https://x.example/send?key={secret}'}}\n",
    )
    problems = site_files.problems()
    assert {one.place for one in problems if one.code == "secret_in_file"} >= {
        "channels[0].key_env", "channels[1].key", "channels[2].url_env",
    }  # fmt: skip
    assert secret not in format_problems(problems) + format_problems(problems, "en")


def test_a_misspelt_file_is_named(site_files: SiteFiles) -> None:
    (site_files.root / DEVICES).rename(site_files.root / "sites/demo/device.yaml")
    problems = {one.code: one for one in site_files.problems()}
    assert set(problems) == {"file_unknown", "file_missing"}
    assert problems["file_unknown"].suggestion == "改为 devices.yaml"
    assert problems["file_missing"].file == DEVICES


def test_the_other_yaml_ending_is_named(site_files: SiteFiles) -> None:
    site_files.write("sites/demo/limits.yml", "limits: []\n")
    assert [one.suggestion for one in site_files.problems()] == ["改为 limits.yaml"]


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(SiteInvalid, match="There is no directory"):
        load_configs(tmp_path / "nowhere")


def test_an_empty_directory_says_all_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SiteInvalid) as caught:
        load_configs(tmp_path)
    assert [one.file for one in caught.value.problems] == ["limits", "policies", "sites"]


def test_the_error_says_how_many_and_what_to_do(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "unit: MPa", "unit: Mpa")
    with pytest.raises(SiteInvalid, match=r"1 problem\(s\).*sites/demo/devices.yaml:10 Unknown unit Mpa.*gengfu check"):
        load_configs(site_files.root)


def test_problems_print_in_both_languages(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "unit: MPa", "unit: Mpa")
    problems = site_files.problems()
    assert format_problems(problems).splitlines() == [
        "sites/demo/devices.yaml",
        "  第 10 行 points[0].unit：不认识单位 Mpa",
        "    → 改为 MPa",
        "共 1 处问题",
    ]
    assert "line 10 points[0].unit: Unknown unit Mpa\n    → Write MPa" in format_problems(problems, "en")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_text_exists_in_both_languages(site_files: SiteFiles, case: Bad) -> None:
    site_files.change(case.file, case.old, case.new)
    for problem in site_files.problems():
        for language in ("zh", "en"):
            assert problem.message_in(language)
            assert problem.suggestion_in(language)
            assert "{" not in problem.message_in(language).replace("{…}", "")


@pytest.mark.parametrize("code", MESSAGES)
def test_texts_are_complete(code: str) -> None:
    assert all(MESSAGES[code])


@pytest.mark.parametrize(
    ("entry", "place", "message", "suggestion"),
    [
        ("limit: NUM-01\nthreshold: 0.15", "threshold", "threshold 比限值 NUM-01 规定的更宽", "reason 和 approved_by"),
        ("limit: NUM-01\non_delay: 30s", "on_delay", "on_delay", "reason"),
        ("limit: NUM-01\nseverity: low", "severity", "severity", "reason"),
        ("limit: NUM-01\nmedian_of: 9", "median_of", "median_of", "reason"),
        ("limit: NUM-01\nmin_count: 3\nwindow: 1h", "min_count", "min_count", "reason"),
        ("limit: NUM-01\nsevere_threshold: 0.5", "severe_threshold", "severe_threshold", "reason"),
        ("limit: NUM-01\nenabled: false", "enabled", "enabled", "reason"),
        ("limit: DATA-STALE\nenabled: false", "enabled", "DATA-STALE", "reason"),
        ("limit: NUM-02\nthreshold: 0.4", "threshold", "NUM-02", "reason"),
        ("limit: NUM-01\nsuspend_while: [{point: jockey-run}]", "suspend_while", "suspend_while", "reason"),
        ("limit: NUM-01\nthreshold: 0.15\nreason: 旧管网", "threshold", "threshold", "approved_by"),
        ("limit: NUM-01\nthreshold: 0.15\napproved_by: manager", "threshold", "threshold", "reason"),
        (
            "limit: NUM-01\nthreshold: 0.15\nreason: 旧管网\napproved_by: guard",
            "approved_by",
            "guard 不能批准",
            "manager",
        ),
        ("limit: NUM-01\nthreshold: 0.05", "return_threshold", "错误一侧", "如 0.045"),
        ("limit: NUM-01\nvariant: warning\nthreshold: 0.15", "threshold", "没有比规定的 0.1 更严", "只能更严"),
        ("limit: NUM-01\nvariant: warning", "threshold", "没有比规定的", "只能更严"),
        ("limit: NUM-01\npoints: [pressure, pressure]", "points[1]", "pressure 重复", "删掉多余"),
        ("limit: NUM-01\npolicy: pumps", "policy", "策略 pumps 没有定义", "pump_pressure"),
        ("limit: NUM-01\nvariant: Warning\nthreshold: 0.05", "variant", "Warning", "小写"),
        ("limit: DATA-STALE\npoints: [pressure]\nstale_after: 1s", "stale_after", "短于 interval 2s", "2s"),
        ("limit: DATA-RANGE\nvariant: tight", "threshold", "没有比规定的", "只能更严"),
    ],
)
def test_a_site_cannot_bend_a_limit_silently(
    override: Callable[[str], SiteFiles], entry: str, place: str, message: str, suggestion: str
) -> None:
    problems = override(entry).problems()
    where = f"limits[0].{place}" if place else "limits[0]"
    found = [one for one in problems if one.place == where]
    assert found, format_problems(problems)
    assert message in found[0].message
    assert suggestion in found[0].suggestion


def test_a_limit_changed_twice_for_a_point_is_named(site_files: SiteFiles) -> None:
    site_files.write(
        CHANGES, "limits:\n  - limit: NUM-01\n    on_delay: 5s\n  - limit: NUM-01\n    points: [pressure]\n"
    )
    assert [(one.place, one.code) for one in site_files.problems()] == [("limits[1]", "override_twice")]


def test_a_limit_that_applies_nowhere_is_named(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-02\nthreshold: 1.0")
    files.change(DEVICES, "  - {id: insulation", "  #")
    assert [one.code for one in files.problems()] == ["limit_nowhere"]
