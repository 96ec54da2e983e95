"""Reports as files: CSV that Excel opens in Chinese, and xlsx. Cells are text, numbers, times or nothing."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from unicodedata import east_asian_width

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | datetime | timedelta | None
"""Datetimes are local already: they are written as they read."""

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 48
_SHEET_NAME = 31
"""Characters that Excel allows."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def harmless(text: str) -> str:
    """The text with a leading apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_bytes(sheets: Sequence[Sheet]) -> bytes:
    """The tables under each other, each with its title above it, as UTF-8 with the mark that Excel looks for."""
    out = StringIO()
    writer = csv.writer(out)
    for number, sheet in enumerate(sheets):
        if number:
            writer.writerow([])
        if len(sheets) > 1:
            writer.writerow([harmless(sheet.title)])
        writer.writerow([harmless(one) for one in sheet.headings])
        writer.writerows([_as_text(cell) for cell in row] for row in sheet.rows)
    return "\ufeff".encode() + out.getvalue().encode()


def xlsx_bytes(sheets: Sequence[Sheet]) -> bytes:
    """A workbook with one sheet per table: headings stay on top, columns are as wide as what is in them."""
    target = BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        heading = book.add_format(
            {"bold": True, "bg_color": "#E3EDF1", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        duration = book.add_format({"num_format": "[h]:mm:ss"})
        for number, sheet in enumerate(sheets):
            page = book.add_worksheet(_sheet_name(sheet.title, number))
            _fill(page, sheet, heading, moment, duration)
    return target.getvalue()


def _fill(page: Worksheet, sheet: Sheet, heading: Format, moment: Format, duration: Format) -> None:
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.repeat_rows(0)
    page.fit_to_pages(1, 0)
    for column, width in enumerate(_widths(sheet)):
        page.set_column(column, column, width)
    for column, text in enumerate(sheet.headings):
        page.write_string(0, column, text, heading)
    for line, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            match cell:
                case None:
                    continue
                case str():
                    page.write_string(line, column, harmless(cell))
                case datetime():
                    page.write_datetime(line, column, cell.replace(tzinfo=None), moment)
                case timedelta():
                    page.write_datetime(line, column, cell, duration)
                case _:
                    page.write_number(line, column, cell)


def _as_text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.strftime("%Y-%m-%d %H:%M:%S")
        case timedelta():
            return clock_text(cell)
        case str():
            return harmless(cell)
        case float():
            return f"{cell:.1f}"
    return str(cell)


def clock_text(delta: timedelta) -> str:
    """`26:05:09`: hours, minutes, seconds."""
    minutes, seconds = divmod(int(delta.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def _widths(sheet: Sheet) -> list[float]:
    texts = [list(sheet.headings), *([_as_text(cell) for cell in row] for row in sheet.rows[:500])]
    widths = [
        max((_wide(row[column]) for row in texts if column < len(row)), default=8) for column in range(len(texts[0]))
    ]
    return [min(max(width + 2, 8), _WIDEST) for width in widths]


def _wide(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _sheet_name(title: str, number: int) -> str:
    clean = "".join(" " if one in "[]:*?/\\'" else one for one in title).strip()
    return clean[:_SHEET_NAME] or f"{number + 1}"
