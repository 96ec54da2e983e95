"""Maintenance modes: switched on and off by people, and which limits they excuse at an event's time."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.derived import station_points
from gateway.site.model import Configs, SiteConfig
from gateway.site.pumps import pumps_of
from services.alert import service as alerts
from services.alert.tables import Alert
from services.device import presence
from services.kernel import audit, timers
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id
from services.rules.engine import Engine
from services.rules.model import BAD
from services.rules.tables import MaintenanceMode

_NONE: Mapping[str, bool] = {}
END_TIMER = "maintenance.end"
LONGEST = timedelta(hours=72)
KEPT_MODES = 200
"""Ended modes that are still looked at for late data."""


class MaintenanceBoard:
    """Modes by target, and the points each limit waits for."""

    def __init__(self, sites: Mapping[str, SiteConfig]) -> None:
        self._sites = sites
        self._modes: dict[str, list[tuple[int, int, str]]] = {}
        self._equipment: dict[str, str] = {
            config.key(point.id): f"{site}/{point.equipment}"
            for site, config in sites.items()
            for point in config.points
            if point.equipment is not None
        }
        self._derived = {key: more for config in sites.values() for key, more in _worked_on(config).items()}
        self._stations = {
            point: config.key(station)
            for config in sites.values()
            for station, points in points_of_stations(config).items()
            for point in points
        }

    def load(self, session: Session) -> None:
        """Read the modes that are on, and the latest that ended."""
        modes: dict[str, list[tuple[int, int, str]]] = {}
        query = select(MaintenanceMode).order_by(MaintenanceMode.started_at.desc()).limit(KEPT_MODES)
        for mode in session.scalars(query):
            end = min(mode.until, mode.ended_at) if mode.ended_at is not None else mode.until
            modes.setdefault(mode.target, []).append((to_ms(mode.started_at), to_ms(end), mode.reason))
        self._modes = modes

    def reason(self, point: str, at_ms: int) -> str | None:
        """Why the point was being worked on at that time; None: it was not."""
        if not self._modes:
            return None
        site = point.partition("/")[0]
        own = (point, self._equipment.get(point, ""), self._stations.get(point, ""), site)
        for target in (*own, *self._derived.get(point, ())):
            for start_ms, end_ms, reason in self._modes.get(target, ()):
                if start_ms <= at_ms < end_ms:
                    return reason
        return None

    def suspended(self, point: str, at_ms: int, engine: Engine) -> Mapping[str, bool]:
        """Limits of a point, by rule, that are excused at that time."""
        config = self._sites[point.partition("/")[0]]
        limits = config.limits_by_point.get(point, ())
        if self.reason(point, at_ms) is not None:
            return {limit.rule: True for limit in limits}
        excused = {
            limit.rule: True
            for limit in limits
            if any(_reads_above(engine, one.point, one.above, at_ms) for one in limit.suspend_while)
        }
        return excused or _NONE


def _reads_above(engine: Engine, point: str, above: float, at_ms: int) -> bool:
    """Only fresh and good data excuses anything: a contact that stuck at «running» and fell silent does not."""
    track = engine.tracks.get(point)
    if track is None or track.last_ms == 0 or track.quality == BAD:
        return False
    return track.value > above and at_ms - track.last_ms <= track.gap_ms


def begin(
    session: Session, configs: Configs, target: str, *, reason: str, until: datetime, actor: str, now: datetime
) -> MaintenanceMode:
    """Switch a maintenance mode on: its limits start no new breach, its open alerts are hidden, all of it logged."""
    if not target_exists(configs, target):
        raise NotFound(f"There is no site, point or equipment {target!r}", hint="Open it from the points page")
    if not reason.strip():
        raise Invalid("A maintenance mode needs a reason", hint="Say what is being worked on", field="reason")
    if not now < until <= now + LONGEST:
        raise Invalid("A maintenance mode ends within 72 hours", hint="Choose an end; extend it later", field="until")
    if any(mode.target == target for mode in open_modes(session)):
        raise Conflict(f"{target} is in maintenance already", hint="End the running one first")
    mode = MaintenanceMode(
        id=new_id(), target=target, reason=reason.strip()[:500], by=actor, started_at=now, until=until
    )
    session.add(mode)
    session.flush()
    timers.schedule(session, END_TIMER, mode.id, until)
    audit.record(session, now, actor, "maintenance.begin", target, reason=mode.reason, until=until.isoformat())
    for alert in _alerts_under(session, configs, target):
        if alert.suppressed is None:
            alerts.suppress(session, alert.id, reason=mode.reason, now=now, actor=actor)
    return mode


def end(session: Session, configs: Configs, mode_id: str, actor: str, now: datetime) -> list[Alert]:
    """Switch a mode off; returns alerts that show again and that nobody has acknowledged."""
    mode = session.get(MaintenanceMode, mode_id, with_for_update=True, populate_existing=True)
    if mode is None:
        raise NotFound(f"There is no maintenance mode {mode_id}", hint="Open the points page again")
    if mode.ended_at is not None:
        return []
    mode.ended_at, mode.ended_by = now, actor
    session.flush()
    timers.cancel(session, [END_TIMER], mode.id, now, "ended")
    audit.record(session, now, actor, "maintenance.end", mode.target, reason=mode.reason)
    still = {alert.id for other in open_modes(session) for alert in _alerts_under(session, configs, other.target)}
    back: list[Alert] = []
    for alert in _alerts_under(session, configs, mode.target):
        if alert.suppressed not in (None, presence.BEHIND) and alert.id not in still:
            alerts.unsuppress(session, alert.id, now=now, actor=actor)
            if alert.active and alert.acked_occurrence < alert.occurrence:
                back.append(alert)
    return back


def target_exists(configs: Configs, target: str) -> bool:
    """Whether `{site}`, `{site}/{point}`, `{site}/{equipment}` or `{site}/{pump station}` is declared."""
    site, _, inner = target.partition("/")
    config = configs.sites.get(site)
    return config is not None and (
        not inner
        or inner in config.point_by_id
        or inner in config.equipment_by_id
        or any(one.id == inner for one in config.stations)
    )


def open_modes(session: Session) -> list[MaintenanceMode]:
    """Modes that are on, newest first."""
    query = select(MaintenanceMode).where(MaintenanceMode.ended_at.is_(None)).order_by(MaintenanceMode.id.desc())
    return list(session.scalars(query))


def _alerts_under(session: Session, configs: Configs, target: str) -> list[Alert]:
    site, _, inner = target.partition("/")
    config = configs.site(site)
    points = {config.key(point.id) for point in config.points if not inner or inner in (point.id, point.equipment)}
    points |= {key for key, more in _worked_on(config).items() if target in more}
    points |= points_of_stations(config).get(inner, frozenset())
    devices = set()
    for device in config.devices:
        own = {config.key(point.id) for point in config.points if point.device == device.id and not point.derived}
        if not inner or (own and own <= points):
            devices.add(config.key(device.id))
    return [
        alert
        for alert in alerts.open_alerts(session, site)
        if alert.target in (devices if alert.rule in presence.RULES else points)
    ]


def points_of_stations(config: SiteConfig) -> dict[str, frozenset[str]]:
    """Pump station → its points by global keys; what several share, e.g. their tank, goes on for the others."""
    found = {station.id: {config.key(point) for point in station_points(station)} for station in config.stations}
    shared = Counter(point for points in found.values() for point in points)
    return {station: frozenset(point for point in points if shared[point] == 1) for station, points in found.items()}


def _worked_on(config: SiteConfig) -> dict[str, tuple[str, ...]]:
    """Derived point → what else it is excused with (global keys): the gauge it is worked out of, and its equipment.

    Of its own equipment the board knows. Without a pump, a station's values are those of all of them.
    """
    found: dict[str, tuple[str, ...]] = {}
    for station in config.stations:
        if station.pressure not in config.point_by_id:
            continue
        gauge = config.point(station.pressure)
        own = (config.key(gauge.id), *((config.key(gauge.equipment),) if gauge.equipment else ()))
        pumps = tuple(config.key(pump.equipment) for pump in pumps_of(station))
        for name in station_points(station):
            point = config.point_by_id.get(name)
            if point is not None and point.derived:
                found[config.key(name)] = own if point.equipment else (*own, *pumps)
    return found
