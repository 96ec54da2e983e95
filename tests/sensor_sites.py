"""A site with ready-made devices, put together in a line, and what ingest makes of their events."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.contract.decode import Decoded, decode
from gateway.outlet import Event
from gateway.site.model import Area, Device, Point, Site, SiteConfig
from gateway.site.profile import MqttProfile, PayloadField, Profile
from gateway.site.sensors import Sensor, Sensors

SITE = "jingan"


def site(*sensors: Sensor, points: Mapping[str, str], heartbeat: timedelta | None = None) -> SiteConfig:
    """`points`: unit by id; each belongs to the sensor that names it; all have an interval of a minute."""
    owner = {point: sensor.device for sensor in sensors for point in sensor.points.values()}
    devices = [Device(id=one.device, name=one.device, area="a", kind="sensor", heartbeat=heartbeat) for one in sensors]
    return SiteConfig(
        site=Site(id=SITE, name="静安", timezone="Asia/Shanghai"),
        areas=(Area(id="a", name="a", kind="building"),),
        devices=(*devices, Device(id="gateway-1", name="网关", area="a", kind="gateway")),
        points=tuple(
            Point(id=one, device=owner[one], name=one, unit=unit, quantity="other", interval=timedelta(minutes=1))
            for one, unit in points.items()
            if one in owner
        ),
        sensors=Sensors(sensors=sensors),
    )


def family(name: str, topic: str, *fields: PayloadField, **more: Any) -> Profile:
    """An MQTT family."""
    mqtt = MqttProfile(topic=topic, fields=fields, **more)
    return Profile(id=name, name=name, name_en=name, source="test", mqtt=mqtt)


def as_ingest(event: Event) -> Decoded:
    """The event as ingest decodes it; raises when it is none."""
    _, kind, body = event
    return decode(kind, json.dumps({"id": "b1-1", **body}).encode())


def readings(events: Sequence[Event]) -> list[tuple[str, float, int]]:
    """(point, value, quality) of all readings, as ingest decodes them."""
    return [
        (point, round(value, 9), quality)
        for event in events
        for _, _, point, value, quality in as_ingest(event).readings
    ]


def statuses(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Bodies of the status events."""
    return [dict(body) for _, kind, body in events if kind == "status"]


def refusals(events: Sequence[Event]) -> list[tuple[str, str, bytes, list[str]]]:
    """(device, topic, raw, codes) of the events that bring a message into quarantine."""
    found = []
    for event in events:
        decoded = as_ingest(event)
        if decoded.told is not None:
            found.append((event[0], *decoded.told, [error.code for _, error in decoded.refused]))
    return found
