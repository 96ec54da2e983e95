"""A month's report as data: figures with numerator and denominator, sections of blocks; what every file is made from.

Numbers are stored once, raw, and written for people by `services.report.wording`: so three files cannot disagree.
No data is not zero: a figure without records has value None and verdict `no_data`.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
ReportKind = Literal["facilities", "fire"]
"""设备设施巡检月报, 消防设施月检报告."""
Verdict = Literal["met", "missed", "no_target", "no_data"]
"""达标, 不达标, 无目标, 无数据."""
Unit = Literal["percent", "count", "minutes", "hours", "seconds", "days", "yuan", "MPa", "MΩ", "ratio", "score", "L"]
Slot = Literal["prepared", "reviewed", "approved", "quality", "client"]
SLOTS: tuple[Slot, ...] = ("prepared", "reviewed", "approved", "quality", "client")
"""编制, 审核, 批准, 品质部复核, 委托单位签收; the first three follow the three levels of responsibility."""
Cell = str | int | float | bool | None
"""A raw value; None is «no data» and is printed as a dash. Times are ISO 8601 with zone, days `YYYY-MM-DD`."""


class Frozen(BaseModel):
    """Base of every part: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(Frozen):
    """What a figure should be."""

    op: Literal["ge", "le", "eq"]
    value: float


class Figure(Frozen):
    """One key figure."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{1,63}$")]
    name: str
    name_en: str
    unit: Unit
    decimals: int = 1
    value: float | None
    """Of `percent`: 0 to 100."""
    numerator: float | None = None
    denominator: float | None = None
    target: Target | None = None
    verdict: Verdict
    previous: float | None = None
    """The month before."""
    requirements: tuple[str, ...] = ()
    """Ids of documented requirements, e.g. KPI-06, and of the readings AMB-12."""
    how: str
    """How it is counted, in one sentence."""
    how_en: str = ""


class Ref(Frozen):
    """One record behind a figure."""

    kind: str
    """work_order, task, inspection, round, alert, excursion, fire_incident, fire_test, call_back, equipment …"""
    id: str
    counted: bool
    """In the numerator; false: only in the denominator."""
    words: str = ""
    """What a person would call it, and why it counts or not."""


class Evidenced(Frozen):
    """A figure with the records it was counted from."""

    figure: Figure
    evidence: tuple[Ref, ...] = ()


class Column(Frozen):
    """A column of a table."""

    key: str
    title: str
    title_en: str = ""
    kind: Literal[
        "text", "int", "number", "percent", "minutes", "hours", "yuan", "date", "datetime", "verdict", "mark", "person"
    ] = "text"
    """verdict: a Verdict; mark: true √, false ×, None —; person: a name, masked in exports unless a role label."""
    decimals: int = 1
    width: float = 1.0
    """Relative."""


class Table(Frozen):
    """A table; its rows hold raw values in the order of the columns."""

    block: Literal["table"] = "table"
    id: str
    caption: str
    caption_en: str = ""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    empty: str = "本月无记录"
    empty_en: str = "Nothing this month"
    sheet: str = ""
    """Name of its worksheet in the xlsx; empty: only on the sheet of its section."""
    most_printed: int | None = None
    """The pdf and docx print so many rows and say where the others are; the xlsx has all."""
    note: str = ""


class Series(Frozen):
    """One line, or one row of bars; None is a gap."""

    name: str
    values: tuple[float | None, ...]


class Chart(Frozen):
    """A chart; services.report.charts draws it as SVG, the xlsx gets a native one where it can."""

    block: Literal["chart"] = "chart"
    id: str
    caption: str
    caption_en: str = ""
    kind: Literal["line", "bars", "stacked", "share", "heatmap", "envelope"]
    """envelope: series `min` and `max` as a band, with `low` and `high` as limits."""
    labels: tuple[str, ...]
    """Along the horizontal axis; for `share` the slices."""
    series: tuple[Series, ...]
    """heatmap: one per row; values are shares 0 to 1, None: nothing due."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    centre: float | None = None


class Text(Frozen):
    """A paragraph, or a list."""

    block: Literal["text"] = "text"
    lines: tuple[str, ...]
    style: Literal["plain", "bullets", "note"] = "plain"


class FigureList(Frozen):
    """A table of figures by id: 指标, 数值, 分子/分母, 目标, 结论, 上月."""

    block: Literal["figures"] = "figures"
    id: str
    caption: str
    caption_en: str = ""
    figures: tuple[str, ...]


class Form(Frozen):
    """A form of its own number on its own page, e.g. C.1 建筑消防设施巡查记录表."""

    block: Literal["form"] = "form"
    id: str
    number: str
    caption: str
    head: tuple[tuple[str, str], ...] = ()
    """Label and value pairs above the table."""
    table: Table
    foot: tuple[str, ...] = ()
    """Signature lines and notes."""


Block = Annotated[Table | Chart | Text | FigureList | Form, Field(discriminator="block")]


class Section(Frozen):
    """A numbered section, e.g. 三、泵房与给排水."""

    id: str
    """patrol, pump_room, fire …"""
    title: str
    title_en: str = ""
    blocks: tuple[Block, ...]


class Signer(Frozen):
    """A signature line."""

    slot: Slot
    title: str
    """编制（设备责任人）."""
    username: str = ""
    """Who is asked to sign; empty: signed on paper."""
    name: str = ""


class Change(Frozen):
    """What a correction changed."""

    what: str
    """Figure id, or `table:<id>`."""
    name: str
    was: str
    now: str


class Meta(Frozen):
    """What the cover says."""

    kind: ReportKind
    number: str
    version: int
    site: str
    site_name: str
    site_name_en: str = ""
    company: str = ""
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    timezone: str
    since_at: datetime
    """First moment counted."""
    until_at: datetime
    """First moment not counted."""
    cutoff_at: datetime
    """What was recorded later is not in it."""
    made_at: datetime
    program: str
    """Version of the program."""
    rules: str
    """Hash of the site files the month was judged by."""
    running: bool = False
    """The month was not over."""
    evidence_sha256: str = ""
    """Hash of the records behind every figure, so that they are signed with it."""


class Snapshot(Frozen):
    """The whole report."""

    schema_version: int = SCHEMA_VERSION
    meta: Meta
    conclusions: tuple[str, ...] = ()
    """Sentences made from numbers, worst first (1.1)."""
    decisions: tuple[str, ...] = ()
    """需领导决定事项 (1.3)."""
    figures: tuple[Figure, ...] = ()
    key_figures: tuple[str, ...] = ()
    """Figures of 表1, in its order."""
    sections: tuple[Section, ...] = ()
    annex: tuple[Form, ...] = ()
    signers: tuple[Signer, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str = ""
    """Why this version replaces the one before."""

    def figure(self, figure_id: str) -> Figure | None:
        """A figure by its id."""
        return next((one for one in self.figures if one.id == figure_id), None)


class Chapter(Frozen):
    """What one chapter contributes."""

    section: Section | None = None
    """None: the product has no such records; the section is left out and section 16 says so."""
    figures: tuple[Evidenced, ...] = ()
    conclusions: tuple[tuple[int, str], ...] = ()
    """(rank, sentence): the higher the rank the worse."""
    decisions: tuple[str, ...] = ()
    annex: tuple[Form, ...] = ()
    gaps: tuple[str, ...] = ()
    """What section 16 must say about missing data."""


class Month(Frozen):
    """The month of a report in its site's zone."""

    first_on: date
    timezone: str
    since_at: datetime
    until_at: datetime
    now: datetime
    """Cut-off: the moment of counting, or of a correction."""

    @property
    def over(self) -> bool:
        """The month is over."""
        return self.now >= self.until_at

    @property
    def ends_at(self) -> datetime:
        """Until when records exist: the end of the month, or now."""
        return min(self.now, self.until_at)


def ratio(
    figure_id: str,
    name: str,
    name_en: str,
    evidence: Iterable[Ref],
    *,
    how: str,
    how_en: str = "",
    target: Target | None = None,
    requirements: tuple[str, ...] = (),
) -> Evidenced:
    """Share of the counted among all records, in percent; no records: no data."""
    refs = tuple(evidence)
    hits = sum(one.counted for one in refs)
    value = 100.0 * hits / len(refs) if refs else None
    figure = Figure(
        id=figure_id, name=name, name_en=name_en, unit="percent", value=value,
        numerator=float(hits) if refs else None, denominator=float(len(refs)) if refs else None,
        target=target, verdict=verdict_of(value, target), requirements=requirements, how=how, how_en=how_en,
    )  # fmt: skip
    return Evidenced(figure=figure, evidence=refs)


def amount(
    figure_id: str,
    name: str,
    name_en: str,
    value: float | None,
    evidence: Iterable[Ref] = (),
    *,
    unit: Unit = "count",
    decimals: int = 0,
    how: str,
    how_en: str = "",
    target: Target | None = None,
    requirements: tuple[str, ...] = (),
) -> Evidenced:
    """A number that is no share; None: no data."""
    figure = Figure(
        id=figure_id, name=name, name_en=name_en, unit=unit, decimals=decimals, value=value,
        target=target, verdict=verdict_of(value, target), requirements=requirements, how=how, how_en=how_en,
    )  # fmt: skip
    return Evidenced(figure=figure, evidence=tuple(evidence))


def verdict_of(value: float | None, target: Target | None) -> Verdict:
    """Whether a value meets its target; the bound itself does."""
    if value is None:
        return "no_data"
    if target is None:
        return "no_target"
    met = {"ge": value >= target.value, "le": value <= target.value, "eq": value == target.value}[target.op]
    return "met" if met else "missed"
