"""Signals that are worked out of what is heard: pump stations and camera coverage, as samples that limits judge.

In the transaction of the batch: a run, a test, a value and what the station remembers are committed together with the
events they follow from, or not at all. What a test closes is the worker's work (services.flows.pump_tests).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.contract.heard import Sample
from gateway.contract.times import from_ms
from gateway.site.model import SiteConfig
from gateway.site.pumps import Station, pumps_of
from services.derived import store
from services.derived.coverage import Camera, camera_state, coverage
from services.derived.engine import Said, Stations
from services.derived.pump_model import Derived, RunEnded, RunStarted, TestSeen, plant_of
from services.fire import incidents, modes
from services.flows.maintenance import MaintenanceBoard
from services.flows.pump_tests import test_seen
from services.rules.engine import Engine
from services.rules.model import BAD

COVERAGE_EVERY_MS = 300_000
"""Coverage is said when it changes, and at least so often: its chart and its limit want to hear of it."""
SILENT = timedelta(minutes=5)
"""A camera that promises no interval is dark after so much silence (TIM-29)."""


@dataclass(frozen=True, slots=True)
class _Views:
    config: SiteConfig
    key: str
    """Of the point that coverage becomes."""
    cameras: tuple[str, ...]
    """Points of quantity online, by their short ids."""


class DerivedDesk:
    """Works out the derived signals of one ingest group."""

    def __init__(self, sites: Mapping[str, SiteConfig], board: MaintenanceBoard, engine: Engine) -> None:
        self._board = board
        self._engine = engine
        self.stations = Stations(
            plant_of(config, station) for config in sites.values() for station in whole_stations(config)
        )
        self._views = [
            _Views(config, config.key(config.cctv.coverage.id), _cameras(config))
            for config in sites.values()
            if config.cctv.coverage is not None and config.cctv.coverage.id in config.point_by_id
        ]

    @property
    def has_any(self) -> bool:
        """Whether any site has something to be worked out."""
        return bool(self._views) or self.stations.has_any

    def hear(self, session: Session, now_ms: int) -> Iterator[Sample]:
        """What follows from the samples that were noted: rows are written, values returned one by one."""

        def ask_fire(site: str) -> bool:
            return is_fire(session, site, from_ms(now_ms))

        yield from self._act(session, self.stations.hear(now_ms, ask_fire, self._engine.is_doubted), now_ms)

    def tick(self, session: Session, now_ms: int, hearing_since_ms: int) -> Iterator[Sample]:
        """What follows from time alone, while everything is heard that is said."""
        yield from self._act(session, self.stations.tick(now_ms), now_ms)
        for views in self._views:
            yield from self._look(views, now_ms, hearing_since_ms)

    def _act(self, session: Session, said: Iterable[Said], now_ms: int) -> Iterator[Sample]:
        for plant, effect in said:
            match effect:
                case Derived(point, at_ms, value):
                    if point in self._engine.tracks:
                        yield point, at_ms, 0, value, 0, now_ms
                case RunStarted():
                    store.begin_run(session, plant, effect)
                    session.flush()
                case RunEnded():
                    store.end_run(session, plant, effect)
                    session.flush()
                case TestSeen():
                    test_seen(session, store.keep_test(session, plant, effect), from_ms(now_ms))

    def _look(self, views: _Views, now_ms: int, hearing_since_ms: int) -> Iterator[Sample]:
        config = views.config
        cameras = {one: self._camera(config, one, now_ms, hearing_since_ms) for one in views.cameras}
        found = coverage(config.cctv.view_points, cameras)
        if found is None or found.percent is None:
            return
        track = self._engine.tracks[views.key]
        if track.last_ms and track.value == found.percent and 0 <= now_ms - track.last_ms < COVERAGE_EVERY_MS:
            return
        if now_ms > track.last_ms:
            yield views.key, now_ms, 0, found.percent, 0, now_ms

    def _camera(self, config: SiteConfig, point_id: str, now_ms: int, hearing_since_ms: int) -> Camera:
        track = self._engine.tracks.get(config.key(point_id))
        if track is None:
            return "down"
        point = config.point(point_id)
        reason = self._board.reason(track.key, now_ms) or self._board.reason(config.key(point.device), now_ms)
        return camera_state(
            value=track.value,
            bad=track.quality == BAD,
            last_ms=track.last_ms,
            silent_after_ms=(point.stale_after or SILENT) // timedelta(milliseconds=1),
            maintained=reason is not None,
            now_ms=now_ms,
            hearing_since_ms=hearing_since_ms,
        )


def _cameras(config: SiteConfig) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for view in config.cctv.view_points for one in view.cameras))


def whole_stations(config: SiteConfig) -> list[Station]:
    """The stations with pumps that are heard, whose measured points are all declared."""
    return [
        one
        for one in config.stations
        if any(pumps_of(one)) and all(point in config.point_by_id for point in _measured(one))
    ]


def _measured(station: Station) -> Iterator[str]:
    yield station.pressure
    yield from (one for one in (station.level, station.flow) if one is not None)
    for pump in pumps_of(station):
        yield from (one for one in (pump.run, pump.current, pump.auto) if one is not None)


def is_fire(session: Session, site: str, now: datetime) -> bool:
    """Whether a fire pump has a reason to run that is no test of its own: a fire, or a test of the fire alarm."""
    return bool(incidents.open_at(session, site) or modes.active(session, site, now))
