"""Sites and plans for tests of `gengfu init`."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.site.fire import Fire, Panel, Source
from gateway.site.model import Area, Configs, Device, Site, SiteConfig
from gateway.site.patrol import Patrol, Reader
from services.install import plan
from services.install.plan import Planned, Shipped, Wish

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SHIPPED = Shipped(
    (Path(__file__).parents[1] / "device_configs" / "broker" / "mosquitto.conf").read_text("utf-8"),
    {"gengfu-site.json": "{}\n"},
)
KINDS = {
    "plc-1": "plc",
    "meter": "handheld",
    "gateway-1": "gateway",
    "gateway-2": "gateway",
    "phones": "patrol_app",
    "panel-1": "fire-panel",
    "reader-serial": "patrol_reader",
    "reader-mqtt": "patrol_reader",
}
"""Devices of every sort, by id."""


def site(name: str = "jingan", kinds: Mapping[str, str] = KINDS) -> SiteConfig:
    """A site with these devices."""
    readers = (
        Reader(id="reader-serial", protocol="pn532", port="/dev/ttyUSB0"),
        Reader(id="reader-mqtt", protocol="tasmota", topic="tele/gate/SENSOR"),
    )
    has_fire = "panel-1" in kinds
    return SiteConfig(
        site=Site(id=name, name="静安", timezone="Asia/Shanghai"),
        areas=(Area(id="a", name="一号楼", kind="building"),),
        devices=tuple(Device(id=one, name=f"设备,{one}", area="a", kind=kind) for one, kind in kinds.items()),
        patrol=Patrol(readers=tuple(one for one in readers if one.id in kinds)),
        fire=Fire(
            sources=(Source(id="panel-1", protocol="gb26875"),) if has_fire else (),
            panels=(Panel(id="panel-1", source="panel-1", building="a"),) if has_fire else (),
        ),
    )


def configs(*sites: SiteConfig) -> Configs:
    """Site files with these sites."""
    return Configs(sites={one.site.id: one for one in sites or (site(),)})


def planned(
    found: Mapping[str, bytes] | None = None, *, of: Configs | None = None, now: datetime = NOW, **wish: Any
) -> dict[str, Planned]:
    """What the directory should hold."""
    given = Wish(**{"server": "gengfu.example:8883", "hosts": ("gengfu.example",), **wish})
    return plan.wanted(of or configs(), given, SHIPPED, found or {}, now, secrets_rng)


def contents(files: Mapping[str, Planned]) -> dict[str, bytes]:
    """What is there after it was carried out."""
    return {name: one.content for name, one in files.items()}


def secrets_rng(size: int) -> bytes:
    """Real randomness."""
    return os.urandom(size)
