"""The report as PDF, for the archive and for signing: A4, fonts embedded, the same snapshot gives the same bytes."""

import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from services.report.model import Snapshot
from services.report.render import fonts, typesetting
from services.report.render.document import Document, Heading, Lines, Part, Picture, Sheet, document
from services.report.render.edition import PLAIN, Edition, Progress, silent
from services.report.render.figures import drawing, pictures
from services.report.render.grids import Grid

_UNBROKEN = re.compile(r"[!-~]{24,}")
_PIECE = 12


def render(snapshot: Snapshot, edition: Edition = PLAIN, progress: Progress = silent) -> bytes:
    """The file; raises FontMissing, RenderError."""
    progress(0.0, "words")
    written = document(snapshot, edition)
    progress(0.2, "charts")
    files = {
        f"chart{index}.svg": fonts.printable(drawing(one.chart, edition.language))
        for index, one in enumerate(pictures(written))
    }
    data = _on_paper(_data(written))
    progress(0.4, "pages")
    made = typesetting.pdf(_template(), data, files, snapshot.meta.made_at)
    progress(1.0, "")
    return made


def breakable(text: str) -> str:
    """The text as the font can draw it, with places to break in long runs without any, e.g. a pasted key."""
    return _UNBROKEN.sub(lambda run: "\u200b".join(_pieces(run[0])), fonts.printable(text))


def _on_paper(value: Any) -> Any:
    match value:
        case str():
            return breakable(value)
        case dict():
            return {key: _on_paper(one) for key, one in value.items()}
        case list() | tuple():
            return [_on_paper(one) for one in value]
        case _:
            return value


def _pieces(run: str) -> list[str]:
    return [run[at : at + _PIECE] for at in range(0, len(run), _PIECE)]


@cache
def _template() -> str:
    return Path(__file__).with_name("report.typ").read_text("utf-8")


def _data(written: Document) -> dict[str, Any]:
    charts = iter(range(len(pictures(written))))
    return {
        "font": fonts.FAMILY,
        **{
            key: getattr(written, key)
            for key in (
                "language",
                "title",
                "site",
                "month",
                "company",
                "number",
                "state",
                "signed",
                "sha256",
                "facts",
                "tally",
            )
        },
        "words": written.words,
        "chapters": [
            {"title": one.title, "parts": [_part(part, charts) for part in one.parts]} for one in written.chapters
        ],
        "signing": [asdict(one) for one in written.signing],
        "method": _grid(written.method),
        "forms": [_part(one, charts) for one in written.forms],
    }


def _part(part: Part | Heading, charts: Any) -> dict[str, Any]:
    match part:
        case Heading():
            return {"kind": "heading", "title": part.title}
        case Grid():
            return _grid(part)
        case Lines():
            return {"kind": "lines", "style": part.style, "lines": part.lines}
        case Picture():
            return {"kind": "picture", "caption": part.caption, "file": f"chart{next(charts)}.svg"}
        case Sheet():
            return {
                "kind": "form",
                "number": part.number,
                "title": part.title,
                "head": part.head,
                "grid": _grid(part.grid),
                "foot": part.foot,
            }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "kind": "grid",
        "caption": grid.caption,
        "headings": grid.headings,
        "aligns": grid.aligns,
        "weights": [round(one, 2) for one in grid.weights],
        "bad": grid.bad,
        "rows": grid.rows,
        "total": grid.total,
        "note": grid.note,
        "empty": grid.empty,
        "size": grid.size,
    }
