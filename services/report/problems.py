"""十五、问题、措施、下月计划: every missed figure with its gap and whose it is; the rest is filled in by hand. Pure."""

from collections.abc import Iterable, Sequence

from services.report.chapters.parts import col
from services.report.model import Cell, Figure, Section, Signer, Slot, Table, Text
from services.report.wording import figure_value, number, target_text

OWNERS: tuple[tuple[str, str, Slot | None], ...] = (
    ("patrol.", "安管负责人", None),
    ("fire.", "消防安全管理人", None),
    ("callback.service", "服务中心", None),
    ("callback.quality", "品质部", None),
    ("callback.director", "中心主任", None),
    ("callback.", "服务中心", None),
    ("duty.", "监控中心", None),
    ("incident.", "项目经理", "approved"),
    ("cost.", "项目经理", "approved"),
    ("", "设备主管", "reviewed"),
)
"""Beginning of a figure's id → who answers for it, and the signature line that names the person."""

BLANKS = ("\u3000" * 10, "\u3000" * 7)
"""Room for the pen; an empty cell would print as a dash, and say that there is nothing to write."""


def section(figures: Iterable[Figure], signers: Sequence[Signer], *, plans: bool) -> Section:
    """The section with its table 32; `plans`: a section says what is due next month."""
    rows = tuple(_row(one, signers) for one in figures if one.verdict == "missed")
    table = Table(
        id="problems", caption="不达标指标与措施", caption_en="Missed targets", sheet="问题措施",
        columns=(
            col("figure", "指标", "Figure", width=1.8), col("value", "实际", "Value", width=1.2),
            col("target", "目标", "Target", width=1.4),
            col("gap", "差距", "Gap", width=1.2), col("owner", "责任人", "Owner", "person", 1.2),
            col("measures", "措施（手填）", "Measures", width=2.4),
            col("until", "完成日期（手填）", "Until", width=1.2),
        ),
        rows=rows, empty="本月无不达标指标", empty_en="No target was missed",
    )  # fmt: skip
    note = "措施与完成日期由责任人填写" + ("；下月到期的保养见「维护保养」一节。" if plans else "。")
    return Section(
        id="problems", title="问题、措施、下月计划", title_en="Problems, measures, next month",
        blocks=(table, Text(lines=(note,), style="note")),
    )  # fmt: skip


def owner(figure_id: str, signers: Sequence[Signer]) -> str:
    """Who answers for a figure: the named person of the level, else what the level is called."""
    _, label, slot = next(one for one in OWNERS if figure_id.startswith(one[0]))
    named = next((one.name for one in signers if one.slot == slot), "")
    return named or label


def gap(figure: Figure) -> str:
    """How far it is from its target, in words; empty when it is not missed."""
    if figure.value is None or figure.target is None or figure.verdict != "missed":
        return ""
    off = figure.value - figure.target.value
    size = number(abs(off), max(figure.decimals, 1) if figure.unit == "percent" else figure.decimals)
    if not size.strip("0.,"):
        size = f"不足 {number(10.0**-figure.decimals, figure.decimals)}"
    unit = {"percent": " 个百分点", "minutes": " 分钟", "hours": " 小时", "yuan": " 元"}.get(figure.unit, "")
    return f"{'高' if off > 0 else '低'} {size}{unit}"


def _row(figure: Figure, signers: Sequence[Signer]) -> tuple[Cell, ...]:
    return (
        figure.name, figure_value(figure), target_text(figure), gap(figure), owner(figure.id, signers), *BLANKS,
    )  # fmt: skip
