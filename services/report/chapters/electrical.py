"""五、供配电与其他设备: insulation, availability of cameras and doors, and what was due for the other classes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.report.chapters import tasks as upkeep
from services.report.chapters.parts import at_least, col, hours, moment, portion, share
from services.report.chapters.tasks import Task
from services.report.model import Block, Chapter, Evidenced, Month, Ref, Section, Table, ratio

WORST = 10


@dataclass(frozen=True, slots=True)
class Insulation:
    """One measurement of a distribution box (NUM-02)."""

    id: str
    box: str
    value: float
    minimum: float
    at: datetime
    instrument: str
    by: str

    @property
    def passed(self) -> bool:
        """The limit itself is good."""
        return self.value >= self.minimum


@dataclass(frozen=True, slots=True)
class Online:
    """How long something was reachable; silence is not (TIM-29)."""

    key: str
    name: str
    place: str
    kind_name: str
    due: timedelta
    """Time in which it should have been: since it was first heard, announced maintenance left out (AMB-26)."""
    online: timedelta
    excused: timedelta

    @property
    def offline(self) -> timedelta:
        """The rest."""
        return max(self.due - self.online, timedelta())


@dataclass(frozen=True, slots=True)
class ElectricalFacts:
    """What the chapter is written from."""

    declared: bool
    """There is equipment, or a point, of these classes."""
    boxes: int = 0
    """Distribution boxes of the ledger."""
    measured: tuple[Insulation, ...] = ()
    online: tuple[Online, ...] = ()
    tasks: tuple[Task, ...] = ()


def chapter(month: Month, facts: ElectricalFacts) -> Chapter:
    """The chapter; without such equipment it is left out."""
    if not facts.declared:
        return Chapter(gaps=("供配电与其他设备：台账没有这些设备，本章省略",))
    figures = _figures(facts)
    blocks: list[Block] = [_insulation(facts.measured)]
    if facts.online:
        blocks += [_kinds(facts.online), _worst(facts.online)]
    blocks.append(
        upkeep.table(
            "electrical.tasks", "发电机、照明、娱乐、井盖、避雷等保养", "Other upkeep", facts.tasks, month.ends_at
        )
    )
    return Chapter(
        section=Section(
            id="electrical", title="供配电与其他设备", title_en="Power and other equipment", blocks=tuple(blocks)
        ),
        figures=figures,
        conclusions=_conclusions(facts, figures),
    )


def _figures(facts: ElectricalFacts) -> tuple[Evidenced, ...]:
    due = sum((one.due for one in facts.online), timedelta())
    online = sum((one.online for one in facts.online), timedelta())
    return (
        ratio("electrical.insulation", "绝缘电阻合格率", "Insulation passed",
              (Ref(kind="reading", id=one.id, counted=one.passed, words=f"{one.box} {one.value:g} MΩ")
               for one in facts.measured),
              how="本月测量中不低于 0.5 MΩ 的次数 ÷ 测量次数；恰好等于限值为合格。",
              how_en="Measurements at or above the limit over measurements.",
              target=at_least(100), requirements=("NUM-02", "AMB-09")),
        portion("electrical.online", "监控与门禁在线率", "Time online", hours(online) or 0.0, hours(due) or 0.0,
                (Ref(kind="point", id=one.key, counted=not one.offline,
                     words=f"{one.name} 离线 {hours(one.offline):.1f} 小时") for one in facts.online if one.due),
                how="在线小时 ÷ 应在线小时；没有消息按离线计，已登记的维护时间不计。",
                how_en="Hours online over hours due; silence is offline, announced maintenance is left out.",
                target=at_least(100), requirements=("TIM-29", "AMB-26")),
    )  # fmt: skip


def _insulation(measured: Sequence[Insulation]) -> Table:
    return Table(
        id="electrical.insulation", caption="绝缘电阻", caption_en="Insulation", sheet="绝缘电阻",
        columns=(
            col("box", "配电箱", "Box", width=2.2), col("value", "测量值 (MΩ)", "MΩ", "number", decimals=2),
            col("minimum", "要求 ≥", "Limit ≥", "number", decimals=2), col("passed", "合格", "Passed", "mark"),
            col("at", "测量时间", "When", "datetime", 1.6), col("instrument", "仪表", "Instrument", width=1.4),
            col("by", "测量人", "By", "person"),
        ),
        rows=tuple((one.box, one.value, one.minimum, one.passed, moment(one.at), one.instrument or None, one.by or None)
                   for one in sorted(measured, key=lambda each: (each.at, each.id))),
        empty="本月无测量记录", empty_en="Nothing measured this month",
    )  # fmt: skip


def _kinds(online: Sequence[Online]) -> Table:
    groups: dict[str, list[Online]] = {}
    for one in online:
        groups.setdefault(one.kind_name, []).append(one)
    rows = []
    for name in sorted(groups):
        due = sum((one.due for one in groups[name]), timedelta())
        rate = share(
            sum((one.online for one in groups[name]), timedelta()) / timedelta(hours=1), due / timedelta(hours=1)
        )
        excused = sum((one.excused for one in groups[name]), timedelta())
        rows.append((name, len(groups[name]), rate, hours(excused)))
    return Table(
        id="electrical.online", caption="门禁与监控在线率", caption_en="Availability",
        columns=(col("kind", "类别", "Kind", width=2.0), col("count", "数量", "Count", "int"),
                 col("rate", "在线率", "Online", "percent", decimals=2),
                 col("excused", "维护小时（不计）", "Maintenance (h)", "hours")),
        rows=tuple(rows),
    )  # fmt: skip


def _worst(online: Sequence[Online]) -> Table:
    worst = sorted((one for one in online if one.offline), key=lambda one: (-one.offline, one.key))[:WORST]
    return Table(
        id="electrical.offline", caption=f"离线最久的 {WORST} 台", caption_en="Longest offline",
        columns=(col("name", "设备", "What", width=2.2), col("place", "位置", "Where", width=2.0),
                 col("offline", "离线小时", "Offline (h)", "hours"),
                 col("rate", "在线率", "Online", "percent", decimals=2)),
        rows=tuple((one.name, one.place, hours(one.offline), share(one.online / one.due, 1)) for one in worst),
        empty="本月没有离线", empty_en="None was offline",
    )  # fmt: skip


def _conclusions(facts: ElectricalFacts, figures: Sequence[Evidenced]) -> tuple[tuple[int, str], ...]:
    said: list[tuple[int, str]] = []
    bad = [one for one in facts.measured if not one.passed]
    if bad:
        said.append((65, f"绝缘电阻有 {len(bad)} 次低于要求，首个是{bad[0].box}（{bad[0].value:g} MΩ）。"))
    rate = figures[1].figure.value
    if rate is not None and rate < 99:
        said.append((35, f"监控与门禁在线率 {rate:.1f}%，低于全天在线的要求。"))
    return tuple(said)
