"""A guard's phone against a console: a door that remembers, a round to walk, tags as Web NFC would read them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from console import SITE, START, Console

from gateway.contract.decode import decode
from gateway.contract.heard import Heard
from gateway.contract.times import format_at, to_ms
from services.fire import incidents
from services.patrol.model import RoundPlan, StopPlan
from services.patrol.phone.items import DoorClosed
from services.patrol.planning import plans
from services.patrol.tables import Round, RoundStop

MINUTE = 60_000


class FakeDoor:
    """Takes taps, as durable as a list; closed when told to."""

    def __init__(self) -> None:
        self.taps: list[dict[str, Any]] = []
        self.readings: list[tuple[str, dict[str, Any]]] = []
        """(device, body) of what was typed in."""
        self.closed = False

    def put(self, site: str, body: Mapping[str, Any]) -> None:
        """Keep one, as strict as the real one."""
        if self.closed:
            raise DoorClosed("The tap cannot be kept: the disk is full", hint="Make room")
        assert not decode("tap", json.dumps({"id": "check-1", **body}).encode()).refused
        assert site == SITE
        self.taps.append(dict(body))

    def put_reading(self, site: str, device: str, body: Mapping[str, Any]) -> None:
        """The same for a typed reading."""
        if self.closed:
            raise DoorClosed("The reading cannot be kept: the disk is full", hint="Make room")
        assert not decode("reading", json.dumps({"id": "check-1", **body}).encode()).refused
        assert site == SITE
        self.readings.append((device, dict(body)))


def with_door(console: Console, **settings: Any) -> FakeDoor:
    """Give the console a door, and settings of its own."""
    door, services = FakeDoor(), console.app.state.services
    changed = services.settings.model_copy(update=settings)
    console.app.state.services = replace(services, door=door, settings=changed)
    return door


def tags(console: Console) -> list[tuple[str, str]]:
    """(checkpoint, serial number as Chrome prints it) of every place that has a tag."""
    places = console.configs.site(SITE).patrol.checkpoints
    return [(one.id, ":".join(_pairs(one.tags[0].uid))) for one in places if one.tags]


def _pairs(uid: str) -> list[str]:
    plain = "".join(letter for letter in uid if letter in "0123456789abcdefABCDEF").lower()
    return [plain[at : at + 2] for at in range(0, len(plain), 2)]


def plan_round(console: Console, checkpoints: Sequence[str], *, shift: str = "", order: str = "ordered") -> Round:
    """A round that has begun, with all its stops due within the hour."""
    start = to_ms(START)
    stops = tuple(
        StopPlan(index, one, start - 15 * MINUTE, start - 5 * MINUTE, start + 60 * MINUTE, start + 90 * MINUTE)
        for index, one in enumerate(checkpoints)
    )
    plan = RoundPlan(
        "perimeter.20261121T0200Z", SITE, "perimeter", "perimeter", shift, order,
        start, start + 60 * MINUTE, start + 95 * MINUTE, start + 400 * MINUTE, stops,
    )  # fmt: skip
    hour = timedelta(hours=1)
    row = Round(
        id=f"{SITE}/{plan.id}", site=SITE, route=plan.route, schedule=plan.schedule, shift=shift, starts_at=START,
        ends_at=START + hour, opens_at=START - hour / 4, closes_at=START + 1.5 * hour, final_at=START + 2 * hour,
        confirm_at=START + 7 * hour, plan=plans.encode(plan), stops=len(stops),
    )  # fmt: skip
    with console.db.begin() as s:
        s.add(row)
        s.flush()
        s.add_all(RoundStop(round_id=row.id, index=stop.index, checkpoint=stop.checkpoint) for stop in stops)
    return row


def burns(console: Console, *addresses: str) -> str:
    """Components of the shipped panel report fire, a second after each other; the id of the open incident."""
    for address in addresses:
        at_ms = to_ms(console.clock.advance(timedelta(seconds=1)))
        body = {"scope": "component", "panel": "fire-panel-1", "address": address, "state": ["fire"], "complete": True}
        body["at"] = format_at(at_ms)
        event = Heard(SITE, "fire-panel-1", "fire", f"f1-{at_ms}", "f1", at_ms, at_ms, body=body, at_ms=at_ms)
        console.judge.hear([event], [], at_ms)
    with console.db.read() as s:
        return incidents.open_at(s, SITE)[-1].id
