"""The report as Word file, for what must be edited, stamped and signed; the same snapshot gives the same bytes."""

from collections.abc import Iterator
from datetime import UTC
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt
from docxtpl import DocxTemplate
from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from services.report.model import Snapshot
from services.report.render import template as templates
from services.report.render import typesetting, wordml
from services.report.render.document import Document, Heading, Lines, Part, Picture, Sheet, SignLine, document
from services.report.render.edition import PLAIN, Edition, Progress, silent
from services.report.render.errors import BadTemplate
from services.report.render.figures import WIDTH, drawing, height, pictures
from services.report.render.grids import Grid
from services.report.render.packing import repacked

TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MARK = "{gengfu body}"
_HINT = "Start from the shipped one: python -m services.report.render.template report.docx"


def render(
    snapshot: Snapshot, edition: Edition = PLAIN, progress: Progress = silent, *, template: bytes | None = None
) -> bytes:
    """The file, in the site's own template when there is one; raises FontMissing, RenderError, BadTemplate."""
    progress(0.0, "words")
    written = document(snapshot, edition)
    filled = _filled(template or templates.shipped(), written)
    progress(0.2, "charts")
    shown = pictures(written)
    images = typesetting.png([drawing(one.chart, edition.language) for one in shown])
    progress(0.6, "pages")
    _put(filled, _Body(filled, written, iter(images)).elements())
    core = filled.core_properties
    core.title, core.author, core.last_modified_by = f"{written.title} {written.month}", written.company, ""
    core.subject, core.keywords, core.comments = written.site, written.number, ""
    core.created = core.modified = snapshot.meta.made_at.astimezone(UTC).replace(tzinfo=None)
    core.revision = 1
    target = BytesIO()
    filled.save(target)
    progress(1.0, "")
    return repacked(target.getvalue())


def _filled(template: bytes, written: Document) -> Any:
    before, between, after = written.words["page"].split("{}")
    words = {**written.words, "page_before": before, "page_between": between, "page_after": after}
    words["hash"] = f"{words['sha256']} SHA-256  {written.sha256}" if written.sha256 else ""
    context = {key: getattr(written, key) for key in ("company", "site", "title", "month", "state", "number", "facts")}
    tally = "　".join(f"{word} {count}" for word, count, _ in written.tally)
    context["facts"] = (*written.facts, (written.words["key_figures"], tally)) if tally else written.facts
    try:
        made = DocxTemplate(BytesIO(template))
        made.render({**context, "words": words, "body": _MARK}, SandboxedEnvironment(autoescape=True), autoescape=True)
    except (TemplateError, PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        raise BadTemplate(f"The Word template of reports cannot be filled: {error}", hint=_HINT) from error
    return made.docx


def _put(filled: Any, elements: Iterator[Any]) -> None:
    place = next((one for one in filled.element.body.iter(qn("w:p")) if _text(one) == _MARK), None)
    if place is None:
        raise BadTemplate("The Word template of reports has no paragraph {{ body }}", hint=_HINT)
    for element in elements:
        place.addprevious(element)
    place.getparent().remove(place)


def _text(paragraph: Any) -> str:
    return "".join(one.text or "" for one in paragraph.iter(qn("w:t"))).strip()


class _Body:
    """Everything after the cover, as elements in order."""

    def __init__(self, filled: Any, written: Document, images: Iterator[bytes]) -> None:
        self._filled, self._written, self._images = filled, written, images
        ids = {style.name: style.style_id for style in filled.styles}
        self._cell, self._note, self._table = (
            ids.get(one, "") for one in (templates.CELL, templates.NOTE, templates.TABLE)
        )
        self._first, self._second = ids.get("Heading 1", ""), ids.get("Heading 2", "")
        self._caption, self._bullet, self._title = (ids.get(one, "") for one in ("Caption", "List Bullet", "Title"))

    def elements(self) -> Iterator[Any]:
        """The contents, the chapters, the signatures, how figures are counted, the forms."""
        yield from self._contents()
        for index, chapter in enumerate(self._written.chapters):
            yield _element(wordml.paragraph(chapter.title, self._first, new_page=index == 0))
            for part in chapter.parts:
                yield from self._part(part)
        if self._written.signing:
            yield _element(wordml.paragraph(self._written.words["signing"], self._first, new_page=True))
            yield _element(self._signing(self._written.signing))
            yield _element(wordml.paragraph(self._written.words["signing_note"], self._note))
        if self._written.method.rows:
            yield _element(wordml.paragraph(self._written.words["method"], self._first))
            yield from self._grid(self._written.method)
        for form in self._written.forms:
            yield from self._form(form)

    def _contents(self) -> Iterator[Any]:
        yield _element(wordml.paragraph(self._written.words["contents"], self._second, align="center", new_page=True))
        titles = [one.title for one in self._written.chapters]
        instruction = '<w:instrText xml:space="preserve"> TOC \\o "1-1" \\h \\z </w:instrText>'
        start = "".join(
            f"<w:r>{one}</w:r>"
            for one in ('<w:fldChar w:fldCharType="begin"/>', instruction, '<w:fldChar w:fldCharType="separate"/>')
        )
        end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        for index, title in enumerate(titles):
            runs = (start if index == 0 else "") + wordml.run(title) + (end if index == len(titles) - 1 else "")
            yield _element(wordml.paragraph("", runs=runs))

    def _part(self, part: Part | Heading) -> Iterator[Any]:
        match part:
            case Heading():
                yield _element(wordml.paragraph(part.title, self._second))
            case Grid():
                yield from self._grid(part)
            case Lines():
                style = {"bullets": self._bullet, "note": self._note}.get(part.style, "")
                for line in part.lines:
                    yield _element(wordml.paragraph(line, style))
            case Picture():
                yield self._picture(part)
                yield _element(wordml.paragraph(part.caption, self._caption, align="center"))
            case Sheet():
                yield from self._form(part)

    def _grid(self, grid: Grid, *, framed: bool = False) -> Iterator[Any]:
        if grid.caption:
            yield _element(wordml.paragraph(grid.caption, self._caption))
        yield parse_xml(wordml.table(grid, self._cell, self._table, framed=framed))
        yield _element(wordml.paragraph(grid.note, self._note))

    def _picture(self, picture: Picture) -> Any:
        _, image = self._filled.part.get_or_add_image(BytesIO(next(self._images)))
        inline = self._filled.part.new_pic_inline(BytesIO(image.blob), Pt(WIDTH), Pt(height(picture.chart)))
        inline.docPr.set("descr", picture.caption)
        element = _element(wordml.paragraph("", align="center", keep=True, runs="<w:r><w:drawing/></w:r>"))
        element.find(f".//{qn('w:drawing')}").append(inline)
        return element

    def _form(self, form: Sheet) -> Iterator[Any]:
        number = f"{self._written.words['form']}：{form.number}"
        yield _element(wordml.paragraph(number, self._note, align="right", new_page=True))
        yield _element(wordml.paragraph("", align="center", runs=wordml.run(form.title, bold=True, size=16)))
        if form.head:
            yield parse_xml(self._pairs(form.head))
            yield _element(wordml.paragraph("", self._note))
        yield from self._grid(form.grid, framed=True)
        for line in form.foot:
            yield _element(wordml.paragraph(line))

    def _pairs(self, pairs: tuple[tuple[str, str], ...]) -> str:
        widths = wordml.shares((1, 2.4, 1, 2.4))
        rows = []
        for at in range(0, len(pairs), 2):
            texts = [text for pair in pairs[at : at + 2] for text in pair]
            cells = [wordml.box(wordml.paragraph(text, self._cell), widths[index]) for index, text in enumerate(texts)]
            if len(texts) == 2:
                cells[1] = wordml.box(wordml.paragraph(texts[1], self._cell), sum(widths[1:]), span=3)
            rows.append(wordml.row(cells))
        return wordml.whole(rows, widths, self._table, framed=True, heading=False)

    def _signing(self, lines: tuple[SignLine, ...]) -> str:
        widths = wordml.shares((1.15, 1.5, 1.0, 1.2))
        words = self._written.words
        heads = [
            wordml.paragraph(words[one], self._cell, align="center") for one in ("role", "name", "date", "comment")
        ]
        rows = [wordml.row([wordml.box(one, width) for one, width in zip(heads, widths, strict=True)], heading=True)]
        for line in lines:
            name = line.name and wordml.paragraph("", self._cell, runs=wordml.run(line.name, bold=True, size=13))
            given = name and name + wordml.paragraph(f"√ {words['in_console']}", self._note)
            seal = wordml.paragraph(line.seal, self._note, align="right") if line.seal or not given else ""
            cells = (
                wordml.paragraph(line.title, self._cell), given + seal, wordml.paragraph(line.at, self._cell),
                wordml.paragraph(line.comment, self._cell),
            )  # fmt: skip
            boxes = [wordml.box(one, width) for one, width in zip(cells, widths, strict=True)]
            rows.append(wordml.row(boxes, height=1474))
        return wordml.whole(rows, widths, self._table, framed=True)


def _element(markup: str) -> Any:
    return parse_xml(markup.replace("<w:p>", f"<w:p {nsdecls('w')}>", 1))
