"""Fire protection of a month by hand: alarms, faults that began, tests, outages, the conclusion and the forms."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.fire.model import Holding, Signal
from services.fire.upkeep import Device, DoneTest, Drill, FalseRate, MonthOfTests, drill_quarter, month_of_tests
from services.report.chapters import fire_forms
from services.report.chapters.fire import chapter, conclusion
from services.report.chapters.fire_records import (
    Alarm,
    Began,
    Check,
    Entry,
    Examiner,
    FireFacts,
    Item,
    Outage,
    Repair,
    Shift,
    began,
)
from services.report.model import Chapter, Figure, Form, Table
from services.report.months import month_of

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = month_of("2026-10", "Asia/Shanghai", NOW)
SINCE = OCTOBER.since_at
FIRST = date(2026, 10, 1)
ZONE = ZoneInfo("Asia/Shanghai")
DEVICES = [Device(f"d{one}", f"烟感{one}", "", "smoke", "b1") for one in range(4)]


def hour(count: float) -> datetime:
    return SINCE + timedelta(hours=count)


def alarm(name: str, verdict: str, at: float) -> Alarm:
    closed = None if not verdict else hour(at + 1)
    return Alarm(
        name, f"HJ-{name}", hour(at), "1号楼", verdict, "small", hour(at) + timedelta(minutes=2), None, closed, "", 1
    )


def outage(name: str, since: float, until: float | None, kind: str = "shield") -> Outage:
    ended = hour(until) if until is not None else None
    return Outage(name, f"yunhe/p/{name}", name, kind, hour(since), ended, None, "", "")


def did(device: str, kind: str, *, passed: bool = True) -> DoneTest:
    return DoneTest(device, kind, passed, date(2026, 10, 9), NOW)


def of_devices(devices: list[Device], *tests: DoneTest) -> MonthOfTests:
    return month_of_tests(devices, tests, FIRST, ZONE, NOW)


TESTS = of_devices(DEVICES, did("d0", "smoke"), did("d1", "visual"), did("d2", "smoke"))
FACTS = FireFacts(
    declared=True,
    panels=True,
    watched_at=SINCE - timedelta(days=40),
    alarms=(alarm("r", "real", 30), alarm("f1", "false", 40), alarm("f2", "false", 50), alarm("t", "test", 5),
            alarm("o", "", 700)),
    began=(
        Began("s1", "火灾报警系统", "c1", "烟感1", "fault", hour(3), False),
        Began("s2", "火灾报警系统", "c1", "烟感1", "fire", hour(40), False, "false"),
        Began("s3", "火灾报警系统", "c2", "烟感2", "fire", hour(700), False, ""),
        Began("s4", "消火栓系统", "c3", "按钮", "shield", hour(8), False),
        Began("s5", "消火栓系统", "c3", "按钮", "fault", hour(9), True),
        Began("s6", "消火栓系统", "c3", "按钮", "start", hour(9), False),
    ),
    offline=(("a1", "消火栓系统"),),
    outages=(outage("short", 2, 20), outage("long", 700, None), outage("old", -100, 50, "stop")),
    tests=TESTS,
    kind_names=(("smoke", "烟感"),),
    quarter=drill_quarter([Drill("d", date(2026, 10, 20), 3, 2, ("evacuation",))], date(2026, 10, 1), ZONE, NOW),
    rates=(FalseRate(date(2026, 9, 1), 0, 1, 0), FalseRate(FIRST, 1, 2, 1)),
    checks=(
        Check("k1", hour(10), "传输装置", "主管", "answered", hour(10) + timedelta(minutes=3)),
        Check("k2", hour(11), "传输装置", "主管", "missed", None),
    ),
)  # fmt: skip


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def form(made: Chapter, number: str) -> Form:
    return next(one for one in made.annex if one.number == number)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fire.alarms_real", 1), ("fire.alarms_false", 2), ("fire.alarms_pending", 1), ("fire.alarms_test", 1),
        ("fire.faults", 1), ("fire.shields", 2), ("fire.tested", 75.0), ("fire.false_rate", 100 * 2 / 3),
        ("fire.real_tests", 100 * 2 / 3),
    ],
)  # fmt: skip
def test_figures(name: str, value: float) -> None:
    assert figure(chapter(OCTOBER, FACTS), name).value == pytest.approx(value)


def test_states_by_system() -> None:
    made = table(chapter(OCTOBER, FACTS), "fire.states")
    assert made.rows == (("消火栓系统", 0, 0, 0, 1, 0, 1, 0, 1), ("火灾报警系统", 0, 1, 1, 0, 1, 0, 0, 0))
    assert made.total == ("合计", 0, 1, 1, 1, 1, 1, 0, 1)


def test_outages_say_how_long_and_whether_longer_than_a_day() -> None:
    rows = table(chapter(OCTOBER, FACTS), "fire.outages").rows
    assert [(row[0], row[4], row[5], row[3] is None) for row in rows] == [
        ("short", 18.0, False, False), ("long", 44.0, True, True), ("old", 150.0, True, False),
    ]  # fmt: skip
    decisions = chapter(OCTOBER, FACTS).decisions
    assert ["备案情况未填，需确认" in one or "已恢复，备案情况未填" in one for one in decisions] == [True, True]


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (FACTS, "不合格"),
        (FireFacts(declared=True, watched_at=SINCE, tests=TESTS, outages=(outage("day", 720, None),)), "基本合格"),
        (FireFacts(declared=True, tests=of_devices(DEVICES[:1], did("d0", "smoke"))), "合格"),
        (FireFacts(declared=True, tests=of_devices(DEVICES[:1], did("d0", "smoke", passed=False))), "不合格"),
        (FireFacts(declared=True), "无数据"),
    ],
)  # fmt: skip
def test_the_conclusion(facts: FireFacts, verdict: str) -> None:
    assert conclusion(OCTOBER, facts)[0] == verdict
    said = [line for _, line in chapter(OCTOBER, facts).conclusions if line.startswith(f"消防设施检查结论：{verdict}")]
    assert len(said) == (verdict != "无数据")


def test_a_day_is_long_only_beyond_twenty_four_hours() -> None:
    at_bound = FireFacts(declared=True, watched_at=SINCE, outages=(outage("bound", 720, None),))
    assert conclusion(OCTOBER, at_bound)[0] == "合格"
    over = FireFacts(declared=True, watched_at=SINCE, outages=(outage("over", 719.9, None),))
    assert conclusion(OCTOBER, over)[0] == "不合格"


def test_tests_by_kind_and_drills() -> None:
    made = chapter(OCTOBER, FACTS)
    assert table(made, "fire.tests").rows == (("烟感", 4, 3, 3, 0, 1, 2, 75.0),)
    drills = table(made, "fire.drills")
    assert drills.rows == (("2026-10-20", 3, 2, "疏散路线", "无灭火器实操"),)
    assert drills.note == "本季度尚未完成演练，季度未结束。"


def test_a_month_nobody_listened_to_is_no_data() -> None:
    made = chapter(OCTOBER, FireFacts(declared=True))
    assert {one.figure.value for one in made.figures} == {None}
    assert form(made, "A.1").table.rows == ()
    assert chapter(OCTOBER, FireFacts(declared=False)).section is None


def test_form_a1_has_a_row_for_each_day_since_somebody_listened() -> None:
    facts = FireFacts(
        declared=True, watched_at=hour(49), began=FACTS.began, checks=FACTS.checks,
        shifts=(Shift(date(2026, 10, 2), "夜班", "甲岗", "乙岗", "", ""),),
    )  # fmt: skip
    rows = form(chapter(OCTOBER, facts), "A.1").table.rows
    assert len(rows) == 31
    assert rows[0] == ("2026-10-01", None, None, None, None, "1/2", None)
    assert rows[1] == ("2026-10-02", None, None, None, None, None, "夜班：甲岗→乙岗")
    assert rows[3][1:5] == (0, 0, 0, 0)
    assert rows[29][1] == 1


def test_forms_b1_c1_and_the_tests() -> None:
    repair = Repair(
        "a", hour(1), "系统自动报警", "烟感1", "故障", True, True, "加派巡查", hour(5), "维修工", "更换", "主管", "WO-1"
    )
    facts = FireFacts(
        declared=True, repairs=(repair,), items=(Item("消火栓", "栓口完好", "1号楼", 30, 29, ("漏水",), ("WO-2",)),),
        entries=(Entry("e", "d0", "烟感0", "烟感", "1号楼", "加烟", True, FIRST, "维修工", True, ""),),
        testers=(Examiner("维修工", 1, "ZS-1", date(2027, 1, 1)),),
    )  # fmt: skip
    made = chapter(OCTOBER, facts)
    assert form(made, "B.1").table.rows[0][4:7] == (True, True, "加派巡查")
    assert form(made, "C.1").table.rows == (("消火栓", "栓口完好", "1号楼", 30, 29, "漏水", fire_forms.BLANK, "WO-2"),)
    assert form(made, "月度功能测试").table.rows[0][3:6] == ("2026-10-01", "加烟", True)
    assert table(made, "fire.testers").rows == (("维修工", 1, "ZS-1", "2027-01-01"),)


def signal(name: str, at: float, component: str, *states: str, operations: tuple[str, ...] = ()) -> Signal:
    return Signal(
        id=name, site="yunhe", device="p", panel="p", scope="component", component=f"yunhe/p/{component}", at=hour(at),
        received_at=hour(at), states=states, complete=True, operations=operations,
    )  # fmt: skip


def test_only_what_is_new_begins() -> None:
    signals = [
        signal("1", 1, "a", "fault"), signal("2", 2, "a", "fault"), signal("3", 3, "a"), signal("4", 4, "a", "fault"),
        signal("5", 5, "b", "fault"), signal("6", 6, "c", "fire"), signal("7", 7, "self", operations=("reset",)),
        signal("8", 8, "c", "fire"),
    ]  # fmt: skip
    before = {"yunhe/p/b": Holding({"fault": hour(-5)}, heard_at=hour(-5))}
    assert [(one.id, state) for one, state in began(signals, before)] == [
        ("1", "fault"), ("4", "fault"), ("6", "fire"), ("8", "fire"),
    ]  # fmt: skip
