"""What is learned of a leg, and that nobody teaches it wrongly."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.patrol.suspicion.walking import (
    ENOUGH,
    SAMPLES,
    Legs,
    Place,
    Walk,
    add,
    distance_floor,
    floor_s,
    known,
    p95_s,
)

FIRST = date(2026, 9, 1)


def history(count: int, seed: int, usual_s: float = 90, spread: float = 0.15) -> list[list[Any]]:
    chance = random.Random(seed)
    return [
        [str(FIRST + timedelta(days=index // 6)), f"g{index % 3}", usual_s * chance.lognormvariate(0, spread)]
        for index in range(count)
    ]


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.lists(st.one_of(st.floats(0.1, 5), st.floats(5, 3600), st.just(46.0), st.just(80.0)), min_size=40, max_size=40),
    st.booleans(),
)
def test_a_poisoned_fifth_moves_no_floor_by_a_tenth(seed: int, poison: list[float], alone: bool) -> None:
    honest = history(160, seed)
    poisoned = honest + [["2026-10-01", "g9" if alone else f"x{index}", one] for index, one in enumerate(poison)]
    before, after = floor_s(honest), floor_s(poisoned)
    assert before is not None
    assert after is not None
    assert abs(after / before - 1) <= 0.1


@pytest.mark.parametrize("lie", [0.5, 45.0, 70.0, 150.0, 3000.0])
def test_one_liar_among_four_guards_moves_no_floor_by_a_tenth(lie: float) -> None:
    samples: list[list[Any]] = []
    honest: list[list[Any]] = []
    chance = random.Random(7)
    for day in range(60):
        for guard in range(5):
            for _ in range(40 if guard == 4 else 3):
                seconds = lie if guard == 4 else 90 * chance.lognormvariate(0, 0.15)
                when = str(FIRST + timedelta(days=day))
                samples = add(samples, when, f"g{guard}", seconds)
                honest = honest if guard == 4 else add(honest, when, f"g{guard}", seconds)
    assert len(samples) == SAMPLES
    assert sum(1 for sample in samples if sample[1] == "g4") <= SAMPLES / 5
    assert floor_s(samples) == pytest.approx(floor_s(honest), rel=0.1)


def test_a_cold_leg_is_judged_by_the_map_and_a_learned_one_never_below_it() -> None:
    few = history(ENOUGH - 1, 1)
    assert floor_s(few, 12.0) == 12.0
    assert floor_s(few) is None
    assert p95_s(few) is None
    learned = floor_s(history(100, 1), 12.0)
    assert learned == pytest.approx(45, rel=0.05)
    assert floor_s(history(100, 1), 60.0) == 60.0
    assert known(few, None, 12.0) == Walk(12.0, None, "distance")
    assert known(history(100, 1), None, 12.0).rule == "learned"
    assert known(history(100, 1), 20.0, 12.0).floor_s == 20.0


def test_what_is_usual_cannot_be_stretched() -> None:
    honest = p95_s(history(160, 3))
    assert honest == pytest.approx(90 * 1.28, rel=0.06)
    stretched = p95_s(history(160, 3) + [["2026-10-01", "g1", 3600.0]] * 40)
    assert stretched is not None
    assert stretched < 300


def test_breaks_and_old_walks_are_not_remembered() -> None:
    samples = add([], "2026-01-01", "g1", 60)
    assert add(samples, "2026-01-02", "g1", 4000) == samples
    assert add(samples, "2026-01-02", "g1", 0) == samples
    assert add(samples, "2026-09-01", "g1", 50) == [["2026-09-01", "g1", 50.0]]


def test_a_lift_is_no_impossible_climb() -> None:
    ground, roof = Place(0, 0, 0), Place(5, 0, 30)
    assert distance_floor(ground, Place(90, 0), 3.0, 8.0) == 30
    assert distance_floor(ground, Place(0, 0, 1), 3.0, 8.0) == pytest.approx(7.2)
    assert distance_floor(ground, roof, 3.0, 8.0) < 45


def test_a_leg_nobody_walked_falls_back_to_the_map() -> None:
    legs = Legs({("a", "b"): Walk(20.0, 60.0, "learned")}, {"a": Place(0, 0), "b": Place(30, 0)})
    assert legs.walk("a", "b").floor_s == 20
    assert legs.walk("b", "a") == Walk(10.0, None, "distance")
    assert legs.walk("a", "elsewhere").floor_s is None
