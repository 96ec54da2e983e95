"""`gengfu simulate utd` against our own centre: every command is answered, and it comes back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port
from processes import SHIPPED_CONFIGS, Stand, now_ms, until

from gateway.contract.commands import CommandBody
from gateway.drivers.gb26875.units import KINDS
from gateway.fire.book import Book
from gateway.fire.presence import Patience, Presence
from gateway.fire.tcp import FireServer
from gateway.outlet import Event, Outlet
from gateway.site.load import load_configs

SOURCE = "fire-panel-1"
HEAT = "03000100"


class Memory:
    """Keeps events where the test can see them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put_many(self, events: Sequence[Event]) -> list[str]:
        """Keep them."""
        self.events += events
        return [str(number) for number in range(len(events))]

    def fires(self, **fields: str) -> list[Mapping[str, Any]]:
        """Fire events with these fields."""
        return [
            body
            for _, kind, body in self.events
            if kind == "fire" and all(body.get(name) == value for name, value in fields.items())
        ]


def centre_of(memory: Memory, port: int) -> FireServer:
    config = load_configs(SHIPPED_CONFIGS).sites["yunhe"]
    presence = Presence({SOURCE: Patience(180_000, 150_000)}, 0)
    server = FireServer(Book(config, "gateway-1"), Outlet(memory), presence, "127.0.0.1", port, clock_ms=now_ms)
    server.start()
    return server


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path, free_port()) as group:
        yield group


def test_a_simulated_device_answers_everything_and_comes_back(stand: Stand) -> None:
    memory, port = Memory(), free_port()
    server = centre_of(memory, port)
    points = SHIPPED_CONFIGS / "sites" / "yunhe" / "fire.yaml"
    device = stand.start(
        "simulate", "utd", "--centre", f"127.0.0.1:{port}", "--points", str(points), "--clock-off", "600",
        "--duty-answer", "0.1", "--heartbeat", "0.5", "--english",
    )  # fmt: skip
    try:
        until(lambda: memory.fires(scope="analog", address=HEAT), device.output + device.errors)
        soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        for kind in sorted(KINDS):
            params = {"component": HEAT, "system_type": 1, "system_address": 1, "count": 5}
            needed = {} if kind in ("duty_check", "utd_init", "sync_clock") else params
            body = {"id": kind, "kind": kind, "params": needed, "expires_at": soon}
            server.carry_out(SOURCE, CommandBody.model_validate(body))
            until(lambda kind=kind: memory.fires(command=kind, scope="command"), device.output + device.errors)
        outcomes = {str(one["command"]): one["outcome"] for one in memory.fires(scope="command")}
        told = {"utd_init", "sync_clock", "duty_check"}
        assert outcomes == {kind: "confirmed" if kind in told else "answered" for kind in KINDS}
        until(lambda: any("duty_answer" in one.get("operations", ()) for one in memory.fires()), device.output)
    finally:
        server.close()

    until(lambda: "no connection" in device.output, device.output)
    server = centre_of(memory, port)
    try:
        until(lambda: "= connected again" in device.output, device.output)
        until(lambda: device.output.rpartition("connected again")[2].count("← ") >= 2, device.output)
    finally:
        server.close()
    assert device.stop() == 0
    assert "Signals: " in device.output
    assert not device.errors
