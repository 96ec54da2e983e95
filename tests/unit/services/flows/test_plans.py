"""The watch over maintenance: one alert a level, one message a person and day, nothing asked for twice."""

from datetime import datetime, timedelta

import pytest
from plan_rows import at, entry, plan, site, tasks
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.alert.tables import Alert
from services.equipment import service as equipment
from services.equipment.tables import Equipment
from services.flows.plans import RULE, SOON, WATCH_TIMER, PlanTimers, look_soon
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.maintenance import generate as generating
from services.maintenance import service
from services.maintenance.reading import open_jobs
from services.maintenance.tables import MaintenanceTask
from services.notify.tables import Message

DAILY, MONTHLY = plan("daily", every="day", level=1), plan("monthly")
CONFIG = site(DAILY, MONTHLY)


def watch(db: Database, day: str, clock: str = "12:00", config: SiteConfig = CONFIG) -> Timer:
    """The watch's turn at this moment."""
    timers = PlanTimers(Configs(sites={"yunhe": config}))
    now = at(day, clock)
    with db.begin() as s:
        timer = s.scalar(select(Timer).where(Timer.kind == WATCH_TIMER))
        if timer is None:
            timers.begin(s, now)
            timer = s.scalars(select(Timer).where(Timer.kind == WATCH_TIMER)).one()
        timers.watch(s, timer, now)
        return timer


def alerts(db: Database) -> list[Alert]:
    with db.read() as s:
        return list(s.scalars(select(Alert).where(Alert.rule == RULE).order_by(Alert.target)))


def digests(db: Database, username: str = "engineer-water") -> list[Message]:
    with db.read() as s:
        found = s.scalars(select(Message).where(Message.kind == "maintenance.digest").order_by(Message.id))
        return [one for one in found if one.recipient == username]


def do(db: Database, occurrence: str, when: str) -> None:
    with db.begin() as s:
        for task in tasks(s, "open"):
            if task.occurrence == occurrence:
                service.complete(
                    s, CONFIG, task, inspection_id=None, passed=True, by="engineer-water",
                    started_at=at(when), done_at=at(when),
                )  # fmt: skip


def equip(db: Database, count: int) -> None:
    with db.begin() as s:
        for number in range(count):
            entry(s, number, area="pump-room-domestic")


def test_six_hundred_missed_checks_are_one_alert_and_one_message(db: Database) -> None:
    equip(db, 60)
    watch(db, "2026-11-01")
    assert alerts(db) == []
    watch(db, "2026-11-02", "00:00")
    (alert,) = alerts(db)
    assert (alert.target, alert.active, alert.detail["count"]) == ("yunhe/maintenance-1", True, 60)
    assert alert.title.startswith("日检逾期 60 项：设备0、设备1、设备2 等")
    watch(db, "2026-11-02", "08:00")
    messages = digests(db)
    assert len(messages) == 1
    assert "已逾期 60 项" in messages[0].text
    assert "daily：60 台" in messages[0].text
    assert len(messages[0].text.splitlines()) <= 6


def test_the_alert_is_over_when_the_next_one_is_done_and_what_was_missed_stays_on_record(db: Database) -> None:
    equip(db, 1)
    watch(db, "2026-11-01")
    watch(db, "2026-11-02")
    assert alerts(db)[0].active
    do(db, "2026-11-02", "2026-11-02")
    with db.begin() as s:
        for seconds in range(3):  # as a phone delivers
            look_soon(s, "yunhe", at("2026-11-02", "12:01") + timedelta(seconds=seconds))
        due_at = s.scalars(select(Timer).where(Timer.kind == WATCH_TIMER)).one().due_at
        assert due_at == at("2026-11-02", "12:01") + SOON
    watch(db, "2026-11-02", "12:01")
    assert not alerts(db)[0].active
    with db.read() as s:
        missed = s.scalars(select(MaintenanceTask).where(MaintenanceTask.occurrence == "2026-11-01")).one()
        assert (missed.state, missed.warned_at) == ("open", at("2026-11-02"))


def test_an_open_alert_counts_on_without_paging_again(one_db: Database) -> None:
    equip(one_db, 1)
    watch(one_db, "2026-11-01")
    watch(one_db, "2026-11-02")
    (before,) = alerts(one_db)
    with one_db.begin() as s:
        entry(s, 1, area="pump-room-domestic")
    watch(one_db, "2026-11-02", "13:00")
    watch(one_db, "2026-11-03")
    (after,) = alerts(one_db)
    assert (after.occurrence, after.detail["count"]) == (before.occurrence, 2)
    assert after.title.startswith("日检逾期 2 项")


def test_checks_that_nobody_does_do_not_pile_up(db: Database) -> None:
    equip(db, 2)
    for day in range(1, 11):
        watch(db, f"2026-11-{day:02}")
    (alert,) = alerts(db)
    assert (alert.active, alert.detail["count"]) == (True, 2)
    now = at("2026-11-10", "12:00")
    with db.read() as s:
        jobs = open_jobs(s, CONFIG, now)
        asked = open_jobs(s, CONFIG, now, missed=False)
    overdue = [(one.task.occurrence, one.missed) for one in jobs if one.task.due_at <= now]
    assert sorted(set(overdue)) == [(f"2026-11-{day:02}", day < 9) for day in range(1, 10)]
    assert {one.task.id for one in asked} == {one.task.id for one in jobs if not one.missed}


def test_what_was_made_is_not_looked_through_again_until_something_changes(
    one_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(session: Session, config: SiteConfig, now: datetime) -> int:
        calls.append(1)
        return generating.generate(session, config, now)

    monkeypatch.setattr("services.flows.plans.generate", counted)
    equip(one_db, 1)
    for clock in ("10:00", "11:00", "12:00"):
        watch(one_db, "2026-11-01", clock)
    assert len(calls) == 1
    with one_db.begin() as s:
        equipment.note_meter(s, s.scalars(select(Equipment)).one(), "run-hours", 5.0, at("2026-11-01", "12:10"))
    watch(one_db, "2026-11-01", "13:00")
    with one_db.begin() as s:
        s.scalars(select(Equipment)).one().updated_at = at("2026-11-01", "13:10")
    watch(one_db, "2026-11-01", "14:00")
    watch(one_db, "2026-11-02", "00:00")
    assert len(calls) == 4
    with one_db.begin() as s:
        PlanTimers(Configs(sites={"yunhe": CONFIG})).begin(s, at("2026-11-02", "00:01"))  # with other files, perhaps
    watch(one_db, "2026-11-02", "00:02")
    assert len(calls) == 5


def test_a_clock_that_was_ahead_silences_no_digest(one_db: Database) -> None:
    equip(one_db, 1)
    watch(one_db, "2026-11-01", "07:00")
    with one_db.begin() as s:
        timer = s.scalars(select(Timer).where(Timer.kind == WATCH_TIMER)).one()
        timer.data = {**timer.data, "told_on": "2027-11-01"}
    watch(one_db, "2026-11-01", "09:00")
    watch(one_db, "2026-11-02", "09:00")
    assert len(digests(one_db)) == 1


def test_what_is_due_within_a_week_is_told_once(one_db: Database) -> None:
    config = site(MONTHLY)
    equip(one_db, 3)
    watch(one_db, "2026-11-01", "07:00", config)
    for day in ("2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"):
        watch(one_db, day, "08:00", config)
    (message,) = digests(one_db)
    assert message.idem_key.startswith("maintenance:yunhe:engineer-water:2026-11-23")
    assert "7 天内到期 3 项" in message.text
    assert "11-30" in message.text


def test_after_days_without_a_worker_the_digest_tells_of_all_of_them(one_db: Database) -> None:
    config = site(MONTHLY)
    equip(one_db, 1)
    watch(one_db, "2026-11-01", "07:00", config)
    watch(one_db, "2026-11-20", "08:00", config)
    watch(one_db, "2026-11-27", "09:00", config)
    assert len(digests(one_db)) == 1
    watch(one_db, "2026-11-28", "09:00", config)
    assert len(digests(one_db)) == 1


def test_the_manager_hears_of_what_is_overdue_for_a_day(one_db: Database) -> None:
    config = site(MONTHLY)
    equip(one_db, 1)
    watch(one_db, "2026-11-01", "07:00", config)
    watch(one_db, "2026-12-01", "08:00", config)
    assert digests(one_db, "supervisor")
    assert not digests(one_db, "manager")
    watch(one_db, "2026-12-02", "08:00", config)
    assert digests(one_db, "manager")
    ladder = [(one["role"], one["after"]) for one in alerts(one_db)[0].policy["escalation"]]
    assert ladder == [("engineer", "PT0S"), ("supervisor", "PT8H"), ("manager", "P1D")]


def test_the_watch_wakes_for_what_comes_next(one_db: Database) -> None:
    equip(one_db, 1)
    assert watch(one_db, "2026-11-01", "23:30").due_at == at("2026-11-02", "00:00")
    assert watch(one_db, "2026-11-02", "07:20").due_at == at("2026-11-02", "08:00")
    assert watch(one_db, "2026-11-02", "12:00").due_at == at("2026-11-02", "13:00")


def test_after_a_long_outage_the_watch_goes_on_at_once_until_all_is_there(one_db: Database, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(generating, "BATCH", 10)
    monkeypatch.setattr("services.flows.plans.BATCH", 10)
    equip(one_db, 3)
    watch(one_db, "2026-10-01")
    now, turns = "2026-10-21", 0
    while watch(one_db, now).due_at <= at(now) + timedelta(seconds=1):
        turns += 1
    assert turns >= 1
    with one_db.read() as s:
        assert len([one for one in tasks(s) if one.plan == "daily"]) == 3 * 21
