import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from services.patrol.reporting.export import Sheet, clock_text, csv_bytes, harmless, xlsx_bytes

AT = datetime.fromisoformat("2026-11-21T22:05:09")
FULL = ["夜班 11-20", 87.5, timedelta(hours=26, minutes=5), AT]
SHEETS = [
    Sheet("汇总", ["班次", "完成 %", "间隔", "末次"], [FULL, ["早班", None, None, None]]),
    Sheet("异常: [夜班]", ["说明"], [['=HYPERLINK("http://evil")'], ["-2+3"], ["普通"]]),
]


@pytest.mark.parametrize("text", ["=1+1", "+86", "-3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@given(st.text())
def test_no_cell_starts_a_formula(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert harmless(text).removeprefix("'") in (text, text.removeprefix("'"))


def test_csv_reads_back_in_excels_encoding() -> None:
    content = csv_bytes(SHEETS)
    assert content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    assert lines == [
        ["汇总"],
        ["班次", "完成 %", "间隔", "末次"],
        ["夜班 11-20", "87.5", "26:05:00", "2026-11-21 22:05:09"],
        ["早班", "", "", ""],
        [],
        ["异常: [夜班]"],
        ["说明"],
        ['\'=HYPERLINK("http://evil")'],
        ["'-2+3"],
        ["普通"],
    ]


def test_one_table_needs_no_title() -> None:
    assert csv_bytes(SHEETS[1:]).decode("utf-8-sig").startswith("说明\r\n")


def test_a_workbook_opens_again_with_its_types() -> None:
    book = load_workbook(BytesIO(xlsx_bytes(SHEETS)))
    assert book.sheetnames == ["汇总", "异常   夜班"]
    summary, odd = book["汇总"], book["异常   夜班"]
    assert [cell.value for cell in summary[1]] == ["班次", "完成 %", "间隔", "末次"]
    assert summary["B2"].value == 87.5
    assert summary["C2"].value == timedelta(hours=26, minutes=5)
    assert summary["D2"].value == AT
    assert summary["B3"].value is None
    assert summary.freeze_panes == "A2"
    assert summary.column_dimensions["A"].width > 10
    assert [cell.data_type for cell in odd["A"]] == ["s"] * 4
    assert odd["A2"].value == '\'=HYPERLINK("http://evil")'


def test_durations_do_not_wrap_at_a_day() -> None:
    assert clock_text(timedelta(days=2, seconds=61)) == "48:01:01"
