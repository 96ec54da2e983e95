"""From a chart to its drawing."""

import math
from itertools import chain

from services.report.charts.canvas import Canvas
from services.report.charts.frame import Key, frame, legend
from services.report.charts.plots import bars, envelope, line, stacked
from services.report.charts.scale import text_width
from services.report.charts.shares import heatmap, share
from services.report.charts.theme import DASHES, Theme
from services.report.model import Chart, Series
from services.report.wording import plain

EMPTY = ("本月无数据", "No data this month")


def svg(chart: Chart, width: float, height: float, theme: Theme, language: str = "zh") -> str:
    """The chart as an SVG document of that size; without any value it says so."""
    canvas = Canvas(width, height, theme, chart.caption_en if language == "en" and chart.caption_en else chart.caption)
    chart = _even(chart)
    finite = [one for one in chain(*(series.values for series in chart.series)) if one is not None]
    if not finite or (chart.kind == "share" and sum(max(0.0, one) for one in finite) <= 0):
        _empty(canvas, language)
    elif chart.kind == "share":
        share(canvas, chart)
    elif chart.kind == "heatmap":
        heatmap(canvas, chart, language)
    else:
        _with_axes(canvas, chart, finite, language)
    return canvas.done()


def _even(chart: Chart) -> Chart:
    """The chart with one value or gap per label in each series."""
    count = len(chart.labels)

    def evened(series: Series) -> Series:
        values = [one if one is not None and math.isfinite(one) else None for one in series.values[:count]]
        return series.model_copy(update={"values": (*values, *[None] * (count - len(values)))})

    return chart.model_copy(update={"series": tuple(map(evened, chart.series))})


def _empty(canvas: Canvas, language: str) -> None:
    canvas.box(0.5, 0.5, canvas.width - 1, canvas.height - 1, "none", canvas.theme.grid)
    words = EMPTY[1] if language == "en" else EMPTY[0]
    canvas.text(canvas.width / 2, canvas.height / 2 + 3, words, anchor="middle")


def _with_axes(canvas: Canvas, chart: Chart, finite: list[float], language: str) -> None:
    theme = canvas.theme
    limits = [one for one in (chart.low, chart.high, chart.centre) if one is not None]
    keys = _keys(chart, theme, language)
    top = legend(canvas, keys, theme.text, 2.0) if len(keys) > 1 else 0.0
    if chart.kind == "stacked":
        columns = zip(*(series.values for series in chart.series), strict=True)
        finite = [sum(max(0.0, one or 0.0) for one in column) for column in columns]
    box = frame(
        canvas,
        chart.labels,
        [*finite, *limits],
        top=top,
        unit=chart.unit,
        from_zero=chart.kind in ("bars", "stacked"),
        right=_margin(limits, theme),
    )
    match chart.kind:
        case "line":
            line(canvas, box, chart)
        case "bars":
            bars(canvas, box, chart)
        case "stacked":
            stacked(canvas, box, chart)
        case _:
            envelope(canvas, box, chart, language)


def _margin(limits: list[float], theme: Theme) -> float:
    return max((text_width(plain(one, 3), theme.text * 0.9) + 4 for one in limits), default=0.8 * theme.text)


def _keys(chart: Chart, theme: Theme, language: str) -> list[Key]:
    if chart.kind == "envelope":
        band = "min–max" if language == "en" else "最小–最大"
        limits = "limits" if language == "en" else "上下限"
        keys = [Key(band, theme.series[2])]
        if chart.low is not None or chart.high is not None:
            keys.append(Key(limits, theme.bad, DASHES[1]))
        if chart.centre is not None:
            keys.append(Key("set value" if language == "en" else "设定值", theme.good, DASHES[3]))
        return keys
    paints = theme.paints(tuple(one.name for one in chart.series))
    strokes = [DASHES[index % len(DASHES)] if chart.kind == "line" else None for index in range(len(chart.series))]
    return [Key(one.name, paint, dash) for one, paint, dash in zip(chart.series, paints, strokes, strict=True)]
