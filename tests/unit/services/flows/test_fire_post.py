"""Commands on their way to the gateway: beside the worker, once, and again when they did not go out."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.contract.errors import NotNow
from services.fire.tables import FireCommand
from services.flows.fire.post import CommandPost
from services.kernel.clock import FakeClock
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


class Broker:
    """What the post hands commands to; it may hang, or be away."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.answers = threading.Event()
        self.answers.set()
        self.is_away = False

    def send(self, _site: str, _source: str, body: dict[str, Any]) -> None:
        self.answers.wait(10)
        if self.is_away:
            raise NotNow("the broker is away")
        self.got.append(body["id"])


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def post(db: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandPost]:
    monkeypatch.setattr("services.flows.fire.post.PATIENCE_S", 10.0)
    with db.begin() as session:
        session.add(
            FireCommand(
                id="c1", site="beat", source="utd", kind="read_time", asked_at=NOW, asked_by="duty", expires_at=NOW
            )
        )
    opened = CommandPost(db, FakeClock(NOW), broker.send)
    yield opened
    broker.answers.set()
    opened.close()


def sent_at(db: Database) -> datetime | None:
    with db.read() as session:
        return session.get_one(FireCommand, "c1").sent_at


def test_what_went_out_is_written_down(db: Database, post: CommandPost, broker: Broker) -> None:
    post.put("beat", "utd", {"id": "c1"})
    assert broker.got == []
    post.carry()
    assert (broker.got, sent_at(db)) == (["c1"], NOW)


def test_what_was_found_due_in_a_transaction_that_failed_does_not_go_out(post: CommandPost, broker: Broker) -> None:
    post.put("beat", "utd", {"id": "c1"})
    post.drop()
    post.carry()
    assert broker.got == []


def test_what_did_not_go_out_goes_with_the_next_try(db: Database, post: CommandPost, broker: Broker) -> None:
    broker.is_away = True
    post.put("beat", "utd", {"id": "c1"})
    post.carry()
    assert sent_at(db) is None
    broker.is_away = False
    post.put("beat", "utd", {"id": "c1"})
    post.carry()
    assert sent_at(db) == NOW


def test_a_broker_that_hangs_holds_up_nobody_and_gets_a_command_once(
    db: Database, post: CommandPost, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.flows.fire.post.PATIENCE_S", 0.0)
    broker.answers.clear()
    post.put("beat", "utd", {"id": "c1"})
    post.carry()
    post.put("beat", "utd", {"id": "c1"})
    post.carry()
    assert sent_at(db) is None
    monkeypatch.setattr("services.flows.fire.post.PATIENCE_S", 10.0)
    broker.answers.set()
    post.carry()
    assert (broker.got, sent_at(db)) == (["c1"], NOW)
