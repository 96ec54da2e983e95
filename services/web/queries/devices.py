"""Devices as they stand: there or not, clock, battery and signal, what never arrived, and the online rate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from gateway.site.model import Device, SiteConfig
from gateway.site.profile import Profile
from gateway.site.sensors import Sensor
from services.alert.store import shown
from services.alert.tables import Alert
from services.device import silence
from services.device.tables import DeviceSequence, DeviceSilence, DeviceState, Quarantine
from services.kernel.errors import NotFound
from services.web.deps import Services
from services.web.queries import points as point_queries
from services.web.queries.places import Places

STATES = ("flapping", "offline", "silent", "never", "maintenance", "online")
"""Worst first."""
GAPS_SHOWN = 50
PERSONAL = frozenset({"handheld", "patrol_app"})
"""Kinds that speak only when somebody uses them: they are never missed."""
AHEAD_FROM_S = 2.0
"""A clock that is less than this away is right."""

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device."""

    site: str
    device: Device
    name: str
    place: str
    state: str
    """One of STATES."""
    since: datetime | None
    """Since when it is in that state, where that is known."""
    seen_at: datetime | None
    known: DeviceState | None
    offset_s: float | None
    points: int
    silent_points: int
    missing: int
    """Numbers that it counted and that never arrived."""
    alerts: int
    rate: float | None
    """Share of this month in which it was there; None: it was never heard, or cannot be missed."""

    @property
    def key(self) -> str:
        """`{site}/{device}`."""
        return f"{self.site}/{self.device.id}"


@dataclass(frozen=True, slots=True)
class ClassRate:
    """Devices of one kind in this month."""

    kind: str
    devices: int
    gone: timedelta
    excused: timedelta
    """In maintenance: listed, not counted (AMB-26)."""
    rate: float | None
    worst: str
    """The name of the device that was away longest; empty: none was."""


@dataclass(frozen=True, slots=True)
class DevicePage:
    """Everything about one device."""

    row: DeviceRow
    points: list[point_queries.PointRow]
    gaps: list[tuple[str, int, int, datetime]]
    """(boot, first, last, when it was noticed), newest first."""
    silences: list[DeviceSilence]
    alerts: list[Alert]
    refused: int
    """Entries in quarantine that nobody has dismissed."""
    sensor: Sensor | None
    profile: Profile | None
    speaks: str
    """Where it speaks: an MQTT topic, or bus and slave."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which devices a list is to show."""

    state: str = ""
    kind: str = ""
    text: str = ""


def rows(s: Session, svc: Services, now: datetime, language: str) -> list[DeviceRow]:
    """Every device of every site, the worst first."""
    found = [
        one for config in svc.configs.sites.values() for one in _of_site(s, svc, config, now, language, config.devices)
    ]
    return sorted(found, key=lambda one: STATES.index(one.state))


def chosen(found: Sequence[DeviceRow], wanted: Wanted) -> list[DeviceRow]:
    """Those that a filter lets through."""
    text = wanted.text.strip().casefold()
    return [
        one
        for one in found
        if (not wanted.state or one.state == wanted.state)
        and (not wanted.kind or one.device.kind == wanted.kind)
        and (not text or text in f"{one.name} {one.key} {one.place}".casefold())
    ]


def one(s: Session, svc: Services, site: str, device: str, now: datetime, language: str) -> DevicePage:
    """One device; raises NotFound."""
    config = svc.configs.sites.get(site)
    if config is None or device not in config.device_by_id:
        raise NotFound(f"There is no device {site}/{device}", hint="Devices are declared in the site files")
    key = f"{site}/{device}"
    (row,) = _of_site(s, svc, config, now, language, (config.device_by_id[device],))
    sensor = config.sensors.sensor_by_device.get(device)
    profile = svc.configs.profiles.get(sensor.profile) if sensor is not None else None
    month = _month_start(config, now)
    refused = select(func.count()).where(
        Quarantine.site == site, Quarantine.device == device, Quarantine.dismissed_at.is_(None)
    )
    targets = [key, *(config.key(point.id) for point in config.points_of(device))]
    alerts = s.scalars(select(Alert).where(Alert.target.in_(targets), Alert.closed_at.is_(None)).order_by(Alert.id))
    return DevicePage(
        row=row,
        points=[point_queries.one(s, svc, config.key(point.id), now, language) for point in config.points_of(device)],
        gaps=_gaps(s, key),
        silences=list(reversed(silence.between(s, [key], month, now + timedelta(days=1)))),
        alerts=list(alerts),
        refused=s.scalar(refused) or 0,
        sensor=sensor,
        profile=profile,
        speaks=_speaks(sensor, profile, site, device),
    )


def class_rates(s: Session, svc: Services, now: datetime, language: str) -> list[ClassRate]:
    """How much of this month the devices of each kind were there, the worst kind first."""
    places = Places(svc.configs, language)
    totals: dict[str, list[tuple[str, timedelta, timedelta, timedelta]]] = {}
    for config in svc.configs.sites.values():
        start = _month_start(config, now)
        watched = [one for one in config.devices if one.kind not in PERSONAL]
        away = _away(s, config, watched, start, now)
        heard = _states(s, config)
        for device in watched:
            key = f"{config.site.id}/{device.id}"
            if key in heard:
                gone, excused = away[key]
                totals.setdefault(device.kind, []).append((places.name(device), now - start, gone, excused))
    found = []
    for kind, of_kind in totals.items():
        gone = sum((one[2] for one in of_kind), timedelta())
        excused = sum((one[3] for one in of_kind), timedelta())
        due = sum((one[1] for one in of_kind), timedelta()) - excused
        worst = max(of_kind, key=lambda one: one[2])
        rate = 1 - gone / due if due > timedelta() else None
        found.append(ClassRate(kind, len(of_kind), gone, excused, rate, worst[0] if worst[2] else ""))
    return sorted(found, key=lambda one: (1.0 if one.rate is None else one.rate, one.kind))


def union(stretches: Iterable[Stretch]) -> timedelta:
    """How long any of them lasts together."""
    total, until = timedelta(), datetime.min.replace(tzinfo=UTC)
    for start, end in sorted(stretches):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def _away(
    s: Session, config: SiteConfig, devices: Sequence[Device], start: datetime, now: datetime
) -> dict[str, tuple[timedelta, timedelta]]:
    """How long each device was away within a span of time, and how long that was excused."""
    keys = [f"{config.site.id}/{one.id}" for one in devices]
    gone: dict[str, list[Stretch]] = {key: [] for key in keys}
    excused: dict[str, list[Stretch]] = {key: [] for key in keys}
    for row in silence.between(s, keys, start, now):
        if row.kind != silence.FLAPPING:
            within = (max(row.started_at, start), min(row.ended_at or now, now))
            (excused if row.excused else gone)[row.device].append(within)
    return {key: (union(gone[key]), union(excused[key])) for key in keys}


def _states(s: Session, config: SiteConfig) -> dict[str, DeviceState]:
    keys = [f"{config.site.id}/{one.id}" for one in config.devices]
    return {one.device: one for one in s.scalars(select(DeviceState).where(DeviceState.device.in_(keys)))}


def _of_site(
    s: Session, svc: Services, config: SiteConfig, now: datetime, language: str, devices: Sequence[Device]
) -> list[DeviceRow]:
    places = Places(svc.configs, language)
    site = config.site.id
    states = _states(s, config)
    keys = [f"{site}/{one.id}" for one in devices]
    absent: dict[str, list[DeviceSilence]] = {}
    for row in s.scalars(select(DeviceSilence).where(DeviceSilence.device.in_(keys), DeviceSilence.ended_at.is_(None))):
        absent.setdefault(row.device, []).append(row)
    alerts = list(s.scalars(select(Alert).where(Alert.site == site, Alert.closed_at.is_(None))))
    seen = [one.target for one in alerts if shown(one, now) not in ("suppressed", "closed")]
    missing: dict[str, int] = {}
    for counted in s.scalars(select(DeviceSequence).where(DeviceSequence.device.in_(keys))):
        lost = sum(last - first + 1 for first, last, *_ in counted.gaps)
        missing[counted.device] = missing.get(counted.device, 0) + lost
    start = _month_start(config, now)
    away = _away(s, config, devices, start, now)
    silent = {one.target for one in alerts if one.active and one.rule.endswith(("DATA-STALE", "/stale"))}
    found = []
    for device in devices:
        key = f"{site}/{device.id}"
        known = states.get(key)
        state, since = _state(known, absent.get(key, []))
        points = {config.key(point.id) for point in config.points_of(device.id)}
        gone, excused = away[key]
        due = now - start - excused
        counts = known is not None and device.kind not in PERSONAL and due > timedelta()
        found.append(
            DeviceRow(
                site=site,
                device=device,
                name=places.name(device),
                place=places.area_path(site, device.area),
                state=state,
                since=since,
                seen_at=from_ms(known.heard_ms) if known is not None and known.heard_ms else None,
                known=known,
                offset_s=_offset(known),
                points=len(points),
                silent_points=len(points) if state in ("silent", "offline", "never") else len(points & silent),
                missing=missing.get(key, 0),
                alerts=sum(target == key or target in points for target in seen),
                rate=1 - gone / due if counts else None,
            )
        )
    return found


def _state(known: DeviceState | None, absent: list[DeviceSilence]) -> tuple[str, datetime | None]:
    """Flapping is said before the stretch that is running; work on it before either."""
    running = [one for one in absent if one.kind != silence.FLAPPING]
    if any(one.excused for one in running):
        return "maintenance", running[0].started_at
    flapping = next((one for one in absent if one.kind == silence.FLAPPING), None)
    if flapping is not None:
        return "flapping", flapping.started_at
    if running:
        return running[0].kind, running[0].started_at
    if known is None:
        return "never", None
    if known.online is False:
        return "offline", from_ms(known.online_ms) if known.online_ms else None
    return "online", from_ms(known.online_ms) if known.online_ms else None


def _offset(known: DeviceState | None) -> float | None:
    if known is None:
        return None
    return known.offset_s if known.offset_s is not None else (known.ahead_ms / 1000 or None)


def _gaps(s: Session, key: str) -> list[tuple[str, int, int, datetime]]:
    found = [
        (counted.boot, first, last, from_ms(seen_ms))
        for counted in s.scalars(select(DeviceSequence).where(DeviceSequence.device == key))
        for first, last, seen_ms, *_ in counted.gaps
    ]
    return sorted(found, key=lambda gap: gap[3], reverse=True)[:GAPS_SHOWN]


def _speaks(sensor: Sensor | None, profile: Profile | None, site: str, device: str) -> str:
    if sensor is None:
        return f"gengfu/v1/{site}/{device}/…"
    if sensor.bus is not None:
        return f"{sensor.bus} #{sensor.slave}"
    topic = sensor.topic or (profile.mqtt.topic if profile is not None and profile.mqtt is not None else "")
    return topic.replace("{device}", sensor.name or device)


def _month_start(config: SiteConfig, now: datetime) -> datetime:
    there = now.astimezone(ZoneInfo(config.site.timezone))
    return there.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
