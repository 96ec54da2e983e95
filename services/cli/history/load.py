"""Writes a whole past into fresh databases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.site.approvals import ApprovalBand
from gateway.timeseries.store import TimeSeriesStore
from services.cli.history import alarms, ledger, order_rows, orders, rounds, tasks
from services.cli.history.past import Past
from services.equipment import service as equipment
from services.kernel.db import Database
from services.maintenance.generate import generate

Progress = Callable[[str], None]
_STEP = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Planted:
    """What truly happened: what any report about this past must say."""

    past: Past
    orders: orders.OrderFacts
    rounds: tuple[rounds.RoundFact, ...]
    handovers: tuple[str, ...]
    tasks: tuple[tasks.TaskFact, ...]
    alarms: alarms.AlarmFacts
    ledger: ledger.LedgerFacts


def load(
    db: Database,
    store: TimeSeriesStore,
    past: Past,
    bands: Sequence[ApprovalBand],
    *,
    readings_since: datetime,
    orders_per_day: float = 3.0,
    progress: Progress = lambda _part: None,
) -> Planted:
    """Write the past of a site whose databases are empty of it; returns what was written as facts."""
    progress("ledger")
    with db.begin() as session:
        equipment.sync(session, past.config, past.since_at)
        kept = {row.eid: row for row in equipment.of_site(session, past.site)}
        told = ledger.plan(past, [one.id for one in past.config.equipment])
        ledger.write(session, past, told, kept)
    progress("tasks")
    _make_tasks(db, past)
    with db.begin() as session:
        kept = {row.eid: row for row in equipment.of_site(session, past.site)}
        done = tasks.plan(session, past)
        tasks.write(session, past, done, kept)
    progress("orders")
    asked = orders.plan(past, past.config.equipment, orders_per_day)
    with db.begin() as session:
        order_rows.write(session, past, asked, {eid: row.id for eid, row in kept.items()}, bands)
    progress("rounds")
    walked, handed = rounds.plan(past), rounds.handovers(past)
    with db.begin() as session:
        rounds.write(session, past, walked)
        rounds.write_handovers(session, past, handed)
    progress("alarms")
    alarmed = alarms.plan(past)
    with db.begin() as session:
        alarms.write(session, past, alarmed)
    alarms.write_readings(store, past, alarmed, readings_since)
    return Planted(past, asked, tuple(walked), tuple(handed), tuple(done), alarmed, told)


def _make_tasks(db: Database, past: Past) -> None:
    """As the worker would have made them after outages: month by month up to now."""
    at = past.since_at
    while True:
        with db.begin() as session:
            while generate(session, past.config, at):
                pass
        if at >= past.until_at:
            return
        at = min(at + _STEP, past.until_at)
