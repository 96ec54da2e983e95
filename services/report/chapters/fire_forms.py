"""附表: forms of GB 25201-2010 filled from records: A.1, B.1, C.1, and the month's functional tests. Pure."""

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from services.report.chapters.fire_records import FireFacts
from services.report.chapters.parts import col, day, moment
from services.report.model import Cell, Form, Month, Table

_SIGNED = "消防安全责任人或消防安全管理人（签名）：＿＿＿＿＿＿　　　　年　　月　　日"
BLANK = "\u3000" * 5
"""Room for the pen: no record tells what was mended on the spot."""
_KINDS = ("fire", "fault", "shield", "supervisory")


def forms(month: Month, facts: FireFacts) -> tuple[Form, ...]:
    """Those of the month; a form without a line says so."""
    return duty(month, facts), repairs(facts), patrol(month, facts), tests(facts)


def _days(month: Month) -> list[date]:
    last = (month.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(month.timezone)).date()
    return [month.first_on + timedelta(days=one) for one in range(max(-1, (last - month.first_on).days) + 1)]


def duty(month: Month, facts: FireFacts) -> Form:
    """A.1 消防控制室值班记录, day by day."""
    zone = ZoneInfo(month.timezone)
    counts: dict[date, Counter[str]] = {}
    for one in facts.began:
        group = "fire" if one.group in ("real", "false", "pending") else one.group
        if group in _KINDS:
            counts.setdefault(one.at.astimezone(zone).date(), Counter())[group] += 1
    for check in facts.checks:
        own = counts.setdefault(check.asked_at.astimezone(zone).date(), Counter())
        own["checks"] += 1
        own["answered"] += check.outcome == "answered"
    shifts: dict[date, list[str]] = {}
    for shift in facts.shifts:
        shifts.setdefault(shift.on, []).append(f"{shift.name}：{shift.given_by}→{shift.taken_by}")

    def row(on: date) -> tuple[Cell, ...]:
        own = counts.get(on, Counter())
        seen = facts.watched_at is not None and facts.watched_at.astimezone(zone).date() <= on
        asked = f"{own['answered']}/{own['checks']}" if own["checks"] else None
        return (
            day(on), *(own[kind] if seen else None for kind in _KINDS), asked, "；".join(shifts.get(on, ())) or None
        )  # fmt: skip

    any_record = facts.watched or bool(shifts) or bool(counts)
    return Form(
        id="form.a1", number="A.1", caption="消防控制室值班记录汇总",
        table=Table(
            id="form.a1.table", caption="值班记录",
            columns=(
                col("on", "日期", "Day", "date"), col("fire", "火警", "Fire", "int"),
                col("fault", "故障", "Faults", "int"), col("shield", "屏蔽", "Shielded", "int"),
                col("supervisory", "监管", "Supervisory", "int"), col("checks", "查岗（应答/次数）", "Duty checks"),
                col("shifts", "交接班（交→接）", "Handovers", width=3.0),
            ),
            rows=tuple(row(on) for on in _days(month)) if any_record else (),
        ),
        foot=("火警含真实、误报、待定；测试期间的信号不计。", _SIGNED),
    )  # fmt: skip


def repairs(facts: FireFacts) -> Form:
    """B.1 建筑消防设施故障维修记录表."""
    return Form(
        id="form.b1", number="B.1", caption="建筑消防设施故障维修记录表",
        table=Table(
            id="form.b1.table", caption="故障维修",
            columns=(
                col("found", "发现时间", "Found", "datetime", 1.4), col("finder", "发现人（途径）", "Found by"),
                col("place", "故障部位", "Where", width=1.8), col("words", "故障情况描述", "What", width=2.0),
                col("stopped", "是否停用系统", "Stopped", "mark"), col("filed", "是否报消防部门备案", "Filed", "mark"),
                col("measures", "安全保护措施", "Measures", width=1.6),
                col("repaired", "维修时间", "Repaired", "datetime", 1.4),
                col("repairer", "维修人员（单位）", "By", "person", 1.2), col("method", "维修方法", "How", width=1.6),
                col("confirmed", "故障排除确认", "Confirmed", "person", 1.2),
            ),
            rows=tuple(
                (moment(one.found_at), one.found_by, one.place, one.words, one.stopped, one.filed, one.measures or None,
                 moment(one.repaired_at), one.repaired_by or None, one.method or None, one.confirmed_by or None)
                for one in facts.repairs
            ),
        ),
        foot=("停用系统须由消防安全责任人签字；停用超过 24 小时须填写备案与安全保护措施。",),
    )  # fmt: skip


def patrol(month: Month, facts: FireFacts) -> Form:
    """C.1 建筑消防设施巡查记录表, item by item over the month."""
    return Form(
        id="form.c1", number="C.1", caption="建筑消防设施巡查记录表",
        head=(("巡查月份", f"{month.first_on:%Y-%m}"),),
        table=Table(
            id="form.c1.table", caption="巡查情况",
            columns=(
                col("item", "巡查项目", "Item", width=1.6), col("content", "巡查内容", "Content", width=2.2),
                col("place", "部位", "Where", width=1.8), col("checks", "数量", "Checks", "int"),
                col("good", "正常数量", "Normal", "int"), col("faults", "故障描述", "Faults", width=2.0),
                col("mended", "当场处理情况", "Mended at once", width=1.2),
                col("orders", "报修情况", "Orders", width=1.4),
            ),
            rows=tuple((one.item, one.content, one.place, one.checks, one.good, "；".join(one.faults) or None,
                        BLANK if one.faults else None, "、".join(one.orders) or None) for one in facts.items),
        ),
        foot=("巡查人（签名）：＿＿＿＿＿＿", _SIGNED, "本表存档时间不得少于 1 年。"),
    )  # fmt: skip


def tests(facts: FireFacts) -> Form:
    """Every entry of the month's functional tests (PER-13)."""
    return Form(
        id="form.tests", number="月度功能测试", caption="消防设备月度功能测试记录",
        table=Table(
            id="form.tests.table", caption="测试记录", most_printed=200,
            columns=(
                col("device", "设备", "Device", width=2.0), col("kind", "类别", "Kind"),
                col("place", "部位", "Where", width=1.8), col("on", "测试日期", "Day", "date"),
                col("method", "测试方式", "How"), col("passed", "合格", "Passed", "mark"),
                col("by", "测试人", "By", "person"), col("proven", "信号佐证", "Proven", "mark"),
                col("note", "备注", "Note", width=1.6),
            ),
            rows=tuple((one.name, one.kind_name, one.place, day(one.tested_on), one.method, one.passed, one.by,
                        one.proven, one.note or None) for one in facts.entries),
        ),
        foot=("测试人（签名）：＿＿＿＿＿＿　证书编号：＿＿＿＿＿＿", _SIGNED),
    )  # fmt: skip
