"""When a tag is reported."""

import random

import pytest

from services.patrol.judging.tag_health import tag_health


def reported_after(rate: float, attempts: int, chance: random.Random) -> int | None:
    """After how many attempts a tag that fails so often is reported, if within `attempts`."""
    recent: list[int] = []
    fails = 0
    for attempt in range(1, attempts + 1):
        if chance.random() < rate:
            fails += 1
            continue
        recent, fails = [*recent, fails][-20:], 0
        if tag_health(recent, 0) == "retries":
            return attempt
    return None


def test_a_tag_that_fails_three_times_in_ten_is_reported_within_twenty_attempts() -> None:
    chance = random.Random(5)
    found = sum(reported_after(0.3, 20, chance) is not None for _ in range(1000))
    assert found >= 900


def test_a_good_tag_is_left_alone() -> None:
    chance = random.Random(6)
    assert sum(reported_after(0.03, 15, chance) is not None for _ in range(1000)) <= 15
    assert sum(reported_after(0.003, 300, chance) is not None for _ in range(100)) <= 1


@pytest.mark.parametrize(
    ("recent", "by_hand", "reason"),
    [
        ([], 0, None),
        ([9], 0, None),
        ([0, 2, 0, 0, 1, 0], 0, "retries"),
        ([2, 1] + [0] * 20, 0, None),
        ([0] * 5, 2, None),
        ([0] * 5, 3, "by_hand"),
    ],
)
def test_reasons(recent: list[int], by_hand: int, reason: str | None) -> None:
    assert tag_health(recent, by_hand) == reason
