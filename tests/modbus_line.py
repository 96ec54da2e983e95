"""A Modbus bus with many pressure transmitters, for tests: site, profiles, and what keeps the events."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gateway.contract.times import parse_at
from gateway.outlet import Event
from gateway.site.model import Device, Point, Site, SiteConfig
from gateway.site.profile import Profile
from gateway.site.sensors import Bus, Sensor, Sensors
from gateway.site.terms import Quantity

PROFILES = Path(__file__).parents[1] / "device_configs" / "profiles"

_UNITS: dict[str, tuple[str, Quantity]] = {
    "pressure": ("MPa", "pressure"),
    "temperature": ("°C", "temperature"),
    "voltage_1": ("V", "voltage"),
    "energy_import": ("kWh", "energy"),
}


@cache
def shipped() -> dict[str, Profile]:
    """The shipped Modbus profiles by id."""
    texts = (file.read_text("utf-8") for file in sorted(PROFILES.glob("*.yaml")))
    written = [one for text in texts if "modbus:" in text for one in yaml.safe_load(text)["profiles"]]
    return {one["id"]: Profile.model_validate(one) for one in written if "modbus" in one}


def bus_of(**changes: Any) -> Bus:
    """A quick bus."""
    values: dict[str, Any] = {"id": "line", "timeout": timedelta(milliseconds=60), "baud": 115_200}
    return Bus(**(values | changes))


def site_of(bus: Bus, count: int, interval: timedelta, profile: str = "rs485-pressure", **changes: Any) -> SiteConfig:
    """`count` slaves from 1 on, device `t<number>` with point `p<number>`."""
    numbers = range(1, count + 1)
    sensor: dict[str, Any] = {"profile": profile, "bus": bus.id, "interval": interval} | changes
    points = sensor.pop("metrics", ("pressure",))
    return SiteConfig(
        site=Site(id="yunhe", name="云河", timezone="Asia/Shanghai"),
        devices=tuple(
            Device(id=f"t{number}", name=f"变送器 {number}", kind="pressure", area="pump-room") for number in numbers
        ),
        points=tuple(
            Point(
                id=f"p{number}" + ("" if at == 0 else f"-{at}"),
                device=f"t{number}",
                name=f"压力 {number}",
                unit=_UNITS[metric][0],
                quantity=_UNITS[metric][1],
                interval=interval,
            )
            for number in numbers
            for at, metric in enumerate(points)
        ),
        sensors=Sensors(
            buses=(bus,),
            sensors=tuple(
                Sensor(
                    device=f"t{number}",
                    slave=number,
                    points={metric: f"p{number}" + ("" if at == 0 else f"-{at}") for at, metric in enumerate(points)},
                    **sensor,
                )
                for number in numbers
            ),
        ),
    )


class Kept:
    """Stands for the publisher: keeps events in memory, and lets a test wait for what it needs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.events: list[Event] = []

    def put_many(self, events: Sequence[Event]) -> list[str]:
        """Keep them."""
        with self._changed:
            self.events += [(device, kind, json.loads(json.dumps(body))) for device, kind, body in events]
            self._changed.notify_all()
        return [str(number) for number in range(len(events))]

    def wait_for(self, condition: Callable[["Kept"], bool], timeout_s: float) -> bool:
        """Whether it became true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout_s)

    def readings(self) -> dict[str, list[tuple[int, float]]]:
        """(epoch ms, value) by device."""
        by_device: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for device, kind, body in self.events:
            if kind == "reading":
                for at, _, value in body.get("batch", ()):
                    by_device[device].append((parse_at(at), value))
        return by_device

    def statuses(self) -> list[tuple[str, bool]]:
        """(device, online) in order, without repetition."""
        said: list[tuple[str, bool]] = []
        last: dict[str, bool] = {}
        for device, kind, body in self.events:
            if kind == "status" and last.get(device) != body["online"]:
                last[device] = body["online"]
                said.append((device, body["online"]))
        return said

    def refused(self, device: str) -> list[dict[str, Any]]:
        """Bodies of refused readings."""
        readings = (body for who, kind, body in self.events if (who, kind) == (device, "reading"))
        return [dict(body) for body in readings if "refused" in body]
