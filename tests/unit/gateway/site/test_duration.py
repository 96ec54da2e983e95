from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("5min", 300),
        ("4h", 14_400),
        ("7d", 604_800),
        ("1h30min", 5_400),
        ("1h 30min", 5_400),
        ("250ms", 0.25),
        ("0s", 0),
        ("1.5h", 5_400),
        ("PT5M", 300),
        ("P1DT2H", 93_600),
        ("PT0.5S", 0.5),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "5m", "min", "-5s", "5 minutes", "P", "PT", "1h foo", "10s10", "9999d", "1e3s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=3660 * 86_400_000))
def test_formatted_durations_read_back(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert abs(parse_duration(format_duration(duration)) - duration) < timedelta(microseconds=10)
