"""The end of test mode: whatever was heard as a test and still holds is real from then on, by whatever way it came."""

import pytest
from scenario.control_room import CALL, EAST, EAST_2, WEST, ControlRoom, open_room
from sqlalchemy import update

from services.fire.tables import FireComponent, FireIncident, FireOutage, FireTestMode
from services.flows.fire import test_mode as fire_test_mode
from services.kernel.db import Database


@pytest.fixture
def any_room(db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(db, monkeypatch)


@pytest.fixture
def room(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(one_db, monkeypatch)


def held_as_tests(room: ControlRoom) -> dict[str, list[str]]:
    return {one.address: one.tests for one in room.rows(FireComponent) if one.test or one.tests}


def test_faults_and_supervisory_signals_of_the_test_alert_when_it_is_over_if_they_still_hold(
    any_room: ControlRoom,
) -> None:
    room = any_room
    mode = room.test_mode("1h", zone="")
    room.says(EAST, "fault")
    room.says(EAST_2, "fault")
    room.says(WEST, "alarm")
    room.says(CALL, "shield")
    room.says("", "manual", scope="system", system_address=3)
    shielded_at = room.now
    room.wait("20min")
    room.says(EAST_2)
    assert (room.alerts("FIRE-FAULT"), room.alerts("FIRE-SUPERVISORY")) == ([], [])
    room.do(fire_test_mode.end, mode.id, actor="engineer")
    assert held_as_tests(room) == {}
    fault, gas = room.alert("FIRE-FAULT"), room.alert("FIRE-SUPERVISORY")
    assert (fault.target, gas.target, gas.severity) == (f"beat/utd/{EAST}", f"beat/utd/{WEST}", "high")
    assert {fault.last_active_at, gas.last_active_at} == {room.now}, "clocks of the repair run from the end of the test"
    (outage,) = room.rows(FireOutage)
    assert (outage.component, outage.began_at) == (f"beat/utd/{CALL}", shielded_at)
    assert room.alerts("FIRE-ALARM") == []
    room.says(EAST)
    room.says(WEST)
    assert (room.state("FIRE-FAULT"), room.state("FIRE-SUPERVISORY")) == ("cleared", "cleared")


def test_a_fault_that_outlives_a_forgotten_test_mode_alerts_too(room: ControlRoom) -> None:
    room.test_mode("5min")
    room.says(EAST, "fault")
    room.says(WEST, "fault")
    assert [one.target for one in room.alerts("FIRE-FAULT")] == [f"beat/utd/{WEST}"]
    room.wait("5min")
    assert [one.target for one in room.alerts("FIRE-FAULT")] == [f"beat/utd/{WEST}", f"beat/utd/{EAST}"]


@pytest.mark.parametrize("over", ["ended", "ran out", "nobody noticed"])
def test_what_was_stored_as_a_test_after_the_end_calls_people_all_the_same(room: ControlRoom, over: str) -> None:
    mode = room.test_mode("30min")
    room.says(EAST, "fire")
    (judged_under_it,) = room.rows(FireComponent)
    room.says(EAST)
    if over == "ended":
        room.do(fire_test_mode.end, mode.id, actor="engineer")
    elif over == "ran out":
        room.wait("30min")
    with room.db.begin() as session:
        session.merge(judged_under_it)
        if over == "nobody noticed":
            session.execute(update(FireTestMode).values(ended_at=room.now))
    assert room.alerts("FIRE-ALARM") == []
    room.wait("1h" if over == "nobody noticed" else "5s")
    assert room.state("FIRE-ALARM") == "active"
    assert [one.zones for one in room.rows(FireIncident)] == [{"east": [f"beat/utd/{EAST}"]}]
    assert held_as_tests(room) == {}
    room.wait("15min")
    assert [one.signals for one in room.rows(FireIncident)] == [1], "said once"


def test_a_fault_that_can_not_be_told_holds_back_no_fire(room: ControlRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("no such area")

    mode = room.test_mode("1h")
    room.says(EAST, "fire")
    room.says(EAST_2, "fault")
    monkeypatch.setattr("services.flows.fire.trouble._raise", fails)
    room.do(fire_test_mode.end, mode.id, actor="engineer")
    assert (room.state("FIRE-ALARM"), room.state("SYS-TIMER")) == ("active", "active")


def test_what_another_mode_still_covers_stays_a_test(room: ControlRoom) -> None:
    whole = room.test_mode("20min", zone="")
    room.says(EAST, "fire")
    room.says(WEST, "fault")
    with pytest.MonkeyPatch.context() as at_once:
        at_once.setattr("services.fire.modes.not_ended", lambda *_: [])
        room.test_mode("20min", zone="east")
    room.do(fire_test_mode.end, whole.id, actor="duty")
    assert held_as_tests(room) == {EAST: ["fire"]}
    assert room.state("FIRE-FAULT") == "active"
    room.wait("15min")
    assert room.alerts("FIRE-ALARM") == []
    room.wait("5min")
    assert room.state("FIRE-ALARM") == "active"


def test_the_watch_looks_often_while_tests_hold_or_a_mode_just_ended_and_seldom_otherwise(room: ControlRoom) -> None:
    def open_watches() -> list[float]:
        room.worker.turn()
        open_ones = [one for one in room.timers("fire.test_watch") if one.done_at is None]
        return sorted((one.due_at - room.now).total_seconds() for one in open_ones)

    assert open_watches() == [3600]
    mode = room.test_mode("2h")
    room.says(EAST, "fault")
    room.wait("1h")
    assert open_watches() == [60]
    room.says(EAST)
    room.do(fire_test_mode.end, mode.id, actor="engineer")
    assert open_watches() == [5, 60]
    room.wait("9min")
    assert open_watches()[0] <= 60
    room.wait("2min")
    assert [one > 600 for one in open_watches()] == [True], "only the one that never ends"
