"""Fire protection between fires: duty checks, silent lines, the ledger of tests and drills."""

from datetime import date, timedelta

import pytest
from scenario.control_room import CALL, EAST, EAST_2, WEST, ControlRoom, open_room
from scenario.site import span

from services.fire import ledger
from services.fire.tables import FireCommand, FireIncident
from services.flows.fire import commands as fire_commands
from services.flows.fire import upkeep as fire_upkeep
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id


@pytest.fixture
def any_room(db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(db, monkeypatch)


@pytest.fixture
def room(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(one_db, monkeypatch)


# Duty checks and commands


def duty_check(room: ControlRoom, minutes: int = 10) -> FireCommand:
    asked: FireCommand = room.do(fire_commands.ask, "utd", "duty_check", {"minutes": minutes}, actor="supervisor")
    return asked


def test_a_duty_check_that_is_answered_in_time_says_who_and_when(room: ControlRoom) -> None:
    asked = duty_check(room)
    assert [(source, body["kind"], body["params"]) for _, source, body in room.commands] == [
        ("utd", "duty_check", {"minutes": 10})
    ]
    room.gateway_says("confirmed")
    with pytest.raises(Conflict):
        duty_check(room)
    room.wait("11min")
    room.operates("duty_answer", operator=7)
    room.wait("2h")
    (row,) = room.rows(FireCommand)
    assert (row.id, row.outcome, row.answer["operator"]) == (asked.id, "confirmed", 7)
    assert row.answered_at - asked.asked_at == timedelta(minutes=11)
    assert room.alerts("FIRE-DUTY") == []


def test_a_duty_check_that_nobody_answers_is_missed_until_somebody_does(any_room: ControlRoom) -> None:
    room = any_room
    duty_check(room)
    room.gateway_says("confirmed")
    room.wait(["11min", "59s"][0])
    assert room.alerts("FIRE-DUTY") == []
    room.wait("1min")
    assert room.state("FIRE-DUTY") == "active"
    duty_check(room)
    room.gateway_says("confirmed")
    room.wait("1min")
    room.operates("duty_answer", operator=7)
    assert room.state("FIRE-DUTY") != "active"
    assert [one.answered_at is None for one in room.rows(FireCommand)] == [True, False]


def test_nobody_is_accused_of_a_duty_check_that_never_reached_him(room: ControlRoom) -> None:
    room.broker_down = True
    duty_check(room)
    room.day(room.now + span("5min"))
    assert [one.outcome for one in room.rows(FireCommand)] == ["expired"]
    room.broker_down = False
    room.wait("1h")
    assert room.commands == []
    duty_check(room)
    room.gateway_says("timeout")
    room.wait("1h")
    assert room.alerts("FIRE-DUTY") == []


def test_an_answer_that_only_our_own_outage_kept_from_us_accuses_nobody(room: ControlRoom) -> None:
    duty_check(room)
    room.gateway_says("confirmed")
    room.ingest_dies()
    room.wait("5min")
    room.put("utd", "fire", {"scope": "operation", "operations": ["duty_answer"]})
    room.wait("20min")
    assert room.alerts("FIRE-DUTY") == []
    room.ingest_returns()
    room.wait("5min")
    assert room.alerts("FIRE-DUTY") == []
    assert room.rows(FireCommand)[0].answered_at is not None


def test_a_command_is_tried_until_the_broker_has_it_and_sent_once(room: ControlRoom) -> None:
    room.broker_down = True
    with pytest.raises(NotFound):
        room.do(fire_commands.ask, "nowhere", "read_time", {}, actor="duty")
    with pytest.raises(Invalid):
        room.do(fire_commands.ask, "printer", "read_time", {}, actor="duty")
    with pytest.raises(Invalid):
        room.do(fire_commands.ask, "utd", "open_the_valve", {}, actor="duty")
    with pytest.raises(Invalid):
        room.do(fire_commands.ask, "utd", "duty_check", {"minutes": 0}, actor="duty")
    room.do(fire_commands.ask, "utd", "read_time", {}, actor="duty")
    room.wait("1min")
    assert room.rows(FireCommand)[0].sent_at is None
    room.broker_down = False
    room.wait("20s")
    room.wait("1h")
    assert len(room.commands) == 1
    room.gateway_says("answered", time="2026-11-21T02:00:00Z")
    (row,) = room.rows(FireCommand)
    assert (row.outcome, row.answer) == ("answered", {"time": "2026-11-21T02:00:00Z"})


# Links


def test_a_silent_line_is_an_alert_and_never_all_quiet(room: ControlRoom) -> None:
    room.wait("5min")
    room.silent = {"utd"}
    room.wait("3min")
    assert room.alerts("FIRE-LINK") == []
    room.wait("20s")
    assert (room.state("FIRE-LINK"), room.alert("FIRE-LINK").target) == ("active", "beat/utd")
    room.silent = set()
    room.wait("5s")
    assert room.state("FIRE-LINK") != "active"


def test_a_source_that_says_it_is_off_line_is_believed_at_once(room: ControlRoom) -> None:
    room.wait("5min")
    room.silent = {"utd"}
    room.put("utd", "status", {"online": False})
    room.wait("3s")
    assert room.state("FIRE-LINK") == "active"
    assert room.alert("FIRE-LINK").detail["reason"] == "offline"


def test_without_its_gateway_a_source_is_not_heard_whatever_was_said_last(room: ControlRoom) -> None:
    room.wait("5min")
    room.put("gateway", "status", {"online": False})
    room.silent = {"utd", "printer"}
    room.wait("3s")
    assert [one.detail["reason"] for one in room.alerts("FIRE-LINK")] == ["gateway", "gateway"]
    room.put("gateway", "status", {"online": True})
    room.silent = {"printer"}
    room.wait("3s")
    assert [(one.target, one.active) for one in room.alerts("FIRE-LINK")] == [
        ("beat/utd", False),
        ("beat/printer", True),
    ]


def test_a_printer_of_which_its_gateway_says_nothing_any_more_is_silent(room: ControlRoom) -> None:
    room.wait("1h")
    assert room.alerts("FIRE-LINK") == [], "it has printed nothing, and its gateway says that it is there"
    room.silent = {"printer"}
    room.wait("1h")
    assert [(one.target, one.detail["reason"]) for one in room.alerts("FIRE-LINK")] == [("beat/printer", "silent")]


def test_our_own_deafness_is_no_sources_silence(room: ControlRoom) -> None:
    room.wait("5min")
    room.ingest_dies()
    room.wait("1h")
    room.ingest_returns()
    room.silent = {"utd"}
    room.wait("3min")
    assert room.alerts("FIRE-LINK") == []
    room.wait("30s")
    assert room.state("FIRE-LINK") == "active"


# The ledger


def test_untested_devices_are_named_before_the_month_ends_and_stay_in_the_record(room: ControlRoom) -> None:
    room.day("2026-11-25 23:00")
    assert room.alerts("FIRE-TESTS") == []
    room.day("2026-11-26 00:00")
    alert = room.alert("FIRE-TESTS")
    assert alert.detail["missing"] == ["east-1", "east-2", "west-1", "west-call", "ext-1"]
    for device, kind in [("east-1", "smoke"), ("east-2", "function"), ("west-1", "visual"), ("ext-1", "pressure")]:
        given = {"device": device, "kind": kind, "passed": True, "tested_on": date(2026, 11, 26)}
        room.do(fire_upkeep.record_test, actor="engineer", **given)
    room.day("2026-11-30 23:59")
    assert room.alert("FIRE-TESTS").detail["missing"] == ["west-call"]
    room.day("2026-12-01 00:00")
    with room.db.read() as session:
        record = ledger.closed_period(session, "beat", ledger.TESTS_CLOSED, date(2026, 11, 1))
    assert record is not None
    assert (record["due"], record["done"], record["missing"]) == (5, 4, [["west-call", "west-call"]])
    assert record["real_share"] == 0.75
    assert room.state("FIRE-TESTS") == "active"
    room.acknowledge("FIRE-TESTS")
    room.day(room.now + span("2h"))
    assert room.state("FIRE-TESTS") == "closed"
    room.day("2026-12-02 09:00")
    assert room.alert_count("FIRE-TESTS") == 1


def test_a_month_in_which_everything_was_tested_raises_nothing(room: ControlRoom) -> None:
    room.test_mode("8h", zone="")
    for address in (EAST, EAST_2, WEST, CALL):
        room.says(address, "fire")
        room.says(address)
    given = {"device": "ext-1", "kind": "pressure", "passed": True, "tested_on": date(2026, 11, 20)}
    room.do(fire_upkeep.record_test, actor="engineer", **given)
    with pytest.raises(NotFound):
        room.do(fire_upkeep.record_test, actor="engineer", **given | {"device": "nothing"})
    with pytest.raises(Invalid):
        room.do(fire_upkeep.record_test, actor="engineer", **given | {"tested_on": date(2026, 11, 22)})
    for device, kind in [("ext-1", "button"), ("east-1", "pressure"), ("west-call", "smoke")]:
        with pytest.raises(Invalid, match="is not tested by"):
            room.do(fire_upkeep.record_test, actor="engineer", **given | {"device": device, "kind": kind})
    room.day("2026-12-01 01:00")
    assert room.alerts("FIRE-TESTS") == []
    with room.db.read() as session:
        table = ledger.month_of_tests(session, room.config, date(2026, 11, 1), room.now)
    assert [one.state for one in table.devices] == ["done"] * 5
    assert (table.real_share, table.smoke_share) == (1.0, 1.0)
    assert [one.proven for one in table.devices] == [True, True, True, True, False]


def test_a_quarter_without_a_whole_drill_is_told_in_time_and_stays_in_the_record(room: ControlRoom) -> None:
    half = {"held_on": date(2026, 11, 20), "owners": 0, "staff": 12, "items": ["evacuation", "extinguisher"]}
    room.do(fire_upkeep.record_drill, actor="supervisor", **half)
    room.day("2026-12-16 23:00")
    assert room.alerts("FIRE-DRILL") == []
    room.day("2026-12-17 00:00")
    assert room.state("FIRE-DRILL") == "active"
    room.day("2027-01-01 00:00")
    with room.db.read() as session:
        record = ledger.closed_period(session, "beat", ledger.DRILL_CLOSED, date(2026, 10, 1))
    assert record is not None
    assert record["state"] == "missing"
    assert room.alert("FIRE-DRILL").detail["final"]


def test_a_whole_drill_ends_the_reminder(room: ControlRoom) -> None:
    room.day("2026-12-20 10:00")
    assert room.state("FIRE-DRILL") == "active"
    whole = {"held_on": date(2026, 12, 20), "owners": 30, "staff": 12, "items": ["evacuation", "extinguisher"]}
    with pytest.raises(Invalid):
        room.do(fire_upkeep.record_drill, actor="supervisor", **whole | {"held_on": date(2026, 12, 21)})
    with pytest.raises(Invalid):
        room.do(fire_upkeep.record_drill, actor="supervisor", **whole | {"items": []})
    room.do(fire_upkeep.record_drill, actor="supervisor", **whole)
    room.day(room.now + span("2h"))
    assert room.state("FIRE-DRILL") != "active"
    room.day("2027-01-02 00:00")
    assert room.alert_count("FIRE-DRILL") == 1


def test_who_begins_to_watch_at_the_end_of_a_month_blames_nobody_for_it(
    one_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = open_room(one_db, monkeypatch, "2026-12-28 09:00")
    room.day("2027-01-02 09:00")
    assert (room.alerts("FIRE-TESTS"), room.alerts("FIRE-DRILL")) == ([], [])
    with room.db.read() as session:
        assert ledger.closed_period(session, "beat", ledger.TESTS_CLOSED, date(2026, 12, 1)) is not None
    room.day("2027-01-27 09:00")
    assert room.alert("FIRE-TESTS").detail["month"] == "2027-01-01"


def test_months_before_the_site_began_lack_nothing(room: ControlRoom) -> None:
    room.day("2026-12-02 09:00")
    with room.db.read() as session:
        months = [ledger.month_of_tests(session, room.config, date(2026, month, 1), room.now) for month in (10, 11)]
        quarters = [ledger.quarter_of_drills(session, room.config, date(2026, month, 1), room.now) for month in (7, 10)]
    assert [len(one.of("missing")) for one in months] == [0, 5]
    assert [one.state for one in quarters] == [None, "due"]


def test_a_point_that_gives_false_alarms_again_is_told_of_once(room: ControlRoom) -> None:

    def false_alarm(number: int) -> None:
        with room.db.begin() as session:
            session.add(
                FireIncident(
                    id=new_id(), number=f"HJ-{number}", site="beat", building="yard", stage="closed",
                    opened_at=room.now, confirm_by=room.now, verdict="false", closed_at=room.now, closed_by="duty",
                    zones={"east": [f"beat/utd/{EAST}"], "west": [f"beat/utd/{WEST}"] if number == 1 else []},
                )
            )  # fmt: skip

    false_alarm(1)
    room.day(room.now + span("1d"))
    assert room.alerts("FIRE-REPEATED") == []
    false_alarm(2)
    room.day(room.now + span("1d"))
    false_alarm(3)
    room.day(room.now + span("1d"))
    (alert,) = room.alerts("FIRE-REPEATED")
    assert (alert.target, alert.max_severity, alert.occurrence) == (f"beat/utd/{EAST}", "low", 1)
    with room.db.read() as session:
        (repeated,) = ledger.repeated_points(session, room.config, room.now)
        (month,) = ledger.false_rates(session, room.config, room.now - timedelta(days=30))
    assert len(repeated.incidents) == 3
    assert (month.false, month.rate) == (3, 1.0)
