"""Charts as files have them: their size on paper, as SVG, and as PNG for Word."""

from services.report import charts
from services.report.model import Chart
from services.report.render.document import Document, Picture, clean

WIDTH = 480.0
"""Points; the width of the text."""
_SCREEN = 1.6
_EMPTY = 44.0
_HEIGHTS = {"line": 170.0, "bars": 165.0, "stacked": 180.0, "envelope": 190.0, "share": 150.0}


def height(chart: Chart) -> float:
    """Points; a heat map is as high as its rows need, up to a page; without data it is a line that says so."""
    if not any(one is not None for series in chart.series for one in series.values):
        return _EMPTY
    if chart.kind == "heatmap":
        return min(560.0, 44.0 + 13.0 * max(3, len(chart.series)))
    return _HEIGHTS[chart.kind]


def pictures(document: Document) -> list[Picture]:
    """All charts, in order."""
    return [part for chapter in document.chapters for part in chapter.parts if isinstance(part, Picture)]


def drawing(chart: Chart, language: str) -> str:
    """A chart for paper, as SVG."""
    return clean(charts.svg(chart, WIDTH, height(chart), charts.PRINT, language))


def on_screen(chart: Chart, language: str) -> str:
    """A chart for the console, as SVG in its colours; a page with it needs report.css."""
    return clean(charts.svg(chart, _SCREEN * WIDTH, _SCREEN * height(chart), charts.SCREEN, language))
