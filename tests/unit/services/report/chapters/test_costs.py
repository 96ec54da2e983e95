"""Bands of cost by hand: 2000 and 5000 belong to the lower one (AMB-13), split purchases are one sum."""

from datetime import UTC, datetime

from services.report.chapters.costs import Band, CostsFacts, Spent, Waiting, band_of, by_band, chapter
from services.report.model import Chapter, Figure
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
BANDS = (
    Band("low", 200_000, "部门主管 → 物业总经理"),
    Band("middle", 500_000, "部门主管 → 物业总经理"),
    Band("high", None, "部门主管 → 集团公司", unregulated=True),
)
ASKED = datetime(2026, 10, 20, tzinfo=UTC)


def spent(key: str, now: int, whole: int | None = None, approved: int = 0) -> Spent:
    return Spent(key, f"WO-{key}", "换泵", now, now, 0, whole or now, approved)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def test_bounds_belong_to_the_lower_band() -> None:
    facts = CostsFacts(BANDS)
    found = [band_of(facts, cents) for cents in (1, 200_000, 200_001, 500_000, 500_001)]
    assert [one.id for one in found if one] == ["low", "low", "middle", "middle", "high"]


def test_the_whole_order_picks_the_band_and_the_month_its_amount() -> None:
    facts = CostsFacts(BANDS, (spent("a", 150_000), spent("b", 100_000, whole=260_000), spent("c", 500_100)))
    rows = by_band(facts).rows
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("≤ 2000 元", 1, 1500.0), ("> 2000–5000 元", 1, 1000.0), ("> 5000 元", 1, 5001.0),
    ]  # fmt: skip
    assert rows[2][1] == "部门主管 → 集团公司（未规定）"
    total = by_band(facts).total
    assert total is not None
    assert total[2:4] == (3, 7501.0)


def test_what_waits_above_five_thousand_goes_to_the_leader() -> None:
    waits = tuple(
        Waiting(key, f"WO-{key}", "换泵", cents, "b", "集团公司", ASKED)
        for key, cents in (("a", 500_000), ("b", 500_001))
    )
    made = chapter(OCTOBER, CostsFacts(BANDS, (spent("a", 500_000, approved=500_000), spent("b", 500_001)), waits))
    assert made.decisions == ("WO-b 换泵：费用 5000.01 元（超过 5000 元），待集团公司审批。",)
    assert figure(made, "cost.waiting").value == 2
    assert figure(made, "cost.approved").value == 50
    assert figure(made, "cost.total").value == 10000.01


def test_no_cost_is_no_data_and_no_zero() -> None:
    made = chapter(OCTOBER, CostsFacts(BANDS))
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
