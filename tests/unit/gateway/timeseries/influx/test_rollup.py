"""Which minutes are asked for together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.timeseries.influx.rollup import spans

MINUTE = 60_000


def test_neighbours_are_one_question() -> None:
    assert spans([0, MINUTE, 3 * MINUTE], MINUTE) == [(0, 2 * MINUTE), (3 * MINUTE, 4 * MINUTE)]
    assert spans([], MINUTE) == []


@given(st.sets(st.integers(0, 40)))
def test_spans_cover_every_unit_once_and_do_not_touch(units: set[int]) -> None:
    found = spans([unit * MINUTE for unit in sorted(units)], MINUTE)
    assert {at // MINUTE for start, end in found for at in range(start, end, MINUTE)} == units
    assert all(end < start for (_, end), (start, _) in pairwise(found))
