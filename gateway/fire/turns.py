"""Who is next: each speaker in turn, declared sources first, and always somebody of the rest."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """What waits, in the order each speaker brought it. One thread only."""

    def __init__(self) -> None:
        self._declared: OrderedDict[Hashable, deque[T]] = OrderedDict()
        self._strange: OrderedDict[Hashable, deque[T]] = OrderedDict()
        self.strange = 0
        """How many of strangers wait."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, speaker: Hashable, one: T, *, is_declared: bool) -> None:
        """Let it wait behind what its speaker brought before."""
        lane = self._declared if is_declared else self._strange
        lane.setdefault(speaker, deque()).append(one)
        self._count += 1
        self.strange += not is_declared

    def gather(self, most: int, weight: Callable[[T], int]) -> list[T]:
        """What is next: at most so many, until they weigh so much; one of the strangers' in any case."""
        taken: list[T] = []
        total = 0
        while self._declared and max(total, len(taken)) < most:
            taken.append(_next(self._declared))
            total += weight(taken[-1])
        is_first = True
        while self._strange and (is_first or max(total, len(taken)) < most):
            is_first = False
            taken.append(_next(self._strange))
            total += weight(taken[-1])
            self.strange -= 1
        self._count -= len(taken)
        return taken

    def clear(self) -> None:
        """Nothing waits any more."""
        self._declared.clear()
        self._strange.clear()
        self._count = self.strange = 0


def _next(lane: OrderedDict[Hashable, deque[T]]) -> T:
    speaker, waiting = next(iter(lane.items()))
    one = waiting.popleft()
    if waiting:
        lane.move_to_end(speaker)
    else:
        del lane[speaker]
    return one
