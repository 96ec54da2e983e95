"""Axes with round numbers, and how wide words are. Pure."""

import math
from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width

_LEAST = 1e-6
"""Values nearer to each other are one."""
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> tuple[float, ...]:
    """Round numbers from at or below `low` to at or above `high`, about `most` of them; whole: no halves."""
    if not high - low > max(_LEAST, abs(high) * _LEAST):
        spread = abs(high) * 0.1 if abs(high) > _LEAST else 1.0
        low, high = low - spread, high + spread
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in _ROUND if one * power >= raw * 0.999_999)
    if whole:
        step = max(1.0, math.ceil(step - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(step * count, 10) for count in range(first, last + 1))


def decimals(values: Sequence[float]) -> int:
    """Decimals that tell the ticks from each other."""
    return next((one for one in range(7) if all(math.isclose(round(v, one), v, abs_tol=1e-9) for v in values)), 6)


def text_width(text: str, size: float) -> float:
    """About how wide the words are: a Chinese character is as wide as it is high."""
    return size * sum(1.0 if east_asian_width(one) in "WF" else 0.57 for one in text if not combining(one))


def shorten(text: str, width: float, size: float) -> str:
    """The words, cut with … where they would be wider."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def every(widths: Sequence[float], room: float) -> int:
    """Show each n-th label so that none touches the next; `room` is the place of one."""
    need = max(widths, default=0.0) + 4.0
    least = max(1, math.ceil(need / room)) if room > 0 else 1
    return next((one for one in (1, 2, 3, 5, 7, 10, 14, 15, 20, 30, 50, 100) if one >= least), least)


def runs(values: Sequence[float | None]) -> Iterable[list[tuple[int, float]]]:
    """The stretches without gaps, as (index, value)."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            if run:
                yield run
            run = []
        else:
            run.append((index, value))
    if run:
        yield run
