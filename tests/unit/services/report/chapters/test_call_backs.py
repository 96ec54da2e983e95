"""AMB-10 by hand: one population, samples drawn by the system, ceil(share · n) calls meet the target."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.report.chapters.call_backs import (
    NO_COMPLAINTS,
    Call,
    CallBacksFacts,
    ClosedRequest,
    called,
    chapter,
    five,
    three_levels,
)
from services.report.months import month_of

AT = datetime(2026, 10, 9, tzinfo=UTC)
OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))


def closed(count: int, *drawn: str) -> tuple[ClosedRequest, ...]:
    return tuple(ClosedRequest(f"o{no}", f"WO-{no}", "漏水", AT, frozenset(drawn)) for no in range(count))


def calls(level: str, count: int, *, satisfied: bool = True) -> tuple[Call, ...]:
    return tuple(Call(f"o{no}", level, AT, satisfied) for no in range(count))


@pytest.mark.parametrize(
    ("level", "count", "made", "verdict"),
    [
        ("service", 7, 7, "met"), ("service", 7, 6, "missed"), ("quality", 7, 4, "met"), ("quality", 7, 3, "missed"),
        ("director", 7, 3, "met"), ("director", 7, 2, "missed"), ("director", 5, 2, "met"),
        ("quality", 0, 0, "no_data"),
    ],
)  # fmt: skip
def test_the_share_is_rounded_up(level: str, count: int, made: int, verdict: str) -> None:
    facts = CallBacksFacts(closed(count, "quality", "director"), calls(level, made))
    assert called(facts, level).figure.verdict == verdict


def test_a_call_about_an_order_that_was_not_drawn_does_not_count() -> None:
    facts = CallBacksFacts((*closed(1, "quality"), ClosedRequest("x", "WO-x", "漏水", AT)), calls("quality", 1))
    assert called(facts, "quality").figure.numerator == 1
    facts = CallBacksFacts(facts.closed, (Call("x", "quality", AT, True),))
    assert called(facts, "quality").figure.numerator == 0
    assert called(facts, "service").figure.numerator == 0


def test_each_sample_needs_its_own_call() -> None:
    facts = CallBacksFacts(closed(2, "quality", "director"), calls("quality", 2))
    assert called(facts, "director").figure.numerator == 0


def test_the_table_says_what_is_missing() -> None:
    facts = CallBacksFacts(closed(7, "quality"), (*calls("service", 5), *calls("quality", 2, satisfied=False)))
    rows = three_levels(facts).rows
    assert [row[2:4] + row[6:] for row in rows] == [(7, 5, 2, 5, 0), (4, 2, 2, 0, 2), (3, 0, 3, 0, 0)]


def test_five_haves_need_all_five() -> None:
    requests = (*closed(1), ClosedRequest("o9", "WO-9", "漏水", AT, arrived=False))
    made = five(CallBacksFacts(requests, (*calls("service", 1), Call("o9", "service", AT, True))))
    assert (made.figure.numerator, made.figure.denominator) == (1, 2)
    assert "缺处理" in made.evidence[1].words


def test_complaints_are_said_to_be_missing() -> None:
    assert NO_COMPLAINTS in chapter(OCTOBER, CallBacksFacts()).gaps


@given(st.integers(1, 400), st.integers(0, 400), st.sampled_from([("service", 100), ("quality", 50), ("director", 40)]))
def test_met_exactly_from_the_owed_number_on(count: int, made: int, level: tuple[str, int]) -> None:
    made = min(made, count)
    facts = CallBacksFacts(closed(count, "quality", "director"), calls(level[0], made))
    owed = math.ceil(count * level[1] / 100)
    assert (called(facts, level[0]).figure.verdict == "met") == (made >= owed)
