"""Compiled selectors find what JMESPath's own interpreter finds."""

from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from gateway.decode.closures import closure, is_true

EXPRESSIONS = [
    "method == 'NotifyStatus' || method == 'NotifyFullStatus'", "!PN532 && !RC522 && !RDM6300", "a != 'x'", "'x' == a",
    "!(object.history) || object.pressure", "max(rxInfo[].rssi)", "min(rxInfo[].rssi)", "rxInfo[].rssi", "a[0].b",
    "a[-1]", "!a", "a && b", "a || b", "@", "'x'", "a.b.c", "(a || b) && !c", "a[].b[].c", "rxInfo[]",
    "a == b", "a && b == 'y' || !c",
]  # fmt: skip
NAMES = ["a", "b", "c", "method", "object", "history", "pressure", "rxInfo", "rssi", "PN532"]
LEAVES = st.sampled_from([None, True, False, 0, 1, -36, 10.5, "", "x", "y", "NotifyStatus", float("inf")])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def outcome(find: Any, document: Any) -> Any:
    try:
        return find(document)
    except (JMESPathError, TypeError) as error:
        return "refused" if isinstance(error, JMESPathError | TypeError) else None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(EXPRESSIONS), DOCUMENTS)
def test_the_same_as_the_interpreter(expression: str, document: Any) -> None:
    parsed = jmespath.compile(expression)
    compiled = closure(parsed.parsed)
    if compiled is not None:
        assert repr(outcome(compiled, document)) == repr(outcome(parsed.search, document))


@pytest.mark.parametrize("expression", [one for one in EXPRESSIONS if one != "a == b"])
def test_these_are_compiled(expression: str) -> None:
    assert closure(jmespath.compile(expression).parsed) is not None


@pytest.mark.parametrize(
    "expression", ["a == b", "a > `1`", "a == `1`", "abs(a)", "a | b", "a[?b]", "a.*", "{x: a}", "a[1:2]"]
)
def test_the_rest_is_left_to_the_interpreter(expression: str) -> None:
    assert closure(jmespath.compile(expression).parsed) is None


@pytest.mark.parametrize(
    ("found", "truth"),
    [(None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), (0.0, True), ("x", True)],
)
def test_truth(found: Any, truth: bool) -> None:
    assert is_true(found) is truth
