"""Which slave is asked next, in a time that is played."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.modbus.schedule import BACKOFF_MAX_MS, Schedule

TIMEOUT_MS = 500
ANSWER_MS = 12


def play(
    intervals: Mapping[int, int],
    is_dead: Callable[[int, int], bool],
    end_ms: int,
    *,
    answer_ms: int = ANSWER_MS,
    timeout_ms: int = TIMEOUT_MS,
) -> tuple[dict[int, list[int]], Schedule[int]]:
    """When each slave was asked; `is_dead(slave, now_ms)`."""
    now_ms = 0
    schedule = Schedule(intervals, timeout_ms, now_ms)
    asked: dict[int, list[int]] = defaultdict(list)
    while now_ms < end_ms:
        turn = schedule.next(now_ms)
        now_ms = max(now_ms, turn.at_ms)
        asked[turn.key].append(now_ms)
        if is_dead(turn.key, now_ms):
            now_ms += timeout_ms
            schedule.failed(turn.key, now_ms)
        else:
            began_ms, now_ms = now_ms, now_ms + answer_ms
            schedule.answered(turn.key, began_ms, now_ms)
    return asked, schedule


def gaps(times: list[int]) -> list[int]:
    return [later - one for one, later in pairwise(times)]


def test_nothing_drifts() -> None:
    asked, _ = play({1: 1000, 2: 2500, 3: 60_000}, lambda *_: False, 600_000)
    for slave, interval in {1: 1000, 2: 2500, 3: 60_000}.items():
        first = asked[slave][1]
        assert len(asked[slave]) == pytest.approx(600_000 / interval, abs=1)
        assert all(abs((at - first) % interval) <= 2 * ANSWER_MS for at in asked[slave][1:])


def test_turns_are_spread_over_the_interval() -> None:
    asked, _ = play(dict.fromkeys(range(10), 1000), lambda *_: False, 900)
    assert sorted(times[0] for times in asked.values()) == list(range(0, 1000, 100))


def test_everybody_is_asked_soon_and_then_in_turn() -> None:
    asked, _ = play(dict.fromkeys(range(10), 60_000), lambda *_: False, 600_000)
    assert all(times[0] <= 1000 for times in asked.values())
    assert all(gap == 60_000 for times in asked.values() for gap in gaps(times[1:]))


@pytest.mark.parametrize("timeout_ms", [60, 200, 500])
def test_three_dead_of_32_do_not_make_the_living_late(timeout_ms: int) -> None:
    dead = {7, 13, 20}
    intervals = dict.fromkeys(range(32), 1000)
    asked, _ = play(intervals, lambda slave, _: slave in dead, 300_000, timeout_ms=timeout_ms)
    for slave in intervals.keys() - dead:
        assert mean(gaps(asked[slave])) == pytest.approx(1000, rel=0.02)
    late = sorted(abs(gap - 1000) for slave in intervals.keys() - dead for gap in gaps(asked[slave]))
    assert late[len(late) * 9 // 10] <= max(100, 0.3 * timeout_ms), "nine of ten single intervals are about right too"


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([1000, 2000, 5000, 7300, 10_000, 60_000]), min_size=2, max_size=32),
    st.sets(st.integers(0, 31), max_size=3),
)
def test_any_bus_with_time_to_spare_keeps_every_interval(intervals: list[int], dead: set[int]) -> None:
    by_slave = dict(enumerate(intervals))
    asked, schedule = play(by_slave, lambda slave, _: slave in dead, 600_000)
    assert schedule.load < 0.8
    for slave in by_slave.keys() - dead:
        assert mean(gaps(asked[slave][1:])) == pytest.approx(by_slave[slave], rel=0.1)


def test_a_dead_slave_is_asked_ever_more_rarely() -> None:
    asked, _ = play({1: 1000, 2: 1000}, lambda slave, _: slave == 2, 600_000)
    waits = gaps(asked[2])
    assert waits[0] <= 2000, "one answer lost is no death"
    assert all(later >= one for one, later in pairwise(waits[1:7]))
    assert max(waits) <= 1.25 * BACKOFF_MAX_MS + 2 * TIMEOUT_MS
    assert waits[-1] >= BACKOFF_MAX_MS


def test_the_dead_wait_for_a_gap_in_the_work() -> None:
    asked, _ = play({1: 2000, 2: 2000}, lambda slave, _: slave == 2, 600_000)
    probes = asked[2][3:]
    assert all(min(at - one for one in asked[1] if one <= at) <= 2000 - TIMEOUT_MS for at in probes)
    assert all(gap == 2000 for gap in gaps(asked[1])[5:]), "no probe made it late"


def test_who_answers_again_is_back_at_once() -> None:
    asked, schedule = play({1: 1000, 2: 1000}, lambda slave, now_ms: slave == 2 and now_ms < 100_000, 300_000)
    after = [at for at in asked[2] if at > 100_000]
    assert after[0] <= 100_000 + 1.25 * BACKOFF_MAX_MS + TIMEOUT_MS
    assert all(gap <= 1000 + ANSWER_MS for gap in gaps(after))
    assert not schedule.is_dead(2)


def test_a_bus_of_dead_slaves_goes_on_probing() -> None:
    asked, _ = play({1: 1000, 2: 1000}, lambda *_: True, 600_000)
    assert all(8 <= len(asked[slave]) <= 25 for slave in (1, 2))


def test_a_slave_that_failed_once_is_not_asked_while_its_answer_may_come() -> None:
    schedule = Schedule({1: 100}, TIMEOUT_MS, 0)
    schedule.failed(1, 500)
    assert schedule.next(500).at_ms == 500 + TIMEOUT_MS


def test_one_lost_answer_is_made_up_for_and_moves_nothing() -> None:
    asked, _ = play({1: 10_000}, lambda _, now_ms: now_ms == 20_000, 50_001)
    assert asked[1] == [0, 10_000, 20_000, 20_000 + 2 * TIMEOUT_MS, 30_000, 40_000, 50_000]


def test_one_lost_answer_is_made_up_for_soon_on_a_busy_line_with_dead_slaves() -> None:
    lost: set[int] = set()

    def is_dead(slave: int, now_ms: int) -> bool:
        # Every living slave loses one answer, one after the other.
        if slave in (7, 13, 20):
            return True
        if now_ms < 10_000 + 3_000 * slave or slave in lost:
            return False
        lost.add(slave)
        return True

    asked, _ = play(dict.fromkeys(range(32), 1000), is_dead, 130_000, answer_ms=24, timeout_ms=200)
    assert len(lost) == 29
    assert max(max(gaps(asked[slave])) for slave in lost) < 2_000


def test_a_bus_that_cannot_keep_up_is_stretched_evenly() -> None:
    intervals = dict.fromkeys(range(20), 1000)
    asked, schedule = play(intervals, lambda *_: False, 300_000, answer_ms=100)
    assert schedule.load == pytest.approx(2.0, rel=0.05)
    counts = [len(times) for times in asked.values()]
    assert max(counts) - min(counts) <= 1
    assert min(counts) == pytest.approx(150, abs=3)


def test_a_line_that_was_gone_starts_anew() -> None:
    schedule = Schedule({1: 1000, 2: 1000}, TIMEOUT_MS, 0)
    for now_ms in (500, 1500, 4000):
        schedule.failed(1, now_ms)
    assert schedule.is_dead(1)
    schedule.restart(50_000)
    assert not schedule.is_dead(1)
    assert schedule.next(50_000).at_ms <= 51_000


def test_a_bus_needs_slaves() -> None:
    with pytest.raises(ValueError, match="slaves"):
        Schedule[int]({}, 100, 0).next(0)
