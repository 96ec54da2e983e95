"""Panels: what each kind needs to be told, and how Grafana writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    steps: tuple[Step, ...] = steps(NEUTRAL)
    states: tuple[State, ...] = ()
    colour: str = ""
    """Of all its values; empty: by steps and states, or one for each line."""
    fields: tuple[Field, ...] = ()
    links: tuple[Link, ...] = ()
    """Of the panel's title."""
    value_link: Link | None = None
    """Of every value."""
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
        optional = {"decimals": self.decimals, "min": self.low, "noValue": self.no_value or None}
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
        if self.links:
            found["links"] = [link.model() for link in self.links]
        if self.interval:
            found["interval"] = self.interval
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """One number, or one per field."""

    kind: ClassVar[str] = "stat"
    fill: bool = False
    """Colour the background, for what must be seen across the room."""
    names: bool = False
    """Say the name of the field beside its value."""

    def options(self) -> Json:
        """What a stat is told."""
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background_solid" if self.fill else "value",
            "graphMode": "none",
            "textMode": "value_and_name" if self.names else "value",
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
    gap_ms: int | None = None
    """Silence that breaks a line; None: only a missing value does."""
    bridge_ms: int = 0
    """Missing values for no longer than this break no line."""

    def custom(self) -> Json:
        """What every line is told."""
        return {
            "drawStyle": self.draw,
            "lineWidth": 1,
            "fillOpacity": 70 if self.draw == "bars" else 0,
            "lineInterpolation": "stepAfter" if self.step else "linear",
            "showPoints": "auto" if self.draw == "line" else "never",
            "pointSize": 4,
            "spanNulls": self.bridge_ms or False,
            "insertNulls": self.gap_ms if self.gap_ms is not None else False,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "off"},
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
    colour: str = NEUTRAL
    """Of what is no known state. Never by steps: Grafana then merges by them and forgets the states."""
    legend: bool = True
    bridge_ms: int = 0
    """A state ends when values are missing for longer than this; 0: never."""

    def custom(self) -> Json:
        """What every bar is told."""
        return {"fillOpacity": 85, "lineWidth": 0, "spanNulls": self.bridge_ms or True, "insertNulls": False}

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.85,
            "legend": {"showLegend": self.legend, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Rows, the worst first; columns in the order of the query."""

    kind: ClassVar[str] = "table"

    def custom(self) -> Json:
        """What every column is told."""
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False}

    def options(self) -> Json:
        """What the table is told."""
        return {"showHeader": True, "cellHeight": "sm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """A bar per row of a table: the first text column names it, number columns are its parts."""

    kind: ClassVar[str] = "barchart"
    colour_mode: ClassVar[str] = "palette-classic"
    horizontal: bool = False
    stacked: bool = True

    def custom(self) -> Json:
        """What every bar is told."""
        return {"fillOpacity": 85, "lineWidth": 0, "axisPlacement": "auto"}

    def options(self) -> Json:
        """What the picture is told."""
        return {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges(Panel):
    """A filled bar per row, coloured by its steps."""

    kind: ClassVar[str] = "bargauge"

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": True},
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

    def options(self) -> Json:
        """What the picture is told."""
        return {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": self.scheme, "steps": 32, "reverse": False, "exponent": 0.5},
            "cellGap": 1,
            "filterValues": {"le": 0.5},  # nothing stays empty
            "rowsFrame": {"layout": "auto", "value": ""},
            "yAxis": {"axisPlacement": "left", "unit": self.unit},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        }
