"""Timers as rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from services.kernel import timers
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_oldest_due_comes_first_and_nothing_too_early(db: Database) -> None:
    with db.begin() as session:
        for ref, due in (("later", MINUTE), ("now", 0 * MINUTE), ("long ago", -5 * MINUTE)):
            timers.schedule(session, "test", ref, NOW + due)
        assert [one.ref for one in timers.claim_due(session, NOW)] == ["long ago", "now"]
        assert [one.ref for one in timers.claim_due(session, NOW, limit=1)] == ["long ago"]


def test_set_again_an_open_timer_moves_and_keeps_its_data(db: Database) -> None:
    with db.begin() as session:
        first = timers.schedule(session, "test", "a", NOW, data={"n": 1})
        again = timers.schedule(session, "test", "a", NOW + MINUTE)
        assert again is first
        assert (again.due_at, again.data) == (NOW + MINUTE, {"n": 1})
        assert timers.schedule(session, "test", "a", NOW, step="other") is not first


def test_a_finished_timer_is_left_alone(db: Database) -> None:
    with db.begin() as session:
        timer = timers.schedule(session, "test", "a", NOW)
        timer.done_at, timer.outcome = NOW, "did it"
        session.flush()
        again = timers.schedule(session, "test", "a", NOW + MINUTE)
        assert (again.due_at, again.outcome) == (NOW, "did it")
        assert timers.claim_due(session, NOW + 2 * MINUTE) == []


def test_cancelling_ends_the_open_ones_of_these_kinds_with_the_reason(db: Database) -> None:
    with db.begin() as session:
        done = timers.schedule(session, "one", "a", NOW, step="done")
        done.done_at, done.outcome = NOW, "did it"
        open_ones = [timers.schedule(session, kind, "a", NOW) for kind in ("one", "two")]
        other = timers.schedule(session, "three", "a", NOW)
        session.flush()
        assert timers.cancel(session, ["one", "two"], "a", NOW, "not needed") == 2
        assert [one.outcome for one in open_ones] == ["cancelled: not needed"] * 2
        assert (done.outcome, other.done_at) == ("did it", None)
        assert timers.cancel(session, ["one", "two"], "a", NOW, "not needed") == 0


def test_one_that_is_being_fired_is_passed_over_and_not_waited_for(postgres_db: Database) -> None:
    with postgres_db.begin() as session:
        for step, due in (("firing", NOW), ("later", NOW + MINUTE)):
            timers.schedule(session, "test", "a", due, step=step)
    with postgres_db.begin() as worker:
        (firing,) = timers.claim_due(worker, NOW)
        with postgres_db.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert timers.cancel(session, ["test"], "a", NOW, "not needed") == 1
        with postgres_db.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                timers.cancel(session, ["test"], "a", NOW, "not needed", wait=True)
            session.rollback()
        firing.done_at, firing.outcome = NOW, "fired"
    with postgres_db.read() as session:
        outcomes = session.scalars(select(timers.Timer.outcome).order_by(timers.Timer.due_at))
        assert list(outcomes) == ["fired", "cancelled: not needed"]
