"""Whether a raw value can be a value of its metric."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode.plausible import plausible
from gateway.decode.said import Refused, Value, missing, refuse, shown
from gateway.decode.said import Said as Told
from gateway.site.profile import Loop, Metric

PRESSURE = Metric(name="p", unit="MPa", scale=0.001, offset=-0.1, minimum=-0.1, maximum=10)
SWITCH = Metric(name="s", values={"open": 1, "closed": 0, "true": 1, "false": 0, "2": 7})
CURRENT = Metric(name="i", unit="mA", scale=0.001, loop=Loop())


def code(metric: Metric, raw: Any) -> str:
    judged = plausible(metric, raw)
    return judged.code if isinstance(judged, Refused) else f"{judged.value:g} {judged.quality} {judged.fault}".strip()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (820, "0.72 good"),
        (0, "-0.1 good"),
        (10_100, "10 good"),
        (-1, "below_minimum"),
        (10_101, "above_maximum"),
        (None, "null"),
        (True, "wrong_type"),
        ("820", "text_number"),
        ("nan", "text_number"),
        ("x", "wrong_type"),
        ([], "wrong_type"),
        ({}, "wrong_type"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (float("-inf"), "not_finite"),
        (1e300, "too_large"),
        (-1e300, "too_large"),
        (10**400, "too_large"),
    ],
)
def test_numbers(raw: Any, expected: str) -> None:
    assert code(PRESSURE, raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("open", "1 good"),
        (" Closed ", "0 good"),
        (True, "1 good"),
        (False, "0 good"),
        (2, "7 good"),
        (2.0, "7 good"),
        ("2", "7 good"),
        (1, "unknown_word"),
        ("ajar", "unknown_word"),
        (None, "null"),
        ([], "unknown_word"),
        (10**400, "unknown_word"),
        (float("nan"), "unknown_word"),
    ],
)
def test_words(raw: Any, expected: str) -> None:
    assert code(SWITCH, raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (3599, "3.599 bad electrical"),
        (3600, "3.6 good"),
        (4000, "4 good"),
        (21_000, "21 good"),
        (0, "0 bad electrical"),
        (21_001, "21.001 bad electrical"),
        (32_767, "32.767 bad electrical"),
        (-4000, "-4 bad electrical"),
        (None, "null"),
    ],
)
def test_a_loop_outside_its_range_is_a_broken_wire_not_a_value(raw: Any, expected: str) -> None:
    assert code(CURRENT, raw) == expected


def test_above_makes_one_and_zero_of_a_number() -> None:
    online = Metric(name="online", minimum=0, maximum=240, above=0)
    assert [code(online, raw) for raw in (0, 0.1, 25, -1, 300, None)] == [
        "0 good", "1 good", "1 good", "below_minimum", "above_maximum", "null",
    ]  # fmt: skip


def test_a_battery_is_a_share_whatever_the_profile_leaves_open() -> None:
    battery = Metric(name="b", status="battery")
    assert [code(battery, raw) for raw in (0, 100, 101, 255, -1)] == [
        "0 good", "100 good", "above_maximum", "above_maximum", "below_minimum",
    ]  # fmt: skip


def test_nothing_open_means_everything_that_is_a_number() -> None:
    assert code(Metric(name="x"), -1e15) == "-1e+15 good"
    assert code(Metric(name="x"), 1.1e15) == "too_large"


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary(),
    st.sampled_from([PRESSURE, SWITCH, CURRENT, Metric(name="x")]),
)
def test_it_never_raises_and_never_gives_what_is_no_number(raw: Any, metric: Metric) -> None:
    judged = plausible(metric, raw)
    if isinstance(judged, Value):
        assert abs(judged.value) <= 1e15
    else:
        assert judged.place == metric.name
        judged.reason.encode()


def test_a_refusal_keeps_within_the_lengths_of_its_event() -> None:
    assert [len(part) for part in refuse("p" * 99, "c" * 99, "r" * 999, "h" * 999)] == [64, 32, 500, 300]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("20.6", '"20.6"'),
        ("水", '"水"'),
        ("\ud800", '"\\ud800"'),
        ([1], "a list of 1"),
        ({}, "an object of 0"),
        (10**400, "a whole number of 1329 bits"),
        (float("nan"), "NaN"),
        (b"x", "a bytes"),
    ],
)
def test_a_value_is_shown_as_it_stands_in_a_payload(raw: Any, text: str) -> None:
    assert shown(raw) == text
    json.dumps(shown(raw), ensure_ascii=False).encode()


def test_an_absent_metric_matters_only_where_a_point_needs_it() -> None:
    said = Told("d", 0, claimed=False, absent=("a", "b"))
    assert [one.place for one in missing(said, {"b", "c"})] == ["b"]


def test_a_scaled_number_is_the_one_that_people_read() -> None:
    assert plausible(Metric(name="p", scale=0.1), 3) == Value("p", 0.3)
    assert plausible(Metric(name="p", scale=0.1, maximum=0.3), 3) == Value("p", 0.3)
