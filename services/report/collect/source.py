"""Where collectors read: the state's rows, the readings, and the site as its files declare it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from gateway.timeseries.store import TimeSeriesStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """What a collector may read; it writes nothing."""

    session: Session
    store: TimeSeriesStore
    config: SiteConfig
    """The site of the report."""
    configs: Configs
    """Rules and names that all sites share."""
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, what: Hashable, read: Callable[[], T]) -> T:
        """What several topics need is read once: a report is counted from one view of the records."""
        if what not in self._known:
            self._known[what] = read()
        found: T = self._known[what]
        return found
