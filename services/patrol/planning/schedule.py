"""The rounds of a site: what is to be walked, when, and within which windows. Pure: same files and seed, same rounds.

With a due time both windows lie around it; without, they begin that much before the round's start and end that much
after its planned end. A stop is suspended when its due time, or without one any part of the planned round, lies in a
suspended span; a round whose stops are all suspended stays in the plan, so that people see why nobody walks.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import combinations, pairwise
from math import hypot
from zoneinfo import ZoneInfo

from gateway.site.duration import to_milliseconds
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, Leg, Patrol, PatrolSettings, Route, Schedule, Stop, Tolerance
from services.patrol.model import LegLimit, RoundPlan, StopPlan
from services.patrol.planning.shifts import ShiftCalendar
from services.patrol.planning.starts import starts
from services.patrol.planning.wall import Interval, spans_between


def rounds(config: SiteConfig, start_ms: int, end_ms: int, *, seed: str = "") -> list[RoundPlan]:
    """All rounds of a site that start in [start_ms, end_ms), by start and id; the seed is the site's secret."""
    zone = ZoneInfo(config.site.timezone)
    return plan_rounds(config.site.id, config.patrol, zone, start_ms, end_ms, seed=seed)


def plan_rounds(
    site: str, patrol: Patrol, zone: ZoneInfo, start_ms: int, end_ms: int, *, seed: str = ""
) -> list[RoundPlan]:
    """The same for a patrol that belongs to no loaded site."""
    if end_ms <= start_ms:
        return []
    calendar = ShiftCalendar(patrol.shifts, zone, start_ms, end_ms)
    limits: dict[str, Mapping[tuple[str, str], LegLimit]] = {}
    planned = []
    for schedule in patrol.schedules:
        route = patrol.route(schedule.route)
        if route is None:
            continue
        if route.id not in limits:
            limits[route.id] = leg_limits(route, patrol.checkpoints, patrol.settings)
        draft = _Draft(site, schedule, route, limits[route.id], patrol.settings)
        shift = patrol.shift(schedule.shift) if schedule.shift else None
        found = starts(schedule, shift, zone, start_ms, end_ms, seed)
        pauses = _Pauses(schedule, zone, found, draft.last_ms)
        planned += [draft.round(at_ms, calendar.of(schedule.shift, at_ms), pauses) for at_ms in found]
    return sorted(planned, key=lambda plan: (plan.starts_ms, plan.id))


def round_id(schedule: str, starts_ms: int) -> str:
    """`{schedule}.{start as 20261121T1800Z}`."""
    start = datetime.fromtimestamp(starts_ms // 1000, UTC)
    return f"{schedule}.{start:%Y%m%dT%H%MZ}"


class _Pauses:
    """The suspended spans of a schedule from its first start until `last_ms` after the last."""

    def __init__(self, schedule: Schedule, zone: ZoneInfo, starts_ms: list[int], last_ms: int) -> None:
        self._spans: list[tuple[Interval, str]] = []
        for span in schedule.suspended if starts_ms else ():
            reason = span.reason or f"{span.start}-{span.end}"
            spans = spans_between(zone, span, starts_ms[0], starts_ms[-1] + last_ms + 1)
            self._spans += [(one, reason) for one in spans]

    def __bool__(self) -> bool:
        return bool(self._spans)

    def reason(self, start_ms: int, end_ms: int) -> str:
        """Why something planned for [start_ms, end_ms] does not count; empty: it does."""
        for span, reason in self._spans:
            if span.start_ms <= start_ms < span.end_ms or start_ms < span.start_ms < end_ms:
                return reason
        return ""


class _Draft:
    """Everything about the rounds of a schedule that does not depend on when they start."""

    def __init__(
        self,
        site: str,
        schedule: Schedule,
        route: Route,
        legs: Mapping[tuple[str, str], LegLimit],
        settings: PatrolSettings,
    ) -> None:
        tolerance = schedule.tolerance or Tolerance()
        self._site, self._schedule, self._route, self._legs = site, schedule.id, route, legs
        self._duration_ms = to_milliseconds(schedule.duration)
        self._stops = [_Window(stop, self._duration_ms, tolerance) for stop in route.stops]
        self.last_ms = max(stop.last for stop in self._stops)
        """After the start: when the last stop is due."""
        self._final_ms = max(stop.late_until for stop in self._stops) + to_milliseconds(tolerance.grace)
        self._confirm_ms = self._final_ms + to_milliseconds(tolerance.second_grace)
        self._together_ms = to_milliseconds(route.together_within)
        self._duplicate_ms = to_milliseconds(settings.duplicate_within)

    def round(self, at_ms: int, shift: str, pauses: _Pauses) -> RoundPlan:
        """The round that starts then."""
        return RoundPlan(
            id=round_id(self._schedule, at_ms),
            site=self._site,
            route=self._route.id,
            schedule=self._schedule,
            shift=shift,
            order=self._route.order,
            starts_ms=at_ms,
            ends_ms=at_ms + self._duration_ms,
            final_ms=at_ms + self._final_ms,
            confirm_ms=at_ms + self._confirm_ms,
            stops=tuple(stop.plan(index, at_ms, pauses) for index, stop in enumerate(self._stops)),
            legs=self._legs,
            people=self._route.people,
            roles=self._route.roles,
            together_ms=self._together_ms,
            duplicate_ms=self._duplicate_ms,
        )


class _Window:
    """The windows of a stop, in milliseconds from the start of the round."""

    def __init__(self, stop: Stop, duration_ms: int, tolerance: Tolerance) -> None:
        self.checkpoint = stop.checkpoint
        self.first = 0 if stop.due is None else to_milliseconds(stop.due)
        self.last = duration_ms if stop.due is None else self.first
        self.early_from = self.first - to_milliseconds(tolerance.extended_before)
        self.on_time_from = self.first - to_milliseconds(tolerance.on_time_before)
        self.on_time_until = self.last + to_milliseconds(tolerance.on_time_after)
        self.late_until = self.last + to_milliseconds(tolerance.extended_after)
        self.not_before = None if stop.not_before is None else to_milliseconds(stop.not_before)

    def plan(self, index: int, at_ms: int, pauses: _Pauses) -> StopPlan:
        """The stop in the round that starts then."""
        return StopPlan(
            index,
            self.checkpoint,
            at_ms + self.early_from,
            at_ms + self.on_time_from,
            at_ms + self.on_time_until,
            at_ms + self.late_until,
            None if self.not_before is None else at_ms + self.not_before,
            pauses.reason(at_ms + self.first, at_ms + self.last) if pauses else "",
        )


def leg_limits(
    route: Route, checkpoints: Iterable[Checkpoint], settings: PatrolSettings
) -> dict[tuple[str, str], LegLimit]:
    """How long the walks of a route may take, both directions.

    Rule `leg` is a declared bound, `distance` the floor computed from a distance: a leg's own, else the straight line
    between two positions (stops that follow each other; in a route without order any two).
    """
    places = {checkpoint.id: checkpoint for checkpoint in checkpoints}
    declared = {frozenset((leg.start, leg.end)): leg for leg in route.legs}
    limits = {}
    for start, end in (*_walks(route), *((leg.start, leg.end) for leg in route.legs)):
        limit = _limit(declared.get(frozenset((start, end))), places.get(start), places.get(end), settings)
        if limit is not None:
            limits[start, end] = limits[end, start] = limit
    return limits


def _walks(route: Route) -> Iterator[tuple[str, str]]:
    stops = [stop.checkpoint for stop in route.stops]
    pairs = pairwise(stops) if route.order == "ordered" else combinations(stops, 2)
    return ((start, end) for start, end in pairs if start != end)


def _limit(
    leg: Leg | None, start: Checkpoint | None, end: Checkpoint | None, settings: PatrolSettings
) -> LegLimit | None:
    minimum = None if leg is None or leg.minimum is None else to_milliseconds(leg.minimum)
    maximum = None if leg is None or leg.maximum is None else to_milliseconds(leg.maximum)
    rule = "distance" if minimum is None and maximum is None else "leg"
    if minimum is None:
        minimum = _floor_ms(leg.distance_m if leg else None, start, end, settings)
    return None if minimum is None and maximum is None else LegLimit(minimum, maximum, rule)


def _floor_ms(
    distance_m: float | None, start: Checkpoint | None, end: Checkpoint | None, settings: PatrolSettings
) -> int | None:
    here, there = start and start.position, end and end.position
    floors = abs(here.floor - there.floor) if here and there else 0
    if distance_m is None:
        if not here or not there:
            return None
        distance_m = hypot(here.x_m - there.x_m, here.y_m - there.y_m)
    return int(distance_m / settings.fastest_m_s * 1000) + floors * to_milliseconds(settings.floor_time)
