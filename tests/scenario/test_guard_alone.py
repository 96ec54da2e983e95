"""A guard in need: SOS, no answer on a lone round, signing off under duress; and what shifts owe each other."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from console import hasher
from scenario.beat import Beat, beat_site
from scenario.conftest import quicken
from scenario.test_rounds import DAY, HOURLY, NIGHT, walk

from gateway.site.patrol import Checkpoint, PatrolRule, Question, Route, Span, Stop, Tag
from services.flows.patrol import emergency, handover
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid
from services.patrol.tables import DutyTime, Incident
from services.people.tables import User

Beats = Callable[..., Beat]


@pytest.fixture
def beats(db: Database) -> Beats:
    """Opens a beat with hourly rounds at night and a watch over whoever walks alone."""
    quicken(db)
    return lambda start="2026-11-21 22:50", **site: Beat(
        db, beat_site(**({"schedules": [HOURLY], "shifts": [NIGHT, DAY]} | site)), start
    )


def sos(beat: Beat, client_id: str = "s1") -> Incident:
    with beat.db.begin() as session:
        report = emergency.Report(client_id, "sos", "guard", beat.now)
        return emergency.report(session, beat.config, report, beat.now)


def test_an_sos_reaches_everybody_on_duty_at_once_and_stays_until_it_is_reset(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1")
    sos(beat)
    beat.worker.turn()
    (text,) = beat.texts()
    assert "guard 紧急求助（1号点）" in text
    alert = beat.alert("PATROL-SOS")
    assert (alert.severity, alert.latching) == ("critical", True)
    assert {"duty", "engineer", "supervisor", "guard"} <= set(beat.told("alert", alert.id))


def test_the_same_sos_delivered_again_is_one(beats: Beats) -> None:
    beat = beats()
    first, second = sos(beat), sos(beat)
    assert first.id == second.id
    assert beat.alert("PATROL-SOS").occurrence == 1


def test_no_tap_for_too_long_asks_the_guard_and_then_tells_everybody(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    beat.until("2026-11-21 23:22")
    assert beat.alerts("PATROL-MANDOWN") == []
    assert beat.asked() == []
    beat.until("2026-11-21 23:24")
    assert beat.asked() == ["beat/guard"], "20 min after his last tap his phone asks"
    beat.until("2026-11-21 23:29")
    alert = beat.alert("PATROL-MANDOWN")
    assert "（2号点）" in alert.title
    assert alert.severity == "critical"
    assert any("guard 独自巡更无应答" in text for text in beat.texts())


def test_who_answers_is_left_in_peace_and_asked_again_later(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    beat.until("2026-11-21 23:25")
    with beat.db.begin() as session:
        assert emergency.checked_in(session, beat.config, "guard", beat.now)
    beat.until("2026-11-21 23:34")
    assert beat.alerts("PATROL-MANDOWN") == []
    beat.until("2026-11-21 23:41")
    assert beat.asked() in (["beat/guard"], []), "asked again, unless the round is over meanwhile"


def test_a_finished_round_asks_nobody(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2", "p3", "p4")
    beat.until("2026-11-21 23:55")
    assert beat.asked() == []
    assert beat.alerts("PATROL-MANDOWN") == []


def with_account(beat: Beat) -> None:
    with beat.db.begin() as session:
        session.add(User(username="guard", display_name="guard", role="guard", created_at=beat.now))
        session.flush()
        emergency.set_pin(session, "guard", "2580", hasher(), beat.now)


@pytest.mark.parametrize(("pin", "forced"), [("2580", False), ("2581", True)])
def test_signing_off_under_duress_looks_the_same_and_calls_everybody(beats: Beats, pin: str, forced: bool) -> None:
    beat = beats()
    with_account(beat)
    with beat.db.begin() as session:
        emergency.sign_on(session, beat.config, "guard", "on-1", beat.now)
    beat.wait("10min")
    with beat.db.begin() as session:
        emergency.sign_off(session, beat.config, "guard", "off-1", pin, hasher(), beat.now)
    (duty,) = beat.rows(DutyTime)
    assert duty.off_at == beat.now
    assert bool(beat.alerts("PATROL-DURESS")) is forced
    beat.worker.turn()
    assert any("胁迫" in text for text in beat.texts()) is forced


def test_a_wrong_code_signs_nobody_off(beats: Beats) -> None:
    beat = beats()
    with_account(beat)
    with pytest.raises(Invalid), beat.db.begin() as session:
        emergency.sign_off(session, beat.config, "guard", "off-1", "0000", hasher(), beat.now)


# Handover


HANDED = NIGHT.model_copy(update={"handover": True})


def test_a_shift_change_without_handover_raises_an_alert_after_fifteen_minutes(beats: Beats) -> None:
    beat = beats(schedules=[], shifts=[HANDED, DAY])
    beat.until("2026-11-21 23:14")
    assert beat.alerts("PATROL-HANDOVER") == []
    beat.until("2026-11-21 23:16")
    assert beat.alert("PATROL-HANDOVER").title == "夜班未按时交接班"
    beat.texts()
    given = handover.Given("night@2026-11-21", "guard-2", "guard", hazards="无", keys="12 把", kit={"对讲机": True})
    with beat.db.begin() as session:
        handover.hand_over(session, beat.config, given, beat.now)
    assert not beat.alert("PATROL-HANDOVER").active
    with pytest.raises(Conflict), beat.db.begin() as session:
        handover.hand_over(session, beat.config, given, beat.now)


def test_a_handover_in_time_is_all_that_is_asked(beats: Beats) -> None:
    beat = beats(schedules=[], shifts=[HANDED, DAY])
    beat.until("2026-11-21 23:05")
    with beat.db.begin() as session:
        handover.hand_over(session, beat.config, handover.Given("night@2026-11-21", "guard-2", "guard"), beat.now)
    beat.until("2026-11-21 23:30")
    assert beat.alerts("PATROL-HANDOVER") == []


def test_one_person_cannot_hand_over_to_himself(beats: Beats) -> None:
    beat = beats(schedules=[], shifts=[HANDED, DAY])
    beat.until("2026-11-21 23:05")
    with pytest.raises(Invalid), beat.db.begin() as session:
        handover.hand_over(session, beat.config, handover.Given("night@2026-11-21", "guard", "guard"), beat.now)


# Requirements


def rule(kind: str, **more: object) -> PatrolRule:
    return PatrolRule.model_validate(
        {"id": "r1", "name": "每小时一巡", "requirement": "PER-20", "source": "合同", "kind": kind} | more
    )


def test_a_gap_raises_its_alert_the_visit_ends_it_and_late_evidence_takes_it_back(beats: Beats) -> None:
    gap = rule("max_gap", max_gap=timedelta(hours=1), checkpoints=("p1",))
    beat = beats(schedules=[], rules=(gap,))
    phone = beat.handset()
    phone.tap("p1")
    beat.until("2026-11-21 23:49")
    assert beat.alerts("PATROL-GAP/r1") == []
    beat.until("2026-11-21 23:51")
    alert = beat.alert("PATROL-GAP/r1")
    assert alert.requirement == "PER-20"
    assert alert.detail["after"] == "beat/patrol-app/phone-guard-1"
    beat.until("2026-11-21 23:55")
    phone.tap("p1")
    assert not beat.alert("PATROL-GAP/r1").active
    assert beat.anomalies() == ["gap p1"]
    beat.texts()
    found = {"tag": "04AB0000000001", "guard": "guard", "at": "2026-11-21T15:30:00.000Z", "client_id": "found"}
    beat.publish(found)
    beat.hear()
    assert beat.anomalies() == [], "somebody was there at 23:30 after all"


def test_a_day_without_the_daily_check_is_told_at_midnight(beats: Beats) -> None:
    daily = rule("daily", checkpoints=("p1", "p2"))
    beat = beats("2026-11-20 23:50", schedules=[], rules=(daily,))
    beat.until("2026-11-21 10:00", closely=False)
    beat.handset().tap("p1")
    beat.until("2026-11-21 23:59", closely=False)
    assert beat.alerts("PATROL-GAP/r1") == []
    beat.until("2026-11-22 00:11")
    assert [one.target for one in beat.alerts("PATROL-GAP/r1")] == ["beat/p2"]
    beat.until("2026-11-22 09:00", closely=False)
    beat.handset().tap("p2")
    assert not beat.alert("PATROL-GAP/r1").active
    beat.texts()


def test_the_weekly_night_spot_check_counts_only_a_supervisor_at_night(beats: Beats) -> None:
    spot = rule("spot_check", roles=("supervisor",), within=Span(start="22:00", end="06:00"))
    beat = beats("2026-11-15 21:00", schedules=[], rules=(spot,))
    beat.until("2026-11-17 23:00", closely=False)
    beat.handset().tap("p1")
    beat.until("2026-11-18 12:00", closely=False)
    beat.handset("supervisor").tap("p1")
    beat.until("2026-11-23 05:50", closely=False)
    assert beat.alerts("PATROL-GAP/r1") == []
    beat.until("2026-11-23 06:11")
    assert beat.alert("PATROL-GAP/r1").requirement == "PER-20"
    beat.texts()


# What guards find


def test_an_answer_out_of_its_limits_becomes_an_alert_with_an_order_and_ends_with_a_good_one(beats: Beats) -> None:
    pressure = Question(id="pressure", text="消火栓压力", kind="number", unit="MPa", minimum=0.35)
    point = Checkpoint(
        id="p1", name="1号点", area="yard", tags=(Tag(uid="04AB0000000001"),), code="CODE-1", questions=(pressure,)
    )
    beat = beats(schedules=[], checkpoints=(point,), stops=1)
    phone = beat.handset()
    phone.tap("p1", answers={"pressure": 0.21})
    alert = beat.alert("PATROL-FINDING")
    assert alert.title == "1号点：消火栓压力（0.21MPa）"
    assert beat.order().assignee_role == "engineer"
    beat.wait("1h")
    phone.tap("p1", answers={"pressure": 0.42})
    assert not beat.alert("PATROL-FINDING").active
    beat.texts()


def test_a_tag_that_has_to_be_tried_again_and_again_is_reported(beats: Beats) -> None:
    beat = beats(schedules=[])
    phone = beat.handset()
    for retries in (0, 1, 0, 2, 1):
        phone.tap("p1", retries=retries)
        beat.wait("10min")
    assert beat.alert("PATROL-TAG").severity == "low"


def test_a_tag_passed_by_for_days_is_reported_when_its_neighbours_were_read(beats: Beats) -> None:
    beat = beats(schedules=[HOURLY.model_copy(update={"weekdays": ("sun",)})])
    phone = beat.handset()
    for point in ("p1", "p2"):
        phone.tap(point)
        beat.wait("2min")
    for _ in range(4):
        beat.until(beat.now + timedelta(days=1), closely=False)
        phone.tap("p2")
    beat.wait("11min")
    assert [one.target for one in beat.alerts("PATROL-TAG")] == ["beat/p1"]
    phone.tap("p1")
    assert not beat.alert("PATROL-TAG").active
    beat.texts()


def test_a_strange_tag_is_kept_and_shown(beats: Beats) -> None:
    beat = beats(schedules=[])
    beat.handset().tap("p1", tag="04FFFFFFFFFFFF")
    (tap,) = beat.taps()
    assert (tap.checkpoint, tap.marks, tap.tag) == (None, ["unknown_tag"], "04FFFFFFFFFFFF")


def test_two_people_are_wanted_and_one_came(beats: Beats) -> None:
    pair = Route(id="yard", name="院子", stops=(Stop(checkpoint="p1"), Stop(checkpoint="p2")), people=2)
    beat = beats(routes=[pair])
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    beat.until("2026-11-21 23:45")
    assert "short_of" in beat.anomalies()
    assert "参加人员不足" in beat.alert("PATROL-SHORT").title
    beat.texts()
