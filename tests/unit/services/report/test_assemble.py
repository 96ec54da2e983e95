"""What concerns all chapters: the worst first, key figures in order, problems, missing data, the weighted score."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Invalid
from services.report.assemble import KEY_FIGURES, OUTLINE, TOPICS, assemble, score
from services.report.model import (
    Chapter,
    Evidenced,
    Figure,
    Meta,
    Month,
    Ref,
    ReportKind,
    Section,
    Signer,
    Snapshot,
    Table,
    Target,
    Text,
    amount,
    ratio,
)
from services.report.months import month_of
from services.report.problems import gap, owner

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER: Month = month_of("2026-10", "Asia/Shanghai", NOW)
SIGNERS = (
    Signer(slot="reviewed", title="审核（设备主管）", username="supervisor", name="给排水主管"),
    Signer(slot="approved", title="批准（经理）", username="manager", name="物业经理"),
)


def meta(kind: ReportKind = "facilities") -> Meta:
    return Meta(
        kind=kind, number="XJ-202610-yunhe-1", version=1, site="yunhe", site_name="云河花园", month="2026-10",
        timezone="Asia/Shanghai", since_at=OCTOBER.since_at, until_at=OCTOBER.until_at, cutoff_at=NOW, made_at=NOW,
        program="1", rules="abc",
    )  # fmt: skip


def share(name: str, hits: int, of: int, target: float | None = None) -> Evidenced:
    refs = [Ref(kind="work_order", id=str(no), counted=no < hits) for no in range(of)]
    goal = None if target is None else Target(op="ge", value=target)
    return ratio(name, f"指标 {name}", name, refs, how=f"{name} 的口径", target=goal)


def part(topic: str, *figures: Evidenced, rank: int = 10, gaps: tuple[str, ...] = ()) -> Chapter:
    section = Section(id=topic, title=topic, blocks=())
    return Chapter(section=section, figures=figures, conclusions=((rank, f"{topic} 的结论。"),), gaps=gaps)


def made(*parts: Chapter, kind: ReportKind = "facilities") -> Snapshot:
    return assemble(meta(kind), parts, {"order.timely": 91.5}, SIGNERS)


def figures_of(snapshot: Snapshot, section: str, block: int = 0) -> Table:
    found = next(one for one in snapshot.sections if one.id == section).blocks[block]
    assert isinstance(found, Table)
    return found


def test_key_figures_and_sections_follow_the_outline_whatever_order_they_come_in() -> None:
    found = made(
        part("quality"), part("orders", share("order.timely", 1, 2)), part("patrol", share("patrol.visits", 1, 1))
    )
    assert found.key_figures == ("patrol.visits", "order.timely")
    assert [one.id for one in found.sections] == ["patrol", "orders", "problems", "quality"]
    assert len(set(KEY_FIGURES)) == len(KEY_FIGURES)


def test_the_worst_comes_first_and_never_more_than_six() -> None:
    found = made(*(part(topic, rank=no) for no, topic in enumerate(TOPICS["facilities"])))
    assert len(found.conclusions) == 6
    assert found.conclusions[0] == "quality 的结论。"
    assert "本月没有可统计的记录" in found.conclusions[-1]


def test_a_quiet_month_still_has_three_sentences() -> None:
    figures = (share("order.timely", 2, 2, 90), share("patrol.visits", 3, 3), share("duty.handover", 0, 0))
    found = assemble(meta(), [Chapter(figures=figures)], {}, ())
    assert found.conclusions == (
        "3 项关键指标中达标 1 项、不达标 0 项、无目标 1 项、无数据 1 项。",
        "指标 patrol.visits 100.0%（3 / 3），无目标。",
        "指标 order.timely 100.0%（2 / 2），达标。",
    )


def test_the_month_before_stands_beside() -> None:
    found = made(part("orders", share("order.timely", 1, 2), share("order.rework", 0, 2)))
    assert found.figure("order.timely") is not None
    assert [one.previous for one in found.figures] == [91.5, None]


def test_every_missed_target_is_a_problem_with_its_gap_and_owner() -> None:
    found = made(
        part("orders", share("order.timely", 1, 2, 90), share("order.reviewed", 1, 1, 100)),
        part("call_backs", share("callback.quality", 1, 5, 50)),
    )
    rows = figures_of(found, "problems").rows
    assert [row[:5] for row in rows] == [
        ("指标 order.timely", "50.0%", "≥ 90%", "低 40.0 个百分点", "给排水主管"),
        ("指标 callback.quality", "20.0%", "≥ 50%", "低 30.0 个百分点", "品质部"),
    ]


def test_a_gap_too_small_to_print_is_no_zero() -> None:
    figure = share("order.timely", 2_999, 3_000, 100).figure
    assert figure.verdict == "missed"
    assert gap(figure) == "低 不足 0.1 个百分点"
    over = amount("ledger.expired", "已过期", "Expired", 3, how="", target=Target(op="eq", value=0)).figure
    assert gap(over) == "高 3"


def test_owners_are_named_by_the_signature_lines() -> None:
    assert owner("ledger.complete", SIGNERS) == "给排水主管"
    assert owner("ledger.complete", ()) == "设备主管"
    assert owner("callback.five_haves", SIGNERS) == "服务中心"


def test_what_is_missing_is_said_once_and_every_figure_is_defined() -> None:
    found = made(part("orders", share("order.timely", 1, 2), gaps=("甲", "乙")), part("quality", gaps=("甲",)))
    quality = found.sections[-1]
    assert next(one for one in quality.blocks if isinstance(one, Text) and one.style == "bullets").lines == ("甲", "乙")
    assert figures_of(found, "quality", -1).rows == (("指标 order.timely", "order.timely 的口径", None),)


def test_the_fire_report_has_its_own_chapters_only() -> None:
    found = made(part("fire", share("fire.tested", 1, 2)), part("orders", share("order.timely", 1, 2)), kind="fire")
    assert [one.id for one in found.sections] == ["building", "basis", "fire", "problems", "quality"]
    assert found.figure("order.timely") is None


def test_two_chapters_cannot_count_the_same() -> None:
    with pytest.raises(Invalid, match=r"order\.timely"):
        made(part("orders", share("order.timely", 1, 2)), part("fire", share("order.timely", 1, 2)))


def test_every_topic_has_its_place() -> None:
    assert set(TOPICS["facilities"]) | {"problems"} == set(OUTLINE)
    assert set(TOPICS["fire"]) < set(TOPICS["facilities"])


def test_the_score_spreads_the_weight_of_what_has_no_data_and_says_so() -> None:
    figures = [
        share("order.timely", 9, 10, 90).figure, share("callback.quality", 1, 5, 50).figure,
        share("callback.service", 0, 0, 100).figure, share("order.rework", 1, 10).figure,
    ]  # fmt: skip
    points = {"order.timely": 40.0, "callback.quality": 20.0, "callback.service": 30.0, "order.rework": 10.0}
    found, told = score(figures, points)
    assert found.value == pytest.approx(100 * (40 + 20 * 0.4) / 60)
    assert (found.numerator, found.denominator) == (pytest.approx(48), 60)
    assert "指标 callback.service、指标 order.rework" in told[0]


def test_no_score_without_any_figure() -> None:
    found, _ = score([], {"order.timely": 100.0})
    assert (found.value, found.verdict) == (None, "no_data")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(1, 50)), min_size=1, max_size=6))
def test_a_score_lies_between_nothing_and_a_hundred(rows: list[tuple[int, int, int]]) -> None:
    figures: list[Figure] = [share(f"a.b{no}", min(hits, of), of, 80).figure for no, (hits, of, _) in enumerate(rows)]
    whole = sum(weight for _, _, weight in rows)
    points = {f"a.b{no}": 100 * weight / whole for no, (_, _, weight) in enumerate(rows)}
    found, told = score(figures, points)
    assert found.value is not None
    assert -1e-9 <= found.value <= 100 + 1e-9
    assert (found.value > 100 - 1e-9) == all(one.verdict == "met" for one in figures)
    assert not told


def test_a_running_month_has_no_end_yet() -> None:
    waiting = Chapter(conclusions=((60, "月末有 2 张工单超期未完工。"),))
    assert made(waiting).conclusions[0] == "月末有 2 张工单超期未完工。"
    running = assemble(meta().model_copy(update={"running": True}), (waiting,), {}, SIGNERS)
    assert running.conclusions[0] == "目前有 2 张工单超期未完工。"


def test_the_fire_report_points_to_no_section_it_does_not_have() -> None:
    for kind, told in (("fire", False), ("facilities", True)):
        section = next(one for one in made(part("maintenance"), kind=kind).sections if one.id == "problems")
        assert ("「维护保养」" in section.model_dump_json()) is told
