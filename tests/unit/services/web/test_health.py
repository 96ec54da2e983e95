"""Alive means heard of within the last minute, from the past, and hearing both lanes."""

from datetime import timedelta
from typing import Any

import pytest
from console import Console

from services.kernel.heartbeat import beat
from services.web.queries import system

WELL: dict[str, Any] = {"connected": 2, "stalled_s": 0.0, "lag_ms": 120, "messages": 10, "sites": ["yunhe"]}


def say(console: Console, holder: str = "a", role: str = "ingest", ago_s: float = 0, **figures: Any) -> None:
    """A sign of life, so long ago."""
    with console.db.begin() as s:
        at = console.now - timedelta(seconds=ago_s)
        beat(s, role, holder, at, **(WELL | figures if role == "ingest" else {}))


def health(console: Console) -> tuple[int, dict[str, Any]]:
    with console.browser() as browser:
        answer = browser.get("/healthz")
    return answer.status_code, answer.json()


def dots(console: Console) -> dict[str, bool]:
    with console.db.read() as s:
        found = system.status(s, console.now)
    return {"ingest": found.pulses["ingest"].alive, "broker": found.broker_connected}


@pytest.fixture(autouse=True)
def worker(console: Console) -> None:
    say(console, role="worker")


@pytest.mark.parametrize(("ago_s", "alive"), [(0, True), (60, True), (60.1, False), (-5, True), (-5.1, False)])
def test_a_sign_of_life_is_from_the_last_minute_and_not_from_the_future(
    console: Console, ago_s: float, alive: bool
) -> None:
    say(console, ago_s=ago_s)
    status, body = health(console)
    assert status == (200 if alive else 503)
    assert body["silent"] == ([] if alive else ["ingest"])
    assert dots(console) == {"ingest": alive, "broker": alive}


@pytest.mark.parametrize(
    ("figures", "word"), [({"connected": 1}, "1 of 2"), ({"connected": 0}, "0 of 2"), ({"stalled_s": 75.0}, "75 s")]
)
def test_an_ingest_that_lives_but_does_not_hear_or_store_is_unwell(
    console: Console, figures: dict[str, Any], word: str
) -> None:
    say(console, **figures)
    status, body = health(console)
    assert (status, body["status"], body["silent"]) == (503, "unwell", [])
    (reason,) = body["reasons"]
    assert word in reason
    assert dots(console) == {"ingest": True, "broker": "connected" not in figures}


def test_a_short_stall_is_no_illness(console: Console) -> None:
    say(console, stalled_s=60.0)
    assert health(console)[0] == 200


def test_every_ingest_counts_on_its_own(console: Console) -> None:
    say(console, "a")
    say(console, "b", ago_s=61)
    status, body = health(console)
    assert (status, body["silent"]) == (503, ["ingest"])
    assert "ingest b" in body["reasons"][0]
    assert body["age_s"]["ingest"] == 61.0
    say(console, "b", connected=1)
    assert "ingest b: 1 of 2" in health(console)[1]["reasons"][0]
    assert dots(console) == {"ingest": True, "broker": False}
    say(console, "b")
    assert health(console)[0] == 200


def test_one_that_was_taken_away_yesterday_is_forgotten(console: Console) -> None:
    say(console, "a")
    say(console, "b", ago_s=24 * 3600 + 1)
    assert health(console)[0] == 200
    console.clock.advance(timedelta(days=2))
    say(console, role="worker")
    assert health(console)[1]["silent"] == ["ingest"]


def test_one_living_worker_is_enough(console: Console) -> None:
    say(console)
    say(console, "old", role="worker", ago_s=3600)
    assert health(console)[0] == 200


def test_the_figures_of_several_are_their_worst_and_their_sums(console: Console) -> None:
    say(console, "a", lag_ms=10)
    say(console, "b", lag_ms=900, connected=1)
    with console.db.read() as s:
        figures = system.pulses(s, console.now)["ingest"].figures
    assert figures == {"connected": 1, "stalled_s": 0.0, "lag_ms": 900, "messages": 20}
