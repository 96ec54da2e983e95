"""The report as a fragment of a page, for preview and for printing from the browser; its looks are in report.css."""

from html import escape

from services.report.model import Snapshot
from services.report.render.document import Chapter, Document, Heading, Lines, Part, Picture, Sheet, SignLine, document
from services.report.render.edition import PLAIN, Edition
from services.report.render.figures import on_screen
from services.report.render.grids import Grid

_ALIGNS = {"left": "", "right": ' class="is-number"', "center": ' class="is-centred"'}


def render(snapshot: Snapshot, edition: Edition = PLAIN, *, link: str = "") -> str:
    """The fragment; `link` is where a figure's records are, e.g. `/reports/SNAPSHOT/figures/{id}`."""
    written = document(snapshot, edition)
    chapters = "".join(_chapter(one, written, link) for one in written.chapters)
    forms = "".join(_form(one, written, level=2, anchor=f"form-{at}") for at, one in enumerate(written.forms))
    return (
        f'<article class="report" lang="{"en" if edition.language == "en" else "zh"}">'
        f"{_cover(written)}{_contents(written)}{chapters}{_signing(written)}{_method(written, link)}{forms}</article>"
    )


def _cover(written: Document) -> str:
    facts = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in written.facts)
    tally = "".join(
        f'<div class="{"is-missed" if bad else "is-calm"}"><dt>{_text(word)}</dt><dd>{number}</dd></div>'
        for word, number, bad in written.tally
    )
    state = "is-signed" if written.signed else "is-waiting"
    hashed = (
        f'<p class="report-hash">{_text(written.words["sha256"])} SHA-256 <code>{_text(written.sha256)}</code></p>'
        if written.sha256
        else ""
    )
    return (
        f'<header class="report-cover"><p class="report-company">{_text(written.company)}</p>'
        f'<p class="report-site">{_text(written.site)}</p><h1>{_text(written.title)}</h1>'
        f'<p class="report-month">{_text(written.month)}</p><p class="report-state {state}">{_text(written.state)}</p>'
        f'<dl class="report-tally" aria-label="{_text(written.words["key_figures"])}">{tally}</dl>'
        f'<dl class="report-facts">{facts}</dl>{hashed}</header>'
    )


def _contents(written: Document) -> str:
    entries = [(f"chapter-{one.id}", one.title) for one in written.chapters]
    entries += [("signing", written.words["signing"])] if written.signing else []
    entries += [
        (f"form-{at}", f"{written.words['annex']} {one.number} {one.title}") for at, one in enumerate(written.forms)
    ]
    items = "".join(f'<li><a href="#{escape(anchor)}">{_text(title)}</a></li>' for anchor, title in entries)
    words = _text(written.words["contents"])
    return f'<nav class="report-contents" aria-label="{words}"><p>{words}</p><ol>{items}</ol></nav>'


def _chapter(chapter: Chapter, written: Document, link: str) -> str:
    parts = "".join(_part(one, written, link) for one in chapter.parts)
    anchor = escape(f"chapter-{chapter.id}")
    return f'<section class="report-chapter" id="{anchor}"><h2>{_text(chapter.title)}</h2>{parts}</section>'


def _part(part: Part | Heading, written: Document, link: str) -> str:
    match part:
        case Heading():
            return f"<h3>{_text(part.title)}</h3>"
        case Grid():
            return _grid(part, link)
        case Lines():
            if part.style == "bullets":
                return f'<ul class="report-list">{"".join(f"<li>{_text(one)}</li>" for one in part.lines)}</ul>'
            style = ' class="report-note"' if part.style == "note" else ""
            return "".join(f"<p{style}>{_text(one)}</p>" for one in part.lines)
        case Picture():
            chart = on_screen(part.chart, written.language)
            return f'<figure class="report-figure">{chart}<figcaption>{_text(part.caption)}</figcaption></figure>'
        case Sheet():
            return _form(part, written, level=3)


def _grid(grid: Grid, link: str, *, framed: bool = False) -> str:
    heads = "".join(
        f'<th scope="col"{_ALIGNS[align]}>{_text(one)}</th>'
        for one, align in zip(grid.headings, grid.aligns, strict=True)
    )
    rows = []
    for index, row in enumerate(grid.rows):
        figure = grid.figures[index] if index < len(grid.figures) else ""
        rows.append(f"<tr>{''.join(_cell(grid, at, one, link, figure) for at, one in enumerate(row))}</tr>")
    if not rows:
        rows.append(f'<tr><td class="report-none" colspan="{len(grid.headings)}">{_text(grid.empty)}</td></tr>')
    total = ""
    if grid.total is not None:
        cells = "".join(
            f"<td{_ALIGNS[align]}>{_text(one)}</td>" for one, align in zip(grid.total, grid.aligns, strict=True)
        )
        total = f"<tfoot><tr>{cells}</tr></tfoot>"
    caption = f"<caption>{_text(grid.caption)}</caption>" if grid.caption else ""
    note = f'<p class="report-note">{_text(grid.note)}</p>' if grid.note else ""
    style = "report-table is-framed" if framed else "report-table"
    return (
        f'<div class="report-scroll" tabindex="0"><table class="{style}">{caption}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>{total}</table></div>{note}"
    )


def _cell(grid: Grid, at: int, words: str, link: str, figure: str) -> str:
    shown = _text(words)
    if words and words == grid.bad[at]:
        shown = f'<strong class="report-bad">{shown}</strong>'
    if at == 1 and figure and link:
        shown = f'<a href="{escape(link.replace("{id}", figure))}">{shown}</a>'
    return f"<td{_ALIGNS[grid.aligns[at]]}>{shown}</td>"


def _form(form: Sheet, written: Document, *, level: int, anchor: str = "") -> str:
    head = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in form.head)
    foot = "".join(f"<p>{_text(one)}</p>" for one in form.foot)
    pairs = f'<dl class="report-form-head">{head}</dl>' if head else ""
    place = f' id="{escape(anchor)}"' if anchor else ""
    return (
        f'<section class="report-form"{place}><p class="report-form-number">{_text(written.words["form"])} '
        f"{_text(form.number)}</p><h{level}>{_text(form.title)}</h{level}>"
        f"{pairs}{_grid(form.grid, '', framed=True)}{foot}</section>"
    )


def _signing(written: Document) -> str:
    if not written.signing:
        return ""
    words = written.words
    heads = "".join(f'<th scope="col">{_text(words[one])}</th>' for one in ("role", "name", "date", "comment"))
    rows = "".join(_signature(one, words["in_console"]) for one in written.signing)
    return (
        f'<section class="report-chapter report-signing" id="signing"><h2>{_text(words["signing"])}</h2>'
        f'<div class="report-scroll" tabindex="0"><table class="report-table is-framed"><thead><tr>{heads}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="report-note">{_text(words["signing_note"])}</p></section>'
    )


def _signature(line: SignLine, said: str) -> str:
    name = f"<strong>{_text(line.name)}</strong><small>√ {_text(said)}</small>" if line.name else ""
    seal = f'<span class="report-seal">{_text(line.seal)}</span>' if line.seal else ""
    return (
        f'<tr><th scope="row">{_text(line.title)}</th><td>{name}{seal}</td><td>{_text(line.at)}</td>'
        f"<td>{_text(line.comment)}</td></tr>"
    )


def _method(written: Document, link: str) -> str:
    if not written.method.rows:
        return ""
    title = _text(written.words["method"])
    return f'<section class="report-chapter" id="method"><h2>{title}</h2>{_grid(written.method, link)}</section>'


def _text(words: str) -> str:
    return escape(words).replace("\n", "<br>")
