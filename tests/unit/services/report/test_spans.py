"""Stretches of time: parts inside others, joined, covered."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.report.spans import Span, covered, joined

START = datetime(2026, 10, 1, tzinfo=UTC)
MINUTES = st.integers(0, 60)


def span(first: int, last: int) -> Span:
    return Span(START + timedelta(minutes=first), START + timedelta(minutes=last))


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=8), MINUTES, MINUTES)
def test_cover_is_what_a_minute_by_minute_count_gives(pairs: list[tuple[int, int]], first: int, last: int) -> None:
    inside = {
        minute for start, end in pairs for minute in range(start, end) if first <= minute < last
    }  # fmt: skip
    assert covered((span(*pair) for pair in pairs), span(first, max(first, last))) == timedelta(minutes=len(inside))


def test_touching_spans_are_one() -> None:
    assert joined([span(5, 9), span(0, 5), span(20, 20), span(30, 40)]) == [span(0, 9), span(30, 40)]


def test_a_part_outside_is_empty() -> None:
    assert span(0, 5).within(span(10, 20)).lasted == timedelta()
    assert span(12, 15).within(span(10, 20)) == span(12, 15)
    assert not span(0, 10).meets(span(10, 20).start, span(10, 20).end)
