"""What a report must say, told from its snapshot alone: the rows of every table, word by word."""

import re

from services.report import wording
from services.report.masking import masked
from services.report.model import FigureList, Form, Snapshot, Table

Row = tuple[str, ...]


def squeezed(text: str) -> str:
    """Without white space and places to break."""
    return re.sub(r"[\s\u200b]+", "", text)


def tables(snapshot: Snapshot) -> list[list[Row]]:
    """Tables of sections in their order, forms among them, each as its rows."""
    safe = masked(snapshot)
    found: list[list[Row]] = []
    for section in safe.sections:
        for block in section.blocks:
            match block:
                case Table():
                    found.append(rows(block, safe))
                case FigureList():
                    found.append(figures(safe, block.figures))
                case Form():
                    found.append(rows(block.table, safe))
                case _:
                    pass
    return found


def rows(table: Table, snapshot: Snapshot) -> list[Row]:
    """Rows and total of a table."""
    printed = table.rows if table.total is None else (*table.rows, table.total)
    zone = snapshot.meta.timezone
    return [
        tuple(wording.cell(one, column, zone) for one, column in zip(row, table.columns, strict=True))
        for row in printed
    ]


def figures(snapshot: Snapshot, ids: tuple[str, ...]) -> list[Row]:
    """Rows of a table of key figures."""
    by_id = {one.id: one for one in snapshot.figures}
    return [
        (
            one.name,
            wording.figure_value(one),
            wording.figure_parts(one),
            wording.target_text(one),
            wording.verdict_text(one.verdict),
            wording.previous_text(one),
        )
        for one in (by_id[figure_id] for figure_id in ids)
    ]
