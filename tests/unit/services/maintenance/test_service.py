"""Tasks: what is open at a device, what becomes of one, and which month it belongs to."""

from datetime import date, timedelta

import pytest
from plan_rows import at, entry, plan, site, tasks
from sqlalchemy import select

from services.equipment.tables import Equipment
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound
from services.maintenance import service
from services.maintenance.generate import generate
from services.maintenance.tables import MaintenanceTask

LIFT = plan("lift", kinds=("elevator",), window_from="00:00", window_until="06:00")
D = date.fromisoformat


def lift(db: Database, *days: str) -> None:
    with db.begin() as s:
        entry(s, kind="elevator")
        for day in days:
            generate(s, site(LIFT), at(day))


def done(db: Database, began: str, clock: str, *, emergency: bool = False) -> MaintenanceTask:
    with db.begin() as s:
        (task,) = tasks(s, "open")
        started = at(began, clock)
        return service.complete(
            s, site(LIFT), task, inspection_id="yunhe/x", passed=True, by="engineer-power",
            started_at=started, done_at=started + timedelta(minutes=30), emergency=emergency,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("began", "clock", "on_time", "outside"),
    [
        ("2026-10-20", "02:00", True, False),
        ("2026-10-20", "14:00", True, True),
        ("2026-11-01", "05:00", True, False),  # the night after the due day (AMB-05)
        ("2026-11-01", "05:45", False, False),
        ("2026-11-02", "02:00", False, False),
    ],
)
def test_done_on_time_and_in_its_window(one_db: Database, began: str, clock: str, on_time: bool, outside: bool) -> None:
    lift(one_db, "2026-10-01")
    task = done(one_db, began, clock)
    assert (task.state, task.on_time, task.outside_window, task.inspection_id) == ("done", on_time, outside, "yunhe/x")


def test_an_emergency_keeps_no_window(one_db: Database) -> None:
    lift(one_db, "2026-10-01")
    assert done(one_db, "2026-10-20", "14:00", emergency=True).outside_window is False


def test_done_once(one_db: Database) -> None:
    lift(one_db, "2026-10-01")
    task = done(one_db, "2026-10-20", "02:00")
    with one_db.begin() as s, pytest.raises(Conflict):
        service.complete(
            s, site(LIFT), service.get(s, task.id), inspection_id=None, passed=True, by="x",
            started_at=at("2026-10-21"), done_at=at("2026-10-21"),
        )  # fmt: skip


def test_what_can_be_done_now_is_what_opened_the_earliest_due_first(one_db: Database) -> None:
    daily = plan("daily", every="day", level=1)
    with one_db.begin() as s:
        entry(s)
        generate(s, site(plan(), daily), at("2026-10-01"))
        generate(s, site(plan(), daily), at("2026-10-02"))
        found = service.open_for(s, f"{1:026}", at("2026-10-02"))
        assert [(one.plan, one.occurrence) for one in found] == [
            ("daily", "2026-10-01"), ("daily", "2026-10-02"), ("pump", "2026-10"),
        ]  # fmt: skip
        assert service.open_for(s, f"{1:026}", at("2026-09-30")) == []


def test_a_task_belongs_to_the_month_of_its_due_day_even_when_its_night_ends_in_the_next(db: Database) -> None:
    lift(db, "2026-10-01", "2026-11-01")
    with db.read() as s:
        october = service.tasks_of(s, "yunhe", at("2026-10-01", "00:00"), at("2026-11-01", "00:00"))
        november = service.tasks_of(s, "yunhe", at("2026-11-01", "00:00"), at("2026-12-01", "00:00"))
    assert [one.due_on for one in october] == [D("2026-10-31")]
    assert [one.due_on for one in november] == [D("2026-11-30")]


def test_cancelling_needs_a_reason_and_is_written_down(db: Database) -> None:
    lift(db, "2026-10-01")
    with db.begin() as s:
        (task,) = tasks(s)
        with pytest.raises(Invalid, match="needs a reason"):
            service.cancel(s, task, at("2026-10-05"), actor="supervisor", reason="  ")
        with pytest.raises(Invalid, match="201 characters"):
            service.cancel(s, task, at("2026-10-05"), actor="supervisor", reason="长" * 201)
        service.cancel(s, task, at("2026-10-05"), actor="supervisor", reason="改造停用")
        assert (task.state, task.cancelled_why) == ("cancelled", "改造停用")
        with pytest.raises(Conflict):
            service.cancel(s, task, at("2026-10-05"), actor="supervisor", reason="再次")
        s.flush()
        (line,) = s.scalars(select(Audit).where(Audit.action == "maintenance.cancelled"))
        assert (line.actor, line.ref, line.detail["reason"]) == ("supervisor", task.id, "改造停用")
        generate(s, site(LIFT), at("2026-10-06"))
        assert task.state == "cancelled"  # a person's word stands


def test_a_major_overhaul_is_begun_by_hand_once_for_a_day(db: Database) -> None:
    big = plan("overhaul", level=5)
    with db.begin() as s:
        row = entry(s)
        now = at("2026-10-01")
        assert generate(s, site(big), now) == 0
        task = service.begin_overhaul(s, site(big), row, "overhaul", D("2026-12-15"), now, actor="manager")
        assert (task.occurrence, task.level, task.due_at) == ("h:2026-12-15", 5, at("2026-12-16", "00:00"))
        for plan_id, due_on, error in (
            ("overhaul", "2026-12-15", Conflict),
            ("overhaul", "2026-09-30", Invalid),
            ("nothing", "2026-12-16", Invalid),
        ):  # fmt: skip
            with pytest.raises(error):
                service.begin_overhaul(s, site(big), row, plan_id, D(due_on), now, actor="manager")
        generate(s, site(big), at("2026-10-02"))
        assert task.state == "open"
        s.scalars(select(Equipment)).one().status = "scrapped"
        generate(s, site(big), at("2026-10-03"))
        s.refresh(task)
        assert (task.state, task.cancelled_why) == ("cancelled", "retired")


def test_an_unknown_task_is_said_so(one_db: Database) -> None:
    with one_db.read() as s, pytest.raises(NotFound):
        service.get(s, "nothing")
