"""A route's rounds on a line of time, as SVG text. Pure: moments in, markup out; colours come from the style sheet.

Positions are percentages, so that the picture fills whatever width it is given and its text keeps its size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from itertools import pairwise

from gateway.contract.times import from_ms
from services.web.chart import time_ticks

LANE = 34
"""Height of a line in CSS pixels."""
_BAR_TOP, _BAR = 8, 14
_LEAST = 0.9
"""Percent: a round shorter than this would be invisible."""
_DENSE = 0.7
"""Percent: below this a round shows no stops."""
_WORST_FIRST = ("missed", "unconfirmed", "flagged", "due", "pending", "on_time", "suspended")


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a picture shows, and which moment is now."""

    start_ms: int
    end_ms: int
    now_ms: int
    zone: tzinfo

    def at(self, at_ms: int) -> float:
        """Where a moment lies, in percent of the width."""
        part = (at_ms - self.start_ms) / max(self.end_ms - self.start_ms, 1)
        return 100.0 * min(max(part, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One round: its planned time, and a piece per stop in the colour of its verdict."""

    starts_ms: int
    ends_ms: int
    opens_ms: int
    closes_ms: int
    state: str
    pieces: Sequence[str]
    """A class per stop, e.g. `on_time`, `missed`, `unconfirmed`."""
    title: str
    href: str
    walked_ms: tuple[int, int] | None = None
    """From the first to the last tap."""


def axis(span: Span, wanted: int = 8) -> str:
    """The hours above the lines."""
    parts = ['<svg class="tl-axis" width="100%" height="20" aria-hidden="true">']
    for at_ms, text in time_ticks(span.start_ms, span.end_ms, span.zone, wanted):
        x = span.at(at_ms)
        if 2 < x < 98 and abs(x - span.at(span.now_ms)) > 4:
            parts.append(f'<text class="tl-hour" x="{x:.2f}%" y="13" text-anchor="middle">{escape(text)}</text>')
    now = span.at(span.now_ms)
    parts.append(
        f'<svg x="{now:.2f}%" y="0" overflow="visible">'
        '<rect class="tl-now-tag" x="-20" y="1" width="40" height="17" rx="4"/></svg>'
    )
    clock = _local(span, span.now_ms)
    parts.append(f'<text class="tl-now-text" x="{now:.2f}%" y="13" text-anchor="middle">{clock}</text></svg>')
    return "".join(parts)


def lane(span: Span, bars: Sequence[Bar], label: str, wanted: int = 8) -> str:
    """One route's line."""
    parts = [f'<svg class="tl" width="100%" height="{LANE}" role="group" aria-label="{escape(label)}">']
    for at_ms, _ in time_ticks(span.start_ms, span.end_ms, span.zone, wanted):
        x = span.at(at_ms)
        parts.append(f'<line class="tl-grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{LANE}"/>')
    parts.append(f'<rect class="tl-past" x="0" y="0" width="{span.at(span.now_ms):.2f}%" height="{LANE}"/>')
    least = _least(span, bars)
    for bar in bars:
        parts.extend(_bar(span, bar, least) if least >= _DENSE else _sliver(span, bar, least))
    now = span.at(span.now_ms)
    parts.append(f'<line class="tl-now" x1="{now:.2f}%" x2="{now:.2f}%" y1="0" y2="{LANE}"/></svg>')
    return "".join(parts)


def _least(span: Span, bars: Sequence[Bar]) -> float:
    """How wide the narrowest round may be without covering the next one."""
    lefts = sorted({span.at(bar.starts_ms) for bar in bars})
    apart = min((later - earlier for earlier, later in pairwise(lefts)), default=100.0)
    return min(_LEAST, 0.75 * apart)


def _sliver(span: Span, bar: Bar, least: float) -> Iterator[str]:
    """Rounds so frequent that stops have no room: one piece each, in the colour of the worst stop."""
    worst = next((one for one in _WORST_FIRST if one in bar.pieces), "pending")
    left = span.at(bar.starts_ms)
    yield (
        f'<a href="{escape(bar.href)}" class="tl-round"><title>{escape(bar.title)}</title>'
        f'<rect class="tl-sliver is-{worst}" x="{left:.2f}%" y="{_BAR_TOP}" width="{min(least, 100 - left):.2f}%" '
        f'height="{_BAR}"/></a>'
    )


def _bar(span: Span, bar: Bar, least: float) -> Iterator[str]:
    left, right = span.at(bar.starts_ms), span.at(bar.ends_ms)
    right = max(right, min(left + least, 100.0))
    outer_left, outer_right = span.at(bar.opens_ms), max(span.at(bar.closes_ms), right)
    yield f'<a href="{escape(bar.href)}" class="tl-round is-{escape(bar.state)}"><title>{escape(bar.title)}</title>'
    yield (
        f'<rect class="tl-window" x="{outer_left:.2f}%" y="{_BAR_TOP - 3}" width="{outer_right - outer_left:.2f}%" '
        f'height="{_BAR + 12}" rx="3"/>'
    )
    width = (right - left) / max(len(bar.pieces), 1)
    for index, piece in enumerate(bar.pieces):
        yield (
            f'<rect class="tl-stop is-{escape(piece)}" x="{left + index * width:.2f}%" y="{_BAR_TOP}" '
            f'width="{width:.2f}%" height="{_BAR}"/>'
        )
    yield (
        f'<rect class="tl-frame" x="{left:.2f}%" y="{_BAR_TOP}" width="{right - left:.2f}%" height="{_BAR}" rx="2"/>'
    )
    if bar.walked_ms is not None:
        start, end = span.at(bar.walked_ms[0]), span.at(bar.walked_ms[1])
        yield (
            f'<rect class="tl-walk" x="{start:.2f}%" y="{_BAR_TOP + _BAR + 3}" width="{max(end - start, 0.4):.2f}%" '
            'height="3" rx="1.5"/>'
        )
    yield "</a>"


def _local(span: Span, at_ms: int) -> str:
    return from_ms(at_ms).astimezone(span.zone).strftime("%H:%M")
