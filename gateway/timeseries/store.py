"""The time-series interface every store answers: what ingest writes to and what charts and rules read from."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from gateway.contract.errors import GengfuError

Row = tuple[str, int, int, float, int, int]
"""(series `site/point`, at_ms, tie, value, quality 0 good | 1 uncertain | 2 bad, received_ms)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_BATCH_INDEX = 0xFFFF


class StoreBusy(GengfuError):
    """Somebody else holds the store: nothing was written, try again."""


class StoreBroken(GengfuError):
    """The store cannot work until a person looks at it: damaged, full, unreadable, or of a newer version."""


class RowRefused(GengfuError):
    """A row no store can keep (not a finite number, impossible time or quality); its whole write was refused."""


class WriteResult(NamedTuple):
    """What became of the rows of one write; together they are all of them."""

    stored: int
    repeated: int
    """Already stored: same series, time and tie."""
    expired: int = 0
    """Older than what `retain` keeps: dropped, as they would be at its next run."""


class Reading(NamedTuple):
    """One stored row."""

    at: datetime
    value: float
    quality: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """Good and uncertain readings of one step; a step without any has no bucket."""

    at: datetime
    """Start of the step."""
    count: int
    mean: float
    """Within rounding of double addition, and never outside min..max."""
    min: float
    max: float
    last: float
    """Value of the newest reading; of several in its millisecond, the one with the greatest tie."""


class AheadClaim(NamedTuple):
    """A reading whose device's clock runs ahead, and the time we would use instead."""

    series: str
    claimed_ms: int
    tie: int
    used_ms: int


class Refused(NamedTuple):
    """Something that was taken in durably and that the server behind the store will never keep."""

    number: int
    """Counts up; by it the caller says what it has quarantined."""
    line: bytes
    """As it was sent."""
    reason: str
    refused_at: datetime


class TimeSeriesStore(Protocol):
    """Readings by series and time. Times are aware datetimes, intervals are half-open [start, end)."""

    def write(self, rows: Sequence[Row]) -> WriteResult:
        """Take rows in one durable transaction; rows stored before are not kept twice. Raises StoreBusy, StoreBroken.

        A store with a server behind it (InfluxDB) keeps them in a spool on local disk and sends them on; then `stored`
        counts what was taken, and repeats are found only by the server, which overwrites.
        """

    def range(
        self, series: str, start: datetime, end: datetime, step: timedelta, *, origin: datetime = EPOCH
    ) -> list[Bucket]:
        """Aggregates per step, oldest first. Steps are counted from `origin` (for local days: a local midnight)."""

    def readings(self, series: str, start: datetime, end: datetime, limit: int = 10_000) -> list[Reading]:
        """The first `limit` rows of the interval, oldest first, every quality."""

    def latest(self, series: Sequence[str]) -> dict[str, Reading]:
        """The newest row of each series that has one, whatever its quality."""

    def count(self, series: str | None = None) -> int:
        """How many rows are kept, of one series or of all."""

    def settle_ahead(self, series: str, claimed_ms: int, tie: int, used_ms: int) -> int:
        """The `used_ms` first recorded (durably) for this claimed reading, so that its repeats share one row."""

    def settle_all_ahead(self, claims: Sequence[AheadClaim]) -> list[int]:
        """`settle_ahead` for many, in one transaction."""

    def retain(self, now: datetime, raw: timedelta, minutes: timedelta, hours: timedelta) -> int:
        """Drop what is older, in whole buckets, and only what is rolled up; the number of rows dropped."""

    def maintain(self, now: datetime) -> None:
        """A bounded piece of housekeeping beside the writer; call it about once a second. May raise StoreBusy."""

    def refused(self, limit: int = 100) -> list[Refused]:
        """The oldest of what the server behind the store will not keep, until `forget_refused`."""

    def forget_refused(self, through: int) -> None:
        """Drop what was refused up to this number: the caller has quarantined it."""

    def figures(self) -> dict[str, float]:
        """The store's own numbers for the heartbeat, e.g. `spool_rows`; none for a store without a spool."""

    def close(self) -> None:
        """Release the files; the store is of no use afterwards."""


def tie_of(event_id: str, index: int) -> int:
    """48 bits that tell readings of one point in one millisecond apart; the same for every sending of a reading.

    `index` is the place in the event's batch (0 for a single reading). Two different events collide, and one of the
    two readings is lost, only if point, millisecond and index agree and their CRC-32 does too: 1 in 4.3 thousand
    million for unrelated ids, and never for ids of one length that differ in up to four neighbouring characters, which
    consecutive sequence numbers do.
    """
    if not 0 <= index <= MAX_BATCH_INDEX:
        raise ValueError(f"index {index} of event {event_id} is not within 0..{MAX_BATCH_INDEX}")
    return zlib.crc32(event_id.encode()) << 16 | index
