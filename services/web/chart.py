"""Charts of a point's past as SVG text. Pure: numbers in, markup out; colours come from the style sheet's classes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from itertools import pairwise

from gateway.contract.times import from_ms, to_ms

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_TICK_STEPS_MS = (
    *(minutes * _MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_MS for days in (1, 2, 7, 14)),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured from `at_ms` on for one step."""

    at_ms: int
    low: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True)
class Band:
    """Where the limit allows the value to be; an open side is None."""

    low: float | None = None
    high: float | None = None

    def outside(self, sample: Sample) -> bool:
        """Whether any of the sample's readings left the band."""
        return (self.high is not None and sample.high > self.high) or (self.low is not None and sample.low < self.low)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth a line, e.g. when the alert opened."""

    at_ms: int
    label: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words a chart uses, in the reader's language."""

    gap: str = "no data"
    upper: str = "upper limit"
    lower: str = "lower limit"
    set_value: str = "set value"
    empty: str = "No readings in this period"
    outside: str = "outside the limit"


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything a chart shows."""

    start_ms: int
    end_ms: int
    step_ms: int
    samples: Sequence[Sample]
    gap_ms: int
    """Silence longer than this breaks the line."""
    unit: str = ""
    decimals: int = 2
    band: Band = Band()
    set_value: float | None = None
    marks: Sequence[Mark] = ()
    zone: tzinfo = UTC
    title: str = ""
    words: Words = field(default_factory=Words)


def draw(picture: Picture, width: int = 960, height: int = 300) -> str:
    """The chart as an SVG element of the given size in CSS pixels at full width."""
    plot = _Plot(picture, width, height)
    samples = picture.samples
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(picture.title)}">',
        *_background(plot),
    ]
    if not samples:
        middle_x, middle_y = (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2
        parts.append(_text("chart-empty", middle_x, middle_y, picture.words.empty, "middle"))
    runs = list(_runs(samples, picture.gap_ms))
    parts += _gaps(plot, runs)
    parts += _excursions(plot, samples)
    for run in runs:
        if len(run) == 1:
            x, y = plot.x(run[0].at_ms), plot.y(run[0].mean)
            parts.append(f'<circle class="chart-dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        parts.append(f'<path class="chart-envelope" d="{_envelope(plot, run)}"/>')
        parts.append(f'<path class="chart-line" d="{_line(plot, run)}"/>')
    parts += _marks(plot)
    parts += _hover(plot, samples)
    parts.append("</svg>")
    return "".join(parts)


def sparkline(
    samples: Sequence[Sample], start_ms: int, end_ms: int, band: Band, gap_ms: int, width: int = 120, height: int = 32
) -> str:
    """A small line without axes: the band, the line, and the last value as a dot."""
    picture = Picture(start_ms=start_ms, end_ms=end_ms, step_ms=0, samples=samples, gap_ms=gap_ms, band=band)
    plot = _Plot(picture, width, height, margins=(3, 3, 3, 5))
    parts = [f'<svg class="spark" viewBox="0 0 {width} {height}" aria-hidden="true">', *_band(plot)]
    parts += [f'<path class="chart-line" d="{_line(plot, run)}"/>' for run in _runs(samples, gap_ms)]
    if samples:
        last = samples[-1]
        state = " is-outside" if band.outside(last) else ""
        parts.append(
            f'<circle class="spark-dot{state}" cx="{plot.x(last.at_ms):.1f}" cy="{plot.y(last.mean):.1f}" r="2.6"/>'
        )
    parts.append("</svg>")
    return "".join(parts)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about as many as wanted."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / max(wanted, 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * magnitude for factor in (1, 2, 2.5, 5, 10) if raw <= factor * magnitude), 10 * magnitude)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + index) * step, 12) for index in range(max(count, 0))]


def time_ticks(start_ms: int, end_ms: int, zone: tzinfo, wanted: int = 8) -> list[tuple[int, str]]:
    """Moments that are round in local time, with what to write under them."""
    step = next((one for one in _TICK_STEPS_MS if (end_ms - start_ms) / one <= wanted), _TICK_STEPS_MS[-1])
    midnight = from_ms(start_ms).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    if step >= _DAY_MS:
        day = midnight
        while to_ms(day) <= end_ms:
            if to_ms(day) >= start_ms:
                found.append((to_ms(day), day.strftime("%m-%d")))
            # Wall-clock arithmetic: a day may have 23 or 25 hours.
            day = day + timedelta(days=step // _DAY_MS)
        return found
    at = to_ms(midnight) + (start_ms - to_ms(midnight)) // step * step
    while at <= end_ms:
        local = from_ms(at).astimezone(zone)
        if at >= start_ms:
            found.append(
                (at, local.strftime("%m-%d") if (local.hour, local.minute) == (0, 0) else local.strftime("%H:%M"))
            )
        at += step
    return found


class _Plot:
    """The frame: from times and values to coordinates."""

    def __init__(
        self, picture: Picture, width: int, height: int, margins: tuple[int, int, int, int] | None = None
    ) -> None:
        self.picture = picture
        top, left, bottom, right = margins or (20, 56, 28, 16)
        self.top, self.left, self.bottom, self.right = top, left, height - bottom, width - right
        self.low, self.high = _extent(picture)
        self.narrow = width < 600

    def x(self, at_ms: float) -> float:
        picture = self.picture
        part = (at_ms - picture.start_ms) / max(picture.end_ms - picture.start_ms, 1)
        return self.left + min(max(part, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(part, 0.0), 1.0) * (self.bottom - self.top)

    def number(self, value: float) -> str:
        return f"{value:.{self.picture.decimals}f}".replace("-", "−")


def _extent(picture: Picture) -> tuple[float, float]:
    values = [value for sample in picture.samples for value in (sample.low, sample.high)]
    values += [value for value in (picture.band.low, picture.band.high, picture.set_value) if value is not None]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    pad = (high - low) * 0.12 or max(abs(high) * 0.1, 10.0**-picture.decimals)
    return (max(0.0, low - pad) if low >= 0 else low - pad), high + pad


def _background(plot: _Plot) -> Iterator[str]:
    picture = plot.picture
    yield from _band(plot)
    for value in ticks(plot.low, plot.high, 4 if plot.narrow else 5):
        y = plot.y(value)
        yield f'<line class="chart-grid" x1="{plot.left}" x2="{plot.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text("chart-tick", plot.left - 8, y + 4, plot.number(value))
    yield _text("chart-unit", plot.left - 8, plot.top - 9, picture.unit)
    for at_ms, text in time_ticks(picture.start_ms, picture.end_ms, picture.zone, 5 if plot.narrow else 9):
        x = plot.x(at_ms)
        yield f'<line class="chart-grid" x1="{x:.1f}" x2="{x:.1f}" y1="{plot.bottom}" y2="{plot.bottom + 4}"/>'
        yield _text("chart-tick", x, plot.bottom + 18, text, "middle")
    for level, word, css in (
        (picture.band.high, picture.words.upper, "chart-limit"),
        (picture.band.low, picture.words.lower, "chart-limit"),
        (picture.set_value, picture.words.set_value, "chart-set"),
    ):
        if level is None:
            continue
        y = plot.y(level)
        yield f'<line class="{css}" x1="{plot.left}" x2="{plot.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(f"{css}-text", plot.right - 4, y - 5, f"{word} {plot.number(level)}")


def _band(plot: _Plot) -> Iterator[str]:
    band = plot.picture.band
    if band.low is None and band.high is None:
        return
    top = plot.top if band.high is None else plot.y(band.high)
    bottom = plot.bottom if band.low is None else plot.y(band.low)
    yield (
        f'<rect class="chart-band" x="{plot.left}" y="{top:.1f}" width="{plot.right - plot.left}" '
        f'height="{max(bottom - top, 0):.1f}"/>'
    )


def _runs(samples: Sequence[Sample], gap_ms: int) -> Iterator[list[Sample]]:
    """Samples without silence between them."""
    run: list[Sample] = []
    for sample in samples:
        if run and sample.at_ms - run[-1].at_ms > gap_ms:
            yield run
            run = []
        run.append(sample)
    if run:
        yield run


def _gaps(plot: _Plot, runs: list[list[Sample]]) -> Iterator[str]:
    picture = plot.picture
    edges = [(earlier[-1].at_ms + picture.step_ms, later[0].at_ms) for earlier, later in pairwise(runs)]
    if runs and picture.end_ms - runs[-1][-1].at_ms > picture.gap_ms:
        edges.append((runs[-1][-1].at_ms + picture.step_ms, picture.end_ms))
    for start, end in edges:
        left, right = plot.x(start), plot.x(end)
        words = f"{escape(picture.words.gap)} {_when(picture, start)}–{_when(picture, end)}"
        yield (
            f'<rect class="chart-gap" x="{left:.1f}" y="{plot.top}" width="{max(right - left, 1):.1f}" '
            f'height="{plot.bottom - plot.top}"><title>{words}</title></rect>'
        )
        if right - left > 70:
            yield _text("chart-gap-text", (left + right) / 2, plot.bottom - 10, picture.words.gap, "middle")


def _excursions(plot: _Plot, samples: Sequence[Sample]) -> Iterator[str]:
    """Stretches of time with readings outside the band; each reading stands until the next one."""
    picture = plot.picture
    for run in _runs(samples, picture.gap_ms):
        starts: int | None = None
        for sample in run:
            if picture.band.outside(sample):
                starts = sample.at_ms if starts is None else starts
            elif starts is not None:
                yield _excursion(plot, starts, sample.at_ms)
                starts = None
        if starts is not None:
            yield _excursion(plot, starts, run[-1].at_ms + picture.step_ms)


def _excursion(plot: _Plot, start: int, end: int) -> str:
    picture = plot.picture
    left, right = plot.x(start), plot.x(end)
    title = f"{escape(picture.words.outside)} {_when(picture, start)}–{_when(picture, end)}"
    return (
        f'<rect class="chart-excursion" x="{left:.1f}" y="{plot.top}" width="{max(right - left, 1.5):.1f}" '
        f'height="{plot.bottom - plot.top}"><title>{title}</title></rect>'
    )


def _line(plot: _Plot, run: Sequence[Sample]) -> str:
    return _path([(plot.x(one.at_ms), plot.y(one.mean)) for one in run])


def _envelope(plot: _Plot, run: Sequence[Sample]) -> str:
    upper = [(plot.x(one.at_ms), plot.y(one.high)) for one in run]
    lower = [(plot.x(one.at_ms), plot.y(one.low)) for one in reversed(run)]
    return _path([*upper, *lower]) + "Z"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _marks(plot: _Plot) -> Iterator[str]:
    for mark in plot.picture.marks:
        if not plot.picture.start_ms <= mark.at_ms <= plot.picture.end_ms:
            continue
        x = plot.x(mark.at_ms)
        anchor, dx = ("end", -5) if x > (plot.left + plot.right) / 2 else ("start", 5)
        yield f'<line class="chart-mark" x1="{x:.1f}" x2="{x:.1f}" y1="{plot.top}" y2="{plot.bottom}"/>'
        yield _text("chart-mark-text", x + dx, plot.top + 11, mark.label, anchor)


def _hover(plot: _Plot, samples: Sequence[Sample]) -> Iterator[str]:
    """Invisible columns that tell time and value."""
    picture = plot.picture
    if not samples:
        return
    least = (plot.right - plot.left) / max((picture.end_ms - picture.start_ms) / max(picture.step_ms, 1), 1)
    for sample in samples:
        value = plot.number(sample.mean)
        if sample.high != sample.low:
            value += f" ({plot.number(sample.low)}…{plot.number(sample.high)})"
        yield (
            f'<rect class="chart-hover" x="{plot.x(sample.at_ms) - least / 2:.1f}" y="{plot.top}" '
            f'width="{max(least, 2):.1f}" height="{plot.bottom - plot.top}">'
            f"<title>{_when(picture, sample.at_ms)}  {value} {escape(picture.unit)}</title></rect>"
        )


def _text(css: str, x: float, y: float, words: str, anchor: str = "end") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _when(picture: Picture, at_ms: int) -> str:
    local: datetime = from_ms(at_ms).astimezone(picture.zone)
    return local.strftime("%m-%d %H:%M:%S" if picture.end_ms - picture.start_ms > _DAY_MS else "%H:%M:%S")
