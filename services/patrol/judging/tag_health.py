"""Whether a checkpoint's tag still reads well."""

from collections.abc import Sequence

ATTEMPTS = 15
FAILURES = 3
"""Three of fifteen: a tag failing three times in ten shows it within 20 attempts (95 %); one failing three times in a
hundred does so in one of a hundred windows."""
PER_READ = 2
"""A guard who fumbles once is not a bad tag."""
BY_HAND = 3


def tag_health(recent: Sequence[int], by_hand: int) -> str | None:
    """What is wrong with a tag: `retries`, `by_hand`, or None.

    `recent`: failed attempts before each of the latest good reads, oldest first; `by_hand`: fallbacks in a row since.
    """
    if by_hand >= BY_HAND:
        return "by_hand"
    attempts = [failed for fails in recent for failed in [True] * min(fails, PER_READ) + [False]]
    return "retries" if sum(attempts[-ATTEMPTS:]) >= FAILURES else None
