"""A guard who walks alone: asked in time when he lies on the floor, left alone while he walks."""

import random
from typing import Any

from services.patrol.judging.lone import check_in_due
from services.patrol.suspicion.walking import p95_s

GRACE_MS = 600_000


def walk_s(chance: random.Random) -> float:
    """A leg of about two minutes, one in ten with a talk or a look around on the way."""
    return 120 * chance.lognormvariate(0, 0.2) + (chance.expovariate(1 / 90) if chance.random() < 0.1 else 0)


def test_a_collapse_is_noticed_and_a_walk_is_not() -> None:
    chance = random.Random(11)
    samples: list[list[Any]] = [["2026-10-01", "g", walk_s(chance)] for _ in range(100)]
    usual = p95_s(samples)
    assert usual is not None
    asked = 0
    for _ in range(500):
        at = 0.0
        for _ in range(60):
            took = walk_s(chance) * 1000
            asked += at + took > check_in_due(round(at), usual, GRACE_MS, 1800)
            at += took
        # Here he collapses: nothing comes any more.
        assert check_in_due(round(at), usual, GRACE_MS, 1800) - at <= usual * 1000 + GRACE_MS + 1
    assert asked < 5


def test_an_unknown_leg_waits_for_the_default() -> None:
    assert check_in_due(1_000, None, 60_000, 900) == 961_000
    assert check_in_due(1_000, 30.5, 60_000, 900) == 91_500
