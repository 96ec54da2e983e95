"""Lanes under a chart: when which pump ran. Pure: spans in, SVG text out; colours come from the style sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape

from gateway.contract.times import from_ms

_LEFT, _RIGHT, _LANE, _GAP = 56, 16, 16, 6
"""Margins as those of the chart above, so that moments stand under each other."""


@dataclass(frozen=True, slots=True)
class Span:
    """One run; `end_ms` None: it still runs."""

    start_ms: int
    end_ms: int | None
    css: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One pump."""

    name: str
    spans: Sequence[Span]


def draw(lanes: Sequence[Lane], start_ms: int, end_ms: int, zone: tzinfo, width: int, running: str) -> str:
    """The lanes as one SVG element; `running` is the word for a run that has not ended."""
    height = len(lanes) * (_LANE + _GAP) + _GAP
    parts = [f'<svg class="lanes" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(_summary(lanes))}">']
    for index, lane in enumerate(lanes):
        y = _GAP + index * (_LANE + _GAP)
        room = width - _LEFT - _RIGHT
        parts.append(f'<rect class="lane" x="{_LEFT}" y="{y}" width="{room}" height="{_LANE}" rx="3"/>')
        for span in lane.spans:
            parts += _span(span, start_ms, end_ms, zone, y, room, running)
        parts.append(f'<text class="lane-name" x="{_LEFT + 6}" y="{y + 12}">{escape(lane.name)}</text>')
    parts.append("</svg>")
    return "".join(parts)


def _span(span: Span, start_ms: int, end_ms: int, zone: tzinfo, y: int, room: int, running: str) -> list[str]:
    until = end_ms if span.end_ms is None else span.end_ms
    if until < start_ms or span.start_ms > end_ms:
        return []
    scale = room / max(end_ms - start_ms, 1)
    left = _LEFT + (max(span.start_ms, start_ms) - start_ms) * scale
    right = _LEFT + (min(until, end_ms) - start_ms) * scale
    ended = running if span.end_ms is None else _clock(span.end_ms, zone)
    css = f"lane-run {span.css}".strip()
    return [
        f'<rect class="{css}" x="{left:.1f}" y="{y}" width="{max(right - left, 1.5):.1f}" height="{_LANE}">'
        f"<title>{_clock(span.start_ms, zone)}–{ended}</title></rect>"
    ]


def _clock(at_ms: int, zone: tzinfo) -> str:
    return from_ms(at_ms).astimezone(zone).strftime("%m-%d %H:%M:%S")


def _summary(lanes: Sequence[Lane]) -> str:
    return "; ".join(f"{lane.name}: {len(lane.spans)}" for lane in lanes)
