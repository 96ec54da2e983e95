"""Shares as a ring with its legend, and heat maps of points by day."""

import math

from services.report.charts import scale
from services.report.charts.canvas import Canvas, coordinate
from services.report.charts.frame import Frame, Key, below, legend
from services.report.charts.theme import Theme
from services.report.model import Chart
from services.report.wording import number, percent_decimals, plain

_MOST_SLICES = 7


def share(canvas: Canvas, chart: Chart) -> None:
    """A ring and, beside it, every slice with its number and percent; the smallest become one."""
    theme, size = canvas.theme, canvas.theme.text
    slices = _slices(chart)
    total = sum(value for _, value in slices)
    radius = min(canvas.height / 2 - 4, canvas.width * 0.22)
    middle_x, middle_y = radius + 0.08 * canvas.width, canvas.height / 2
    paints = theme.paints(tuple(name for name, _ in slices))
    angle = 0.0
    for index, (_, value) in enumerate(slices):
        paint = paints[index]
        sweep = value / total * math.tau
        # An arc that ends where it begins is none: a large slice is drawn in two.
        for start, part in ((angle, sweep / 2), (angle + sweep / 2, sweep / 2)) if sweep > 6 else ((angle, sweep),):
            edge = theme.paper if sweep < math.tau else "none"
            canvas.shape(_ring(middle_x, middle_y, radius, radius * 0.58, start, part), paint, edge)
        angle += sweep
    canvas.text(middle_x, middle_y + 0.55 * size, plain(total), anchor="middle", fill=theme.ink, size=1.6 * size)
    left = middle_x + radius + 2.5 * size
    step = min(1.9 * size, (canvas.height - 4) / max(1, len(slices)))
    y = middle_y - step * len(slices) / 2 + size
    room = canvas.width - left - 1.8 * size - 8 * size
    for index, (name, value) in enumerate(slices):
        percent = value / total * 100
        canvas.box(left, y - 0.75 * size, 0.85 * size, 0.85 * size, paints[index])
        canvas.text(left + 1.5 * size, y, scale.shorten(name, room, size), fill=theme.ink)
        canvas.text(canvas.width - 5.6 * size, y, plain(value), anchor="end", fill=theme.ink)
        canvas.text(canvas.width - 4, y, f"{number(percent, percent_decimals(percent))}%", anchor="end")
        y += step


def heatmap(canvas: Canvas, chart: Chart, language: str) -> None:
    """A row per series, a field per label: all done is pale green, missed is red and, for greyscale, marked."""
    theme, size = canvas.theme, canvas.theme.text
    words = ("done", "partly", "missed", "not due") if language == "en" else ("完成", "部分", "漏检", "不应检")
    paints = (theme.band, theme.series[1], theme.bad, theme.paper)
    top = legend(canvas, [Key(word, paint) for word, paint in zip(words[:3], paints, strict=False)], size, 2.0) + 2
    widest = max(scale.text_width(one.name, size) for one in chart.series)
    left = min(widest, canvas.width * 0.28) + 0.8 * size
    count = len(chart.labels)
    box = Frame(
        left=left, right=canvas.width - 2, top=top, bottom=canvas.height - 2.0 * size, low=0.0, high=1.0, count=count
    )
    high = (box.bottom - box.top) / max(1, len(chart.series))
    letters = min(size, high * 0.95)
    for row, series in enumerate(chart.series):
        y = box.top + row * high
        name = scale.shorten(series.name, left - 0.8 * size, letters)
        canvas.text(left - 0.5 * size, y + high / 2 + 0.36 * letters, name, anchor="end", size=letters)
        for at in range(count):
            _field(canvas, box.left + at * box.slot, y, box.slot, high, series.values[at])
    below(canvas, box, chart.labels)


def _field(canvas: Canvas, x: float, y: float, width: float, height: float, value: float | None) -> None:
    theme: Theme = canvas.theme
    gap = min(0.8, width * 0.08, height * 0.08)
    if value is None:
        canvas.line(x + width * 0.35, y + height / 2, x + width * 0.65, y + height / 2, theme.grid)
        return
    paint = theme.band if value >= 1 else theme.bad if value <= 0 else theme.series[1]
    canvas.box(x + gap, y + gap, width - 2 * gap, height - 2 * gap, paint)
    if value <= 0:
        arm = min(width, height) * 0.22
        middle_x, middle_y = x + width / 2, y + height / 2
        canvas.line(middle_x - arm, middle_y - arm, middle_x + arm, middle_y + arm, theme.paper, 0.9)
        canvas.line(middle_x - arm, middle_y + arm, middle_x + arm, middle_y - arm, theme.paper, 0.9)


def _slices(chart: Chart) -> list[tuple[str, float]]:
    values = chart.series[0].values
    pairs = [(name, value) for name, value in zip(chart.labels, values, strict=True) if value is not None and value > 0]
    pairs.sort(key=lambda pair: -pair[1])
    if len(pairs) <= _MOST_SLICES:
        return pairs
    rest = pairs[_MOST_SLICES - 1 :]
    return [*pairs[: _MOST_SLICES - 1], (f"… ({len(rest)})", sum(value for _, value in rest))]


def _ring(x: float, y: float, outer: float, inner: float, start: float, sweep: float) -> str:
    end, large = start + sweep, 1 if sweep > math.pi else 0

    def at(radius: float, angle: float) -> str:
        return f"{coordinate(x + radius * math.sin(angle))} {coordinate(y - radius * math.cos(angle))}"

    outer_arc = f"A{coordinate(outer)} {coordinate(outer)} 0 {large} 1 {at(outer, end)}"
    inner_arc = f"A{coordinate(inner)} {coordinate(inner)} 0 {large} 0 {at(inner, start)}"
    return f"M{at(outer, start)}{outer_arc}L{at(inner, end)}{inner_arc}Z"
