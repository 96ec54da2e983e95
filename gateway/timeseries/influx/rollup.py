"""Minutes and hours made by us: InfluxQL aggregates of raw readings, written to buckets that keep them longer.

A minute is rolled up once the line has passed it (see spool.py): then everything taken in for it has been sent. What
comes later makes the minute dirty, and it is rolled up again, with its hour; writing it again overwrites it.
"""
# ruff: noqa: S608 - names are quoted by lines.py

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from gateway.contract.times import to_ms
from gateway.timeseries.influx.http import Client
from gateway.timeseries.influx.lines import (
    LINES_AT_ONCE,
    MEASUREMENT,
    Rolled,
    compressed,
    identifier,
    literal,
    rollup_line,
    within,
)
from gateway.timeseries.influx.progress import Progress
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.influx.spool import Spool
from gateway.timeseries.schema import HOUR_MS, MINUTE_MS
from gateway.timeseries.store import StoreBusy

SETTLE = timedelta(minutes=1)
"""How long after its end a minute is left open: rows that come in this time cost nothing extra."""
CHUNKS = 4
CHUNK_ROWS = 5_000
"""Minutes or hours of points in one query, about."""
MEND_MINUTES = 250
_SHRINK_PAGES = 2_000
_POINTS = 250
"""How many points a site has until we have seen one answer."""

_OF_RAW = "count(value), sum(value), min(value), max(value), last(value)"
_OF_MINUTES = 'sum("count"), sum(total), min(low), max(high), last("last")'


class Keeper:
    """The housekeeping of one spool, on its sender's thread."""

    def __init__(self, spool: Spool, client: Client, server: InfluxServer, progress: Progress, moves: bool) -> None:
        """`moves`: whether the line moves on; a spool left over only has its late minutes mended."""
        self._spool = spool
        self._client = client
        self._server = server
        self._progress = progress
        self._moves = moves
        self._points: dict[str, int] = {}

    def turn(self, now: datetime) -> None:
        """A bounded piece of work; raises StoreBusy, StoreBroken when InfluxDB does not answer."""
        self._progress.load(again=not self._moves)
        try:
            line_ms = self._spool.late_before
            if self._moves:
                line_ms = self._spool.move_line(to_ms(now - SETTLE) // MINUTE_MS * MINUTE_MS) // MINUTE_MS * MINUTE_MS
            for site in self._progress.known():
                if self._moves:
                    self._roll(site, line_ms)
                self._mend(site)
        finally:
            self._progress.save(to_ms(now))
        self._spool.shrink(_SHRINK_PAGES)

    def _roll(self, site: str, line_ms: int) -> None:
        for _ in range(CHUNKS):
            marks = self._progress.marks(site)
            if marks.minutes_done >= line_ms:
                break
            done = self._piece(site, self._server.raw, "value", MINUTE_MS, marks.minutes_done, line_ms)
            if len(done):
                job = self._spool.to_mend(site, done.start, done.stop, len(done))
                self._roll_minutes(site, done.start, done.stop)
                if job:
                    self._spool.mended(site, job)
            self._progress.set(site, self._progress.marks(site)._replace(minutes_done=done.stop))
        for _ in range(CHUNKS):
            marks = self._progress.marks(site)
            complete = marks.minutes_done // HOUR_MS * HOUR_MS
            if marks.hours_done >= complete:
                break
            done = self._piece(site, self._server.minutes, "count", HOUR_MS, marks.hours_done, complete)
            if len(done):
                self._roll_hours(site, done.start, done.stop)
            self._progress.set(site, self._progress.marks(site)._replace(hours_done=done.stop))

    def _mend(self, site: str) -> None:
        """Roll up again what late readings changed."""
        marks = self._progress.marks(site)
        job = self._spool.to_mend(site, 0, marks.minutes_done, MEND_MINUTES)
        if not job:
            return
        minutes = [at for at, _ in job]
        for start, end in spans(minutes, MINUTE_MS):
            self._roll_minutes(site, start, end)
        hours = sorted({at // HOUR_MS * HOUR_MS for at in minutes if at < marks.hours_done})
        for start, end in spans(hours, HOUR_MS):
            self._roll_hours(site, start, end)
        self._spool.mended(site, job)

    def _piece(self, site: str, database: str, field: str, unit_ms: int, start_ms: int, end_ms: int) -> range:
        """The next part that has data and gives about CHUNK_ROWS results; empty, up to the end, when none has."""
        units = max(1, CHUNK_ROWS // self._points.get(site, _POINTS))
        if end_ms - start_ms > units * unit_ms:
            # A gap, as before the first reading ever, is skipped at once.
            where = f"{identifier('site')} = {literal(site)} AND {within(start_ms, end_ms)}"
            first = f"SELECT first({identifier(field)}) FROM {identifier(MEASUREMENT)} WHERE {where}"
            (found,) = self._client.query(database, [first], must_exist=True)
            if not found:
                return range(end_ms, end_ms)
            start_ms = max(start_ms, int(found[0].values[0][0]) // unit_ms * unit_ms)
        return range(start_ms, min(end_ms, start_ms + units * unit_ms))

    def _roll_minutes(self, site: str, start_ms: int, end_ms: int) -> None:
        where = f"quality < 2 AND {within(start_ms, end_ms)}"
        self._store(site, self._server.minutes, self._rolled(site, self._server.raw, _OF_RAW, where, "1m"))

    def _roll_hours(self, site: str, start_ms: int, end_ms: int) -> None:
        where = within(start_ms, end_ms)
        self._store(site, self._server.hours, self._rolled(site, self._server.minutes, _OF_MINUTES, where, "1h"))

    def _rolled(self, site: str, database: str, what: str, where: str, unit: str) -> Iterator[Rolled]:
        (found,) = self._client.query(
            database,
            [
                f"SELECT {what} FROM {identifier(MEASUREMENT)} WHERE {identifier('site')} = {literal(site)}"
                f" AND {where} GROUP BY time({unit}), {identifier('point')} fill(none)"
            ],
            must_exist=True,
        )
        if found:
            self._points[site] = max(len(found), self._points.get(site, 1))
        for series in found:
            for at_ms, count, total, low, high, last in series.values:
                yield Rolled(series.tags["point"], int(at_ms), int(count), total, low, high, last)

    def _store(self, site: str, bucket: str, rolled: Iterator[Rolled]) -> None:
        lines = [rollup_line(site, one).encode() for one in rolled]
        for first in range(0, len(lines), LINES_AT_ONCE):
            sent = self._client.write(bucket, compressed(lines[first : first + LINES_AT_ONCE]))
            # Beyond the bucket's retention is no failure: nobody will ever ask for it.
            if sent.what != "stored" and not (sent.what == "bad" and "retention" in sent.reason):
                raise StoreBusy(f"InfluxDB did not take a rollup of {site}: {sent.reason}", hint="Tried again soon")


def spans(starts: Sequence[int], unit_ms: int) -> list[tuple[int, int]]:
    """Neighbouring units, given by their starts in order, as [start, end) together."""
    if not starts:
        return []
    cuts = [index for index, (one, following) in enumerate(pairwise(starts), 1) if following != one + unit_ms]
    return [
        (starts[first], starts[end - 1] + unit_ms) for first, end in zip([0, *cuts], [*cuts, len(starts)], strict=True)
    ]
