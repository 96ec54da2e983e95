# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake in a patrol file gives its own clear error: which line, what is wrong, what to write."""

from typing import NamedTuple

import pytest

from gateway.site.load import load_configs
from gateway.site.patrol_messages import PATROL_MESSAGES
from gateway.site.problems import SiteInvalid, format_problems

from .conftest import SiteFiles

PATROL, PACKS, PEOPLE, AREAS = (
    "sites/demo/patrol.yaml", "patrol/packs.yaml", "sites/demo/people.yaml", "sites/demo/areas.yaml",
)  # fmt: skip


class Bad(NamedTuple):
    old: str
    new: str
    place: str
    message: str
    suggestion: str
    file: str = PATROL


CASES = [
    # Words
    Bad("start: 08:00", "start: 8am", "schedules[0].window.start", "8am", "07:30"),
    Bad("start: 08:00", "start: 24:00", "schedules[0].window.start", "24:00", "07:30"),
    Bad("active_from: 2026-11-01", "active_from: 2026-02-30", "checkpoints[0].active_from", "2026-02-30 不是日期", "2026-12-01"),
    Bad("active_from: 2026-11-01", "active_from: 1.11.2026", "checkpoints[0].active_from", "1.11.2026 不是日期", "2026-12-01"),
    Bad("code: DEMO-02", "code: demo", "checkpoints[1].code", "demo", "大写字母"),
    Bad("order: any", "order: anyhow", "routes[1].order", "anyhow", "改为 any"),
    # References
    Bad("area: pump-room", "area: pumproom", "checkpoints[1].area", "区域 pumproom 没有定义", "改为 pump-room"),
    Bad("{checkpoint: lobby}]\n    legs", "{checkpoint: loby}]\n    legs", "routes[0].stops[2].checkpoint", "巡更点 loby 没有定义", "改为 lobby"),
    Bad("hourly, route: round", "hourly, route: rounds", "schedules[0].route", "巡更路线 rounds 没有定义", "改为 round"),
    Bad("nightly, route: round, shift: night", "nightly, route: round, shift: nite", "schedules[1].shift", "班次 nite 没有定义", "night"),
    Bad("window: {start: 08:00, end: 22:00}", "policy: patrole, window: {start: 08:00, end: 22:00}", "schedules[0].policy", "策略 patrole 没有定义", "改为 patrol"),
    Bad("people: [duty]", "people: [dutie]", "shifts[0].people[0]", "人员 dutie 没有定义", "改为 duty"),
    Bad("id: plc,", "id: plk,", "readers[1].id", "设备 plk 没有定义", "改为 plc"),
    Bad("place: gate", "place: gates", "readers[1].place", "巡更点 gates 没有定义", "改为 gate"),
    Bad("topic: tele/x/SENSOR,", "topic: tele/x/SENSOR, guard: nobody,", "readers[1].guard", "人员 nobody 没有定义", "duty"),
    Bad("pack: two-hours", "pack: two-hour", "rules[0].pack", "巡更规则 two-hour 没有定义", "改为 two-hours"),
    Bad("labels: [key]}", "labels: [keys]}", "rules[0].labels[0]", "没有巡更点带标签 keys", "改为 key"),
    Bad("routes: [round]", "routes: [ronud]", "rules[1].routes[0]", "巡更路线 ronud", "改为 round"),
    # Checkpoints
    Bad("active_until: 2026-12-31", "active_until: 2026-10-31", "checkpoints[0].active_until", "早于开始日期 2026-11-01", "对调"),
    Bad("04:DE:5F:1E:AC:C0:40", "04:DE:5F:1E:AC:C0", "checkpoints[0].tags[0].uid", "不是 nfc 卡的号码", "04:DE:5F"),
    Bad("uid: 04AABBCCDDEE80", "uid: 04AABBCC", "checkpoints[2].tags[0].uid", "不是 sun 卡的号码", "04DE5F1EACC040"),
    Bad(", keys: set-1", "", "checkpoints[2].tags[0].keys", "需要 keys", "gengfu tag keys"),
    Bad("kind: rfid125", "kind: rfid125, keys: set-1", "checkpoints[1].tags[0].keys", "rfid125 卡不用 keys", "去掉 keys"),
    Bad("uid: 04AABBCCDDEE80, kind: sun, keys: set-1", "uid: 40C0AC1E5FDE04", "checkpoints[2].tags[0].uid", "gate 和 lobby 的卡分不清", "换掉"),
    Bad("uid: 04AABBCCDDEE80, kind: sun, keys: set-1", "uid: 02026F6C3A, kind: rfid125", "checkpoints[2].tags[0].uid", "pump 和 lobby 的卡分不清", "换掉"),
    Bad("code: DEMO-02", "code: DEMO-01", "checkpoints[1].code", "DEMO-01 重复", "换一个"),
    Bad("kind: number, unit: MPa,", "kind: number,", "checkpoints[0].questions[1].unit", "number 问题需要 unit", "补上"),
    Bad("unit: MPa, minimum", "unit: Mpa, minimum", "checkpoints[0].questions[1].unit", "不认识单位 Mpa", "改为 MPa"),
    Bad("minimum: 0.2", "minimum: 0.5", "checkpoints[0].questions[1].minimum", "0.5 不小于最大值 0.4", "对调"),
    Bad("choices: [好, 坏], good: [好]", "", "checkpoints[0].questions[2].choices", "choice 问题需要 choices", "补上"),
    Bad("good: [好]", "good: [妙]", "checkpoints[0].questions[2].good[0]", "妙", "可选"),
    Bad("text: 已关, expect: true", "text: 已关, unit: m", "checkpoints[0].questions[0].unit", "yes_no 问题不用 unit", "去掉"),
    Bad("id: lamp", "id: closed", "checkpoints[0].questions[2].id", "closed 重复", "换一个"),
    # Routes
    Bad("{checkpoint: gate}, {checkpoint: lobby}]", "{checkpoint: gate}, {checkpoint: gate}]", "routes[1].stops[1].checkpoint", "gate 重复", "去掉"),
    Bad("due: 0s", "due: 6min", "routes[0].stops[1].due", "早于前一站的 6min", "先后"),
    Bad("not_before: 1min", "not_before: 8min", "routes[0].stops[1].not_before", "晚于 due 5min", "5min"),
    Bad("end: pump, minimum", "end: garage, minimum", "routes[0].legs[0].end", "garage 不在这条路线上", "gate"),
    Bad("end: pump, minimum", "end: gate, minimum", "routes[0].legs[0].end", "起点和终点都是 gate", "两个"),
    Bad("minimum: 1min, maximum: 9min}", "minimum: 9min, maximum: 1min}", "routes[0].legs[0].minimum", "9min 不小于最大值 1min", "对调"),
    Bad(", minimum: 1min, maximum: 9min}", "}", "routes[0].legs[0]", "没有任何限制", "distance_m"),
    Bad("maximum: 9min}]", "maximum: 9min}, {start: pump, end: gate, distance_m: 9}]", "routes[0].legs[1]", "写了两次", "合并"),
    # Shifts and schedules
    Bad("start: 23:00, duration: 8h", "start: 23:00, duration: 25h", "shifts[0].duration", "1d1h", "24h"),
    Bad("hourly, route: round", "hourly, route: old", "schedules[0].route", "old 已停用", "retired"),
    Bad("every: 1h", "every: 1h, at: [09:00]", "schedules[0].every", "正好写一个，现在是：at, every", "留下一个"),
    Bad("every: 1h, ", "", "schedules[0]", "正好写一个，现在是：-", "留下一个"),
    Bad("every: 1h", "every: 0s", "schedules[0].every", "every 必须大于 0", "30min"),
    Bad(", window: {start: 08:00, end: 22:00}", "", "schedules[0].every", "every 需要时间窗", "shift"),
    Bad("at: [23:30, 02:00]", "at: [23:30], window: {start: 08:00, end: 09:00}", "schedules[1].window", "不用 window", "去掉"),
    Bad("at: [23:30, 02:00]", "at: [23:30, 23:30]", "schedules[1].at[1]", "23:30 重复", "换一个"),
    Bad("at: [23:30, 02:00]", "at: [23:30, 07:00]", "schedules[1].at[1]", "不在班次 night 的时间里", "shift"),
    Bad("min_gap: 30min", "min_gap: 2h", "schedules[2].random", "小于 max_gap 2h", "40min"),
    Bad("extended_after: 20min", "extended_after: 5min", "schedules[2].tolerance.extended_after", "小于 on_time_after 10min", "至少写 10min"),
    Bad("end: 22:00}, duration: 30min", "end: 22:00}, duration: 4min", "schedules[0].duration", "最后一站要到 5min", "5min"),
    Bad("end: 22:00}, duration: 30min", "end: 22:00}, duration: 30min, valid_from: 2026-12-01, valid_until: 2026-11-01", "schedules[0].valid_until", "早于", "对调"),
    # Rules
    Bad("labels: [key]}", "labels: [key], max_gap: 3h}", "rules[0].max_gap", "max_gap 比规则 two-hours 规定的更宽", "approved_by"),
    Bad("labels: [key]}", "labels: [key], people: 1}", "rules[0].people", "people", "reason"),
    Bad("labels: [key]}", "labels: [key], within: {start: 08:00, end: 20:00}}", "rules[0].within", "within", "reason"),
    Bad("labels: [key]}", "labels: [key], max_gap: 3h, reason: 夜间封闭, approved_by: guard}", "rules[0].approved_by", "guard 不能批准", "manager"),
    Bad("labels: [key]}", "labels: [key], warn_gap: 1h}", "rules[0].warn_gap", "max_gap 规则不用 warn_gap", "去掉"),
    Bad("{pack: two-hours, labels: [key]}", "{pack: two-hours}", "rules[0]", "没有对应任何巡更点", "labels"),
    Bad("{pack: night-check, checkpoints: [gate], routes: [round]}", "{pack: two-hours, checkpoints: [pump]}", "rules[1]", "two-hours 重复", "换一个"),
    Bad("    max_gap: 2h\n", "", "packs[0].max_gap", "max_gap 规则需要 max_gap", "补上", PACKS),
    Bad("our_defaults: [severity]", "our_defaults: [severety]", "packs[0].our_defaults[0]", "severety", "改为 severity", PACKS),
    # Readers
    Bad("port: /dev/ttyUSB0, ", "", "readers[0].port", "wand 读卡器需要 port", "/dev/ttyUSB0"),
    Bad("topic: tele/x/SENSOR, ", "", "readers[1].topic", "tasmota 读卡器需要 topic", "SENSOR"),
    Bad("topic: tele/x/SENSOR", "topic: tele/x/SENSOR, baud: 9600", "readers[1].baud", "tasmota 读卡器不用 baud", "去掉"),
    Bad("topic: tele/x/SENSOR", "topic: gengfu/v1/demo/#", "readers[1].topic", "不能作读卡器的主题", "自己发布"),
    Bad("(?P<tag>", "(?P<card>", "readers[0].pattern", "缺少命名组 tag", "(?P<tag>"),
    Bad("(?P<at>.{19})", "(?P<at>.{19}", "readers[0].pattern", "正则表达式不对", "改正"),
    Bad("port: /dev/ttyUSB0", "zone: Asia/Shangai, port: /dev/ttyUSB0", "readers[0].zone", "不认识时区", "Asia/Shanghai"),
    Bad("port: /dev/ttyUSB0", 'time_format: "%H:%M", port: /dev/ttyUSB0', "readers[0].time_format", "写不出完整的时间", "%Y-%m-%d"),
    Bad("skew_after: 2min", "skew_after: 0s", "settings.skew_after", "skew_after 必须大于 0", "30min"),
    # Other files
    Bad("role: duty}", "role: duty, badges: [x]}", "people[0].badges[0]", "不是 badge 卡的号码", "9D:44", PEOPLE),
    Bad("kind: building}", "kind: building, key: true}\n  - {id: yard, name: 院子, kind: other, key: true}", "areas[3].key", "重点部位 yard 里没有", "key", AREAS),
    Bad("id: patrol_sos", "id: patrol_soss", "checkpoints", "需要策略 patrol_sos", "policies/", "policies/default.yaml"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.message[:12]}")
def test_a_mistake_is_the_only_problem_and_says_where_and_what(patrol_files: SiteFiles, case: Bad) -> None:
    patrol_files.change(case.file, case.old, case.new)
    problems = patrol_files.problems()
    assert len(problems) == 1, format_problems(problems)
    problem = problems[0]
    assert (problem.place, problem.line is not None) == (case.place, True)
    assert case.message in problem.message
    assert case.suggestion in problem.suggestion
    english = problem.message_in("en") + problem.suggestion_in("en")
    assert "{" not in english.replace("{19}", "")
    key = case.place.rpartition(".")[2].partition("[")[0]
    line = (patrol_files.root / problem.file).read_text("utf-8").splitlines()[(problem.line or 0) - 1]
    absent = problem.code in (
        "question_needs",
        "rule_needs",
        "reader_needs",
        "sun_keys",
        "schedule_ways",
        "rule_nowhere",
    )
    assert key in line or absent or case.place.endswith("]"), (problem.line, line)


def test_the_small_patrol_itself_is_valid(patrol_files: SiteFiles) -> None:
    patrol = load_configs(patrol_files.root).site("demo").patrol
    assert [rule.checkpoints for rule in patrol.rules] == [("gate",), ("gate", "pump", "lobby")]
    assert str(patrol.checkpoints[0].active_from) == "2026-11-01"
    assert patrol.schedules[1].at == ("23:30", "02:00")


def test_every_mistake_is_reported_at_once(patrol_files: SiteFiles) -> None:
    chosen = [case for case in CASES if case.message.endswith("没有定义") and case.file == PATROL]
    for case in chosen:
        patrol_files.change(case.file, case.old, case.new)
    assert {case.place for case in chosen} <= {one.place for one in patrol_files.problems()}


def test_every_text_of_patrol_has_a_case(patrol_files: SiteFiles) -> None:
    seen = set()
    for case in CASES:
        before = (patrol_files.root / case.file).read_text("utf-8")
        patrol_files.change(case.file, case.old, case.new)
        try:
            load_configs(patrol_files.root)
        except SiteInvalid as error:
            seen |= {one.code for one in error.problems}
        patrol_files.write(case.file, before)
    assert set(PATROL_MESSAGES) <= seen


@pytest.mark.parametrize(
    ("entry", "severity", "reason"),
    [
        ("max_gap: 1h, people: 3", "medium", ""),
        ("severity: low", "low", ""),
        ("max_gap: 3h, reason: 夜间封闭, approved_by: manager", "medium", "夜间封闭（经理批准）"),
        ("max_gap: 1h, reason: 加强, approved_by: manager", "medium", ""),
    ],
)
def test_a_site_may_tighten_and_loosen_with_a_reason(
    patrol_files: SiteFiles, entry: str, severity: str, reason: str
) -> None:
    patrol_files.change(PATROL, "labels: [key]}", f"labels: [key], {entry}}}")
    rule = load_configs(patrol_files.root).site("demo").patrol.rules[0]
    assert (rule.severity, rule.loosened_reason, rule.source) == (severity, reason, "《服务等级》巡查频次")


def test_a_badge_and_a_checkpoint_must_not_read_alike(patrol_files: SiteFiles) -> None:
    patrol_files.change(PEOPLE, "role: duty}", 'role: duty, badges: ["0040856634"]}')
    problems = patrol_files.problems()
    assert [(one.code, one.place) for one in problems] == [("tag_collision", "people[0].badges[0]")]


def test_without_patrol_key_areas_demand_nothing(site_files: SiteFiles) -> None:
    site_files.change(AREAS, "kind: building}", "kind: building, key: true}")
    assert load_configs(site_files.root).site("demo").patrol.checkpoints == ()
