"""Counting a device's numbers."""

from hypothesis import given
from hypothesis import strategies as st

from services.device.sequence import Gap, Sequence, start


def test_a_device_first_met_in_the_middle_of_its_count_lost_nothing_we_know_of() -> None:
    sequence = start(500, 0, known_device=False)
    assert (sequence.high, sequence.gaps) == (500, [])


def test_a_known_device_starts_a_new_boot_at_one() -> None:
    sequence = start(4, 0, known_device=True)
    assert sequence.gaps == [Gap(1, 3, 0)]


def test_gaps_are_reported_once_and_after_their_time() -> None:
    sequence = start(1, 0, known_device=True)
    sequence.note(5, 1_000)
    assert sequence.settled(10_999, 10_000) == []
    (gap,) = sequence.settled(11_000, 10_000)
    assert (gap.first, gap.last, gap.count) == (2, 4, 3)
    gap.reported = True
    assert sequence.settled(99_000, 10_000) == []
    sequence.note(3, 99_500)
    assert [(g.first, g.last, g.reported) for g in sequence.gaps] == [(2, 2, True), (4, 4, True)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=120))
def test_new_means_never_heard_and_gaps_are_exactly_what_is_missing(numbers: list[int]) -> None:
    sequence = Sequence(high=0)
    heard: set[int] = set()
    for number in numbers:
        assert sequence.note(number, 0) == (number not in heard)
        heard.add(number)
    missing = {n for gap in sequence.gaps for n in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(heard) + 1)) - heard
