"""How many taps the door takes: an honest night is far below, and a flood must not cost anybody else his verdicts."""

from collections import Counter
from collections.abc import Iterable
from threading import Lock

HOUR_MS = 3_600_000
PER_HOUR = 600
"""Taps of one phone, and of one account, that happened within one hour."""
PER_HOUR_DELIVERED = 2_000
"""Taps of one phone, and of one account, taken within one hour, whenever they happened."""


class Allowance:
    """Counts what was taken in the current hour; what is over waits for the next."""

    def __init__(self, per_hour: int = PER_HOUR, per_hour_delivered: int = PER_HOUR_DELIVERED) -> None:
        self._per_hour, self._per_hour_delivered = per_hour, per_hour_delivered
        self._hour = 0
        self._taken: Counter[tuple[str, int | None]] = Counter()
        self._lock = Lock()

    def take(self, whose: Iterable[str], at_ms: int, now_ms: int) -> bool:
        """Count a tap on all of these accounts and phones; False, and not counted, when one of them has had enough."""
        names = set(whose)
        limits = {(name, at_ms // HOUR_MS): self._per_hour for name in names}
        every = {(name, None): self._per_hour_delivered for name in names}
        with self._lock:
            if now_ms // HOUR_MS != self._hour:
                self._hour = now_ms // HOUR_MS
                self._taken.clear()
            if any(self._taken[key] >= limit for key, limit in (limits | every).items()):
                return False
            self._taken.update([*limits, *every])
            return True
