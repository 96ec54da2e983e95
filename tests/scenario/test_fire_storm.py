"""Fire signals that come in masses, twice, late, from nobody, in a test, or not as anybody would expect them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from scenario.blaze import FLAT, GATEWAY, HALL, LOBBY, PANEL, UTD, Blaze, blaze_site
from scenario.conftest import quicken

from gateway.site.fire import FirePoint
from services.alert import service as alerts
from services.fire.tables import FireComponent, FireSignal
from services.flows.fire import test_mode as fire_test_mode
from services.kernel.db import Database
from services.kernel.errors import Forbidden
from services.notify.tables import Message

Blazes = Callable[..., Blaze]


@pytest.fixture
def blazes(one_db: Database) -> Blazes:
    """Opens a blaze at the small site; what differs between databases, other stories tell."""
    quicken(one_db)
    return lambda start="2026-11-21 02:00", **site: Blaze(one_db, blaze_site(**site), start)


def test_a_storm_of_five_hundred_is_one_incident_first_told_at_once_and_nothing_of_it_is_lost(blazes: Blazes) -> None:
    floors = [
        FirePoint(id=f"s{n}", panel=PANEL, address=f"20-{n}", name=f"烟感{n}", kind="smoke", zone=zone)
        for n, zone in enumerate(["floor-12", "lobby", "garage"] * 167, start=1)
    ]
    blaze = blazes(points=floors[:500])
    for number in range(1, 501):
        blaze.burns(f"20-{number}", deliver=False)
        if number % 50 == 0:
            blaze.hear()
            blaze.wait("0.2s" if number < 500 else "0s")
    assert len(blaze.pages()) == 1
    assert "等 50 处" in blaze.pages()[0]
    opened: Message = blaze.rows(Message, Message.kind == "alert.opened", Message.decision == "send")[0]
    assert opened.sent_at - blaze.signals()[0].at <= timedelta(seconds=1)
    blaze.wait("5min")
    row = blaze.incident()
    assert (len(blaze.incidents()), row.signals, row.told, len(blaze.signals())) == (1, 500, 500, 500)
    digests = blaze.pages("fire.digest")
    assert len(digests) == 1
    assert "新增 450 个信号，累计 500 个" in digests[0]
    assert sum(len(components) for components in row.zones.values()) == 500
    assert {one.incident_id for one in blaze.signals()} == {row.id}
    assert row.stage == "large"


def test_a_fire_that_goes_on_is_told_together_once_a_minute(blazes: Blazes) -> None:
    blaze = blazes()
    for number in range(1, 13):
        blaze.burns(f"30-{number}")
        blaze.wait("10s")
    blaze.wait("5min")
    assert len(blaze.pages()) == 1
    assert ["新增" in one for one in blaze.pages("fire.digest")] == [True, True]
    assert blaze.incident().told == blaze.incident().signals == 12


def test_a_retransmission_is_one_signal_and_what_burns_again_is_none(blazes: Blazes) -> None:
    blaze = blazes()
    event = blaze.burns(HALL, key="k1")
    blaze.again(event)
    blaze.wait("10s")
    blaze.said_anew(event)
    assert (len(blaze.signals()), blaze.incident().signals, len(blaze.alerts("FIRE-ALARM"))) == (1, 1, 1)
    blaze.resets()
    assert blaze.holds(HALL) == []
    blaze.said_anew(event)  # a device without a counter or a clock says the same word for word
    assert (blaze.holds(HALL), blaze.incident().signals) == (["fire"], 2)


def test_a_panel_and_a_sender_that_nobody_declared_still_raise_a_fire(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns("0a000200", panel=None, device=GATEWAY, sender="0102030405ff", marks=["unknown_source"])
    assert (blaze.incident().building, blaze.stage()) == ("", "unconfirmed")
    blaze.wait("1s")
    assert "网关 0a000200" in blaze.pages()[0]
    blaze.burns("99-1", panel="panel-new", text="3号楼地下室")
    assert blaze.stage() == "large second_signal", "where nobody knows the zones, two are taken for one place"


def test_a_point_that_nobody_declared_belongs_to_the_building_of_its_panel(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns("77-7", text="7层 配电间", marks=["test_bit"])
    blaze.wait("1s")
    assert blaze.incident().building == "block-3"
    assert "「7层 配电间」" in blaze.pages()[0]


def test_the_button_of_the_transmission_device_is_a_fire_alarm(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.says(None, panel=None, scope="operation", operations=["manual_alarm"], complete=False)
    assert (blaze.incident().building, blaze.holds("self", UTD)) == ("", ["fire"])


def test_a_line_with_fire_wording_that_nobody_understands_is_a_fire_and_a_question(blazes: Blazes) -> None:
    blaze = blazes()
    line = {"scope": "unparsed", "complete": False, "marks": ["unparsed", "keyword"]}
    blaze.says(None, "fire", text="@@FIRE ALM 3F", **line)
    blaze.says(None, text="@@??", **line)
    assert blaze.stage() == "unconfirmed"
    alert = blaze.alert("FIRE-UNPARSED")
    assert (alert.detail["count"], alert.detail["lines"][-1]) == (2, "@@??")


def test_an_outage_brings_a_fire_that_is_over_and_pages_nobody(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.says(LOBBY)
    blaze.wait("1h")
    then = blaze.now - timedelta(minutes=40)
    blaze.burns(HALL, at=then, deliver=False)
    blaze.says(
        None, scope="operation", operations=["reset"], complete=False, at=then + timedelta(minutes=2), deliver=False
    )
    blaze.hear()
    blaze.wait("10min")
    assert not blaze.incidents()
    assert not blaze.pages()
    alert = blaze.alert("FIRE-ALARM")
    assert (alert.late, alerts.shown(alert, blaze.now)) == (True, "rtn_unack")
    assert len(blaze.signals()) == 3


def test_a_fire_that_still_burns_pages_however_late_it_is_heard(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL, at=blaze.now - timedelta(minutes=40))
    blaze.wait("1s")
    assert "信号迟到 40 分钟" in blaze.pages()[0]
    assert blaze.incident().confirm_by == blaze.incident().opened_at + timedelta(minutes=3)


def test_what_is_older_ends_nothing_that_is_newer(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    before = blaze.now - timedelta(seconds=30)
    blaze.says(HALL, at=before)
    blaze.says(None, scope="operation", operations=["reset"], complete=False, at=before)
    assert blaze.holds(HALL) == ["fire"]


def test_in_test_mode_signals_are_kept_and_what_still_burns_afterwards_calls(blazes: Blazes) -> None:
    blaze = blazes()
    with blaze.db.begin() as session:
        mode = fire_test_mode.begin(
            session, blaze.config, panel=PANEL, zone="floor-12", until=blaze.now + timedelta(hours=1),
            reason="季度联动测试", actor="engineer", second="duty", now=blaze.now,
        )  # fmt: skip
    blaze.burns(HALL)
    blaze.burns(FLAT)
    assert not blaze.incidents()
    assert [one.test for one in blaze.signals()] == [True, True]
    blaze.burns(LOBBY)
    assert [one.zones for one in blaze.incidents()] == [{"lobby": [blaze.component(LOBBY)]}], "another zone is no test"
    blaze.do("close", verdict="test", cause="联动测试串区")
    blaze.says(FLAT)
    with blaze.db.begin() as session:
        fire_test_mode.end(session, blaze.config, mode.id, actor="engineer", now=blaze.now)
    assert blaze.incident().zones == {"floor-12": [blaze.component(HALL)]}, "it still burns: now it is a fire"
    blaze.burns(HALL)
    assert blaze.incident().signals == 1


def test_nobody_puts_a_fire_aside_alone_and_closing_ends_that_too(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)

    def shelve(second: str | None) -> None:
        with blaze.db.begin() as session:
            alerts.shelve(
                session, blaze.alert("FIRE-ALARM").id, until=blaze.now + timedelta(minutes=10),
                reason="quiet", actor="duty", second_actor=second, now=blaze.now,
            )  # fmt: skip

    with pytest.raises(Forbidden):
        shelve(None)
    shelve("manager")
    blaze.do("close", verdict="false", cause="水汽")
    assert blaze.alert("FIRE-ALARM").closed_at == blaze.now


def test_a_broken_loop_is_one_alert_of_its_panel(blazes: Blazes) -> None:
    blaze = blazes(settings={"faults_together": 3})
    blaze.says("40-1", "fault")
    for number in range(2, 60):
        blaze.says(f"40-{number}", "fault", deliver=False)
    blaze.hear()
    assert [one.target.rpartition("/")[2] for one in blaze.alerts("FIRE-FAULT")] == ["40-1", f"{PANEL}:faults"]
    for number in range(2, 60):
        blaze.says(f"40-{number}", deliver=False)
    blaze.hear()
    assert [one.active for one in blaze.alerts("FIRE-FAULT")] == [True, False], "the first one is still faulty"


def test_supervisory_states_are_told_and_taken_back(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.says("50-1", "supervisory")
    assert blaze.alert("FIRE-SUPERVISORY").active
    blaze.says("50-1")
    assert not blaze.alert("FIRE-SUPERVISORY").active
    blaze.says("gas:1", "start", "alarm", text="气体灭火喷洒启动")
    alarm = blaze.alerts("FIRE-SUPERVISORY")[-1]
    assert (alarm.severity, alarm.title) == ("high", "3号楼消防主机 gas:1：非火警报警「气体灭火喷洒启动」")


def test_fire_is_seen_in_ten_seconds_states_in_a_hundred_and_ten_thousand_records_stay(blazes: Blazes) -> None:
    """The limits that GB 25506 sets for a control room's display, on our pipeline."""
    blaze = blazes()
    for number in range(10_000):
        blaze.says(f"60-{number % 100}", deliver=False, scope="analog", complete=False)
    blaze.hear()
    heard = blaze.now
    blaze.burns(HALL, deliver=False)
    blaze.says(LOBBY, "shield", deliver=False)
    blaze.wait("1s")
    blaze.hear()
    blaze.wait("1s")
    opened: Message = blaze.rows(Message, Message.kind == "alert.opened", Message.decision == "send")[0]
    assert opened.sent_at - heard <= timedelta(seconds=10)
    shown: list[FireComponent] = blaze.rows(FireComponent, FireComponent.is_open)
    assert {one.address for one in shown} == {HALL, LOBBY}
    assert blaze.now - heard <= timedelta(seconds=100)
    assert len(blaze.rows(FireSignal)) == 10_002
