"""What a device may cost: the same refusal once a minute, and so many values a second."""

from collections.abc import Sequence
from typing import Final

from gateway.decode.said import Refused, refuse

REFUSED_EVERY_MS: Final = 60_000
"""The same refusal of the same metric goes into quarantine this often, with the count of those between."""
_REMEMBERED: Final = 1000


class Seldom:
    """Lets a refusal through at most once a minute, with the number of the same ones that were held back."""

    def __init__(self, every_ms: int = REFUSED_EVERY_MS) -> None:
        self._every_ms = every_ms
        self._told: dict[tuple[str, str], tuple[int, int]] = {}

    def pass_on(self, refused: Sequence[Refused], mono_ms: int) -> list[Refused]:
        """Those that are to be told now."""
        passing = []
        for one in refused:
            told_ms, held = self._told.pop((one.place, one.code), (None, 0))
            if told_ms is not None and mono_ms - told_ms < self._every_ms:
                self._told[one.place, one.code] = (told_ms, held + 1)
                continue
            self._told[one.place, one.code] = (mono_ms, 0)
            more = f" (and {held} times since the last report)" if held else ""
            passing.append(refuse(one.place, one.code, one.reason[: 500 - len(more)] + more, one.hint))
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        return passing


class Budget:
    """So much at once, and then so much a second."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_ms, self._burst = per_s / 1000, burst
        self._left, self._at_ms = burst, 0

    def take(self, cost: float, mono_ms: int) -> bool:
        """Whether there is still so much; then it is taken."""
        self._left = min(self._burst, self._left + max(0, mono_ms - self._at_ms) * self._per_ms)
        self._at_ms = mono_ms
        if cost > self._left:
            return False
        self._left -= cost
        return True
