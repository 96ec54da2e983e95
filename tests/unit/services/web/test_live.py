import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from console import LOW_ZONE, ROOT, START, Console
from fastapi import Request
from sqlalchemy import event, select

from services.alert.tables import Alert, AlertEvent
from services.device.tables import Quarantine
from services.kernel.db import Database
from services.kernel.errors import TooMany
from services.notify.tables import Message
from services.people import service as people
from services.rules.tables import MaintenanceMode
from services.web import live
from services.web.deps import SESSION_COOKIE, visitor
from services.work_order.tables import WorkOrderEvent


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_S", 0.01)


def changes(console: Console, holds: Callable[[], bool] = lambda: True) -> AsyncIterator[Any]:
    return live._changes(live.Watch(console.db, tuple(console.configs.sites)), holds)


def asking(console: Console, token: str = "", cookie: str = "") -> Request:
    """A request for the stream."""
    pairs = {
        "Authorization": f"Bearer {token}" if token else "",
        "Cookie": f"{SESSION_COOKIE}={cookie}" if cookie else "",
    }
    headers = [(name.lower().encode(), value.encode()) for name, value in pairs.items() if value]
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "headers": headers}
    return Request({**scope, "app": console.app, "http_version": "1.1", "asgi": {"version": "3.0"}})


async def opened(request: Request) -> live._Stream:
    who = visitor(request)
    assert who.actor is not None
    stream = await live.events(request, who.actor, who)
    assert isinstance(stream, live._Stream)
    return stream


async def next_event(stream: AsyncIterator[Any]) -> tuple[str, Any]:
    with anyio.fail_after(10):
        event = await anext(stream)
    return event.event, json.loads(event.data)


def test_a_stream_names_the_lists_that_changed(console: Console) -> None:
    async def story() -> None:
        stream = changes(console)
        assert (await next_event(stream))[0] == "hello"
        await anyio.to_thread.run_sync(console.breach)
        seen: set[str] = set()
        while not {"alerts", "orders", "messages"} <= seen:
            kind, lists = await next_event(stream)
            assert kind == "changed"
            seen |= set(lists)
        assert "quarantine" not in seen
        await anyio.to_thread.run_sync(console.reject, b"x")
        assert await next_event(stream) == ("changed", ["quarantine"])

    anyio.run(story)


def test_silence_while_nothing_changes(console: Console) -> None:
    async def story() -> None:
        stream = changes(console)
        await next_event(stream)
        await anyio.to_thread.run_sync(console.hear, LOW_ZONE, 0.45, 10)
        with anyio.move_on_after(0.3) as waited:
            await anext(stream)
        assert waited.cancelled_caught

    anyio.run(story)


def test_the_end_of_the_session_ends_the_stream(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SESSION_CHECK_S", 0.0)
    with console.browser("duty") as browser:
        cookie = browser.client.cookies["gengfu_session"]

    async def story() -> None:
        stream = (await opened(asking(console, cookie=cookie))).body_iterator
        await next_event(stream)
        console.clock.advance(people.SESSION_LIFE)
        assert (await next_event(stream))[0] == "signed-out"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    anyio.run(story)


def test_many_streams_ask_the_database_once(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_S", 60.0)
    watch = live.Watch(console.db, tuple(console.configs.sites))
    asked = []
    read = watch.read
    monkeypatch.setattr(watch, "read", lambda: asked.append(1) or read())

    async def story() -> None:
        await watch.versions()
        for _ in range(10):
            await watch.versions()

    anyio.run(story)
    assert len(asked) == 1


def test_a_server_that_stops_ends_the_streams(console: Console) -> None:
    async def story() -> None:
        watch = live.Watch(console.db, tuple(console.configs.sites))
        stream = live._changes(watch, lambda: True)
        await next_event(stream)
        watch.stop()
        with pytest.raises(StopAsyncIteration), anyio.fail_after(10):
            await anext(stream)

    anyio.run(story)


def test_the_stream_is_only_for_the_signed_in(console: Console) -> None:
    with console.browser() as browser:
        assert browser.get("/events").status_code == 401


@pytest.mark.parametrize("ending", ["revoked", "expired", "switched off"])
def test_the_end_of_the_token_ends_the_stream(console: Console, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(live, "SESSION_CHECK_S", 0.0)
    with console.db.begin() as s:
        token = people.issue_token(s, ROOT, "wall", "duty", ["read"], START, START + timedelta(days=1))

    async def story() -> None:
        # A cookie that is no session must not matter to a program.
        stream = (await opened(asking(console, token=token, cookie="stale"))).body_iterator
        await next_event(stream)
        with anyio.move_on_after(0.2) as waited:
            await anext(stream)
        assert waited.cancelled_caught
        stream = (await opened(asking(console, token=token))).body_iterator
        await next_event(stream)
        if ending == "expired":
            console.clock.advance(timedelta(days=1))
        else:
            with console.db.begin() as s:
                if ending == "revoked":
                    people.revoke_token(s, ROOT, people.token_hash(token), console.now)
                else:
                    people.set_active(s, ROOT, "duty", False, console.now)
        assert (await next_event(stream))[0] == "signed-out"

    anyio.run(story)


def test_an_account_has_eight_streams_and_gets_each_place_back(console: Console) -> None:
    token, other = console.token("duty", "read"), console.token("manager", "read")

    async def story() -> None:
        streams = [await opened(asking(console, token=token)) for _ in range(live.STREAMS_PER_ACCOUNT)]
        with pytest.raises(TooMany) as refused:
            await opened(asking(console, token=token))
        assert refused.value.status == 429
        assert refused.value.detail["retry_after_s"] == 60
        await opened(asking(console, token=other))
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def gone() -> Any:
            return {"type": "http.disconnect"}

        with anyio.fail_after(10):
            await streams[0](asking(console, token=token).scope, gone, send)
        await opened(asking(console, token=token))
        with pytest.raises(TooMany):
            await opened(asking(console, token=token))

    anyio.run(story)


def fresh(console: Console) -> live.Versions:
    return live.Watch(console.db, tuple(console.configs.sites)).read()


def differing(before: live.Versions, after: live.Versions) -> set[str]:
    return {name for name in after if before[name] != after[name]}


def test_a_commit_that_comes_after_one_with_a_higher_id_is_seen(any_console: Console) -> None:
    """Ids are drawn before the commit: the later commit may carry the lower id."""
    console = any_console
    alert = console.breach()
    order = console.order(alert).id
    early = "0" * 26
    before = fresh(console)
    common = {"id": early, "at": console.now, "event_at": console.now, "actor": "duty", "data": {}}
    with console.db.begin() as s:
        s.add(AlertEvent(alert_id=alert, seq=900, kind="commented", **common))
        s.add(WorkOrderEvent(work_order_id=order, seq=900, kind="commented", **common))
        message = s.scalars(select(Message).limit(1)).one()
        columns = {one.name: getattr(message, one.name) for one in Message.__table__.columns}
        s.add(Message(**{**columns, "id": early, "idem_key": "early"}))
    assert differing(before, fresh(console)) == {"alerts", "orders", "messages"}


def test_every_change_of_a_message_is_seen(console: Console) -> None:
    console.breach()
    with console.db.read() as s:
        name = s.scalars(select(Message.id).where(Message.status == "pending").limit(1)).one()
    for values in ({"status": "sending", "attempts": 1}, {"status": "pending"}, {"status": "sent"}):
        before = fresh(console)
        with console.db.begin() as s:
            message = s.get_one(Message, name)
            for key, value in values.items():
                setattr(message, key, value)
        assert differing(before, fresh(console)) == {"messages"}


def test_an_alert_that_changes_without_a_newer_event_is_seen(console: Console) -> None:
    alert = console.breach()
    before = fresh(console)
    with console.db.begin() as s:
        s.get_one(Alert, alert).version += 1
    assert differing(before, fresh(console)) == {"alerts"}


def test_the_end_of_maintenance_and_a_dismissal_are_seen(console: Console) -> None:
    console.reject(b"x")
    with console.db.begin() as s:
        s.add(
            MaintenanceMode(
                id="M" * 26, target="yunhe", reason="x", by="duty", started_at=START, until=START + timedelta(hours=1)
            )
        )
    before = fresh(console)
    with console.db.begin() as s:
        s.get_one(MaintenanceMode, "M" * 26).ended_at = START
        s.scalars(select(Quarantine)).one().dismissed_at = START
    assert differing(before, fresh(console)) == {"maintenance", "quarantine"}


def test_watching_never_reads_the_whole_history(sqlite_db: Database, tmp_path: Path) -> None:
    """On SQLite, whose plan does not hang on statistics."""
    console = Console(sqlite_db, tmp_path)
    seen: dict[str, Any] = {}

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            seen[statement] = parameters

    event.listen(console.db._reader, "before_cursor_execute", remember)
    fresh(console)
    event.remove(console.db._reader, "before_cursor_execute", remember)
    console.close()
    with console.db.engine.connect() as connection:
        plans = {
            statement: [line[3] for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in seen.items()
        }
    assert len(plans) > 6
    for statement, plan in plans.items():
        bounded = "LIMIT" in statement or "ix_message_due" in plan[0] or "IS NULL" in statement
        assert bounded, (statement, plan)
        assert not any("TEMP B-TREE" in line for line in plan), (statement, plan)
        assert all("USING" in line for line in plan if "maintenance_mode" not in line), (statement, plan)
