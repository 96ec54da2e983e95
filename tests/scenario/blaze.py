"""A blaze: panels of a small site speak, people answer; judged by the real flows, and only we move the clock."""

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from scenario.beat import APP, Beat, uid_of
from scenario.site import shipped

from gateway.contract.times import format_at, to_ms
from gateway.contract.topics import topic
from gateway.site.fire import Fire, FirePoint, FireSettings, Panel, PointKind, Response, Source, Zone
from gateway.site.model import Area, Device, Person, Site, SiteConfig
from gateway.site.patrol import Checkpoint, Patrol, Position, Tag
from gateway.subscribe import Message as Wire
from services.fire import incidents as store
from services.fire import signals as spoken
from services.fire.model import Holding, replay
from services.fire.tables import FireCall, FireComponent, FireIncident, FireIncidentEvent, FireSignal, FireStep
from services.flows.fire import response as fire_response
from services.notify.tables import Message

UTD, PANEL, OTHER, GATEWAY = "utd-1", "panel-3", "panel-4", "gateway-1"
LOBBY, HALL, FLAT, CALL, GARAGE, NEXT_DOOR = "8-1", "12-1", "12-2", "12-9", "b1-1", "4-1"
"""Detectors of the lobby and of two places on the 12th floor, a call point there, the garage, block 4."""


def blaze_site(*, squad: Iterable[str] = ("guard-2",), **fire: Any) -> SiteConfig:
    """Block 3 (lobby, 12th floor, garage below) and block 4, each with a panel, both behind one transmission device."""
    points: tuple[tuple[str, str, str, PointKind, str], ...] = (
        (PANEL, LOBBY, "大堂烟感", "smoke", "lobby"),
        (PANEL, HALL, "走道烟感", "smoke", "floor-12"),
        (PANEL, FLAT, "1201烟感", "smoke", "floor-12"),
        (PANEL, CALL, "12层手报", "manual_call_point", "floor-12"),
        (PANEL, GARAGE, "车库温感", "heat", "garage"),
        (OTHER, NEXT_DOOR, "4号楼大堂烟感", "smoke", "block-4"),
    )
    given = fire.pop("points", ())
    return SiteConfig(
        site=Site(id="blaze", name="小区", timezone="Asia/Shanghai"),
        areas=(
            Area(id="block-3", name="3号楼", kind="building"),
            Area(id="hall-1", name="大堂", kind="corridor", parent="block-3"),
            Area(id="hall-12", name="12层走道", kind="corridor", parent="block-3"),
            Area(id="block-4", name="4号楼", kind="building"),
            Area(id="yard", name="院子", kind="other"),
        ),
        devices=(
            Device(id=UTD, name="用户信息传输装置", area="hall-1", kind="fire_utd"),
            Device(id=PANEL, name="3号楼消防主机", area="hall-1", kind="fire_panel"),
            Device(id=OTHER, name="4号楼消防主机", area="block-4", kind="fire_panel"),
            Device(id=GATEWAY, name="网关", area="yard", kind="gateway"),
            Device(id=APP, name="巡更手机", area="yard", kind="patrol_app"),
        ),
        people=(
            Person(username="guard", name="安管员", role="guard"),
            Person(username="guard-2", name="安管员二", role="guard"),
            Person(username="duty", name="值班", role="duty"),
            Person(username="engineer", name="消防责任人", role="engineer"),
            Person(username="supervisor", name="主管", role="supervisor"),
            Person(username="manager", name="经理", role="manager"),
        ),
        channels=shipped().site("yunhe").channels,
        policies=shipped().site("yunhe").policies,
        patrol=Patrol(
            checkpoints=tuple(
                Checkpoint(
                    id=f"p{number}",
                    name=f"{number}号点",
                    area=area,
                    tags=(Tag(uid=uid_of(number)),),
                    code=f"CODE-{number}",
                    position=Position(x_m=30.0 * number, y_m=0.0),
                )
                for number, area in enumerate(("hall-1", "hall-12", "block-4"), start=1)
            )
        ),
        fire=Fire(
            sources=(Source(id=UTD, protocol="gb26875", offline_after=timedelta(days=30)),),
            panels=(
                Panel(id=PANEL, source=UTD, system_address=3, building="block-3"),
                Panel(id=OTHER, source=UTD, system_address=4, building="block-4"),
            ),
            zones=(
                Zone(id="lobby", name="大堂防火分区", area="hall-1"),
                Zone(id="floor-12", name="12层防火分区", area="hall-12", checkpoints=("p2",)),
                Zone(id="garage", name="车库防火分区", area="block-3"),
                Zone(id="block-4", name="4号楼防火分区", area="block-4"),
            ),
            points=(
                *(
                    FirePoint(id=f"point-{address}", panel=panel, address=address, name=name, kind=kind, zone=zone)
                    for panel, address, name, kind, zone in points
                ),
                *given,
            ),
            response=Response(squad=tuple(squad), **fire.pop("response", {})),
            settings=FireSettings(**fire.pop("settings", {})),
            **fire,
        ),
    )


class Blaze(Beat):
    """Plays a story of fire at that site."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._counts: dict[str, Iterator[int]] = {}

    def _next_id(self, device: str) -> str:
        return f"f1-{next(self._counts.setdefault(device, itertools.count(1)))}"

    def component(self, address: str, panel: str = PANEL) -> str:
        """The id of a component."""
        return f"{self.config.site.id}/{panel}/{address}"

    # What the panel says

    def says(
        self,
        address: str | None,
        *state: str,
        panel: str | None = PANEL,
        device: str = UTD,
        at: datetime | None = None,
        deliver: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """One signal now; a complete report unless told otherwise. Returns the event, to say it again with `again`."""
        body: dict[str, Any] = {"at": format_at(to_ms(at or self.now)), "scope": "component", "complete": True}
        body |= {"state": list(state), "address": address, "panel": panel} | more
        event = {"id": self._next_id(device)} | {name: one for name, one in body.items() if one is not None}
        return self.again(event, device=device, deliver=deliver)

    def again(self, event: dict[str, Any], *, device: str = UTD, deliver: bool = True) -> dict[str, Any]:
        """The same event once more, as brokers and outboxes do."""
        self.wires.append(Wire(topic(self.config.site.id, device, "fire"), json.dumps(event).encode(), 0, 1, False))
        if deliver:
            self.hear()
        return event

    def said_anew(self, event: dict[str, Any]) -> None:
        """A retransmission that the gateway took for a new event: another id, the same key."""
        self.again(event | {"id": self._next_id(UTD)})

    def burns(self, address: str, **more: Any) -> dict[str, Any]:
        """A component reports fire."""
        return self.says(address, "fire", **more)

    def resets(self, panel: str = PANEL) -> None:
        """Somebody presses reset at the panel."""
        self.says(None, panel=panel, scope="operation", operations=["reset"], complete=False)

    # What people do

    def do(self, action: str, by: str = "guard", **what: Any) -> Any:
        """Somebody does something in the open incident, or the one of `what`."""
        incident = what.pop("incident", None) or self.incident().id
        with self.db.begin() as session:
            act = getattr(fire_response, action)
            return act(session, self.config, incident, actor=by, now=self.now, **what)

    # What is seen

    def incidents(self) -> list[FireIncident]:
        """Every incident, oldest first."""
        rows: list[FireIncident] = self.rows(FireIncident)
        return sorted(rows, key=lambda one: (one.opened_at, one.number))

    def incident(self) -> FireIncident:
        """The one open incident."""
        (found,) = [one for one in self.incidents() if one.closed_at is None]
        return found

    def stage(self) -> str:
        """How the newest incident stands: stage, and why it is large."""
        row = self.incidents()[-1]
        return f"{row.stage} {row.reason}".strip()

    def story(self) -> list[str]:
        """The kinds of the newest incident's history, in order."""
        rows: list[FireIncidentEvent] = self.rows(
            FireIncidentEvent, FireIncidentEvent.incident_id == self.incidents()[-1].id
        )
        return [one.kind for one in rows]

    def holds(self, address: str, panel: str = PANEL) -> list[str]:
        """What holds at a component."""
        rows: list[FireComponent] = self.rows(FireComponent, FireComponent.id == self.component(address, panel))
        return sorted(rows[0].states) if rows else []

    def replayed(self, address: str, panel: str = PANEL) -> Holding:
        """What its stored signals say that holds."""
        with self.db.read() as session:
            said = spoken.of_panel(session, self.config.site.id, panel)
        return replay(self.component(address, panel), said)

    def signals(self) -> list[FireSignal]:
        """Every stored signal, as they came."""
        rows: list[FireSignal] = self.rows(FireSignal)
        return sorted(rows, key=lambda one: (one.received_at, one.at, int(one.id.rpartition("-")[2])))

    def plan(self, plan: str) -> list[str]:
        """The steps of a plan that an incident's grade has brought."""
        rows: list[FireStep] = self.rows(FireStep, FireStep.plan == plan)
        return [one.step for one in sorted(rows, key=lambda one: one.position)]

    def calls(self) -> dict[str, FireCall]:
        """Who was called, by name."""
        return {one.username: one for one in self.rows(FireCall)}

    def pages(self, kind: str = "alert.opened") -> list[str]:
        """The texts of a kind that went out to the duty desk's group, oldest first."""
        rows: list[Message] = self.rows(
            Message, Message.kind == kind, Message.recipient_role == "", Message.decision == "send"
        )
        channel = rows[0].channel if rows else ""
        return [one.text for one in sorted(rows, key=lambda one: one.id) if one.channel == channel]

    def dossier(self) -> store.Dossier:
        """All that is written down of the newest incident."""
        with self.db.read() as session:
            return store.dossier(session, self.incidents()[-1].id)


__all__ = [
    "CALL", "FLAT", "GARAGE", "GATEWAY", "HALL", "LOBBY", "NEXT_DOOR", "OTHER", "PANEL", "UTD",
    "Blaze", "blaze_site",
]  # fmt: skip
