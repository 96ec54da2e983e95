"""Alerts in the database: one open per key, a history that replays to the row, refusals with the current state."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.alert import service as alerts
from services.alert.model import replay
from services.alert.service import Activation
from services.alert.tables import Alert, AlertEvent
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.kernel.timers import Timer

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TARGET = "yunhe/dom-low-outlet"
PRESSURE = Activation(
    site="yunhe",
    rule="NUM-01",
    target=TARGET,
    title="压力偏离",
    severity="high",
    event_at=NOW - timedelta(seconds=10),
    value=0.61,
    unit="MPa",
    limit_text="0.45 ± 0.10",
    policy={"id": "pump_room", "shelve_max": timedelta(hours=4), "reopen_window": "PT10M"},
)


def raised(db: Database, activation: Activation = PRESSURE, now: datetime = NOW) -> alerts.Raised:
    with db.begin() as s:
        return alerts.raise_alert(s, activation, now)


def do(db: Database, verb: Callable[[Session], object]) -> None:
    with db.begin() as s:
        verb(s)


def clear(db: Database, now: datetime = NOW) -> alerts.ClearedAlert | None:
    with db.begin() as s:
        return alerts.clear_alert(s, "NUM-01", TARGET, now, 0.45, now)


def acknowledge(db: Database, alert_id: str, occurrence: int = 1, now: datetime = NOW) -> Alert:
    with db.begin() as s:
        return alerts.acknowledge(s, alert_id, occurrence=occurrence, actor="li", now=now)


def closed(db: Database, now: datetime = NOW) -> Alert:
    alert = raised(db, now=now).alert
    acknowledge(db, alert.id, alert.occurrence, now)
    clear(db, now)
    return alert


def row(db: Database, alert_id: str) -> Alert:
    with db.read() as s:
        return alerts.get(s, alert_id)


def kinds(db: Database, alert_id: str) -> list[str]:
    with db.read() as s:
        return [one.kind for one in alerts.history(s, alert_id)]


class TestRaising:
    def test_opens_with_event_time_frozen_policy_and_history(self, db: Database) -> None:
        done = raised(db)
        assert (done.outcome, done.visible) == ("opened", True)
        alert = row(db, done.alert.id)
        assert (alert.opened_at, alert.value, alert.unit) == (PRESSURE.event_at, 0.61, "MPa")
        assert alert.policy == {"id": "pump_room", "shelve_max": "PT4H", "reopen_window": "PT10M"}
        with db.read() as s:
            (event,) = alerts.history(s, alert.id)
        assert (event.seq, event.kind, event.actor, event.at, event.event_at) == (
            1,
            "activated",
            "system",
            NOW,
            PRESSURE.event_at,
        )
        assert event.data["facts"] == ["opened"]
        assert alert.version == 1

    def test_again_while_active_changes_nothing(self, db: Database) -> None:
        raised(db)
        done = raised(db, now=NOW + MINUTE)
        assert done.outcome == "unchanged"
        assert kinds(db, done.alert.id) == ["activated"]

    def test_a_flapping_gauge_is_one_alert(self, db: Database) -> None:
        first = raised(db).alert
        outcomes = []
        for swing in range(1, 4):
            clear(db, NOW + swing * MINUTE)
            outcomes.append(raised(db, now=NOW + swing * MINUTE).outcome)
        assert outcomes == ["reactivated"] * 3
        alert = row(db, first.id)
        assert (alert.occurrence, alert.cleared_at) == (4, None)

    def test_a_relapse_within_the_window_reopens_the_same_alert(self, db: Database) -> None:
        alert = closed(db)
        done = raised(db, now=NOW + 10 * MINUTE)
        assert (done.outcome, done.alert.id, done.alert.occurrence) == ("reopened", alert.id, 2)
        assert done.alert.closed_at is None
        assert alerts.shown(done.alert, NOW) == "active_unack"

    def test_a_relapse_after_the_window_is_a_new_alert(self, db: Database) -> None:
        alert = closed(db)
        done = raised(db, now=NOW + 10 * MINUTE + timedelta(seconds=1))
        assert done.outcome == "opened"
        assert done.alert.id != alert.id

    def test_a_rise_of_severity_asks_again(self, db: Database) -> None:
        alert = raised(db).alert
        acknowledge(db, alert.id)
        done = raised(db, replace(PRESSURE, severity="critical", value=0.9))
        assert (done.outcome, done.alert.value) == ("worsened", 0.9)
        assert alerts.shown(done.alert, NOW) == "active_unack"
        assert raised(db).outcome == "unchanged"  # back to high: no news
        assert row(db, alert.id).max_severity == "critical"

    def test_hidden_ones_are_raised_but_not_visible(self, db: Database) -> None:
        alert = raised(db).alert
        do(db, lambda s: alerts.suppress(s, alert.id, reason="device offline", now=NOW))
        clear(db)
        done = raised(db)
        assert (done.outcome, done.visible) == ("reactivated", False)
        do(db, lambda s: alerts.unsuppress(s, alert.id, now=NOW))
        assert alerts.shown(row(db, alert.id), NOW) == "active_unack"

    def test_clearing_what_is_not_open_is_nothing(self, db: Database) -> None:
        assert clear(db) is None
        raised(db)
        assert clear(db) is not None
        assert clear(db) is None

    def test_clearing_says_whether_it_is_over(self, db: Database) -> None:
        alert = raised(db).alert
        first = clear(db)
        assert first is not None
        assert not first.closed
        acknowledge(db, alert.id)
        assert row(db, alert.id).closed_at == NOW

    def test_the_schema_itself_refuses_a_second_open_alert(self, db: Database) -> None:
        alert = raised(db).alert
        copy = "INSERT INTO alert SELECT 'X' || substr(id, 2), {} FROM alert WHERE id = :id"
        columns = ", ".join(one.name for one in Alert.__table__.columns if one.name != "id")
        with pytest.raises(IntegrityError), db.begin() as s:
            s.execute(text(copy.format(columns)), {"id": alert.id})

    def test_the_judge_may_bring_its_own_connection(self, db: Database) -> None:
        alert = closed(db)
        with db.connection() as connection, Session(connection, expire_on_commit=False) as s:
            assert alerts.raise_alert(s, PRESSURE, NOW + MINUTE).outcome == "reopened"
            assert alerts.raise_alert(s, replace(PRESSURE, target="yunhe/other"), NOW).outcome == "opened"
            s.flush()
        assert row(db, alert.id).closed_at is None
        with db.read() as s:
            assert alerts.find_open(s, "NUM-01", "yunhe/other") is not None

    def test_many_raisers_make_one_alert(self, db: Database) -> None:
        other = Database(db.url)  # as another process would come
        gate = threading.Barrier(8)

        def race(number: int) -> str:
            gate.wait()
            return raised(db if number % 2 else other).outcome

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(race, range(8)))
        other.dispose()
        assert sorted(outcomes) == ["opened"] + ["unchanged"] * 7
        with db.read() as s:
            assert s.scalar(select(func.count()).select_from(Alert)) == 1
            assert s.scalar(select(func.count()).select_from(AlertEvent)) == 1

    def test_many_raisers_reopen_one_alert(self, db: Database) -> None:
        alert = closed(db)
        gate = threading.Barrier(6)

        def race(_: int) -> tuple[str, str]:
            gate.wait()
            done = raised(db, now=NOW + MINUTE)
            return done.outcome, done.alert.id

        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(race, range(6)))
        assert sorted(outcome for outcome, _ in results) == ["reopened"] + ["unchanged"] * 5
        assert {one for _, one in results} == {alert.id}

    def test_raising_and_closing_at_once_never_leaves_two_open(self, db: Database) -> None:
        def flap(number: int) -> None:
            now = NOW + number * MINUTE
            done = raised(db, now=now)
            acknowledge(db, done.alert.id, done.alert.occurrence, now)
            clear(db, now)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(flap, range(24)))
        with db.read() as s:
            assert s.scalar(select(func.count()).select_from(Alert).where(Alert.closed_at.is_(None))) in (0, 1)
            for alert in s.scalars(select(Alert)):
                events = alerts.events_of(alerts.history(s, alert.id))
                assert replay(events) == alerts.state_of(alert)


class TestHandling:
    def test_acknowledging_is_audited_once(self, db: Database) -> None:
        alert = raised(db).alert
        acknowledge(db, alert.id)
        acknowledge(db, alert.id)
        assert kinds(db, alert.id) == ["activated", "acknowledged"]
        with db.read() as s:
            (audit,) = s.scalars(select(Audit))
        assert (audit.actor, audit.action, audit.ref) == ("li", "alert.acknowledged", alert.id)

    def test_a_click_that_raced_with_a_relapse_covers_only_what_it_saw(self, db: Database) -> None:
        alert = raised(db).alert
        clear(db)
        raised(db)
        assert alerts.shown(acknowledge(db, alert.id, 1), NOW) == "active_unack"
        assert alerts.shown(acknowledge(db, alert.id, 2), NOW) == "active_ack"

    def test_an_occurrence_that_never_was_is_refused(self, db: Database) -> None:
        alert = raised(db).alert
        with pytest.raises(Invalid, match="has 1 occurrences, not 2"):
            acknowledge(db, alert.id, 2)

    def test_shelving_ends_by_its_timer(self, db: Database) -> None:
        alert = raised(db).alert
        until = NOW + HOUR
        do(db, lambda s: alerts.shelve(s, alert.id, until=until, reason=" 换表 ", actor="li", now=NOW))
        shelved = row(db, alert.id)
        assert (shelved.shelved_by, shelved.shelve_reason, shelved.shelved_until) == ("li", "换表", until)
        with db.read() as s:
            (timer,) = s.scalars(select(Timer))
        assert (timer.kind, timer.ref, timer.due_at) == ("alert.unshelve", alert.id, until)
        do(db, lambda s: alerts.unshelve(s, alert.id, reason="expired", now=NOW))  # too early: nothing
        assert row(db, alert.id).shelved_until == until
        do(db, lambda s: alerts.unshelve(s, alert.id, reason="expired", now=until))
        back = row(db, alert.id)
        assert (back.shelved_until, back.shelved_by, back.shelve_reason) == (None, None, None)
        assert alerts.shown(back, until) == "active_unack"

    def test_shelving_anew_replaces_the_timer(self, db: Database) -> None:
        alert = raised(db).alert
        for hours in (1, 2):
            until = NOW + hours * HOUR
            with db.begin() as s:
                alerts.shelve(s, alert.id, until=until, reason="x", actor="li", now=NOW)
        with db.read() as s:
            (timer,) = s.scalars(select(Timer).where(Timer.done_at.is_(None)))
        assert timer.due_at == NOW + 2 * HOUR

    def test_worsening_ends_shelving_and_its_timer(self, db: Database) -> None:
        alert = raised(db).alert
        do(db, lambda s: alerts.shelve(s, alert.id, until=NOW + HOUR, reason="x", actor="li", now=NOW))
        done = raised(db, replace(PRESSURE, severity="critical"))
        assert (done.outcome, done.visible) == ("worsened", True)
        with db.read() as s:
            assert s.scalar(select(Timer).where(Timer.done_at.is_(None))) is None

    @pytest.mark.parametrize("until", [NOW, NOW - MINUTE, NOW + 4 * HOUR + MINUTE])
    def test_shelving_has_a_limit(self, db: Database, until: datetime) -> None:
        alert = raised(db).alert
        with pytest.raises(Invalid, match="at most 4 h away"), db.begin() as s:
            alerts.shelve(s, alert.id, until=until, reason="x", actor="li", now=NOW)

    def test_shelving_needs_a_reason(self, db: Database) -> None:
        alert = raised(db).alert
        with pytest.raises(Invalid, match="Say why"), db.begin() as s:
            alerts.shelve(s, alert.id, until=NOW + HOUR, reason="  ", actor="li", now=NOW)

    def test_a_closed_alert_cannot_be_shelved(self, db: Database) -> None:
        alert = closed(db)
        with pytest.raises(Conflict) as refusal, db.begin() as s:
            alerts.shelve(s, alert.id, until=NOW + HOUR, reason="x", actor="li", now=NOW)
        assert refusal.value.detail["current"]["state"] == "closed"

    @pytest.mark.parametrize("second", [None, "", "li"])
    def test_life_safety_is_not_hidden_by_one_person(self, db: Database, second: str | None) -> None:
        alert = raised(db, replace(PRESSURE, latching=True)).alert
        with pytest.raises(Forbidden, match="two people"), db.begin() as s:
            alerts.shelve(s, alert.id, until=NOW + HOUR, reason="x", actor="li", now=NOW, second_actor=second)
        with pytest.raises(Forbidden, match="two people"), db.begin() as s:
            alerts.take_out_of_service(s, alert.id, reason="permit", actor="li", now=NOW, second_actor=second)

    def test_two_people_may_and_both_are_on_record(self, db: Database) -> None:
        alert = raised(db, replace(PRESSURE, latching=True)).alert
        with db.begin() as s:
            alerts.shelve(s, alert.id, until=NOW + HOUR, reason="x", actor="li", now=NOW, second_actor="wang")
        with db.read() as s:
            event = alerts.history(s, alert.id)[-1]
        assert (event.actor, event.data["second_actor"]) == ("li", "wang")

    def test_a_latched_alert_waits_for_a_reset_after_the_cause_is_gone(self, db: Database) -> None:
        alert = raised(db, replace(PRESSURE, latching=True)).alert
        with pytest.raises(Conflict, match="cause is present"), db.begin() as s:
            alerts.reset(s, alert.id, actor="li", now=NOW)
        acknowledge(db, alert.id)
        clear(db)
        assert alerts.shown(row(db, alert.id), NOW) == "latched"
        do(db, lambda s: alerts.reset(s, alert.id, actor="li", now=NOW))
        assert row(db, alert.id).closed_at == NOW

    def test_out_of_service_until_returned(self, db: Database) -> None:
        alert = raised(db).alert
        do(db, lambda s: alerts.take_out_of_service(s, alert.id, reason="WO-7", actor="li", now=NOW))
        assert alerts.shown(row(db, alert.id), NOW) == "out_of_service"
        do(db, lambda s: alerts.return_to_service(s, alert.id, actor="li", now=NOW, reason="tested"))
        assert alerts.shown(row(db, alert.id), NOW) == "active_unack"

    def test_withdrawing_closes_and_stops_timers(self, db: Database) -> None:
        alert = raised(db).alert
        do(db, lambda s: alerts.shelve(s, alert.id, until=NOW + HOUR, reason="x", actor="li", now=NOW))
        do(db, lambda s: alerts.withdraw(s, alert.id, "target_removed", NOW))
        assert row(db, alert.id).closed_at == NOW
        with db.read() as s:
            assert s.scalar(select(Timer).where(Timer.done_at.is_(None))) is None

    def test_announcing_is_once_per_occurrence(self, db: Database) -> None:
        alert = raised(db).alert
        with db.begin() as s:
            assert alerts.mark_announced(s, alert.id, NOW)
            assert not alerts.mark_announced(s, alert.id, NOW)
        clear(db)
        raised(db)
        with db.begin() as s:
            assert alerts.mark_announced(s, alert.id, NOW + MINUTE)
        assert row(db, alert.id).announced_at == NOW + MINUTE

    def test_notes_change_nothing_but_the_history(self, db: Database) -> None:
        alert = closed(db)
        before = alerts.state_of(row(db, alert.id))
        do(db, lambda s: alerts.comment(s, alert.id, text="阀门没关", actor="li", now=NOW))
        do(db, lambda s: alerts.note_late_breach(s, alert.id, NOW - HOUR, NOW, value=0.7))
        assert kinds(db, alert.id)[-2:] == ["commented", "late_breach_noted"]
        assert alerts.state_of(row(db, alert.id)) == before

    def test_an_unknown_alert_is_not_found(self, db: Database) -> None:
        with pytest.raises(NotFound, match="no alert 01X"), db.begin() as s:
            alerts.comment(s, "01X", text="?", actor="li", now=NOW)


class TestQuestions:
    def test_the_list_shows_the_worst_first(self, db: Database) -> None:
        for number, severity in enumerate(("low", "critical", "high", "critical")):
            opened_at = NOW + number * MINUTE
            raised(db, replace(PRESSURE, target=f"yunhe/p{number}", severity=severity, event_at=opened_at))  # type: ignore[arg-type]
        raised(db, replace(PRESSURE, site="other", target="other/p"))
        with db.read() as s:
            assert [one.target for one in alerts.open_alerts(s, "yunhe")] == [
                "yunhe/p1",
                "yunhe/p3",
                "yunhe/p2",
                "yunhe/p0",
            ]
            assert len(alerts.open_alerts(s)) == 5
            assert alerts.count_by_state(s, NOW) == {"active_unack": 5}

    def test_what_closed_lately(self, db: Database) -> None:
        alert = closed(db)
        with db.read() as s:
            assert [one.id for one in alerts.closed_since(s, NOW - MINUTE, "yunhe")] == [alert.id]
            assert alerts.closed_since(s, NOW) == []
            assert alerts.find_open(s, "NUM-01", TARGET) is None
