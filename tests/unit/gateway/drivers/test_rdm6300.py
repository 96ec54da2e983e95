"""RDM6300: the published frame, repeated, split, glued and in noise."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tag_readers import rdm_frame

from gateway.drivers.rdm6300 import Rdm6300, uid_of

SAMPLE = bytes.fromhex("0231343030384543373933434503")


def test_the_published_frame() -> None:
    assert rdm_frame("14008EC793") == SAMPLE
    assert uid_of(SAMPLE) == "14008EC793"
    assert uid_of(SAMPLE.replace(b"CE", b"CF")) is None


def test_a_tag_that_stays_is_one_read_and_comes_back_as_another() -> None:
    driver = Rdm6300()
    times = [*range(0, 3000, 65), *range(6000, 7000, 65)]
    reads = [read for now in times for byte in SAMPLE for read in driver.feed(bytes([byte]), now)]
    assert [(read.uid, read.at_ms) for read in reads] == [("14008EC793", 0), ("14008EC793", 6000)]


def test_all_zero_is_no_tag() -> None:
    assert Rdm6300().feed(rdm_frame("0000000000"), 0) == []


def test_damaged_frames_are_counted_as_retries() -> None:
    driver = Rdm6300()
    assert driver.feed(SAMPLE.replace(b"7", b"6") + SAMPLE[:9] + SAMPLE, 0)[0].retries == 2
    assert driver.errors == 2


@given(
    st.lists(st.tuples(st.binary(max_size=10), st.integers(1, 2**40 - 1)), max_size=6),
    st.lists(st.integers(0, 150), max_size=10),
)
def test_noise_split_and_glued(parts: list[tuple[bytes, int]], cuts: list[int]) -> None:
    numbers = [f"{number:010X}" for _, number in parts]
    stream = b"".join(noise + rdm_frame(f"{number:010X}") for noise, number in parts)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    driver = Rdm6300()
    read = [one.uid for start, end in pairwise(edges) for one in driver.feed(stream[start:end], 0)]
    assert read == [number for before, number in pairwise(["", *numbers]) if number != before]
