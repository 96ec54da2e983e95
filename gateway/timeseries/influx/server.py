"""Where InfluxDB is."""

from dataclasses import dataclass, field
from pathlib import Path


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

    @property
    def raw(self) -> str:
        """The bucket of raw readings."""
        return f"{self.bucket}_raw"

    @property
    def minutes(self) -> str:
        """The bucket of minutes."""
        return f"{self.bucket}_1m"

    @property
    def hours(self) -> str:
        """The bucket of hours and of the marks."""
        return f"{self.bucket}_1h"
