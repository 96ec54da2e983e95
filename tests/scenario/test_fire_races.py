"""Two processes at the same fire on PostgreSQL: whoever is slower joins, and nothing that was said or due is lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from scenario.blaze import FLAT, HALL, NEXT_DOOR, OTHER, PANEL, Blaze, blaze_site
from sqlalchemy.exc import OperationalError

from gateway.site.fire import Response
from services.fire import incidents
from services.fire.incident import Reported
from services.fire.tables import FireTestMode
from services.flows.fire import incident as fire_incident
from services.flows.fire import response as fire_response
from services.flows.fire import test_mode as fire_test_mode
from services.flows.fire.care_watch import FireCareTimers
from services.kernel import timers
from services.kernel.collisions import DEADLOCK
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.people.roles import Actor
from services.web import fire_actions


class Deadlock(Exception):
    """What the driver says of one."""

    sqlstate = DEADLOCK


@pytest.fixture
def blaze(postgres_db: Database) -> Iterator[Blaze]:
    """The small site; who waits for another process's row for two seconds has failed."""
    url = postgres_db.url.update_query_dict({"options": "-c lock_timeout=2000"})
    db = Database(url)
    yield Blaze(db, blaze_site(), "2026-11-21 02:00")
    db.dispose()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets another process act, once, right after a call of ours."""

    def arrange(owner: Any, name: str, act: Callable[[], Any]) -> None:
        ours, todo = getattr(owner, name), [act]

        def then_theirs(*args: Any, **named: Any) -> Any:
            found = ours(*args, **named)
            if todo:
                todo.pop()()
            return found

        monkeypatch.setattr(owner, name, then_theirs)

    return arrange


def other_opens(blaze: Blaze, building: str, component: str) -> None:
    with blaze.db.begin() as session:
        row = incidents.open_one(session, "blaze", building, Response(), "theirs", blaze.zone, blaze.now)
        incidents.change(session, row, Reported((("", component),)), blaze.now)
        row.told = row.signals


def outcome(blaze: Blaze, kind: str) -> list[str | None]:
    return [one.outcome for one in blaze.rows(Timer, Timer.kind == kind)]


def test_two_that_take_the_same_number_get_two_and_both_fires_are_told(
    blaze: Blaze, meanwhile: Callable[..., None]
) -> None:
    meanwhile(incidents, "_next_number", lambda: other_opens(blaze, "block-4", blaze.component(NEXT_DOOR, OTHER)))
    blaze.burns(HALL)
    blaze.wait("2s")
    numbers = {one.building: one.number for one in blaze.incidents()}
    assert numbers == {"block-4": "HJ-20261121-001", "block-3": "HJ-20261121-002"}
    assert len(blaze.pages()) == 1


def test_a_building_that_another_process_has_just_opened_is_joined(
    blaze: Blaze, meanwhile: Callable[..., None]
) -> None:
    meanwhile(incidents, "_next_number", lambda: other_opens(blaze, "block-3", blaze.component("12-5")))
    blaze.burns(HALL)
    row = blaze.incident()
    assert (row.number, row.signals, row.first_signal_id) == ("HJ-20261121-001", 2, "theirs")
    assert [one.incident_id for one in blaze.signals()] == [row.id]
    assert outcome(blaze, "fire.digest") == [None], "what joined is told with the next digest"


def test_the_day_after_number_999_goes_on(blaze: Blaze) -> None:
    for building, number in (("a", "HJ-20261121-999"), ("b", "HJ-20261121-1000")):
        with blaze.db.begin() as session:
            row = incidents.open_one(session, "blaze", building, Response(), "x", blaze.zone, blaze.now)
            row.number = number
    with blaze.db.begin() as session:
        row = incidents.open_one(session, "blaze", "c", Response(), "x", blaze.zone, blaze.now)
        assert row.number == "HJ-20261121-1001"


def test_a_grade_given_while_the_three_minutes_end_counts(blaze: Blaze, meanwhile: Callable[..., None]) -> None:
    blaze.burns(HALL)
    blaze.wait("179s")
    meanwhile(timers, "claim_due", lambda: blaze.do("grade", grade="small", note="垃圾桶"))
    blaze.wait("5s")
    assert blaze.stage() == "small"
    assert outcome(blaze, "fire.confirm") == ["already small"]
    blaze.do("close", verdict="real", cause="垃圾桶起火")
    assert blaze.stage() == "closed"


def test_three_minutes_whose_end_lost_to_another_process_end_at_the_next_look(
    blaze: Blaze, meanwhile: Callable[..., None]
) -> None:
    def lose() -> None:
        raise OperationalError("", {}, Deadlock())

    blaze.burns(HALL)
    blaze.wait("179s")
    meanwhile(fire_incident, "not_confirmed", lose)
    blaze.wait("3s")
    assert blaze.stage() == "large unconfirmed_in_time"
    assert len(blaze.pages("fire.graded")) == 1


def test_a_second_signal_heard_while_the_three_minutes_end_holds_nothing_up(
    blaze: Blaze, meanwhile: Callable[..., None]
) -> None:
    blaze.burns(HALL)
    blaze.wait("179s")
    meanwhile(timers, "claim_due", lambda: (blaze.burns(FLAT), blaze.burns(NEXT_DOOR, panel=OTHER)))
    blaze.wait("5s")
    assert [(one.building, one.stage, one.signals) for one in blaze.incidents()] == [
        ("block-3", "large", 2),
        ("block-4", "unconfirmed", 1),
    ]
    assert outcome(blaze, "fire.confirm") == ["already large", None]


def test_a_test_mode_ended_while_it_runs_out_was_not_forgotten(blaze: Blaze, meanwhile: Callable[..., None]) -> None:
    with blaze.db.begin() as session:
        mode = fire_test_mode.begin(
            session, blaze.config, panel=PANEL, zone="", until=blaze.now + timedelta(minutes=10),
            reason="季度联动测试", actor="engineer", second="duty", now=blaze.now,
        )  # fmt: skip

    def end() -> None:
        with blaze.db.begin() as session:
            fire_test_mode.end(session, blaze.config, mode.id, actor="duty", now=blaze.now)

    blaze.wait("9min")
    meanwhile(FireCareTimers, "_site", end)
    timer = blaze.rows(Timer, Timer.kind == fire_test_mode.UNTIL_TIMER)[0]
    with blaze.db.begin() as session:
        claimed = session.get_one(Timer, timer.id, with_for_update=True)
        handlers = FireCareTimers(blaze.configs, timedelta(minutes=5)).handlers()
        assert handlers[claimed.kind](session, claimed, timer.due_at) == "ended"
    assert [one.ended_by for one in blaze.rows(FireTestMode)] == ["duty"]


def test_a_grade_that_lost_to_another_process_is_given_again(blaze: Blaze, monkeypatch: pytest.MonkeyPatch) -> None:
    blaze.burns(HALL)
    ours, lost = fire_response.grade, [Deadlock()]

    def first_loses(*args: Any, **named: Any) -> Any:
        row = ours(*args, **named)
        if lost:
            raise OperationalError("", {}, lost.pop())
        return row

    monkeypatch.setattr(fire_response, "grade", first_loses)
    desk: Any = SimpleNamespace(db=blaze.db, configs=blaze.configs)
    fire_actions.grade(desk, Actor("duty", "值班", "duty"), blaze.incident().id, "large", "", blaze.now)
    assert blaze.stage() == "large person"
    assert blaze.story().count("graded") == 1
