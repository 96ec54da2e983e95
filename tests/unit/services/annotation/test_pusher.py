"""Marks reach Grafana once, however often anything dies in between, and a dead Grafana holds up nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from grafana import Asked, StubGrafana, stub_grafana
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.annotation import store
from services.annotation.grafana import Grafana
from services.annotation.model import BACK_OFF, Mark
from services.annotation.pusher import MarkPusher
from services.annotation.tables import Annotation
from services.kernel.clock import FakeClock
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def mark(number: int = 1, told: str = "1", end_ms: int = 1_000) -> Mark:
    key = f"alert:{number:04d}"
    return Mark(key, told, 1_000, end_ms, ("gengfu", "pushed", key), f"text {told}")


class Wish:
    """The marks that should be there, as `services.flows.marks` would find them."""

    def __init__(self, *marks: Mark) -> None:
        self.marks = list(marks)

    def __call__(self, session: Session, now: datetime, most: int) -> list[Mark]:
        rows = {row.key: row for row in session.scalars(select(Annotation))}

        def is_wanted(one: Mark) -> bool:
            row = rows.get(one.key)
            return row is None or ((row.next_at is None or row.next_at <= now) and row.told != one.told)

        return [one for one in self.marks if is_wanted(one)][:most]


@pytest.fixture
def stub() -> Iterator[StubGrafana]:
    with stub_grafana() as stub:
        yield stub


@pytest.fixture
def grafana(stub: StubGrafana) -> Iterator[Grafana]:
    client = Grafana(stub.url, stub.token, timeout_s=1.0)
    yield client
    client.close()


def test_a_mark_is_made_and_brought_up_to_date(db: Database, grafana: Grafana, stub: StubGrafana) -> None:
    clock, wish = FakeClock(NOW), Wish(mark())
    pusher = MarkPusher(db, clock, grafana, wish)
    assert pusher.turn() == 1
    assert pusher.turn() == 0
    wish.marks = [mark(told="2", end_ms=9_000)]
    assert pusher.turn() == 1
    [(_, found)] = stub.marks.items()
    assert (found["timeEnd"], found["text"]) == (9_000, "text 2")
    assert len(stub.said("POST", "/annotations")) == 1
    assert not stub.said("GET", "/annotations"), "a first attempt has nothing to look for"


def test_what_a_person_deleted_stays_deleted(one_db: Database, grafana: Grafana, stub: StubGrafana) -> None:
    wish = Wish(mark())
    pusher = MarkPusher(one_db, FakeClock(NOW), grafana, wish)
    pusher.turn()
    stub.marks.clear()
    wish.marks = [mark(told="2")]
    assert pusher.turn() == 1
    assert not stub.marks
    assert pusher.turn() == 0


def test_a_crash_between_grafana_and_the_commit_doubles_nothing(
    db: Database, grafana: Grafana, stub: StubGrafana
) -> None:
    program = f"""
import sys
from datetime import datetime
from services.annotation.grafana import Grafana
from services.annotation.model import Mark
from services.annotation.pusher import MarkPusher
from services.kernel.clock import FakeClock
from services.kernel.db import Database
db = Database(sys.argv[1])
pusher = MarkPusher(db, FakeClock(datetime.fromisoformat({NOW.isoformat()!r})), Grafana(sys.argv[2], {stub.token!r}),
                    lambda session, now, most: [Mark(*{tuple(mark())!r})])
pusher.turn()
"""
    url = db.url.render_as_string(hide_password=False)
    process = subprocess.Popen([sys.executable, "-c", program, url, stub.url], cwd=os.getcwd())

    def kill(asked: Asked) -> None:
        if asked.method == "POST":
            process.send_signal(signal.SIGKILL)
            process.wait(10)

    stub.after = kill
    assert process.wait(30) == -signal.SIGKILL
    assert len(stub.marks) == 1
    stub.after = lambda _asked: None
    clock = FakeClock(NOW)
    pusher = MarkPusher(db, clock, grafana, Wish(mark()))
    assert pusher.turn() == 0, "the claim of the dead one still holds"
    clock.advance(store.LEASE)
    assert pusher.turn() == 1
    assert len(stub.marks) == 1
    assert len(stub.said("POST", "/annotations")) == 1
    with db.read() as session:
        row = session.scalars(select(Annotation)).one()
    assert (row.grafana_id, row.told, row.attempts, row.next_at) == (1, "1", 0, None)


def test_of_several_workers_one_tells(postgres_db: Database, stub: StubGrafana) -> None:
    wish = Wish(*(mark(number) for number in range(40)))
    together = threading.Barrier(4)

    def work() -> None:
        client = Grafana(stub.url, stub.token)
        pusher = MarkPusher(postgres_db, FakeClock(NOW), client, wish)
        together.wait(10)
        while pusher.turn():
            pass
        client.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    keys = [found["tags"][2] for found in stub.marks.values()]
    assert sorted(keys) == sorted({one.key for one in wish.marks})


def test_who_comes_back_too_late_takes_his_mark_away(db: Database, grafana: Grafana, stub: StubGrafana) -> None:
    other = Grafana(stub.url, stub.token)
    late, early = FakeClock(NOW), FakeClock(NOW + store.LEASE)
    successor = MarkPusher(db, early, other, Wish(mark()))

    class Slow:
        """Stands still between the claim and the request, until the claim has run out and somebody else has acted."""

        def create_mark(self, one: Mark) -> int:
            assert successor.turn() == 1
            return grafana.create_mark(one)

        find_mark, change_mark, remove_mark = grafana.find_mark, grafana.change_mark, grafana.remove_mark

    assert MarkPusher(db, late, Slow(), Wish(mark())).turn() == 0
    other.close()
    assert list(stub.marks) == [1]


def test_a_grafana_that_is_away_is_left_alone(one_db: Database, grafana: Grafana, stub: StubGrafana) -> None:
    clock = FakeClock(NOW)
    pusher = MarkPusher(one_db, clock, grafana, Wish(*(mark(number) for number in range(10))))
    stub.fail = lambda _asked: 503
    assert pusher.turn() == 0
    assert len(stub.asked) == 1, "one time-out per breather, not one per mark"
    assert pusher.turn() == 0
    assert len(stub.asked) == 1
    stub.fail = lambda _asked: 0
    clock.advance(BACK_OFF[0])
    assert pusher.turn() == 10
    assert len(stub.marks) == 10


def test_a_wrong_token_costs_no_mark_its_attempts(one_db: Database, stub: StubGrafana) -> None:
    client = Grafana(stub.url, "wrong")
    MarkPusher(one_db, FakeClock(NOW), client, Wish(mark(1), mark(2))).turn()
    client.close()
    assert len(stub.asked) == 1
    with one_db.read() as session:
        assert [row.attempts for row in session.scalars(select(Annotation))] == [0, 0]


def test_one_mark_that_is_refused_stops_no_other(one_db: Database, grafana: Grafana, stub: StubGrafana) -> None:
    clock = FakeClock(NOW)
    pusher = MarkPusher(one_db, clock, grafana, Wish(mark(1), mark(2)))
    stub.fail = lambda asked: 400 if asked.method == "POST" and "alert:0001" in asked.body["tags"] else 0
    assert pusher.turn() == 1
    assert pusher.turn() == 0, "it waits"
    stub.fail = lambda _asked: 0
    clock.advance(BACK_OFF[0])
    assert pusher.turn() == 1
    with one_db.read() as session:
        assert {row.error for row in session.scalars(select(Annotation))} == {""}


def test_nobody_waits_for_a_grafana_that_hangs(one_db: Database, stub: StubGrafana) -> None:
    over = threading.Event()
    stub.after = lambda _asked: over.wait(20) and None
    client = Grafana(stub.url, stub.token, timeout_s=0.3)
    started = time.monotonic()
    assert MarkPusher(one_db, FakeClock(NOW), client, Wish(*(mark(number) for number in range(5)))).turn() == 0
    assert time.monotonic() - started < 3.0
    over.set()
    client.close()


def test_old_rows_are_forgotten_now_and_then(one_db: Database, grafana: Grafana) -> None:
    clock = FakeClock(NOW)
    forgotten: list[datetime] = []
    pusher = MarkPusher(one_db, clock, grafana, Wish(), lambda _session, now: forgotten.append(now))
    pusher.turn()
    pusher.turn()
    clock.advance(timedelta(hours=6))
    pusher.turn()
    assert forgotten == [NOW, NOW + timedelta(hours=6)]
