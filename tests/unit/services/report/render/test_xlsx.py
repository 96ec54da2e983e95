"""The workbook holds numbers that read as in the other files, and nothing that Excel would run."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from report_snapshots import FORMULA, INJECTION, RARE, empty, small, snapshot, table_of
from report_words import figures, rows

from services.report.masking import masked
from services.report.model import Column, Section, Snapshot, Table
from services.report.render import xlsx
from services.report.render.edition import Edition

DEVICES = 120


@cache
def made() -> bytes:
    return xlsx.render(snapshot(DEVICES, changes=True))


@cache
def book() -> Any:
    return load_workbook(BytesIO(made()))


def shown(cell: Any) -> str:
    """What Excel shows: the number in its format, half rounded up."""
    value, code = cell.value, cell.number_format
    if isinstance(value, str) or value is None:
        return value or ""
    if cell.is_date:
        return f"{value:%Y-%m-%d}" if "hh" not in code else f"{value:%Y-%m-%d %H:%M}"
    found = re.fullmatch(r'#,##0(\.0+)?(%)?(?:"(.*)")?', code)
    assert found, code
    decimals = len(found[1] or ".") - 1
    exact = Decimal(repr(value)) * (100 if found[2] else 1)
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f}{found[2] or ''}{found[3] or ''}"


def sheet_rows(name: str, columns: int, count: int) -> list[tuple[str, ...]]:
    return [tuple(shown(one) for one in row[:columns]) for row in book()[name].iter_rows(min_row=2, max_row=count + 1)]


@pytest.mark.parametrize(
    ("table", "sheet"), [("devices", "设备"), ("routes", "巡检"), ("missed", "漏检"), ("pressure", "压力统计")]
)
def test_tables_read_as_in_the_snapshot(table: str, sheet: str) -> None:
    one = masked(snapshot(DEVICES, changes=True))
    expected = rows(table_of(one, table), one)
    assert sheet_rows(sheet, len(expected[0]), len(expected)) == expected


def test_figures_read_as_in_the_snapshot() -> None:
    one = snapshot(DEVICES)
    assert sheet_rows("关键指标", 6, len(one.figures)) == figures(one, one.key_figures)


def test_numbers_are_numbers() -> None:
    figures_sheet = book()["关键指标"]
    assert figures_sheet["B2"].value == pytest.approx(613 / 621)
    assert figures_sheet["B9"].value == "—"
    assert isinstance(book()["设备"]["F2"].value, float)
    assert book()["设备"]["D2"].is_date


def test_nothing_is_a_formula() -> None:
    cells = [cell for sheet in book() for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    values = [cell.value for cell in cells]
    assert {FORMULA, INJECTION, "-1F", f"屋顶 {RARE}", "@138****5678"} <= set(values)


def test_lists_can_be_filtered_and_printed() -> None:
    for name, area in (("设备", f"A1:I{DEVICES + 1}"), ("关键指标", "A1:H13")):
        sheet = book()[name]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == area
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.paperSize == 9
        assert sheet.page_setup.fitToHeight == 0


def test_charts_are_native_and_their_numbers_apart() -> None:
    assert len(book()["巡检与巡更"]._charts) == 2
    assert len(book()["泵房与给排水"]._charts) == 2
    assert book().sheetnames[-1] == "图表数据"


def test_columns_are_wide_enough_for_chinese() -> None:
    assert book()["设备"].column_dimensions["B"].width >= 2 * len("手动报警按钮")


def test_same_snapshot_same_bytes() -> None:
    assert xlsx.render(snapshot(DEVICES, changes=True)) == made()
    assert len(made()) < 80_000


def test_a_month_without_records() -> None:
    empty_book = load_workbook(BytesIO(xlsx.render(empty())))
    values = {cell.value for sheet in empty_book for row in sheet.iter_rows() for cell in row}
    assert {"本月无记录", "无数据", "—"} <= values
    assert 0 not in values


def test_names_of_sheets_follow_the_rules() -> None:
    column = (Column(key="a", title="列"),)
    names = ("a/b[c]:*?", "x" * 40, "x" * 40, "History", "设备", "设备", "'q'", "  ")
    tables = tuple(Table(id=f"t{at}", caption="", columns=column, rows=(), sheet=one) for at, one in enumerate(names))
    one = Snapshot(meta=small().meta, sections=(Section(id="s", title="设备", blocks=tables),))
    made_names = load_workbook(BytesIO(xlsx.render(one))).sheetnames
    assert len({name.lower() for name in made_names}) == len(made_names)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in made_names)


def test_personal_data_is_masked_unless_asked_for() -> None:
    values = {cell.value for row in book()["设备"].iter_rows() for cell in row}
    assert "欧**" in values
    assert "欧阳喆堃" not in values
    open_book = load_workbook(BytesIO(xlsx.render(snapshot(3), Edition(names=True))))
    assert "欧阳喆堃" in {cell.value for row in open_book["设备"].iter_rows() for cell in row}


def test_progress_goes_up_to_one() -> None:
    seen: list[float] = []
    xlsx.render(small(), progress=lambda share, words: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
