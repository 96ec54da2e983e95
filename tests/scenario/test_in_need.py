"""Whoever calls for help, or stays silent, is heard: after restarts, late deliveries, wrong files and second cries."""

from datetime import timedelta

import pytest
from scenario.beat import uid_of
from scenario.test_guard_alone import Beats, beats, sos
from scenario.test_rounds import HOURLY, walk

from gateway.site.model import Configs
from gateway.site.patrol import Checkpoint, Question, Tag
from services.alert import service as alerts
from services.flows.patrol import emergency
from services.flows.patrol.watch import WATCH_TIMER
from services.kernel import timers
from services.kernel.errors import Conflict
from services.kernel.timers import Timer
from services.patrol.tables import Round
from services.worker import Worker

__all__ = ["beats"]


def test_a_restart_of_ingest_forgets_no_cry_for_help(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2", "p4")
    sos(beat)
    beat.until("2026-11-21 23:50")
    missed = len([one for one in beat.alerts("PATROL-MISSED") if one.closed_at is None])
    assert missed == 1
    beat.restart()
    phone = beat.handset()
    phone.tap("p1")
    assert beat.alert("PATROL-SOS").closed_at is None
    assert len([one for one in beat.alerts("PATROL-MISSED") if one.closed_at is None]) == missed
    beat.texts()


def test_a_second_cry_is_told_again_and_each_can_be_reset_once_seen(beats: Beats) -> None:
    beat = beats()
    sos(beat)
    beat.worker.turn()
    first = beat.alert("PATROL-SOS")
    assert len(beat.texts()) == 1
    with pytest.raises(Conflict), beat.db.begin() as session:
        alerts.reset(session, first.id, actor="duty", now=beat.now)
    with beat.db.begin() as session:
        alerts.acknowledge(session, first.id, occurrence=1, actor="duty", now=beat.now)
    beat.wait("2h")
    beat.texts()
    with beat.db.begin() as session:
        assert alerts.reset(session, first.id, actor="duty", now=beat.now).closed_at is not None
    sos(beat, "s2")
    beat.worker.turn()
    assert any("guard 紧急求助" in text for text in beat.texts())
    assert len(beat.alerts("PATROL-SOS")) == 2


def test_what_his_phone_delivers_late_does_not_answer_for_him(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    phone = beat.handset()
    phone.tap("p1")
    beat.wait("2min")
    phone.offline()
    phone.tap("p2")
    beat.until("2026-11-21 23:22")
    assert beat.asked() == ["beat/guard"]
    beat.until("2026-11-21 23:23")
    phone.back()
    assert beat.asked() == ["beat/guard"], "he tapped twenty minutes ago: how is he now?"
    beat.until("2026-11-21 23:27")
    assert beat.alert("PATROL-MANDOWN").severity == "critical"
    beat.texts()


def test_a_round_delivered_late_and_not_finished_asks_at_once(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    beat.until("2026-11-21 23:01")
    phone.offline()
    phone.tap("p1")
    beat.until("2026-11-21 23:30")
    phone.back()
    beat.wait("1s")
    assert beat.asked() == ["beat/guard"]
    beat.until("2026-11-21 23:31")
    with beat.db.begin() as session:
        before = beat.now - timedelta(minutes=3)
        assert not emergency.checked_in(session, beat.config, "guard", beat.now, at=before), "said before he was asked"
        assert emergency.checked_in(session, beat.config, "guard", beat.now, at=beat.now)
    assert beat.asked() == []


def test_who_has_answered_is_not_asked_for_ever(beats: Beats) -> None:
    single = HOURLY.model_copy(update={"every": None, "at": ("23:00",)})
    beat = beats(schedules=[single])
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    beat.until("2026-11-21 23:25")
    for _ in range(12):
        with beat.db.begin() as session:
            emergency.checked_in(session, beat.config, "guard", beat.now)
        beat.wait("11min")
    assert beat.asked() == [], "the round is long over"
    assert beat.alerts("PATROL-MANDOWN") == []
    beat.texts()


def test_files_that_were_missing_once_do_not_end_the_watch(beats: Beats) -> None:
    beat = beats()
    none = Worker(beat.db, Configs(sites={}), beat.clock, lambda _channel: beat.delivered)
    beat.wait("11min")
    beat.clock.set(beat.now + timedelta(minutes=30))
    none.turn()
    beat.restart()
    beat.until("2026-11-24 12:00", closely=False)
    (watch,) = beat.rows(Timer, Timer.kind == WATCH_TIMER)
    assert watch.done_at is None
    assert beat.rows(Round, Round.starts_at > beat.now), "rounds are planned on"
    beat.texts()


def test_an_older_good_answer_does_not_end_a_newer_finding(beats: Beats) -> None:
    lamp = Question(id="lamp", text="灯亮", expect=True)
    point = Checkpoint(id="p1", name="1号点", area="yard", tags=(Tag(uid=uid_of(1)),), questions=(lamp,))
    beat = beats(schedules=[], checkpoints=(point,), stops=1)
    other = beat.handset("guard-2")
    other.offline()
    other.tap("p1", answers={"lamp": True})
    beat.wait("10min")
    beat.handset().tap("p1", answers={"lamp": False})
    beat.wait("10min")
    other.back()
    assert beat.alert("PATROL-FINDING").active
    beat.handset().tap("p1", answers={"lamp": True})
    assert not beat.alert("PATROL-FINDING").active
    beat.wait("1min")
    beat.texts()


def test_finished_timers_are_forgotten_after_a_season_and_open_ones_never(beats: Beats) -> None:
    beat = beats(schedules=[])
    beat.wait("1min")
    with beat.db.begin() as session:
        timers.schedule(session, "test.open", "x", beat.now + timedelta(days=200))
        timers.schedule(session, "test.done", "x", beat.now)
        timers.cancel(session, ["test.done"], "x", beat.now, "no longer wanted")
    beat.until(beat.now + timedelta(days=89), closely=False)
    assert len(beat.rows(Timer, Timer.ref == "x")) == 2
    beat.until(beat.now + timedelta(days=2), closely=False)
    assert [one.kind for one in beat.rows(Timer, Timer.ref == "x")] == ["test.open"]
    beat.texts()
