"""Patterns from files: those that could run away are refused before anything is matched."""

import re

import pytest

from gateway.site.safe_pattern import MAX_TEXT, check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(?P<event>\S++(?: \S++)*+) *+(?P<label>.*?) *+(?P<time>\d\d:\d\d)",
        r"\d{3}-\d{3}",
        r"(?:\d\d){3}",
        r"(?:ab)*+",
        r"(?P<event>火警|故障)[^\n:]{0,10}+:",
        r".*?x",
        r"^.*a.*b",
    ],
)
def test_good_patterns_pass(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+b", "repeats a group"),
        ("(?:a|aa)*c", "repeats a group"),
        ("(?:ab|c)+d", "repeats a group"),
        ("(?:a+b)*+c", "there only"),
        (".*.*x", "too many ways"),
        (r"\b.*.*x", "too many ways"),
        ("^.*.*.*x", "too many ways"),
        ("^(?:.*|.*)(?:.*|.*)(?:.*|.*)x", "too many ways"),
        (r"(a)\1", "refers to a group"),
        ("(", "no regular expression"),
        ("a" * 1001, "more than 1000"),
    ],
)
def test_patterns_that_could_run_away_are_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_pattern(pattern)


def test_the_dearest_pattern_that_passes_comes_back() -> None:
    pattern = check_pattern(r"^(?P<a>.*)a(?P<b>.*)b$")
    assert re.search(pattern, "a" * MAX_TEXT) is None
