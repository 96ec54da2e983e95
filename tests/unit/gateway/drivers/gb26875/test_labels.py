"""Time labels: binary or BCD, local to the device, and many of them nonsense."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from gb26875_frames import SHANGHAI
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.gb26875.labels import BadLabel, decode_label, encode_label


def test_a_label_is_local_time_from_the_second_to_the_year() -> None:
    label = encode_label(datetime.fromisoformat("2012-09-26T09:58:32"))
    assert label.hex() == "203a091a090c"
    assert decode_label(label, SHANGHAI) == datetime(2012, 9, 26, 1, 58, 32, tzinfo=UTC)
    assert decode_label(label, timezone(timedelta(hours=-5))) == datetime(2012, 9, 26, 14, 58, 32, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(st.datetimes(datetime.fromisoformat("2000-01-02"), datetime.fromisoformat("2099-12-31")), st.booleans())
def test_what_is_written_is_read_back(local: datetime, bcd: bool) -> None:
    moment = decode_label(encode_label(local, bcd), SHANGHAI, bcd)
    assert moment == local.replace(microsecond=0, tzinfo=SHANGHAI)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=8), st.booleans())
def test_any_bytes_are_a_time_or_none(label: bytes, bcd: bool) -> None:
    moment = decode_label(label, SHANGHAI, bcd)
    assert moment is None or encode_label(moment.astimezone(SHANGHAI), bcd) == label


@pytest.mark.parametrize(
    "label", ["", "203a091a09", "203a091a090c00", "000000000000", "3c3a091a090c", "000000fe0001", "000000010164"]
)
def test_nonsense_is_no_time(label: str) -> None:
    assert decode_label(bytes.fromhex(label), SHANGHAI) is None


def test_binary_is_no_bcd() -> None:
    assert decode_label(bytes.fromhex("203a091a090c"), SHANGHAI, bcd=True) is None
    assert decode_label(bytes.fromhex("325809260912"), SHANGHAI, bcd=True) == datetime(
        2012, 9, 26, 1, 58, 32, tzinfo=UTC
    )


@pytest.mark.parametrize("year", [1999, 2100])
def test_a_year_that_two_digits_cannot_say(year: int) -> None:
    with pytest.raises(BadLabel):
        encode_label(datetime(year, 1, 1, tzinfo=SHANGHAI))
