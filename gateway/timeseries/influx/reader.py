"""Reading by InfluxQL: rollups for whole steps where they are complete, raw readings for everything else."""
# ruff: noqa: S608 - names are quoted by lines.py

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gateway.contract.times import from_ms, to_ms
from gateway.timeseries.influx.http import Client, Series
from gateway.timeseries.influx.lines import END_MS, MEASUREMENT, identifier, literal, source, within
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.pieces import Part, Piece, merged, plan
from gateway.timeseries.schema import HOUR_MS, HOURS, MINUTE_MS, MINUTES, RAW, Level, Marks
from gateway.timeseries.store import Bucket, Reading

_MOST_NAMES = 40
"""More points of a site than this are picked out of all of them here."""
_RECENT_MS = HOUR_MS
_FIELDS: dict[Level, tuple[str, str]] = {
    RAW: ("count(value), sum(value), min(value), max(value), last(value)", " AND quality < 2"),
    MINUTES: ('sum("count"), sum(total), min(low), max(high), last("last")', ""),
    HOURS: ('sum("count"), sum(total), min(low), max(high), last("last")', ""),
}


class MarksSource(Protocol):
    """Who knows how far the rollups have come."""

    def of(self, sites: Iterable[str]) -> dict[str, Marks]:
        """The marks of these sites."""

    def dirty(self, site: str, start_ms: int, end_ms: int) -> list[int]:
        """Minutes whose rollup is out of date, ascending."""


class Reader:
    """Everything a store answers. Any number of threads; raises StoreBusy, StoreBroken."""

    def __init__(self, client: Client, server: InfluxServer, marks: MarksSource) -> None:
        self._client = client
        self._server = server
        self._marks = marks
        self._databases = {RAW: server.raw, MINUTES: server.minutes, HOURS: server.hours}

    def range(self, series: str, start: datetime, end: datetime, step: timedelta, origin: datetime) -> list[Bucket]:
        """See TimeSeriesStore.range."""
        step_ms = step // timedelta(milliseconds=1)
        if step_ms < 1 or timedelta(milliseconds=step_ms) != step:
            raise ValueError(f"step {step} is not a positive number of whole milliseconds")
        start_ms, end_ms = _bound(start), _bound(end)
        site = series.partition("/")[0]
        if source(series) is None or start_ms >= end_ms:
            return []
        origin_ms = to_ms(origin)
        pieces = plan(
            start_ms,
            end_ms,
            self._marks.of([site])[site],
            self._marks.dirty(site, start_ms - MINUTE_MS + 1, end_ms),
            minutes=step_ms % MINUTE_MS == 0 == origin_ms % MINUTE_MS,
            hours=step_ms % HOUR_MS == 0 == origin_ms % HOUR_MS,
        )
        return merged(self._parts(series, pieces, step_ms, origin_ms), step_ms, -origin_ms % step_ms)

    def _parts(self, series: str, pieces: Sequence[Piece], step_ms: int, origin_ms: int) -> Iterator[Part]:
        for level, database in self._databases.items():
            wanted = [piece for piece in pieces if piece.level is level]
            what, also = _FIELDS[level]
            statements = [
                f"SELECT {what} FROM {identifier(MEASUREMENT)} WHERE {_is(series)} AND"
                f" {within(piece.start_ms, piece.end_ms)}{also}"
                f" GROUP BY time({step_ms}ms, {origin_ms % step_ms}ms) fill(none)"
                for piece in wanted
            ]
            for piece, answer in zip(wanted, self._client.query(database, statements), strict=True):
                for at_ms, count, total, low, high, last in _rows(answer):
                    # Pieces do not overlap: which of two parts is newer, their starts tell as well.
                    slot = (int(at_ms) + -origin_ms % step_ms) // step_ms
                    yield slot, int(count), float(total), float(low), float(high), piece.start_ms, float(last)

    def readings(self, series: str, start: datetime, end: datetime, limit: int) -> list[Reading]:
        """See TimeSeriesStore.readings. Within one millisecond the order is that of tie modulo 999,983."""
        site = series.partition("/")[0]
        if source(series) is None or limit < 1:
            return []
        start_ms = max(_bound(start), self._marks.of([site])[site].raw_from)
        (answer,) = self._client.query(
            self._server.raw,
            [
                f"SELECT value, quality, delay_ms FROM {identifier(MEASUREMENT)} WHERE {_is(series)} AND"
                f" {within(start_ms, _bound(end))} ORDER BY time ASC LIMIT {limit}"
            ],
        )
        return [_reading(*row) for row in _rows(answer)]

    def latest(self, series: Sequence[str]) -> dict[str, Reading]:
        """See TimeSeriesStore.latest."""
        by_site: dict[str, list[str]] = {}
        for name in dict.fromkeys(series):
            if source(name) is not None:
                site, _, point = name.partition("/")
                by_site.setdefault(site, []).append(point)
        marks = self._marks.of(by_site) if by_site else {}
        # Nearly every point has spoken lately, and the newest shard is quick to look through; the others are few.
        recent = {site: max(marks[site].raw_from, marks[site].minutes_done - _RECENT_MS) for site in by_site}
        found = self._latest(by_site, recent)
        silent = {
            site: [point for point in points if f"{site}/{point}" not in found] for site, points in by_site.items()
        }
        found |= self._latest(
            {site: points for site, points in silent.items() if points and recent[site] > marks[site].raw_from},
            {site: marks[site].raw_from for site in by_site},
        )
        return {name: found[name] for name in series if name in found}

    def _latest(self, by_site: Mapping[str, Sequence[str]], since_ms: Mapping[str, int]) -> dict[str, Reading]:
        statements = [
            f"SELECT last(value), quality, delay_ms FROM {identifier(MEASUREMENT)} WHERE"
            f" {identifier('site')} = {literal(site)}{_any_of(points)} AND {within(since_ms[site], END_MS)}"
            f" GROUP BY {identifier('point')}"
            for site, points in by_site.items()
        ]
        return {
            f"{site}/{one.tags['point']}": _reading(*one.values[0])
            for site, answer in zip(by_site, self._client.query(self._server.raw, statements), strict=True)
            for one in answer
        }

    def count(self, series: str | None) -> int:
        """See TimeSeriesStore.count."""
        counting = f"SELECT count(value) FROM {identifier(MEASUREMENT)} WHERE"
        if series is not None:
            if source(series) is None:
                return 0
            site = series.partition("/")[0]
            since = within(self._marks.of([site])[site].raw_from, END_MS)
            (answer,) = self._client.query(self._server.raw, [f"{counting} {_is(series)} AND {since}"])
            return sum(int(row[1]) for row in _rows(answer))
        whole = f"{counting} {within(0, END_MS)} GROUP BY {identifier('site')}"
        (answer,) = self._client.query(self._server.raw, [whole])
        by_site = {one.tags["site"]: int(one.values[0][1]) for one in answer}
        cut = {site: marks.raw_from for site, marks in self._marks.of(by_site).items() if marks.raw_from}
        statements = [
            f"{counting} {identifier('site')} = {literal(site)} AND {within(raw_from, END_MS)}"
            for site, raw_from in cut.items()
        ]
        for site, answer in zip(cut, self._client.query(self._server.raw, statements), strict=True):
            by_site[site] = sum(int(row[1]) for row in _rows(answer))
        return sum(by_site.values())


def _is(series: str) -> str:
    site, _, point = series.partition("/")
    return f"{identifier('site')} = {literal(site)} AND {identifier('point')} = {literal(point)}"


def _any_of(points: Sequence[str]) -> str:
    if len(points) > _MOST_NAMES:
        return ""
    return " AND (" + " OR ".join(f"{identifier('point')} = {literal(point)}" for point in points) + ")"


def _rows(answer: Sequence[Series]) -> list[list[float]]:
    return answer[0].values if answer else []


def _reading(at_ms: float, value: float, quality: float, delay_ms: float) -> Reading:
    return Reading(from_ms(int(at_ms)), float(value), int(quality), from_ms(int(at_ms) + int(delay_ms)))


def _bound(moment: datetime) -> int:
    # Rows have whole milliseconds: with both ends rounded up, [start, end) means what it says.
    floor = to_ms(moment)
    whole = floor if from_ms(floor) == moment else floor + 1
    return min(max(whole, 0), END_MS)
