"""Switching maintenance modes on and off."""

from datetime import UTC, datetime, timedelta

import pytest
from scenario.site import yunhe
from sqlalchemy import select

from gateway.site.model import Configs
from services.flows import maintenance
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIGS = Configs(sites={"yunhe": yunhe("high-zone-pressure", "hydrant-main-pressure")})


def begin(
    db: Database, target: str = "yunhe/high-zone-pressure", *, reason: str = "valve", until: timedelta = HOUR
) -> str:
    with db.begin() as session:
        mode = maintenance.begin(
            session, CONFIGS, target, reason=reason, until=NOW + until, actor="engineer-water", now=NOW
        )
        return mode.id


@pytest.mark.parametrize("target", ["yunhe", "yunhe/high-zone-pressure", "yunhe/domestic-high-set"])
def test_sites_equipment_and_points_can_be_worked_on(db: Database, target: str) -> None:
    begin(db, target)
    board = maintenance.MaintenanceBoard(CONFIGS.sites)
    with db.read() as session:
        board.load(session)
    at_ms = int(NOW.timestamp() * 1000)
    assert board.reason("yunhe/high-zone-pressure", at_ms) == "valve"
    assert board.reason("yunhe/high-zone-pressure", at_ms - 1) is None
    assert board.reason("yunhe/high-zone-pressure", at_ms + 3_600_000) is None
    assert (board.reason("yunhe/hydrant-main-pressure", at_ms) is not None) == (target == "yunhe")


def test_both_ends_are_audited(db: Database) -> None:
    mode = begin(db)
    with db.begin() as session:
        maintenance.end(session, CONFIGS, mode, "supervisor", NOW + HOUR / 2)
        assert maintenance.end(session, CONFIGS, mode, "supervisor", NOW + HOUR) == []
    with db.read() as session:
        rows = list(session.scalars(select(Audit).order_by(Audit.id)))
        assert maintenance.open_modes(session) == []
    assert [(one.action, one.actor) for one in rows] == [
        ("maintenance.begin", "engineer-water"),
        ("maintenance.end", "supervisor"),
    ]
    begin(db)


def test_mistakes_are_named(db: Database) -> None:
    with pytest.raises(NotFound, match="yunhe/nothing"):
        begin(db, "yunhe/nothing")
    with pytest.raises(NotFound, match="elsewhere"):
        begin(db, "elsewhere")
    with pytest.raises(Invalid, match="needs a reason"):
        begin(db, reason="  ")
    for until in (timedelta(0), timedelta(hours=73)):
        with pytest.raises(Invalid, match="72 hours"):
            begin(db, until=until)
    begin(db)
    with pytest.raises(Conflict, match="in maintenance already"):
        begin(db)
    with pytest.raises(NotFound, match="nothing-here"), db.begin() as session:
        maintenance.end(session, CONFIGS, "nothing-here", "supervisor", NOW)


def test_one_that_a_person_ends_while_it_runs_out_was_ended_by_him(postgres_db: Database) -> None:
    mode = begin(postgres_db)
    with postgres_db.begin() as worker:
        assert maintenance.open_modes(worker)
        with postgres_db.begin() as desk:
            maintenance.end(desk, CONFIGS, mode, "supervisor", NOW + HOUR)
        assert maintenance.end(worker, CONFIGS, mode, "system", NOW + HOUR) == []
    with postgres_db.read() as session:
        ends = session.scalars(select(Audit.actor).where(Audit.action == "maintenance.end"))
        assert list(ends) == ["supervisor"]
