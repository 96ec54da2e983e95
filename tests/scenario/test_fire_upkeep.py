"""Fire protection between fires: announced tests, and what is shielded or stopped."""

from datetime import date, timedelta
from typing import Any

import pytest
from scenario.control_room import EAST, EAST_2, START, WEST, ControlRoom, open_room
from scenario.site import span
from sqlalchemy import delete, update

from services.fire.tables import FireComponent, FireIncident, FireOutage, FireSignal, FireTest
from services.flows.fire import response as fire_response
from services.flows.fire import test_mode as fire_test_mode
from services.flows.fire import upkeep as fire_upkeep
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound


@pytest.fixture
def any_room(db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(db, monkeypatch)


@pytest.fixture
def room(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(one_db, monkeypatch)


# Test mode


def test_in_test_mode_signals_are_recorded_as_tests_and_a_fire_elsewhere_calls_people(any_room: ControlRoom) -> None:
    room = any_room
    room.test_mode("2h")
    assert room.heard_by("fire.test_mode.begun") == ["duty", "engineer", "guard", "guard-2", "supervisor"]
    room.says(EAST, "fire")
    room.says(EAST)
    room.says(EAST, "fire")
    assert room.alerts("FIRE-ALARM") == []
    assert [one.test for one in room.rows(FireSignal)] == [True] * 3
    (proof,) = room.rows(FireTest)
    assert (proof.device, proof.kind, proof.passed, proof.by) == ("east-1", "smoke", True, "system")
    assert (proof.signal_id, proof.tested_on) == (room.rows(FireSignal)[0].id, date(2026, 11, 21))
    assert "engineer" in proof.note
    assert "duty" in proof.note
    room.says(WEST, "fire")
    assert room.state("FIRE-ALARM") == "active"
    assert [one.zones for one in room.rows(FireIncident)] == [{"west": ["beat/utd/" + WEST]}]
    room.says(EAST)
    room.says(EAST_2, "fire")
    assert list(room.rows(FireIncident)[0].zones) == ["west", "east"], "what spreads is not taken for a test"


def test_a_test_mode_forgotten_on_calls_people_again_and_is_an_alert_until_it_is_ended(room: ControlRoom) -> None:
    mode = room.test_mode("1h")
    room.wait("59min")
    room.says(EAST, "fire")
    room.says(EAST)
    room.wait("59s")
    assert room.alerts("FIRE-TESTMODE") == []
    room.wait("1s")
    assert room.state("FIRE-TESTMODE") == "active"
    assert room.alerts("FIRE-ALARM") == [], "what had ended before is no fire"
    room.says(EAST, "fire")
    assert room.state("FIRE-ALARM") == "active", "nobody ended it, and signals call people all the same"
    with pytest.raises(Conflict):
        room.do(fire_test_mode.extend, mode.id, until=room.now + span("1h"), actor="engineer", second="duty")
    with pytest.raises(Conflict):
        room.test_mode("1h")
    room.do(fire_test_mode.end, mode.id, actor="guard")
    assert room.state("FIRE-TESTMODE") != "active"
    assert room.heard_by("fire.test_mode.ended") == ["duty", "engineer", "guard", "guard-2", "supervisor"]


def test_what_still_burns_when_the_test_is_over_is_a_fire(room: ControlRoom) -> None:
    mode = room.test_mode("1h")
    room.says(EAST, "fire")
    room.says(EAST_2, "fire")
    room.says(EAST_2)
    room.do(fire_test_mode.end, mode.id, actor="engineer")
    assert room.state("FIRE-ALARM") == "active"
    assert [one.zones for one in room.rows(FireIncident)] == [{"east": ["beat/utd/" + EAST]}]
    assert [one.device for one in room.rows(FireTest)] == ["east-1", "east-2"]


def test_what_still_burns_when_a_test_mode_runs_out_is_a_fire_too(room: ControlRoom) -> None:
    room.test_mode("1h", zone="")
    room.says(EAST, "fire")
    room.restart()
    room.wait("1h")
    assert (room.state("FIRE-ALARM"), room.state("FIRE-TESTMODE")) == ("active", "active")


def test_a_test_mode_takes_two_people_who_may_a_reason_and_an_end(room: ControlRoom) -> None:
    refused: list[tuple[type[Exception], dict[str, Any]]] = [
        (Forbidden, {"second": "engineer"}),
        (Forbidden, {"second": ""}),
        (Forbidden, {"second": "guard"}),
        (Forbidden, {"actor": "stranger"}),
        (Invalid, {"until": room.now}),
        (Invalid, {"until": room.now + span("8h") + timedelta(seconds=1)}),
        (Invalid, {"reason": "  "}),
        (NotFound, {"panel": "nowhere"}),
        (NotFound, {"zone": "nowhere"}),
        (NotFound, {"panel": "printer"}),
    ]
    given = {"panel": "utd", "zone": "east", "until": room.now + span("8h"), "reason": "检测"}
    given |= {"actor": "engineer", "second": "duty"}
    for error, change in refused:
        with pytest.raises(error):
            room.do(fire_test_mode.begin, **given | change)
    room.do(fire_test_mode.begin, **given)


def test_no_test_mode_while_something_burns(room: ControlRoom) -> None:
    room.says(WEST, "fire")
    with pytest.raises(Conflict):
        room.test_mode("1h")
    room.do(fire_response.close, room.rows(FireIncident)[0].id, actor="duty", verdict="test", cause="忘记开测试模式")
    room.test_mode("1h")


def test_a_test_mode_that_is_extended_goes_on(room: ControlRoom) -> None:
    mode = room.test_mode("1h")
    with pytest.raises(Invalid):
        room.do(fire_test_mode.extend, mode.id, until=mode.until, actor="engineer", second="duty")
    with pytest.raises(Forbidden):
        room.do(fire_test_mode.extend, mode.id, until=mode.until + span("1h"), actor="duty", second="duty")
    room.do(fire_test_mode.extend, mode.id, until=mode.until + span("1h"), actor="duty", second="supervisor")
    room.wait("90min")
    room.says(EAST, "fire")
    assert (room.alerts("FIRE-ALARM"), room.alerts("FIRE-TESTMODE")) == ([], [])
    room.wait("30min")
    assert room.state("FIRE-TESTMODE") == "active"
    room.do(fire_test_mode.end, mode.id, actor="engineer")
    with pytest.raises(Conflict):
        room.do(fire_test_mode.end, mode.id, actor="engineer")


# Outages


def test_a_shield_of_more_than_a_day_asks_for_filing_and_measures(room: ControlRoom) -> None:
    room.says(EAST, "shield")
    room.wait("23h")
    assert room.alerts("FIRE-OUTAGE") == []
    room.wait("1h")
    assert room.state("FIRE-OUTAGE") == "active"
    (outage,) = room.rows(FireOutage)
    assert (outage.kind, outage.prompted_at) == ("shield", room.now)
    with pytest.raises(Invalid):
        room.do(fire_upkeep.note_outage, outage.id, filed=False, measures=" ", actor="engineer")
    room.do(fire_upkeep.note_outage, outage.id, filed=False, measures="每两小时巡查", actor="engineer")
    assert room.state("FIRE-OUTAGE") != "active"
    assert outage.ended_at is None


def test_a_shield_that_ends_in_time_asks_nobody_and_the_next_one_counts_anew(room: ControlRoom) -> None:
    room.says(EAST, "shield")
    room.wait("20h")
    room.says(EAST)
    room.wait("1h")
    room.says(EAST, "shield")
    room.wait("20h")
    assert room.alerts("FIRE-OUTAGE") == []
    room.wait("4h")
    assert room.state("FIRE-OUTAGE") == "active"
    room.says(EAST)
    assert room.state("FIRE-OUTAGE") != "active"
    assert [one.ended_at is not None for one in room.rows(FireOutage)] == [True, True]


def test_a_system_that_is_stopped_is_a_stop_and_notes_made_early_spare_the_prompt(room: ControlRoom) -> None:
    room.says("", "shield", scope="system", system_address=3)
    (outage,) = room.rows(FireOutage)
    assert (outage.kind, outage.component) == ("stop", "beat/utd/system:3")
    room.do(fire_upkeep.note_outage, outage.id, filed=True, measures="专人值守", actor="duty")
    room.wait("25h")
    assert room.alerts("FIRE-OUTAGE") == []
    room.says("", scope="system", system_address=3)
    assert room.rows(FireOutage)[0].ended_at == room.now


def test_a_shielded_loop_is_one_alert_until_every_point_is_seen_to(room: ControlRoom) -> None:
    loop = [f"0900{number:02x}00" for number in range(1, 14)]
    for address in loop:
        room.put("utd", "fire", {"address": address, "state": ["shield"], "complete": True})
    room.hear()
    assert len(room.timers("fire.outage")) == 1
    room.day(room.now + span("25h"))
    alert = room.alert("FIRE-OUTAGE")
    assert alert.target == "beat/utd"
    assert "13" in alert.title
    for address in loop[:-1]:
        room.says(address)
    assert room.state("FIRE-OUTAGE") == "active"
    (last,) = [one for one in room.rows(FireOutage) if one.ended_at is None]
    room.do(fire_upkeep.note_outage, last.id, filed=True, measures="专人值守", actor="engineer")
    assert room.state("FIRE-OUTAGE") != "active"


def test_a_shield_that_came_to_be_unnoticed_is_counted_by_the_watch(room: ControlRoom) -> None:
    room.says(EAST, "shield")
    with room.db.begin() as session:
        session.execute(delete(FireOutage))
    room.day(room.now + span("2h"))
    (outage,) = room.rows(FireOutage)
    assert outage.began_at == room.at(START)
    with room.db.begin() as session:
        session.execute(update(FireComponent).values(states={}, is_open=False))
    room.day(room.now + span("2h"))
    assert room.rows(FireOutage)[0].ended_at is not None
