"""十一、隐患与整改: what inspections and rounds found, what is fixed, due, overdue and re-checked. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.report.chapters.parts import col, moment, share
from services.report.model import (
    Block,
    Cell,
    Chapter,
    Evidenced,
    FigureList,
    Month,
    Ref,
    Section,
    Table,
    amount,
    ratio,
)

LEVELS: tuple[tuple[str, frozenset[str]], ...] = (
    ("重大", frozenset({"P1"})), ("较大", frozenset({"P2"})), ("一般", frozenset({"P3", "P4", ""})),
)  # fmt: skip
"""Level of a hazard by the priority of its order (our default; the documents name no levels)."""
SOURCES = {"inspection": "检查", "patrol": "巡查"}
MOST_PRINTED = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found not good, as it stood at the month's end."""

    id: str
    ref: str
    """Kind of the record: work_order, inspection or alert."""
    source: str
    """inspection or patrol."""
    title: str
    place: str
    found_at: datetime
    number: str = ""
    """Of its work order; empty: none was made."""
    priority: str = ""
    due_at: datetime | None = None
    fixed_at: datetime | None = None
    rechecked_at: datetime | None = None
    """验收 by somebody else."""
    cancelled: bool = False
    responsible: str = ""

    @property
    def words(self) -> str:
        """Which it is."""
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, slots=True)
class FindingsFacts:
    """Found in the month, fixed in it, or not fixed when it ended; called off ones found in it too."""

    findings: tuple[Finding, ...] = ()


def chapter(month: Month, facts: FindingsFacts) -> Chapter:
    """Section 十一 with its figures."""
    found = tuple(one for one in facts.findings if not one.cancelled)
    figures = (*_counts(month, found), fixed_in_time(month, found), rechecked(month, found))
    blocks: tuple[Block, ...] = (
        FigureList(
            id="finding_figures", caption="隐患指标", caption_en="Figures of findings",
            figures=tuple(one.figure.id for one in figures),
        ),
        by_level(month, found),
        waiting(month, found),
        fixed(month, found),
    )  # fmt: skip
    section = Section(id="findings", title="隐患与整改", title_en="Findings and their repair", blocks=blocks)
    return Chapter(
        section=section, figures=figures, conclusions=_conclusions(month, found), decisions=_decisions(month, found)
    )


def level(one: Finding) -> str:
    """重大, 较大 or 一般."""
    return next(name for name, priorities in LEVELS if one.priority in priorities or name == LEVELS[-1][0])


def still_open(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Not fixed when the month ended, the oldest first."""
    return tuple(sorted((one for one in found if one.fixed_at is None), key=lambda one: (one.found_at, one.id)))


def is_late(month: Month, one: Finding) -> bool:
    """Not fixed although its time had run out."""
    return one.fixed_at is None and one.due_at is not None and one.due_at < month.ends_at


def fixed_in_time(month: Month, found: Sequence[Finding]) -> Evidenced:
    """Counted as orders are: what is overdue stays in the denominator (AMB-12)."""
    refs = [
        Ref(
            kind=one.ref, id=one.id, counted=one.fixed_at is not None and _kept(one),
            words=f"{one.words}：{'超期未整改' if one.fixed_at is None else '按期' if _kept(one) else '逾期整改'}",
        )
        for one in found if _fixed_in(month, one) or is_late(month, one)
    ]  # fmt: skip
    return ratio(
        "finding.timely", "隐患按期整改率", "Findings fixed in time", refs,
        how="本月按期整改的 ÷（本月整改 + 月末超期未整改）；无时限的视为按期",
        how_en="Fixed in time this month ÷ (fixed this month + overdue at month end)",
        requirements=("AMB-12", "ROU-37"),
    )  # fmt: skip


def rechecked(month: Month, found: Sequence[Finding]) -> Evidenced:
    """Fixed ones that somebody else has looked at."""
    refs = [
        Ref(
            kind=one.ref, id=one.id, counted=one.rechecked_at is not None,
            words=f"{one.words}：{'已复查' if one.rechecked_at else '未复查'}",
        )
        for one in found if _fixed_in(month, one)
    ]  # fmt: skip
    return ratio(
        "finding.rechecked", "隐患复查率", "Fixed findings checked again", refs,
        how="本月整改的隐患中月末前已复查（验收）的 ÷ 本月整改的隐患",
        how_en="Fixed this month and verified by its end ÷ fixed this month", requirements=("ROU-37",),
    )  # fmt: skip


def by_level(month: Month, found: Sequence[Finding]) -> Table:
    """表27, first part."""

    def row(name: str, own: Sequence[Finding]) -> tuple[Cell, ...]:
        done = [one for one in own if _fixed_in(month, one)]
        late = sum(is_late(month, one) for one in own)
        return (
            name, sum(_found_in(month, one) for one in own), len(done), sum(one.fixed_at is None for one in own), late,
            sum(one.rechecked_at is not None for one in done), share(sum(map(_kept, done)), len(done) + late),
        )  # fmt: skip

    return Table(
        id="finding_levels", caption="隐患整改情况", caption_en="Findings by level", sheet="隐患",
        columns=(
            col("level", "级别", "Level"), col("found", "本月发现", "Found", "int"),
            col("fixed", "本月整改", "Fixed", "int"), col("open", "月末未整改", "Open", "int"),
            col("overdue", "其中超期", "Overdue", "int"), col("rechecked", "已复查", "Checked again", "int"),
            col("timely", "按期整改率", "In time", "percent"),
        ),
        rows=tuple(row(name, [one for one in found if level(one) == name]) for name, _ in LEVELS) if found else (),
        total=row("合计", found) if found else None,
        note="级别按工单级别：P1 重大，P2 较大，其余一般（默认口径）。",
    )  # fmt: skip


def waiting(month: Month, found: Sequence[Finding]) -> Table:
    """What is not fixed yet, with what is due when."""
    return Table(
        id="finding_open", caption="未整改隐患", caption_en="Not fixed yet", sheet="未整改隐患",
        most_printed=MOST_PRINTED,
        columns=(
            col("title", "隐患", "Finding", width=2.6), col("place", "地点", "Place", width=1.6),
            col("source", "来源", "From"), col("level", "级别", "Level"),
            col("found", "发现时间", "Found", "datetime", 1.4), col("due", "整改期限", "Due", "datetime", 1.4),
            col("late", "超期", "Late"), col("responsible", "责任人", "Responsible", "person"),
            col("number", "工单号", "Order", width=1.4),
        ),
        rows=tuple(
            (one.title, one.place or None, SOURCES[one.source], level(one), moment(one.found_at), moment(one.due_at),
             "超期" if is_late(month, one) else None, one.responsible or None, one.number or None)
            for one in still_open(found)
        ),
        empty="月末无未整改隐患", empty_en="Everything is fixed",
    )  # fmt: skip


def fixed(month: Month, found: Sequence[Finding]) -> Table:
    """What was fixed in the month, and when it was checked again."""
    done = sorted((one for one in found if _fixed_in(month, one)), key=lambda one: (one.found_at, one.id))
    return Table(
        id="finding_fixed", caption="本月整改", caption_en="Fixed this month", most_printed=MOST_PRINTED,
        columns=(
            col("title", "隐患", "Finding", width=2.6), col("level", "级别", "Level"),
            col("found", "发现时间", "Found", "datetime", 1.4), col("fixed", "整改时间", "Fixed", "datetime", 1.4),
            col("kept", "按期", "In time", "mark"), col("rechecked", "复查时间", "Checked again", "datetime", 1.4),
            col("number", "工单号", "Order", width=1.4),
        ),
        rows=tuple(
            (one.title, level(one), moment(one.found_at), moment(one.fixed_at), _kept(one), moment(one.rechecked_at),
             one.number or None)
            for one in done
        ),
    )  # fmt: skip


def _counts(month: Month, found: Sequence[Finding]) -> Iterable[Evidenced]:
    for figure_id, name, name_en, own, how, how_en in (
        ("finding.found", "本月发现隐患", "Found this month", [one for one in found if _found_in(month, one)],
         "本月检查、巡查发现的不合格项（一张工单计一项）", "Findings of inspections and rounds, one per order"),
        ("finding.open", "月末未整改隐患", "Not fixed at month end", still_open(found),
         "月末未整改的隐患，含以前月份", "Not fixed at month end, of earlier months too"),
        ("finding.overdue", "月末超期未整改", "Overdue at month end", [one for one in found if is_late(month, one)],
         "月末已过期限仍未整改的隐患", "Not fixed at month end although due"),
    ):  # fmt: skip
        refs = [Ref(kind=one.ref, id=one.id, counted=True, words=one.words) for one in own]
        count = len(own) if found else None
        yield amount(figure_id, name, name_en, count, refs, how=how, how_en=how_en, requirements=("ROU-37",))


def _conclusions(month: Month, found: Sequence[Finding]) -> tuple[tuple[int, str], ...]:
    late = [one for one in found if is_late(month, one)]
    if not late:
        return ()
    worst = [one for one in late if level(one) != LEVELS[-1][0]]
    words = f"，其中重大、较大 {len(worst)} 项" if worst else ""
    return ((65 if worst else 42, f"月末 {len(late)} 项隐患超期未整改{words}。"),)


def _decisions(month: Month, found: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(
        f"重大隐患未整改：{one.words}（{one.place or '地点不详'}）。"
        for one in still_open(found)
        if level(one) == LEVELS[0][0]
    )


def _kept(one: Finding) -> bool:
    return one.fixed_at is not None and (one.due_at is None or one.fixed_at <= one.due_at)


def _fixed_in(month: Month, one: Finding) -> bool:
    return one.fixed_at is not None and month.since_at <= one.fixed_at < month.ends_at


def _found_in(month: Month, one: Finding) -> bool:
    return month.since_at <= one.found_at < month.ends_at
