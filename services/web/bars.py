"""A row of small bars, e.g. starts in each hour. Pure: numbers in, SVG text out."""

from collections.abc import Sequence
from html import escape


def draw(
    values: Sequence[tuple[str, int]], limit: float | None, limit_word: str, width: int = 640, height: int = 112
) -> str:
    """(label, count) as bars with a dashed line at the limit; the first, middle and last labels are written."""
    top = max([*(count for _, count in values), limit or 0, 1])
    base, room = height - 18, height - 34
    step = width / max(len(values), 1)
    parts = [f'<svg class="bars" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(_told(values))}">']
    for index, (label, count) in enumerate(values):
        tall = room * count / top
        css = "bar is-over" if limit is not None and count > limit else "bar"
        parts.append(
            f'<rect class="{css}" x="{index * step + 1:.1f}" y="{base - tall:.1f}" width="{max(step - 2, 1):.1f}" '
            f'height="{max(tall, 1):.1f}"><title>{escape(label)}  {count}</title></rect>'
        )
        if index % max(len(values) // 4, 1) == 0:
            x = max(index * step + step / 2, 18.0)
            parts.append(
                f'<text class="chart-tick" x="{x:.1f}" y="{height - 3}" text-anchor="middle">{escape(label)}</text>'
            )
    if limit is not None:
        y = base - room * limit / top
        parts.append(f'<line class="chart-limit" x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="chart-limit-text" x="{width - 2}" y="{y - 4:.1f}" text-anchor="end">'
            f"{escape(limit_word)} {limit:g}</text>"
        )
    parts.append("</svg>")
    return "".join(parts)


def _told(values: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{label} {count}" for label, count in values)
