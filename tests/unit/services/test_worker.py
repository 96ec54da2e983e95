"""The worker: one turn, and how it watches the others."""

import threading
from datetime import timedelta

import pytest
from scenario.site import Night, yunhe
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from services import worker as module
from services.alert.tables import Alert
from services.kernel import timers
from services.kernel.db import Database
from services.kernel.heartbeat import Heartbeat, beat
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.worker import LONG

POINT = "high-zone-pressure"


def test_a_timer_that_fails_raises_one_system_alert_and_holds_up_nobody(db: Database) -> None:
    night = Night(db, yunhe(POINT))
    with db.begin() as session:
        timers.schedule(session, "alert.escalate", "no-such-alert", night.now, step="1:1")
        timers.schedule(session, "maintenance.end", "no-such-mode", night.now)
    night.worker.turn()
    night.clock.advance(timedelta(minutes=1))
    night.worker.turn()
    assert [(one.rule, one.target, one.occurrence) for one in night.alerts()] == [
        ("SYS-TIMER", "yunhe/alert.escalate", 1),
        ("SYS-TIMER", "yunhe/maintenance.end", 1),
    ]
    with db.read() as session:
        failed = [str(one.outcome) for one in session.scalars(select(Timer)) if one.ref.startswith("no-such")]
    assert len(failed) == 2
    assert all(one.startswith("failed: There is no") for one in failed)


def test_ingest_that_never_began_is_silent_too(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    night.worker.turn()
    night.clock.advance(module.SILENT_AFTER)
    night.worker.turn()
    assert night.alerts() == []
    night.clock.advance(module.BEAT_EVERY)
    night.worker.turn()
    assert night.alert().rule == "SYS-SILENT"
    with one_db.begin() as session:
        beat(session, "ingest", "somewhere", night.now)
    night.clock.advance(module.BEAT_EVERY)
    night.worker.turn()
    assert not night.alert().active


def test_a_worker_that_was_away_itself_accuses_nobody_at_once(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    with one_db.begin() as session:
        beat(session, "ingest", "somewhere", night.now)
    night.clock.advance(timedelta(hours=1))
    night.worker.turn()
    assert night.alerts() == []


def test_a_turn_is_due_for_a_timer_a_message_or_the_next_heartbeat_and_for_nothing_else(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    worker = night.worker
    assert worker.is_due()
    for _ in LONG:  # of the long ones it takes one a turn
        worker.turn()
    assert not worker.is_due()
    with one_db.begin() as session:
        timers.schedule(session, "maintenance.end", "later", night.now + timedelta(seconds=1))
    assert not worker.is_due()
    night.clock.advance(timedelta(seconds=1))
    assert worker.is_due()
    worker.turn()
    assert not worker.is_due()
    night.shows(POINT, 0.65)
    night.worker_alive = False
    night.wait("30s")
    worker._beat_at = night.now
    assert worker.is_due(), "somebody waits to be told"
    worker.turn()
    assert not worker.is_due()
    night.clock.advance(module.BEAT_EVERY)
    assert worker.is_due()


def test_its_own_heartbeat_is_there(db: Database) -> None:
    night = Night(db, yunhe(POINT))
    for _ in range(3):
        night.worker.turn()
        night.clock.advance(timedelta(seconds=3))
    with db.read() as session:
        assert session.get_one(Heartbeat, ("worker", "worker")).at == night.now - timedelta(seconds=3)


def test_what_was_acknowledged_before_it_went_out_is_not_sent(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    night.worker_alive = False
    night.shows(POINT, 0.65)
    night.wait("30s")
    night.acknowledge()
    night.worker.turn()
    assert night.phone.got == []
    with one_db.read() as session:
        (message,) = session.scalars(
            select(Message).where(
                Message.status == "skipped", Message.recipient_role == "", Message.kind == "alert.opened"
            )
        )
        assert message.reason == "already_acknowledged"
    assert night.told("engineer-water") == ["alert.opened: skipped, already_acknowledged"]


def test_a_message_whose_alert_is_gone_from_the_site_files_is_buried(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    night.worker_alive = False
    night.shows(POINT, 0.65)
    night.wait("30s")
    with one_db.begin() as session:
        for message in session.scalars(select(Message)):
            message.channel = "gone"
    night.worker.turn()
    assert {one.rule for one in night.alerts()} == {"NUM-01", "SYS-NOTIFY"}


def test_a_database_that_does_not_answer_is_waited_for(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(one_db, yunhe(POINT))
    stop = threading.Event()
    waits: list[float] = []
    turns: list[str] = []

    def turn() -> None:
        turns.append("turn")
        if len(turns) == 1:
            raise OperationalError("BEGIN", {}, Exception("gone away"))
        stop.set()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return stop.is_set()

    monkeypatch.setattr(module.Worker, "turn", lambda _self: turn())
    monkeypatch.setattr(stop, "wait", wait)
    night.worker.run(stop)
    assert len(turns) == 2
    assert waits[0] == 2


def test_two_workers_on_postgresql_say_everything_once(postgres_db: Database) -> None:
    night = Night(postgres_db, yunhe(POINT))
    night.worker_alive = False
    night.shows(POINT, 0.65)
    night.wait("30s")
    night.clock.advance(timedelta(minutes=16))
    second = module.Worker(Database(postgres_db.url), night.configs, night.clock, lambda _channel: night.phone)
    barrier = threading.Barrier(2)

    def work(worker: module.Worker) -> None:
        barrier.wait()
        for _ in range(5):
            worker.turn()

    threads = [threading.Thread(target=work, args=(one,)) for one in (night.worker, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second.db.dispose()
    sent = [(one.kind, one.subject_id) for one in night.phone.got]
    assert len(sent) == len(set(sent))
    assert [one for one in sent if one[0] == "alert.escalated"] == [("alert.escalated", night.alert("NUM-01").id)]
    with postgres_db.read() as session:
        keys = [(one.rule, one.target) for one in session.scalars(select(Alert).where(Alert.closed_at.is_(None)))]
    assert len(keys) == len(set(keys))


def test_ingest_that_lives_but_hears_nothing_is_an_alert_until_it_hears(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))

    def heartbeat(deaf_s: float) -> None:
        night.clock.advance(module.BEAT_EVERY)
        with one_db.begin() as session:
            beat(session, "ingest", "here", night.now, sites=["yunhe"], deaf_s=deaf_s)
        night.worker.turn()

    heartbeat(60.0)
    assert night.alerts() == []
    heartbeat(61.0)
    assert (night.alert().rule, night.alert().active) == ("SYS-DEAF", True)
    heartbeat(30.0)
    assert night.alert().active
    heartbeat(0.3)
    assert not night.alert().active


def test_a_dead_ingest_does_not_hide_behind_that_of_another_site(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    night.worker.turn()
    for _ in range(35):
        night.clock.advance(module.BEAT_EVERY)
        with one_db.begin() as session:
            beat(session, "ingest", "elsewhere", night.now, sites=["another-site"])
        night.worker.turn()
    assert night.alert().rule == "SYS-SILENT"


def waiting_message(db: Database) -> Night:
    """Somebody waits to be told, and the worker's next turn is due."""
    night = Night(db, yunhe(POINT))
    night.worker_alive = False
    night.shows(POINT, 0.65)
    night.wait("30s")
    assert night.phone.got == []
    return night


@pytest.mark.parametrize("broken", ["fire_link.look", "emergency.settle_seen", "PatrolTimers.begin"])
def test_a_watch_that_fails_is_an_alert_and_stops_no_message_and_no_other_watch(
    one_db: Database, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    night = waiting_message(one_db)

    def fail(*_: object) -> None:
        raise KeyError("yard")

    owner, _, name = broken.partition(".")
    monkeypatch.setattr(getattr(module, owner), name, fail)
    night.worker.turn()
    assert "alert.opened" in {one.kind for one in night.phone.got}
    (told,) = night.alerts("SYS-TIMER")
    assert "yard" in told.title
    monkeypatch.undo()
    night.acknowledge(alert=told)
    for _ in range(2):
        night.clock.advance(module.SILENT_AFTER)
        night.worker.turn()
    assert [one.active for one in night.alerts("SYS-TIMER")] == [False]
    assert night.alert("SYS-SILENT").active


def test_messages_go_out_when_nothing_else_can_be_done(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    night = waiting_message(one_db)

    def fail(*_: object, **__: object) -> None:
        raise KeyError("yard")

    monkeypatch.setattr(module, "run_due", fail)
    with pytest.raises(KeyError):
        night.worker.turn()
    assert {one.kind for one in night.phone.got} == {"alert.opened"}
