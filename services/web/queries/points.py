"""Points with their last value and verdict, their past, and the maintenance modes that are on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.equipment import Equipment
from gateway.site.limit import Limit
from gateway.site.model import Area, Point
from gateway.timeseries.store import Reading, StoreBroken, StoreBusy
from services.alert.tables import Alert
from services.kernel.errors import Invalid, NotFound
from services.rules.band import INF, band_of
from services.rules.tables import MaintenanceMode, PointState
from services.web import chart
from services.web.deps import Services
from services.web.queries.places import Places

log = logging.getLogger(__name__)

Verdict = Literal["inside", "outside", "silent", "bad", "maintenance", "unknown"]

WINDOWS: dict[str, tuple[timedelta, timedelta]] = {
    "1h": (timedelta(hours=1), timedelta(seconds=15)),
    "6h": (timedelta(hours=6), timedelta(minutes=2)),
    "24h": (timedelta(hours=24), timedelta(minutes=6)),
    "7d": (timedelta(days=7), timedelta(hours=1)),
}
"""Choices of the chart: how far back, and how wide a step."""
SPARK_WINDOW = timedelta(hours=1)
SPARK_STEP = timedelta(minutes=1)
NEVER_SILENT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class PointRow:
    """One point as it stands."""

    key: str
    point: Point
    name: str
    equipment: Equipment | None
    reading: Reading | None
    verdict: Verdict
    limits: tuple[Limit, ...]
    """Documented limits first; our own for silence and sensor range last."""
    set_value: float | None
    provisional: bool
    """The set value is a median of the first days, because none is configured."""
    mode: MaintenanceMode | None
    alert: Alert | None


@dataclass(frozen=True, slots=True)
class AreaGroup:
    """The points of one area."""

    site: str
    area: Area
    path: str
    rows: list[PointRow]


def groups(s: Session, svc: Services, now: datetime, language: str) -> list[AreaGroup]:
    """Every point of every site by area, as the site files order them."""
    places = Places(svc.configs, language)
    states = {state.point: state for state in s.scalars(select(PointState))}
    modes = modes_on(s, now)
    alerts = _open_alerts(s)
    keys = [config.key(point.id) for config in svc.configs.sites.values() for point in config.points]
    latest = newest(svc, keys)
    found: dict[tuple[str, str], AreaGroup] = {}
    for site, config in svc.configs.sites.items():
        for area in config.areas:
            found[site, area.id] = AreaGroup(site, area, places.area_path(site, area.id), [])
        for point in config.points:
            key = config.key(point.id)
            row = _row(svc, key, latest.get(key), states.get(key), modes, alerts.get(key), now, language)
            found[site, config.area_of(point).id].rows.append(row)
    return [group for group in found.values() if group.rows]


def one(s: Session, svc: Services, key: str, now: datetime, language: str) -> PointRow:
    """One point; raises NotFound."""
    site, _, point = key.partition("/")
    config = svc.configs.sites.get(site)
    if config is None or point not in config.point_by_id:
        raise NotFound(f"There is no point {key!r}", hint="Points are declared in the site files", point=key)
    reading = newest(svc, [key]).get(key)
    state = s.get(PointState, key)
    return _row(svc, key, reading, state, modes_on(s, now), _open_alerts(s).get(key), now, language)


def modes_on(s: Session, now: datetime) -> dict[str, MaintenanceMode]:
    """Maintenance modes that hold now, by target."""
    query = select(MaintenanceMode).where(MaintenanceMode.ended_at.is_(None), MaintenanceMode.until > now)
    return {mode.target: mode for mode in s.scalars(query)}


def history(svc: Services, key: str, start: datetime, end: datetime, step: timedelta) -> list[chart.Sample]:
    """A point's past in steps; raises Invalid for a period that cannot be drawn."""
    if step <= timedelta() or end <= start or (end - start) / step > 5000:
        raise Invalid("The period and the step do not fit", hint="At most 5000 steps, and the end after the start")
    # Whole steps: a moving start would make the same reading jump between steps from one look to the next.
    origin = start - timedelta(milliseconds=to_ms(start) % (step // timedelta(milliseconds=1)))
    return [
        chart.Sample(to_ms(bucket.at), bucket.min, bucket.max, bucket.mean)
        for bucket in svc.store.range(key, origin, end, step)
    ]


def past(svc: Services, key: str, start: datetime, end: datetime, step: timedelta) -> list[chart.Sample] | None:
    """As `history`; None when the store does not answer: the page is of use without it."""
    try:
        return history(svc, key, start, end, step)
    except (StoreBusy, StoreBroken) as error:
        log.warning("a chart without readings: %s", error)
        return None


def newest(svc: Services, keys: Sequence[str]) -> dict[str, Reading]:
    """The newest reading of each point; none when the store does not answer."""
    try:
        return svc.store.latest(keys)
    except (StoreBusy, StoreBroken) as error:
        log.warning("a page without values: %s", error)
        return {}


def gap_ms(point: Point, step: timedelta) -> int:
    """Silence that breaks a chart's line."""
    stale = point.stale_after or (3 * point.interval if point.interval else NEVER_SILENT)
    return int(max(stale, step * 2.5).total_seconds() * 1000)


def band(row: PointRow, rule: str = "") -> chart.Band:
    """What a chart shades as inside: the limit `rule`, or the first documented one that has a band."""
    chosen = [limit for limit in row.limits if limit.rule == rule]
    documented = [limit for limit in row.limits if not limit.id.startswith("DATA-") and not limit.variant]
    return band_for(chosen or documented, row.set_value)


def band_for(limits: Sequence[Limit], set_value: float | None) -> chart.Band:
    """The inside of the first of these limits that has one."""
    for limit in limits:
        found = band_of(limit, set_value)
        if found is not None:
            scale = found.scale or 1.0
            return chart.Band(
                low=None if found.low == -INF else found.low / scale,
                high=None if found.high == INF else found.high / scale,
            )
    return chart.Band()


def target_name(svc: Services, site: str, target: str, language: str) -> str:
    """What a point, a piece of equipment or a pump station is called; raises NotFound."""
    config = svc.configs.sites.get(site)
    thing = (config.point_by_id.get(target) or config.equipment_by_id.get(target)) if config else None
    if thing is None and config is not None and (found := [one for one in config.stations if one.id == target]):
        return Places(svc.configs, language).name(found[0])
    if thing is None:
        raise NotFound(f"Site {site} has neither point nor equipment {target!r}", hint="Look at the points page")
    return Places(svc.configs, language).name(thing)


@dataclass(frozen=True, slots=True)
class LimitGroup:
    """A limit of the catalogue and the points it applies to."""

    limit: Limit
    title: str
    applies: list[tuple[Limit, Point, str, str]]
    """The limit as it holds for a point, the point, its name and where it is."""


def limits_by_id(svc: Services, language: str) -> dict[str, list[LimitGroup]]:
    """Every limit by rule: the documented ones, and our own for silence and sensor range."""
    places = Places(svc.configs, language)
    found: dict[str, LimitGroup] = {}
    for config in svc.configs.sites.values():
        for limit in config.limits:
            title = limit.title_en if language == "en" and limit.title_en else limit.title
            group = found.setdefault(limit.rule, LimitGroup(limit, title, []))
            point = config.point(limit.point)
            group.applies.append((limit, point, places.name(point), places.of(limit.point).path))
    ordered = [found[rule] for rule in sorted(found)]
    return {
        "documented": [group for group in ordered if not group.limit.id.startswith("DATA-")],
        "own": [group for group in ordered if group.limit.id.startswith("DATA-")],
    }


def _row(
    svc: Services,
    key: str,
    reading: Reading | None,
    state: PointState | None,
    modes: dict[str, MaintenanceMode],
    alert: Alert | None,
    now: datetime,
    language: str,
) -> PointRow:
    site, _, point_id = key.partition("/")
    config = svc.configs.sites[site]
    point = config.point_by_id[point_id]
    equipment = config.equipment_by_id.get(point.equipment or "")
    mode = modes.get(key) or (modes.get(f"{site}/{equipment.id}") if equipment else None) or modes.get(site)
    limits = sorted(config.limits_of(key), key=lambda limit: limit.id.startswith("DATA-"))
    learned = state.provisional_set if state is not None else None
    configured = next((limit.set_value for limit in limits if limit.set_value is not None), point.set_value)
    return PointRow(
        key=key,
        point=point,
        name=Places(svc.configs, language).name(point),
        equipment=equipment,
        reading=reading,
        verdict=_verdict(point, reading, alert, mode, now),
        limits=tuple(limits),
        set_value=configured if configured is not None else learned,
        provisional=configured is None and learned is not None,
        mode=mode,
        alert=alert,
    )


def _verdict(
    point: Point, reading: Reading | None, alert: Alert | None, mode: MaintenanceMode | None, now: datetime
) -> Verdict:
    if mode is not None:
        return "maintenance"
    if reading is None:
        return "unknown"
    if point.stale_after is not None and now - reading.at > point.stale_after:
        return "silent"
    if reading.quality >= 2:
        return "bad"
    return "outside" if alert is not None and alert.active else "inside"


def _open_alerts(s: Session) -> dict[str, Alert]:
    """The open alert of each target; an active one before one that only waits to be acknowledged."""
    query = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.active, Alert.opened_at.desc())
    return {alert.target: alert for alert in s.scalars(query)}
