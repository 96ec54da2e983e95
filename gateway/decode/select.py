"""Selectors of profiles, compiled once: plain paths walk the document, everything else is JMESPath. No eval."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from gateway.contract.errors import GengfuError
from gateway.decode.closures import closure
from gateway.decode.closures import is_true as is_jmespath_true

Select = Callable[[Any], Any]
"""A document → what stands there, or MISSING; never raises."""
MISSING: Final = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
"""Nothing stands there. JSON null is None, except behind JMESPath proper, which does not tell them apart."""
_STEP: Final = re.compile(r'([A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")(?:\[([0-9]{1,6})\])?(?:\.(?!$)|$)')
_BAD_DATA: Final = (JMESPathError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What JMESPath's functions raise on documents they do not fit, e.g. `max` of words and numbers."""


class BadSelector(GengfuError):
    """A selector is not a JMESPath expression."""


def select(expression: str) -> Select:
    """The selector of an expression; raises BadSelector."""
    if expression == "@":
        return lambda document: document
    path = plain_path(expression)
    if path is not None:
        return _walk(path)
    try:
        compiled = jmespath.compile(expression)
        _check_functions(compiled.parsed)
    except _BAD_DATA as error:
        raise BadSelector(
            f"{expression!r} is no selector: {str(error).splitlines()[0]}", hint="See jmespath.org; quote odd names"
        ) from error

    find = closure(compiled.parsed) or compiled.search

    def search(document: Any) -> Any:
        try:
            found = find(document)
        except _BAD_DATA:
            return MISSING
        return MISSING if found is None else found

    return search


def _check_functions(node: Any) -> None:
    """Raises ValueError for functions that JMESPath does not have; it would find out with the first message."""
    if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
        raise ValueError(f"there is no function {node['value']}")
    for inner in node["children"]:
        if isinstance(inner, dict):
            _check_functions(inner)


def is_true(found: Any) -> bool:
    """JMESPath's truth of what a selector found."""
    return found is not MISSING and is_jmespath_true(found)


def plain_path(expression: str) -> tuple[str | int, ...] | None:
    """The steps of a plain path such as `params."switch:0".aenergy.total` or `rxInfo[0].rssi`; None for others."""
    steps: list[str | int] = []
    at = 0
    while at < len(expression):
        step = _STEP.match(expression, at)
        if step is None:
            return None
        name, index = step.groups()
        try:
            steps.append(json.loads(name) if name.startswith('"') else name)
        except ValueError:
            return None
        if index is not None:
            steps.append(int(index))
        at = step.end()
    return tuple(steps) or None


def _walk(path: tuple[str | int, ...]) -> Select:
    first, *rest = path
    if not rest:
        return lambda document: document.get(first, MISSING) if type(document) is dict else MISSING
    if len(rest) == 1 and isinstance(rest[0], str):
        last = rest[0]

        def two(document: Any) -> Any:
            if type(document) is dict:
                inner = document.get(first)
                if type(inner) is dict:
                    return inner.get(last, MISSING)
            return MISSING

        return two

    def walk(document: Any) -> Any:
        for step in path:
            if type(document) is dict:
                document = document.get(step, MISSING)
            elif type(document) is list and type(step) is int and step < len(document):
                document = document[step]
            else:
                return MISSING
        return document

    return walk
