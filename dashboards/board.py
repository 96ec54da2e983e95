"""A board: rows of panels, placed by themselves, with its variables, links and marks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dashboards.palette import HIGH
from dashboards.panels import Json, Link, Panel
from dashboards.queries import GRAFANA, STATE, Query
from dashboards.variables import CONSOLE, MARKS, Choice, Variable

WIDTH = 24
SCHEMA = 42
FOLDER = "gengfu"
TAG = "gengfu"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels of one height; what does not fit beside the others goes below them."""

    height: int
    panels: tuple[Panel, ...]
    title: str = ""
    """Written above; empty: no line."""
    repeat: str = ""
    """The variable each of whose values gets such a row."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Lines across every chart: from a query of the views, or with these tags from what Gengfu has pushed."""

    name: str
    query: Query | None = None
    """Columns `time`, `timeend`, `text`, `tags`."""
    tags: tuple[str, ...] = ()
    colour: str = HIGH
    shown: bool = True

    def model(self) -> Json:
        """As Grafana keeps it."""
        common: Json = {"name": self.name, "enable": self.shown, "iconColor": self.colour, "hide": False}
        if self.query is not None:
            source: Json = {"type": STATE.type, "uid": STATE.uid}
            target = self.query.model("Anno")
            return common | {"datasource": source, "target": target, "rawQuery": self.query.text}
        source = {"type": GRAFANA.type, "uid": GRAFANA.uid}
        target = {"type": "tags", "tags": list(self.tags), "matchAny": False, "limit": 200}
        return common | {"datasource": source, "target": target}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board; its description says whose question it answers."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    """The constants every board has come by themselves."""
    links: tuple[Link, ...] = ()
    marks: tuple[Marks, ...] = ()
    refresh: str = "30s"
    since: str = "now-6h"
    tags: tuple[str, ...] = field(default=(TAG,))

    def panels(self) -> Iterator[Panel]:
        """Every panel, as one reads them."""
        for row in self.rows:
            yield from row.panels

    def queries(self) -> Iterator[tuple[str, Query]]:
        """Every question of the board and who asks it: a panel, a variable, a mark."""
        for panel in self.panels():
            for query in panel.queries:
                yield panel.title, query
        for choice in self.variables:
            if isinstance(choice, Choice):
                yield f"${choice.name}", Query(STATE, choice.sql, "table")
        for marks in self.marks:
            if marks.query is not None:
                yield marks.name, marks.query

    def model(self) -> Json:
        """The dashboard as Grafana keeps it: classic schema, which 11 to 13 read."""
        return {
            "id": None,
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "timezone": "browser",
            "editable": True,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "schemaVersion": SCHEMA,
            "fiscalYearStartMonth": 0,
            "weekStart": "monday",
            "links": [_others(), *(_link(link) for link in self.links)],
            "templating": {"list": [one.model() for one in (*self.variables, CONSOLE, MARKS)]},
            "annotations": {"list": [_own_marks(), *(one.model() for one in self.marks)]},
            "panels": _placed(self.rows),
        }


def _placed(rows: tuple[Row, ...]) -> list[Json]:
    found: list[Json] = []
    number = y = 0
    for row in rows:
        if row.title:
            number += 1
            place: Json = {"x": 0, "y": y, "w": WIDTH, "h": 1}
            bar: Json = {"id": number, "type": "row", "title": row.title, "gridPos": place, "collapsed": False}
            again = {"repeat": row.repeat, "repeatDirection": "h"} if row.repeat else {}
            found.append(bar | again | {"panels": []})
            y += 1
        x = 0
        for panel, width in zip(row.panels, _widths(row), strict=True):
            if x and x + width > WIDTH:
                x, y = 0, y + row.height
            number += 1
            found.append(panel.model(number, {"x": x, "y": y, "w": width, "h": row.height}))
            x += width
        y += row.height
    return found


def _widths(row: Row) -> list[int]:
    """Of each panel: what it asks for, or its share of what is left (the first ones get what does not divide)."""
    open_ones = [panel for panel in row.panels if not panel.width]
    left = max(0, WIDTH - sum(panel.width for panel in row.panels))
    shares = iter([left // len(open_ones) + (at < left % len(open_ones)) for at in range(len(open_ones))])
    return [panel.width or next(shares) for panel in row.panels]


def _others() -> Json:
    """The other boards, with the same choices and the same time."""
    shown: Json = {"title": "更夫看板", "type": "dashboards", "tags": [TAG], "asDropdown": True}
    return shown | {"includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link"}


def _link(link: Link) -> Json:
    """One at the top of the board."""
    shown: Json = {"title": link.title, "type": "link", "url": link.url, "icon": "external link"}
    return shown | {"targetBlank": True, "includeVars": False, "keepTime": False}


def _own_marks() -> Json:
    """What people themselves note on the board."""
    source: Json = {"type": GRAFANA.type, "uid": GRAFANA.uid}
    return {
        "builtIn": 1,
        "datasource": source,
        "enable": True,
        "hide": True,
        "iconColor": HIGH,
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }
