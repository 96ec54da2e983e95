"""A deadline that is running, and how pressing it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Due:
    """A moment by which somebody has to have done something, or to be somewhere."""

    started_at: datetime
    due_at: datetime

    def urgency(self, now: datetime) -> Literal["calm", "soon", "overdue"]:
        """How pressing it is: soon in the last quarter."""
        if now >= self.due_at:
            return "overdue"
        return "soon" if (self.due_at - now) * 4 < self.due_at - self.started_at else "calm"
