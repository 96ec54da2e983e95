"""The watermark: nothing lost, nothing doubled, whatever happens in between; against a calendar walked day by day."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from plan_rows import at, days, entry, plan, site, tasks
from sqlalchemy import select

from gateway.site.upkeep import MeterTrigger, Plan, WorkCalendar
from services.equipment.tables import Equipment, MeterReading
from services.kernel.db import Database
from services.maintenance import generate as generating
from services.maintenance import service
from services.maintenance.generate import generate
from services.maintenance.tables import PlanMark

DAY = timedelta(days=1)
D = date.fromisoformat


def keys(db: Database, *states: str) -> list[str]:
    with db.read() as s:
        return [one.occurrence for one in tasks(s, *states)]


def run(db: Database, day: str, *plans: Plan, clock: str = "12:00", **more: Any) -> int:
    with db.begin() as s:
        return generate(s, site(*plans, **more), at(day, clock))


def test_an_outage_of_any_length_is_made_up_for_and_again_adds_nothing(db: Database) -> None:
    with db.begin() as s:
        entry(s)
    assert run(db, "2026-01-01", plan(), plan("daily", every="day", level=1)) == 2
    assert run(db, "2026-12-15", plan(), plan("daily", every="day", level=1)) == 11 + 348
    assert run(db, "2026-12-15", plan(), plan("daily", every="day", level=1)) == 0
    with db.read() as s:
        found = tasks(s, "open")
        assert len({(one.plan, one.occurrence) for one in found}) == len(found) == 361
        assert sum(one.due_at <= at("2026-12-15") for one in found) == 11 + 348


def test_nothing_is_made_up_for_the_time_before_a_plan_was_first_seen(one_db: Database) -> None:
    with one_db.begin() as s:
        entry(s, in_use_on=D("2019-05-01"))
        entry(s, 2, in_use_on=D("2026-12-05"))
    run(one_db, "2026-11-02", plan(from_on=D("2025-01-01")))
    assert keys(one_db) == ["2026-11"]
    run(one_db, "2026-12-04", plan())
    with one_db.read() as s:
        assert [(one.equipment_id[-1], one.occurrence) for one in tasks(s)] == [("1", "2026-11"), ("1", "2026-12")]
    run(one_db, "2026-12-05", plan())
    with one_db.read() as s:
        assert [(one.equipment_id[-1], one.occurrence) for one in tasks(s)][2:] == [("2", "2026-12")]


def test_a_long_outage_goes_in_batches(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "BATCH", 300)
    daily = plan(every="day")
    with one_db.begin() as s:
        for number in range(3):
            entry(s, number)
    run(one_db, "2024-01-01", daily)
    made = [run(one_db, "2026-01-01", daily) for _ in range(8)]
    assert sum(made) == 3 * 731
    assert made[-1] == 0
    assert max(made) <= 300 + 400
    assert len(keys(one_db)) == 3 * 732


def test_a_plan_that_recurs_otherwise_takes_back_what_is_to_come_and_leaves_what_was(db: Database) -> None:
    with db.begin() as s:
        entry(s)
    for day in ("2026-08-01", "2026-09-01", "2026-10-01"):
        run(db, day, plan())
    with db.begin() as s:
        august, _september, _ = tasks(s)
        at_once = at("2026-08-20")
        service.complete(
            s, site(plan()), august, inspection_id="yunhe/1", passed=True, by="engineer-water",
            started_at=at_once, done_at=at_once,
        )  # fmt: skip
    run(db, "2026-10-10", plan(every="quarter"))
    with db.read() as s:
        assert {one.occurrence: (one.state, one.cancelled_why) for one in tasks(s)} == {
            "2026-08": ("done", ""),
            "2026-09": ("open", ""),  # missed is missed
            "2026-10": ("cancelled", "plan_changed"),
            "2026-Q4": ("open", ""),
        }
    run(db, "2026-10-10", plan(), clock="13:00")  # it was a slip
    assert keys(db, "open") == ["2026-09", "2026-10"]


def test_what_is_not_due_yet_follows_the_calendar_and_its_plan(one_db: Database) -> None:
    with one_db.begin() as s:
        entry(s)
    run(one_db, "2026-10-01", plan(days_off="next"))
    run(one_db, "2026-10-02", plan(days_off="next", owner_role="supervisor", level=3),
        calendar=WorkCalendar(weekend=("sat", "sun")))  # fmt: skip
    with one_db.read() as s:
        (one,) = tasks(s)
        assert (one.due_on, one.due_at, one.owner_role, one.level) == (
            D("2026-11-02"), at("2026-11-03", "00:00"), "supervisor", 3,
        )  # fmt: skip
    run(one_db, "2026-11-20", plan(days_off="next"))
    with one_db.read() as s:
        assert tasks(s)[0].due_on == D("2026-11-02")  # overdue: it stays as it was


def test_equipment_that_goes_takes_its_tasks_along_and_goes_on_when_it_is_back(db: Database) -> None:
    with db.begin() as s:
        entry(s)
    run(db, "2026-08-01", plan())
    run(db, "2026-10-01", plan())
    with db.begin() as s:
        s.scalars(select(Equipment)).one().declared = False
    run(db, "2026-10-05", plan())
    with db.read() as s:
        assert {(one.state, one.cancelled_why) for one in tasks(s)} == {("cancelled", "retired")}
    run(db, "2027-01-20", plan())
    assert keys(db, "open") == []
    with db.begin() as s:
        s.scalars(select(Equipment)).one().declared = True
    run(db, "2027-02-03", plan())
    assert keys(db, "open") == ["2027-02"]


def test_a_file_that_was_gone_for_an_hour_costs_nothing_that_is_to_come(one_db: Database) -> None:
    with one_db.begin() as s:
        entry(s)
    run(one_db, "2026-11-01", plan(), plan("half-month", interval=15 * DAY))
    for declared in (False, True):
        with one_db.begin() as s:
            s.scalars(select(Equipment)).one().declared = declared
        run(one_db, "2026-11-28", plan(), plan("half-month", interval=15 * DAY))
    assert "2026-11" in keys(one_db, "open")
    assert "i:2026-12-01" in keys(one_db, "open")


def test_stopped_equipment_is_maintained_and_scrapped_is_not(one_db: Database) -> None:
    with one_db.begin() as s:
        entry(s, 1, status="stopped")
        entry(s, 2, status="repair")
        entry(s, 3, status="scrapped")
    run(one_db, "2026-11-01", plan())
    with one_db.read() as s:
        assert [one.equipment_id[-1] for one in tasks(s)] == ["1", "2"]


def test_a_plan_that_ends_leaves_what_is_overdue(one_db: Database) -> None:
    with one_db.begin() as s:
        entry(s)
    run(one_db, "2026-09-01", plan())
    run(one_db, "2026-10-01", plan())
    run(one_db, "2026-10-20")
    with one_db.read() as s:
        assert [(one.occurrence, one.state, one.cancelled_why) for one in tasks(s)] == [
            ("2026-09", "open", ""), ("2026-10", "cancelled", "plan_ended"),
        ]  # fmt: skip
        assert s.scalars(select(PlanMark)).one().ended_on == D("2026-10-20")


def test_meters_ask_by_their_readings(db: Database) -> None:
    metered = plan(meter=MeterTrigger(meter="run-hours", step=500))
    with db.begin() as s:
        entry(s)

    def read(value: float, day: str) -> None:
        with db.begin() as s:
            s.add(
                MeterReading(id=f"{value:026.0f}", equipment_id=f"{1:026}", meter="run-hours", value=value, at=at(day))
            )

    read(480, "2026-10-01")
    assert run(db, "2026-10-02", metered) == 0
    read(501, "2026-10-03")
    assert run(db, "2026-10-04", metered) == 1
    assert run(db, "2026-10-04", metered) == 0
    assert keys(db) == ["m:500@2026-10-03"]


@dataclass
class Slow:
    """The same by walking every day: what is there, and in which state."""

    calendar: WorkCalendar
    rule: Plan | None = None
    since: date | None = None
    left: date | None = None
    found: dict[str, tuple[str, date]] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        return (
            day not in self.calendar.days_off
            and ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()] not in self.calendar.weekend
        )

    def due(self, which: Plan, opens: date, last: date) -> date:
        if which.days_off == "keep" or self.works(last):
            return last
        step = DAY if which.days_off == "next" else -DAY
        day = last + step
        while not self.works(day):
            day += step
        return day if day >= opens else last

    def periods(self, which: Plan, since: date, today: date) -> dict[str, tuple[date, date]]:
        """Name → day it opens, due day; of everything that opened."""
        name = {
            "day": lambda d: d.isoformat(), "week": lambda d: "{}-W{:02}".format(*d.isocalendar()[:2]),
            "month": lambda d: f"{d:%Y-%m}", "quarter": lambda d: f"{d.year}-Q{(d.month + 2) // 3}",
        }  # fmt: skip
        if which.interval is not None:
            length = which.interval.days
            return {
                f"i:{last}": (last - (length - 1) * DAY, self.due(which, last - (length - 1) * DAY, last))
                for n in range(1, 1000)
                if (last := since + n * length * DAY) - (length - 1) * DAY <= today
            }
        named = name[str(which.every)]
        members: dict[str, list[date]] = {}
        for n in range(-100, (today - since).days + 100):
            members.setdefault(named(since + n * DAY), []).append(since + n * DAY)
        out = {}
        for key, those in members.items():
            left = [one for one in those if one >= since]
            if left and left[0] <= today and those[0] > since - 99 * DAY and 3 * len(left) >= len(those):
                out[key] = (left[0], self.due(which, left[0], those[-1]))
        return out

    def look(self, which: Plan, retired: bool, today: date) -> None:
        if retired:
            self.found = {k: ("gone" if s == "open" else s, d) for k, (s, d) in self.found.items()}
            self.left = self.left or (today if self.rule else None)
            return
        coming = {k for k, (s, d) in self.found.items() if d >= today}
        back = self.left is not None and self.left < today
        other = self.rule is not None and (self.rule.every, self.rule.interval) != (which.every, which.interval)
        if self.since is None or back or other:
            self.since = today
        self.left, self.rule = None, which
        now = self.periods(which, self.since, today)
        for key in coming:
            state, _ = self.found[key]
            if state == "done":
                continue
            earlier = self.periods(which, today - 130 * DAY, today) if which.every else now
            if key in now or (which.every and key in earlier):
                self.found[key] = ("open", (now.get(key) or earlier[key])[1])
            else:
                self.found[key] = ("gone", self.found[key][1])
        for key, (_, due) in now.items():
            self.found.setdefault(key, ("open", due))


RULES: list[dict[str, Any]] = [
    {"every": "day"}, {"every": "week"}, {"every": "month"}, {"every": "quarter"}, {"interval": 15 * DAY},
    {"interval": 40 * DAY},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(24))
def test_nothing_is_lost_and_nothing_doubled(one_db: Database, seed: int) -> None:
    dice = random.Random(seed)
    zone = dice.choice(["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
    off = tuple(sorted(dice.sample(days("2026-01-01", 500), 30)))
    calendar = WorkCalendar(weekend=dice.choice([(), ("sat", "sun"), ("sun",)]), days_off=off)
    slow = Slow(calendar)
    which = plan(**dice.choice(RULES), days_off=dice.choice(["keep", "next", "previous"]))
    with one_db.begin() as s:
        entry(s)
    today, retired = D("2026-01-05") + dice.randrange(24) * DAY, False
    for _ in range(25):
        event = dice.random()
        if event < 0.12:
            which = plan(**dice.choice(RULES), days_off=which.days_off)
        elif event < 0.22:
            retired = not retired
        with one_db.begin() as s:
            s.scalars(select(Equipment)).one().declared = not retired
            config = site(which, zone=zone, calendar=calendar)
            now = at(today, "12:00", zone)
            generate(s, config, now)
            slow.look(which, retired, today)
            stored = {one.occurrence: one for one in tasks(s)}
            assert len(stored) == len(tasks(s))
            shown = {key: ("gone" if one.state == "cancelled" else one.state) for key, one in stored.items()}
            assert shown == {key: state for key, (state, _) in slow.found.items()}, (today, which)
            assert {key: one.due_on for key, one in stored.items() if one.state == "open"} == {
                key: due for key, (state, due) in slow.found.items() if state == "open"
            }, (today, which)
            for one in service.open_for(s, f"{1:026}", now):
                if dice.random() < 0.4:
                    service.complete(
                        s, config, one, inspection_id=None, passed=True, by="x", started_at=now, done_at=now
                    )
                    assert one.on_time is (one.due_on >= today)
                    slow.found[one.occurrence] = ("done", one.due_on)
        today += dice.choice([0, 1, 1, 2, 5, 12, 33]) * DAY
