"""Rows no store can keep, and the sentence that names the first of them."""

import math
from collections.abc import Callable, Sequence

from gateway.timeseries.schema import LAST_MS
from gateway.timeseries.store import Row, RowRefused

INT64 = 1 << 63


def unfit(row: Row) -> str:
    """Why no store can keep this row; empty when it can."""
    _, at_ms, tie, value, quality, received_ms = row
    if not math.isfinite(value):
        return f"value {value} is not a finite number"
    if not 0 <= at_ms <= LAST_MS:
        return f"time {at_ms} ms is not between 1970 and 9999"
    if quality not in (0, 1, 2):
        return f"quality {quality} is not 0, 1 or 2"
    if not -INT64 <= min(tie, received_ms - at_ms) <= max(tie, received_ms - at_ms) < INT64:
        return "tie or time of reception does not fit 64 bits"
    return ""


def refusal(rows: Sequence[Row], by: str, why: Callable[[Row], str] = unfit) -> RowRefused:
    """Name the first row that is unfit; `by` whom they were refused, should none be found."""
    for index, row in enumerate(rows):
        reason = why(row)
        if reason:
            return RowRefused(f"Row {index} of {row[0]}: {reason}; none of the {len(rows)} rows were written")
    return RowRefused(f"None of the {len(rows)} rows were written: {by} refused one of them")
