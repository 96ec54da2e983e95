"""What a correction changed: figures, tables and sections of two versions of a report, in words. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from services.report.model import Cell, Change, Column, Figure, Form, Snapshot, Table
from services.report.wording import NO_DATA, cell, figure_parts, figure_value, verdict_text

MOST_LINES = 3
"""Rows named one by one on either side; of more only their number is told."""
_LONGEST = 400
Row = tuple[Cell, ...]


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Figures first, in their order, then tables and decisions; what only moved did not change."""
    zone = after.meta.timezone
    return (*_figures(before, after), *_tables(before, after, zone), *_decisions(before, after))


def _figures(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    was = {one.id: one for one in before.figures}
    now = {one.id: one for one in after.figures}
    for name in dict.fromkeys((*now, *was)):
        old, new = was.get(name), now.get(name)
        if _said(old) != _said(new) or _raw(old) != _raw(new):
            known = new or old
            yield Change(what=name, name=known.name if known else name, was=_said(old), now=_said(new))


def _raw(figure: Figure | None) -> tuple[object, ...] | None:
    if figure is None:
        return None
    return figure.value, figure.numerator, figure.denominator, figure.target, figure.verdict


def _said(figure: Figure | None) -> str:
    """Value, parts and verdict as the report prints them."""
    if figure is None:
        return NO_DATA
    parts = f"（{figure_parts(figure)}）" if figure.denominator is not None else ""
    return f"{figure_value(figure)}{parts} {verdict_text(figure.verdict)}"


def _tables(before: Snapshot, after: Snapshot, zone: str) -> Iterator[Change]:
    was, now = _all_tables(before), _all_tables(after)
    for name in dict.fromkeys((*now, *was)):
        old, new = was.get(name), now.get(name)
        known = new or old
        if known is None:
            continue
        gone = _less(_rows(old), _rows(new))
        come = _less(_rows(new), _rows(old))
        total = (old.total if old else None) != (new.total if new else None)
        if gone or come or total or (old is None) != (new is None):
            yield Change(
                what=f"table:{name}",
                name=known.caption,
                was=_lines(gone, old, zone),
                now=_lines(come, new, zone),
            )


def _all_tables(snapshot: Snapshot) -> Mapping[str, Table]:
    blocks = [block for section in snapshot.sections for block in section.blocks]
    tables = [one for one in blocks if isinstance(one, Table)]
    forms: Iterable[Form] = (*(one for one in blocks if isinstance(one, Form)), *snapshot.annex)
    return {one.id: one for one in (*tables, *(form.table for form in forms))}


def _rows(table: Table | None) -> tuple[Row, ...]:
    return table.rows if table is not None else ()


def _less(these: tuple[Row, ...], those: tuple[Row, ...]) -> list[Row]:
    """Rows of one side that the other does not have, as often as it does not; True and 1 are not the same."""
    left = Counter(map(_key, those))
    found = []
    for row in these:
        if left[_key(row)]:
            left[_key(row)] -= 1
        else:
            found.append(row)
    return found


def _key(row: Row) -> tuple[object, ...]:
    return tuple((type(one).__name__ if isinstance(one, bool) else "", one) for one in row)


def _lines(rows: list[Row], table: Table | None, zone: str) -> str:
    if table is None:
        return NO_DATA
    if not rows:
        return f"共 {len(table.rows)} 行"
    shown = "；".join(_line(row, table.columns, zone) for row in rows[:MOST_LINES])
    more = f"；另 {len(rows) - MOST_LINES} 行" if len(rows) > MOST_LINES else ""
    text = f"{shown}{more}（共 {len(table.rows)} 行）"
    return text if len(text) <= _LONGEST else f"{len(rows)} 行不同（共 {len(table.rows)} 行）"


def _line(row: Row, columns: tuple[Column, ...], zone: str) -> str:
    return " ".join(cell(value, column, zone) for value, column in zip(row, columns, strict=False))


def _decisions(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    gone = [one for one in before.decisions if one not in after.decisions]
    come = [one for one in after.decisions if one not in before.decisions]
    if gone or come:
        yield Change(what="decisions", name="需领导决定事项", was=_short("；".join(gone)), now=_short("；".join(come)))


def _short(text: str) -> str:
    return (text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…") or NO_DATA
