"""The frame of charts with two axes: ticks, labels, legend."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.report.charts import scale
from services.report.charts.canvas import Canvas
from services.report.wording import number


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend."""

    words: str
    paint: str
    dash: str | None = None
    """None: a filled square; else a stroke."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the data goes."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float
    count: int

    @property
    def slot(self) -> float:
        """Width of one label's place."""
        return (self.right - self.left) / max(1, self.count)

    def x(self, index: float) -> float:
        """Middle of a label's place."""
        return self.left + (index + 0.5) * self.slot

    def y(self, value: float) -> float:
        """Where a value is."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def legend(canvas: Canvas, keys: Sequence[Key], y: float, left: float) -> float:
    """Draw entries in as many lines as they need; returns the y below them."""
    size = canvas.theme.text
    x, right = left, canvas.width - 4
    for key in keys:
        words = scale.shorten(key.words, right - left - 2.4 * size, size)
        need = 1.9 * size + scale.text_width(words, size) + 1.6 * size
        if x > left and x + need - 1.6 * size > right:
            x, y = left, y + 1.6 * size
        if key.dash is None:
            canvas.box(x, y - 0.75 * size, 1.3 * size, 0.75 * size, key.paint)
        else:
            canvas.line(x, y - 0.35 * size, x + 1.4 * size, y - 0.35 * size, key.paint, 1.4, key.dash)
        canvas.text(x + 1.8 * size, y, words, fill=canvas.theme.ink)
        x += need
    return y + 0.9 * size


def frame(
    canvas: Canvas,
    labels: Sequence[str],
    values: Sequence[float],
    *,
    top: float,
    right: float,
    unit: str,
    from_zero: bool,
) -> Frame:
    """Draw axes around the values, with room for the words; returns where the data goes."""
    theme, size = canvas.theme, canvas.theme.text
    low, high = min(values), max(values)
    if from_zero or low == high == 0:
        low, high = min(0.0, low), max(0.0, high)
        if low == high:
            high = 1.0
    marks = scale.ticks(low, high, whole=unit != "%" and all(one == int(one) for one in values))
    if unit == "%" and max(values) <= 100 < marks[-1]:
        marks = tuple(one for one in marks if one <= 100)
    places = scale.decimals(marks)
    words = [number(one, places) for one in marks]
    left = max(scale.text_width(one, size) for one in words) + 1.1 * size
    if unit:
        canvas.text(2, top + 0.9 * size, unit)
        top += 1.5 * size
    box = Frame(
        left=left, right=canvas.width - right, top=top + 0.6 * size, bottom=canvas.height - 2.0 * size,
        low=marks[0], high=marks[-1], count=len(labels),
    )  # fmt: skip
    for mark, word in zip(marks, words, strict=True):
        heavy = mark in (0.0, marks[0])
        canvas.line(box.left, box.y(mark), box.right, box.y(mark), theme.quiet if heavy else theme.grid)
        canvas.text(box.left - 0.5 * size, box.y(mark) + 0.36 * size, word, anchor="end")
    below(canvas, box, labels)
    return box


def below(canvas: Canvas, box: Frame, labels: Sequence[str]) -> None:
    """Labels under the horizontal axis; those that fit."""
    size = canvas.theme.text
    shown = [scale.shorten(one, max(box.slot * 1.0, 7 * size), size) for one in labels]
    step = scale.every([scale.text_width(one, size) for one in shown], box.slot)
    for index in range(0, len(shown), step):
        width = scale.text_width(shown[index], size)
        x = min(max(box.x(index), width / 2), canvas.width - width / 2)
        canvas.text(x, box.bottom + 1.4 * size, shown[index], anchor="middle")
