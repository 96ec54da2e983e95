"""Rounds as the duty desk lives them: missed, unconfirmed, taken back; over midnight, by late phones, wrong clocks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from scenario.beat import Beat, beat_site
from scenario.conftest import quicken

from gateway.site.patrol import PatrolSettings, Schedule, Shift, Tolerance
from services.kernel.db import Database

NIGHT = Shift(id="night", name="夜班", start="23:00", duration=timedelta(hours=8), people=("guard",), handover=False)
DAY = Shift(id="day", name="白班", start="07:00", duration=timedelta(hours=16), people=("guard-2",), handover=False)
HOURLY = Schedule(
    id="hourly",
    route="yard",
    shift="night",
    every=timedelta(hours=1),
    duration=timedelta(minutes=20),
    tolerance=Tolerance(
        on_time_before=timedelta(minutes=5),
        on_time_after=timedelta(minutes=5),
        extended_before=timedelta(minutes=10),
        extended_after=timedelta(minutes=15),
        grace=timedelta(minutes=5),
        second_grace=timedelta(hours=4),
    ),
)

PATIENT = PatrolSettings(lone_grace=timedelta(hours=12))
"""Nobody asks whether the guard is well: that is another story."""

Beats = Callable[..., Beat]


@pytest.fixture
def beats(db: Database) -> Beats:
    """Opens a beat on a site of four checkpoints with hourly rounds at night."""
    quicken(db)
    return lambda start="2026-11-21 22:50", **site: Beat(
        db, beat_site(**({"schedules": [HOURLY], "shifts": [NIGHT, DAY], "settings": PATIENT} | site)), start
    )


def walk(beat: Beat, *points: str, every: str = "2min") -> None:
    phone = beat.handset()
    for point in points:
        phone.tap(point)
        beat.wait(every)


def test_a_round_walked_in_time_is_complete_and_nobody_hears_of_it(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2", "p3", "p4")
    assert beat.verdicts("2026-11-21 23:00") == ["on_time"] * 4
    row = beat.round("2026-11-21 23:00")
    assert (row.state, row.visited, row.missed, row.guards, row.shift) == (
        "complete", 4, 0, ["guard"], "night@2026-11-21",
    )  # fmt: skip
    beat.until("2026-11-21 23:50")
    assert beat.alerts("PATROL-MISSED") == []
    assert beat.anomalies() == []
    assert [tap.evidence for tap in beat.taps()] == ["uid", "uid_walked", "uid_walked", "uid_walked"]


def test_a_checkpoint_left_out_is_missed_and_its_order_goes_to_the_nearest_guard(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2", "p4")
    beat.handset().sync()
    beat.until("2026-11-21 23:39")
    assert beat.verdicts("2026-11-21 23:00") == ["on_time", "on_time", "pending", "on_time"]
    beat.handset().sync()
    beat.until("2026-11-21 23:41")
    assert beat.verdicts("2026-11-21 23:00")[2] == "missed confirmed"
    alert, order = beat.alert("PATROL-MISSED"), beat.order()
    assert alert.title == "院子 23:00 漏检 1 处：3号点"
    assert (order.assignee, order.assignee_role, order.state) == ("guard", "guard", "dispatched")
    assert beat.anomalies() == ["missed p3"]
    assert len(beat.texts()) == 1


def test_the_guard_goes_there_afterwards_the_miss_stays_and_the_alert_is_over(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2", "p4")
    beat.until("2026-11-21 23:36")
    phone = beat.handset()
    phone.sync()
    beat.until("2026-11-21 23:45")
    phone.tap("p3")
    assert beat.verdicts("2026-11-21 23:00")[2] == "missed confirmed"
    assert not beat.alert("PATROL-MISSED").active
    assert beat.taps()[-1].verdict == "extra"
    beat.texts()


def test_a_basement_without_network_accuses_nobody(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    phone.sync()
    beat.until("2026-11-21 23:01")
    phone.offline()
    for point in ("p1", "p2", "p3", "p4"):
        phone.tap(point)
        beat.wait("3min")
    beat.until("2026-11-22 01:30")
    assert beat.verdicts("2026-11-21 23:00") == ["missed unconfirmed"] * 4
    alert = next(one for one in beat.alerts("PATROL-MISSED") if one.detail["round"].endswith("T1500Z"))
    assert (alert.severity, alert.announced_occurrence) == ("low", 0)
    assert beat.texts() == [], "nobody is paged while the guard may only be without network"
    phone.back()
    assert beat.verdicts("2026-11-21 23:00") == ["on_time"] * 4
    assert beat.history("2026-11-21 23:00", 0) == ["missed unconfirmed", "on_time"]
    again = next(one for one in beat.alerts("PATROL-MISSED") if one.id == alert.id)
    assert again.closed_at is not None
    assert not [one for one in beat.anomalies() if one.startswith("missed") and "T1500Z" in one]
    assert beat.round("2026-11-21 23:00").state == "complete"


def test_late_evidence_withdraws_the_alert_and_cancels_the_order_nobody_started(beats: Beats) -> None:
    beat = beats()
    other = beat.handset(name="forgotten-phone")
    beat.until("2026-11-21 23:02")
    other.offline()
    other.tap("p3")
    walk(beat, "p1", "p2", "p4")
    beat.until("2026-11-21 23:36")
    beat.handset().sync()
    beat.until("2026-11-21 23:50")
    assert beat.order().state == "dispatched"
    beat.texts()
    other.back()
    assert beat.verdicts("2026-11-21 23:00")[2] != "missed confirmed"
    assert beat.alert("PATROL-MISSED").closed_at is not None
    assert beat.order().state == "cancelled"
    assert "missed p3" not in beat.anomalies()
    beat.until("2026-11-21 23:51")
    assert any("漏检" in text for text in beat.texts()), "who was paged is told that it was nothing"


def test_a_silent_phone_is_believed_only_until_the_second_grace(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    phone.sync()
    phone.offline()
    beat.until("2026-11-21 23:45")
    assert set(beat.verdicts("2026-11-21 23:00")) == {"missed unconfirmed"}
    beat.until("2026-11-22 03:45")
    assert set(beat.verdicts("2026-11-21 23:00")) == {"missed confirmed"}
    assert any("23:00 漏检 4 处" in text for text in beat.texts())


def test_a_clock_three_hours_ahead_is_flagged_and_judged_by_true_time(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    phone.wall_off = timedelta(hours=3)
    beat.until("2026-11-21 23:01")
    phone.offline()
    for point in ("p1", "p2", "p3", "p4"):
        phone.tap(point)
        beat.wait("2min")
    phone.back()
    assert beat.verdicts("2026-11-21 23:00") == ["on_time"] * 4
    assert all("clock_skew" in tap.marks for tap in beat.taps())
    assert beat.anomalies() == [], "a wrong clock is nobody's fault"


def test_the_same_tap_delivered_twice_counts_once(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    phone = beat.handset()
    phone.tap("p1", client_id="one")
    phone.tap("p1", client_id="one")
    beat.restart()
    phone.tap("p1", client_id="one")
    assert len(beat.taps()) == 1


def test_an_outage_of_everything_pages_nobody_about_the_past(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    beat.until("2026-11-22 09:00", closely=False)
    assert beat.alert_count("PATROL-MISSED") >= 7
    assert beat.texts() == []


def test_every_verdict_survives_a_restart(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    beat.restart()
    walk(beat, "p3", "p4")
    assert beat.verdicts("2026-11-21 23:00") == ["on_time"] * 4
