"""What a mark on a board says, and how long its telling waits after a failure: pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from html import escape
from typing import NamedTuple

TAG = "gengfu"
PUSHED = "pushed"
"""Boards that show pushed marks look for this tag: their constant `marks`."""
BACK_OFF = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)
LOOK_BACK = timedelta(days=7)
"""What began earlier gets no mark any more, e.g. when Grafana is connected for the first time."""


class Mark(NamedTuple):
    """One mark as Grafana should have it; times in epoch milliseconds."""

    key: str
    """`alert:{id}` or `excursion:{id}`; also one of the tags."""
    told: str
    """Changes whenever the rest may have."""
    start_ms: int
    end_ms: int
    """Equal to the start while it goes on: Grafana draws a line, and a bar later."""
    tags: tuple[str, ...]
    text: str


def tags_of(key: str, words: Iterable[str]) -> tuple[str, ...]:
    """Every tag of a mark: ours, its key, and what boards choose by; no empty one, none twice."""
    return tuple(dict.fromkeys(word for word in (TAG, PUSHED, key, *words) if word))


def text_of(lines: Iterable[str], url: str, link: str) -> str:
    """Grafana shows HTML that it has cleaned; what comes from people is escaped here all the same."""
    shown = [escape(line) for line in lines if line]
    if url:
        shown.append(f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(link)}</a>')
    return "<br>".join(shown)


def wait_after(attempts: int) -> timedelta:
    """How long a mark, or Grafana as a whole, is left alone after so many failures in a row."""
    return BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]


def horizon(now: datetime) -> datetime:
    """What began before it gets no mark."""
    return now - LOOK_BACK
