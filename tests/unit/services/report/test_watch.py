"""On the first both reports are made, once, and after an outage every missed one; beside the worker."""

from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from console import shipped
from couriers import Script
from reports import Records, assemble
from sqlalchemy import select

from gateway.site.fire import Fire
from gateway.site.model import Configs
from gateway.site.patrol import Patrol
from gateway.site.upkeep import Upkeep
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import TimeSeriesStore
from services.alert.tables import Alert
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.report import watch
from services.report.draft import Drafter
from services.report.service import Press
from services.report.tables import ReportSnapshot
from services.report.watch import MOST_MISSED, ReportDesk, due_at, months_due, next_due
from services.worker import Worker

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
SITE = "yunhe"


@pytest.mark.parametrize("zone", [SHANGHAI, NEW_YORK, ZoneInfo("Pacific/Kiritimati")])
def test_a_report_is_due_at_two_on_the_first(zone: ZoneInfo) -> None:
    due = due_at(date(2026, 10, 1), zone)
    assert due == datetime(2026, 11, 1, 2, 0, tzinfo=zone)
    before, after = due - timedelta(seconds=1), due
    assert months_due(date(2026, 10, 1), zone, before) == []
    assert months_due(date(2026, 10, 1), zone, after) == [date(2026, 10, 1)]
    assert next_due(zone, before) == due
    assert next_due(zone, after) == due_at(date(2026, 11, 1), zone) == datetime(2026, 12, 1, 2, 0, tzinfo=zone)


def test_the_month_in_which_the_watch_began_is_the_first() -> None:
    now = datetime(2027, 2, 10, tzinfo=UTC)
    assert months_due(date(2026, 11, 1), SHANGHAI, now) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


def test_an_outage_of_years_is_not_made_up_for() -> None:
    due = months_due(date(2020, 1, 1), SHANGHAI, datetime(2026, 11, 10, tzinfo=UTC))
    assert len(due) == MOST_MISSED
    assert (due[0], due[-1]) == (date(2025, 11, 1), date(2026, 10, 1))


@dataclass
class Night:
    """A worker with a report desk whose thread is waited for."""

    db: Database
    clock: FakeClock
    records: Records
    desk: ReportDesk
    worker: Worker
    store: TimeSeriesStore

    def turn(self, **later: float) -> None:
        """Let the worker turn twice: once to find what is due, once to look after what the thread did."""
        if later:
            self.clock.advance(timedelta(**later))
        self.worker.turn()
        wait(list(self.desk._going.values()), timeout=20)
        self.worker.turn()

    def made(self) -> list[tuple[str, str]]:
        """Month and kind of every report."""
        with self.db.read() as session:
            rows = session.scalars(select(ReportSnapshot).order_by(ReportSnapshot.month_on, ReportSnapshot.kind))
            return [(f"{row.month_on:%Y-%m}", row.kind) for row in rows]

    def alerts(self) -> list[Alert]:
        """Open alerts about reports."""
        with self.db.read() as session:
            rule = select(Alert).where(Alert.rule == "SYS-REPORT", Alert.active)
            return list(session.scalars(rule))


@pytest.fixture
def night(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """The last evening of October."""
    clock, records = FakeClock(datetime(2026, 10, 31, 14, 0, tzinfo=UTC)), Records()
    store = open_sqlite_store(tmp_path / "readings.db")

    @contextmanager
    def opened():
        yield store

    monkeypatch.setattr(watch, "Drafter", partial(Drafter, chapters=records.chapters, assemble=assemble))
    # No rounds and no fire protection: their watches would keep the worker busy.
    bare = {"patrol": Patrol(), "fire": Fire(), "upkeep": Upkeep()}
    configs = Configs(sites={SITE: shipped().site(SITE).model_copy(update=bare)})
    desk = ReportDesk(db, configs, clock, partial(watch.make_missing, db, configs, clock, opened))

    yield Night(db, clock, records, desk, Worker(db, configs, clock, lambda _channel: Script(), reports=desk), store)
    desk.close()
    store.close()


def test_both_kinds_are_made_on_the_first_and_only_once(night: Night) -> None:
    night.turn()
    assert night.made() == []
    night.turn(hours=3, minutes=59)
    assert night.made() == []
    night.turn(minutes=2)
    assert night.made() == [("2026-10", "facilities"), ("2026-10", "fire")]
    for _ in range(3):
        night.turn(hours=20)
    assert len(night.made()) == 2
    with night.db.read() as session:
        told = set(session.scalars(select(Message.kind).where(Message.subject_kind == "system")))
        timer = session.scalars(select(Timer).where(Timer.kind == "report.watch")).one()
    assert "report.made" in told
    assert timer.due_at == datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    assert night.alerts() == []


def test_an_outage_of_months_loses_none(night: Night) -> None:
    night.turn()
    night.turn(days=100)
    assert [month for month, kind in night.made() if kind == "fire"] == ["2026-10", "2026-11", "2026-12", "2027-01"]


def test_what_fails_is_an_alert_and_is_tried_again(night: Night) -> None:
    night.turn()
    night.records.broken = True
    night.turn(hours=5)
    assert night.made() == []
    assert [one.title_en for one in night.alerts()] == [
        "The monthly report could not be made, it is tried again: the records cannot be read"
    ]
    night.records.broken = False
    night.turn(minutes=11)
    assert len(night.made()) == 2
    night.turn(minutes=11)
    assert night.alerts() == []


def test_a_report_somebody_made_by_hand_is_left_alone(night: Night) -> None:
    night.turn()
    night.clock.advance(timedelta(hours=2, minutes=30))  # 00:30 on the first
    drafter = Drafter(night.desk.configs, night.store, night.records.chapters, assemble)
    Press(night.db, night.clock, drafter).make(SITE, "facilities", "2026-10", "manager")
    night.turn(hours=2)
    assert night.made() == [("2026-10", "facilities"), ("2026-10", "fire")]
    with night.db.read() as session:
        assert set(session.scalars(select(ReportSnapshot.made_by))) == {"manager", "system"}
