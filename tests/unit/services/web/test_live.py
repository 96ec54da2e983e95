import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from console import LOW_ZONE, Console

from services.people import service as people
from services.web import live
from services.web.deps import Services


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_S", 0.01)


def watched(console: Console) -> Services:
    found: Services = console.app.state.services
    return found


def changes(console: Console, cookie: str | None = None) -> AsyncIterator[Any]:
    return live._changes(live.Watch(console.db), watched(console), cookie)


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
        stream = changes(console, cookie)
        await next_event(stream)
        console.clock.advance(people.SESSION_LIFE)
        assert (await next_event(stream))[0] == "signed-out"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    anyio.run(story)


def test_many_streams_ask_the_database_once(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_S", 60.0)
    watch = live.Watch(console.db)
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
        watch = live.Watch(console.db)
        stream = live._changes(watch, watched(console), None)
        await next_event(stream)
        watch.stop()
        with pytest.raises(StopAsyncIteration), anyio.fail_after(10):
            await anext(stream)

    anyio.run(story)


def test_the_stream_is_only_for_the_signed_in(console: Console) -> None:
    with console.browser() as browser:
        assert browser.get("/events").status_code == 401
