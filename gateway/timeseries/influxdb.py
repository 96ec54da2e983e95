"""Readings in InfluxDB 1.8+, 2.x or 3: written through a durable spool, read by InfluxQL."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.timeseries.store import TimeSeriesStore


@dataclass(frozen=True, slots=True)
class InfluxServer:
    """Where InfluxDB listens and how to sign in; the token never shows in a repr."""

    url: str
    bucket: str = "gengfu"
    """First part of the names of its buckets: `{bucket}_raw`, `{bucket}_1m`, `{bucket}_1h`."""
    org: str = "gengfu"
    username: str = ""
    token: str = field(default="", repr=False)
    ca: Path | None = None


def open_influx_store(server: InfluxServer, spool: Path | None, *, spool_bytes: int) -> TimeSeriesStore:
    """Open the store; without a spool for reading only."""
    raise NotImplementedError
