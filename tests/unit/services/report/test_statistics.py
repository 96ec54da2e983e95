"""One definition of medians and percentiles: that of spreadsheets."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.report.statistics import mean, median, p90, percentile

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


def test_nothing_has_no_middle() -> None:
    assert median(()) is None
    assert p90([]) is None
    assert mean(()) is None


def test_as_a_spreadsheet_counts_it() -> None:
    assert median([4, 1, 3, 2]) == 2.5
    assert p90([10, 20, 30, 40, 50]) == pytest.approx(46)  # PERCENTILE.INC: rank 0.9 · 4 = 3.6
    assert percentile([7], 0.9) == 7
    assert mean([1, 2, 6]) == 3


@given(VALUES)
def test_the_library_says_the_same(values: list[float]) -> None:
    assert median(values) == pytest.approx(statistics.median(values))
    if len(values) > 1:
        assert p90(values) == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[8])
    assert min(values) <= (p90(values) or 0) <= max(values)
