"""Stretches of time, and what is left of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


class Span(NamedTuple):
    """[start, end)."""

    start: datetime
    end: datetime

    @property
    def lasted(self) -> timedelta:
        """How long it is; never negative."""
        return max(self.end - self.start, timedelta())

    def within(self, other: "Span") -> "Span":
        """The part inside another one; empty, perhaps, at its edge."""
        start = min(max(self.start, other.start), other.end)
        return Span(start, max(start, min(self.end, other.end)))

    def meets(self, start: datetime, end: datetime) -> bool:
        """Whether it overlaps [start, end)."""
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class Window:
    """A person's statement that something was being worked on."""

    id: str
    target: str
    name: str
    reason: str
    by: str
    span: Span
    """Its end is not later than the end of what is counted."""
    ended_by: str = ""


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order."""
    found: list[Span] = []
    for one in sorted(spans):
        if one.end <= one.start:
            continue
        if found and one.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def covered(spans: Iterable[Span], whole: Span) -> timedelta:
    """How much of a stretch some spans cover together."""
    return sum((one.lasted for one in joined(each.within(whole) for each in spans)), timedelta())
