"""Medians and percentiles, counted one way everywhere: linear between the two nearest ranks.

That is what Excel's PERCENTILE.INC and MEDIAN do, so headquarters recomputing a sheet gets the printed number.
"""

from collections.abc import Iterable
from math import floor


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of the values lie, interpolated; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = share * (len(ordered) - 1)
    below = floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def median(values: Iterable[float]) -> float | None:
    """The middle value; of an even number the mean of the two in the middle."""
    return percentile(values, 0.5)


def p90(values: Iterable[float]) -> float | None:
    """Nine of ten are not above it."""
    return percentile(values, 0.9)


def mean(values: Iterable[float]) -> float | None:
    """The arithmetic mean; None without values."""
    known = list(values)
    return sum(known) / len(known) if known else None
