"""The site files as entries of the catalogue, with the band that the rules make of a point's documented limit."""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gateway.site.model import Configs, Point, SiteConfig
from services.catalog import service
from services.catalog.service import Entry
from services.rules.band import band_of

SILENCE = frozenset({"stale", "range"})
"""Kinds of limits that say when there is no good data; they are nobody's band."""


def sync(session: Session, configs: Configs, now: datetime) -> int:
    """Bring the catalogue in line with the site files; returns how many rows that took."""
    sites = enumerate(configs.sites.values())
    return service.sync(session, (one for position, config in sites for one in entries_of(config, position)), now)


def entries_of(config: SiteConfig, position: int = 0) -> Iterator[Entry]:
    """Everything that one site declares; `position`: its place among the sites."""
    site = config.site
    yield Entry(site.id, "site", site.id, position, site.name, site.name_en, detail={"timezone": site.timezone})
    for make in (_places, _devices, _points, _people, _patrol, _fire):
        yield from make(config)


def band(config: SiteConfig, point: Point) -> tuple[float | None, float | None]:
    """Both ends of the band of the first documented limit that can be judged; None: open, or there is none."""
    for limit in config.limits_of(config.key(point.id)):
        found = None if limit.kind in SILENCE else band_of(limit, point.set_value)
        if found is not None:
            scale = found.scale or 1.0
            return _finite(found.low / scale), _finite(found.high / scale)
    return None, None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _seconds(duration: timedelta | None) -> float | None:
    return duration.total_seconds() if duration is not None else None


def _path(config: SiteConfig, area: str) -> str:
    return " / ".join(one.name for one in config.area_path(area))


def _entries(config: SiteConfig, kind: str, things: Iterable[Any], area: str = "") -> Iterator[Entry]:
    """Names and places of things that have an id; `area`: the attribute that names their area."""
    for position, one in enumerate(things):
        where = getattr(one, area) if area else ""
        yield Entry(
            site=config.site.id,
            kind=kind,
            id=one.id,
            position=position,
            name=one.name,
            name_en=one.name_en,
            area=where,
            area_path=_path(config, where) if where else "",
        )


def _with(entry: Entry, *, parent: str = "", **detail: Any) -> Entry:
    return Entry(
        site=entry.site, kind=entry.kind, id=entry.id, position=entry.position, name=entry.name, name_en=entry.name_en,
        area=entry.area, area_path=entry.area_path, parent=parent, detail=detail,
    )  # fmt: skip


def _places(config: SiteConfig) -> Iterator[Entry]:
    for area, entry in zip(config.areas, _entries(config, "area", config.areas, "id"), strict=True):
        yield _with(entry, parent=area.parent or "", kind=area.kind, key=area.key)
    for one, entry in zip(config.equipment, _entries(config, "equipment", config.equipment, "area"), strict=True):
        yield _with(entry, kind=one.kind)


def _devices(config: SiteConfig) -> Iterator[Entry]:
    for device, entry in zip(config.devices, _entries(config, "device", config.devices, "area"), strict=True):
        yield _with(entry, kind=device.kind, heartbeat_s=_seconds(device.heartbeat))


def _points(config: SiteConfig) -> Iterator[Entry]:
    for position, point in enumerate(config.points):
        low, high = band(config, point)
        area = config.area_of(point).id
        yield Entry(
            site=config.site.id,
            kind="point",
            id=point.id,
            position=position,
            name=point.name,
            name_en=point.name_en,
            area=area,
            area_path=_path(config, area),
            parent=point.device,
            unit=point.unit,
            set_value=point.set_value,
            low=low,
            high=high,
            detail={
                "equipment": point.equipment or "",
                "quantity": point.quantity,
                "decimals": point.decimals,
                "interval_s": _seconds(point.interval),
                "stale_after_s": _seconds(point.stale_after),
            },
        )


def _people(config: SiteConfig) -> Iterator[Entry]:
    """Accounts by their role labels; neither phones nor badges."""
    for position, one in enumerate(config.people):
        yield Entry(config.site.id, "person", one.username, position, one.name, one.name_en, detail={"role": one.role})


def _patrol(config: SiteConfig) -> Iterator[Entry]:
    yield from _entries(config, "checkpoint", config.patrol.checkpoints, "area")
    for route, entry in zip(config.patrol.routes, _entries(config, "route", config.patrol.routes), strict=True):
        yield _with(entry, kind=route.kind)


def _fire(config: SiteConfig) -> Iterator[Entry]:
    fire = config.fire
    for position, panel in enumerate(fire.panels):
        device, building = config.device(panel.id), panel.building
        yield Entry(
            config.site.id, "fire_panel", panel.id, position, device.name, device.name_en, building,
            _path(config, building), parent=panel.source,
        )  # fmt: skip
    panel_of = {point.zone: point.panel for point in reversed(fire.points)}
    for zone, entry in zip(fire.zones, _entries(config, "fire_zone", fire.zones, "area"), strict=True):
        yield _with(entry, parent=panel_of.get(zone.id, ""))
    for position, point in enumerate(fire.points):
        area = fire.zone_by_id[point.zone].area if point.zone in fire.zone_by_id else ""
        yield Entry(
            config.site.id, "fire_point", point.id, position, point.name, point.name_en, area,
            _path(config, area) if area else "", parent=point.panel, detail={"kind": point.kind},
        )  # fmt: skip
