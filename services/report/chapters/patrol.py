"""二、巡检与巡更: rounds, stops, what guards found, weekly duties and the daily list. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.report.chapters.parts import at_least, col, moment, share
from services.report.model import Block, Cell, Chapter, Chart, Evidenced, Month, Ref, Section, Series, Table, Text
from services.report.model import amount as amount_of
from services.report.model import ratio as ratio_of

DONE, DUE = "complete", frozenset({"complete", "incomplete", "missed", "unconfirmed"})
KINDS = {
    "public": "公共区域", "building": "楼栋", "garage": "车库", "perimeter": "周界", "fire": "防火巡查",
    "night_lighting": "夜间照明", "must_check": "每日必检", "decoration": "装修", "vacant": "空置房",
    "steward": "管家", "cleaning": "保洁", "other": "其他",
}  # fmt: skip
MOST_POINTS = 80
"""Rows of the heat map; the worst first beyond it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a round as it stands: later taps that took a miss back have already changed it."""

    checkpoint: str
    name: str
    state: str
    """visited, missed, unconfirmed, pending or suspended."""
    punctual: bool
    """Visited neither early nor late."""
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """One round."""

    id: str
    route: str
    route_name: str
    kind: str
    on: date
    """The local day its shift began on, or its own start without shifts."""
    starts_at: datetime
    fate: str
    """complete, incomplete, missed, unconfirmed, running or suspended."""
    guards: tuple[str, ...]
    stops: tuple[Stop, ...]

    @property
    def due(self) -> bool:
        """Its time has run out and it was not suspended."""
        return self.fate in DUE

    @property
    def timely(self) -> bool:
        """Every stop that counts was visited, none early and none late."""
        return self.fate == DONE and all(one.punctual for one in self.stops if one.state == "visited")


@dataclass(frozen=True, slots=True)
class Found:
    """Something a guard found or reported."""

    id: str
    at: datetime
    place: str
    item: str
    photos: int
    guard: str
    order: str
    """Number of its work order; empty: none."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A requirement on visits, checkpoint by checkpoint: periods due, and those without a visit."""

    rule: str
    name: str
    requirement: str
    kind: str
    place: str
    due: int | None
    """Periods that ended; None: a longest gap has no periods."""
    breaches: int


@dataclass(frozen=True, slots=True)
class Measure:
    """The last measured value of a daily must-check item (AMB-08)."""

    name: str
    requirement: str
    value: float | None
    unit: str
    at: datetime | None
    limit: str
    inside: bool | None


@dataclass(frozen=True, slots=True)
class PatrolFacts:
    """What the chapter is written from."""

    declared: bool
    """The site files have routes."""
    walks: tuple[Walk, ...] = ()
    found: tuple[Found, ...] = ()
    duties: tuple[Duty, ...] = ()
    measures: tuple[Measure, ...] = ()


def chapter(month: Month, facts: PatrolFacts) -> Chapter:
    """The chapter; without routes it is left out."""
    if not facts.declared and not facts.walks:
        return Chapter(gaps=("巡检与巡更：站点文件没有巡更路线，本章省略",))
    due = [one for one in facts.walks if one.due]
    figures = _figures(due)
    blocks: list[Block] = [_routes(facts.walks), _missed(due), _found(facts.found), _daily(month, due)]
    if due:
        blocks.append(_heat(month, due))
    if facts.duties:
        blocks.append(_duties(facts.duties))
    if facts.measures:
        blocks.append(_measures(facts.measures))
    weak = sum(one.fate == "unconfirmed" for one in due)
    if weak:
        blocks.append(Text(style="note", lines=(f"{weak} 次巡逻有缺失但手机尚未上报，暂按未完成统计。",)))
    return Chapter(
        section=Section(id="patrol", title="巡检与巡更", title_en="Rounds and patrol", blocks=tuple(blocks)),
        figures=figures,
        conclusions=_conclusions(figures, facts),
    )


def _figures(due: Sequence[Walk]) -> tuple[Evidenced, ...]:
    stops = [(walk, one) for walk in due for one in walk.stops if one.state in ("visited", "missed", "unconfirmed")]
    gone = [(walk, one) for walk, one in stops if one.state != "visited"]
    completion = ratio_of(
        "patrol.completion", "巡检任务完成率", "Rounds complete and on time",
        (Ref(kind="round", id=one.id, counted=one.timely, words=_words(one)) for one in due),
        how="各点都到位且不提前、不迟到的巡逻次数 ÷ 时间已到的应巡次数；暂停的不计；按班次开始日归月。目标是默认值。",
        how_en="Rounds with every stop visited in its window over rounds due; suspended ones excluded; by shift day.",
        target=at_least(100), requirements=("PER-21", "AMB-28"),
    )  # fmt: skip
    visits = ratio_of(
        "patrol.visits", "巡查点到位率", "Stops visited",
        (Ref(kind="stop", id=f"{walk.id}:{one.checkpoint}", counted=one.state == "visited",
             words=f"{walk.route_name} {one.name}") for walk, one in stops),
        how="到位的点次（迟到也算到位）÷ 应到点次；暂停和未到时间的不计。目标是默认值。",
        how_en="Stops visited, late ones too, over stops due; suspended and pending ones excluded.",
        target=at_least(100), requirements=("PER-21", "PER-61"),
    )  # fmt: skip
    punctual = ratio_of(
        "patrol.punctual", "巡查点准时率", "Stops visited on time",
        (Ref(kind="stop", id=f"{walk.id}:{one.checkpoint}", counted=one.state == "visited" and one.punctual,
             words=f"{walk.route_name} {one.name}") for walk, one in stops),
        how="既不提前也不迟到的点次 ÷ 应到点次。", how_en="Stops visited within their window over stops due.",
    )  # fmt: skip
    missed = amount_of(
        "patrol.missed", "漏检点次", "Stops missed", float(len(gone)) if stops else None,
        [Ref(kind="stop", id=f"{walk.id}:{one.checkpoint}", counted=True, words=f"{walk.route_name} {one.name}")
         for walk, one in gone],
        how="应到点次 − 到位点次，含手机未上报、尚未确认的。", how_en="Stops due less stops visited.",
    )  # fmt: skip
    return completion, visits, punctual, missed


def _words(walk: Walk) -> str:
    says = {
        "complete": "按时完成" if walk.timely else "完成但有提前或迟到", "incomplete": "有漏检", "missed": "无人巡",
        "unconfirmed": "缺失待手机上报",
    }  # fmt: skip
    return f"{walk.route_name} {walk.starts_at:%Y-%m-%dT%H:%MZ} {says[walk.fate]}"


def _routes(walks: Sequence[Walk]) -> Table:
    groups: dict[tuple[str, str], list[Walk]] = {}
    for one in walks:
        groups.setdefault((one.kind, one.route), []).append(one)
    rows = tuple(_route(groups[key]) for key in sorted(groups))
    total = _route(walks) if walks else None
    return Table(
        id="patrol.routes", caption="路线完成情况", caption_en="Routes", sheet="巡检",
        columns=(
            col("route", "路线", "Route", width=2.0), col("kind", "类型", "Kind"), col("due", "应巡", "Due", "int"),
            col("done", "完成", "Complete", "int"), col("timely", "准时完成", "On time", "int"),
            col("missed", "漏检点次", "Stops missed", "int"), col("suspended", "暂停", "Suspended", "int"),
            col("rate", "完成率", "Completion", "percent"),
        ),
        rows=rows, total=("合计", None, *total[2:]) if total else None,
    )  # fmt: skip


def _route(own: Sequence[Walk]) -> tuple[Cell, ...]:
    due = [one for one in own if one.due]
    timely = sum(one.timely for one in due)
    return (
        own[0].route_name, KINDS.get(own[0].kind, own[0].kind), len(due), sum(one.fate == DONE for one in due), timely,
        sum(stop.state in ("missed", "unconfirmed") for one in due for stop in one.stops),
        sum(one.fate == "suspended" for one in own), share(timely, len(due)),
    )  # fmt: skip


def _missed(due: Sequence[Walk]) -> Table:
    found = sorted(
        ((stop.due_at, walk, stop) for walk in due for stop in walk.stops if stop.state in ("missed", "unconfirmed")),
        key=lambda one: (one[0], one[1].id, one[2].checkpoint),
    )
    return Table(
        id="patrol.missed", caption="漏检点清单", caption_en="Missed stops", sheet="漏检", most_printed=60,
        columns=(
            col("point", "点位", "Checkpoint", width=2.0), col("route", "路线", "Route", width=1.6),
            col("due_at", "应到时间", "Due", "datetime", 1.6), col("guard", "责任人", "Guard", "person"),
            col("why", "原因", "Why", width=1.6),
        ),
        rows=tuple(
            (stop.name, walk.route_name, moment(at), "、".join(walk.guards) or None,
             "手机未上报，待确认" if stop.state == "unconfirmed" else "无人巡逻" if walk.fate == "missed" else "未打点")
            for at, walk, stop in found
        ),
    )  # fmt: skip


def _found(found: Sequence[Found]) -> Table:
    return Table(
        id="patrol.found", caption="异常发现", caption_en="Findings", most_printed=60,
        columns=(
            col("at", "时间", "When", "datetime", 1.6), col("place", "地点", "Where", width=2.0),
            col("item", "内容", "What", width=3.0), col("photos", "照片", "Photos", "int"),
            col("guard", "发现人", "By", "person"), col("order", "工单", "Order", width=1.6),
        ),
        rows=tuple((moment(one.at), one.place, one.item, one.photos, one.guard, one.order or None)
                   for one in sorted(found, key=lambda each: (each.at, each.id))),
    )  # fmt: skip


def days_of(month: Month) -> tuple[date, ...]:
    """The local days of the month up to its cut-off."""
    last = (month.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(month.timezone)).date()
    return tuple(month.first_on + timedelta(days=one) for one in range(max(0, (last - month.first_on).days) + 1))


def _daily(month: Month, due: Sequence[Walk]) -> Chart:
    days = days_of(month)
    by_day: dict[date, list[bool]] = {}
    for one in due:
        by_day.setdefault(one.on, []).append(one.timely)
    values = tuple(share(sum(by_day[one]), len(by_day[one])) if one in by_day else None for one in days)
    return Chart(
        id="patrol.daily", caption="每日完成率", caption_en="Completion by day", kind="line", unit="%",
        labels=tuple(f"{one.day}" for one in days), series=(Series(name="完成率", values=values),),
    )  # fmt: skip


def _heat(month: Month, due: Sequence[Walk]) -> Chart:
    days = days_of(month)
    cells: dict[tuple[str, str], dict[date, list[bool]]] = {}
    for walk in due:
        for stop in walk.stops:
            if stop.state in ("visited", "missed", "unconfirmed"):
                row = cells.setdefault((stop.checkpoint, stop.name), {})
                row.setdefault(walk.on, []).append(stop.state == "visited")
    gone = {key: sum(hit is False for hits in row.values() for hit in hits) for key, row in cells.items()}
    keys = sorted(cells, key=lambda key: (-gone[key], key))[:MOST_POINTS]
    series = tuple(
        Series(name=key[1], values=tuple(_hits(cells[key].get(one)) for one in days))
        for key in sorted(keys, key=lambda key: key[1])
    )
    left = len(cells) - len(keys)
    return Chart(
        id="patrol.heat", caption="点位×日期到位情况" + (f"（漏检最多的 {MOST_POINTS} 个点）" if left else ""),
        caption_en="Visits by checkpoint and day", kind="heatmap", labels=tuple(f"{one.day}" for one in days),
        series=series,
    )  # fmt: skip


def _hits(hits: Sequence[bool] | None) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _duties(duties: Sequence[Duty]) -> Table:
    return Table(
        id="patrol.duties", caption="巡查要求执行情况（每日、每周、间隔）", caption_en="Requirements on visits",
        columns=(
            col("name", "要求", "Requirement", width=2.0), col("requirement", "编号", "Id"),
            col("place", "点位", "Checkpoint", width=1.6), col("due", "应查次数", "Due", "int"),
            col("done", "已查", "Done", "int"), col("breaches", "未达到", "Broken", "int"),
        ),
        rows=tuple((one.name, one.requirement, one.place or "任一", one.due,
                    one.due - one.breaches if one.due is not None else None, one.breaches) for one in duties),
        most_printed=60,
    )  # fmt: skip


def _measures(measures: Sequence[Measure]) -> Table:
    return Table(
        id="patrol.measures", caption="每日必检项目最近测量值", caption_en="Last measurements",
        columns=(
            col("name", "项目", "Item", width=2.0), col("requirement", "编号", "Id"),
            col("value", "最近值", "Value", "number", decimals=2), col("unit", "单位", "Unit"),
            col("on", "测量时间", "Measured", "datetime", 1.6), col("limit", "要求", "Limit"),
            col("inside", "合格", "Inside", "mark"),
        ),
        rows=tuple((one.name, one.requirement, one.value, "" if one.unit == "1" else one.unit, moment(one.at),
                    one.limit, one.inside) for one in measures),
    )  # fmt: skip


def _conclusions(figures: Iterable[Evidenced], facts: PatrolFacts) -> tuple[tuple[int, str], ...]:
    by_id = {one.figure.id: one.figure for one in figures}
    completion, missed = by_id["patrol.completion"], by_id["patrol.missed"]
    if completion.value is None:
        return ()
    said: list[tuple[int, str]] = []
    if completion.verdict == "missed":
        rank = 60 if completion.value < 90 else 40
        said.append(
            (rank, f"巡检任务完成率 {completion.value:.1f}%，应巡 {completion.denominator:.0f} 次，"
                   f"准时完成 {completion.numerator:.0f} 次，漏检 {missed.value or 0:.0f} 点次。")
        )  # fmt: skip
    else:
        said.append((5, f"巡检任务全部按时完成，共 {completion.denominator:.0f} 次。"))
    broken = [one for one in facts.duties if one.breaches and one.kind == "weekly"]
    if broken:
        said.append((45, f"每周巡查有 {sum(one.breaches for one in broken)} 次未做到：{broken[0].name}等。"))
    return tuple(said)
