"""Orders in the database: one per alert, numbers, versions, clocks as timers, who may verify."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.kernel.timers import Timer
from services.work_order import service as orders
from services.work_order.model import replay
from services.work_order.service import NewOrder
from services.work_order.tables import WorkOrder

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)  # 03:00 on the 22nd in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLICY = {"id": "pump_room", "priority": "P2", "respond_within": HOUR, "finish_within": "PT4H"}
NEW = NewOrder(site="yunhe", title="压力偏离", place="生活泵房", assignee="zhao", policy=POLICY)
ALERT = "01JD0000000000000000000001"


def created(db: Database, new: NewOrder = NEW, alert_id: str = ALERT, now: datetime = NOW) -> orders.Created:
    with db.begin() as s:
        return orders.create_for_alert(s, alert_id, new, SHANGHAI, now)


def row(db: Database, order_id: str) -> WorkOrder:
    with db.read() as s:
        return orders.get(s, order_id)


def step(db: Database, verb: Callable[..., WorkOrder], order_id: str, **values: Any) -> WorkOrder:
    with db.begin() as s:
        version = orders.get(s, order_id).version
        return verb(s, order_id, **({"version": version, "actor": "zhao", "now": NOW} | values))


def open_timers(db: Database) -> dict[str, datetime]:
    with db.read() as s:
        return {one.kind: one.due_at for one in s.scalars(select(Timer).where(Timer.done_at.is_(None)))}


def submitted(db: Database, policy: dict[str, Any] | None = None) -> str:
    order_id = created(db, replace(NEW, policy=policy or POLICY)).order.id
    step(db, orders.start, order_id)
    step(db, orders.submit, order_id)
    return order_id


class TestCreating:
    def test_an_alert_gets_an_accepted_and_dispatched_order(self, db: Database) -> None:
        done = created(db)
        order = row(db, done.order.id)
        assert done.new
        assert (order.number, order.state, order.assignee, order.assignee_role, order.priority) == (
            "WO-20261122-0001",
            "dispatched",
            "zhao",
            "engineer",
            "P2",
        )
        assert (order.respond_due_at, order.finish_due_at) == (NOW + HOUR, NOW + 4 * HOUR)
        assert order.policy["respond_within"] == "PT1H"
        with db.read() as s:
            history = orders.history(s, order.id)
        assert [(one.kind, one.actor, one.data["policy"]) for one in history] == [
            ("reported", "system", "pump_room"),
            ("accepted", "system", "pump_room"),
            ("dispatched", "system", "pump_room"),
        ]
        assert open_timers(db) == {
            "work_order.respond_due": NOW + HOUR,
            "work_order.finish_due": NOW + 4 * HOUR,
        }

    def test_the_clocks_run_from_the_alarm_not_from_the_paperwork(self, db: Database) -> None:
        order = created(db, replace(NEW, clock_from=NOW - 10 * MINUTE)).order
        assert order.respond_due_at == NOW + 50 * MINUTE

    def test_an_alert_has_one_open_order(self, db: Database) -> None:
        first = created(db)
        again = created(db)
        assert (again.new, again.order.id) == (False, first.order.id)
        step(db, orders.cancel, first.order.id, reason="false alarm")
        third = created(db)
        assert third.new
        assert third.order.number == "WO-20261122-0002"

    def test_a_policy_may_leave_accepting_to_people(self, db: Database) -> None:
        order = created(db, replace(NEW, policy=POLICY | {"auto_dispatch": False})).order
        assert (order.state, order.assignee) == ("reported", None)

    def test_a_person_can_report_a_job(self, db: Database) -> None:
        with db.begin() as s:
            order = orders.report(s, replace(NEW, policy={}), SHANGHAI, NOW, actor="desk")
        assert (order.state, order.respond_due_at, order.priority) == ("reported", None, "P3")
        assert open_timers(db) == {}
        with db.read() as s:
            assert [one.action for one in s.scalars(select(Audit))] == ["work_order.report"]

    def test_numbers_are_per_site_and_local_day_without_gaps(self, db: Database) -> None:
        def make(number: int) -> str:
            site = "yunhe" if number % 3 else "hubin"
            return created(db, replace(NEW, site=site), alert_id=f"A{number}").order.number

        with ThreadPoolExecutor(6) as pool:
            numbers = sorted(pool.map(make, range(12)))
        expected = [f"WO-20261122-{one:04d}" for one in range(1, 9)] + [f"WO-20261122-{one:04d}" for one in range(1, 5)]
        assert numbers == sorted(expected)
        assert created(db, alert_id="B", now=NOW + 24 * HOUR).order.number == "WO-20261123-0001"

    def test_concurrent_creators_make_one_order_and_waste_no_number(self, db: Database) -> None:
        other = Database(db.url)
        gate = threading.Barrier(8)

        def race(number: int) -> bool:
            gate.wait()
            return created(db if number % 2 else other).new

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(race, range(8)))
        other.dispose()
        assert sorted(results) == [False] * 7 + [True]
        with db.read() as s:
            assert s.scalar(select(func.count()).select_from(WorkOrder)) == 1
        assert created(db, alert_id="next").order.number == "WO-20261122-0002"


class TestWorking:
    def test_all_five_steps(self, db: Database) -> None:
        order_id = submitted(db)
        step(db, orders.verify, order_id, actor="sun", role="supervisor")
        order = step(db, orders.rate, order_id, actor="desk", stars=4, comment="快")
        assert (order.state, order.rating, order.closed_at) == ("closed", 4, NOW)
        assert open_timers(db) == {}
        with db.read() as s:
            assert replay(orders.events_of(orders.history(s, order_id))) == orders.state_of(order)
            assert {one.action for one in s.scalars(select(Audit))} == {
                "work_order.started",
                "work_order.submitted",
                "work_order.verified",
                "work_order.rated",
            }

    def test_a_skipped_step_is_refused_with_what_is_possible(self, db: Database) -> None:
        order_id = created(db).order.id
        with pytest.raises(Conflict) as refusal:
            step(db, orders.submit, order_id)
        assert refusal.value.hint == "Possible now: start, reassign, cancel"
        assert refusal.value.detail["current"]["state"] == "dispatched"
        assert refusal.value.detail["allowed"] == ["start", "reassign", "cancel"]

    def test_a_stale_version_is_refused_with_the_current_state(self, db: Database) -> None:
        order_id = created(db).order.id
        step(db, orders.start, order_id)
        with pytest.raises(Conflict, match="changed meanwhile") as refusal, db.begin() as s:
            orders.start(s, order_id, version=3, actor="qian", now=NOW)
        assert refusal.value.detail["current"]["assignee"] == "zhao"
        assert refusal.value.detail["current"]["version"] == 4

    def test_of_two_who_begin_at_once_one_does(self, db: Database) -> None:
        order_id = created(db).order.id
        gate = threading.Barrier(2)

        def begin(actor: str) -> str:
            gate.wait()
            try:
                with db.begin() as s:
                    orders.start(s, order_id, version=3, actor=actor, now=NOW)
            except Conflict:
                return "conflict"
            return "started"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(begin, ["zhao", "qian"])) == ["conflict", "started"]

    @pytest.mark.parametrize("actor", ["zhao", "qian"])
    def test_nobody_verifies_what_they_carried_out(self, db: Database, actor: str) -> None:
        order_id = created(db).order.id
        step(db, orders.start, order_id)
        step(db, orders.reassign, order_id, assignee="qian", reason="shift ends", actor="sun")
        step(db, orders.start, order_id, actor="qian")
        step(db, orders.submit, order_id, actor="qian")
        with pytest.raises(Forbidden, match="carried out by"):
            step(db, orders.verify, order_id, actor=actor, role="engineer")
        with pytest.raises(Forbidden):
            step(db, orders.rework, order_id, actor=actor, role="engineer", reason="?")

    def test_a_manager_may(self, db: Database) -> None:
        order_id = submitted(db)
        assert step(db, orders.verify, order_id, actor="zhao", role="manager").state == "verified"

    def test_rework_is_counted_and_the_finish_clock_runs_again(self, db: Database) -> None:
        order_id = submitted(db)
        assert open_timers(db) == {}
        order = step(db, orders.rework, order_id, actor="sun", role="supervisor", reason="还在漏")
        assert (order.state, order.rework_count) == ("in_progress", 1)
        assert open_timers(db) == {"work_order.finish_due": NOW + 4 * HOUR}

    def test_a_hold_pauses_nothing_by_default(self, db: Database) -> None:
        order_id = created(db).order.id
        step(db, orders.start, order_id)
        order = step(db, orders.hold, order_id, reason="等配件", until=NOW + 2 * HOUR)
        assert (order.hold_reason, order.finish_due_at) == ("等配件", NOW + 4 * HOUR)
        assert open_timers(db) == {
            "work_order.finish_due": NOW + 4 * HOUR,
            "work_order.hold_end": NOW + 2 * HOUR,
        }
        order = step(db, orders.resume, order_id, now=NOW + HOUR)
        assert (order.state, order.finish_due_at, order.hold_until) == ("in_progress", NOW + 4 * HOUR, None)
        assert "work_order.hold_end" not in open_timers(db)

    def test_a_hold_that_pauses_moves_the_deadline_by_the_time_held(self, db: Database) -> None:
        order_id = created(db, replace(NEW, policy=POLICY | {"hold_pauses_finish": True})).order.id
        step(db, orders.start, order_id)
        step(db, orders.hold, order_id, reason="等配件", until=NOW + 9 * HOUR)
        assert "work_order.finish_due" not in open_timers(db)
        with db.begin() as s:
            assert orders.end_hold(s, order_id, NOW + HOUR) is None  # not yet
        with db.begin() as s:
            order = orders.end_hold(s, order_id, NOW + 9 * HOUR)
        assert order is not None
        assert order.finish_due_at == NOW + 13 * HOUR
        assert open_timers(db) == {"work_order.finish_due": NOW + 13 * HOUR}
        with db.read() as s:
            last = orders.history(s, order_id)[-1]
        assert (last.kind, last.actor, last.data["finish_due_at"]) == (
            "resumed",
            "system",
            (NOW + 13 * HOUR).isoformat(),
        )

    def test_the_end_of_a_hold_that_is_over_does_nothing(self, db: Database) -> None:
        order_id = created(db).order.id
        with db.begin() as s:
            assert orders.end_hold(s, order_id, NOW) is None

    def test_a_missed_deadline_is_noted_unless_it_was_met(self, db: Database) -> None:
        order_id = created(db).order.id
        after = NOW + HOUR + MINUTE
        with db.begin() as s:
            assert orders.note_overdue(s, order_id, "respond", NOW) is None
            assert orders.note_overdue(s, order_id, "respond", after) is not None
            orders.note_escalated(s, order_id, "supervisor", after, reason="no arrival")
        step(db, orders.start, order_id)
        with db.begin() as s:
            assert orders.note_overdue(s, order_id, "respond", after) is None
        with db.read() as s:
            assert [one.kind for one in orders.history(s, order_id)][-3:] == ["overdue_noted", "escalated", "started"]

    def test_cancelling_stops_everything(self, db: Database) -> None:
        order_id = created(db).order.id
        order = step(db, orders.cancel, order_id, reason="误报")
        assert (order.state, order.closed_at) == ("cancelled", NOW)
        assert open_timers(db) == {}

    @pytest.mark.parametrize(
        ("verb", "values"),
        [
            (orders.cancel, {"reason": " "}),
            (orders.cancel, {"reason": "x" * 401}),
            (orders.reassign, {"reason": "x"}),
            (orders.reassign, {"reason": "", "assignee": "qian"}),
        ],
    )
    def test_words_and_people_are_needed(
        self, db: Database, verb: Callable[..., WorkOrder], values: dict[str, Any]
    ) -> None:
        order_id = created(db).order.id
        with pytest.raises(Invalid):
            step(db, verb, order_id, **values)

    def test_a_hold_ends_in_the_future_and_stars_are_one_to_five(self, db: Database) -> None:
        order_id = created(db).order.id
        step(db, orders.start, order_id)
        with pytest.raises(Invalid, match="after now"):
            step(db, orders.hold, order_id, reason="x", until=NOW)
        with pytest.raises(Invalid, match="1 to 5"):
            step(db, orders.rate, order_id, stars=6)

    def test_a_person_walks_a_reported_job_through_accept_and_dispatch(self, db: Database) -> None:
        with db.begin() as s:
            order_id = orders.report(s, NEW, SHANGHAI, NOW, actor="desk").id
        step(db, orders.accept, order_id, actor="desk")
        order = step(db, orders.dispatch, order_id, actor="desk", assignee_role="engineer")
        assert (order.assignee, order.assignee_role) == (None, "engineer")
        assert step(db, orders.start, order_id, actor="qian").assignee == "qian"
        with db.begin() as s:
            orders.comment(s, order_id, actor="qian", text="泵坏了", now=NOW)


class TestQuestions:
    def test_lists(self, db: Database) -> None:
        first = created(db, alert_id="A1").order
        second = created(db, replace(NEW, priority="P1"), alert_id="A2", now=NOW + MINUTE).order
        created(db, replace(NEW, site="hubin"), alert_id="A3")
        with db.read() as s:
            assert [one.id for one in orders.open_orders(s, "yunhe")] == [second.id, first.id]
            assert len(orders.open_orders(s)) == 3
            assert [one.id for one in orders.recent_orders(s, 2, "yunhe")] == [second.id, first.id]
            assert [one.id for one in orders.for_alert(s, "A1")] == [first.id]
            found = orders.open_for_alert(s, "A1")
            assert found is not None
            assert orders.snapshot(found)["allowed"] == ["start", "reassign", "cancel"]

    def test_an_unknown_order_is_not_found(self, db: Database) -> None:
        with db.read() as s, pytest.raises(NotFound):
            orders.get(s, "nope")
        with pytest.raises(NotFound), db.begin() as s:
            orders.accept(s, "nope", version=1, actor="x", now=NOW)
