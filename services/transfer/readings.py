"""Copying the time series from the SQLite file to InfluxDB, and proving that the copy is one.

Every step may be repeated: InfluxDB overwrites a point with itself. How far the copy is stands in a file beside the
source, written after the server has confirmed; what came late into a period already copied is found by the comparison.
"""

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from gateway.contract.times import from_ms, to_ms
from gateway.timeseries.export import Export, Rollup, Slice
from gateway.timeseries.influx.http import Client, Outcome, Series
from gateway.timeseries.influx.lines import (
    GREATEST,
    LAST_MS,
    LINES_AT_ONCE,
    MEASUREMENT,
    NS_PER_MS,
    TIES,
    Rolled,
    Source,
    compressed,
    identifier,
    literal,
    mark_line,
    render,
    rollup_line,
    source,
    within,
)
from gateway.timeseries.influx.progress import fetch
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.schema import DAY_MS, HOURS, MINUTES, RAW, Level, Marks
from gateway.timeseries.store import Row, StoreBusy
from services.transfer.errors import NotEqual, TargetRefused
from services.transfer.mark import Mark

SLICE_ROWS = 50_000
PATIENCE_S = 120.0
"""How long InfluxDB may be away in the middle of a copy."""
_PAUSE_S = 1.0
_NAMED = 10
_EDGE = timedelta(hours=1)
"""What InfluxDB is about to drop is not given to it."""
_RAW_FIELDS = ("value", "quality", "delay_ms", "tie")
_ROLLED_FIELDS = ("count", "total", "low", "high", "last")

Step = Callable[[str, int], None]
"""Told about (phase `copy` or `verify`; rows of it done since the last call)."""
Seal = tuple[int, bytes]
"""How many rows of a series there are in a slice, and the digest of all of them in order."""


class Kept(NamedTuple):
    """What a copy comprises: since when raw readings and minutes are worth copying, and until when."""

    raw_from: int
    minutes_from: int
    until: int


class Report(NamedTuple):
    """What came of a copy."""

    rows: int
    again: list[str]
    """Series and days that were found different and copied again."""
    merged: int
    """Readings that InfluxDB cannot tell from another of the same millisecond."""
    left: list[str]
    """What InfluxDB cannot keep, and why."""


class Difference(NamedTuple):
    """A series whose rows of a slice are not the same."""

    piece: Slice
    series: str
    ours: int
    theirs: int

    def __str__(self) -> str:
        day, table = from_ms(self.piece.start_ms).date(), _NAMES[self.piece.level]
        found = f"{self.ours:,} rows, {self.theirs:,} in InfluxDB" if self.ours != self.theirs else "other values"
        return f"{self.series}, {day} ({table}): {found}"


_NAMES = {RAW: "raw", MINUTES: "1m", HOURS: "1h"}


def kept(marks: Marks, now: datetime, raw: timedelta, minutes: timedelta, until_ms: int) -> Kept:
    """What to copy: nothing that is beyond the retention of its bucket already, in whole buckets of the file."""

    def since(level: Level, mark: int, keep: timedelta) -> int:
        oldest = to_ms(now - keep + _EDGE)
        return max(mark, -(-oldest // level.bucket_ms) * level.bucket_ms)

    return Kept(since(RAW, marks.raw_from, raw), since(MINUTES, marks.minutes_from, minutes), until_ms)


class Transfer:
    """One copy from a store to a server."""

    def __init__(self, export: Export, client: Client, server: InfluxServer, step: Step) -> None:
        self._export = export
        self._client = client
        self._server = server
        self._step = step
        self._sources: dict[str, Source] = {}
        self._left: dict[str, None] = {}
        self._merged = 0

    def refuse_if_ahead(self, marks: Marks) -> None:
        """Raise TargetRefused when Gengfu already works with this InfluxDB."""
        ask = partial(fetch, self._client, self._server, self._sites())
        for site, (found, _) in _patiently(ask).items():
            if found.minutes_done > marks.minutes_done:
                raise TargetRefused(
                    f"InfluxDB at {self._server.url} already has readings of {site} that are newer than the file",
                    hint="Copy before Gengfu works with InfluxDB, or into buckets of another name",
                )

    def slices(self, span: Kept, marks: Marks) -> Iterator[Slice]:
        """Everything to be copied, raw readings first."""
        export = self._export
        yield from export.slices(RAW, span.raw_from, span.until, SLICE_ROWS)
        yield from export.slices(MINUTES, span.minutes_from, min(span.until, marks.minutes_done), SLICE_ROWS)
        yield from export.slices(HOURS, marks.hours_from, min(span.until, marks.hours_done), SLICE_ROWS)

    def copy(self, pieces: Iterable[Slice], mark: Mark) -> int:
        """Copy what the mark does not have; the number of rows. Raises StoreBusy, TargetRefused."""
        total = 0
        with ThreadPoolExecutor(1, "influx") as sending:
            for piece in pieces:
                name = _NAMES[piece.level]
                if piece.end_ms <= mark.before(name):
                    self._step("copy", piece.rows)
                    continue
                total += self._send(piece, self._lines(piece), sending)
                mark.set(name, piece.end_ms)
        return total

    def compare(self, pieces: Iterable[Slice], *, repair: bool) -> list[str]:
        """Read everything back; what differs is copied again once, and named. Raises NotEqual for what stays so."""
        mended: list[str] = []
        wrong: list[Difference] = []
        for piece in pieces:
            found = self._differences(piece)
            if found and repair:
                mended += map(str, found)
                with ThreadPoolExecutor(1, "influx") as sending:
                    self._send(piece, self._lines(piece), sending, quiet=True)
                found = self._differences(piece)
            wrong += found
            self._step("verify", piece.rows)
        if wrong:
            more = f"\n… and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
            raise NotEqual(
                f"InfluxDB differs from the file in {len(wrong)} places",
                hint="\n".join(map(str, wrong[:_NAMED])) + more + "\nRun it again; if it stays, empty the buckets",
            )
        return mended

    def finish(self, marks: Marks, span: Kept, now: datetime) -> None:
        """Tell InfluxDB how far the rollups are: Gengfu goes on from there."""
        moved = marks._replace(raw_from=max(marks.raw_from, span.raw_from), late_before=0, generation=0)
        moved = moved._replace(minutes_from=max(marks.minutes_from, span.minutes_from))
        at_ms = to_ms(now) // DAY_MS * DAY_MS
        lines = [mark_line(site, moved, at_ms).encode() for site in self._sites()]
        if lines:
            self._write(self._server.hours, compressed(lines))

    def report(self, rows: int, again: list[str]) -> Report:
        """What came of it."""
        return Report(rows, again, self._merged, list(self._left))

    def _bucket(self, piece: Slice) -> str:
        return {RAW: self._server.raw, MINUTES: self._server.minutes, HOURS: self._server.hours}[piece.level]

    def _sites(self) -> list[str]:
        found = (source(name) for name in self._export.series.values())
        return sorted({one.site for one in found if one is not None})

    def _send(self, piece: Slice, lines: Iterator[str], sending: ThreadPoolExecutor, *, quiet: bool = False) -> int:
        """Rendering and sending overlap; at most two bodies are in memory."""
        bucket = self._bucket(piece)
        under_way: Future[None] | None = None
        total = 0
        for batch in _batches(lines, LINES_AT_ONCE):
            body = compressed(batch)
            if under_way is not None:
                under_way.result()
            under_way = sending.submit(self._write, bucket, body)
            total += len(batch)
            if not quiet:
                self._step("copy", len(batch))
        if under_way is not None:
            under_way.result()
        return total

    def _write(self, bucket: str, body: bytes) -> None:
        def write() -> None:
            sent: Outcome = self._client.write(bucket, body)
            if sent.what == "later":
                raise StoreBusy(
                    f"InfluxDB at {self._server.url} does not answer: {sent.reason}",
                    hint="Run this again: it goes on where it was",
                )
            if sent.what != "stored":
                raise TargetRefused(
                    f"InfluxDB at {self._server.url} does not take readings into {bucket}: {sent.reason}",
                    hint="Check the bucket, its retention and the token: gengfu influx check",
                )

        _patiently(write)

    def _lines(self, piece: Slice) -> Iterator[str]:
        if piece.level is RAW:
            for _, rows in self._raw(piece):
                yield from render(rows, self._sources)
            return
        for series, rollups in self._rolled(piece):
            site, _, point = series.partition("/")
            for at_ms, count, total, low, high, last in rollups:
                yield rollup_line(site, Rolled(point, at_ms, count, total, low, high, last))

    def _raw(self, piece: Slice) -> Iterator[tuple[str, list[Row]]]:
        """The rows InfluxDB can keep, in its order, one per nanosecond."""
        for series, rows in self._export.rows(piece):
            if not self._can_name(series):
                continue
            fit = [row for row in rows if -GREATEST <= row[3] <= GREATEST and row[1] <= LAST_MS]
            if len(fit) < len(rows):
                self._leave(f"{series}: {len(rows) - len(fit)} values beyond {GREATEST:g} on {_day(piece)}")
            single = told_apart(fit)
            self._merged += len(fit) - len(single)
            yield series, single

    def _rolled(self, piece: Slice) -> Iterator[tuple[str, list[Rollup]]]:
        for series, rollups in self._export.rollups(piece):
            if self._can_name(series):
                fit = [one for one in rollups if all(-GREATEST <= value <= GREATEST for value in one[2:])]
                if len(fit) < len(rollups):
                    self._leave(f"{series}: {len(rollups) - len(fit)} sums beyond {GREATEST:g} on {_day(piece)}")
                yield series, fit

    def _can_name(self, series: str) -> bool:
        if series not in self._sources:
            found = source(series)
            if found is None:
                self._leave(f"{series!r}: InfluxDB cannot keep this name")
                return False
            self._sources[series] = found
        return True

    def _leave(self, what: str) -> None:
        self._left[what] = None

    def _differences(self, piece: Slice) -> list[Difference]:
        merged, left = self._merged, dict(self._left)
        ours = (
            {series: seal_of_rows(rows) for series, rows in self._raw(piece)}
            if piece.level is RAW
            else {series: seal(rollups) for series, rollups in self._rolled(piece)}
        )
        self._merged, self._left = merged, left  # they are counted where they are copied
        theirs = self._theirs(piece)
        return [
            Difference(piece, series, ours.get(series, _NONE)[0], theirs.get(series, _NONE)[0])
            for series in sorted({*ours, *theirs})
            if ours.get(series, _NONE) != theirs.get(series, _NONE)
        ]

    def _theirs(self, piece: Slice) -> dict[str, Seal]:
        names = ", ".join(identifier(name) for name in (_RAW_FIELDS if piece.level is RAW else _ROLLED_FIELDS))
        found: dict[str, Seal] = {}
        for site in self._sites():
            statement = (
                f"SELECT {names} FROM {identifier(MEASUREMENT)} WHERE {identifier('site')} = {literal(site)}"  # noqa: S608
                f" AND {within(piece.start_ms, piece.end_ms)} GROUP BY {identifier('point')}"
            )
            ask = partial(self._client.query, self._bucket(piece), [statement])
            answer: list[Series] = _patiently(ask)[0]
            found |= {f"{site}/{one.tags['point']}": seal(one.values) for one in answer}
        return found


_NONE: Seal = (0, b"")
_T = TypeVar("_T")


def _patiently(ask: Callable[[], _T]) -> _T:
    """Ask again while InfluxDB is away, for a while."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except StoreBusy:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)


def seal(rows: Sequence[Sequence[Any]]) -> Seal:
    """Number and digest of rows of numbers; a row with a hole is like no row."""
    if not rows:
        return _NONE
    try:
        flat = array("d", chain.from_iterable(rows))
    except TypeError:
        return len(rows), b"a field is missing"
    return len(rows), blake2b(flat.tobytes(), digest_size=16).digest()


def seal_of_rows(rows: Sequence[Row]) -> Seal:
    """The seal of raw rows, as InfluxDB answers them."""
    return seal([(at, value, quality, received - at, tie) for _, at, tie, value, quality, received in rows])


def told_apart(rows: Sequence[Row]) -> list[Row]:
    """Rows of one series in the order of their nanoseconds; of several in one the last, which overwrites the others."""
    by_ns = {at * NS_PER_MS + tie % TIES: row for row in rows for at, tie in (row[1:3],)}
    return [by_ns[at_ns] for at_ns in sorted(by_ns)]


def _batches(lines: Iterator[str], size: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line.encode())
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _day(piece: Slice) -> str:
    return datetime.fromtimestamp(piece.start_ms / 1000, UTC).date().isoformat()
