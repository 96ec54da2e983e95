"""From rows to the spool: checked, rendered, late ones noted, in one durable transaction."""

from collections.abc import Sequence
from operator import itemgetter

from gateway.timeseries.influx.lines import LINES_AT_ONCE, Source, compressed, render
from gateway.timeseries.influx.progress import Progress
from gateway.timeseries.influx.spool import Part, Spool
from gateway.timeseries.schema import MINUTE_MS
from gateway.timeseries.store import Row, WriteResult

_series = itemgetter(0)
_at = itemgetter(1)
_received = itemgetter(5)


class Intake:
    """The door of the spool. Any number of threads."""

    def __init__(self, spool: Spool, progress: Progress) -> None:
        self._spool = spool
        self._progress = progress
        self._sources: dict[str, Source] = {}

    def write(self, rows: Sequence[Row]) -> WriteResult:
        """See TimeSeriesStore.write."""
        if not rows:
            return WriteResult(0, 0)
        lines = render(rows, self._sources)
        sites = {self._sources[series].site for series in set(map(_series, rows))}
        taken_ms = max(map(_received, rows))
        # Held from here on: the line must not move between our look at it and the rows being in the file.
        with self._spool.changed:
            line_ms = self._progress.line(sites)
            if line_ms is not None and min(map(_at, rows)) >= line_ms:
                kept, dirty = list(zip(rows, lines, strict=True)), set[tuple[str, int]]()
                late_before = dict.fromkeys(sites, line_ms)
            else:
                kept, dirty, late_before = self._sort_out(rows, lines, sites)
            parts = []
            for first in range(0, len(kept), LINES_AT_ONCE):
                piece = kept[first : first + LINES_AT_ONCE]
                on_time = [row[1] for row, _ in piece if row[1] >= late_before[self._sources[row[0]].site]]
                body = compressed([line.encode() for _, line in piece])
                parts.append(Part(body, len(piece), min(on_time, default=None)))
            self._progress.meet(sites)
            if parts:
                self._spool.put(parts, dirty, taken_ms)
        return WriteResult(len(kept), 0, len(rows) - len(kept))

    def _sort_out(
        self, rows: Sequence[Row], lines: Sequence[str], sites: set[str]
    ) -> tuple[list[tuple[Row, str]], set[tuple[str, int]], dict[str, int]]:
        """What is not expired, the minutes that are late, and since when a row of each site is on time."""
        late_before = {site: self._progress.late_before(site) for site in sites}
        raw_from = {site: self._progress.marks(site).raw_from for site in sites}
        kept, dirty = [], set()
        for row, line in zip(rows, lines, strict=True):
            site, at_ms = self._sources[row[0]].site, row[1]
            if at_ms < raw_from[site]:
                continue
            kept.append((row, line))
            if at_ms < late_before[site]:
                dirty.add((site, at_ms // MINUTE_MS * MINUTE_MS))
        return kept, dirty, late_before
