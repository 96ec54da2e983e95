"""Once a minute: what processes say of themselves and what waits; old minutes are dropped in portions."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.device.tables import Quarantine
from services.flows import figures
from services.kernel.db import Database
from services.kernel.figures import ProcessFigure
from services.kernel.heartbeat import beat
from services.kernel.timers import schedule

NOW = datetime(2026, 11, 22, 4, 0, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def note(db: Database, now: datetime = NOW) -> None:
    with db.begin() as session:
        figures.note(session, now)


def noted(db: Database) -> dict[tuple[str, str, str], float]:
    with db.read() as session:
        return {(one.role, one.holder, one.name): one.value for one in session.scalars(select(ProcessFigure))}


def test_figures_of_living_processes_and_what_waits(db: Database) -> None:
    with db.begin() as session:
        beat(session, "ingest", "host:main", NOW, lag_ms=40.0, readings=7)
        beat(session, "ingest", "host:gone", NOW - 2 * MINUTE, lag_ms=9.0)
        schedule(session, "some", "a", NOW - MINUTE)
        schedule(session, "some", "b", NOW + MINUTE)
        session.add(Quarantine(id="q", received_at=NOW, topic="t", payload=b"", code="contract", reason="r"))
    note(db)
    found = noted(db)
    assert {key: value for key, value in found.items() if key[0] == "ingest"} == {
        ("ingest", "host:main", "alive"): 1.0,
        ("ingest", "host:main", "lag_ms"): 40.0,
        ("ingest", "host:main", "readings"): 7.0,
    }
    assert {key[2]: value for key, value in found.items() if key[0] == "queue"} == {
        "timers": 1.0, "messages": 0.0, "quarantine": 1.0, "annotations": 0.0, "commands": 0.0,
    }  # fmt: skip


def test_a_minute_is_written_once(db: Database) -> None:
    note(db)
    with db.begin() as session:
        beat(session, "worker", "w", NOW)
    note(db, NOW + timedelta(seconds=40))
    assert not [key for key in noted(db) if key[0] == "worker"]
    note(db, NOW + MINUTE)
    with db.read() as session:
        minutes = set(session.scalars(select(ProcessFigure.at)))
    assert minutes == {NOW.replace(second=0), NOW.replace(second=0) + MINUTE}


def test_a_fortnight_is_kept_and_the_rest_goes_in_portions(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FORGOTTEN_AT_ONCE", 3)
    start = NOW.replace(second=0)
    with db.begin() as session:
        session.add_all(
            ProcessFigure(at=start - figures.KEPT - count * MINUTE, role="queue", holder="", name="timers", value=1.0)
            for count in range(5)
        )
    note(db)
    with db.read() as session:
        old = sorted(session.scalars(select(ProcessFigure.at).where(ProcessFigure.at < start)))
    assert old == [start - figures.KEPT - MINUTE, start - figures.KEPT]
    note(db, NOW + 10 * MINUTE)
    with db.read() as session:
        assert not session.scalars(select(ProcessFigure.at).where(ProcessFigure.at < start)).all()
