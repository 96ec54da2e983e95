"""Tables in words: cells as text, alignment, and how much room each column needs on paper. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from unicodedata import combining, east_asian_width

from services.report import wording
from services.report.model import Cell, Column, Table

_NUMBERS = {"int", "number", "percent", "minutes", "hours", "yuan"}
_CENTRED = {"verdict", "mark", "date", "datetime"}
_NARROWEST, _WRAPS, _WIDEST, _PADDING = 4.0, 14.0, 70.0, 2.0
"""Half-width characters; what is wider than _WRAPS may be wrapped."""
_SOLID, _LONGEST_RUN = re.compile(r"[!-~]+"), 25.0
"""Numbers of orders and the like are not broken; longer runs are."""
_PAGE_UNITS = 110.0
"""Half-width characters of 9 points that fit beside each other on A4 portrait."""
_LARGEST, _DENSE, _SMALLEST = 9.0, 8.0, 5.5
"""Sizes of letters, points."""
_SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Grid:
    """A table in words."""

    id: str
    caption: str
    headings: tuple[str, ...]
    aligns: tuple[str, ...]
    """left, right, center."""
    weights: tuple[float, ...]
    """Relative widths."""
    bad: tuple[str, ...]
    """Of each column: the word that calls for attention, or empty."""
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] | None
    note: str
    empty: str
    size: float
    """Size of letters, points."""
    figures: tuple[str, ...] = ()
    """Figure id of each row, where rows are figures."""

    def as_figures(self, figures: tuple[str, ...]) -> "Grid":
        """The same with the figure of each row, its numbers to the right."""
        return replace(self, figures=figures, aligns=("left", "right", "right", "right", "center", "right"))


def grid(table: Table, caption: str, zone: str, language: str, clean: Callable[[str], str]) -> Grid:
    """The table's words; rows beyond `most_printed` are counted in the note."""
    columns = table.columns

    def words(row: tuple[Cell, ...]) -> tuple[str, ...]:
        return tuple(clean(wording.cell(one, column, zone, language)) for one, column in zip(row, columns, strict=True))

    shown = table.rows if table.most_printed is None else table.rows[: table.most_printed]
    rows = tuple(map(words, shown))
    headings = tuple(clean(wording.column_title(one, language)) for one in columns)
    total = None if table.total is None else words(table.total)
    size, weights = _fit([_room(index, headings, rows, column) for index, column in enumerate(columns)])
    notes = (clean(table.note), wording.not_printed(table, language))
    return Grid(
        id=table.id,
        caption=caption,
        headings=headings,
        aligns=tuple(_align(one) for one in columns),
        weights=weights,
        bad=tuple(_bad(one, language) for one in columns),
        rows=rows,
        total=total,
        note=" ".join(one for one in notes if one),
        empty=clean(wording.pick(table.empty, table.empty_en, language)),
        size=size,
    )


def units(text: str) -> float:
    """How wide the text is: 2 for a Chinese character or a sign as wide, such as ≥; 1.1 for a letter or digit."""
    return sum(2.0 if east_asian_width(one) in "WFA" else 1.1 for one in text if not combining(one))


@dataclass(frozen=True, slots=True)
class _Room:
    """What a column would like to have, and what it can live with, in half-width characters."""

    want: float
    least: float


def _room(index: int, headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...], column: Column) -> _Room:
    step = max(1, len(rows) // _SAMPLE)
    cells = [row[index] for row in rows[::step]]
    widths = sorted(map(units, cells))
    solid = max((units(run) for cell in cells for run in _SOLID.findall(cell)), default=0.0)
    usual = widths[int(len(widths) * 0.95)] if len(widths) > 1 else widths[0] if widths else 0.0
    author = min(1.6, max(0.7, column.width)) if usual > _WRAPS else 1.0
    heading = units(headings[index])
    want = max(_NARROWEST, min(heading, 12.0), min(_WIDEST, usual * author))
    breaks = column.kind in ("text", "person")
    least = max(_NARROWEST, min(heading, 8.0), min(want, max(_WRAPS, min(solid, _LONGEST_RUN))) if breaks else want)
    return _Room(want + _PADDING, least + _PADDING)


def _fit(rooms: list[_Room]) -> tuple[float, tuple[float, ...]]:
    """Size of letters and weights of columns: words are wrapped before letters get small."""
    want, least = sum(one.want for one in rooms), sum(one.least for one in rooms)
    if not rooms or want <= _PAGE_UNITS:
        return _LARGEST, tuple(one.want for one in rooms)
    size = round(max(_SMALLEST, min(_DENSE, _LARGEST * _PAGE_UNITS / least)), 1)
    spare = _PAGE_UNITS * _LARGEST / size - least
    part = min(1.0, max(0.0, spare / (want - least))) if want > least else 0.0
    return size, tuple(one.least + (one.want - one.least) * part for one in rooms)


def _align(column: Column) -> str:
    return "right" if column.kind in _NUMBERS else "center" if column.kind in _CENTRED else "left"


def _bad(column: Column, language: str) -> str:
    if column.kind == "verdict":
        return wording.verdict_text("missed", language)
    return wording.MARKS[False] if column.kind == "mark" else ""
