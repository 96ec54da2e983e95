"""The registers of a GST-INET-03A card: what they say first, and what changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.gst_modbus import MAX_COUNT, GstModbus, point_address


def test_what_is_read_first_is_told_and_then_only_changes_are() -> None:
    card = GstModbus("gst200", 242)
    first = card.take(0, [9, 1, 0, 2])
    assert [(one.address, one.state, one.complete) for one in first] == [
        ("1-1", (), True),
        ("1-2", ("fire",), False),
        ("1-4", ("fault",), False),
    ]
    assert card.take(0, [9, 1, 0, 2]) == []
    (one,) = card.take(0, [5, 1, 0, 2])
    assert (one.address, one.state, one.ended, one.complete) == ("1-1", ("start",), (), False)
    assert one.extra == {"register": 0, "value": 5, "said": "启动"}


@pytest.mark.parametrize(("value", "is_all"), [(1, False), (2, False), (5, False), (7, False), (4, True), (9, True)])
def test_after_a_restart_only_what_says_that_nothing_holds_ends_what_held(value: int, is_all: bool) -> None:
    """The register may have read fire or shielded before; nobody knows any more."""
    (one,) = GstModbus("gst5000", 10).take(0, [value])
    assert (one.complete, one.ended) == (is_all, ())


@pytest.mark.parametrize(
    ("before", "after", "state", "ended", "complete"),
    [
        (9, 1, ("fire",), (), False),
        (1, 2, ("fault",), (), False),  # a fault does not say that the fire is over
        (1, 7, ("shield",), (), False),
        (1, 4, (), (), True),
        (1, 9, (), (), True),
        (5, 6, (), ("start", "feedback"), False),
        (7, 8, (), ("shield",), False),
        (3, 0, (), (), True),
    ],
)
def test_changes(before: int, after: int, state: tuple[str, ...], ended: tuple[str, ...], complete: bool) -> None:
    card = GstModbus("gst5000", 10)
    card.take(0, [before])
    (one,) = card.take(0, [after])
    assert (one.state, one.ended, one.complete) == (state, ended, complete)


def test_only_the_low_byte_counts_and_a_state_that_is_not_known_is_told() -> None:
    card = GstModbus("gst200", 10)
    fire, odd = card.take(0, [0x4201, 77])
    assert (fire.state, odd.scope, odd.marks) == (("fire",), "unparsed", ("unparsed", "unknown_state"))


@pytest.mark.parametrize(
    ("model", "start", "words"),
    [
        ("gst200", 242, ["mains_fault", "battery_fault", "bus_fault"]),
        ("gst500", 4998, ["mains_fault", "battery_fault"]),
        ("gst5000", 4998, ["mains_fault", "battery_fault"]),
    ],
)
def test_power(model: str, start: int, words: list[str]) -> None:
    card = GstModbus(model, 10)
    assert card.ranges()[0] == (start, len(words))
    well = card.take(start, [9] * len(words))
    assert [(one.address, one.state, one.ended) for one in well] == [("self", (), (word,)) for word in words]
    failed = card.take(start, [2] * len(words))
    assert [one.state for one in failed] == [(word,) for word in words]


@given(st.sampled_from(["gst200", "gst5000"]), st.integers(1, 10_000))
def test_every_register_is_read_once_and_none_is_asked_too_much(model: str, registers: int) -> None:
    (power, count), *points = GstModbus(model, registers).ranges()
    asked = [register for start, many in points for register in range(start, start + many)]
    assert asked == list(range(min(registers, power)))
    assert all(0 < many <= MAX_COUNT for _, many in points)
    assert count in (2, 3)


def test_loops_and_points() -> None:
    assert [point_address(register, "gst200") for register in (0, 241)] == ["1-1", "1-242"]
    assert [point_address(register, "gst5000") for register in (0, 239, 240, 4797)] == ["1-1", "1-240", "2-1", "20-238"]


def test_it_says_nothing_by_itself() -> None:
    card = GstModbus("gst200", 1)
    assert (card.feed(b"\x01\x03\x02\x00\x05\x78\x47", 0), card.poll(0), card.close(0)) == ([], b"", [])
    assert card.is_well(0)
