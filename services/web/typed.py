"""Readings that people type in: checked, given the time that stands, and put through the door."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.contract.times import format_at, to_ms
from gateway.site.model import SiteConfig
from services.kernel.errors import Invalid, NotFound
from services.measurement import model, service
from services.measurement.model import Entry
from services.patrol.phone.items import DoorClosed
from services.people.roles import Actor, Role, require
from services.web.deps import Services


def put(
    svc: Services, config: SiteConfig, entry: Entry, *, by: str, at: datetime, now: datetime, delivered_by: str = ""
) -> datetime:
    """Send a reading on as an event of its point's device, once; returns the time that stands for it.

    Raises NotFound for a point that is not there, Invalid for what cannot be meant, DoorClosed when it cannot be taken
    now: whoever typed it keeps it and comes again.
    """
    point = config.point_by_id.get(entry.point)
    if point is None:
        raise NotFound(f"There is no point {entry.point} on {config.site.id}", hint="Choose it from the list")
    entry = model.checked(point, entry)
    if svc.door is None:
        raise DoorClosed(
            "This server takes no readings", hint="Declare a device of kind patrol_app and start with `gengfu up`"
        )
    key = service.key_of(config.site.id, by, entry.client_id)
    with svc.db.begin() as s:
        stands_at, is_taken = service.announced(s, key, at)
    if is_taken:
        return stands_at
    body = {
        "at": format_at(to_ms(stands_at)),
        "point": point.id,
        "value": float(entry.value),
        "unit": point.unit,
        "typed": _typed(entry, config.site.id, by, delivered_by),
    }
    svc.door.put_reading(config.site.id, point.device, body)
    with svc.db.begin() as s:
        service.put(s, key, now)
    return stands_at


def may_enter(config: SiteConfig, actor: Actor, by: str) -> None:
    """Whoever measured must be allowed to, not whoever brings his phone; raises Forbidden."""
    if by != actor.username:
        person = config.person_by_username.get(by)
        if person is None:
            raise Invalid(f"{by!r} is nobody of this site", hint="Sign in again", place="by")
        actor = replace(actor, username=by, role=Role(person.role), scopes=None)
    require(actor, "reading.enter")


def _typed(entry: Entry, site: str, by: str, delivered_by: str) -> Mapping[str, Any]:
    words = {
        "instrument": entry.instrument,
        "circuit": entry.circuit,
        "place": entry.place,
        "condition": entry.condition,
        "note": entry.note,
        "photos": [f"{site}/{photo}" for photo in entry.photos],
        "delivered_by": delivered_by,
    }
    return {"by": by, "client_id": entry.client_id} | {name: value for name, value in words.items() if value}
