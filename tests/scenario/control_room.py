"""A fire control room: panels that speak, commands that go out, people who keep the ledger; judged by real flows."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from scenario.beat import Beat, beat_site
from scenario.conftest import quicken
from scenario.site import span, with_changes

from gateway.contract.times import format_at, to_ms
from gateway.contract.topics import topic
from gateway.site.fire import Appliance, Fire, FirePoint, Panel, Source, Zone
from gateway.site.model import Area, Device, SiteConfig
from gateway.site.patrol import Patrol
from gateway.subscribe import Message as Wire
from services.alert import service as alerts
from services.flows.fire import test_mode as fire_test_mode
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.worker import Worker

EAST, EAST_2, WEST, CALL = "01000100", "01000200", "02000100", "02000200"
START = "2026-11-21 09:00"


def fire_site() -> SiteConfig:
    """Two zones of one building behind one transmission device, an extinguisher, and people for every role."""
    bare = beat_site(stops=1)
    points = {EAST: ("east-1", "smoke", "east"), EAST_2: ("east-2", "heat", "east")}
    points |= {WEST: ("west-1", "smoke", "west"), CALL: ("west-call", "manual_call_point", "west")}
    fire = Fire(
        sources=(Source(id="utd", protocol="gb26875"), Source(id="printer", protocol="text", format="any")),
        panels=(Panel(id="utd", source="utd", building="yard"), Panel(id="printer", source="printer", building="yard")),
        zones=(Zone(id="east", name="东区", area="yard"), Zone(id="west", name="西区", area="yard")),
        points=tuple(
            FirePoint(id=name, panel="utd", address=address, name=name, kind=kind, zone=zone)  # type: ignore[arg-type]
            for address, (name, kind, zone) in points.items()
        ),
        appliances=(Appliance(id="ext-1", name="灭火器", kind="extinguisher", area="yard"),),
    )
    devices = (
        Device(id="utd", name="传输装置", area="yard", kind="fire-panel", heartbeat=span("2min")),
        Device(id="printer", name="打印口", area="yard", kind="fire-panel"),
        Device(id="gateway", name="网关", area="yard", kind="gateway"),
    )
    areas = (Area(id="yard", name="院子", kind="building"),)
    return with_changes(bare, areas=areas, devices=(*bare.devices, *devices), patrol=Patrol(), fire=fire)


class ControlRoom(Beat):
    """The fire control room: panels that speak, commands that go out, people who keep the ledger."""

    def __init__(self, db: Database, start: str = START) -> None:
        self.commands: list[tuple[str, str, dict[str, Any]]] = []
        self.broker_down = False
        self.silent: set[str] = set()
        self._numbers: dict[str, int] = {}
        super().__init__(db, fire_site(), start)

    def restart(self) -> None:
        super().restart()
        self.worker = Worker(
            self.db, self.configs, self.clock, lambda _channel: self.delivered, send_command=self._send
        )
        self.worker.turn()

    def _send(self, site: str, source: str, body: dict[str, Any]) -> None:
        if self.broker_down:
            raise ConnectionError("the broker is away")
        self.commands.append((site, source, body))

    def beat_ingest(self) -> None:
        """Sources say that they are there as often as we look, unless they are silent."""
        for source in {"utd", "printer"} - self.silent if self.ingest_alive else ():
            self.put(source, "status", {"online": True})
        self.hear()
        super().beat_ingest()

    def put(self, device: str, kind: Any, body: dict[str, Any]) -> None:
        self._numbers[device] = self._numbers.get(device, 0) + 1
        event = {"id": f"b1-{self._numbers[device]}", "at": format_at(to_ms(self.now))} | body
        self.wires.append(Wire(topic(self.config.site.id, device, kind), json.dumps(event).encode(), 0, 1, False))

    def says(self, address: str, *state: str, **more: Any) -> None:
        """The panel reports all that holds at a component."""
        self.put("utd", "fire", {"address": address, "state": list(state), "complete": True} | more)
        self.hear()
        self.worker.turn()

    def operates(self, *operations: str, **more: Any) -> None:
        """Somebody presses keys at the transmission device."""
        self.put("utd", "fire", {"scope": "operation", "operations": list(operations)} | more)
        self.hear()
        self.worker.turn()

    def gateway_says(self, outcome: str, **answer: Any) -> None:
        """What became of the newest command."""
        body = {"scope": "command", "command": self.commands[-1][2]["id"], "outcome": outcome, "answer": answer}
        self.put("utd", "fire", body)
        self.hear()

    def do(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Somebody does something now."""
        with self.db.begin() as session:
            done = act(session, self.config, *args, now=self.now, **more)
        self.worker.turn()
        return done

    def day(self, moment: datetime | str) -> None:
        """Let days pass in one step: of the ledger only the calendar counts."""
        self.until(moment, closely=False)

    def test_mode(self, for_: str, *, zone: str = "east", **who: str) -> Any:
        people = {"actor": "engineer", "second": "duty"} | who
        until = self.now + span(for_)
        return self.do(fire_test_mode.begin, panel="utd", zone=zone, until=until, reason="季度检测", **people)

    def state(self, rule: str) -> str:
        """How the one alert of a rule stands."""
        alert = self.alert(rule)
        return "closed" if alert.closed_at is not None else "active" if alert.active else "cleared"

    def acknowledge(self, rule: str) -> None:
        with self.db.begin() as session:
            alert = self.alert(rule)
            alerts.acknowledge(session, alert.id, occurrence=alert.occurrence, actor="duty", now=self.now)

    def timers(self, kind: str) -> list[Timer]:
        """Timers of a kind."""
        found: list[Timer] = self.rows(Timer, Timer.kind == kind)
        return found

    def heard_by(self, kind: str) -> list[str]:
        """Who was told something of a kind."""
        rows = self.rows(Message, Message.kind == kind)
        return sorted({one.recipient for one in rows if one.decision != "skip" and one.recipient_role})


def open_room(db: Database, monkeypatch: pytest.MonkeyPatch, start: str = START) -> ControlRoom:
    """A control room whose worker waits for every command, however slow this machine is."""
    monkeypatch.setattr("services.flows.fire.post.PATIENCE_S", 30.0)
    quicken(db)
    return ControlRoom(db, start)
