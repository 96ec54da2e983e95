"""A snapshot as pages of words: what pdf, docx and html lay out, so that all three say the same. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from services.report import wording
from services.report.masking import masked
from services.report.model import (
    Block,
    Cell,
    Chart,
    Column,
    Figure,
    FigureList,
    Form,
    Section,
    Slot,
    Snapshot,
    Table,
    Text,
)
from services.report.render.edition import Edition
from services.report.render.grids import Grid, grid
from services.report.render.labels import label

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_OWN_NUMBER = re.compile(r"^[表图]\s*\d+\s*[.．、:：]?\s*")

_LAYOUT_WORDS = (
    "contents", "signing", "role", "name", "date", "comment", "in_console", "signing_note", "method", "form", "page",
    "annex", "number", "key_figures",
    "sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lines:
    """A paragraph or a list."""

    lines: tuple[str, ...]
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its numbered caption."""

    caption: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form of its own number on its own page."""

    id: str
    number: str
    title: str
    head: tuple[tuple[str, str], ...]
    grid: Grid
    foot: tuple[str, ...]


Part = Grid | Lines | Picture | Sheet


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the second level."""

    title: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading of the first level and what is under it."""

    id: str
    title: str
    parts: tuple[Part | Heading, ...]


@dataclass(frozen=True, slots=True)
class SignLine:
    """A place to sign, and the signature that was given."""

    slot: Slot
    title: str
    seal: str
    name: str = ""
    at: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report in words."""

    language: str
    title: str
    site: str
    month: str
    company: str
    number: str
    state: str
    signed: bool
    sha256: str
    facts: tuple[tuple[str, str], ...]
    tally: tuple[tuple[str, str, bool], ...]
    """Key figures that are met, missed, without data, without target: words, count, whether it calls for attention."""
    chapters: tuple[Chapter, ...]
    signing: tuple[SignLine, ...]
    method: Grid
    forms: tuple[Sheet, ...]
    words: dict[str, str] = field(default_factory=dict)
    """Fixed words the layouts need."""


def document(snapshot: Snapshot, edition: Edition) -> Document:
    """The snapshot in the edition's words; personal data masked unless the edition shows names."""
    return _Builder(snapshot if edition.names else masked(snapshot), edition).build()


def clean(text: str) -> str:
    """The text without characters that no file may hold."""
    return _CONTROL.sub("", text)


def defines(snapshot: Snapshot) -> bool:
    """A section says already how the figures are counted."""
    return any(
        isinstance(block, Table) and block.id == "definitions"
        for section in snapshot.sections
        for block in section.blocks
    )


class _Builder:
    def __init__(self, snapshot: Snapshot, edition: Edition) -> None:
        self._snapshot = snapshot
        self._edition = edition
        self._language = edition.language
        self._figures = {one.id: one for one in snapshot.figures}
        self._tables, self._charts = count(1), count(1)

    def build(self) -> Document:
        meta, language = self._snapshot.meta, self._language
        chapters = tuple(self._chapters())
        signed = self._edition.signed(self._snapshot)
        state = "running" if meta.running else "signed" if signed else "waiting"
        return Document(
            language=language,
            title=wording.report_title(meta.kind, language),
            site=clean(wording.pick(meta.site_name, meta.site_name_en, language)),
            month=wording.month_text(meta.month, language),
            company=clean(meta.company),
            number=clean(meta.number),
            state=self._say(state),
            signed=signed,
            sha256=self._edition.sha256,
            facts=tuple(self._facts()),
            tally=tuple(self._tally()),
            chapters=chapters,
            signing=tuple(self._signing()),
            method=self._method(),
            forms=tuple(self._form(one) for one in self._snapshot.annex),
            words={key: self._say(key) for key in _LAYOUT_WORDS},
        )

    def _say(self, key: str) -> str:
        return label(key, self._language)

    def _facts(self) -> Iterator[tuple[str, str]]:
        meta = self._snapshot.meta
        yield self._say("number"), clean(meta.number)
        yield self._say("version"), self._say("version_n").format(meta.version)
        yield self._say("period"), wording.period_text(meta, self._language)
        yield self._say("cutoff"), wording.moment(meta.cutoff_at, meta.timezone)
        yield self._say("made"), wording.moment(meta.made_at, meta.timezone)
        yield self._say("zone"), meta.timezone
        yield self._say("program"), clean(meta.program) or wording.NO_DATA
        yield self._say("rules"), clean(meta.rules)[:16] or wording.NO_DATA

    def _tally(self) -> Iterator[tuple[str, str, bool]]:
        verdicts = Counter(self._figures[one].verdict for one in self._snapshot.key_figures if one in self._figures)
        for verdict in ("met", "missed", "no_data", "no_target"):
            if verdicts:
                missed = verdict == "missed" and verdicts[verdict] > 0
                yield wording.verdict_text(verdict, self._language), str(verdicts[verdict]), missed

    def _chapters(self) -> Iterator[Chapter]:
        if self._snapshot.changes or self._snapshot.reason:
            yield Chapter(id="changes", title=self._say("changes"), parts=tuple(self._changes()))
        numeral = "1. " if self._language == "en" else "一、"
        yield Chapter(id="conclusion", title=numeral + self._say("conclusion"), parts=tuple(self._conclusion()))
        for index, section in enumerate(self._snapshot.sections):
            title = clean(wording.section_title(self._snapshot, index, self._language))
            yield Chapter(id=section.id, title=title, parts=tuple(self._section(section)))

    def _changes(self) -> Iterator[Part]:
        if self._snapshot.reason:
            yield Lines((f"{self._say('reason')}：{clean(self._snapshot.reason)}",))
        if self._snapshot.changes:
            columns = self._columns("what", "was", "now")
            rows = tuple((one.name, one.was, one.now) for one in self._snapshot.changes)
            yield self._table(Table(id="changes", caption=self._say("changes_caption"), columns=columns, rows=rows))

    def _conclusion(self) -> Iterator[Part | Heading]:
        yield Heading(f"1.1 {self._say('sentences')}")
        yield Lines(tuple(map(clean, self._snapshot.conclusions)) or (self._say("no_conclusions"),), "bullets")
        yield Heading(f"1.2 {self._say('key_figures')}")
        yield self._figure_grid("key_figures", self._say("key_figures"), self._snapshot.key_figures)
        yield Heading(f"1.3 {self._say('decisions')}")
        if self._snapshot.decisions:
            yield Lines(tuple(map(clean, self._snapshot.decisions)), "bullets")
        else:
            yield Lines((self._say("no_decisions"),))

    def _section(self, section: Section) -> Iterator[Part]:
        if not section.blocks:
            yield Lines((self._say("nothing"),), "note")
        for block in section.blocks:
            yield self._block(block)

    def _block(self, block: Block) -> Part:
        match block:
            case Table():
                return self._table(block)
            case Chart():
                caption = wording.pick(block.caption, block.caption_en, self._language)
                return Picture(self._numbered("chart_n", self._charts, caption), block)
            case Text():
                return Lines(tuple(map(clean, block.lines)), block.style)
            case FigureList():
                caption = wording.pick(block.caption, block.caption_en, self._language)
                return self._figure_grid(block.id, caption, block.figures)
            case Form():
                return self._form(block)

    def _table(self, table: Table) -> Grid:
        caption = wording.pick(table.caption, table.caption_en, self._language)
        return self._grid(table, self._numbered("table_n", self._tables, caption))

    def _grid(self, table: Table, caption: str) -> Grid:
        return grid(table, clean(caption), self._snapshot.meta.timezone, self._language, clean)

    def _numbered(self, key: str, counter: Iterator[int], caption: str) -> str:
        return clean(f"{self._say(key).format(next(counter))}　{_OWN_NUMBER.sub('', caption)}")

    def _figure_grid(self, table_id: str, caption: str, ids: tuple[str, ...]) -> Grid:
        figures = [self._figures[one] for one in ids if one in self._figures]
        columns = self._columns("figure", "value", "parts", "target", "verdict", "previous")
        rows = tuple(self._figure_row(one) for one in figures)
        table = Table(id=table_id, caption=caption, columns=columns, rows=rows)
        made = self._grid(table, self._numbered("table_n", self._tables, caption))
        return made.as_figures(tuple(one.id for one in figures))

    def _figure_row(self, one: Figure) -> tuple[Cell, ...]:
        language = self._language
        return (
            wording.pick(one.name, one.name_en, language),
            wording.figure_value(one, language),
            wording.figure_parts(one),
            wording.target_text(one, language),
            one.verdict,
            wording.previous_text(one, language),
        )

    def _columns(self, *keys: str) -> tuple[Column, ...]:
        return tuple(
            Column(key=one, title=self._say(one), kind="verdict" if one == "verdict" else "text") for one in keys
        )

    def _method(self) -> Grid:
        rows = tuple(
            (
                wording.pick(one.name, one.name_en, self._language),
                wording.pick(one.how, one.how_en, self._language),
                "、".join(one.requirements),
                one.id,
            )
            for one in (() if defines(self._snapshot) else self._snapshot.figures)
        )
        columns = self._columns("figure", "how", "requirements", "figure_id")
        table = Table(id="method", caption="", columns=columns, rows=rows)
        return self._grid(table, self._say("method_caption"))

    def _form(self, form: Form) -> Sheet:
        return Sheet(
            id=form.id,
            number=clean(form.number),
            title=clean(form.caption),
            head=tuple((clean(name), clean(value) or wording.NO_DATA) for name, value in form.head),
            grid=self._grid(form.table, ""),
            foot=tuple(map(clean, form.foot)),
        )

    def _signing(self) -> Iterator[SignLine]:
        for signer in self._snapshot.signers:
            given = self._edition.signature(signer.slot)
            seal = self._say("seal") if signer.slot in ("approved", "client") else ""
            if given is None:
                yield SignLine(signer.slot, clean(signer.title), seal)
                continue
            at = wording.moment(given.at, self._snapshot.meta.timezone)
            yield SignLine(signer.slot, clean(signer.title), seal, clean(given.name), at, clean(given.comment))
