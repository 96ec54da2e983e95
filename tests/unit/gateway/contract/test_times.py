"""Times on the wire: what is a moment, what is not, and that nothing depends on the order of arrival."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import times
from gateway.contract.errors import BadTime
from gateway.contract.times import format_at, from_ms, parse_at, to_ms

LAST_MS = to_ms(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))
DAY_MS = 86_400_000
AFTER_ALL = from_ms(LAST_MS - DAY_MS).replace(tzinfo=None)
moments = st.integers(min_value=0, max_value=LAST_MS)
offsets = st.integers(min_value=-(23 * 60 + 59), max_value=23 * 60 + 59)


@given(moments)
def test_a_moment_survives_the_wire(at_ms: int) -> None:
    assert parse_at(format_at(at_ms)) == at_ms
    assert to_ms(from_ms(at_ms)) == at_ms


@given(st.datetimes(min_value=from_ms(DAY_MS).replace(tzinfo=None), max_value=AFTER_ALL), offsets)
def test_any_offset_is_the_same_moment_as_datetime_says(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_at(moment.isoformat()) == to_ms(moment)
    assert parse_at(moment.isoformat(timespec="milliseconds")) == to_ms(moment)


@given(st.lists(st.integers(min_value=0, max_value=600_000), max_size=30))
def test_the_remembered_minute_changes_nothing(steps: list[int]) -> None:
    start = to_ms(datetime(2026, 12, 31, 23, 55, tzinfo=UTC))
    for step in steps:
        assert parse_at(format_at(start + step)) == start + step


def outcome(text: str) -> int | None:
    try:
        return parse_at(text)
    except BadTime:
        return None


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_bad_time(text: str) -> None:
    at_ms = outcome(text)
    assert at_ms is None or 0 <= at_ms <= LAST_MS


@given(st.text(alphabet="0123456789²１٣-:.TZ+ ", min_size=7, max_size=7))
def test_the_short_cut_and_the_long_way_agree(tail: str) -> None:
    good = "2026-11-21T10:00:00.000Z"
    for text in (good[:17] + tail, good[:17] + tail[:6] + "Z", good[:17] + tail[:2] + "." + tail[2:5] + "Z"):
        parse_at(good)
        by_the_short_cut = outcome(text)
        times._minutes.clear()
        assert outcome(text) == by_the_short_cut


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T18:00:00+08:00", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T10:00:00-00:00", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500Z"),
        ("2026-11-21T10:00:00.123999999Z", "2026-11-21T10:00:00.123Z"),
        ("2028-02-29T23:59:59.999Z", "2028-02-29T23:59:59.999Z"),
        ("1970-01-01T08:00:00+08:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_forms_that_are_taken(text: str, iso: str) -> None:
    assert format_at(parse_at(text)) == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1795255200",
        "1795255200000",
        "now",
        "2026-11-21",
        "2026-11-21T10:00:00",  # no zone
        "2026-11-21T10:00:00.000",
        "2026-11-21T10:00Z",  # no seconds
        "2026-11-21 10:00:00Z",  # a space
        "2026-11-21t10:00:00z",  # small letters
        " 2026-11-21T10:00:00Z",
        "2026-11-21T10:00:00Z\n",
        "2026-11-21T10:00:00.000Z\n",
        "2026-11-21T10:00:00,000Z",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00.1234567890Z",
        "2026-11-21T10:00:00+0800",
        "2026-11-21T10:00:00+08",
        "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00+00:99",
        "2026-11-21T10:00:00Z+08:00",
        "2026-11-21T10:00:00 Asia/Shanghai",
        "20261121T100000Z",
        "2026-W47-6T10:00:00Z",
        "26-11-21T10:00:00Z",
        "12026-11-21T10:00:00Z",
        "+2026-11-21T10:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T10:60:00Z",
        "2026-12-31T23:59:60Z",  # a leap second
        "2026-12-31T23:59:60.000Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",  # the year 0
        "0001-01-01T00:00:00+05:00",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-05:00",  # after the last moment there is
        "2026-11-21T10:00:00.１２３Z",  # wide digits
        "２026-11-21T10:00:00.123Z",
        "2026-11-21T10:00:1².000Z",
        "2026-11-21T10:00:٣٤.000Z",
    ],
)
def test_forms_that_are_refused(text: str) -> None:
    parse_at("2026-11-21T10:00:00.000Z")  # the minute is known: the short cut must refuse them too
    with pytest.raises(BadTime) as caught:
        parse_at(text)
    assert caught.value.hint
    assert caught.value.code == "bad_time"
