"""An outage delays messages; what somebody must act on it never ends, and one channel's trouble stays its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from couriers import BUSY, DESK, DOWN, MINUTE, NOW, OK, REFUSED, SECOND, Died, Script, courier, row, tell
from sqlalchemy import event

from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.notify.deliver import BREATHER, Courier, Delivered
from services.notify.senders import Outgoing, SendResult
from services.notify.service import oldest_pending


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


class TestOutage:
    """What somebody must act on outlives any outage; that it is late is said once."""

    @pytest.mark.parametrize("kind", ["alert.opened", "alert.escalated", "work_order.overdue"])
    def test_a_page_is_tried_until_the_line_is_back(self, db: Database, clock: FakeClock, kind: str) -> None:
        sender = Script(DOWN)
        name = tell(db, "A", kind=kind)
        one = courier(db, clock, sender)
        waits, reported = [], []
        for attempt in range(1, 12):
            done = one.deliver_due()
            assert (done.retrying, done.dead) == (1, [])
            reported += [(attempt, message.id) for message in done.failing]
            due = row(db, name).next_at
            assert due is not None
            waits.append(due - clock.now())
            clock.set(due)
        assert waits == [15 * SECOND, MINUTE, *[5 * MINUTE] * 9]
        assert reported == [(4, name)]
        sender.results = [OK]
        assert one.deliver_due() == Delivered(sent=1)

    def test_what_nobody_must_act_on_any_more_is_dropped(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A")
        acknowledged: list[str] = []
        one = courier(db, clock, Script(DOWN), still_wanted=lambda *_: acknowledged[0] if acknowledged else None)
        for _ in range(6):
            one.deliver_due()
            clock.advance(5 * MINUTE)
        acknowledged.append("already_acknowledged")
        assert one.deliver_due() == Delivered()
        assert (row(db, name).status, row(db, name).reason) == ("skipped", "already_acknowledged")

    def test_a_digest_of_pages_lasts_as_long_as_one_of_them_is_wanted(self, db: Database, clock: FakeClock) -> None:
        names = [tell(db, f"A{number}", "low") for number in range(2)]
        unwanted: set[str] = set()
        one = courier(
            db, clock, Script(DOWN), still_wanted=lambda _, m: "already_closed" if m.subject_id in unwanted else None
        )
        clock.advance(10 * MINUTE)
        reported = []
        for _ in range(6):
            done = one.deliver_due()
            assert not done.dead
            reported += [message.kind for message in done.failing]
            clock.advance(5 * MINUTE)
        assert reported == ["digest"]
        unwanted.add("A0")
        assert one.deliver_due() == Delivered(retrying=1)
        unwanted.add("A1")
        clock.advance(5 * MINUTE)
        assert one.deliver_due() == Delivered()
        digest = row(db, row(db, names[0]).merged_into or "")
        assert (digest.status, digest.reason) == ("skipped", "already_closed")

    def test_an_hour_of_rate_limits_is_reported_once_and_tried_on(self, db: Database, clock: FakeClock) -> None:
        sender = Script(BUSY)
        tell(db, "A")
        one = courier(db, clock, sender)
        failing = []
        for _ in range(90):
            done = one.deliver_due()
            assert not done.dead
            failing += [clock.now() - NOW for _ in done.failing]
            clock.advance(MINUTE)
        assert failing == [timedelta(minutes=61)]
        sender.results = [OK]
        assert one.deliver_due() == Delivered(sent=1)

    def test_a_backlog_costs_a_dead_channel_one_try_per_breather(self, db: Database, clock: FakeClock) -> None:
        sender = Script(DOWN)
        for number in range(12):
            tell(db, f"A{number}", "critical")
        one = courier(db, clock, sender)
        for _ in range(12):  # each is tried once at once: the next may be the one that gets through
            one.deliver_due()
        before = len(sender.sent)
        until = clock.now() + 10 * MINUTE
        while clock.now() < until:
            one.deliver_due()
            clock.advance(SECOND)
        assert len(sender.sent) - before <= 10 * MINUTE / BREATHER + 1
        sender.results = [OK]
        clock.advance(5 * MINUTE)
        assert one.deliver_due().sent == 12

    def test_one_channels_crash_takes_nothing_from_the_others(self, db: Database, clock: FakeClock) -> None:
        class Crashing:
            def __init__(self) -> None:
                self.results = [REFUSED]

            def send(self, _: Outgoing) -> SendResult:
                if self.results:
                    return self.results.pop()
                raise Died

        crashing, refusing = replace(DESK, name="a-crashing"), replace(DESK, name="b-refusing")
        expected = {
            tell(db, "A", "critical", channel=crashing),
            tell(db, "C", channel=refusing),
            tell(db, "D", channel=replace(DESK, name="removed")),
        }
        tell(db, "B", channel=crashing)
        channels = {("yunhe", one.name): one for one in (crashing, refusing)}
        both = Courier(db, clock, channels, lambda one: Crashing() if one is crashing else Script(REFUSED))
        done = both.deliver_due()
        assert {message.id for message in done.dead} == expected
        assert [type(error) for error in done.errors] == [Died]


def test_no_query_of_a_pass_scans_the_history(sqlite_db: Database, clock: FakeClock) -> None:
    """The table keeps every message ever; only the partial index of those under way may be walked.

    On SQLite, whose plan does not hang on statistics: PostgreSQL scans so small a table whatever its indexes.
    """
    seen: dict[str, Any] = {}

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "message" in statement and not statement.startswith(("EXPLAIN", "INSERT")):
            seen[statement] = parameters

    engines = [sqlite_db._reader, sqlite_db._writer]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", remember)
    sender = Script(DOWN, BUSY, OK)
    for number in range(3):
        tell(sqlite_db, f"A{number}", "low")
        tell(sqlite_db, f"B{number}")
    one = courier(sqlite_db, clock, sender)
    for _ in range(6):
        one.deliver_due()
        clock.advance(5 * MINUTE)
    with sqlite_db.read() as s:
        oldest_pending(s)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", remember)
    assert len(seen) > 8
    scans = []
    with sqlite_db.engine.connect() as connection:
        for statement, parameters in seen.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scans += [(line[3], statement) for line in plan if line[3].startswith("SCAN message")]
    assert [scan for scan in scans if "ix_message_due" not in scan[0]] == []
