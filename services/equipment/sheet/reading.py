"""Reading an xlsx file that anybody may send: bounded in bytes, rows and columns, nothing in it is calculated."""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from services.equipment.sheet.columns import BY_HEADING, SHEET, SHEET_EN, Column
from services.kernel.errors import Invalid

MAX_BYTES = 5 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes that the parts of the file may have together: a ledger of 20,000 rows has 20 MiB."""
MAX_PARTS = 500
MAX_PIECES = 1_200_000
"""Cells and shared texts of all sheets: each takes the library ten microseconds, and nine bytes of XML."""
MAX_ROWS = 20_000
MAX_COLUMNS = 60
HEADING_WITHIN = 10
"""The headings stand in one of so many first rows."""
_BLANKS_AT_MOST = 2_000
"""After so many empty rows in a row nothing more is expected."""
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
_PIECE = re.compile(rb"<(?:\w+:)?(?:c|si)[\s/>]")
_CORNERS = re.compile(r"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)")


class Formula(str):
    """A cell that calculates."""

    __slots__ = ()


class ErrorValue(str):
    """A cell that shows an error such as #REF!."""

    __slots__ = ()


Cell = str | int | float | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the sheet: what stands in the columns we know."""

    number: int
    """As the spreadsheet counts."""
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """The ledger as it was sent."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    unknown: tuple[str, ...] = ()
    """Headings that are none of ours."""
    doubled: tuple[str, ...] = ()
    """Headings that stand there twice."""
    merged: tuple[str, ...] = ()
    """Ranges of merged cells below the headings."""
    heading_row: int = 1
    too_long: bool = False
    """There are more than MAX_ROWS rows; the rest was not read."""


def read(content: bytes) -> Table:
    """The table of an xlsx file; raises Invalid for what is none, or too large."""
    from openpyxl import load_workbook  # a quarter of a second that only an import needs

    _bound(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions of other programs
            book = load_workbook(BytesIO(content), read_only=True, keep_links=False, rich_text=False)
            try:
                return _read(book, content)
            finally:
                book.close()
    except Invalid:
        raise
    except Exception as error:  # the library raises a dozen kinds for files that are not what they say
        raise _not_xlsx() from error


def _bound(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise Invalid(f"The file has {len(content)} bytes", hint="Send at most 5 MiB", field="import_file")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
            # What a part says of its size is what is unpacked of it at most.
            fits = len(parts) <= MAX_PARTS and sum(one.file_size for one in parts) <= MAX_UNPACKED
            fits = fits and sum(len(_PIECE.findall(archive.read(one))) for one in parts) <= MAX_PIECES
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise _not_xlsx() from error
    if not fits:
        raise Invalid(
            "The file is too large once unpacked", hint="Send the ledger alone, without pictures", field="import_file"
        )


def _not_xlsx() -> Invalid:
    return Invalid("The file is not an .xlsx workbook", hint="Save it as Excel workbook (.xlsx)", field="import_file")


def _read(book: Any, content: bytes) -> Table:
    page = next((book[name] for name in (SHEET, SHEET_EN) if name in book.sheetnames), book.worksheets[0])
    page.reset_dimensions()  # what the file says of its size may be anything
    rows = _rows(page)
    heading_row, headings = _headings(rows)
    columns: dict[int, Column] = {}
    unknown, doubled = [], []
    for index, text in headings.items():
        column = BY_HEADING.get(text)
        if column is None:
            unknown.append(text[:60])
        elif column in columns.values():
            doubled.append(text)
        else:
            columns[index] = column
    lines: list[Line] = []
    too_long = False
    for number, cells in rows:
        if all(cell is None or cell == "" for cell in cells):
            continue
        if len(lines) >= MAX_ROWS:
            too_long = True
            break
        found = {column.key: cells[index] if index < len(cells) else None for index, column in columns.items()}
        if any(cell is not None for cell in found.values()):
            lines.append(Line(number, found))
    merged = tuple(one for one in _merged(page, content) if _last_row(one) > heading_row)
    return Table(tuple(columns.values()), tuple(lines), tuple(unknown), tuple(doubled), merged, heading_row, too_long)


def _rows(page: Any) -> Iterator[tuple[int, list[Cell]]]:
    blanks = 0
    for number, row in enumerate(page.iter_rows(max_col=MAX_COLUMNS), start=1):
        cells = [_cell(one) for one in row]
        blanks = 0 if any(cell is not None for cell in cells) else blanks + 1
        if blanks > _BLANKS_AT_MOST:
            return
        yield number, cells


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "f":
        return Formula(value)
    if cell.data_type == "e":
        return ErrorValue(value)
    return value  # type: ignore[no-any-return]


def _headings(rows: Iterator[tuple[int, list[Cell]]]) -> tuple[int, dict[int, str]]:
    for number, cells in rows:
        texts = {index: str(cell).strip().rstrip("*＊").strip() for index, cell in enumerate(cells) if cell is not None}
        if sum(text in BY_HEADING for text in texts.values()) >= 2:
            return number, {index: text for index, text in texts.items() if text}
        if number >= HEADING_WITHIN:
            break
    raise Invalid(
        "No row has the headings of the ledger", hint="Export the ledger and fill in that file", field="import_file"
    )


def _merged(page: Any, content: bytes) -> list[str]:
    path = str(getattr(page, "_worksheet_path", "")).lstrip("/")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if path not in archive.namelist():
            return []
        return [one.decode() for one in _MERGED.findall(archive.read(path))]


def _last_row(reference: str) -> int:
    corners = _CORNERS.fullmatch(reference)
    return int(corners[4]) if corners else 0
