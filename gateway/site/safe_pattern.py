"""Regular expressions that people write into files and that meet bytes from a wire: none may run away on any text.

A repeat that can give back what it took multiplies the ways a pattern can be tried; this counts them before anything is
matched. Possessive repeats (`\\d++`, `.{3,9}+`) and fixed ones (`\\d{3}`) cost nothing.
"""

import importlib
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_TEXT: Final = 512
"""So many characters of a record are matched."""
_MAX_WAYS: Final = 1_000_000
_PARSER: Final[Any] = importlib.import_module("re._parser")
"""The parser of `re` itself; its tree has the same form since Python 3.11, which brought possessive repeats."""
_MAX_PATTERN: Final = 1000
_BEGINNINGS: Final = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})
_GIVES_BACK: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT"})


class _Unsafe(ValueError):
    """Why a pattern is refused."""


def check_pattern(pattern: str) -> str:
    """The pattern itself; raises ValueError when it is none, or could take too long on MAX_TEXT characters."""
    if len(pattern) > _MAX_PATTERN:
        raise _bad(pattern[:40], f"has more than {_MAX_PATTERN} characters")
    try:
        re.compile(pattern)
        tree = _PARSER.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise _bad(pattern, f"is no regular expression: {error}") from error
    is_anchored = len(tree) > 0 and str(tree[0][1]) in _BEGINNINGS
    try:
        ways = _ways(tree) * (1 if is_anchored else MAX_TEXT)
    except _Unsafe as error:
        raise _bad(pattern, str(error)) from error
    if ways > _MAX_WAYS:
        raise _bad(pattern, "can be tried in too many ways: begin it with ^, write ++ for + and *+ for * where you can")
    return pattern


def _bad(pattern: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("bad_pattern", "the pattern {pattern} {why}", {"pattern": pattern, "why": why})


SafePattern = Annotated[str, AfterValidator(check_pattern)]
"""A regular expression that cannot run away."""


def _ways(tree: Any) -> int:
    ways = 1
    for operation, argument in tree:
        ways = min(ways * _ways_of(str(operation), argument), _MAX_WAYS + 1)
    return ways


def _ways_of(operation: str, argument: Any) -> int:
    if operation in _GIVES_BACK:
        least, most, inner = argument
        most = min(int(most), MAX_TEXT)
        inside = _ways(inner)
        is_fixed = least == most and inside == 1
        if most > 1 and not is_fixed and (inside > 1 or not _is_one_character(inner)):
            raise _Unsafe("repeats a group that can give back: write (?:…)*+ or (?:…){1,5}+")
        return max(1, most - int(least) + 1) * inside
    if operation == "POSSESSIVE_REPEAT":
        inside = _ways(argument[2])
        if inside > 1:
            raise _Unsafe("has a repeat inside a repeated group: there only ++ and *+ are safe")
        return 1
    if operation == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operation == "SUBPATTERN":
        return _ways(argument[3])
    if operation == "ATOMIC_GROUP":
        return _ways(argument)
    if operation in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1])
    if operation in ("GROUPREF", "GROUPREF_EXISTS"):
        raise _Unsafe("refers to a group")
    return 1


def _is_one_character(inner: Any) -> bool:
    return len(inner) == 1 and str(inner[0][0]) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
