"""The embedded time-series store: one SQLite file, one writing process, any number of reading ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.timeseries.reader import Reader
from gateway.timeseries.rollup import Keeper
from gateway.timeseries.store import (
    EPOCH,
    AheadClaim,
    Bucket,
    Reading,
    Refused,
    Row,
    StoreBroken,
    TimeSeriesStore,
    WriteResult,
)
from gateway.timeseries.writer import Writer

BUSY_TIMEOUT = timedelta(seconds=1)


def open_sqlite_store(
    path: Path, read_only: bool = False, *, busy_timeout: timedelta = BUSY_TIMEOUT
) -> TimeSeriesStore:
    """Open the store at `path`, created if need be; read-only: a missing file is an empty store until it appears."""
    if read_only:
        return SqliteStore(path, Reader(path), None)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = Writer(path, busy_timeout)
    return SqliteStore(path, Reader(path), (writer, Keeper(path, busy_timeout)))


class SqliteStore:
    """TimeSeriesStore on SQLite; safe to share between threads."""

    def __init__(self, path: Path, reader: Reader, changers: tuple[Writer, Keeper] | None) -> None:
        self.path = path
        self._reader = reader
        self._changers = changers

    def write(self, rows: Sequence[Row]) -> WriteResult:
        """See TimeSeriesStore; also raises RowRefused."""
        return self._writer.write(rows)

    def range(
        self, series: str, start: datetime, end: datetime, step: timedelta, *, origin: datetime = EPOCH
    ) -> list[Bucket]:
        """See TimeSeriesStore."""
        return self._reader.range(series, start, end, step, origin)

    def readings(self, series: str, start: datetime, end: datetime, limit: int = 10_000) -> list[Reading]:
        """See TimeSeriesStore."""
        return self._reader.readings(series, start, end, limit)

    def latest(self, series: Sequence[str]) -> dict[str, Reading]:
        """See TimeSeriesStore."""
        return self._reader.latest(series)

    def count(self, series: str | None = None) -> int:
        """See TimeSeriesStore."""
        return self._reader.count(series)

    def settle_ahead(self, series: str, claimed_ms: int, tie: int, used_ms: int) -> int:
        """See TimeSeriesStore."""
        return self._writer.settle([AheadClaim(series, claimed_ms, tie, used_ms)])[0]

    def settle_all_ahead(self, claims: Sequence[AheadClaim]) -> list[int]:
        """See TimeSeriesStore."""
        return self._writer.settle(claims)

    def retain(self, now: datetime, raw: timedelta, minutes: timedelta, hours: timedelta) -> int:
        """See TimeSeriesStore. A rollup is kept at least as long as what it is made of."""
        return self._keeper.retain(now, raw, minutes, hours)

    def maintain(self, now: datetime) -> None:
        """See TimeSeriesStore."""
        self._keeper.maintain(now)

    def refused(self, limit: int = 100) -> list[Refused]:
        """Never anything: what SQLite will not keep is refused at the door (RowRefused)."""
        return []

    def forget_refused(self, through: int) -> None:
        """Nothing to forget."""

    def figures(self) -> dict[str, float]:
        """None: what is written is stored."""
        return {}

    def close(self) -> None:
        """See TimeSeriesStore."""
        self._reader.close()
        if self._changers is not None:
            for changer in self._changers:
                changer.close()

    @property
    def _writer(self) -> Writer:
        return self._may_change()[0]

    @property
    def _keeper(self) -> Keeper:
        return self._may_change()[1]

    def _may_change(self) -> tuple[Writer, Keeper]:
        if self._changers is None:
            raise StoreBroken(
                f"The time-series store {self.path} is open for reading only", hint="Write through ingest"
            )
        return self._changers
