"""Writing the ledger as xlsx: all fields, lists to choose from, text that stays text."""

from collections.abc import Iterable, Sequence
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gateway.site.equipment_kinds import ALL_KINDS
from gateway.site.model import SiteConfig
from services.equipment.sheet.columns import COLUMNS, SHEET, SHEET_EN, Column, Names
from services.equipment.tables import Equipment
from services.equipment.values import PEOPLE, STATUSES

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BLANK_ROWS = 500
"""So many rows below the last one offer the lists too."""
_LISTS = "_lists"


def workbook(config: SiteConfig, rows: Iterable[Equipment], language: str = "zh") -> bytes:
    """The ledger of a site as a workbook that `reading` and `importing` take back unchanged."""
    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    names, entries = Names(config, language), list(rows)
    with Workbook(target, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#E3EDF1", "bottom": 1, "valign": "vcenter"})
        # Text cells are text for the spreadsheet too: what looks like a formula stays what somebody typed.
        text = book.add_format({"num_format": "@", "valign": "top"})
        day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
        page = book.add_worksheet(SHEET_EN if language == "en" else SHEET)
        _help(book, book.add_worksheet("Help" if language == "en" else "填写说明"), head, language)
        lists = _lists(book, names, config)
        _fill(page, names, entries, head, text, day, language)
        last = len(entries) + BLANK_ROWS
        for number, column in enumerate(COLUMNS):
            source = lists.get(column.sort if column.sort != "person" else column.key)
            if source:
                page.data_validation(
                    1, number, last, number, {"validate": "list", "source": source, "error_type": "warning"}
                )
        page.autofilter(0, 0, max(len(entries), 1), len(COLUMNS) - 1)
    return target.getvalue()


def _fill(
    page: Worksheet, names: Names, rows: Sequence[Equipment], head: Format, text: Format, day: Format, language: str
) -> None:
    page.freeze_panes(1, 3)
    page.set_landscape()
    page.repeat_rows(0)
    for number, column in enumerate(COLUMNS):
        page.set_column(number, number, column.width, day if column.sort == "date" else text)
        page.write_string(0, number, column.heading(language), head)
    for line, row in enumerate(rows, start=1):
        for number, column in enumerate(COLUMNS):
            value = getattr(row, column.key)
            if value is None or value == "" or value == []:
                continue
            if column.sort == "date":
                page.write_datetime(line, number, value, day)
            else:
                page.write_string(line, number, shown(names, column, value), text)


def shown(names: Names, column: Column, value: object) -> str:
    """A value of an entry as it stands in a text cell."""
    match column.sort:
        case "kind":
            return names.kind(str(value))
        case "area":
            return names.area(str(value))
        case "status":
            return names.status(str(value))
        case "person":
            return names.person(str(value))
        case "bindings" if isinstance(value, list):
            return " ".join(":".join(pair) for pair in value)
    return str(value)


def _help(book: Workbook, page: Worksheet, head: Format, language: str) -> None:
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 18)
    page.set_column(1, 1, 60)
    for number, title in enumerate(("Column", "What to write") if language == "en" else ("列", "怎么填")):
        page.write_string(0, number, title, head)
    for line, column in enumerate(COLUMNS, start=1):
        page.write_string(line, 0, column.heading(language), wrap)
        page.write_string(line, 1, column.advice(language), wrap)


def _lists(book: Workbook, names: Names, config: SiteConfig) -> dict[str, str]:
    """The lists to choose from on a hidden sheet; returns where each is."""
    page = book.add_worksheet(_LISTS)
    page.hide()
    choices: dict[str, list[str]] = {
        "kind": [names.kind(one) for one in ALL_KINDS],
        "status": [names.status(one) for one in STATUSES],
        "area": [names.area(one.id) for one in config.areas],
        **{
            column: [names.person(one.username) for one in config.people if one.role == role]
            for column, role in PEOPLE.items()
        },
    }
    found: dict[str, str] = {}
    for number, (key, options) in enumerate(choices.items()):
        for line, option in enumerate(options):
            page.write_string(line, number, option)
        if options:
            letter = "ABCDEFGH"[number]
            found[key] = f"={_LISTS}!${letter}$1:${letter}${len(options)}"
    return found
