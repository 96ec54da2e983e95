"""十六、数据质量与口径: how well sensors were heard, gaps, entries by hand, maintenance, limits loosened here. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.report.chapters.parts import col, hours, minutes, moment, portion, share
from services.report.model import Block, Chapter, Evidenced, Month, Ref, Section, Table, Text
from services.report.spans import Span, Window

MOST_GAPS = 60
_RULES = (
    "月、周、日按站点时区的自然月、自然周（周一至周日）、自然日；任务按应完成时间归月，事件按开始时间归月。",
    "限值与设定值取出报告时的站点文件；月内修改过的限值不追溯。",
    "没有记录的指标写「—」，不写 0% 或 100%。",
)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One point that reports by itself."""

    key: str
    name: str
    place: str
    due: timedelta
    """Since it was first heard, within the month."""
    heard: timedelta
    gaps: tuple[Span, ...] = ()
    """Longer than ten minutes, by minutes."""


@dataclass(frozen=True, slots=True)
class Loosened:
    """A limit or rule that this site has looser than documented."""

    rule: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class QualityFacts:
    """What the chapter is written from."""

    sensors: tuple[Sensor, ...] = ()
    never_heard: tuple[str, ...] = ()
    """Names of points that are declared and were never heard."""
    windows: tuple[Window, ...] = ()
    quarantine: tuple[tuple[str, int], ...] = ()
    """(device, messages) that could not be understood."""
    lost: tuple[tuple[str, int], ...] = ()
    """(device, messages) that never arrived, by their sequence numbers."""
    taps: int = 0
    by_hand: int = 0
    """Taps that were typed in instead of read."""
    doubtful_time: int = 0
    """Taps whose time is only claimed by the device."""
    inspections: int = 0
    from_list: int = 0
    """Inspections opened from the list: nothing proves that somebody was there."""
    tests_by_hand: int = 0
    tests: int = 0
    retracted: int = 0
    """Missed verdicts that later evidence took back."""
    loosened: tuple[Loosened, ...] = ()
    rules: tuple[str, ...] = ()
    """Sentences about how things were counted."""


def chapter(_month: Month, facts: QualityFacts) -> Chapter:
    """The chapter is always there."""
    figures = _figures(facts)
    blocks: list[Block] = [_sensors(facts.sensors), _gaps(facts.sensors), _hand(facts), _windows(facts.windows)]
    if facts.quarantine or facts.lost:
        blocks.append(_messages(facts))
    blocks += [_loosened(facts.loosened), Text(style="bullets", lines=(*facts.rules, *_RULES))]
    return Chapter(
        section=Section(id="quality", title="数据质量与口径", title_en="Data quality", blocks=tuple(blocks)),
        figures=figures,
        conclusions=_conclusions(facts, figures),
        gaps=(f"从未收到数据的测点（不计入在线率）：{'、'.join(facts.never_heard)}",) if facts.never_heard else (),
    )


def _figures(facts: QualityFacts) -> tuple[Evidenced, ...]:
    due = sum((one.due for one in facts.sensors), timedelta())
    heard = sum((min(one.heard, one.due) for one in facts.sensors), timedelta())
    return (
        portion("quality.uptime", "测点数据在线率", "Sensor uptime", hours(heard) or 0.0, hours(due) or 0.0,
                (Ref(kind="point", id=one.key, counted=not one.gaps,
                     words=f"{one.name} {share(one.heard / one.due, 1) or 0:.2f}%")
                 for one in facts.sensors if one.due),
                how="收到应有读数的小时 ÷ 测点首次上报以来的小时；按每小时应有读数数折算。",
                how_en="Hours with the readings due over hours since each point was first heard."),
    )  # fmt: skip


def _sensors(sensors: Sequence[Sensor]) -> Table:
    order = sorted(sensors, key=lambda one: (one.heard / one.due if one.due else 1.0, one.key))
    return Table(
        id="quality.sensors", caption="测点在线率（最低在前）", caption_en="Sensor uptime", sheet="数据质量",
        most_printed=40,
        columns=(col("point", "测点", "Point", width=2.4), col("place", "位置", "Where", width=2.0),
                 col("uptime", "在线率", "Uptime", "percent", decimals=2), col("gaps", "缺口次数", "Gaps", "int"),
                 col("missing", "缺口分钟", "Missing (min)", "minutes")),
        rows=tuple((one.name, one.place, share(min(one.heard, one.due) / one.due, 1) if one.due else None,
                    len(one.gaps),
                    minutes(sum((gap.lasted for gap in one.gaps), timedelta()))) for one in order),
        empty="没有测点上报过数据", empty_en="No point has reported",
    )  # fmt: skip


def _gaps(sensors: Sequence[Sensor]) -> Table:
    found = sorted(
        ((gap.start, one, gap) for one in sensors for gap in one.gaps), key=lambda each: (each[0], each[1].key)
    )
    return Table(
        id="quality.gaps", caption="超过 10 分钟的数据缺口", caption_en="Gaps over 10 minutes", most_printed=MOST_GAPS,
        columns=(col("point", "测点", "Point", width=2.4), col("start", "开始", "From", "datetime", 1.6),
                 col("end", "结束", "Until", "datetime", 1.6), col("minutes", "分钟", "Minutes", "minutes")),
        rows=tuple((one.name, moment(gap.start), moment(gap.end), minutes(gap.lasted)) for _, one, gap in found),
        note="累计可疑时间超过 5 天的测点，只列整小时没有数据的缺口。",
        empty="没有缺口" if sensors else "本月无记录", empty_en="None",
    )  # fmt: skip


def _hand(facts: QualityFacts) -> Table:
    rows = (
        ("巡更打点：手工补录（未读到标签）", facts.by_hand, facts.taps),
        ("巡更打点：时间仅凭设备自称", facts.doubtful_time, facts.taps),
        ("设备检查：未扫码、从列表打开", facts.from_list, facts.inspections),
        ("消防测试：没有设备信号佐证", facts.tests_by_hand, facts.tests),
        ("漏检判定被后到证据撤回", facts.retracted, None),
    )
    return Table(
        id="quality.hand", caption="人工录入与存疑记录", caption_en="Entered by hand",
        columns=(col("what", "类别", "What", width=3.0), col("count", "数量", "Count", "int"),
                 col("of", "总数", "Of", "int")),
        rows=tuple(row for row in rows if row[1] or row[2]),
    )  # fmt: skip


def _windows(windows: Sequence[Window]) -> Table:
    return Table(
        id="quality.windows", caption="维护暂停时段（不判定、不计入）", caption_en="Maintenance windows",
        most_printed=60,
        columns=(col("target", "对象", "What", width=2.0), col("start", "开始", "From", "datetime", 1.6),
                 col("end", "结束", "Until", "datetime", 1.6), col("hours", "小时", "Hours", "hours"),
                 col("reason", "原因", "Why", width=2.4), col("by", "登记人", "By", "person")),
        rows=tuple((one.name, moment(one.span.start), moment(one.span.end), hours(one.span.lasted), one.reason, one.by)
                   for one in windows),
    )  # fmt: skip


def _messages(facts: QualityFacts) -> Table:
    devices = sorted({name for name, _ in (*facts.quarantine, *facts.lost)})
    bad, lost = dict(facts.quarantine), dict(facts.lost)
    return Table(
        id="quality.messages", caption="无法识别与丢失的报文", caption_en="Messages refused or lost",
        columns=(col("device", "设备", "Device", width=2.4), col("bad", "无法识别", "Refused", "int"),
                 col("lost", "丢失", "Lost", "int")),
        rows=tuple((one, bad.get(one, 0), lost.get(one, 0)) for one in devices),
    )  # fmt: skip


def _loosened(loosened: Sequence[Loosened]) -> Table:
    return Table(
        id="quality.loosened", caption="本站点放宽的限值与规则", caption_en="Limits loosened here",
        columns=(col("rule", "编号", "Rule"), col("where", "测点或要求", "Where", width=2.4),
                 col("reason", "理由与批准", "Reason", width=3.0)),
        rows=tuple((one.rule, one.where, one.reason) for one in loosened), empty="没有放宽", empty_en="None",
    )  # fmt: skip


def _conclusions(facts: QualityFacts, figures: Sequence[Evidenced]) -> tuple[tuple[int, str], ...]:
    uptime = figures[0].figure.value
    if uptime is None or uptime >= 98:
        return ()
    gaps = sum(len(one.gaps) for one in facts.sensors)
    return ((42, f"测点数据在线率 {uptime:.1f}%，超过 10 分钟的缺口 {gaps} 处，有关指标请结合数据质量阅读。"),)
