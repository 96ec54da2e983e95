"""How far the rollups of each site have come: in InfluxDB, so that every process sees it, and remembered beside."""

import time
from collections.abc import Iterable, Sequence

from gateway.timeseries.influx.http import Client
from gateway.timeseries.influx.lines import END_MS, compressed, mark_line, mark_query, marks_of
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.influx.spool import Spool
from gateway.timeseries.schema import DAY_MS, Marks
from gateway.timeseries.store import StoreBusy

_KEPT_S = 10.0
"""A reader may be so far behind: marks only grow, and with old ones it reads more rows, not other ones."""


def fetch(client: Client, server: InfluxServer, sites: Sequence[str]) -> dict[str, tuple[Marks, int]]:
    """Per site the newest marks in InfluxDB and their time; zeros for one that has none."""
    found = {}
    answers = client.query(server.hours, [mark_query(site) for site in sites])
    for site, series in zip(sites, answers, strict=True):
        if series and series[0].values:
            at_ms, *cells = series[0].values[0]
            found[site] = (marks_of(cells), int(at_ms))
        else:
            found[site] = (Marks(), 0)
    return found


class SeenMarks:
    """The marks as a reading process sees them."""

    def __init__(self, client: Client, server: InfluxServer) -> None:
        self._client = client
        self._server = server
        self._seen: dict[str, tuple[float, Marks]] = {}

    def of(self, sites: Iterable[str]) -> dict[str, Marks]:
        """The marks of these sites, a few seconds old at most; raises StoreBusy, StoreBroken."""
        now = time.monotonic()
        known = {site: self._seen[site] for site in set(sites) if site in self._seen}
        unknown = [site for site in set(sites) if site not in known or now - known[site][0] > _KEPT_S]
        if unknown:
            for site, (marks, _) in fetch(self._client, self._server, unknown).items():
                self._seen[site] = (now, marks)
        return {site: self._seen[site][1] for site in set(sites)}

    def dirty(self, site: str, start_ms: int, end_ms: int) -> list[int]:
        """Nothing: only the writing process knows."""
        return []


class Progress:
    """The marks as the writing process moves them. Sites it has not asked InfluxDB about yet count as late."""

    def __init__(self, spool: Spool, client: Client, server: InfluxServer) -> None:
        self._spool = spool
        self._client = client
        self._server = server
        self._marks = dict.fromkeys(spool.late_sites(), Marks()) | spool.sites()
        self._marked_at: dict[str, int] = {}
        """Time of the newest mark in InfluxDB, of the sites asked about."""
        self._unsaved: set[str] = set()

    def line(self, sites: Iterable[str]) -> int | None:
        """Before this a row of these sites is late; None when that depends on the site."""
        line = self._spool.late_before
        for site in sites:
            if site not in self._marked_at:
                return None
            line = max(line, self._marks[site].minutes_done, self._marks[site].raw_from)
        return line

    def late_before(self, site: str) -> int:
        """Before this a row of the site marks its minute dirty."""
        if site not in self._marked_at:
            return END_MS
        return max(self._spool.late_before, self._marks[site].minutes_done)

    def marks(self, site: str) -> Marks:
        """The marks of a site as far as they are known here."""
        return self._marks.get(site, Marks())

    def meet(self, sites: Iterable[str]) -> None:
        """These sites exist."""
        for site in sites:
            self._marks.setdefault(site, Marks())

    def known(self) -> list[str]:
        """Sites whose marks InfluxDB has told us."""
        return sorted(self._marked_at)

    def load(self, *, again: bool = False) -> None:
        """Ask InfluxDB about sites not asked about yet (again: about all): another process may have come further."""
        unknown = [site for site in self._marks if again or site not in self._marked_at]
        if unknown:
            for site, (marks, at_ms) in fetch(self._client, self._server, unknown).items():
                with self._spool.changed:
                    own = self._marks[site]
                    self._marks[site] = Marks(*(max(pair) for pair in zip(own, marks, strict=True)))
                    self._marked_at[site] = at_ms
                self._unsaved.add(site)

    def set(self, site: str, marks: Marks) -> None:
        """Move the marks of a site."""
        with self._spool.changed:
            if self._marks.get(site) != marks:
                self._marks[site] = marks
                self._unsaved.add(site)

    def save(self, now_ms: int) -> None:
        """Remember what moved, here and in InfluxDB: one point a day and site, overwritten; raises StoreBusy."""
        with self._spool.changed:
            moved = {site: self._marks[site] for site in sorted(self._unsaved)}
        if not moved:
            return
        self._spool.save_sites(moved)
        lines = []
        for site, marks in moved.items():
            at_ms = max(now_ms // DAY_MS * DAY_MS, self._marked_at.get(site, 0))
            lines.append(mark_line(site, marks, at_ms).encode())
            self._marked_at[site] = at_ms
        sent = self._client.write(self._server.hours, compressed(lines))
        if sent.what != "stored":
            raise StoreBusy(f"InfluxDB did not take the marks of the rollups: {sent.reason}", hint="Tried again soon")
        with self._spool.changed:
            self._unsaved -= {site for site, marks in moved.items() if self._marks[site] == marks}

    def of(self, sites: Iterable[str]) -> dict[str, Marks]:
        """The marks of these sites; InfluxDB is asked about those not met here."""
        wanted = set(sites)
        unknown = [site for site in wanted if site not in self._marked_at]
        seen = fetch(self._client, self._server, unknown) if unknown else {}
        return {site: seen[site][0] if site in seen else self._marks[site] for site in wanted}

    def dirty(self, site: str, start_ms: int, end_ms: int) -> list[int]:
        """Minutes whose rollup is out of date."""
        return self._spool.dirty(site, start_ms, end_ms)
