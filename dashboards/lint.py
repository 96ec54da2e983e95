"""What is wrong with a board, found without Grafana: in its JSON, so that boards of any origin can be looked at."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from dashboards import palette
from dashboards.board import FOLDER, TAG, WIDTH
from dashboards.queries import GRAFANA, MIXED, SOURCES

UNITS = frozenset(
    {"none", "short", "percent", "percentunit", "ms", "s", "m", "h", "dtdhms", "dateTimeFromNow", "string"}
)
"""Of Grafana's units those that our boards use; others are written `suffix: MPa`."""
KINDS = frozenset({"row", "stat", "timeseries", "state-timeline", "table", "barchart", "bargauge", "heatmap"})
GRAFANA_OWN = frozenset({"__from", "__to", "__interval", "__interval_ms", "timeFilter", "__timeFilter", "__all"})
_VARIABLE = re.compile(r"\$\{([\w.]+)(?::\w+)?\}|\$(\w+)")
_DURATION = re.compile(r"^\d+(s|m|h)$")


def lint(model: dict[str, Any]) -> list[str]:
    """Sentences, one per problem; none: the board is well."""
    panels = list(_panels(model))
    checks = (_head(model), _grid(panels), _variables(model, panels), _queries(model), _sources(model), _colours(model))
    return [problem for check in checks for problem in check] + [
        f"panel {panel.get('id')} «{panel.get('title')}»: {problem}" for panel in panels for problem in _panel(panel)
    ]


def lint_all(models: list[dict[str, Any]]) -> list[str]:
    """Of several boards: their own problems, and what only shows beside each other."""
    found = [f"{model.get('uid')}: {problem}" for model in models for problem in lint(model)]
    for name in ("uid", "title"):
        counts = Counter(model.get(name) for model in models)
        found += [f"{name} {value!r} is used by {count} boards" for value, count in counts.items() if count > 1]
    return found


def _panels(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in model.get("panels", []):
        yield panel
        yield from panel.get("panels", [])


def _head(model: dict[str, Any]) -> Iterator[str]:
    uid = str(model.get("uid", ""))
    if not re.fullmatch(rf"{FOLDER}-[a-z0-9-]+", uid) or len(uid) > 40:
        yield f"uid {uid!r} is not {FOLDER}-… of at most 40 characters"
    if model.get("id") is not None:
        yield "id must be null: it belongs to one Grafana"
    for name in ("title", "description"):
        if not str(model.get(name, "")).strip():
            yield f"it has no {name}"
    if TAG not in model.get("tags", []):
        yield f"the tag {TAG!r} is missing: the list of boards goes by it"
    if not _DURATION.match(str(model.get("refresh", ""))):
        yield f"refresh is {model.get('refresh')!r}: write e.g. 30s"
    time = model.get("time", {})
    if not (str(time.get("from", "")).startswith("now") and time.get("to")):
        yield "time.from and time.to are not set"


def _grid(panels: list[dict[str, Any]]) -> Iterator[str]:
    ids = Counter(panel.get("id") for panel in panels)
    yield from (f"panel id {number} is used {count} times" for number, count in ids.items() if count > 1)
    places = [(panel.get("id"), panel.get("gridPos", {})) for panel in panels]
    for number, at in places:
        if not {"x", "y", "w", "h"} <= at.keys():
            yield f"panel {number} has no place"
        elif at["x"] < 0 or at["w"] < 1 or at["h"] < 1 or at["x"] + at["w"] > WIDTH:
            yield f"panel {number} reaches beyond the {WIDTH} columns: x {at['x']}, width {at['w']}"
    whole = [(number, at) for number, at in places if {"x", "y", "w", "h"} <= at.keys()]
    for (one, a), (other, b) in combinations(whole, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        if not beside and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"panels {one} and {other} overlap"


def _variables(model: dict[str, Any], panels: list[dict[str, Any]]) -> Iterator[str]:
    listed = [variable.get("name", "") for variable in model.get("templating", {}).get("list", [])]
    yield from (f"variable {name!r} is defined {n} times" for name, n in Counter(listed).items() if n > 1)
    defined = set(listed)
    yield from (f"the constant {name!r} is missing" for name in ("console", "marks") if name not in defined)
    used = {name for text in _texts(model) for name in _used(text)}
    yield from (f"variable {name!r} is used but not defined" for name in sorted(used - defined))
    for panel in panels:
        if panel.get("repeat") and panel["repeat"] not in defined:
            yield f"panel {panel.get('id')} is repeated by {panel['repeat']!r}, which is not defined"
    for variable in model.get("templating", {}).get("list", []):
        if variable.get("type") == "query" and not str(variable.get("query", "")).strip():
            yield f"variable {variable.get('name')!r} asks nothing"


def _used(text: str) -> Iterator[str]:
    for found in _VARIABLE.finditer(text):
        name = (found[1] or found[2]).partition(".")[0]
        if not name.startswith("__") and name not in GRAFANA_OWN and not name[0].isdigit() and name not in ("col", "m"):
            yield name


def _queries(model: dict[str, Any]) -> Iterator[str]:
    several = [one["name"] for one in model.get("templating", {}).get("list", []) if one.get("multi")]
    for text in (*_named(model, "rawSql"), *_named(model, "query")):
        for name in several:
            if re.search(rf"\$(?:{name}\b|\{{{name}\}})", text):
                yield f"${name} may be several, so Grafana quotes it by itself: write ${{{name}:sqlstring}} or :raw"
        if found := re.search(r"\$__\w+\([^)]*\(", text):
            yield f"Grafana ends the macro {found[0]} at its first closing bracket: give it a column"


def _sources(model: dict[str, Any]) -> Iterator[str]:
    known = {(source.type, source.uid) for source in SOURCES | {MIXED, GRAFANA}}
    found = {(one.get("type"), one.get("uid")) for one in _named(model, "datasource") if isinstance(one, dict)}
    yield from (f"data source {uid!r} of type {kind!r} is not one of ours" for kind, uid in sorted(found - known))
    for text in _named(model, "datasource"):
        if not isinstance(text, dict):
            yield f"data source {text!r} is not given by type and uid"


def _colours(model: dict[str, Any]) -> Iterator[str]:
    for name in ("color", "fixedColor", "iconColor"):
        for value in _named(model, name):
            if isinstance(value, str) and value not in palette.ALL:
                yield f"colour {value!r} is not of the palette"


def _panel(panel: dict[str, Any]) -> Iterator[str]:
    if panel.get("type") not in KINDS:
        yield f"type {panel.get('type')!r} is not known"
    if not str(panel.get("title", "")).strip():
        yield "it has no title"
    if panel.get("type") == "row":
        return
    if not str(panel.get("description", "")).strip():
        yield "it has no description: say which question it answers"
    targets = panel.get("targets", [])
    if not targets:
        yield "it asks nothing"
    references = Counter(target.get("refId") for target in targets)
    yield from (f"refId {name!r} is used {count} times" for name, count in references.items() if count > 1)
    for target in targets:
        if not str(target.get("rawSql", target.get("query", ""))).strip():
            yield f"query {target.get('refId')} is empty"
    config = panel.get("fieldConfig", {})
    properties = [one for found in config.get("overrides", []) for one in found.get("properties", [])]
    units = [config.get("defaults", {}).get("unit", "")] + [one["value"] for one in properties if one["id"] == "unit"]
    for unit in units:
        if unit and unit not in UNITS and not re.fullmatch(r"(suffix|prefix):.+", unit):
            yield f"unit {unit!r} is not known"
    if panel.get("type") in ("stat", "timeseries", "bargauge", "barchart", "heatmap") and not any(units):
        yield "it has no unit"
    coloured_by = config.get("defaults", {}).get("color", {}).get("mode")
    if panel.get("type") == "state-timeline" and coloured_by == "thresholds":
        yield "Grafana merges its states by thresholds: give it a fixed colour"
    limits = [config.get("defaults", {}).get("thresholds")] + [
        one["value"] for one in properties if one["id"] == "thresholds"
    ]
    for limit in limits:
        if limit is not None:
            yield from _steps([step.get("value") for step in limit.get("steps", [])])


def _steps(values: list[Any]) -> Iterator[str]:
    if not values or values[0] is not None:
        yield "the first threshold must be null"
    elif None in values[1:] or values[1:] != sorted(set(values[1:])):
        yield f"thresholds are not sorted: {values[1:]}"


def _named(node: object, name: str) -> Iterator[Any]:
    """Every value of this key, anywhere inside."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from _named(value, name)
    elif isinstance(node, list):
        for one in node:
            yield from _named(one, name)


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for one in node:
            yield from _texts(one)
    elif isinstance(node, str):
        yield node


def links(model: dict[str, Any]) -> list[str]:
    """Addresses of the console that the board leads to, without `${console}`."""
    return sorted({url.removeprefix("${console}") for url in _named(model, "url") if url.startswith("${console}")})


def board_links(model: dict[str, Any]) -> list[str]:
    """Uids of the boards it leads to."""
    return sorted({url.removeprefix("/d/").partition("?")[0] for url in _named(model, "url") if url.startswith("/d/")})
