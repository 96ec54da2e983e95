"""Receipts name exactly what is stored: one id too many would delete an event that nobody has."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.receipts import Receipt, parse_receipt

stored_events = st.lists(
    st.tuples(st.sampled_from(["d1", "d2"]), st.sampled_from(["a", "b"]), st.integers(min_value=1, max_value=60)),
    max_size=80,
)


@given(stored_events)
def test_in_any_order_the_ranges_cover_exactly_what_was_stored(events: list[tuple[str, str, int]]) -> None:
    receipt = Receipt()
    wanted = defaultdict(set)
    for device, boot, seq in events:
        receipt.add(device, boot, seq, f"{boot}-{seq}")
        wanted[device, boot].add(seq)
    covered = defaultdict(set)
    for device, boot, first, last in parse_receipt(receipt.to_json()).ranges():
        covered[device, boot].update(range(first, last + 1))
    assert covered == wanted


@given(st.integers(min_value=1, max_value=2**53), st.integers(min_value=1, max_value=500))
def test_a_run_in_order_is_one_range(first: int, count: int) -> None:
    receipt = Receipt()
    for seq in range(first, first + count):
        receipt.add("d1", "a", seq, f"a-{seq}")
    assert list(receipt.ranges()) == [("d1", "a", first, first + count - 1)]


def test_devices_that_cannot_count_are_named_by_id() -> None:
    receipt = Receipt()
    receipt.add("d1", "", 0, "01JD6W4M5N8QZ3X7V2C9B0KHTE")
    read = parse_receipt(receipt.to_json())
    assert read.ids == {"d1": ["01JD6W4M5N8QZ3X7V2C9B0KHTE"]}
    assert not list(read.ranges())


def test_a_receipt_may_say_more_than_we_know() -> None:
    assert parse_receipt(b'{"stored":{"d":{"b":[[1,2]]}},"at":"later"}').stored == {"d": {"b": [[1, 2]]}}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"5",
        b"[]",
        b"\xff",
        b"[" * 10_000,
        b'{"stored":5}',
        b'{"stored":{"d":5}}',
        b'{"stored":{"d":{"b":5}}}',
        b'{"stored":{"d":{"b":[1,2]}}}',
        b'{"stored":{"d":{"b":[[1]]}}}',
        b'{"stored":{"d":{"b":[[1,2,3]]}}}',
        b'{"stored":{"d":{"b":[["1","2"]]}}}',
        b'{"stored":{"d":{"b":[[1.5,2]]}}}',
        b'{"stored":{"d":{"b":[[null,2]]}}}',
        b'{"stored":{"d":{"b":[[1,1e999]]}}}',
        b'{"ids":{"d":"01JD6W4M5N8QZ3X7V2C9B0KHTE"}}',
        b'{"ids":[1]}',
    ],
)
def test_what_is_no_receipt_raises_value_error_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(ValueError):
        parse_receipt(payload)
