"""Native charts of the workbook; their numbers are on a sheet of their own, which nobody prints."""

from typing import Any

from xlsxwriter import Workbook

from services.report import wording
from services.report.model import Chart, Series
from services.report.render.document import clean

_COLOURS = ("#1F4E62", "#C98A1B", "#6D9FB5", "#7C5A8C", "#9FB8A5", "#B3261E", "#C5CDD2")
_KINDS: dict[str, dict[str, str]] = {
    "line": {"type": "line"},
    "bars": {"type": "column"},
    "stacked": {"type": "column", "subtype": "stacked"},
    "share": {"type": "pie"},
    "heatmap": {"type": "column", "subtype": "stacked"},
    "envelope": {"type": "line"},
}
_SIZE = {"width": 760, "height": 320}


class ChartData:
    """Charts that were asked for, and the sheet with their numbers, which is written last."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._blocks: list[tuple[Chart, tuple[Series, ...]]] = []
        self._row = 0
        self._pending: list[tuple[Any, int, Chart, tuple[Series, ...]]] = []

    def add(self, chart: Chart, language: str) -> Any:
        """A native chart; a heat map becomes missed visits per day."""
        native = self._book.add_chart(_KINDS[chart.kind])
        native.set_title(
            {"name": clean(wording.pick(chart.caption, chart.caption_en, language)), "name_font": {"size": 11}}
        )
        native.set_size(_SIZE)
        native.set_legend({"position": "bottom"})
        native.show_blanks_as("gap")
        if chart.kind != "share":
            native.set_y_axis(
                {"name": clean(chart.unit), "major_gridlines": {"visible": True, "line": {"color": "#DFE4E7"}}}
            )
        self._pending.append((native, self._row, chart, _series(chart, language)))
        self._row += len(chart.labels) + 3
        return native

    def write(self, name: str) -> None:
        """Write the numbers and tie the charts to them; nothing when there is no chart."""
        if not self._pending:
            return
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 20)
        for native, first, chart, series in self._pending:
            sheet.write_string(first, 0, clean(chart.caption))
            for column, one in enumerate(series, start=1):
                sheet.write_string(first + 1, column, clean(one.name))
            for at, words in enumerate(chart.labels):
                sheet.write_string(first + 2 + at, 0, clean(words))
                for column, one in enumerate(series, start=1):
                    value = one.values[at] if at < len(one.values) else None
                    if value is not None:
                        sheet.write_number(first + 2 + at, column, value)
            last = first + 1 + max(1, len(chart.labels))
            for column, _ in enumerate(series, start=1):
                colour = {"color": _COLOURS[(column - 1) % len(_COLOURS)]}
                looks: dict[str, Any] = {"fill": colour} if native_fills(chart) else {"line": {**colour, "width": 1.5}}
                native.add_series(
                    {
                        "name": [name, first + 1, column],
                        "categories": [name, first + 2, 0, last, 0],
                        "values": [name, first + 2, column, last, column],
                        **({} if chart.kind == "share" else looks),
                    }
                )


def native_fills(chart: Chart) -> bool:
    """Bars are filled; lines are not."""
    return chart.kind in ("bars", "stacked", "heatmap")


def _series(chart: Chart, language: str) -> tuple[Series, ...]:
    count = len(chart.labels)
    if chart.kind == "heatmap":
        columns = [[one.values[at] if at < len(one.values) else None for one in chart.series] for at in range(count)]
        missed = tuple(float(sum(one is not None and one <= 0 for one in column)) for column in columns)
        return (Series(name=wording.pick("漏检", "missed", language), values=missed),)
    limits = [
        Series(name=wording.pick(zh, en, language), values=(value,) * count)
        for zh, en, value in (
            ("下限", "low limit", chart.low),
            ("上限", "high limit", chart.high),
            ("设定值", "set value", chart.centre),
        )
        if value is not None and chart.kind in ("line", "envelope", "bars")
    ]
    shown = (*chart.series, *(limits if chart.kind != "bars" else ()))
    return shown or (Series(name=wording.NO_DATA, values=()),)  # Excel refuses a chart without any series
