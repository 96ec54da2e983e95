"""Due timers: each in a savepoint of its own, and the way back to «failed»."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import UnknownId
from services.flows.timers import run_due
from services.kernel import audit, timers
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.timers import Timer

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def note(session: Session, timer: Timer, now: datetime) -> str:
    audit.record(session, now, "system", timer.kind, timer.ref)
    return "noted"


def break_down(session: Session, timer: Timer, now: datetime) -> str:
    note(session, timer, now)
    session.flush()
    raise KeyError(f"no {timer.ref}")


def cancel_next(session: Session, _timer: Timer, now: datetime) -> str:
    timers.cancel(session, ["note"], "next", now, "not needed")
    return "cancelled the next"


def later(_session: Session, timer: Timer, now: datetime) -> str:
    timer.due_at = now + timedelta(seconds=30)
    return ""


HANDLERS = {"note": note, "break": break_down, "cancel": cancel_next, "later": later}


def outcomes(db: Database) -> dict[str, str | None]:
    with db.read() as session:
        return {one.ref: one.outcome for one in session.scalars(select(Timer))}


def test_one_that_fails_undoes_only_its_own_work(db: Database) -> None:
    with db.begin() as session:
        for second, (kind, ref) in enumerate([("note", "first"), ("break", "second"), ("note", "third")]):
            timers.schedule(session, kind, ref, NOW + timedelta(seconds=second))
    with db.begin() as session:
        ((timer, error),) = run_due(session, HANDLERS, NOW + timedelta(seconds=5))
        assert (timer.ref, str(error)) == ("second", "'no second'")
    assert outcomes(db) == {"first": "noted", "second": f"failed: {error}", "third": "noted"}
    with db.read() as session:
        assert [one.ref for one in session.scalars(select(Audit).order_by(Audit.id))] == ["first", "third"]
        retried = session.scalars(select(Timer).where(Timer.ref == "second")).one()
        assert (retried.done_at, retried.due_at) == (None, NOW + timedelta(seconds=65))


def test_one_that_another_cancelled_in_the_same_round_does_not_fire(db: Database) -> None:
    with db.begin() as session:
        timers.schedule(session, "cancel", "first", NOW)
        timers.schedule(session, "note", "next", NOW + timedelta(seconds=1))
    with db.begin() as session:
        assert run_due(session, HANDLERS, NOW + timedelta(seconds=5)) == []
    assert outcomes(db) == {"first": "cancelled the next", "next": "cancelled: not needed"}


def test_one_that_says_nothing_stays_open(db: Database) -> None:
    with db.begin() as session:
        timers.schedule(session, "later", "a", NOW)
    with db.begin() as session:
        run_due(session, HANDLERS, NOW)
        assert timers.claim_due(session, NOW + timedelta(seconds=29)) == []
        assert len(timers.claim_due(session, NOW + timedelta(seconds=30))) == 1


def test_the_watch_over_a_site_never_ends_for_something_that_the_files_have_no_longer(db: Database) -> None:
    def look(_session: Session, _timer: Timer, _now: datetime) -> str:
        raise UnknownId("Site yunhe has no area 'yard'")

    with db.begin() as session:
        for ref in ("yunhe", "01M80V001XW7YD6SAHEWF947GA"):
            timers.schedule(session, "look", ref, NOW)
    with db.begin() as session:
        failed = run_due(session, {"look": look}, NOW, sites={"yunhe"})
        assert [timer.ref for timer, _ in failed] == ["yunhe"]
    with db.read() as session:
        waiting = session.scalars(select(Timer).where(Timer.done_at.is_(None))).one()
        assert (waiting.ref, waiting.due_at) == ("yunhe", NOW + timedelta(minutes=1))


@pytest.mark.parametrize("limit", [1, 100])
def test_a_round_is_bounded_and_a_kind_nobody_knows_is_put_away(db: Database, limit: int) -> None:
    with db.begin() as session:
        for ref in ("a", "b", "c"):
            timers.schedule(session, "unknown", ref, NOW)
    with db.begin() as session:
        run_due(session, HANDLERS, NOW, limit=limit)
    done = [one for one in outcomes(db).values() if one == "nobody handles this kind"]
    assert len(done) == min(limit, 3)


def test_of_what_goes_over_a_whole_site_one_is_fired_at_most_and_after_everything_else(db: Database) -> None:
    with db.begin() as session:
        for number in range(3):
            timers.schedule(session, "look", f"site-{number}", NOW)
        timers.schedule(session, "note", "fire", NOW + timedelta(seconds=1))
    handlers = {**HANDLERS, "look": note}
    fired = []
    for _ in range(3):
        with db.begin() as session:
            run_due(session, handlers, NOW + timedelta(seconds=5), limit=2, long={"look"})
        fired.append(sorted(ref for ref, outcome in outcomes(db).items() if outcome))
    assert fired == [
        ["fire", "site-0"],
        ["fire", "site-0", "site-1"],
        ["fire", "site-0", "site-1", "site-2"],
    ]
