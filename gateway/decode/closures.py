"""The common part of JMESPath as closures, several times faster than its interpreter; the rest is left to that. Pure.

Compiled: names, one index, `!`, `&&`, `||`, comparison with a text, `a[].b` and `max`, `min` of such lists.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Closure = Callable[[Any], Any]
"""A document → what JMESPath finds there; None when nothing; raises TypeError where JMESPath would."""
_FALSE: Final[tuple[Any, ...]] = ("", [], {})
_EXTREMES: Final[dict[str, Callable[[Any], Any]]] = {"max": max, "min": min}


def closure(node: Mapping[str, Any]) -> Closure | None:
    """The closure of a parsed expression; None when some part of it is beyond what is compiled."""
    inner = [closure(child) for child in node["children"] if isinstance(child, dict)]
    known = [one for one in inner if one is not None]
    maker = _MAKERS.get(node["type"])
    return maker(node, known) if maker is not None and len(known) == len(inner) else None


def is_true(found: Any) -> bool:
    """JMESPath's truth: false, null and what is empty are false; 0 is true."""
    return found is not None and found is not False and found not in _FALSE


def _identity(_node: Mapping[str, Any], _inner: list[Closure]) -> Closure:
    return lambda document: document


def _literal(node: Mapping[str, Any], _inner: list[Closure]) -> Closure:
    value = node["value"]
    return lambda document: value


def _field(node: Mapping[str, Any], _inner: list[Closure]) -> Closure:
    name = node["value"]
    return lambda document: document.get(name) if type(document) is dict else None


def _index(node: Mapping[str, Any], _inner: list[Closure]) -> Closure:
    at = node["value"]

    def index(document: Any) -> Any:
        is_there = type(document) is list and -len(document) <= at < len(document)
        return document[at] if is_there else None

    return index


def _chain(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    def chain(document: Any) -> Any:
        for step in inner:
            document = step(document)
        return document

    return chain


def _and(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    left, right = inner
    return lambda document: right(document) if is_true(found := left(document)) else found


def _or(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    left, right = inner
    return lambda document: found if is_true(found := left(document)) else right(document)


def _not(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    (one,) = inner
    return lambda document: not is_true(one(document))


def _comparator(node: Mapping[str, Any], inner: list[Closure]) -> Closure | None:
    # Numbers, true and false compare by rules of their own: only texts are plain.
    if not any(child["type"] == "literal" and isinstance(child["value"], str) for child in node["children"]):
        return None
    left, right = inner
    if node["value"] == "eq":
        return lambda document: left(document) == right(document)
    return (lambda document: left(document) != right(document)) if node["value"] == "ne" else None


def _flatten(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    (one,) = inner

    def flatten(document: Any) -> Any:
        found = one(document)
        if type(found) is not list:
            return None
        flat: list[Any] = []
        for item in found:
            flat.extend(item) if type(item) is list else flat.append(item)
        return flat

    return flatten


def _projection(_node: Mapping[str, Any], inner: list[Closure]) -> Closure:
    left, right = inner

    def project(document: Any) -> Any:
        found = left(document)
        if type(found) is not list:
            return None
        return [one for one in map(right, found) if one is not None]

    return project


def _function(node: Mapping[str, Any], inner: list[Closure]) -> Closure | None:
    extreme = _EXTREMES.get(node["value"])
    if extreme is None or len(inner) != 1:
        return None
    (one,) = inner

    def call(document: Any) -> Any:
        found = one(document)
        if type(found) is not list:
            raise TypeError("not a list")
        kinds = {type(item) for item in found}
        if kinds == {str} or kinds <= {int, float}:
            return extreme(found) if found else None
        raise TypeError("neither numbers nor texts")

    return call


_MAKERS: Final[dict[str, Callable[[Mapping[str, Any], list[Closure]], Closure | None]]] = {
    "identity": _identity, "current": _identity, "literal": _literal, "field": _field, "index": _index,
    "subexpression": _chain, "index_expression": _chain, "and_expression": _and, "or_expression": _or,
    "not_expression": _not, "comparator": _comparator, "flatten": _flatten, "projection": _projection,
    "function_expression": _function,
}  # fmt: skip
