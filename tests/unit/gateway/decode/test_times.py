"""Times as devices write them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.times import to_ms
from gateway.decode.said import Refused
from gateway.decode.times import claim_of
from gateway.site.profile import TimeFormat

ZONE = ZoneInfo("Asia/Shanghai")
FORMATS: tuple[TimeFormat, ...] = ("iso", "s", "ms", "ns", "auto")


@pytest.mark.parametrize(
    ("format_", "raw", "at"),
    [
        ("iso", "2017-02-16T10:13:52", "2017-02-16T02:13:52+00:00"),
        ("iso", "2017-02-16 10:13:52", "2017-02-16T02:13:52+00:00"),
        ("iso", "2022-07-18T09:34:15.775023242+00:00", "2022-07-18T09:34:15.775+00:00"),
        ("iso", "2022-07-18T09:34:15.775023242Z", "2022-07-18T09:34:15.775+00:00"),
        ("iso", "2022-01-02T13:54:08+01:00", "2022-01-02T12:54:08+00:00"),
        ("s", 1675931140.21, "2023-02-09T08:25:40.210+00:00"),
        ("s", "1675931140", "2023-02-09T08:25:40+00:00"),
        ("ms", 1656118444933, "2022-06-25T00:54:04.933+00:00"),
        ("ms", "1656118444933", "2022-06-25T00:54:04.933+00:00"),
        ("ns", 1656118444933000001, "2022-06-25T00:54:04.933+00:00"),
        ("ns", "1656118444933999999", "2022-06-25T00:54:04.933+00:00"),
        ("auto", 1656118444933, "2022-06-25T00:54:04.933+00:00"),
        ("auto", "2022-06-25T08:54:04.933", "2022-06-25T00:54:04.933+00:00"),
    ],
)
def test_times(format_: TimeFormat, raw: Any, at: str) -> None:
    assert claim_of(format_)(raw, ZONE) == to_ms(datetime.fromisoformat(at))


@pytest.mark.parametrize(
    ("format_", "raw"), [("iso", "1970-01-01T00:00:09"), ("s", 1.61), ("ms", 0), ("iso", "2000-01-01T00:00:00")]
)
def test_a_clock_that_nobody_has_set_is_no_clock(format_: TimeFormat, raw: Any) -> None:
    assert claim_of(format_)(raw, ZONE) is None


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("raw", ["yesterday", "", True, [], {}, float("nan"), float("inf"), 10**400, "9" * 40, 1e300])
def test_what_is_no_time(format_: TimeFormat, raw: Any) -> None:
    assert isinstance(claim_of(format_)(raw, ZONE), Refused)


@given(st.sampled_from(FORMATS), st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40))
def test_nothing_raises(format_: TimeFormat, raw: Any) -> None:
    at = claim_of(format_)(raw, ZONE)
    assert at is None or isinstance(at, Refused) or 0 <= at < 253_402_300_800_000
