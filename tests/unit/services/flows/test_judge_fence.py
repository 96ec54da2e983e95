"""A judge whose lease went to somebody else commits nothing, and does not take it for a message's fault."""

import time
from functools import partial

import pytest
from console import SITE, shipped
from sqlalchemy import func, select, text

from gateway.contract.errors import NotNow, NotOurs
from gateway.contract.heard import Heard
from services.device.tables import DeviceSequence
from services.flows.judge import SiteJudge
from services.kernel import leases
from services.kernel.db import Database
from services.kernel.heartbeat import Heartbeat

START_MS = 1_795_000_000_000


def event(seq: int) -> Heard:
    """One reading."""
    at_ms = START_MS + seq * 1000
    row = (f"{SITE}/low-zone-pressure", at_ms, 0, 0.45, 0, at_ms)
    return Heard(SITE, "domestic-plc", "reading", f"b-{seq}", "b", seq, at_ms, samples=[row], at_ms=at_ms)


def take(db: Database, holder: str) -> leases.Held:
    """Hold the lease as `holder`, at once open to others."""
    with db.begin() as session:
        held = leases.take(session, "ingest:g01of01", holder, ttl_s=0.0)
    assert held is not None
    return held


def judge(db: Database, held: leases.Held) -> SiteJudge:
    """A judge that holds a lease."""
    return SiteJudge(db, shipped(), [SITE], fence=partial(_confirm, held))


def _confirm(held: leases.Held, session: object) -> None:
    leases.confirm(session, held)  # type: ignore[arg-type]


def high(db: Database) -> int | None:
    """The last number that is committed."""
    with db.read() as session:
        return session.scalar(select(DeviceSequence.high).where(DeviceSequence.boot == "b"))


def test_who_lost_the_lease_commits_nothing_and_the_next_one_goes_on(postgres_db: Database) -> None:
    first = judge(postgres_db, take(postgres_db, "first"))
    first.hear([event(1)], [], START_MS)
    assert high(postgres_db) == 1
    second = judge(postgres_db, take(postgres_db, "second"))
    for act in (
        lambda: first.hear([event(2)], [], START_MS),
        lambda: first.tick(START_MS, 0, {}),
        lambda: first.lost_session("a session", "a broker", START_MS),
        lambda: first.forget(START_MS, START_MS),
    ):
        with pytest.raises(NotOurs):
            act()
    with postgres_db.read() as session:
        assert session.scalar(select(func.count()).select_from(Heartbeat)) == 0
    assert high(postgres_db) == 1
    second.hear([event(1), event(2), event(3)], [], START_MS)
    assert high(postgres_db) == 3
    with pytest.raises(NotOurs):
        first.hear([event(4)], [], START_MS)
    assert high(postgres_db) == 3


def test_a_transaction_that_slept_too_long_is_tried_again(
    postgres_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PAUSED_S", 0.05)
    leases.drop_paused(postgres_db)
    slept: list[float] = []

    def sleep_once(session: object) -> None:
        if not slept:
            slept.append(0.3)
            time.sleep(0.3)  # as a paused process does; the server's own clock runs on
        session.execute(text("SELECT 1"))  # type: ignore[attr-defined]

    judge = SiteJudge(postgres_db, shipped(), [SITE], fence=sleep_once)
    with pytest.raises(NotNow):
        judge.hear([event(1)], [], START_MS)
    monkeypatch.setattr(leases, "PAUSED_S", 60)  # for new connections: on a busy machine 50 ms pass by themselves
    postgres_db.dispose()
    judge.hear([event(1)], [], START_MS)
    assert high(postgres_db) == 1
