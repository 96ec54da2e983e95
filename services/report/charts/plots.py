"""Lines, bars, stacks and envelopes inside a frame."""

from services.report.charts import scale
from services.report.charts.canvas import Canvas
from services.report.charts.frame import Frame
from services.report.charts.theme import DASHES
from services.report.model import Chart
from services.report.wording import plain

_FEW = 31
"""Up to so many labels a point is worth a dot, and a bar its number."""


def line(canvas: Canvas, box: Frame, chart: Chart) -> None:
    """One line per series; a gap is a gap."""
    _limits(canvas, box, chart)
    paints = _paints(canvas, chart)
    for index, series in enumerate(chart.series):
        paint = paints[index]
        for run in scale.runs(series.values):
            points = [(box.x(at), box.y(value)) for at, value in run]
            if len(points) > 1:
                canvas.path(points, paint, 1.4, DASHES[index % len(DASHES)])
            if len(points) == 1 or (box.count <= _FEW and index == 0):
                for x, y in points:
                    canvas.dot(x, y, 1.7, paint)


def bars(canvas: Canvas, box: Frame, chart: Chart) -> None:
    """Series beside each other."""
    wide = box.slot * 0.72 / max(1, len(chart.series))
    zero = box.y(0.0)
    paints = _paints(canvas, chart)
    for index, series in enumerate(chart.series):
        paint = paints[index]
        for at, value in enumerate(series.values):
            if value is None:
                continue
            x = box.x(at) - box.slot * 0.36 + wide * index
            canvas.box(x + wide * 0.05, min(zero, box.y(value)), wide * 0.9, abs(box.y(value) - zero), paint)
            words = plain(value, 1)
            if value and scale.text_width(words, canvas.theme.text * 0.85) <= wide * 1.3:
                y = min(zero, box.y(value)) - 2
                canvas.text(x + wide / 2, y, words, anchor="middle", size=canvas.theme.text * 0.85)
    _limits(canvas, box, chart)


def stacked(canvas: Canvas, box: Frame, chart: Chart) -> None:
    """Series on top of each other; below nothing counts."""
    wide, paints = box.slot * 0.7, _paints(canvas, chart)
    for at in range(box.count):
        level = 0.0
        for index, series in enumerate(chart.series):
            value = series.values[at]
            if not value or value < 0:
                continue
            paint = paints[index]
            top = box.y(level + value)
            canvas.box(box.x(at) - wide / 2, top, wide, box.y(level) - top, paint, canvas.theme.paper)
            level += value


def envelope(canvas: Canvas, box: Frame, chart: Chart, language: str) -> None:
    """Least and greatest of each step as a band, inside the limits; what left them is drawn on top in red."""
    theme = canvas.theme
    least, most = _pair(chart)
    allowed = (box.low if chart.low is None else chart.low, box.high if chart.high is None else chart.high)
    if chart.low is not None or chart.high is not None:
        canvas.box(box.left, box.y(allowed[1]), box.right - box.left, box.y(allowed[0]) - box.y(allowed[1]), theme.band)
    whole = [None if low is None or high is None else low for low, high in zip(least, most, strict=True)]
    for run in scale.runs(whole):
        indexes = [at for at, _ in run]
        upper = [(box.x(at), box.y(_value(most[at]))) for at in indexes]
        lower = [(box.x(at), box.y(_value(least[at]))) for at in indexes]
        if len(indexes) == 1:
            (x, y), (_, below) = upper[0], lower[0]
            canvas.line(x, y, x, max(below, y + 1), theme.series[0], 1.2)
            continue
        canvas.area(upper + lower[::-1], theme.series[2], 0.55)
        canvas.path(upper, theme.series[0], 0.7)
        canvas.path(lower, theme.series[0], 0.7)
    for at in range(box.count):
        high, low = most[at], least[at]
        if chart.high is not None and high is not None and high > chart.high:
            _spike(canvas, box, at, chart.high, high)
        if chart.low is not None and low is not None and low < chart.low:
            _spike(canvas, box, at, chart.low, low)
    _limits(canvas, box, chart)


def _paints(canvas: Canvas, chart: Chart) -> tuple[str, ...]:
    return canvas.theme.paints(tuple(one.name for one in chart.series))


def _spike(canvas: Canvas, box: Frame, at: int, limit: float, value: float) -> None:
    canvas.line(box.x(at), box.y(limit), box.x(at), box.y(value), canvas.theme.bad, max(1.4, min(3.0, box.slot)))


def _pair(chart: Chart) -> tuple[list[float | None], list[float | None]]:
    named = {series.name: series.values for series in chart.series}
    least = named.get("min", chart.series[0].values)
    most = named.get("max", chart.series[-1].values)
    return list(least), list(most)


def _value(value: float | None) -> float:
    return 0.0 if value is None else value


def _limits(canvas: Canvas, box: Frame, chart: Chart) -> None:
    theme = canvas.theme
    for value, paint, dash in (
        (chart.low, theme.bad, DASHES[1]),
        (chart.high, theme.bad, DASHES[1]),
        (chart.centre, theme.good, DASHES[3]),
    ):
        if value is not None:
            canvas.line(box.left, box.y(value), box.right, box.y(value), paint, 0.9, dash)
            canvas.text(
                box.right + 3, box.y(value) + 0.32 * theme.text, plain(value, 3), fill=paint, size=theme.text * 0.9
            )
