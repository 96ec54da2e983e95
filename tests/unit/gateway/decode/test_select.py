"""Selectors: the fast walk and JMESPath say the same."""

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode.select import MISSING, BadSelector, is_true, plain_path, select

DOCUMENT = {"a": {"b": {"c": 1}, "n": None}, "switch:0": {"x": True}, "l": [{"r": -5}, {"r": -3}], "z": 0}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("a.b.c", 1),
        ("z", 0),
        ("a.n", None),
        ('"switch:0".x', True),
        ("l[1].r", -3),
        ("@", DOCUMENT),
        ("a.b.d", MISSING),
        ("a.x.c", MISSING),
        ("l[2].r", MISSING),
        ("l.r", MISSING),
        ("z.z", MISSING),
        ("max(l[].r)", -3),
        ("max(a)", MISSING),
        ("l[?r > `-4`].r | [0]", -3),
        ("abs(a)", MISSING),
    ],
)
def test_what_stands_there(expression: str, found: Any) -> None:
    assert select(expression)(DOCUMENT) is found or select(expression)(DOCUMENT) == found


@pytest.mark.parametrize("expression", ["", "a.", ".a", "a..b", "a b", "a[", "nope(a)", 'a."', "a[?nope(b)]"])
def test_what_is_no_selector(expression: str) -> None:
    with pytest.raises(BadSelector):
        select(expression)


@pytest.mark.parametrize("expression", ["a.b", 'params."switch:0".y', "a[0].b", "_x9"])
def test_plain_paths_need_no_jmespath(expression: str) -> None:
    assert plain_path(expression) is not None


names = st.sampled_from(["a", "b", "c"])
documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=2),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3),
)
paths = st.lists(names | st.tuples(names, st.integers(0, 2)), min_size=1, max_size=4)


@given(paths, documents)
def test_the_walk_finds_what_jmespath_finds(path: list[Any], document: Any) -> None:
    expression = ".".join(step if isinstance(step, str) else f"{step[0]}[{step[1]}]" for step in path)
    found = select(expression)(document)
    assert (None if found is MISSING else found) == jmespath.search(expression, document)


@pytest.mark.parametrize(
    ("found", "truth"),
    [(MISSING, False), (None, False), (False, False), ("", False), ([], False), ({}, False), (0, True)],
)
def test_truth_is_jmespath_s(found: Any, truth: bool) -> None:
    assert is_true(found) is truth
