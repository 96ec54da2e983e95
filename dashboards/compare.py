"""Ours beside what a Grafana has: is it the same, an older one of ours, or has somebody changed it by hand?"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from dashboards.files import with_constants

STAMP = "gengfu"
"""A hidden constant of every board that was pushed: the fingerprint of what was pushed."""
Standing = Literal["missing", "same", "older", "edited", "provisioned"]
_GRAFANAS_OWN = frozenset({"id", "version", "iteration", "schemaVersion", "apiVersion", "style"})
"""What Grafana adds to a board or changes of it by itself."""
_INSIDE = frozenset({"pluginVersion"})
"""The same of what a board holds."""
_NAMES = ("refId", "name", "title", "id", "matcher")


def pushed(model: dict[str, Any], console: str) -> dict[str, Any]:
    """A board as it goes to a Grafana that Gengfu pushes to: with its addresses, pushed marks, and a stamp."""
    found = with_constants(model, {"console": console, "marks": "pushed"})
    stamp = fingerprint(found)
    one = {"text": stamp, "value": stamp}
    variable = {"type": "constant", "name": STAMP, "query": stamp, "current": one, "hide": 2, "skipUrlSync": True}
    found["templating"]["list"].append(variable)
    return found


def standing(ours: dict[str, Any], theirs: dict[str, Any] | None, *, provisioned: bool = False) -> Standing:
    """How the board in Grafana stands to the one we would push."""
    if theirs is None:
        return "missing"
    if essence(theirs) == essence(ours):
        return "same"
    if provisioned:
        return "provisioned"
    return "older" if fingerprint(theirs) == stamp_of(theirs) else "edited"


def stamp_of(model: dict[str, Any]) -> str:
    """The fingerprint a board was pushed with; empty: it was not pushed by us."""
    listed = model.get("templating", {}).get("list", [])
    return next((str(one.get("query", "")) for one in listed if one.get("name") == STAMP), "")


def fingerprint(model: dict[str, Any]) -> str:
    """Of what a person could have changed."""
    text = json.dumps(essence(model), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def essence(node: Any, grafanas: frozenset[str] = _GRAFANAS_OWN) -> Any:
    """A board without what Grafana adds by itself, without defaults that say nothing, and without its stamp."""
    if isinstance(node, dict):
        kept = {key: essence(value, _INSIDE) for key, value in node.items() if key not in grafanas}
        return {key: value for key, value in kept.items() if not _says_nothing(value)}
    if isinstance(node, list):
        return [essence(one, _INSIDE) for one in node if not (isinstance(one, dict) and one.get("name") == STAMP)]
    return node


def _says_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Where they differ, as sentences `place: in Grafana → ours`."""
    return list(_differ("", essence(ours), essence(theirs)))


def _differ(place: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from _differ(f"{place}.{key}" if place else key, ours.get(key), theirs.get(key))
    elif _is_named(ours) and _is_named(theirs):
        mine, found = _by_name(ours), _by_name(theirs)
        for name in dict.fromkeys([*mine, *found]):
            yield from _differ(f"{place}[{name}]", mine.get(name), found.get(name))
    elif ours != theirs:
        yield f"{place}: {_short(theirs)} → {_short(ours)}"


def _is_named(node: Any) -> bool:
    return isinstance(node, list) and all(isinstance(one, dict) for one in node) and bool(node)


def _by_name(nodes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for at, node in enumerate(nodes):
        name = next((str(node[key]) for key in _NAMES if node.get(key)), str(at))
        found[name if name not in found else f"{name} #{at}"] = node
    return found


def _short(node: Any) -> str:
    text = "–" if node is None else json.dumps(node, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
