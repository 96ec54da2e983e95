"""Panels: what each kind needs to be told, and how Grafana writes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from dashboards.palette import NEUTRAL, State
from dashboards.queries import MIXED, Query

Json = dict[str, object]


class Link(NamedTuple):
    """Where a click leads: `${console}/…` or a board."""

    title: str
    url: str

    def model(self) -> Json:
        """As Grafana keeps it."""
        return {"title": self.title, "url": self.url, "targetBlank": self.url.startswith("${console}")}


class Step(NamedTuple):
    """From this value on, this colour."""

    value: float | None
    colour: str


def steps(base: str, *above: tuple[float, str]) -> tuple[Step, ...]:
    """A colour below everything, then one from each value on."""
    return (Step(None, base), *(Step(value, colour) for value, colour in above))


@dataclass(frozen=True, slots=True)
class Field:
    """How one field (column, line) of the answer looks."""

    name: str
    title: str = ""
    unit: str = ""
    decimals: int | None = None
    colour: str = ""
    states: tuple[State, ...] = ()
    steps: tuple[Step, ...] = ()
    link: Link | None = None
    width: int = 0
    """Pixels of a column; 0: what is left."""
    hidden: bool = False
    cell: Literal["", "colour", "background", "wrap"] = ""
    """How a table shows it: text in its colour, on its colour, or on several lines."""
    dashed: bool = False
    fill_to: str = ""
    """A line: fill down to this other line."""
    line: int | None = None
    """A line: its width; 0 shows only what fills."""
    axis: Literal["", "right"] = ""

    def model(self) -> Json:
        """As an override."""
        set_to: list[tuple[str, object]] = []
        if self.title:
            set_to.append(("displayName", self.title))
        if self.unit:
            set_to.append(("unit", self.unit))
        if self.decimals is not None:
            set_to.append(("decimals", self.decimals))
        if self.colour:
            set_to.append(("color", {"mode": "fixed", "fixedColor": self.colour}))
        if self.states:
            set_to.append(("mappings", mappings(self.states)))
        if self.steps:
            set_to += [("thresholds", thresholds(self.steps)), ("color", {"mode": "thresholds"})]
        if self.link:
            set_to.append(("links", [self.link.model()]))
        if self.width:
            set_to.append(("custom.width", self.width))
        if self.hidden:
            everywhere = {"viz": True, "legend": True, "tooltip": True}
            set_to += [
                ("custom.hidden", True),
                ("custom.hideFrom", everywhere),
            ]  # the former up to 11, the latter since
        if self.cell:
            set_to.append(("custom.cellOptions", _CELLS[self.cell]))
        if self.dashed:
            set_to.append(("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}))
        if self.fill_to:
            set_to += [("custom.fillBelowTo", self.fill_to), ("custom.fillOpacity", 14)]
        if self.line is not None:
            set_to.append(("custom.lineWidth", self.line))
        if self.axis:
            set_to.append(("custom.axisPlacement", self.axis))
        properties = [{"id": name, "value": value} for name, value in set_to]
        return {"matcher": {"id": "byName", "options": self.name}, "properties": properties}


_CELLS: dict[str, Json] = {
    "colour": {"type": "color-text"},
    "background": {"type": "color-background", "mode": "basic"},
    "wrap": {"type": "auto", "wrapText": True},
}


def thresholds(found: Sequence[Step]) -> Json:
    """As Grafana keeps them."""
    return {"mode": "absolute", "steps": [{"color": step.colour, "value": step.value} for step in found]}


def mappings(states: Sequence[State]) -> list[Json]:
    """As Grafana keeps them."""
    options = {state.value: {"text": state.text, "color": state.colour, "index": at} for at, state in enumerate(states)}
    return [{"type": "value", "options": options}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What every panel says; `title` may hold variables, `description` says which question it answers."""

    kind: ClassVar[str]
    title: str
    description: str
    queries: tuple[Query, ...]
    width: int = 0
    """Of 24; 0: an equal share of what is left of its row."""
    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    steps: tuple[Step, ...] = steps(NEUTRAL)
    states: tuple[State, ...] = ()
    colour: str = ""
    """Of all its values; empty: by steps and states, or one for each line."""
    fields: tuple[Field, ...] = ()
    links: tuple[Link, ...] = ()
    """Of the panel's title."""
    value_link: Link | None = None
    """Of every value."""
    repeat: str = ""
    """The variable each of whose values gets such a panel."""
    per_row: int = 2
    """Panels beside each other when repeated."""
    interval: str = ""
    """The finest step Grafana may choose, e.g. `1m`."""
    no_value: str = ""
    """What stands there when nothing answers; empty: Grafana's «No data»."""
    colour_mode: ClassVar[str] = "thresholds"

    def options(self) -> Json:
        """What this kind of panel is told."""
        return {}

    def custom(self) -> Json:
        """What this kind of panel is told of every field."""
        return {}

    def transformations(self) -> list[Json]:
        """What Grafana does with the answers before it shows them."""
        return []

    def model(self, number: int, place: Json) -> Json:
        """As Grafana keeps it."""
        sources = {query.source for query in self.queries}
        source = next(iter(sources)) if len(sources) == 1 else MIXED
        defaults: Json = {
            "color": {"mode": "fixed", "fixedColor": self.colour} if self.colour else {"mode": self.colour_mode},
            "custom": self.custom(),
            "mappings": mappings(self.states) if self.states else [],
            "thresholds": thresholds(self.steps),
            "unit": self.unit,
        }
        optional = {"decimals": self.decimals, "min": self.low, "max": self.high, "noValue": self.no_value or None}
        defaults |= {name: value for name, value in optional.items() if value is not None}
        if self.value_link:
            defaults["links"] = [self.value_link.model()]
        found: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "datasource": {"type": source.type, "uid": source.uid},
            "targets": [query.model(chr(ord("A") + at)) for at, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": defaults, "overrides": [one.model() for one in self.fields]},
            "options": self.options(),
            "transparent": False,
        }
        if self.transformations():
            found["transformations"] = self.transformations()
        if self.links:
            found["links"] = [link.model() for link in self.links]
        if self.repeat:
            found |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": self.per_row}
        if self.interval:
            found["interval"] = self.interval
        return found


Calc = Literal["lastNotNull", "mean", "min", "max", "sum"]


def _reduce(calc: Calc, all_rows: bool) -> Json:
    return {"calcs": [calc], "fields": "", "values": all_rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """One number, or one per field or row."""

    kind: ClassVar[str] = "stat"
    calc: Calc = "lastNotNull"
    fill: bool = False
    """Colour the background, for what must be seen across the room."""
    spark: bool = False
    rows: bool = False
    """One number per row of the answer instead of per field."""
    text_fields: bool = False
    """Fields are texts, not numbers."""
    names: bool = False
    """Say the name of the field beside its value."""

    def options(self) -> Json:
        """What a stat is told."""
        reduce = _reduce(self.calc, self.rows)
        if self.text_fields:
            reduce["fields"] = "/.*/"
        return {
            "reduceOptions": reduce,
            "colorMode": "background_solid" if self.fill else "value",
            "graphMode": "area" if self.spark else "none",
            "textMode": "value_and_name" if self.names else "value" if not self.rows else "auto",
            "justifyMode": "auto",
            "orientation": "auto",
            "wideLayout": True,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Panel):
    """Values over time."""

    kind: ClassVar[str] = "timeseries"
    colour_mode: ClassVar[str] = "palette-classic"
    draw: Literal["line", "bars", "points"] = "line"
    stacked: bool = False
    step: bool = False
    """The value holds until the next one."""
    legend: tuple[str, ...] = ()
    """Figures beside the names, e.g. `min`, `max`, `mean`, `lastNotNull`."""
    show_limits: bool = False
    """Draw the thresholds as lines."""
    gap_ms: int | None = None
    """Silence that breaks a line; None: only a missing value does."""

    def custom(self) -> Json:
        """What every line is told."""
        return {
            "drawStyle": self.draw,
            "lineWidth": 1,
            "fillOpacity": 70 if self.draw == "bars" else 0,
            "lineInterpolation": "stepAfter" if self.step else "linear",
            "showPoints": "auto" if self.draw == "line" else "never",
            "pointSize": 4,
            "spanNulls": False,
            "insertNulls": self.gap_ms if self.gap_ms is not None else False,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if self.show_limits else "off"},
            "axisPlacement": "auto",
        }

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "legend": {
                "displayMode": "table" if self.legend else "list",
                "placement": "bottom",
                "calcs": list(self.legend),
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "none"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTimeline(Panel):
    """States over time, one bar per series: when did it change, how long did it hold?"""

    kind: ClassVar[str] = "state-timeline"
    legend: bool = True
    merge: bool = True
    """Draw equal neighbours as one."""

    def custom(self) -> Json:
        """What every bar is told."""
        return {"fillOpacity": 85, "lineWidth": 0, "spanNulls": True, "insertNulls": False}

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "mergeValues": self.merge,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.85,
            "legend": {"showLegend": self.legend, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusHistory(Panel):
    """One square per series and period (a day, a round)."""

    kind: ClassVar[str] = "status-history"
    legend: bool = True

    def custom(self) -> Json:
        """What every square is told."""
        return {"fillOpacity": 85, "lineWidth": 1}

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "showValue": "never",
            "rowHeight": 0.9,
            "colWidth": 0.95,
            "legend": {"showLegend": self.legend, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Rows, the worst first; columns in the order of the query."""

    kind: ClassVar[str] = "table"
    footer: bool = False
    """Add the columns up below."""

    def custom(self) -> Json:
        """What every column is told."""
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False}

    def options(self) -> Json:
        """What the table is told."""
        footer = {"show": self.footer, "reducer": ["sum"], "countRows": False, "fields": ""}
        return {"showHeader": True, "cellHeight": "sm", "footer": footer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """A bar per row of a table: the first text column names it, number columns are its parts."""

    kind: ClassVar[str] = "barchart"
    colour_mode: ClassVar[str] = "palette-classic"
    horizontal: bool = False
    stacked: bool = True
    by: str = ""
    """The column that names the bars; empty: the first text."""

    def custom(self) -> Json:
        """What every bar is told."""
        return {"fillOpacity": 85, "lineWidth": 0, "axisPlacement": "auto"}

    def options(self) -> Json:
        """What the picture is told."""
        found: Json = {
            "orientation": "horizontal" if self.horizontal else "vertical",
            "stacking": "normal" if self.stacked else "none",
            "showValue": "auto",
            "groupWidth": 0.8,
            "barWidth": 0.95,
            "xTickLabelRotation": 0,
            "xTickLabelSpacing": 0,
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        }
        return found | ({"xField": self.by} if self.by else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges(Panel):
    """A filled bar per row or field, coloured by its steps."""

    kind: ClassVar[str] = "bargauge"
    calc: Calc = "lastNotNull"
    rows: bool = True

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "reduceOptions": _reduce(self.calc, self.rows),
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "showUnfilled": True,
            "minVizWidth": 8,
            "minVizHeight": 16,
            "namePlacement": "auto",
            "sizing": "auto",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap(Panel):
    """How much of something per series and period; every series is a line of cells."""

    kind: ClassVar[str] = "heatmap"
    scheme: Literal["Reds", "Oranges", "Blues", "Greens"] = "Oranges"
    hide_below: float = field(default=0.5)
    """Cells with less stay empty."""

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": self.scheme, "steps": 32, "reverse": False, "exponent": 0.5},
            "cellGap": 1,
            "filterValues": {"le": self.hide_below},
            "rowsFrame": {"layout": "auto", "value": ""},
            "yAxis": {"axisPlacement": "left", "unit": self.unit},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        }
