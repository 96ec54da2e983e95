import statistics

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.noise import bell, bits, key_of, uniform, wander

KEYS = st.integers(0, 2**64 - 1)


@given(KEYS, st.integers(-(2**50), 2**50))
def test_noise_is_bounded_and_repeatable(key: int, position: int) -> None:
    assert 0 <= bits(key, position) < 2**64
    assert 0 <= uniform(key, position) < 1
    assert -1 <= bell(key, position) <= 1
    assert -1 <= wander(key, position, 60_000) <= 1
    assert bell(key, position) == bell(key, position)


def test_noise_is_centred_and_has_the_stated_spread() -> None:
    values = [bell(7, position) for position in range(20_000)]
    assert abs(statistics.fmean(values)) < 0.01
    assert 0.27 < statistics.stdev(values) < 0.31


def test_keys_do_not_run_together() -> None:
    assert key_of("a", "bc") != key_of("ab", "c")
    assert key_of(1, "x") != key_of(2, "x")


def test_wander_is_smooth() -> None:
    steps = [abs(wander(3, at, 60_000) - wander(3, at + 100, 60_000)) for at in range(0, 600_000, 100)]
    assert max(steps) < 0.01
