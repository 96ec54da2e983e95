"""十四、费用与审批: what repairs cost by band of approval, what waits, what is above 5000 yuan. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.report.chapters.parts import col, moment
from services.report.model import Block, Chapter, Evidenced, FigureList, Month, Ref, Section, Table, amount, ratio

UNREGULATED_CENTS = 500_000
"""Above 5000 yuan the documents name no chain (AMB-13)."""
NO_BUDGET = "本产品不登记预算：预算执行偏差无数据（NUM-07）。"
MOST_PRINTED = 40


@dataclass(frozen=True, slots=True)
class Band:
    """A band of amounts, its upper figure included."""

    id: str
    up_to_cents: int | None
    chain: str
    """Titles, first hand first."""
    unregulated: bool = False

    @property
    def name(self) -> str:
        """As the report prints it."""
        return f"≤ {self.up_to_cents // 100} 元" if self.up_to_cents is not None else "以上"


@dataclass(frozen=True, slots=True)
class Spent:
    """An order with cost lines entered in the month."""

    order_id: str
    number: str
    title: str
    spent_cents: int
    """Entered in the month."""
    material_cents: int
    labour_cents: int
    whole_cents: int
    """All its lines at the month's end: split purchases are summed, and this picks the band."""
    approved_cents: int
    """Approved at the month's end."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request for approval that nobody had decided to its end when the month ended."""

    order_id: str
    number: str
    title: str
    cents: int
    band: str
    hand: str
    """Whose turn it is."""
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of the month."""

    order_id: str
    number: str
    approved: bool
    cents: int
    hand: str


@dataclass(frozen=True, slots=True)
class CostsFacts:
    """What section 十四 is made from."""

    bands: tuple[Band, ...] = ()
    """The lowest first."""
    spent: tuple[Spent, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    decided: tuple[Decided, ...] = ()


def chapter(month: Month, facts: CostsFacts) -> Chapter:
    """Section 十四 with its figures."""
    figures = (total(facts), waiting_count(facts), approved(facts))
    blocks: tuple[Block, ...] = (
        FigureList(
            id="cost_figures", caption="费用指标", caption_en="Figures of costs",
            figures=tuple(one.figure.id for one in figures),
        ),
        by_band(facts),
        waits(month, facts),
        dearest(facts),
    )  # fmt: skip
    section = Section(id="costs", title="费用与审批", title_en="Costs and approvals", blocks=blocks)
    return Chapter(
        section=section,
        figures=figures,
        conclusions=_conclusions(facts),
        decisions=_decisions(facts),
        gaps=(NO_BUDGET,),
    )


def band_of(facts: CostsFacts, cents: int) -> Band | None:
    """The band a whole cost falls into; 2000 and 5000 belong to the lower one (AMB-13)."""
    return next((one for one in facts.bands if one.up_to_cents is None or cents <= one.up_to_cents), None)


def total(facts: CostsFacts) -> Evidenced:
    """What was entered in the month."""
    refs = [
        Ref(
            kind="work_order", id=one.order_id, counted=True,
            words=f"{one.number} {one.title}：{one.spent_cents / 100:.2f} 元",
        )
        for one in facts.spent
    ]  # fmt: skip
    cents = sum(one.spent_cents for one in facts.spent)
    return amount(
        "cost.total", "维修费用", "Cost of repairs", cents / 100 if facts.spent else None, refs,
        unit="yuan", decimals=2,
        how="本月登记在工单上的材料与人工金额之和，已删除的不计",
        how_en="Material and labour entered on orders this month",
        requirements=("APR-01", "APR-02"),
    )  # fmt: skip


def waiting_count(facts: CostsFacts) -> Evidenced:
    """Requests for approval without an end."""
    refs = [
        Ref(
            kind="work_order", id=one.order_id, counted=True,
            words=f"{one.number} {one.title}：{one.cents / 100:.2f} 元，待{one.hand}",
        )
        for one in facts.waiting
    ]  # fmt: skip
    known = facts.waiting or facts.decided or facts.spent
    return amount(
        "cost.waiting", "月末待审批", "Waiting for approval", len(facts.waiting) if known else None, refs,
        how="月末仍未审批完的费用申请数", how_en="Requests for approval not decided to the end at month end",
        requirements=("APR-01", "APR-02", "AMB-13"),
    )  # fmt: skip


def approved(facts: CostsFacts) -> Evidenced:
    """Cost entered in the month that was covered by approval at its end."""
    refs = [
        Ref(
            kind="work_order", id=one.order_id, counted=one.whole_cents <= one.approved_cents,
            words=f"{one.number} {one.title}：已批 {one.approved_cents / 100:.2f} / {one.whole_cents / 100:.2f} 元",
        )
        for one in facts.spent
    ]  # fmt: skip
    return ratio(
        "cost.approved", "费用已批准工单占比", "Orders with approved cost", refs,
        how="本月有费用的工单中，月末费用已全额批准的 ÷ 本月有费用的工单",
        how_en="Orders with cost this month whose whole cost was approved at month end ÷ orders with cost this month",
        requirements=("APR-01", "APR-02"),
    )  # fmt: skip


def by_band(facts: CostsFacts) -> Table:
    """表31."""
    rows = []
    for band in facts.bands:
        own = [one for one in facts.spent if band_of(facts, one.whole_cents) == band]
        waits = [one for one in facts.waiting if band_of(facts, one.cents) == band]
        rows.append((
            _name(facts, band), band.chain + ("（未规定）" if band.unregulated else ""), len(own), _yuan(own),
            sum(one.material_cents for one in own) / 100, sum(one.labour_cents for one in own) / 100,
            len(waits), sum(one.cents for one in waits) / 100,
        ))  # fmt: skip
    return Table(
        id="cost_bands", caption="按审批金额分档", caption_en="By band of approval", sheet="费用",
        columns=(
            col("band", "金额分档", "Band", width=1.6), col("chain", "审批链", "Chain", width=3),
            col("count", "工单数", "Orders", "int"), col("amount", "金额（元）", "Amount, CNY", "yuan", 1.2),
            col("material", "其中材料（元）", "Material, CNY", "yuan", 1.2),
            col("labour", "其中人工（元）", "Labour, CNY", "yuan", 1.2),
            col("waiting", "待批", "Waiting", "int"), col("waits", "待批金额（元）", "Waiting, CNY", "yuan", 1.2),
        ),
        rows=tuple(rows),
        total=(
            "合计", "", len(facts.spent), _yuan(facts.spent), sum(one.material_cents for one in facts.spent) / 100,
            sum(one.labour_cents for one in facts.spent) / 100, len(facts.waiting),
            sum(one.cents for one in facts.waiting) / 100,
        ) if rows else None,
        note="金额为本月登记的材料与人工；分档按工单全部费用合计（拆分采购合并）。",
    )  # fmt: skip


def waits(month: Month, facts: CostsFacts) -> Table:
    """What waits for a decision, the oldest first."""
    return Table(
        id="cost_waiting", caption="月末待审批", caption_en="Waiting for approval", most_printed=MOST_PRINTED,
        columns=(
            col("number", "工单号", "Number", width=1.4), col("title", "事项", "Job", width=2.4),
            col("amount", "金额（元）", "Amount, CNY", "yuan", 1.2), col("hand", "待谁审批", "Waits for", width=1.4),
            col("asked", "申请时间", "Asked", "datetime", 1.4), col("days", "已等天数", "Days", "number"),
        ),
        rows=tuple(
            (one.number, one.title, one.cents / 100, one.hand, moment(one.asked_at),
             (month.ends_at - one.asked_at).total_seconds() / 86400)
            for one in sorted(facts.waiting, key=lambda one: (one.asked_at, one.number))
        ),
        empty="月末无待审批", empty_en="Nothing waits",
    )  # fmt: skip


def dearest(facts: CostsFacts) -> Table:
    """The ten dearest orders of the month."""
    found = sorted(facts.spent, key=lambda one: (-one.spent_cents, one.number))[:10]
    return Table(
        id="cost_dearest", caption="费用最高的工单", caption_en="Dearest orders",
        columns=(
            col("number", "工单号", "Number", width=1.4), col("title", "事项", "Job", width=2.4),
            col("amount", "本月金额（元）", "This month, CNY", "yuan", 1.2),
            col("whole", "合计（元）", "Whole, CNY", "yuan", 1.2),
            col("approved", "已批准（元）", "Approved, CNY", "yuan", 1.2),
        ),
        rows=tuple(
            (one.number, one.title, one.spent_cents / 100, one.whole_cents / 100, one.approved_cents / 100)
            for one in found
        ),
    )  # fmt: skip


def _name(facts: CostsFacts, band: Band) -> str:
    at = facts.bands.index(band)
    below = facts.bands[at - 1].up_to_cents if at else None
    if band.up_to_cents is None:
        return f"> {below // 100} 元" if below is not None else "全部"
    return f"> {below // 100}–{band.up_to_cents // 100} 元" if below is not None else band.name


def _yuan(some: Sequence[Spent]) -> float:
    return sum(one.spent_cents for one in some) / 100


def _conclusions(facts: CostsFacts) -> tuple[tuple[int, str], ...]:
    if not facts.waiting:
        return ()
    cents = sum(one.cents for one in facts.waiting)
    return ((33, f"月末 {len(facts.waiting)} 项费用待审批，合计 {cents / 100:.2f} 元。"),)


def _decisions(facts: CostsFacts) -> tuple[str, ...]:
    return tuple(
        f"{one.number} {one.title}：费用 {one.cents / 100:.2f} 元（超过 5000 元），待{one.hand}审批。"
        for one in sorted(facts.waiting, key=lambda one: -one.cents)
        if one.cents > UNREGULATED_CENTS
    )
