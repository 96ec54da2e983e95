"""The report as workbook, for those who count again: numbers are numbers, charts are Excel's own, nothing is a formula.

The same snapshot gives the same bytes.
"""

from collections.abc import Sequence
from datetime import UTC
from io import BytesIO

from xlsxwriter import Workbook

from services.report import wording
from services.report.masking import masked
from services.report.model import Chart, Figure, FigureList, Form, Section, Snapshot, Table, Text
from services.report.render.document import clean, defines
from services.report.render.edition import PLAIN, Edition, Progress, silent
from services.report.render.labels import label
from services.report.render.sheets import Look, Names, Page, width_of
from services.report.render.xlcharts import ChartData

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def render(snapshot: Snapshot, edition: Edition = PLAIN, progress: Progress = silent) -> bytes:
    """The file."""
    target = BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with Workbook(target, options) as book:
        book.set_properties(
            {
                "title": f"{wording.report_title(snapshot.meta.kind, edition.language)} {snapshot.meta.month}",
                "author": clean(snapshot.meta.company),
                "keywords": clean(snapshot.meta.number),
                "created": snapshot.meta.made_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        _Writer(book, snapshot if edition.names else masked(snapshot), edition).write(progress)
    return target.getvalue()


class _Writer:
    """One sheet after the other; in each, row after row."""

    def __init__(self, book: Workbook, snapshot: Snapshot, edition: Edition) -> None:
        self._book, self._snapshot, self._edition = book, snapshot, edition
        self._language = edition.language
        self._look = Look(book)
        self._names = Names()
        self._charts = ChartData(book)
        self._figures = {one.id: one for one in snapshot.figures}

    def write(self, progress: Progress) -> None:
        """Write all sheets in the order in which they are read."""
        progress(0.0, "summary")
        self._summary()
        self._key_figures()
        sections = self._snapshot.sections
        for index, section in enumerate(sections):
            progress(0.1 + 0.8 * index / max(1, len(sections)), section.id)
            self._section(index, section)
        for form in self._snapshot.annex:
            self._form(form)
        if not defines(self._snapshot):
            self._method()
        self._charts.write(self._names.free(self._say("chart_sheet")))
        progress(1.0, "")

    def _say(self, key: str) -> str:
        return label(key, self._language)

    def _page(self, title: str, widths: Sequence[float], *, landscape: bool = False) -> Page:
        sheet = self._book.add_worksheet(self._names.free(title))
        header = f"&L{_escaped(self._snapshot.meta.site_name)}&R{_escaped(self._snapshot.meta.number)}"
        return Page(
            sheet, self._look, self._snapshot.meta.timezone, self._language, widths, header, landscape=landscape
        )

    def _summary(self) -> None:
        meta, language = self._snapshot.meta, self._language
        page = self._page(self._say("summary_sheet"), (18.0, 76.0))
        page.title(f"{wording.report_title(meta.kind, language)}　{wording.month_text(meta.month, language)}")
        state = "running" if meta.running else "signed" if self._edition.signed(self._snapshot) else "waiting"
        facts = (
            ("site", wording.pick(meta.site_name, meta.site_name_en, language)),
            ("company", meta.company),
            ("number", meta.number),
            ("version", self._say("version_n").format(meta.version)),
            ("period", wording.period_text(meta, language)),
            ("cutoff", wording.moment(meta.cutoff_at, meta.timezone)),
            ("made", wording.moment(meta.made_at, meta.timezone)),
            ("zone", meta.timezone),
            ("program", meta.program),
            ("rules", meta.rules),
            ("sha256", self._edition.sha256),
            ("state", self._say(state)),
        )
        for key, value in facts:
            page.pair(self._say(key), value or wording.NO_DATA)
        page.gap()
        for heading, lines in (("sentences", self._snapshot.conclusions), ("decisions", self._snapshot.decisions)):
            page.heading(self._say(heading))
            page.lines(lines or (self._say("no_conclusions" if heading == "sentences" else "no_decisions"),))
            page.gap()
        if self._snapshot.changes:
            page.heading(self._say("changes"))
            page.lines((self._snapshot.reason,))
            page.lines(tuple(f"{one.name}：{one.was} → {one.now}" for one in self._snapshot.changes))
            page.gap()
        page.heading(self._say("signing"))
        for signer in self._snapshot.signers:
            given = self._edition.signature(signer.slot)
            said = (
                f"{given.name}　{wording.moment(given.at, meta.timezone)}　{given.comment}"
                if given
                else "＿＿＿＿＿＿＿＿"
            )
            page.pair(signer.title, said)

    def _key_figures(self) -> None:
        shown = [self._figures[one] for one in self._snapshot.key_figures if one in self._figures]
        rest = [one for one in self._snapshot.figures if one not in shown]
        page = self._page(self._say("key_figures"), _FIGURE_WIDTHS)
        self._figure_table(page, [*shown, *rest], alone=True)

    def _figure_table(self, page: Page, figures: Sequence[Figure], *, alone: bool = False) -> None:
        heads = ("figure", "value", "parts", "target", "verdict", "previous", "how", "figure_id")
        page.heads([self._say(one) for one in heads])
        for one in figures:
            page.figure(one)
        if alone:
            page.as_list(len(heads), len(figures))

    def _section(self, index: int, section: Section) -> None:
        tables = [one for one in section.blocks if isinstance(one, Table)]
        page = self._page(section.title, _stacked_widths(tables, self._snapshot.meta.timezone, self._language))
        page.title(wording.section_title(self._snapshot, index, self._language))
        for block in section.blocks:
            match block:
                case Table():
                    self._table(page, block)
                case Chart():
                    page.caption(wording.pick(block.caption, block.caption_en, self._language))
                    page.chart(self._charts.add(block, self._language))
                case Text():
                    page.lines(block.lines)
                case FigureList():
                    page.caption(wording.pick(block.caption, block.caption_en, self._language))
                    self._figure_table(page, [self._figures[one] for one in block.figures if one in self._figures])
                case Form():
                    page.caption(f"{block.number}　{block.caption}")
            page.gap()
        for table in tables:
            if table.sheet:
                self._own_sheet(table)

    def _table(self, page: Page, table: Table) -> None:
        page.caption(wording.pick(table.caption, table.caption_en, self._language))
        if table.sheet:
            page.lines((self._say("see_sheet").format(self._names.promise(table)),))
        else:
            page.table(table)

    def _own_sheet(self, table: Table) -> None:
        widths = [
            width_of(table, index, self._snapshot.meta.timezone, self._language) for index in range(len(table.columns))
        ]
        page = self._page(self._names.promise(table), widths, landscape=sum(widths) > 95)
        page.table(table)
        page.as_list(len(table.columns), len(table.rows))

    def _form(self, form: Form) -> None:
        table, zone = form.table, self._snapshot.meta.timezone
        page = self._page(
            form.number or form.caption, [width_of(table, at, zone, self._language) for at in range(len(table.columns))]
        )
        page.title(f"{form.caption}　{form.number}")
        for name, value in form.head:
            page.pair(name, value or wording.NO_DATA)
        page.table(table)
        page.lines(form.foot)

    def _method(self) -> None:
        page = self._page(self._say("method_sheet"), (28.0, 80.0, 24.0, 28.0))
        page.heads([self._say(one) for one in ("figure", "how", "requirements", "figure_id")])
        for one in self._snapshot.figures:
            how = wording.pick(one.how, one.how_en, self._language)
            name = wording.pick(one.name, one.name_en, self._language)
            page.texts((name, how, "、".join(one.requirements), one.id))
        page.as_list(4, len(self._snapshot.figures))


_FIGURE_WIDTHS = (30.0, 16.0, 20.0, 14.0, 10.0, 14.0, 60.0, 26.0)


def _stacked_widths(tables: Sequence[Table], zone: str, language: str) -> list[float]:
    """Each column as wide as the widest of the tables under each other, within reason."""
    shown = [one for one in tables if not one.sheet]
    count = max([len(one.columns) for one in shown], default=0)
    widths = [
        max(width_of(one, index, zone, language) for one in shown if index < len(one.columns)) for index in range(count)
    ]
    return [min(one, 36.0) for one in widths] + [14.0] * max(0, 8 - count)


def _escaped(text: str) -> str:
    return clean(text).replace("&", "&&")[:80]
