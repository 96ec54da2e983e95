"""三、泵房与给排水: pressures against their limits, excursions, levels, pumps and what was due for them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.timeseries.store import Bucket
from services.report.chapters import tasks as upkeep
from services.report.chapters.parts import at_least, col, hours, minutes, moment, nothing_but, portion, share
from services.report.chapters.parts import day as day_of
from services.report.chapters.pressure import HOUR, Tally, average, hourly
from services.report.chapters.tasks import Task
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
)
from services.report.statistics import percentile

MOST_CURVES = 12
_LENGTHS: tuple[tuple[str, timedelta], ...] = (
    ("<10 秒", timedelta(seconds=10)), ("10–60 秒", timedelta(minutes=1)), ("1–5 分", timedelta(minutes=5)),
    ("5–30 分", timedelta(minutes=30)), ("30–60 分", timedelta(hours=1)), ("≥1 小时", timedelta.max),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Excursion:
    """One time a value was outside its limit, however short."""

    id: str
    started_at: datetime
    ended_at: datetime
    worst: float
    alerted: bool
    suspended: bool
    """Its limit was excused: listed, never counted."""
    order: str = ""

    @property
    def lasted(self) -> timedelta:
        """How long; all of it belongs to the month it began in (AMB-28)."""
        return self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class Gauge:
    """One pressure point over the month."""

    key: str
    name: str
    place: str
    unit: str
    decimals: int
    set_value: float | None
    provisional: bool
    """The set value is the median of the first days (AMB-01)."""
    low: float | None
    high: float | None
    limited: bool
    """A documented limit holds for it: it counts in the figures."""
    requirement: str
    steps: tuple[Bucket, ...]
    tally: Tally
    excursions: tuple[Excursion, ...] = ()

    @property
    def counted(self) -> tuple[Excursion, ...]:
        """Excursions that were not excused."""
        return tuple(one for one in self.excursions if not one.suspended)


@dataclass(frozen=True, slots=True)
class Level:
    """A tank's level over the month."""

    key: str
    name: str
    unit: str
    steps: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Pump:
    """What a pump's running contact says, and the pressures it was heard to start and stop at."""

    key: str
    name: str
    starts: tuple[tuple[date, int], ...]
    running: timedelta | None
    start_pressure: float | None = None
    """Medians of the month, MPa; None: none was measured."""
    stop_pressure: float | None = None

    @property
    def measured(self) -> bool:
        """Whether any of its starts and stops was."""
        return self.start_pressure is not None or self.stop_pressure is not None


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate, e.g. a report on water quality."""

    name: str
    number: str
    subject: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class PumpRoomFacts:
    """What the chapter is written from."""

    declared: bool
    """The site files have a pressure, a level or a pump."""
    gauges: tuple[Gauge, ...] = ()
    levels: tuple[Level, ...] = ()
    pumps: tuple[Pump, ...] = ()
    tasks: tuple[Task, ...] = ()
    papers: tuple[Paper, ...] = ()
    open_excursions: tuple[str, ...] = ()
    """Points whose limit was broken at the end of what is counted: their excursion is not written yet."""


def chapter(month: Month, facts: PumpRoomFacts) -> Chapter:
    """The chapter; without any gauge it is left out."""
    if not facts.declared:
        return Chapter(gaps=("泵房与给排水：站点文件没有压力、液位或水泵测点，本章省略",))
    limited = [one for one in facts.gauges if one.limited]
    figures = _figures(limited)
    blocks: list[Block] = [_statistics(month, facts.gauges), _events(facts.gauges)]
    blocks += [_curve(month, one) for one in _worst(limited) if one.steps]
    counted = [one for gauge in limited for one in gauge.counted]
    if counted:
        blocks.append(_lengths(counted))
    if facts.pumps:
        blocks.append(starts("pump.starts", "水泵启动与运行", "Starts and running", facts.pumps))
    blocks.append(
        upkeep.table("pump.tasks", "水泵、水箱与管道保养试验", "Pumps, tanks and pipes", facts.tasks, month.ends_at)
    )
    if facts.levels:
        blocks.append(_levels(facts.levels))
    if facts.papers:
        blocks.append(_papers(facts.papers))
    notes = _notes(facts, limited)
    if notes:
        blocks.append(Text(style="note", lines=notes))
    return Chapter(
        section=Section(id="pump_room", title="泵房与给排水", title_en="Pump rooms and water", blocks=tuple(blocks)),
        figures=figures,
        conclusions=_conclusions(figures, limited),
        gaps=("泵房：启泵、停泵压力没有单独记录，表中只有启动次数与运行小时",)
        if facts.pumps and not any(one.measured for one in facts.pumps)
        else (),
    )


def _figures(limited: Sequence[Gauge]) -> tuple[Evidenced, ...]:
    heard = any(one.tally.good or one.excursions for one in limited)
    counted = [(gauge, one) for gauge in limited for one in gauge.counted]
    refs = [
        Ref(kind="excursion", id=one.id, counted=True,
            words=f"{gauge.name} {one.started_at:%Y-%m-%dT%H:%M:%SZ} {minutes(one.lasted) or 0:.2f} 分钟")
        for gauge, one in counted
    ]  # fmt: skip
    good, inside = sum(one.tally.good for one in limited), sum(one.tally.inside for one in limited)
    wanted = ("NUM-01", "AMB-01")
    return (
        amount("pump.excursions", "泵房压力越限次数", "Pressure excursions",
               float(len(counted)) if heard else None, refs,
               how="开始于本月、超出设定值 ±0.1 MPa 的次数，不足 10 秒的也计；维护和消防泵运行期间的另列不计。",
               how_en="Excursions that began in the month, short ones too; excused ones are listed apart.",
               requirements=(*wanted, "AMB-28"), target=nothing_but()),
        amount("pump.minutes_out", "泵房压力越限累计", "Minutes out of limit",
               sum((minutes(one.lasted) or 0.0 for _, one in counted), 0.0) if heard else None, refs,
               unit="minutes", decimals=1, how="上述各次越限的时长之和。",
               how_en="Duration of these excursions together.", requirements=wanted),
        portion("pump.pass_rate", "泵房压力合格率", "Minutes within limit", inside, good,
                (Ref(kind="point", id=one.key, counted=one.tally.inside == one.tally.good,
                     words=f"{one.name}：合格 {one.tally.inside} / 有数据 {one.tally.good} 分钟")
                 for one in limited if one.tally.good),
                how="无任何有效读数越限的分钟 ÷ 有有效读数的分钟；恰好等于限值为合格；维护期间不计。",
                how_en="Minutes none of whose readings was outside over minutes with good data.",
                requirements=wanted, target=at_least(100)),
    )  # fmt: skip


def _statistics(month: Month, gauges: Sequence[Gauge]) -> Table:
    return Table(
        id="pump.pressure", caption="压力统计", caption_en="Pressure", sheet="压力统计",
        columns=(
            col("point", "测点", "Point", width=2.2), col("set", "设定", "Set", "number", decimals=3),
            col("low", "下限", "Low", "number", decimals=3), col("high", "上限", "High", "number", decimals=3),
            col("min", "最小", "Min", "number", decimals=3), col("p5", "P5", "P5", "number", decimals=3),
            col("median", "中位", "Median", "number", decimals=3), col("p95", "P95", "P95", "number", decimals=3),
            col("max", "最大", "Max", "number", decimals=3), col("mean", "平均", "Mean", "number", decimals=3),
            col("count", "越限次数", "Excursions", "int"), col("out", "越限分钟", "Out (min)", "minutes"),
            col("pass", "合格率", "Within", "percent"), col("data", "有效数据率", "Data", "percent"),
        ),
        rows=tuple(_gauge(month, one) for one in gauges),
        note="单位按测点（压力 MPa）；最小、最大取自全部有效读数，P5、中位、P95 取自每 15 分钟的平均值。",
    )  # fmt: skip


def _gauge(month: Month, one: Gauge) -> tuple[Cell, ...]:
    means = [step.mean for step in one.steps]
    whole = (month.ends_at - month.since_at) / timedelta(minutes=1)
    out = sum((each.lasted for each in one.counted), timedelta())
    heard = bool(one.steps or one.excursions)
    return (
        one.name + ("（临时基准）" if one.provisional else ""), one.set_value, one.low, one.high,
        min((step.min for step in one.steps), default=None), percentile(means, 0.05), percentile(means, 0.5),
        percentile(means, 0.95), max((step.max for step in one.steps), default=None), average(one.steps),
        len(one.counted) if heard else None, minutes(out) if heard else None,
        share(one.tally.inside, one.tally.good) if one.limited else None,
        share(min(one.tally.good, whole), whole) if one.steps else None,
    )  # fmt: skip


def _events(gauges: Sequence[Gauge]) -> Table:
    found = sorted(
        ((one.started_at, gauge, one) for gauge in gauges for one in gauge.excursions),
        key=lambda each: (each[0], each[1].key, each[2].id),
    )
    return Table(
        id="pump.excursions", caption="越限事件", caption_en="Excursions", sheet="越限事件", most_printed=60,
        columns=(
            col("point", "测点", "Point", width=2.2), col("start", "开始", "Start", "datetime", 1.6),
            col("end", "结束", "End", "datetime", 1.6), col("worst", "最差值", "Worst", "number", decimals=3),
            col("minutes", "持续", "Lasted", "minutes", decimals=2), col("alerted", "已告警", "Alerted", "mark"),
            col("counted", "计入", "Counted", "mark"), col("order", "工单", "Order", width=1.6),
        ),
        rows=tuple((gauge.name, moment(one.started_at), moment(one.ended_at), one.worst, minutes(one.lasted),
                    one.alerted, not one.suspended, one.order or None) for _, gauge, one in found),
    )  # fmt: skip


def _worst(limited: Sequence[Gauge]) -> list[Gauge]:
    def badness(one: Gauge) -> tuple[int, int, str]:
        return one.tally.inside - one.tally.good, -len(one.counted), one.key

    kept = {one.key for one in sorted(limited, key=badness)[:MOST_CURVES]}
    return [one for one in limited if one.key in kept]


def _curve(month: Month, one: Gauge) -> Chart:
    low, high = hourly(one.steps, month.since_at, month.until_at)
    zone = ZoneInfo(month.timezone)
    labels = ((month.since_at + slot * HOUR).astimezone(zone) for slot in range(len(low)))
    return Chart(
        id=f"pump.curve.{one.key.partition('/')[2]}", caption=f"{one.name}：每小时最低与最高",
        caption_en="Lowest and highest of each hour", kind="envelope", unit=one.unit,
        labels=tuple(f"{at.day}日{at.hour}时" for at in labels),
        series=(Series(name="min", values=tuple(low)), Series(name="max", values=tuple(high))),
        low=one.low, high=one.high, centre=one.set_value,
    )  # fmt: skip


def _lengths(counted: Sequence[Excursion]) -> Chart:
    edges = (timedelta(), *(edge for _, edge in _LENGTHS))
    values = tuple(
        float(sum(edges[index] <= one.lasted < edges[index + 1] for one in counted)) for index in range(len(_LENGTHS))
    )
    return Chart(
        id="pump.lengths", caption="越限持续时间分布", caption_en="How long excursions lasted", kind="bars", unit="次",
        labels=tuple(name for name, _ in _LENGTHS), series=(Series(name="次数", values=values),),
    )  # fmt: skip


def starts(table_id: str, caption: str, caption_en: str, pumps: Sequence[Pump]) -> Table:
    """How often pumps were switched on, how long they ran, and at which pressures, where that was measured."""
    measured = any(one.measured for one in pumps)
    pressures = (
        col("start_pressure", "启泵压力 (MPa)", "Starts at (MPa)", "number", decimals=2),
        col("stop_pressure", "停泵压力 (MPa)", "Stops at (MPa)", "number", decimals=2),
    )
    return Table(
        id=table_id, caption=caption, caption_en=caption_en,
        columns=(
            col("pump", "水泵", "Pump", width=2.2), col("mean", "日均启动", "Starts a day", "number", decimals=1),
            col("most", "单日最多", "Most", "int"), col("on", "当日", "On", "date"),
            col("total", "本月启动", "Starts", "int"), col("hours", "运行小时", "Running (h)", "hours"),
            *(pressures if measured else ()),
        ),
        rows=tuple(
            (*_pump(one), one.start_pressure, one.stop_pressure) if measured else _pump(one) for one in pumps
        ),
        note="按分钟统计，一分钟内多次启动计一次；没有数据的时间不计入运行小时。"
        + ("启泵、停泵压力是本月各次的中位数，不计手动启动。" if measured else ""),
    )  # fmt: skip


def _pump(one: Pump) -> tuple[Cell, ...]:
    if not one.starts:
        return one.name, None, None, None, None, None
    on, most = max(one.starts, key=lambda each: (each[1], each[0]))
    total = sum(count for _, count in one.starts)
    return one.name, total / len(one.starts), most, day_of(on) if most else None, total, hours(one.running)


def _levels(levels: Sequence[Level]) -> Table:
    return Table(
        id="pump.levels", caption="液位", caption_en="Levels",
        columns=(
            col("point", "测点", "Point", width=2.2), col("unit", "单位", "Unit"),
            col("min", "最低", "Lowest", "number", decimals=2), col("mean", "平均", "Mean", "number", decimals=2),
            col("max", "最高", "Highest", "number", decimals=2), col("last", "月末", "Last", "number", decimals=2),
        ),
        rows=tuple((one.name, one.unit, min((step.min for step in one.steps), default=None), average(one.steps),
                    max((step.max for step in one.steps), default=None), one.steps[-1].last if one.steps else None)
                   for one in levels),
    )  # fmt: skip


def _papers(papers: Sequence[Paper]) -> Table:
    return Table(
        id="pump.papers", caption="水质与检测报告", caption_en="Reports",
        columns=(col("name", "名称", "Name", width=2.0), col("number", "编号", "Number"),
                 col("subject", "对象", "About", width=2.0), col("expires", "有效期至", "Valid until", "date")),
        rows=tuple((one.name, one.number, one.subject, day_of(one.expires_on)) for one in papers),
    )  # fmt: skip


def _notes(facts: PumpRoomFacts, limited: Sequence[Gauge]) -> tuple[str, ...]:
    notes = []
    if facts.open_excursions:
        notes.append(f"截止时仍在越限、时长未计入：{'、'.join(facts.open_excursions)}。")
    excused = sum(one.suspended for gauge in facts.gauges for one in gauge.excursions)
    if excused:
        notes.append(f"另有 {excused} 次越限发生在维护或消防泵运行期间，列出但不计入。")
    if len(limited) > MOST_CURVES:
        notes.append(f"曲线只画最差的 {MOST_CURVES} 个测点，其余见压力统计。")
    return tuple(notes)


def _conclusions(figures: Sequence[Evidenced], limited: Sequence[Gauge]) -> tuple[tuple[int, str], ...]:
    excursions, lasted, rate = (one.figure for one in figures)
    if rate.value is None:
        return ()
    if not excursions.value:
        return ((5, f"泵房压力全月无越限，{len(limited)} 个测点合格率 {rate.value:.2f}%。"),)
    worst = max(limited, key=lambda one: sum((each.lasted for each in one.counted), timedelta()))
    rank = 70 if rate.value < 99 else 50
    return (
        (rank, f"泵房压力越限 {excursions.value:.0f} 次、累计 {lasted.value or 0:.1f} 分钟，"
               f"合格率 {rate.value:.2f}%，最久的是{worst.name}。"),
    )  # fmt: skip
