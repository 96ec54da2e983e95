"""Three workers on one PostgreSQL, all at the same moment: what is due is done once, and nobody calls it a failure."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from scenario.site import yunhe
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import Configs
from services import worker as module
from services.alert.tables import Alert
from services.flows.timers import run_due
from services.kernel import leases, timers
from services.kernel.clock import FakeClock, SystemClock
from services.kernel.db import Database
from services.kernel.groups import group_of, lease_of
from services.kernel.heartbeat import Heartbeat, beat
from services.kernel.timers import Timer
from services.notify.model import Channel
from services.notify.senders import Outgoing, Sender, SendResult
from services.people import service as people
from services.worker import Worker

CONFIG = yunhe("high-zone-pressure")
SITE = CONFIG.site.id
CONFIGS = Configs(sites={SITE: CONFIG})
WORKERS = 3


class Crew:
    """Workers with pools of their own, which take every turn together."""

    def __init__(self, db: Database, *, groups: int = 0) -> None:
        self.db = db
        self.clock = FakeClock(SystemClock().now())
        self.sent: list[str] = []
        self._pool = ThreadPoolExecutor(WORKERS)
        self._databases = [Database(db.url) for _ in range(WORKERS)]
        with db.begin() as session:
            people.seed_people(session, CONFIG.people, self.clock.now())
        self.workers = [
            Worker(one, CONFIGS, self.clock, self._sender, holder=f"worker-{number}", ingest_groups=groups)
            for number, one in enumerate(self._databases)
        ]

    def _sender(self, _channel: Channel) -> Sender:
        crew = self

        class Noting:
            def send(self, message: Outgoing) -> SendResult:
                crew.sent.append(message.idem_key)
                return SendResult("ok", "200")

        return Noting()

    def turn(self, after: timedelta = timedelta(0)) -> None:
        """Everybody's turn, begun at the same moment."""
        self.clock.advance(after)
        together = threading.Barrier(WORKERS)

        def one(worker: Worker) -> None:
            together.wait()
            worker.turn()

        list(self._pool.map(one, self.workers))

    def alerts(self) -> list[tuple[str, int, bool]]:
        """(rule, occurrence, active) of every alert."""
        with self.db.read() as session:
            return [(one.rule, one.occurrence, one.active) for one in session.scalars(select(Alert))]

    def close(self) -> None:
        """Release what they hold."""
        self._pool.shutdown()
        for one in self._databases:
            one.dispose()


def test_what_several_see_at_once_is_one_alert_told_once(postgres_db: Database) -> None:
    crew = Crew(postgres_db)
    try:
        for _ in range(3):  # the watches begin, nothing is silent yet
            crew.turn(module.BEAT_EVERY)
        assert crew.alerts() == []
        for _ in range(6):
            crew.turn(module.SILENT_AFTER / 2)
        assert [one for one in crew.alerts() if one[0].startswith("SYS")] == [("SYS-SILENT", 1, True)]
        assert len(crew.sent) == len(set(crew.sent)), "somebody is told twice"
        with postgres_db.read() as session:
            assert {one.holder for one in session.scalars(select(Heartbeat))} == {f"worker-{n}" for n in range(WORKERS)}
            failed = [one.outcome for one in session.scalars(select(Timer)) if (one.outcome or "").startswith("failed")]
        assert failed == []
    finally:
        crew.close()


def test_a_group_that_nobody_holds_is_an_alert_until_somebody_does(postgres_db: Database) -> None:
    crew = Crew(postgres_db, groups=4)
    group = group_of(SITE, 4)
    try:
        crew.turn()
        crew.turn(module.UNHELD_AFTER)
        assert crew.alerts() == []
        crew.turn(module.BEAT_EVERY)
        assert crew.alerts() == [("SYS-LEASE", 1, True)]
        with postgres_db.read() as session:
            assert group in session.scalars(select(Alert.title)).one()
        crew.turn(2 * module.SILENT_AFTER)
        assert crew.alerts() == [("SYS-LEASE", 1, True)], "that it is silent, too, is no news"
        with postgres_db.begin() as session:
            leases.take(session, lease_of(group), "somebody", ttl_s=3600.0)
        crew.turn(module.BEAT_EVERY)
        assert ("SYS-LEASE", 1, False) in crew.alerts()
    finally:
        crew.close()


def test_each_timer_is_fired_by_one_of_them(postgres_db: Database) -> None:
    crew = Crew(postgres_db)
    try:
        with postgres_db.begin() as session:
            for number in range(60):
                timers.schedule(session, "alert.escalate", f"no-such-{number}", crew.clock.now(), step="1:1")
        crew.turn()
        with postgres_db.read() as session:
            fired = [one.outcome or "" for one in session.scalars(select(Timer)) if one.ref.startswith("no-such")]
        assert len(fired) == 60
        assert all(one.startswith("failed: There is no") for one in fired), fired
        assert crew.alerts() == [("SYS-TIMER", 1, True)]
    finally:
        crew.close()


def test_workers_that_wait_for_each_other_are_no_failure(postgres_db: Database) -> None:
    """Two timers whose handlers lock the same two rows, each the other's first."""
    now = SystemClock().now()
    together = threading.Barrier(2)
    met: list[str] = []

    def lock_both(session: Session, timer: Timer, _now: datetime) -> str:
        names = ["left", "right"] if timer.ref == "one" else ["right", "left"]
        for name in names:
            session.get(Heartbeat, ("test", name), with_for_update=True, populate_existing=True)
            if len(met) < 2:
                met.append(timer.ref)
                together.wait(5)
        return "done"

    with postgres_db.begin() as session:
        for name in ("left", "right"):
            beat(session, "test", name, now)
        for ref in ("one", "two"):
            timers.schedule(session, "lock", ref, now)

    def one_worker(_number: int) -> int:
        with postgres_db.begin() as session:
            return len(run_due(session, {"lock": lock_both}, now, limit=1))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one_worker, range(2))) == [0, 0]
    assert one_worker(0) == 0
    with postgres_db.read() as session:
        assert {one.ref: one.outcome for one in session.scalars(select(Timer))} == {"one": "done", "two": "done"}
