from datetime import timedelta

import pytest
from patrol_rows import SITE, START, missed
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound
from services.patrol import anomalies
from services.patrol.tables import Anomaly

LATER = START + timedelta(hours=1)


def opened(s: Session, kind: str = "late", ref: str = "yunhe/r:0", guard: str = "guard") -> Anomaly:
    return anomalies.open_anomaly(s, site=SITE, kind=kind, ref=ref, at=START, now=LATER, guard=guard)


def test_the_same_anomaly_is_opened_once(db: Database) -> None:
    with db.begin() as s:
        first = opened(s)
        assert opened(s).id == first.id
        assert opened(s, kind="early").id != first.id
    with db.read() as s:
        assert anomalies.count_open(s, SITE) == 2


def test_a_withdrawn_one_comes_back_and_a_closed_one_stays_closed(db: Database) -> None:
    with db.begin() as s:
        found = opened(s)
        anomalies.withdraw(s, SITE, "late", "yunhe/r:0", LATER)
        assert anomalies.count_open(s, SITE) == 0
        again = opened(s, guard="guard-2")
        assert (again.id, again.withdrawn_at, again.guard) == (found.id, None, "guard-2")
        anomalies.close(s, found.id, comment="路灯故障绕行", actor="supervisor", now=LATER)
        assert opened(s).closed_at == LATER
        assert anomalies.open_anomalies(s, SITE) == []


def test_withdrawing_nothing_is_nothing(db: Database) -> None:
    with db.begin() as s:
        assert anomalies.withdraw(s, SITE, "late", "nowhere", LATER) is None


def test_closing_writes_who_when_and_why_into_the_audit(db: Database) -> None:
    with db.begin() as s:
        found = opened(s)
        anomalies.close(s, found.id, comment="  路灯故障绕行 ", actor="supervisor", now=LATER)
    with db.read() as s:
        row = s.get(Anomaly, found.id)
        assert row is not None
        assert (row.comment, row.closed_by, row.closed_at) == ("路灯故障绕行", "supervisor", LATER)
        entry = s.scalars(select(Audit).where(Audit.ref == found.id)).one()
        assert (entry.actor, entry.at, entry.detail["comment"]) == ("supervisor", LATER, "路灯故障绕行")


@pytest.mark.parametrize("comment", ["", " ", " x "])
def test_closing_needs_a_reason(db: Database, comment: str) -> None:
    with db.begin() as s:
        found = opened(s)
        with pytest.raises(Invalid):
            anomalies.close(s, found.id, comment=comment, actor="supervisor", now=LATER)
        assert found.closed_at is None


def test_what_is_over_cannot_be_closed(db: Database) -> None:
    with db.begin() as s:
        closed, withdrawn = opened(s), opened(s, kind="early")
        anomalies.close(s, closed.id, comment="ok then", actor="supervisor", now=LATER)
        anomalies.withdraw(s, SITE, "early", "yunhe/r:0", LATER)
        for one, state in ((closed, "closed"), (withdrawn, "withdrawn")):
            with pytest.raises(Conflict) as error:
                anomalies.close(s, one.id, comment="again", actor="manager", now=LATER)
            assert error.value.detail["current"] == {"state": state}
        with pytest.raises(NotFound):
            anomalies.close(s, "none", comment="again", actor="manager", now=LATER)


def test_open_ones_are_found_by_site_kind_guard_and_round(db: Database) -> None:
    with db.begin() as s:
        row = missed(s, "r")
        anomalies.open_anomaly(s, site=SITE, kind="missed", ref="a", at=START, now=LATER, round_id=row.id)
        opened(s, ref="b", guard="guard-2")
        anomalies.open_anomaly(s, site="other", kind="missed", ref="a", at=LATER, now=LATER)
        assert [one.ref for one in anomalies.open_anomalies(s, SITE, kind="missed")] == ["a"]
        assert [one.ref for one in anomalies.open_anomalies(s, SITE, guard="guard-2")] == ["b"]
        assert [one.ref for one in anomalies.open_anomalies(s, SITE, round_id=row.id)] == ["a"]
        assert [one.site for one in anomalies.open_anomalies(s)] == ["other", SITE, SITE]
