"""docker-compose.yml as Compose reads it: variables put in, anchors resolved; and what its services are."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class VariableMissing(Exception):
    """`${NAME:?message}` without a NAME."""


def interpolate(text: str, env: Mapping[str, str]) -> str:
    """`$$`, `${A}`, `${A:-default}`, `${A:?message}`, defaults within defaults."""
    result, rest = "", text
    while rest:
        head, dollar, rest = rest.partition("$")
        result += head
        if not dollar:
            break
        if rest[:1] == "$":
            result, rest = result + "$", rest[1:]
        elif rest[:1] == "{":
            inside, rest = _braces(rest)
            result += _value(inside, env)
        else:
            raise ValueError(f"a lone $ before {rest[:20]!r}: write $$")
    return result


def _braces(text: str) -> tuple[str, str]:
    depth = 0
    for index, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return text[1:index], text[index + 1 :]
    raise ValueError(f"no closing brace in {text[:40]!r}")


def _value(inside: str, env: Mapping[str, str]) -> str:
    found = _NAME.match(inside)
    assert found is not None, inside
    name, rest = found[0], inside[found.end() :]
    value = env.get(name, "")
    if rest.startswith(":-"):
        return value or interpolate(rest[2:], env)
    if rest.startswith(":?"):
        if not value:
            raise VariableMissing(f"{name}: {rest[2:]}")
        return value
    assert not rest, inside
    return value


def strings(node: Any) -> Iterator[str]:
    """Every string value."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def variables(node: Any) -> dict[str, bool]:
    """Names of the variables, and whether each has a default or a message somewhere."""
    found: dict[str, bool] = {}
    for text in strings(node):
        for name, what in re.findall(r"(?<!\$)\$\{([A-Za-z0-9_]+)(:[-?])?", text):
            found[name] = found.get(name, False) or bool(what)
    return found


def _put_in(node: Any, env: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return interpolate(node, env)
    if isinstance(node, dict):
        return {_put_in(key, env): _put_in(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_put_in(value, env) for value in node]
    return node


def load(text: str, env: Mapping[str, str]) -> dict[str, Any]:
    """The file without its anchors and templates; raises VariableMissing."""
    document = _put_in(yaml.load(text, yaml.CSafeLoader), env)
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def is_gengfu(service: Mapping[str, Any]) -> bool:
    """Whether our own program runs in it."""
    return str(service.get("image", "")).startswith("gengfu:")


def is_once(service: Mapping[str, Any]) -> bool:
    """Whether it ends by itself."""
    return bool(service.get("restart") == "no")
