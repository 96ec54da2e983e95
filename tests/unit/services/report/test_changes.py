"""What a correction changed, in words, and nothing that only moved."""

from hypothesis import given
from hypothesis import strategies as st
from report_snapshots import snapshot as any_snapshot

from services.report.changes import MOST_LINES, changes
from services.report.model import Column, Section, Snapshot, Table, Target, verdict_of

BASE = any_snapshot()
COLUMNS = (Column(key="a", title="甲"), Column(key="n", title="数", kind="int"))


def with_table(*rows: tuple[str, int]) -> Snapshot:
    table = Table(id="t", caption="清单", columns=COLUMNS, rows=rows)
    return BASE.model_copy(update={"sections": (Section(id="orders", title="工单", blocks=(table,)),), "annex": ()})


def test_the_same_twice_changed_nothing() -> None:
    assert changes(BASE, BASE) == ()
    assert changes(BASE, BASE.model_copy(update={"meta": BASE.meta.model_copy(update={"version": 2})})) == ()


def test_a_figure_says_what_it_was_and_is() -> None:
    old = BASE.figures[0].model_copy(
        update={
            "unit": "percent", "value": 50.0, "numerator": 1.0, "denominator": 2.0, "verdict": "missed",
            "target": Target(op="ge", value=90), "decimals": 1,
        }
    )  # fmt: skip
    new = old.model_copy(
        update={"value": 100.0, "numerator": 2.0, "verdict": verdict_of(100.0, Target(op="ge", value=90))}
    )
    before = BASE.model_copy(update={"figures": (old, *BASE.figures[1:])})
    [found] = changes(before, BASE.model_copy(update={"figures": (new, *BASE.figures[1:])}))
    assert (found.what, found.name) == (old.id, old.name)
    assert (found.was, found.now) == ("50.0%（1 / 2） 不达标", "100.0%（2 / 2） 达标")


def test_a_figure_that_came_or_went_is_a_change() -> None:
    fewer = BASE.model_copy(update={"figures": BASE.figures[1:]})
    assert [(one.what, one.now) for one in changes(BASE, fewer)] == [(BASE.figures[0].id, "—")]
    assert [(one.what, one.was) for one in changes(fewer, BASE)] == [(BASE.figures[0].id, "—")]


def test_a_table_names_the_rows_that_differ() -> None:
    [found] = changes(with_table(("甲", 1), ("乙", 2)), with_table(("乙", 2), ("丙", 3), ("甲", 1)))
    assert (found.what, found.name) == ("table:t", "清单")
    assert (found.was, found.now) == ("共 2 行", "丙 3（共 3 行）")


def test_many_rows_are_counted() -> None:
    [found] = changes(with_table(), with_table(*((str(no), no) for no in range(9))))
    assert found.now.endswith(f"；另 {9 - MOST_LINES} 行（共 9 行）")


def test_decisions_that_changed_are_told() -> None:
    after = BASE.model_copy(update={"decisions": ("待批 1 项。",)})
    assert changes(BASE.model_copy(update={"decisions": ()}), after)[-1].now == "待批 1 项。"


Rows = list[tuple[str, int]]
ROWS = st.lists(st.tuples(st.sampled_from("甲乙丙"), st.integers(0, 2)), max_size=6)


@given(ROWS, ROWS)
def test_rows_in_another_order_are_no_change_and_others_are(
    before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    found = changes(with_table(*before), with_table(*after))
    assert bool(found) == (sorted(before) != sorted(after))
