"""Pump rooms as an engineer knows them: pressures with their band, pumps with their runs, tank, tests, maintenance."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from gateway.site.derived import (
    decay_point,
    dry_run_point,
    leak_point,
    no_rise_point,
    starts_point,
    station_points,
)
from gateway.site.limit import Limit
from gateway.site.model import Area, Point, SiteConfig
from gateway.site.pumps import Pump, Station, pumps_of
from services.alert.tables import Alert
from services.derived.tables import PumpRun, PumpTest
from services.kernel.errors import NotFound
from services.rules.memory import RuleState
from services.rules.tables import Excursion, MaintenanceMode, PointState, RuleStateRow
from services.web import chart
from services.web.deps import Services
from services.web.queries import points
from services.web.queries.places import Places
from services.web.queries.points import PointRow
from services.web.queries.pump_figures import (
    HOUR,
    Outside,
    Span,
    Standing,
    Stretch,
    Trace,
    outside,
    running_time,
    standings,
    starts_by_hour,
    trace,
)

DAY = timedelta(days=1)
TRACED = timedelta(days=7)
"""Start and stop pressures are those of the runs of so long."""
TESTS_BACK = timedelta(days=400)
RUNS_SHOWN = 12
_BANDED = frozenset({"deviation", "high", "low"})


@dataclass(frozen=True, slots=True)
class Gauge:
    """One pressure of a pump room and how well it was kept."""

    row: PointRow
    limit: Limit | None
    today: Outside
    month: Outside
    spark: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that was worked out, with the limit it is held to; value None: nothing known yet."""

    point: Point
    value: float | None
    limit: Limit | None
    alert: Alert | None


@dataclass(frozen=True, slots=True)
class Motor:
    """One pump with what its running contact says and what it did last."""

    pump: Pump
    role: str
    name: str
    state: str
    """running, stopped, silent or maintenance."""
    last: PumpRun | None
    runs_today: int
    runs_month: int
    hours_month: timedelta
    no_rise: Derived | None
    dry_run: Derived | None
    tests: Sequence[Standing]


@dataclass(frozen=True, slots=True)
class StationRow:
    """A pump station as the list shows it."""

    site: str
    station: Station
    name: str
    gauge: Gauge
    motors: Sequence[Motor]
    starts: Derived | None
    decay: Derived | None
    leak: Derived | None
    level: PointRow | None
    mode: MaintenanceMode | None
    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class StationPage:
    """Everything about one station."""

    row: StationRow
    path: str
    trace: Trace
    hours: Sequence[tuple[datetime, int]]
    runs: Sequence[PumpRun]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Room:
    """One pump room: its stations, and pressures that belong to none."""

    site: str
    area: Area
    path: str
    stations: Sequence[StationRow]
    gauges: Sequence[Gauge]


class PumpRooms:
    """Reads the pump rooms of all sites at one moment."""

    def __init__(self, s: Session, svc: Services, now: datetime, language: str) -> None:
        self._s, self._svc, self._now, self._language = s, svc, now, language
        self._places = Places(svc.configs, language)
        self._modes = points.modes_on(s, now)
        query = select(Alert).where(Alert.closed_at.is_(None), Alert.active)
        self._alerts: dict[str, list[Alert]] = defaultdict(list)
        for alert in s.scalars(query):
            self._alerts[alert.target].append(alert)

    def rooms(self) -> list[Room]:
        """Every area with stations, and every pump room with a pressure, as the site files order them."""
        found = []
        for site, config in self._svc.configs.sites.items():
            stations: dict[str, list[StationRow]] = defaultdict(list)
            for station in config.stations:
                point = config.point_by_id[station.pressure]
                stations[config.area_of(point).id].append(self._station(config, station, spark=True))
            known = {one.pressure for one in config.stations}
            loose: dict[str, list[Gauge]] = defaultdict(list)
            for point in config.points:
                area = config.area_of(point)
                if point.quantity == "pressure" and area.kind == "pump_room" and point.id not in known:
                    loose[area.id].append(self._gauge(config, point.id, spark=True))
            for area in config.areas:
                if stations[area.id] or loose[area.id]:
                    path = self._places.area_path(site, area.id)
                    found.append(Room(site, area, path, stations[area.id], loose[area.id]))
        return found

    def page(self, site: str, station_id: str) -> StationPage:
        """One station; raises NotFound."""
        config, station = find(self._svc, site, station_id)
        runs = self._runs(config, station, self._now - TRACED)
        jockeys = {one.equipment for one in station.jockeys}
        lifts = [one for one in runs if one.equipment in jockeys]
        zone = ZoneInfo(config.site.timezone)
        return StationPage(
            row=self._station(config, station),
            path=self._places.of(config.key(station.pressure)).path,
            trace=trace(lifts),
            hours=[(at.astimezone(zone), count) for at, count in starts_by_hour(lifts, self._now)],
            runs=runs[:RUNS_SHOWN],
            names={one.equipment: self._pump_name(config, one) for one in pumps_of(station)},
        )

    def runs_between(self, site: str, station_id: str, since: datetime) -> tuple[Station, list[PumpRun], list[str]]:
        """The station, its runs since then, and the names of its pumps in order; raises NotFound."""
        config, station = find(self._svc, site, station_id)
        names = [self._pump_name(config, one) for one in pumps_of(station)]
        return station, self._runs(config, station, since), names

    def _station(self, config: SiteConfig, station: Station, *, spark: bool = False) -> StationRow:
        site = config.site.id
        _, month = self._since(config)
        runs = self._spans(config, station, month)
        tests = self._tests(config, station)
        targets = [config.key(one) for one in station_points(station)]
        return StationRow(
            site=site,
            station=station,
            name=self._places.name(station),
            gauge=self._gauge(config, station.pressure, spark=spark),
            motors=[self._motor(config, station, one, runs, tests) for one in pumps_of(station)],
            starts=self._derived(config, starts_point(station.id)),
            decay=self._derived(config, decay_point(station.id)),
            leak=self._derived(config, leak_point(station.id)),
            level=points.one(self._s, self._svc, config.key(station.level), self._now, self._language)
            if station.level
            else None,
            mode=self._modes.get(f"{site}/{station.id}") or self._modes.get(site),
            alerts=[alert for target in targets for alert in self._alerts.get(target, ())],
        )

    def _gauge(self, config: SiteConfig, point: str, *, spark: bool = False) -> Gauge:
        key = config.key(point)
        row = points.one(self._s, self._svc, key, self._now, self._language)
        limit = next((one for one in row.limits if one.kind in _BANDED and not one.variant), None)
        begin, month = self._since(config)
        stretches = list(self._stretches(key, limit, month))
        return Gauge(
            row=row,
            limit=limit,
            today=outside(stretches, begin, self._now),
            month=outside(stretches, month, self._now),
            spark=self._spark(row) if spark else "",
        )

    def _spark(self, row: PointRow) -> str:
        start, step = self._now - 6 * HOUR, timedelta(minutes=2)
        samples = points.past(self._svc, row.key, start, self._now, step) or []
        gap = points.gap_ms(row.point, step)
        begins, ends = (int(one.timestamp() * 1000) for one in (start, self._now))
        return chart.sparkline(samples, begins, ends, points.band(row), gap, width=360, height=56)

    def _stretches(self, key: str, limit: Limit | None, since: datetime) -> Iterable[Stretch]:
        if limit is None:
            return
        query = select(Excursion).where(
            Excursion.point == key, Excursion.rule == limit.rule, Excursion.ended_at >= since
        )
        for row in self._s.scalars(query):
            yield Stretch(row.started_at, row.ended_at, row.suspended)
        state = self._s.get(RuleStateRow, (key, limit.rule))
        if state is None or not any(alert.rule == limit.rule for alert in self._alerts.get(key, ())):
            return
        # One that lasts has no row yet; an alert lasts longer than it, and over several.
        out_since_ms = RuleState(*json.loads(state.state)).out_since_ms
        if out_since_ms:
            yield Stretch(from_ms(out_since_ms), self._now, excused=False)

    def _motor(
        self,
        config: SiteConfig,
        station: Station,
        pump: Pump,
        runs: Sequence[Span],
        tests: Mapping[str, list[PumpTest]],
    ) -> Motor:
        is_main = pump in station.mains
        own = [one for one in runs if one.equipment == pump.equipment]
        begin, month = self._since(config)
        tested = is_main and station.kind == "fire"
        return Motor(
            pump=pump,
            role="main" if is_main else "jockey",
            name=self._pump_name(config, pump),
            state=self._state(config, pump),
            last=self._last_run(config, pump),
            runs_today=sum(one.started_at >= begin for one in own),
            runs_month=sum(one.started_at >= month for one in own),
            hours_month=running_time(own, month, self._now),
            no_rise=self._derived(config, no_rise_point(pump.equipment)),
            dry_run=self._derived(config, dry_run_point(pump.equipment)),
            tests=standings(tests.get(pump.equipment, []), self._now) if tested else (),
        )

    def _state(self, config: SiteConfig, pump: Pump) -> str:
        key = config.key(pump.run)
        site = config.site.id
        if any(target in self._modes for target in (key, f"{site}/{pump.equipment}")):
            return "maintenance"
        state, point = self._s.get(PointState, key), config.point_by_id[pump.run]
        if state is None or state.quality >= 2:
            return "silent"
        if point.stale_after is not None and self._now - from_ms(state.last_ms) > point.stale_after:
            return "silent"
        return "running" if state.value > 0.5 else "stopped"

    def _derived(self, config: SiteConfig, point_id: str) -> Derived | None:
        point = config.point_by_id.get(point_id)
        if point is None:
            return None
        key = config.key(point_id)
        state = self._s.get(PointState, key)
        limit = next((one for one in config.limits_of(key) if not one.id.startswith("DATA-")), None)
        alert = next(iter(self._alerts.get(key, ())), None)
        return Derived(point, state.value if state is not None else None, limit, alert)

    def _runs(self, config: SiteConfig, station: Station, since: datetime) -> list[PumpRun]:
        """Runs that began since then, or reach beyond it; the newest first."""
        query = (
            select(PumpRun)
            .where(PumpRun.site == config.site.id, PumpRun.station == station.id, PumpRun.started_at >= since)
            .order_by(PumpRun.started_at.desc(), PumpRun.id.desc())
        )
        return [*self._s.scalars(query), *self._reaching(config, station, since)]

    def _spans(self, config: SiteConfig, station: Station, since: datetime) -> list[Span]:
        """The same without their pressures: a month of a leaking system has tens of thousands."""
        query = select(PumpRun.equipment, PumpRun.started_at, PumpRun.ended_at).where(
            PumpRun.site == config.site.id, PumpRun.station == station.id, PumpRun.started_at >= since
        )
        before = (Span(one.equipment, one.started_at, one.ended_at) for one in self._reaching(config, station, since))
        return [*(Span(*one) for one in self._s.execute(query)), *before]

    def _reaching(self, config: SiteConfig, station: Station, since: datetime) -> list[PumpRun]:
        last = [self._last_run(config, one, since) for one in pumps_of(station)]
        return [one for one in last if one is not None and (one.ended_at is None or one.ended_at > since)]

    def _last_run(self, config: SiteConfig, pump: Pump, before: datetime | None = None) -> PumpRun | None:
        query = select(PumpRun).where(PumpRun.site == config.site.id, PumpRun.equipment == pump.equipment)
        if before is not None:
            query = query.where(PumpRun.started_at < before)
        return self._s.scalar(query.order_by(PumpRun.started_at.desc()).limit(1))

    def _tests(self, config: SiteConfig, station: Station) -> dict[str, list[PumpTest]]:
        query = select(PumpTest).where(
            PumpTest.site == config.site.id, PumpTest.station == station.id, PumpTest.at >= self._now - TESTS_BACK
        )
        found: dict[str, list[PumpTest]] = defaultdict(list)
        for row in self._s.scalars(query):
            found[row.equipment].append(row)
        return found

    def _since(self, config: SiteConfig) -> tuple[datetime, datetime]:
        """Local midnight, and the first of the month."""
        local = self._now.astimezone(ZoneInfo(config.site.timezone))
        today = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return today, today.replace(day=1)

    def _pump_name(self, config: SiteConfig, pump: Pump) -> str:
        equipment = config.equipment_by_id.get(pump.equipment)
        return self._places.name(equipment) if equipment else pump.equipment


def find(svc: Services, site: str, station_id: str) -> tuple[SiteConfig, Station]:
    """A station of the site files; raises NotFound."""
    config = svc.configs.sites.get(site)
    station = next((one for one in config.stations if one.id == station_id), None) if config else None
    if config is None or station is None:
        raise NotFound(f"Site {site} has no pump station {station_id!r}", hint="Stations are declared in pumps.yaml")
    return config, station
