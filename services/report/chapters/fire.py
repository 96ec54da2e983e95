"""四、消防系统: alarms, faults and outages, the monthly tests, drills, and the conclusion of the fire report. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import cast

from services.fire.upkeep import DeviceMonth, MonthOfTests
from services.report.chapters import fire_forms, pump_room, tasks
from services.report.chapters.fire_records import LONG, Alarm, FireFacts
from services.report.chapters.parts import at_least, col, day, hours, minutes, moment, portion, share
from services.report.model import (
    Block,
    Cell,
    Chapter,
    Chart,
    Evidenced,
    Month,
    Ref,
    Section,
    Series,
    Table,
    Text,
    amount,
    ratio,
)
from services.report.months import previous_first

GROUPS: tuple[tuple[str, str, str], ...] = (
    ("real", "火警真实", "Real"), ("false", "误报", "False"), ("pending", "待定", "Pending"), ("test", "测试", "Test"),
    ("fault", "故障", "Faults"), ("shield", "屏蔽", "Shielded"), ("supervisory", "监管", "Supervisory"),
    ("offline", "离线", "Offline"),
)  # fmt: skip
VERDICTS = {"real": "真实", "false": "误报", "test": "测试", "": "待定"}
GRADES = {"small": "小火情", "large": "大规模火警", "": ""}
ITEMS = {"evacuation": "疏散路线", "extinguisher": "灭火器实操"}
LACKS = {"owners": "业主未参加", "staff": "员工未参加", "evacuation": "无疏散路线模拟", "extinguisher": "无灭火器实操"}
_TREND = 12
_RANKS = {"不合格": 96, "基本合格": 56, "合格": 6}


def chapter(month: Month, facts: FireFacts) -> Chapter:
    """The chapter; without fire protection in the site files it is left out."""
    if not facts.declared:
        return Chapter(gaps=("消防系统：站点文件没有消防设施，本章省略",))
    figures = _figures(month, facts)
    blocks: list[Block] = [_states(facts), _alarms(facts.alarms), _outages(month, facts)]
    blocks += _shares(facts)
    if facts.repeated:
        blocks.append(_repeated(facts))
    if facts.tests is not None:
        blocks.append(_tests(facts, facts.tests))
    if facts.pumps:
        blocks.append(pump_room.starts("fire.pumps", "消防泵与稳压泵启动", "Fire pumps", facts.pumps))
    if facts.tasks:
        blocks.append(
            tasks.table("fire.tasks", "消防泵试验与消防设备保养", "Fire equipment", facts.tasks, month.ends_at)
        )
    blocks += [_checks(facts), _drills(facts)]
    if facts.modes:
        blocks.append(_modes(facts))
    verdict, table = conclusion(month, facts)
    blocks += [table, Text(lines=(f"检查结论{'' if month.over else '（截至目前）'}：{verdict}",))]
    if facts.testers:
        blocks.append(_testers(facts))
    return Chapter(
        section=Section(id="fire", title="消防系统", title_en="Fire protection", blocks=tuple(blocks)),
        figures=figures,
        conclusions=(*_verdict(verdict, table), *_conclusions(month, facts)),
        decisions=tuple(_decisions(month, facts)),
        annex=fire_forms.forms(month, facts),
        gaps=("消防：值班室每两小时记录没有数据来源，A.1 只汇总交接班、查岗与报警",),
    )


def _figures(month: Month, facts: FireFacts) -> tuple[Evidenced, ...]:
    return (*_alarm_figures(month, facts), *_test_figures(facts))


def _alarm_figures(month: Month, facts: FireFacts) -> list[Evidenced]:
    heard = facts.watched

    def of(verdict: str, figure_id: str, name: str, name_en: str) -> Evidenced:
        own = [one for one in facts.alarms if one.verdict == verdict]
        return amount(
            figure_id, name, name_en, float(len(own)) if heard else None,
            [Ref(kind="fire_incident", id=one.id, counted=True, words=f"{one.number} {one.place}") for one in own],
            how=f"本月开始、结论为「{VERDICTS[verdict]}」的火警事件数。",
            how_en=f"Incidents of the month: {name_en.lower()}.",
            requirements=("AMB-24", "AMB-28"),
        )  # fmt: skip

    faults = [one for one in facts.began if one.group == "fault"]
    shields = [one for one in facts.outages if one.began_at >= month.since_at]
    ended = [one for one in facts.alarms if one.verdict in ("real", "false")]
    return [
        of("real", "fire.alarms_real", "火警（真实）", "Real fires"),
        of("false", "fire.alarms_false", "火警（误报）", "False alarms"),
        of("", "fire.alarms_pending", "火警（待定）", "Pending alarms"),
        of("test", "fire.alarms_test", "火警（测试）", "Test alarms"),
        portion("fire.false_rate", "误报率", "Share of false alarms", sum(one.verdict == "false" for one in ended),
                len(ended), (Ref(kind="fire_incident", id=one.id, counted=one.verdict == "false", words=one.number)
                             for one in ended),
                how="误报 ÷（误报 + 真实）；测试和待定的不计。", how_en="False over false and real."),
        amount("fire.faults", "消防故障", "Faults", float(len(faults)) if heard else None,
               [Ref(kind="fire_signal", id=one.id, counted=True, words=f"{one.name} {one.state}") for one in faults],
               how="本月新出现的部件或系统故障次数；重复上报和测试期间的不计。",
               how_en="Faults that began; repeats and tests are not counted."),
        amount("fire.shields", "屏蔽与停用", "Shielded or stopped", float(len(shields)) if heard else None,
               [Ref(kind="fire_outage", id=one.id, counted=True, words=one.name) for one in shields],
               how="本月开始的部件屏蔽和系统停用次数。", how_en="Outages that began in the month.",
               requirements=("GB 25201 B.1",)),
    ]  # fmt: skip


def _test_figures(facts: FireFacts) -> list[Evidenced]:
    devices = facts.tests.devices if facts.tests is not None else ()
    done = [one for one in devices if one.state in ("done", "failed")]
    return [
        ratio("fire.tested", "消防设备月度功能测试率", "Devices tested",
              (Ref(kind="fire_device", id=one.device.id, counted=one.state in ("done", "failed"),
                   words=f"{one.device.name} {'已测' if one.tests else '未测'}") for one in devices),
              how="本月有测试记录的设备 ÷ 台账中应测的设备（灭火器、消火栓、烟感等）；不合格也算已测。",
              how_en="Devices with a test over devices of the ledger; a failed test is a test.",
              target=at_least(100), requirements=("PER-13", "AMB-18")),
        ratio("fire.real_tests", "实测比例", "Share of real tests",
              (Ref(kind="fire_device", id=one.device.id, counted=one.real,
                   words=f"{one.device.name} {'加烟、压力或动作' if one.real else '仅外观'}") for one in done),
              how="加烟、压力、按下或联动测试过的设备 ÷ 已测设备；只看外观的不算实测。",
              how_en="Devices made to work or measured over devices tested.", requirements=("AMB-18",)),
    ]  # fmt: skip


def _states(facts: FireFacts) -> Table:
    counts: dict[str, Counter[str]] = {}
    for one in facts.began:
        if one.group:
            counts.setdefault(one.system, Counter())[one.group] += 1
    for _, system in facts.offline:
        counts.setdefault(system, Counter())["offline"] += 1
    rows = tuple((system, *(counts[system][group] for group, _, _ in GROUPS)) for system in sorted(counts))
    total = sum(counts.values(), Counter())
    return Table(
        id="fire.states", caption="报警统计", caption_en="Signals by system", sheet="报警",
        columns=(col("system", "系统", "System", width=2.0),
                 *(col(group, name, name_en, "int") for group, name, name_en in GROUPS)),
        rows=rows, total=("合计", *(total[group] for group, _, _ in GROUPS)) if rows else None,
        note="按部件状态新出现的次数计；火警按所属事件的结论归类。",
    )  # fmt: skip


def _alarms(alarms: Sequence[Alarm]) -> Table:
    return Table(
        id="fire.alarms", caption="火警逐条", caption_en="Incidents", sheet="火警",
        columns=(
            col("number", "编号", "Number", width=1.6), col("at", "时间", "When", "datetime", 1.6),
            col("place", "部位", "Where", width=2.0), col("confirm", "确认用时", "Confirmed after", "minutes"),
            col("verdict", "判定", "Verdict"), col("grade", "级别", "Grade"),
            col("signals", "信号数", "Signals", "int"),
            col("called", "119", "119", "datetime", 1.6), col("cause", "原因与处置", "Cause", width=2.4),
        ),
        rows=tuple((one.number, moment(one.opened_at), one.place,
                    minutes(one.confirmed_at - one.opened_at) if one.confirmed_at else None, VERDICTS[one.verdict],
                    GRADES.get(one.grade, one.grade), one.signals, moment(one.called_119_at), one.cause)
                   for one in sorted(alarms, key=lambda one: (one.opened_at, one.id))),
    )  # fmt: skip


def _outages(month: Month, facts: FireFacts) -> Table:
    until = month.ends_at
    return Table(
        id="fire.outages", caption="屏蔽与停用", caption_en="Outages", sheet="故障屏蔽",
        columns=(
            col("device", "部位", "What", width=2.2), col("kind", "类别", "Kind"),
            col("began", "开始", "Since", "datetime", 1.6), col("ended", "结束", "Until", "datetime", 1.6),
            col("hours", "小时", "Hours", "hours"), col("long", "超 24 小时", "Over 24 h", "mark"),
            col("filed", "报消防部门备案", "Filed", "mark"), col("measures", "安全保护措施", "Measures", width=2.2),
        ),
        rows=tuple((one.name, "停用" if one.kind == "stop" else "屏蔽", moment(one.began_at),
                    None if one.open_at(until) else moment(one.ended_at), hours(one.lasted(until)),
                    one.lasted(until) > LONG, one.filed, one.measures) for one in facts.outages),
    )  # fmt: skip


def _shares(facts: FireFacts) -> list[Block]:
    total = Counter(one.group for one in facts.began if one.group)
    total["offline"] += len(facts.offline)
    shown = [(name, float(total[group])) for group, name, _ in GROUPS if total[group]]
    blocks: list[Block] = []
    if shown:
        blocks.append(
            Chart(id="fire.share", caption="报警类型占比", caption_en="Share of kinds", kind="share", unit="次",
                  labels=tuple(name for name, _ in shown),
                  series=(Series(name="次数", values=tuple(count for _, count in shown)),))
        )  # fmt: skip
    if len(facts.rates) > 1:
        labels = tuple(f"{one.month:%Y-%m}" for one in facts.rates)
        lines = (
            Series(name="真实", values=tuple(float(one.real) for one in facts.rates)),
            Series(name="误报", values=tuple(float(one.false) for one in facts.rates)),
        )
        blocks.append(
            Chart(id="fire.trend", caption="近 12 个月火警", caption_en="Alarms by month", kind="line", unit="起",
                  labels=labels, series=lines)
        )  # fmt: skip
    return blocks


def _repeated(facts: FireFacts) -> Table:
    return Table(
        id="fire.repeated", caption="反复误报的点位", caption_en="Repeated false alarms",
        columns=(col("point", "点位", "Point", width=2.4), col("count", "误报次数", "Times", "int"),
                 col("last", "最近一次", "Last", "datetime", 1.6)),
        rows=tuple((one.name, one.incidents, moment(one.last_at)) for one in facts.repeated),
    )  # fmt: skip


def _tests(facts: FireFacts, tests: MonthOfTests) -> Table:
    names = dict(facts.kind_names)
    groups: dict[str, list[DeviceMonth]] = {}
    for one in tests.devices:
        groups.setdefault(one.device.kind, []).append(one)
    rows = [_kind(names.get(kind, kind), groups[kind]) for kind in groups]
    return Table(
        id="fire.tests", caption="每月功能性测试", caption_en="Monthly tests", sheet="月度测试",
        columns=(
            col("kind", "类别", "Kind", width=1.6), col("count", "应测", "Due", "int"),
            col("tested", "已测", "Tested", "int"), col("passed", "合格", "Passed", "int"),
            col("failed", "不合格", "Failed", "int"), col("untested", "未测", "Untested", "int"),
            col("real", "实测", "Real tests", "int"), col("rate", "测试率", "Tested %", "percent"),
        ),
        rows=tuple(rows), total=_kind("合计", tests.devices) if rows else None,
    )  # fmt: skip


def _kind(name: str, own: Sequence[DeviceMonth]) -> tuple[Cell, ...]:
    states = Counter(one.state for one in own)
    tested = states["done"] + states["failed"]
    return (
        name, len(own), tested, states["done"], states["failed"], len(own) - tested, sum(one.real for one in own),
        share(tested, len(own)),
    )  # fmt: skip


def _checks(facts: FireFacts) -> Table:
    words = {"answered": "已应答", "missed": "未应答", "failed": "未送达", "open": "等待中"}
    return Table(
        id="fire.checks", caption="消控室查岗", caption_en="Duty checks", most_printed=40,
        columns=(
            col("at", "时间", "When", "datetime", 1.6), col("source", "装置", "Device", width=2.0),
            col("by", "发起人", "By", "person"), col("result", "结果", "Result"),
            col("after", "应答用时", "Answered after", "minutes"),
        ),
        rows=tuple((moment(one.asked_at), one.source, one.by, words.get(one.outcome, one.outcome),
                    minutes(one.answered_at - one.asked_at) if one.answered_at else None) for one in facts.checks),
    )  # fmt: skip


def _drills(facts: FireFacts) -> Table:
    quarter = facts.quarter
    rows = (
        (
            day(one.held_on),
            one.owners,
            one.staff,
            "、".join(ITEMS.get(each, each) for each in one.items),
            "；".join(LACKS.get(each, each) for each in one.lacks),
        )
        for one in (quarter.drills if quarter else ())
    )
    state = {"done": "本季度演练已完成。", "due": "本季度尚未完成演练，季度未结束。", "missing": "本季度没有完成演练。"}
    return Table(
        id="fire.drills", caption="消防演练（本季度）", caption_en="Drills of the quarter",
        columns=(col("on", "日期", "Day", "date"), col("owners", "业主", "Owners", "int"),
                 col("staff", "员工", "Staff", "int"), col("items", "项目", "Items", width=2.0),
                 col("lacks", "不足", "Lacks", width=2.0)),
        rows=tuple(rows), empty="本季度无演练记录", empty_en="No drill this quarter",
        note=state.get(cast(str, quarter.state), "") if quarter and quarter.state else "",
    )  # fmt: skip


def _modes(facts: FireFacts) -> Table:
    return Table(
        id="fire.modes", caption="测试（检修）状态", caption_en="Test modes",
        columns=(
            col("panel", "主机", "Panel", width=1.6), col("zone", "分区", "Zone", width=1.6),
            col("begun", "开始", "From", "datetime", 1.6), col("ended", "结束", "Until", "datetime", 1.6),
            col("reason", "原因", "Why", width=2.0), col("by", "申请", "By", "person"),
            col("second", "复核", "Second", "person"),
        ),
        rows=tuple((one.panel, one.zone or "整机", moment(one.begun_at), moment(one.ended_at), one.reason, one.by,
                    one.second) for one in facts.modes),
    )  # fmt: skip


def _testers(facts: FireFacts) -> Table:
    return Table(
        id="fire.testers", caption="测试人员", caption_en="Testers",
        columns=(col("name", "测试人", "Tester", "person", 1.6), col("tests", "测试次数", "Tests", "int"),
                 col("certificate", "证书编号", "Certificate", width=2.0),
                 col("expires", "有效期至", "Valid until", "date")),
        rows=tuple((one.name, one.tests, one.certificate, day(one.expires_on)) for one in facts.testers),
    )  # fmt: skip


def conclusion(month: Month, facts: FireFacts) -> tuple[str, Table]:
    """合格, 基本合格, 不合格 or 无数据, with what decides it.

    An open outage of more than 24 hours or an untested device is not 合格.
    """
    until = month.ends_at
    long = [one for one in facts.outages if one.open_at(until) and one.lasted(until) > LONG]
    tests = facts.tests
    failed = len(tests.of("failed")) if tests else 0
    untested = len(tests.untested) if tests else 0
    heard = facts.watched or bool(tests and tests.devices)
    verdict = "无数据" if not heard else "不合格" if long or failed else "基本合格" if untested else "合格"
    rows = (
        ("月末仍停用、屏蔽超过 24 小时", len(long) if heard else None, "不合格"),
        ("最近一次测试不合格的设备", failed if tests and tests.devices else None, "不合格"),
        ("本月未测试的设备", untested if tests and tests.devices else None, "不得评为合格"),
    )
    return verdict, Table(
        id="fire.conclusion", caption="检查结论依据", caption_en="What decides the conclusion",
        columns=(col("what", "项目", "What", width=3.0), col("count", "数量", "Count", "int"),
                 col("means", "有则", "Then", width=1.6)),
        rows=rows,
    )  # fmt: skip


def _verdict(verdict: str, table: Table) -> tuple[tuple[int, str], ...]:
    """What the report on fire protection says first."""
    if verdict not in _RANKS:
        return ()
    why = "，".join(f"{row[0]} {row[1]} 个" for row in table.rows if row[1])
    return ((_RANKS[verdict], f"消防设施检查结论：{verdict}{f'（{why}）' if why else ''}。"),)


def _conclusions(month: Month, facts: FireFacts) -> tuple[tuple[int, str], ...]:
    said: list[tuple[int, str]] = []
    real = [one for one in facts.alarms if one.verdict == "real"]
    if real:
        said.append((95, f"本月发生真实火警 {len(real)} 起。"))
    long = [one for one in facts.outages if one.open_at(month.ends_at) and one.lasted(month.ends_at) > LONG]
    if long:
        said.append((90, f"月末仍有 {len(long)} 处消防设施停用或屏蔽超过 24 小时，首个是{long[0].name}。"))
    if facts.tests is not None and facts.tests.devices:
        untested = len(facts.tests.untested)
        if untested:
            word = "未做" if facts.tests.over else "尚未做"
            said.append((55, f"消防设备 {len(facts.tests.devices)} 个应测，{untested} 个{word}月度功能测试。"))
        else:
            said.append((5, f"消防设备 {len(facts.tests.devices)} 个全部完成月度功能测试。"))
    false = sum(one.verdict == "false" for one in facts.alarms)
    if false:
        said.append((30, f"本月误报 {false} 起。"))
    return tuple(said)


def _decisions(month: Month, facts: FireFacts) -> Iterable[str]:
    for one in facts.outages:
        if one.lasted(month.ends_at) <= LONG:
            continue
        filed = "已备案" if one.filed else "未备案" if one.filed is False else "备案情况未填"
        lasted = hours(one.lasted(month.ends_at))
        if one.open_at(month.ends_at):
            yield f"{one.name}停用或屏蔽 {lasted:.0f} 小时，{filed}，需确认保护措施与恢复时间。"
        elif not one.filed:
            yield f"{one.name}停用或屏蔽 {lasted:.0f} 小时，已恢复，{filed}，需补填备案与保护措施。"


def trend_since(first_on: date) -> date:
    """First day of the twelve months that end with one."""
    for _ in range(_TREND - 1):
        first_on = previous_first(first_on)
    return first_on
