"""The whole report from its chapters: conclusions, key figures, problems and what is missing. Pure.

Chapters know nothing of each other; what concerns all of them (一、本月结论, 十五, 十六) is made here from figures.
"""

from collections.abc import Iterable, Mapping, Sequence

from services.kernel.errors import Invalid
from services.report import fire_variant, problems, weights
from services.report.model import (
    Block,
    Chapter,
    Column,
    Figure,
    Meta,
    ReportKind,
    Section,
    Signer,
    Snapshot,
    Table,
    Text,
    verdict_of,
)
from services.report.wording import figure_parts, figure_value, verdict_text

OUTLINE = (
    "patrol", "pump_room", "fire", "electrical", "elevator", "maintenance", "orders", "call_backs", "incidents",
    "findings", "ledger", "duty", "costs", "problems", "quality",
)  # fmt: skip
"""Sections in the order of the outline, from 二 on; `problems` 十五 is made here."""
TOPICS: Mapping[ReportKind, tuple[str, ...]] = {
    "facilities": tuple(one for one in OUTLINE if one != "problems"),
    "fire": ("fire", "quality"),
}
"""Chapters of each kind; the fire report is 第四节 with its pumps, tests and forms, and the quality of the data."""
KEY_FIGURES = (
    "patrol.completion", "patrol.visits", "patrol.missed", "pump.excursions", "pump.minutes_out", "pump.pass_rate",
    "fire.alarms_real", "fire.alarms_false", "fire.alarms_pending", "fire.faults", "fire.shields", "fire.tested",
    "fire.real_tests", "order.arrival_timely", "order.timely", "order.rework", "callback.service", "callback.quality",
    "callback.director", "maintenance.compliance", "equipment.intact", "equipment.intact_time", "order.accept_median",
    "order.accept_p90", "order.arrive_median", "order.arrive_p90", "order.restore_median", "incident.first_notice",
    "maintenance.coverage", "maintenance.window", "ledger.complete", "duty.handover", "quality.uptime", "report.score",
)  # fmt: skip
"""表1 in the order of the template."""
MOST_SENTENCES, FEWEST_SENTENCES = 6, 3
SCORE = "report.score"


def assemble(
    meta: Meta,
    parts: Sequence[Chapter],
    previous: Mapping[str, float | None],
    signers: tuple[Signer, ...],
    *,
    points: Mapping[str, float] | None = None,
) -> Snapshot:
    """The report; `previous`: figures of the month before, `points`: weights of figures, together 100 (KPI-13).

    Raises Invalid when two chapters count the same figure.
    """
    parts = [one for one in parts if one.section is None or one.section.id in TOPICS[meta.kind]]
    figures = [one.figure for part in parts for one in part.figures]
    twice = sorted({one.id for one in figures if sum(other.id == one.id for other in figures) > 1})
    if twice:
        raise Invalid(f"Two chapters count {', '.join(twice)}", hint="Name the figure after its topic", field="figure")
    gaps = [line for part in parts for line in part.gaps]
    if points:
        scored, silent = score(figures, points)
        figures.append(scored)
        gaps += silent
    known = tuple(one.model_copy(update={"previous": previous.get(one.id)}) for one in figures)
    by_id = {one.id: one for one in known}
    return Snapshot(
        meta=meta,
        conclusions=tuple(
            line.replace("月末", "目前") if meta.running else line
            for line in conclusions(parts, [by_id[one] for one in KEY_FIGURES if one in by_id])
        ),
        decisions=tuple(line for part in parts for line in part.decisions),
        figures=known,
        key_figures=tuple(one for one in KEY_FIGURES if one in by_id),
        sections=_sections(meta, parts, known, signers, gaps),
        annex=tuple(form for part in parts for form in part.annex),
        signers=signers,
    )


def conclusions(parts: Iterable[Chapter], key_figures: Sequence[Figure]) -> tuple[str, ...]:
    """1.1: what the chapters say, the worst first, then how many figures met their targets."""
    ranked = sorted((one for part in parts for one in part.conclusions), key=lambda one: -one[0])
    lines = list(dict.fromkeys(sentence for _, sentence in ranked))[: MOST_SENTENCES - 1]
    lines.append(_tally(key_figures))
    known = [one for one in key_figures if one.value is not None]
    for one in known:
        if len(lines) >= FEWEST_SENTENCES:
            break
        if not any(one.name in line for line in lines):
            parts_text = f"（{figure_parts(one)}）" if one.denominator is not None else ""
            lines.append(f"{one.name} {figure_value(one)}{parts_text}，{verdict_text(one.verdict)}。")
    return tuple(lines)


def score(figures: Sequence[Figure], points: Mapping[str, float]) -> tuple[Figure, tuple[str, ...]]:
    """The weighted score of 100 over figures with target and data; the weight of the others is spread, and said."""
    by_id = {one.id: one for one in figures}
    usable = {
        name: weight for name, weight in points.items()
        if (one := by_id.get(name)) is not None and one.value is not None and one.target is not None
    }  # fmt: skip
    found = weights.score(figures, usable)
    value = 100.0 * found.points / found.of if found.of else None
    silent = [by_id[name].name if name in by_id else name for name in points if name not in usable]
    told = (f"综合得分未计入（无目标或无数据，权重按比例分摊）：{'、'.join(silent)}。",) if silent else ()
    figure = Figure(
        id=SCORE, name="综合得分", name_en="Weighted score", unit="score", decimals=1, value=value,
        numerator=found.points if found.of else None, denominator=found.of or None,
        verdict=verdict_of(value, None), requirements=("KPI-13",),
        how="有目标且有数据的指标：达标得全部权重，未达标按比例；÷ 这些指标的权重之和 × 100",
        how_en="Figures with target and data earn their weight, or their share of it ÷ the sum of these weights × 100",
    )  # fmt: skip
    return figure, told


def _sections(
    meta: Meta, parts: Sequence[Chapter], figures: Sequence[Figure], signers: Sequence[Signer], gaps: Sequence[str]
) -> tuple[Section, ...]:
    own = {part.section.id: part.section for part in parts if part.section is not None}
    own["problems"] = problems.section(figures, signers, plans="maintenance" in own)
    own["quality"] = _quality(own.get("quality"), figures, gaps)
    found = [own[name] for name in OUTLINE if name in own]
    return (*fire_variant.sections(meta), *found) if meta.kind == "fire" else tuple(found)


def _quality(section: Section | None, figures: Sequence[Figure], gaps: Sequence[str]) -> Section:
    """十六 with what the chapters could not say, and how every figure is counted."""
    blocks: tuple[Block, ...] = section.blocks if section is not None else ()
    if gaps:
        blocks += (Text(lines=("缺少的数据：",)), Text(lines=tuple(dict.fromkeys(gaps)), style="bullets"))
    return Section(
        id="quality", title="数据质量与口径", title_en="Data quality and definitions",
        blocks=(*blocks, definitions(figures)),
    )  # fmt: skip


def definitions(figures: Iterable[Figure]) -> Table:
    """口径: one line per figure."""
    return Table(
        id="definitions", caption="指标口径", caption_en="How the figures are counted", sheet="口径",
        columns=(
            Column(key="name", title="指标", title_en="Figure", width=1.6),
            Column(key="how", title="口径", title_en="How", width=4.4),
            Column(key="ids", title="依据", title_en="Requirement", width=1.2),
        ),
        rows=tuple((one.name, one.how, "、".join(one.requirements) or None) for one in figures),
    )  # fmt: skip


def _tally(figures: Sequence[Figure]) -> str:
    met, missed, silent = (sum(one.verdict == word for one in figures) for word in ("met", "missed", "no_data"))
    if silent == len(figures):
        return "本月没有可统计的记录，全部关键指标无数据。"
    others = len(figures) - met - missed - silent
    return f"{len(figures)} 项关键指标中达标 {met} 项、不达标 {missed} 项、无目标 {others} 项、无数据 {silent} 项。"
