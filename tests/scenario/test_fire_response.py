"""The graded response as the duty desk lives it (ROU-30, ROU-31, ROU-35, AMB-24)."""

from collections.abc import Callable

import pytest
from scenario.blaze import CALL, FLAT, GARAGE, HALL, LOBBY, NEXT_DOOR, OTHER, Blaze, blaze_site
from scenario.conftest import quicken

from gateway.site.fire import Response
from services.fire import incidents, record
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound

Blazes = Callable[..., Blaze]


@pytest.fixture
def blazes(one_db: Database) -> Blazes:
    """Opens a blaze at the small site."""
    quicken(one_db)
    return lambda start="2026-11-21 02:00", **site: Blaze(one_db, blaze_site(**site), start)


@pytest.fixture
def both(db: Database) -> Blazes:
    """The same on both databases, for the stories that write every table."""
    quicken(db)
    return lambda start="2026-11-21 02:00", **site: Blaze(db, blaze_site(**site), start)


def test_a_fire_that_nobody_confirms_in_three_minutes_is_treated_as_large(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.wait("2s")
    assert blaze.stage() == "unconfirmed"
    assert "12层防火分区 走道烟感" in blaze.pages()[0]
    assert blaze.told("alert", blaze.alert("FIRE-ALARM").id) == [
        "duty", "engineer", "guard", "guard-2", "manager", "supervisor",
    ]  # fmt: skip
    blaze.wait("177s")
    assert blaze.stage() == "unconfirmed"
    blaze.wait("2s")
    assert blaze.stage() == "large unconfirmed_in_time"
    assert len(blaze.pages("fire.graded")) == 1
    assert blaze.plan("large")[:2] == ["call-119", "evacuate"]


def test_a_guard_finds_a_burning_bin_and_puts_it_out(both: Blazes) -> None:
    blaze = both()
    blaze.burns(HALL)
    blaze.wait("20s")
    blaze.do("accept")
    blaze.wait("70s")
    blaze.handset().tap("p2")
    call = blaze.calls()["guard"]
    assert (call.arrived_by, (call.arrived_at - call.called_at).total_seconds()) == ("tap", 90)
    blaze.do("grade", grade="small", note="垃圾桶")
    assert blaze.plan("small") == ["extinguish", "watch", "report"]
    for step in blaze.plan("small"):
        blaze.do("finish_step", plan="small", step=step)
    blaze.wait("10min")
    assert blaze.stage() == "small"
    with pytest.raises(Invalid, match="cause"):
        blaze.do("close", verdict="real", cause=" ")
    blaze.do("close", by="duty", verdict="real", cause="烟头引燃垃圾桶")
    alert = blaze.alert("FIRE-ALARM")
    assert (alert.active, alert.latched, alert.closed_at) == (False, False, blaze.now)
    assert blaze.story() == [
        "opened", "reported", "called", "accepted", "arrived", "graded", "step", "step", "step", "closed",
    ]  # fmt: skip
    assert not blaze.plan("large")
    assert not blaze.pages("alert.escalated"), "who grades it has seen it"
    with blaze.db.read() as session:
        zh, en = (record.of(session, blaze.config, blaze.incidents()[0].id, english=one) for one in (False, True))
    tables = {one.id: one.rows for one in zh.sections}
    assert [one[2] for one in tables["timeline"]] == [
        "火警", "立案", "召集首批：安管员, 安管员二", "接警", "到场（打点）", "判定：小火情（垃圾桶）",
        "完成：使用就近灭火器扑灭", "完成：留人看守，防止复燃", "完成：查明起火原因，拍照记录",
        "关闭：真实（烟头引燃垃圾桶）",
    ]  # fmt: skip
    assert ("安管员", "0", "2026-11-21 02:00:00", "+0:20", "+1:30", "打点") in tables["calls"]
    assert tables["zones"] == (("12层防火分区", "走道烟感", "2026-11-21 02:00:00", "+0:00", "1"),)
    assert [len(one.rows) for one in zh.sections] == [len(one.rows) for one in en.sections]


def test_a_large_fire_is_taken_back_only_by_a_person_who_says_why(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.wait("4min")
    assert blaze.stage() == "large unconfirmed_in_time"
    with pytest.raises(Invalid, match="note"):
        blaze.do("grade", grade="small")
    blaze.do("grade", grade="small", note="只是一只锅")
    assert blaze.stage() == "small"
    assert blaze.plan("small")
    blaze.burns(HALL)
    assert blaze.stage() == "small", "the same detector once more is no spreading"
    blaze.burns(LOBBY)
    assert blaze.stage() == "large spread"


def test_a_second_detector_of_the_zone_is_a_large_fire_at_once(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.burns(LOBBY)
    assert blaze.stage() == "unconfirmed", "another zone is not yet a second signal"
    blaze.burns(FLAT)
    assert blaze.stage() == "large second_signal"
    blaze.wait("1s")
    assert len(blaze.pages("fire.graded")) == 1


def test_a_manual_call_point_beside_the_detector_is_a_large_fire_at_once(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.wait("30s")
    blaze.burns(CALL)
    assert blaze.stage() == "large second_signal"


def test_a_false_alarm_is_closed_and_a_new_edge_opens_a_new_incident(both: Blazes) -> None:
    blaze = both()
    blaze.burns(HALL)
    blaze.wait("1min")
    blaze.do("close", verdict="false", cause="炒菜油烟")
    first = blaze.incidents()[0]
    blaze.wait("10min")
    blaze.says(LOBBY, "start")
    blaze.burns(HALL, marks=["reply"])
    assert [one.verdict for one in blaze.incidents()] == ["false"], "that it still burns is known, and we asked"
    blaze.resets()
    assert blaze.holds(HALL) == []
    blaze.burns(HALL)
    assert [one.verdict for one in blaze.incidents()] == ["false", ""]
    assert blaze.incident().number == "HJ-20261121-002"
    with pytest.raises(Conflict):
        blaze.do("grade", grade="small", incident=first.id)
    blaze.do("comment", text="已通知住户", incident=first.id)


def test_a_fire_reported_again_after_closing_is_a_fire_though_no_reset_was_heard(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.do("close", verdict="false", cause="水汽")
    blaze.burns(HALL, at=blaze.now)
    assert len(blaze.incidents()) == 1, "said before it was closed"
    blaze.wait("2h")
    blaze.burns(HALL)
    assert (len(blaze.incidents()), blaze.stage()) == (2, "unconfirmed")
    assert blaze.incident().signals == 1


def test_what_makes_no_sense_is_refused_with_a_hint(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    for action, what in (
        ("grade", {"grade": "huge"}),
        ("close", {"verdict": "maybe", "cause": "x"}),
        ("comment", {"text": " "}),
        ("comment", {"text": "x" * 2001}),
    ):
        with pytest.raises(Invalid) as refused:
            blaze.do(action, **what)
        assert refused.value.hint
    with pytest.raises(NotFound):
        blaze.do("finish_step", plan="large", step="gas")
    with pytest.raises(NotFound):
        blaze.do("accept", incident="none")
    with pytest.raises(NotFound):
        blaze.do("call", username="nobody")
    blaze.do("grade", grade="large")
    with pytest.raises(Invalid, match="note"):
        blaze.do("finish_step", plan="large", step="gas", not_needed=True)
    assert blaze.story() == ["opened", "reported", "called", "graded"]


def test_a_building_has_one_open_incident_whoever_is_faster(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    with blaze.db.begin() as session:
        row = incidents.open_one(session, "blaze", "block-3", Response(), "x", blaze.zone, blaze.now)
        assert (row.id, row.signals) == (blaze.incident().id, 1), "the slower one gets what the faster one opened"


def test_a_tap_in_the_area_of_the_zone_proves_an_arrival_and_one_elsewhere_does_not(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.handset().tap("p1")
    blaze.wait("1s")
    blaze.burns(LOBBY)
    blaze.wait("30s")
    blaze.handset("guard-2").tap("p3")
    assert not any(call.arrived_at for call in blaze.calls().values())
    blaze.handset().tap("p1")
    assert [name for name, call in blaze.calls().items() if call.arrived_at] == ["guard"]


def test_a_reset_with_a_detector_that_still_burns_begins_it_anew_in_the_same_incident(both: Blazes) -> None:
    blaze = both()
    blaze.burns(HALL)
    blaze.says("12-5", "start")
    blaze.says("12-6", "fault")
    blaze.says("12-7", "shield")
    blaze.wait("10s")
    blaze.resets()
    assert (blaze.holds(HALL), blaze.holds("12-5")) == ([], [])
    assert (blaze.holds("12-6"), blaze.holds("12-7")) == (["fault"], ["shield"])
    assert blaze.incident().reset_at == blaze.now
    blaze.wait("5s")
    blaze.burns(HALL)
    assert blaze.holds(HALL) == ["fire"]
    row = blaze.incident()
    assert (row.signals, row.zones, row.stage) == (2, {"floor-12": [blaze.component(HALL)]}, "unconfirmed")
    for address in (HALL, "12-5", "12-6", "12-7"):
        assert sorted(blaze.replayed(address).states) == blaze.holds(address)


def test_faults_during_a_fire_are_told_apart_from_it(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.says("12-6", "fault")
    assert blaze.alert("FIRE-FAULT").target == blaze.component("12-6")
    assert blaze.order().assignee == "engineer"
    assert blaze.stage() == "unconfirmed"
    assert len(blaze.dossier().signals) == 2, "the record keeps what failed during the fire"
    blaze.says("12-6", "fire", "fault")
    assert blaze.incident().signals == 2, "a faulty detector that reports fire reports fire"
    blaze.says("12-6", "fire")
    assert not blaze.alert("FIRE-FAULT").active


def test_each_building_has_an_incident_of_its_own(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.burns(GARAGE)
    blaze.burns(NEXT_DOOR, panel=OTHER)
    assert [(one.building, one.signals) for one in blaze.incidents()] == [("block-3", 2), ("block-4", 1)]


def test_the_reinforcement_goes_up_tier_by_tier_until_somebody_accepts(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    assert {name: one.tier for name, one in blaze.calls().items()} == {"guard": 0, "guard-2": 0}
    blaze.wait("61s")
    assert blaze.calls()["supervisor"].tier == 1
    assert len(blaze.pages("fire.call")) == 1
    blaze.do("accept", by="supervisor")
    blaze.wait("5min")
    assert "manager" not in blaze.calls()
    blaze.do("call", by="supervisor", username="engineer")
    blaze.wait("1s")
    assert len(blaze.pages("fire.call")) == 2
    blaze.do("arrive", by="engineer")
    assert blaze.calls()["engineer"].arrived_by == "app"
    blaze.do("arrive", by="duty")
    assert blaze.calls()["duty"].arrived_at == blaze.now, "nobody called him and he came all the same"


def test_a_restart_in_the_middle_changes_nothing(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.wait("1min")
    blaze.restart()
    blaze.burns(HALL)
    assert blaze.incident().signals == 1
    blaze.wait("115s")
    blaze.restart()
    blaze.wait("10s")
    assert blaze.stage() == "large unconfirmed_in_time"
    assert len(blaze.pages()) == 1
