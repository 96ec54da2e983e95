"""The past that `gengfu demo` begins with: last month, and this one up to now."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from gateway.site.model import Configs
from gateway.timeseries.store import TimeSeriesStore
from services.cli.history import pumps
from services.cli.history.load import load
from services.cli.history.past import Past
from services.kernel import timers
from services.kernel.db import Database
from services.report.months import previous_first
from services.report.watch import WATCH_TIMER


def write_past(db: Database, store: TimeSeriesStore, configs: Configs, now: datetime, seed: int) -> None:
    """Fill fresh databases of every site since the first of last month; the worker makes that month's report."""
    for config in configs.without_demo().sites.values():
        zone = ZoneInfo(config.site.timezone)
        first = previous_first(now.astimezone(zone).date().replace(day=1))
        since_at = datetime.combine(first, time(), zone).astimezone(UTC)
        past = Past(config, since_at, now, seed)
        load(db, store, past, configs.approvals, readings_since=since_at)
        with db.begin() as session:
            pumps.write(session, past)
            timers.schedule(session, WATCH_TIMER, config.site.id, now, data={"since": first.isoformat()})
