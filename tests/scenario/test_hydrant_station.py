"""A hydrant station as its engineer knows it: jockeys that start too often, a main pump that lifts nothing, tests."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from scenario.site import Night, shipped, with_changes, yunhe
from sqlalchemy import select

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Upkeep
from services.derived.tables import PumpRun, PumpTest
from services.flows import pump_tests
from services.kernel.audit import Audit
from services.kernel.errors import Forbidden, Invalid, NotFound
from services.maintenance.tables import Inspection, MaintenanceTask
from services.people.roles import Actor, Role

Nights = Callable[..., Night]
PRESSURE, MAIN, JOCKEY = "hydrant-main-pressure", "hydrant-pump-1-run", "hydrant-jockey-run"
CONTACTS = (MAIN, "hydrant-pump-2-run", JOCKEY)
DERIVED = ("hydrant-starts", "hydrant-decay", "hydrant-pump-1-no-rise", "hydrant-pump-2-no-rise")
STATION = (PRESSURE, *CONTACTS, "fire-tank-level", *DERIVED)
FIRE_ENGINEER = "alert.opened: duty, engineer-fire"
MONDAY = "2026-11-23 02:00"
ENGINEER = Actor("engineer-fire", "消防工程师", Role.ENGINEER)


def station(*plans: str) -> SiteConfig:
    """The shipped hydrant station, with these of the shipped plans."""
    whole = shipped().site("yunhe").upkeep
    kept = tuple(
        one.model_copy(update={"kinds": (), "equipment": _for(one.id)}) for one in whole.plans if one.id in plans
    )
    return with_changes(
        yunhe(*STATION), upkeep=Upkeep(checklists=whole.checklists, plans=kept, calendar=whole.calendar)
    )  # fmt: skip


def _for(plan: str) -> tuple[str, ...]:
    return ("hydrant-jockey",) if plan == "jockey-day" else ("hydrant-pump-1",)


def calm(night: Night) -> Night:
    """Everything stands still."""
    night.shows(PRESSURE, 0.70)
    if "fire-tank-level" in night.config.point_by_id:
        night.shows("fire-tank-level", 3.0)
    for contact in CONTACTS:
        night.shows(contact, 0)
    night.wait("30s")
    return night


def run_main(night: Night, *, begins_at: float = 0.70, lifts_to: float = 0.95, for_: str = "3min") -> None:
    """The main pump runs once."""
    night.shows(PRESSURE, begins_at)
    night.wait("6s", step="2s")
    night.shows(MAIN, 1)
    night.wait("10s", step="2s")
    night.shows(PRESSURE, lifts_to)
    night.wait(for_)
    night.shows(MAIN, 0)
    night.wait("12s", step="2s")
    night.shows(PRESSURE, 0.70)
    night.wait("30s")


def runs(night: Night) -> list[PumpRun]:
    with night.db.read() as session:
        return list(session.scalars(select(PumpRun).order_by(PumpRun.started_at, PumpRun.id)))


def seen(night: Night) -> list[PumpTest]:
    with night.db.read() as session:
        return list(session.scalars(select(PumpTest).order_by(PumpTest.at, PumpTest.id)))


def tasks(night: Night) -> list[MaintenanceTask]:
    with night.db.read() as session:
        return list(session.scalars(select(MaintenanceTask).order_by(MaintenanceTask.due_at)))


def inspections(night: Night) -> list[Inspection]:
    with night.db.read() as session:
        return list(session.scalars(select(Inspection).order_by(Inspection.at)))


def test_a_jockey_that_starts_too_often_is_an_alert_that_names_the_starts_and_the_limit(own_nights: Nights) -> None:
    night = calm(own_nights(config=station()))
    for _ in range(17):
        for value, pressure in ((1, 0.74), (0, 0.66)):
            night.shows(JOCKEY, value)
            night.reading(JOCKEY, value)
            night.shows(PRESSURE, pressure)
            night.wait("40s", step="10s")
    (alert,) = [one for one in night.alerts() if one.target == "yunhe/hydrant-starts"]
    assert alert.value == 16
    assert "稳压泵" in alert.title
    assert "15" in alert.limit_text
    assert [one.role for one in runs(night)] == ["jockey"] * 17
    assert {one.start_pressure for one in runs(night)[1:]} == {0.66}
    assert night.heard()
    night.wait("62min", step="2min")
    assert not night.alert(alert.rule).active, "time alone brings the number down"
    night.heard()


def test_a_main_pump_that_lifts_nothing_is_a_critical_alert_with_its_name(own_nights: Nights) -> None:
    night = calm(own_nights(config=station()))
    run_main(night, lifts_to=0.70)
    (alert,) = [one for one in night.alerts() if one.target == "yunhe/hydrant-pump-1-no-rise"]
    assert alert.severity == "critical"
    assert "hydrant-pump-1" in alert.title or "1号消火栓泵" in alert.title
    assert [one.verdict for one in runs(night)] == ["no_rise"]
    assert night.heard()


def test_the_weekly_test_is_recognised_and_does_its_task(nights: Nights) -> None:
    night = calm(nights(config=station("fire-pump-week"), start=MONDAY))
    (task,) = tasks(night)
    assert (task.plan, task.state) == ("fire-pump-week", "open")
    run_main(night, begins_at=0.56)
    (test,) = seen(night)
    assert (test.kind, test.equipment, test.passed, test.by) == ("weekly_auto", "hydrant-pump-1", True, "")
    (task,) = tasks(night)
    assert (task.state, task.passed, task.on_time, task.done_by) == ("done", True, True, "system")
    assert task.done_at == test.at
    (inspection,) = inspections(night)
    assert (inspection.id, inspection.opened_by) == (task.inspection_id, "signal")
    assert inspection.answers["pressure"] == inspection.answers["signal-peak_pressure"] == 0.95
    verdicts = {one["id"]: one["verdict"] for one in inspection.items}
    assert (verdicts["signal"], verdicts["pressure"], verdicts["back"]) == ("good", "good", "open")
    assert night.alerts() == []


def test_a_test_that_fails_leaves_its_task_open(own_nights: Nights) -> None:
    night = calm(own_nights(config=station("fire-pump-week"), start=MONDAY))
    run_main(night, begins_at=0.56, lifts_to=0.57, for_="2min")
    assert [(one.kind, one.passed) for one in seen(night)] == [("weekly_auto", False)]
    assert [one.state for one in tasks(night)] == ["open"]
    assert "yunhe/hydrant-pump-1-no-rise" in {one.target for one in night.alerts()}
    assert night.heard()


def test_a_manual_start_does_the_months_task_and_not_the_weeks(own_nights: Nights) -> None:
    night = calm(own_nights(config=station("fire-pump-week", "fire-pump-month"), start="2026-12-07 02:00"))
    run_main(night)
    assert {one.plan: one.state for one in tasks(night)} == {"fire-pump-week": "open", "fire-pump-month": "done"}
    assert [one.kind for one in seen(night)] == ["monthly_manual"]


def test_the_jockeys_day_is_summed_up_before_midnight(own_nights: Nights) -> None:
    night = calm(own_nights(config=station("jockey-day"), start="2026-11-23 23:45"))
    for value, pressure in ((1, 0.74), (0, 0.66), (1, 0.74), (0, 0.68)):
        night.shows(JOCKEY, value)
        night.reading(JOCKEY, value)
        night.shows(PRESSURE, pressure)
        night.wait("1min")
    night.wait("8min", step="10s")
    (test,) = seen(night)
    assert (test.kind, test.facts["starts"]) == ("jockey_day", 2)
    (done,) = [one for one in tasks(night) if one.state == "done"]
    assert (done.plan, done.on_time, done.occurrence) == ("jockey-day", True, "2026-11-23")
    night.falls_silent(JOCKEY)
    night.wait("30min", step="2min")
    assert len(seen(night)) == 1
    night.heard()


def test_a_judge_that_dies_in_the_middle_loses_no_run_and_counts_none_twice(own_nights: Nights) -> None:
    stories = []
    for dies in (False, True):
        night = calm(own_nights(config=station("fire-pump-week"), start=MONDAY))
        night.shows(PRESSURE, 0.56)
        night.wait("6s", step="2s")
        if dies:
            night.restart()
        night.shows(MAIN, 1)
        night.reading(MAIN, 1)
        wires = list(night.held)
        night.wait("4s", step="2s")
        if dies:
            night.restart()
            night.resend(wires)
        night.shows(PRESSURE, 0.95)
        night.wait("2min")
        if dies:
            night.restart()
            night.resend(wires)
        night.shows(MAIN, 0)
        night.reading(MAIN, 0)
        night.shows(PRESSURE, 0.70)
        night.wait("1min")
        stories.append(
            (
                [(one.equipment, one.started_at, one.ended_at, one.cause, one.verdict) for one in runs(night)],
                [(one.kind, one.at, one.passed) for one in seen(night)],
                [one.state for one in tasks(night)],
            )
        )
    assert stories[0] == stories[1]
    assert [len(part) for part in stories[0]] == [1, 1, 1]


def test_maintenance_of_the_pump_excuses_what_is_worked_out_of_it(own_nights: Nights) -> None:
    for target in ("yunhe/hydrant-pump-1", "yunhe/hydrant-main", "yunhe/hydrant-main-pressure"):
        night = calm(own_nights(config=station()))
        night.maintain(target, "1h")
        run_main(night, lifts_to=0.70)
        assert night.alerts() == [], target
        assert [one.verdict for one in runs(night)] == ["no_rise"]


def enter(night: Night, actor: Actor = ENGINEER, **more: object) -> PumpTest:
    values = {
        "pump": "hydrant-pump-1", "kind": "quarterly_flow", "at": night.now - timedelta(hours=1), "passed": True,
        "note": "", "facts": {"flow": 38.5, "peak_pressure": 0.92},
    } | more  # fmt: skip
    with night.db.begin() as session:
        return pump_tests.enter_test(session, night.config, actor, now=night.now, **values)  # type: ignore[arg-type]


def test_a_person_enters_a_test_that_no_signal_shows(nights: Nights) -> None:
    night = calm(nights(config=station("fire-pump-quarter"), start="2027-01-04 02:00"))
    night.wait("20s")
    test = enter(night, at=night.now)
    assert (test.by, test.facts["flow"]) == ("engineer-fire", 38.5)
    (task,) = tasks(night)
    assert (task.state, task.done_by) == ("done", "engineer-fire")
    (inspection,) = inspections(night)
    assert (inspection.opened_by, inspection.answers["flow"]) == ("desk", 38.5)
    with night.db.read() as session:
        assert "pump.test" in set(session.scalars(select(Audit.action)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"actor": Actor("guard-1", "安管员", Role.GUARD)}, Forbidden),
        ({"pump": "hydrant-jockey"}, NotFound),
        ({"kind": "jockey_day"}, Invalid),
        ({"at": datetime.fromisoformat("2027-02-01T00:00+08:00")}, Invalid),
        ({"at": datetime.fromisoformat("2026-10-01T00:00+08:00")}, Invalid),
        ({"passed": False}, Invalid),
        ({"note": "x" * 501}, Invalid),
        ({"facts": {"colour": 1.0}}, Invalid),
        ({"facts": {"flow": -1.0}}, Invalid),
        ({"facts": {"flow": float("nan")}}, Invalid),
    ],
)
def test_what_nobody_could_have_tested_is_refused(
    own_nights: Nights, change: dict[str, object], error: type[Exception]
) -> None:
    night = own_nights(config=station())
    with pytest.raises(error):
        enter(night, **change)  # type: ignore[arg-type]
