"""Lifts, forms and tasks of a month as their collectors read them, on both kinds of database."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import patrol_rows
import pytest
from plan_rows import entry
from scenario.site import shipped
from sqlalchemy.orm import Session

from gateway.timeseries.sqlite import open_sqlite_store
from services.equipment import service as equipment
from services.equipment.tables import Certificate, Equipment
from services.kernel.db import Database
from services.maintenance.tables import Inspection, MaintenanceTask
from services.report.chapters import elevator as chapter
from services.report.collect import elevator, fire_forms
from services.report.collect.electrical import collect as electrical
from services.report.collect.source import Source
from services.report.collect.tasks import tasks
from services.report.months import month_of
from services.work_order.tables import WorkOrder

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = month_of("2026-10", "Asia/Shanghai", NOW)
SINCE, UNTIL = OCTOBER.since_at, OCTOBER.until_at
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def source(db: Database, tmp_path: Path) -> Iterator[Source]:
    store = open_sqlite_store(tmp_path / "readings.db")
    with db.begin() as session:
        yield Source(session, store, shipped().site("yunhe"), shipped())
    store.close()


def add(session: Session, eid: str, kind: str) -> Equipment:
    return entry(session, len(eid), kind=kind, eid=eid)


def task(
    name: str, row: Equipment, due_on: date, done: datetime | None, *, on_time: bool, state: str = ""
) -> MaintenanceTask:
    due_at = datetime(due_on.year, due_on.month, due_on.day, 16, tzinfo=UTC)
    return MaintenanceTask(
        id=name, site="yunhe", plan="elevator-half-month", equipment_id=row.id, occurrence=name, level=6, checklist="c",
        opens_at=due_at - DAY, due_at=due_at, due_on=due_on, state=state or ("done" if done else "open"), done_at=done,
        done_by="guard", on_time=on_time, passed=True, outside_window=False, inspection_id=None, cancelled_at=None,
        warned_at=None, created_at=SINCE,
    )  # fmt: skip


def order(name: str, at: datetime, category: str, lift: str | None, responded: datetime | None = None) -> WorkOrder:
    return WorkOrder(
        id=name, number=f"WO-{name}", site="yunhe", alert_id=None, title="困人", state="in_progress", origin="request",
        category=category, equipment_id=lift, created_at=at, responded_at=responded, priority="P1", assignee=None,
        assignee_role=None, respond_due_at=None, finish_due_at=None, finished_at=None, closed_at=None, hold_reason=None,
        hold_until=None, held_at=None, rating=None, rework_of=None,
    )  # fmt: skip


def test_tasks_are_of_the_month_of_their_day(source: Source) -> None:
    session = source.session
    lift = add(session, "lift-x", "elevator")
    session.add_all([
        task("night", lift, date(2026, 10, 31), UNTIL + 30 * MINUTE, on_time=True),
        task("late", lift, date(2026, 10, 20), UNTIL + HOUR, on_time=False),
        task("gone", lift, date(2026, 10, 20), None, on_time=False, state="cancelled"),
        task("next", lift, date(2026, 11, 1), None, on_time=False),
        task("before", lift, date(2026, 9, 30), None, on_time=False),
    ])  # fmt: skip
    session.flush()
    found = tasks(source, OCTOBER, ["elevator"])
    assert [(one.id, one.done_at is not None, one.on_time) for one in found] == [
        ("late", False, False), ("night", True, True),
    ]  # fmt: skip
    assert [one.overdue(OCTOBER.ends_at) for one in found] == [True, False]
    assert tasks(source, OCTOBER, ["hydrant"]) == ()


def test_lifts_with_papers_calls_and_hours_out_of_service(source: Source) -> None:
    session = source.session
    lift = add(session, "lift-x", "elevator")
    for name, until in (("old", date(2026, 10, 1)), ("new", date(2027, 10, 1))):
        session.add(Certificate(id=name, site="yunhe", equipment_id=lift.id, kind="elevator_inspection", subject="",
                                number=name, expires_on=until, created_at=SINCE, created_by="duty", valid_from_on=None,
                                document_id=None, ended_at=None))  # fmt: skip
    equipment.set_status(session, lift, "stopped", SINCE + DAY, actor="guard", reason="检修")
    equipment.set_status(session, lift, "in_use", SINCE + DAY + 5 * HOUR, actor="guard", reason="修好")
    session.add_all([
        order("a", SINCE + DAY, "entrapment", lift.id, SINCE + DAY + 20 * MINUTE),
        order("b", SINCE + 2 * DAY, "entrapment", None),
        order("c", SINCE + 3 * DAY, "elevator", lift.id),
        order("d", UNTIL, "entrapment", lift.id),
    ])  # fmt: skip
    session.flush()
    facts = elevator.collect(source, OCTOBER)
    own = next(one for one in facts.lifts if one.id == lift.id)
    assert own.certificate_until_on == date(2027, 10, 1)
    assert own.stopped == 5 * HOUR
    assert [(one.id, one.trapped, one.arrival) for one in own.calls] == [
        ("a", True, 20 * MINUTE), ("c", False, None),
    ]  # fmt: skip
    assert [one.id for one in facts.lifts[-1].calls] == ["b"]
    assert chapter.chapter(OCTOBER, facts).figures[2].figure.value == 2


def test_a_site_without_lifts(source: Source) -> None:
    assert elevator.collect(source, OCTOBER).lifts == ()


def test_form_c1_counts_answers_and_inspections(source: Source) -> None:
    session = source.session
    fire_points = {stop.checkpoint for one in source.config.patrol.routes if one.kind == "fire" for stop in one.stops}
    point = next(
        one for one in source.config.patrol.checkpoints
        if one.questions and (one.id in fire_points or "fire" in one.labels)
    )  # fmt: skip
    question = point.questions[0]
    session.add_all([
        patrol_rows.tap("a", point.id, SINCE + HOUR, answers={question.id: True}),
        patrol_rows.tap("b", point.id, SINCE + DAY, answers={question.id: False}, findings=[question.id], note="缺失"),
    ])  # fmt: skip
    hydrant = add(session, "hydrant-x", "hydrant")
    session.add(inspection("i", hydrant, {"mouth": False, "valve": True}, ["mouth"]))
    session.flush()
    found = {one.content: one for one in fire_forms.items(source, OCTOBER, ["hydrant"])}
    assert (found[question.text].checks, found[question.text].good, found[question.text].faults) == (2, 1, ("缺失",))
    assert (found["栓口"].checks, found["栓口"].good, found["阀门"].good) == (1, 0, 1)
    assert found["栓口"].faults == (f"{hydrant.name}：不合格",)


def test_form_b1_has_what_people_found_at_fire_equipment(source: Source) -> None:
    session = source.session
    hydrant, lift = add(session, "hydrant-x", "hydrant"), add(session, "lift-x", "elevator")
    session.add_all([
        order("h", SINCE + DAY, "fire_equipment", hydrant.id), order("l", SINCE + DAY, "elevator", lift.id),
        order("later", SINCE + 40 * DAY, "fire_equipment", hydrant.id),
    ])  # fmt: skip
    session.flush()
    lines = fire_forms.repairs(source, OCTOBER, (), ["hydrant"])
    assert [(one.id, one.place, one.stopped, one.repaired_at) for one in lines] == [("h", hydrant.name, None, None)]


def inspection(name: str, row: Equipment, answers: dict[str, object], findings: list[str]) -> Inspection:
    items = [{"id": "mouth", "text": "栓口"}, {"id": "valve", "text": "阀门"},
             {"id": "mohm", "text": "绝缘", "kind": "number", "requirement": "NUM-02", "minimum": 0.5}]  # fmt: skip
    return Inspection(
        id=f"yunhe/{name}", site="yunhe", equipment_id=row.id, checklist="check", items=items, answers=answers,
        findings=findings, passed=not findings, by="guard", started_at=SINCE + DAY, at=SINCE + DAY,
        received_at=SINCE + DAY, opened_by="tag", note="", photos=[], instrument="ZC25-3", emergency=False,
        order_ids=[],
    )  # fmt: skip


def test_insulation_of_an_inspection_has_its_instrument(source: Source) -> None:
    box = add(source.session, "box-x", "distribution_box")
    source.session.add(inspection("i", box, {"mohm": 0.5}, []))
    source.session.flush()
    found = electrical(source, OCTOBER).measured
    assert [(one.value, one.minimum, one.instrument, one.passed) for one in found] == [(0.5, 0.5, "ZC25-3", True)]
