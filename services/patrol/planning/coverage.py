"""What a stretch of planned rounds covers: rings, the places that nights must include, areas, people on duty. Pure.

A checkpoint covers its area and the areas that contain it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from gateway.site.model import SiteConfig
from gateway.site.patrol import Ring, Span
from services.patrol.model import RoundPlan
from services.patrol.planning.shifts import Uncovered, uncovered
from services.patrol.planning.wall import DAY, days, local_day, midnight_ms, shown, span_on

NIGHT = Span(start="22:00", end="06:00")
NIGHT_PLACES: Mapping[str, frozenset[str]] = {
    "garage": frozenset({"garage"}),
    "corridor": frozenset({"corridor", "building"}),
    "perimeter": frozenset({"perimeter"}),
}
"""车库、楼道、周界: what somebody has to walk every night (PER-18), and the kinds of area that count for it."""
GUARDING = ("guard", "duty")
"""Roles whose rosters make the 24 hours (TIM-26, TIM-30)."""


@dataclass(frozen=True, slots=True)
class RouteMonth:
    """The rounds of one route."""

    route: str
    rounds: int
    fewest: int
    most: int
    """Starts on a local day."""
    first: str
    last: str
    """Earliest and latest start on the wall clock, `HH:MM`; empty without rounds."""
    drawn: bool
    """Some starts are drawn at random: who knows the times can prepare for them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the plan covers and what it leaves out."""

    routes: tuple[RouteMonth, ...]
    rings: Mapping[Ring, tuple[str, ...]]
    """Routes with rounds, by ring (PER-57)."""
    dark: Mapping[str, tuple[date, ...]]
    """By place of NIGHT_PLACES: the nights, by the day they begin on, on which nobody is to go there."""
    bare: tuple[str, ...]
    """Areas without any checkpoint."""
    unmanned: tuple[Uncovered, ...]
    """When no guard is rostered; empty without shifts."""

    @property
    def gaps(self) -> int:
        """So many things that requirements ask for are missing."""
        missing_rings = sum(not routes for routes in self.rings.values())
        return missing_rings + sum(bool(nights) for nights in self.dark.values()) + bool(self.unmanned)


def covered(config: SiteConfig, plans: Iterable[RoundPlan], first: date, last: date) -> Coverage:
    """Judge the plan of the local days `first` to `last`; `plans` reach from the day before to the day after."""
    zone = ZoneInfo(config.site.timezone)
    plans = tuple(plans)
    start_ms, end_ms = midnight_ms(zone, first), midnight_ms(zone, last + DAY)
    inside = [plan for plan in plans if start_ms <= plan.starts_ms < end_ms]
    walked = {plan.route for plan in inside}
    rings: dict[Ring, tuple[str, ...]] = {
        ring: tuple(route.id for route in config.patrol.routes if route.ring == ring and route.id in walked)
        for ring in ("inner", "outer")
    }
    return Coverage(
        routes=tuple(_months(config, inside, first, last, zone)),
        rings=rings,
        dark=_dark(config, plans, first, last, zone),
        bare=_bare(config),
        unmanned=tuple(uncovered(config, start_ms, end_ms, roles=GUARDING)) if config.patrol.shifts else (),
    )


def _months(
    config: SiteConfig, plans: Iterable[RoundPlan], first: date, last: date, zone: ZoneInfo
) -> Iterator[RouteMonth]:
    starts: dict[str, list[int]] = {route.id: [] for route in config.patrol.routes if not route.retired}
    for plan in plans:
        starts.setdefault(plan.route, []).append(plan.starts_ms)
    for route, moments in starts.items():
        per_day = Counter(local_day(zone, at_ms) for at_ms in moments)
        counts = [per_day[day] for day in days(first, last)]
        clock = sorted(f"{shown(zone, at_ms):%H:%M}" for at_ms in moments)
        drawn = any(schedule.random for schedule in config.patrol.schedules_of(route))
        edges = (clock[0], clock[-1]) if clock else ("", "")
        yield RouteMonth(route, len(moments), min(counts), max(counts), *edges, drawn)


def _dark(
    config: SiteConfig, plans: Iterable[RoundPlan], first: date, last: date, zone: ZoneInfo
) -> dict[str, tuple[date, ...]]:
    """Suspended stops cover nothing; a round covers the night if any of it lies within."""
    kinds = {point.id: {area.kind for area in config.area_path(point.area)} for point in config.patrol.checkpoints}
    walks = [
        (
            plan.starts_ms,
            plan.ends_ms,
            {kind for stop in plan.stops if not stop.suspended for kind in kinds[stop.checkpoint]},
        )
        for plan in plans
    ]
    dark: dict[str, list[date]] = {place: [] for place in NIGHT_PLACES}
    for day in days(first, last):
        night = span_on(zone, NIGHT, day)
        if night is None:
            continue
        seen = {
            kind for starts, ends, found in walks if starts < night.end_ms and ends > night.start_ms for kind in found
        }
        for place, counting in NIGHT_PLACES.items():
            if not seen & counting:
                dark[place].append(day)
    return {place: tuple(nights) for place, nights in dark.items()}


def _bare(config: SiteConfig) -> tuple[str, ...]:
    with_checkpoint = {area.id for point in config.patrol.checkpoints for area in config.area_path(point.area)}
    return tuple(area.id for area in config.areas if area.id not in with_checkpoint)
