"""Time and randomness as things that are handed in."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """This moment."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


class FakeClock:
    """A clock that only moves when told to: for tests and replays."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The moment the clock was last set to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move on and return the new moment."""
        self._now += by
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to a moment."""
        self._now = moment.astimezone(UTC)
