"""Worksheets of reports: one row below the other, so that thousands of rows need no memory."""

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart as NativeChart
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.report import wording
from services.report.model import Cell, Column, Figure, Table
from services.report.render.document import clean
from services.report.render.grids import units

_LONGEST_NAME = 31
_LONGEST_CELL = 32_767
"""Characters; more would be cut by Excel."""
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_NARROWEST, _WIDEST = 8.0, 48.0
_SAMPLE = 400
_ROW_HEIGHT = 15.0
"""Points."""
CHART_ROWS = 17


class Names:
    """Names of sheets as Excel allows them, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._promised: dict[str, str] = {}
        self._given: set[str] = set()

    def free(self, title: str) -> str:
        """A name like the title that no sheet has; one that was promised is given as it is."""
        if title in self._promised.values() and title not in self._given:
            self._given.add(title)
            return title
        base = _FORBIDDEN.sub("／", clean(title)).strip(" '")[:_LONGEST_NAME] or "-"
        if base.lower() == "history":
            base = "History "
        name, count = base, 1
        while name.lower() in self._taken:
            count += 1
            ending = f" {count}"
            name = base[: _LONGEST_NAME - len(ending)] + ending
        self._taken.add(name.lower())
        return name

    def promise(self, table: Table) -> str:
        """The name that the sheet of a table will have."""
        if table.id not in self._promised:
            self._promised[table.id] = self.free(table.sheet)
        return self._promised[table.id]


class Look:
    """Formats, made once each."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[str, Format] = {}
        self.title = book.add_format({"bold": True, "font_size": 15, "font_color": "#1F4E62"})
        self.heading = book.add_format({"bold": True, "font_size": 12, "font_color": "#1F4E62", "bottom": 1})
        self.caption = book.add_format({"bold": True, "font_color": "#1F4E62"})
        self.head = book.add_format(
            {"bold": True, "bg_color": "#E3EDF1", "font_color": "#1F4E62", "bottom": 1, "top": 2, "text_wrap": True,
             "valign": "vcenter", "align": "center"}
        )  # fmt: skip
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.label = book.add_format({"font_color": "#5B6770", "valign": "top", "text_wrap": True})
        self.total = {"bold": True, "bg_color": "#E8EFF2", "top": 1}

    def number(self, code: str, *, bad: bool = False, total: bool = False, centre: bool = False) -> Format:
        """A format with a number code, red for what calls for attention."""
        key = f"{code}|{bad}|{total}|{centre}"
        if key not in self._made:
            looks: dict[str, object] = {"valign": "top", "num_format": code}
            looks |= {"font_color": "#B3261E", "bold": True} if bad else {}
            looks |= self.total if total else {}
            looks |= {"align": "center"} if centre else {}
            looks |= {"text_wrap": True} if code == "@" else {}
            self._made[key] = self._book.add_format(looks)
        return self._made[key]


class Page:
    """A worksheet and the row that comes next."""

    def __init__(
        self,
        sheet: Worksheet,
        look: Look,
        zone: str,
        language: str,
        widths: Sequence[float],
        header: str,
        *,
        landscape: bool,
    ) -> None:
        self._sheet, self._look, self._zone, self._language = sheet, look, ZoneInfo(zone), language
        self._zone_name = zone
        self._row = 0
        for index, width in enumerate(widths):
            sheet.set_column(index, index, width)
        self._span = max(1, len(widths))
        self._width = sum(widths) or _WIDEST
        sheet.set_paper(9)
        sheet.set_margins(0.55, 0.5, 0.8, 0.7)
        sheet.fit_to_pages(1, 0)
        sheet.set_header(header)
        sheet.set_footer("&R&P / &N")
        if landscape:
            sheet.set_landscape()

    def gap(self) -> None:
        """Leave a row."""
        self._row += 1

    def title(self, words: str) -> None:
        """The heading of the sheet, which stays when one scrolls."""
        self._line(words, self._look.title)
        self._sheet.freeze_panes(self._row, 0)
        self._sheet.repeat_rows(0, self._row - 1)

    def heading(self, words: str) -> None:
        """A heading."""
        self._line(words, self._look.heading)

    def caption(self, words: str) -> None:
        """What the next thing is."""
        self._line(words, self._look.caption)

    def lines(self, lines: Sequence[str]) -> None:
        """Paragraphs over the whole width."""
        for line in lines:
            words = clean(line)[:_LONGEST_CELL]
            rows = sum(max(1, math.ceil(units(one) * 1.05 / self._width)) for one in words.split("\n"))
            self._sheet.set_row(self._row, min(400.0, _ROW_HEIGHT * rows))
            if self._span > 1:
                self._sheet.merge_range(self._row, 0, self._row, self._span - 1, words, self._look.text)
                self._row += 1
            else:
                self._line(words, self._look.text)

    def pair(self, name: str, value: str) -> None:
        """A label and what it says."""
        self._write(0, name, self._look.label)
        self._write(1, value, self._look.text)
        self._row += 1

    def texts(self, cells: Sequence[str]) -> None:
        """A row of words."""
        for index, one in enumerate(cells):
            self._write(index, one, self._look.text)
        self._row += 1

    def heads(self, cells: Sequence[str]) -> None:
        """The heading row of a table."""
        for index, one in enumerate(cells):
            self._write(index, one, self._look.head)
        self._row += 1

    def as_list(self, columns: int, rows: int) -> None:
        """The first row is the heading of all: it stays, is printed on every page, and filters."""
        self._sheet.freeze_panes(1, 0)
        self._sheet.repeat_rows(0)
        self._sheet.autofilter(0, 0, max(1, rows), columns - 1)
        self._sheet.print_area(0, 0, max(1, self._row - 1), columns - 1)

    def table(self, table: Table) -> None:
        """Headings, rows, total, note."""
        self.heads([wording.column_title(one, self._language) for one in table.columns])
        for row in table.rows:
            self._cells(row, table.columns)
        if not table.rows:
            self._line(wording.pick(table.empty, table.empty_en, self._language), self._look.label)
        if table.total is not None:
            self._cells(table.total, table.columns, total=True)
        if table.note:
            self._line(table.note, self._look.label)

    def figure(self, one: Figure) -> None:
        """One key figure: its value and the month before as numbers."""
        words = wording
        self._write(0, words.pick(one.name, one.name_en, self._language), self._look.text)
        for column, value in ((1, one.value), (5, one.previous)):
            if value is None or not math.isfinite(value):
                self._write(column, words.NO_DATA, self._look.number("@", centre=True))
            else:
                code = _code(words.figure_decimals(one, value), words.figure_unit(one, self._language))
                bad = column == 1 and one.verdict == "missed"
                stored = value / 100 if one.unit == "percent" else value
                self._sheet.write_number(self._row, column, stored, self._look.number(code, bad=bad))
        bad = one.verdict == "missed"
        self._write(2, words.figure_parts(one), self._look.number("@", centre=True))
        self._write(3, words.target_text(one, self._language), self._look.number("@", centre=True))
        self._write(4, words.verdict_text(one.verdict, self._language), self._look.number("@", bad=bad, centre=True))
        self._write(6, words.pick(one.how, one.how_en, self._language), self._look.text)
        self._write(7, one.id, self._look.label)
        self._row += 1

    def chart(self, chart: NativeChart) -> None:
        """A native chart, with the rows it covers."""
        self._sheet.insert_chart(self._row, 0, chart, {"object_position": 2})
        self._row += CHART_ROWS

    def _cells(self, row: Sequence[Cell], columns: Sequence[Column], *, total: bool = False) -> None:
        for index, (value, column) in enumerate(zip(row, columns, strict=True)):
            self._cell(index, value, column, total=total)
        self._row += 1

    def _cell(self, index: int, value: Cell, column: Column, *, total: bool) -> None:
        look = self._look
        if column.kind in ("date", "datetime") and isinstance(value, str) and value:
            moment = _moment(value, column, self._zone)
            if moment is not None:
                code = "yyyy-mm-dd" if column.kind == "date" else "yyyy-mm-dd hh:mm"
                self._sheet.write_datetime(self._row, index, moment, look.number(code, total=total))
                return
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and column.kind != "mark"
        ):
            if column.kind in ("text", "person", "date", "datetime", "verdict"):
                code, stored = _code(len(wording.plain(value).partition(".")[2]), ""), value
            else:
                code = _code(wording.column_decimals(value, column), wording.column_unit(column, self._language))
                stored = value / 100 if column.kind == "percent" else value
            self._sheet.write_number(self._row, index, stored, look.number(code, total=total))
            return
        words = wording.cell(value, column, self._zone_name, self._language)
        bad = (column.kind == "verdict" and value == "missed") or (column.kind == "mark" and value is False)
        centre = column.kind in ("verdict", "mark") or words == wording.NO_DATA
        self._write(index, words, look.number("@", bad=bad, total=total, centre=centre))

    def _line(self, words: str, look: Format) -> None:
        self._write(0, words, look)
        self._row += 1

    def _write(self, column: int, words: str, look: Format) -> None:
        self._sheet.write_string(self._row, column, clean(words)[:_LONGEST_CELL], look)


def width_of(table: Table, index: int, zone: str, language: str) -> float:
    """How wide a column must be; Chinese characters count two."""
    column = table.columns[index]
    step = max(1, len(table.rows) // _SAMPLE)
    cells = (wording.cell(row[index], column, zone, language) for row in table.rows[::step])
    widest = max((units(one) for one in cells), default=0.0)
    heading = units(wording.column_title(column, language)) + 3
    return min(_WIDEST, max(_NARROWEST, heading, widest + 2))


def _moment(text: str, column: Column, zone: ZoneInfo) -> datetime | date | None:
    try:
        if column.kind == "date":
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    local = at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at
    return local.replace(second=0, microsecond=0)


def _code(decimals: int, unit: str) -> str:
    digits = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    return f"{digits}%" if unit == "%" else f'{digits}"{unit}"' if unit else digits
