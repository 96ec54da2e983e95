"""WordprocessingML text for paragraphs and tables: thousands of rows, where an object per cell would be slow."""

from collections.abc import Callable, Sequence
from html import escape

from docx.oxml.ns import nsdecls

from services.report.render.grids import Grid

TEXT_WIDTH = 9750
"""Twentieths of a point: 172 mm."""
_RED, _QUIET = "B3261E", "5B6770"
Style = Callable[[str], str]
"""Name of a style → its id in the template, empty where there is none."""


def paragraph(
    text: str, style: str = "", *, align: str = "", new_page: bool = False, keep: bool = False, runs: str = ""
) -> str:
    """One paragraph; `runs` is markup of its own, in place of the text; keep: on one page with the next."""
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    kept = "<w:keepNext/>" if keep else ""
    broken = "<w:pageBreakBefore/>" if new_page else ""
    aligned = f'<w:jc w:val="{align}"/>' if align else ""
    return f"<w:p><w:pPr>{styled}{kept}{broken}{aligned}</w:pPr>{runs or run(text)}</w:p>"


def run(text: str, *, bold: bool = False, colour: str = "", size: float = 0.0) -> str:
    """Words with their looks; size in points."""
    looks = "<w:b/>" if bold else ""
    looks += f'<w:color w:val="{colour}"/>' if colour else ""
    looks += f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>' if size else ""
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
    return f"<w:r>{f'<w:rPr>{looks}</w:rPr>' if looks else ''}{lines}</w:r>"


def table(grid: Grid, cell_style: str, table_style: str, *, framed: bool = False) -> str:
    """A table whose heading row is repeated on every page."""
    widths = shares(grid.weights)
    size = grid.size if grid.size < 9 else 0.0

    def cell(text: str, index: int, *, heading: bool = False, total: bool = False) -> str:
        bad = not heading and text != "" and text == grid.bad[index]
        align = "" if grid.aligns[index] == "left" else grid.aligns[index]
        words = run(text, bold=heading or bad or total, colour=_RED if bad else "", size=size)
        return box(paragraph("", cell_style, align=align, runs=words), widths[index])

    rows = [row([cell(one, at, heading=True) for at, one in enumerate(grid.headings)], heading=True)]
    rows += [row([cell(one, at) for at, one in enumerate(line)]) for line in grid.rows]
    if not grid.rows:
        said = paragraph("", cell_style, align="center", runs=run(grid.empty, colour=_QUIET))
        rows.append(row([box(said, sum(widths), span=len(widths))]))
    if grid.total is not None:
        rows.append(row([cell(one, at, total=True) for at, one in enumerate(grid.total)]))
    return whole(rows, widths, table_style, framed=framed)


def whole(rows: Sequence[str], widths: Sequence[int], style: str, *, framed: bool = False, heading: bool = True) -> str:
    """A table of finished rows."""
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:color="8A959C"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    borders = f"<w:tblBorders>{edges}</w:tblBorders>" if framed else ""
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    styled = f'<w:tblStyle w:val="{style}"/>' if style else ""
    look = '<w:tblLook w:val="0420" w:firstRow="1" w:noVBand="1"/>' if heading else '<w:tblLook w:val="0400"/>'
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr>{styled}<w:tblW w:w="{sum(widths)}" w:type="dxa"/>{borders}'
        f'<w:tblLayout w:type="fixed"/>{look}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
    )


def row(cells: Sequence[str], *, heading: bool = False, height: int = 0) -> str:
    """One row, never torn apart; a tall one is allowed to be when it is longer than half a page of text."""
    looks = "<w:cantSplit/>" if sum(map(len, cells)) < 6000 else ""
    looks += f'<w:trHeight w:val="{height}" w:hRule="atLeast"/>' if height else ""
    looks += "<w:tblHeader/>" if heading else ""
    return f"<w:tr><w:trPr>{looks}</w:trPr>{''.join(cells)}</w:tr>"


def box(paragraphs: str, width: int, *, span: int = 1, fill: str = "") -> str:
    """One cell."""
    spanned = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    filled = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spanned}{filled}<w:vAlign w:val="center"/></w:tcPr>'
        f"{paragraphs}</w:tc>"
    )


def shares(weights: Sequence[float], width: int = TEXT_WIDTH) -> list[int]:
    """The width of the text divided by weights."""
    whole_weight = sum(weights) or 1.0
    return [round(width * one / whole_weight) for one in weights]
