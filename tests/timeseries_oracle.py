"""What a time-series store must hold and answer, computed plainly from everything that was written."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.contract.times import from_ms, to_ms
from gateway.timeseries.store import Bucket, Reading, Row


class Kept:
    """Every row written; of two with one key the first stays, or the last."""

    def __init__(self, *, last_stays: bool = False) -> None:
        self.rows: dict[tuple[str, int, int], Row] = {}
        self._last_stays = last_stays

    def write(self, batch: Iterable[Row]) -> None:
        """Take rows."""
        for row in batch:
            key = (row[0], row[1], row[2])
            if self._last_stays or key not in self.rows:
                self.rows[key] = row

    def readings(self, series: str, start: datetime, end: datetime) -> list[Reading]:
        """See TimeSeriesStore."""
        found = sorted(
            row[1:] for row in self.rows.values() if row[0] == series and to_ms(start) <= row[1] < to_ms(end)
        )
        return [Reading(from_ms(at), value, quality, from_ms(received)) for at, _, value, quality, received in found]

    def range(
        self, series: str, start: datetime, end: datetime, step: timedelta, origin: datetime
    ) -> list[tuple[datetime, list[float]]]:
        """The values of each step that has any."""
        slots: dict[int, list[float]] = {}
        for one in self.readings(series, start, end):
            if one.quality < 2:
                slots.setdefault((one.at - origin) // step, []).append(one.value)
        return [(origin + slot * step, slots[slot]) for slot in sorted(slots)]


def check(found: list[Bucket], expected: list[tuple[datetime, list[float]]]) -> None:
    """A store's buckets are those of the plain values."""
    assert [(one.at, one.count, one.min, one.max, one.last) for one in found] == [
        (at, len(values), min(values), max(values), values[-1]) for at, values in expected
    ]
    for one, (_, values) in zip(found, expected, strict=True):
        scale = max(map(abs, values))
        assert math.isclose(one.mean, math.fsum(values) / len(values), rel_tol=1e-12, abs_tol=1e-12 * scale)
