"""Numbers become words in one place, and none is rounded into a lie."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_snapshots import snapshot

from services.report import wording
from services.report.model import Column, Figure, Section, Snapshot, Table, Target

ZONE = "Asia/Shanghai"


def figure(value: float | None, *, target: Target | None = None, unit: str = "percent", decimals: int = 1) -> Figure:
    return Figure.model_validate(
        {"id": "a.b", "name": "名", "name_en": "Name", "unit": unit, "decimals": decimals, "value": value,
         "target": target, "verdict": "no_target", "how": ""}
    )  # fmt: skip


def column(kind: str, title: str = "列", decimals: int = 1) -> Column:
    return Column.model_validate({"key": "c", "title": title, "kind": kind, "decimals": decimals})


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("percent", 98.65, "98.7%"),
        ("percent", 100.0, "100.0%"),
        ("percent", 99.96, "99.96%"),
        ("percent", 99.9999, "99.9999%"),
        ("percent", 0.04, "0.04%"),
        ("percent", 0.0, "0.0%"),
        ("int", 1234567, "1,234,567"),
        ("number", 0.125, "0.1"),
        ("number", -0.04, "0.0"),
        ("minutes", 5.25, "5.3 分钟"),
        ("yuan", 18600, "18,600.00 元"),
        ("hours", 30.0, "30.0 小时"),
        ("mark", True, "√"),
        ("mark", False, "×"),
        ("mark", None, "—"),
        ("text", None, "—"),
        ("text", "", "—"),
        ("text", 3.0, "3"),
        ("int", float("nan"), "—"),
        ("verdict", "missed", "不达标"),
        ("date", "2026-02-29", "2026-02-29"),
        ("datetime", "2026-10-12T18:05:59+00:00", "2026-10-13 02:05"),
        ("datetime", "昨天", "昨天"),
    ],
)
def test_cells(kind: str, value: str | float | bool | None, words: str) -> None:
    assert wording.cell(value, column(kind), ZONE) == words


def test_a_unit_in_the_title_is_not_said_again() -> None:
    assert wording.cell(5.25, column("minutes", "时长(分)"), ZONE) == "5.3"
    assert wording.cell(2, column("yuan", "费用(元)"), ZONE) == "2.00"
    assert wording.cell(2, column("hours", "恢复中位数（时）"), ZONE) == "2.0"
    assert wording.cell(2, column("hours", "停用时长"), ZONE) == "2.0 小时"


def test_clocks_go_back_and_the_time_is_the_sites() -> None:
    column_of_time = column("datetime")
    assert wording.cell("2026-11-01T05:30:00Z", column_of_time, "America/New_York") == "2026-11-01 01:30"
    assert wording.cell("2026-11-01T06:30:00Z", column_of_time, "America/New_York") == "2026-11-01 01:30"
    assert wording.cell("2026-11-01T07:30:00Z", column_of_time, "America/New_York") == "2026-11-01 02:30"


@pytest.mark.parametrize(
    ("value", "op", "goal", "words"),
    [
        (94.97, "ge", 95, "94.97%"),
        (94.9, "ge", 95, "94.9%"),
        (95.04, "ge", 95, "95.0%"),
        (5.01, "le", 5, "5.01%"),
        (99.149, "ge", 99.15, "99.1%"),
    ],
)
def test_a_missed_target_never_reads_as_met(value: float, op: str, goal: float, words: str) -> None:
    one = figure(value, target=Target.model_validate({"op": op, "value": goal}))
    assert wording.figure_value(one) == words


@given(st.integers(0, 20_000), st.integers(1, 20_000))
def test_only_all_reads_as_all(part: int, whole: int) -> None:
    share = 100 * min(part, whole) / whole
    words = wording.cell(share, column("percent"), ZONE)
    assert (words.startswith("100")) == (share == 100)
    assert (float(words.rstrip("%")) == 0) == (share == 0)


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_numbers_are_near_what_they_say(value: float, decimals: int) -> None:
    words = wording.number(value, decimals)
    assert abs(float(words.replace(",", "")) - value) <= 0.5 * 10**-decimals * 1.000001
    assert words.strip("-0.,") != "" or not words.startswith("-")


def test_figures() -> None:
    assert wording.figure_value(figure(None)) == wording.NO_DATA
    assert wording.figure_value(figure(1234.5, unit="minutes")) == "1,234.5 分钟"
    assert wording.figure_value(figure(1234.5, unit="minutes"), "en") == "1,234.5 min"
    assert wording.target_text(figure(1, target=Target(op="le", value=0.5), unit="MPa")) == "≤ 0.5 MPa"
    assert wording.figure_parts(figure(1)) == wording.NO_DATA


def test_titles_months_and_numerals() -> None:
    numerals = {1: "一", 2: "二", 10: "十", 11: "十一", 16: "十六", 20: "二十", 21: "二十一"}
    assert {one: wording.numeral(one) for one in numerals} == numerals
    assert wording.month_text("2024-02") == "2024年2月"
    assert wording.month_text("2024-02", "en") == "February 2024"
    assert wording.period_text(snapshot(0).meta) == "2026-10-01 至 2026-10-31"
    assert wording.moment(datetime(2026, 1, 1, tzinfo=UTC), ZONE) == "2026-01-01 08:00"


def test_sections_are_numbered_once() -> None:
    one = snapshot(0)
    numbered = Section(id="x", title="二、已编号", blocks=())
    both = Snapshot(meta=one.meta, sections=(numbered, Section(id="y", title="消防", blocks=())))
    assert [wording.section_title(both, index) for index in (0, 1)] == ["二、已编号", "三、消防"]


def test_rows_left_out_are_counted() -> None:
    table = Table(id="t", caption="", columns=(column("int"),), rows=((1,), (2,), (3,)), most_printed=2)
    assert wording.not_printed(table).startswith("共 3 行，此处列出前 2 行")
    assert wording.not_printed(table.model_copy(update={"most_printed": 3})) == ""
