"""Which slave of a bus is asked next. Pure: told the time in milliseconds of a steady clock.

Due times lie on a grid of each slave's interval, so that nothing drifts; the grids are spread over the interval. The
earliest due goes first, so that a bus that cannot keep up stretches all intervals evenly. A slave that does not answer
is asked ever more rarely, and when there is time: waiting for the dead must not make the living late.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

DEAD_AFTER: Final = 2
"""One answer lost on the line is no death."""
BACKOFF_MAX_MS: Final = 60_000
_FIRST_WITHIN_MS: Final = 1_000
"""Whoever watches the first minute of a line wants to see everybody soon, not after an interval."""
_SMOOTHING: Final = 0.2
_REST: Final = 3
"""After a probe that made the living late, so many times its length belong to them."""
_PATIENCE: Final = 0.25
"""A probe of a dead slave waits for a gap in the work at most for this part of its wait."""


class Turn(NamedTuple, Generic[Key]):
    """Ask this slave at this time."""

    key: Key
    at_ms: int


@dataclass(slots=True)
class _Slot:
    interval_ms: int
    origin_ms: int
    due_ms: int
    failures: int = 0
    wait_ms: int = 0
    took_ms: float | None = None

    @property
    def is_dead(self) -> bool:
        return self.failures >= DEAD_AFTER

    @property
    def is_living(self) -> bool:
        """Whether it is asked when it is due: one answer lost is made up for, if it ever gave one."""
        return self.failures == 0 or (not self.is_dead and self.took_ms is not None)


class Schedule(Generic[Key]):
    """The turns on one bus."""

    def __init__(self, intervals_ms: Mapping[Key, int], timeout_ms: int, now_ms: int) -> None:
        """`timeout_ms`: how long asking a dead slave takes."""
        self._timeout_ms = timeout_ms
        self._failed_ms = now_ms - _REST * timeout_ms
        count = max(1, len(intervals_ms))
        self._slots = {
            key: _Slot(
                interval,
                now_ms + interval * index // count,
                now_ms + min(interval, _FIRST_WITHIN_MS) * index // count,
            )
            for index, (key, interval) in enumerate(intervals_ms.items())
        }

    @property
    def load(self) -> float:
        """The share of the time that asking the living takes; over 1 no interval can be kept. 0 until all are known."""
        living = [slot for slot in self._slots.values() if not slot.is_dead]
        took = [slot.took_ms / slot.interval_ms for slot in living if slot.took_ms is not None]
        return sum(took) if len(took) == len(living) else 0.0

    def is_dead(self, key: Key) -> bool:
        """Whether it has not answered more than once in a row."""
        return self._slots[key].is_dead

    @property
    def is_all_dead(self) -> bool:
        """Nobody answers: it may be the line."""
        return all(slot.is_dead for slot in self._slots.values())

    def next(self, now_ms: int) -> Turn[Key]:
        """Who is asked next, and when: now, or later when nobody is due. Raises ValueError on a bus without slaves."""
        living = [(slot.due_ms, key) for key, slot in self._slots.items() if slot.is_living]
        others = [(slot.due_ms, key) for key, slot in self._slots.items() if not slot.is_living]
        first = min(living, key=_due, default=None)
        probe = min(others, key=_due, default=None)
        if first is None and probe is None:
            raise ValueError("A bus without slaves has no turns")
        if probe is None:
            assert first is not None
            return Turn(first[1], max(first[0], now_ms))
        if first is None:
            return Turn(probe[1], max(probe[0], now_ms))
        at_ms = max(probe[0], now_ms)
        if at_ms + self._timeout_ms <= first[0] or self._is_overdue(probe[1], now_ms):
            return Turn(probe[1], at_ms)
        return Turn(first[1], max(first[0], now_ms))

    def answered(self, key: Key, asked_ms: int, now_ms: int) -> None:
        """It answered, if only with an exception; `asked_ms`: when its turn began."""
        slot = self._slots[key]
        took_ms = float(now_ms - asked_ms)
        slot.took_ms = took_ms if slot.took_ms is None else slot.took_ms + _SMOOTHING * (took_ms - slot.took_ms)
        slot.failures = slot.wait_ms = 0
        slot.due_ms = _after(slot, max(asked_ms, slot.due_ms), now_ms)

    def failed(self, key: Key, now_ms: int) -> None:
        """It did not answer, or with garbage."""
        slot = self._slots[key]
        slot.failures += 1
        self._failed_ms = now_ms
        if not slot.is_dead:
            # Once more soon, but a late answer must have come and gone before the same slave is asked again.
            slot.due_ms = now_ms + self._timeout_ms
            return
        slot.wait_ms = min(2 * max(slot.wait_ms, slot.interval_ms), max(BACKOFF_MAX_MS, slot.interval_ms))
        slot.due_ms = now_ms + max(slot.wait_ms, self._timeout_ms)

    def restart(self, now_ms: int) -> None:
        """The line was gone and is back: everybody is asked again, in order of the grid."""
        for slot in self._slots.values():
            slot.failures = slot.wait_ms = 0
            slot.due_ms = _after(slot, now_ms, now_ms)

    def _is_overdue(self, key: Key, now_ms: int) -> bool:
        if now_ms - self._failed_ms < _REST * self._timeout_ms:
            return False
        slot = self._slots[key]
        return now_ms - slot.due_ms > _PATIENCE * max(slot.wait_ms, self._timeout_ms)


def _due(item: "tuple[int, object]") -> int:
    return item[0]


def _after(slot: _Slot, since_ms: int, now_ms: int) -> int:
    """The first time on its grid after `since_ms`, and not gone by: what was missed is not made up for."""
    behind = max(since_ms, now_ms) - slot.origin_ms
    return slot.origin_ms + (behind // slot.interval_ms + 1) * slot.interval_ms
