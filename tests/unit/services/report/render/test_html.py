"""The fragment for the console: escaped, without styles of its own, its figures linked to their records."""

from html.parser import HTMLParser

from report_snapshots import INJECTION, SINCE, empty, small, snapshot
from report_words import figures, tables

from services.report.render import html
from services.report.render.edition import Edition, Signature

VOID = {"br", "line", "rect", "path", "circle"}


class Reader(HTMLParser):
    """Rows of every table, links, and whether tags fit each other."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self._cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self._cells = []
        if tag in ("td", "th"):
            self._cells.append("")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "tr":
            self.rows.append(tuple(self._cells))

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self._cells[-1] += data


def read(fragment: str) -> Reader:
    reader = Reader()
    reader.feed(fragment)
    assert reader.open == []
    return reader


def test_every_row_reads_as_in_the_snapshot() -> None:
    one = snapshot(50, changes=True)
    reader = read(html.render(one))
    expected = [row for table in tables(one) for row in table] + figures(one, one.key_figures)
    assert not [row for row in expected if row not in reader.rows]


def test_markup_is_text_and_there_are_no_styles() -> None:
    reader = read(html.render(snapshot(2)))
    assert INJECTION in reader.text
    assert not {"style", "onclick", "onload"} & reader.attributes
    assert "<b>" not in html.render(snapshot(2))


def test_figures_link_to_their_records() -> None:
    links = read(html.render(small(), link="/reports/01J/figures/{id}")).links
    assert "/reports/01J/figures/patrol.completion" in links
    assert not [one for one in read(html.render(small())).links if one.startswith("/")]


def test_contents_lead_to_what_is_there() -> None:
    fragment = html.render(snapshot(2))
    anchors = [one for one in read(fragment).links if one.startswith("#")]
    assert len(anchors) > 6
    assert all(f'id="{one[1:]}"' in fragment for one in anchors)


def test_signatures_and_empty_months() -> None:
    signed = html.render(small(), Edition(signatures=(Signature("prepared", "<设备>", SINCE),)))
    assert "&lt;设备&gt;" in signed
    assert "已在系统中签署" in signed
    assert "本月无记录" in html.render(empty())


def test_charts_take_the_colours_of_the_console() -> None:
    fragment = html.render(snapshot(2))
    assert fragment.count("<svg") == 6
    assert "var(--critical)" in fragment
    assert "#b3261e" not in fragment
