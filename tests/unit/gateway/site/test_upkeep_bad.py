# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake in plans of maintenance gives its own clear error: which line, what is wrong, what to write."""

from typing import NamedTuple

import pytest

from gateway.site.load import load_configs
from gateway.site.problems import SiteInvalid, format_problems
from gateway.site.upkeep import Upkeep
from gateway.site.upkeep_messages import UPKEEP_MESSAGES

from .conftest import SiteFiles

SHIPPED, SITE = "maintenance/all.yaml", "sites/demo/maintenance.yaml"
_SHIPPED = """\
checklists:
  - id: look
    name: 看
    items:
      - {id: whole, text: 完好}
      - {id: pressure, text: 压力, kind: number, unit: MPa, minimum: 0.2, maximum: 0.6}
      - {id: wet, text: 状态, kind: choice, choices: [干, 湿], good: [干]}
  - id: other
    name: 另一个
    items: [{id: whole, text: 完好}]
plans:
  - {id: pump-month, name: 泵月检, level: 2, kinds: [fire_pump], every: month, checklist: look, window_from: "00:00", window_until: "06:00"}
  - {id: pump-contract, name: 泵维保, level: 6, kinds: [fire_pump], interval: 15d, checklist: look}
  - {id: overhaul, name: 大修, level: 5, kinds: [fire_pump], checklist: look}
"""
_SITE = """\
contracts:
  - {id: pumps-2026, name: 泵维保合同, contractor: 维保单位, scope: 泵, starts_on: 2026-01-01, ends_on: 2026-12-31, legal_review: FW-1}
checklists:
  - id: own-look
    name: 本小区的
    items: [{id: whole, text: 完好}]
plans:
  - {id: own-week, name: 周检, level: 2, equipment: [pump], every: week, checklist: own-look}
changes:
  - {plan: pump-month, owner_role: supervisor}
  - {plan: pump-contract, contract: pumps-2026}
calendar:
  weekend: [sat, sun]
  days_off: [2026-10-01]
  workdays: [2026-10-10]
"""


@pytest.fixture
def files(site_files: SiteFiles) -> SiteFiles:
    """The small site with a few plans."""
    (site_files.root / "maintenance").mkdir()
    site_files.write(SHIPPED, _SHIPPED)
    site_files.write(SITE, _SITE)
    return site_files


class Bad(NamedTuple):
    old: str
    new: str
    place: str
    message: str
    suggestion: str
    file: str = SITE


CASES = [
    # Checklists
    Bad("{id: wet, text", "{id: whole, text", "checklists[0].items[2].id", "检查项 whole 重复", "只用一次", SHIPPED),
    Bad("kind: choice, choices: [干, 湿], good: [干]", "kind: choice", "checklists[0].items[2]", "需要 choices", "补上", SHIPPED),
    Bad("good: [干]", "good: [乾]", "checklists[0].items[2].good[0]", "乾 不在 choices 里", "干, 湿", SHIPPED),
    Bad("{id: whole, text: 完好}\n      - {id: pressure", "{id: whole, text: 完好, maximum: 3}\n      - {id: pressure", "checklists[0].items[0].maximum", "不用 maximum", "去掉", SHIPPED),
    Bad("minimum: 0.2", "minimum: 0.7", "checklists[0].items[1].minimum", "大于 maximum 0.6", "对调", SHIPPED),
    # Plans
    Bad("every: month, checklist", "every: month, interval: 30d, checklist", "plans[0].interval", "every, interval", "留下一个", SHIPPED),
    Bad("level: 5, kinds", "level: 5, every: year, kinds", "plans[2].every", "5 级大修没有周期", "去掉 every", SHIPPED),
    Bad("interval: 15d", "interval: 36h", "plans[1].interval", "不是整天数", "15d", SHIPPED),
    Bad(', window_until: "06:00"', "", "plans[0].window_from", "要一起写", "00:00", SHIPPED),
    Bad("kinds: [fire_pump], every", "kinds: [], every", "plans[0]", "没有对应任何设备", "kinds", SHIPPED),
    Bad("level: 2, kinds: [fire_pump]", "level: 2, kinds: [fire_pump], equipment: [pump]", "plans[0].equipment", "不能写 equipment", "maintenance.yaml", SHIPPED),
    Bad("every: month, checklist: look", "every: month, checklist: lok", "plans[0].checklist", "检查表 lok 没有定义", "改为 look", SHIPPED),
    Bad("every: month, checklist", "every: month, our_defaults: [evry], checklist", "plans[0].our_defaults[0]", "evry", "every", SHIPPED),
    Bad("every: week, checklist", "every: week, contract: pumps-2026, checklist", "plans[0].contract", "只有 6 级", "level: 6"),
    Bad("checklist: own-look}", "checklist: own-lock}", "plans[0].checklist", "检查表 own-lock 没有定义", "look"),
    Bad("id: own-week", "id: pump-month", "plans[0].id", "计划 pump-month 与随附的同名", "changes"),
    Bad("every: week", "from_on: 2026-05-01, until_on: 2026-04-01, every: week", "plans[0].until_on", "早于开始日期", "对调"),
    # Changes
    Bad("plan: pump-month,", "plan: pump-mont,", "changes[0].plan", "保养计划 pump-mont 没有定义", "改为 pump-month"),
    Bad("owner_role: supervisor", "enabled: true", "changes[0]", "没有改变计划 pump-month", "去掉"),
    Bad("owner_role: supervisor", "every: quarter", "changes[0].every", "every 比随附的计划 pump-month 更宽", "approved_by"),
    Bad("owner_role: supervisor", 'window_until: "07:00"', "changes[0].window_from", "更宽", "reason"),
    Bad("owner_role: supervisor", "enabled: false, reason: 不做", "changes[0].enabled", "enabled 比", "approved_by"),
    Bad("owner_role: supervisor", "days_off: next, reason: 停电, approved_by: duty", "changes[0].approved_by", "duty 不能批准", "manager"),
    Bad("contract: pumps-2026}", "contract: pumps-2027}\n  - {plan: overhaul, owner_role: manager}", "changes[1].contract", "合同 pumps-2027 没有定义", "pumps-2026"),
    # Contracts and calendar
    Bad("ends_on: 2026-12-31", "ends_on: 2025-12-31", "contracts[0].ends_on", "早于开始日期 2026-01-01", "对调"),
    Bad("  - {plan: pump-contract, contract: pumps-2026}\n", "", "contracts[0].id", "没有任何计划", "contract: pumps-2026"),
    Bad("workdays: [2026-10-10]", "workdays: [2026-10-01]", "calendar.workdays[0]", "既是休息日又是工作日", "留下一个"),
    Bad("workdays: [2026-10-10]", "night_grace: 13h", "calendar.night_grace", "太长", "12h"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.message[:12]}")
def test_a_mistake_says_where_and_what(files: SiteFiles, case: Bad) -> None:
    files.change(case.file, case.old, case.new)
    problems = files.problems()
    wanted = [one for one in problems if one.place == case.place and case.message in one.message]
    assert len(wanted) == 1, format_problems(problems)
    # A contract that nobody knows leaves the known one without a plan: that is two mistakes.
    assert len(problems) == (2 if "pumps-2027" in case.new else 1), format_problems(problems)
    assert case.suggestion in wanted[0].suggestion
    assert wanted[0].line is not None
    assert "{" not in wanted[0].message_in("en") + wanted[0].suggestion_in("en")


def test_every_mistake_is_reported_at_once(files: SiteFiles) -> None:
    chosen = [CASES[0], CASES[4], CASES[5], CASES[7], CASES[-1]]
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
    assert set(UPKEEP_MESSAGES) <= seen


def upkeep(files: SiteFiles) -> Upkeep:
    return load_configs(files.root).site("demo").upkeep


def test_a_contract_gives_its_plan_its_dates(files: SiteFiles) -> None:
    found = upkeep(files)
    plan = found.plan_by_id["pump-contract"]
    assert (str(plan.from_on), str(plan.until_on)) == ("2026-01-01", "2026-12-31")
    assert found.inactive == ()
    assert found.own == ("own-week",)
    assert [(one.plan, one.keys, one.looser) for one in found.changes] == [
        ("pump-month", ("owner_role",), ()), ("pump-contract", ("contract",), ()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (", legal_review: FW-1", "", "not_reviewed"),
        ("  - {plan: pump-contract, contract: pumps-2026}\n", "", "no_contract"),
    ],
)
def test_a_contractors_plan_without_a_reviewed_contract_is_shown_but_makes_nothing(
    files: SiteFiles, old: str, new: str, why: str
) -> None:
    files.change(SITE, old, new)
    if why == "no_contract":
        start = (files.root / SITE).read_text("utf-8").index("checklists:")
        files.write(SITE, (files.root / SITE).read_text("utf-8")[start:])
    found = upkeep(files)
    assert "pump-contract" not in found.plan_by_id
    assert [(one.plan.id, one.why) for one in found.inactive] == [("pump-contract", why)]


def test_a_site_loosens_with_a_reason_and_tightens_without(files: SiteFiles) -> None:
    files.change(SITE, "owner_role: supervisor", "every: year, reason: 停用多年, approved_by: manager")
    found = upkeep(files)
    assert found.plan_by_id["pump-month"].every == "year"
    assert next((one.looser, one.approved_by) for one in found.changes) == (("every",), "manager")
    files.change(SITE, "every: year, reason: 停用多年, approved_by: manager", "interval: 7d, without: [pump]")
    assert [one.place for one in files.problems()] == ["changes[0].without"]
    files.change(SITE, "interval: 7d, without: [pump]", "interval: 7d")
    plan = upkeep(files).plan_by_id["pump-month"]
    assert (plan.every, plan.interval and plan.interval.days) == (None, 7)


def test_what_is_switched_off_is_shown_with_its_reason(files: SiteFiles) -> None:
    files.change(SITE, "owner_role: supervisor", "enabled: false, reason: 巡更已查, approved_by: supervisor")
    (idle,) = upkeep(files).inactive
    assert (idle.plan.id, idle.why, idle.reason, idle.approved_by) == (
        "pump-month", "disabled", "巡更已查", "supervisor",
    )  # fmt: skip
