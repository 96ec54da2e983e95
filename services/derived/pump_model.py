"""Words of the pump logic: a station compiled for its step, what the step remembers, and what it says."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateway.site.derived import (
    decay_point,
    dry_run_point,
    leak_point,
    no_rise_point,
    no_start_point,
    starts_point,
)
from gateway.site.model import SiteConfig
from gateway.site.pumps import Pump, Station

Role = Literal["jockey", "main"]
PartKind = Literal["pressure", "run", "level", "flow", "current", "auto"]
Cause = Literal["automatic", "manual", "unknown"]
Verdict = Literal["", "no_rise", "dry_run", "trip", "doubtful"]
TestKind = Literal["weekly_auto", "monthly_manual", "quarterly_flow"]

STALE_DEFAULT_MS = 60_000
"""Silence of a point without an interval of its own that counts as no data."""
CALL_MARGIN = 0.01
"""So far below a start pressure, MPa, a pump must run; 0.5 % of a transmitter of 1.6 MPa is 0.008."""
INF = math.inf
Points = Iterable[tuple[PartKind, str | None]]
RING = 8
"""So many pressures are kept: enough to look behind a contact that is told every 10 s."""
_SCALES = {"MPa": 1.0, "kPa": 0.001, "bar": 0.1, "m": 1.0, "mm": 0.001, "L/s": 1.0, "m³/h": 1 / 3.6}


class Derived(NamedTuple):
    """A value of a derived point."""

    point: str
    """Global key `{site}/{point}`."""
    at_ms: int
    value: float


class RunStarted(NamedTuple):
    """A pump began to run."""

    equipment: str
    role: Role
    started_ms: int
    start_pressure: float | None
    """MPa, the lowest shortly before its contact came; None: not known."""
    cause: Cause
    doubtful: bool
    """When it began is not known: nothing was heard of it before."""


class RunEnded(NamedTuple):
    """A pump stopped. Pressures in MPa, level in m, flow in L/s; None: not measured."""

    equipment: str
    role: Role
    started_ms: int
    ended_ms: int
    start_pressure: float | None
    stop_pressure: float | None
    peak_pressure: float | None
    lowest_level: float | None
    peak_flow: float | None
    cause: Cause
    verdict: Verdict


class TestSeen(NamedTuple):
    """A run that was one of the tests of GB 50974 ch. 14."""

    kind: TestKind
    equipment: str
    at_ms: int
    """When the run ended."""
    started_ms: int
    passed: bool
    facts: Mapping[str, float | str | None]


Effect = Derived | RunStarted | RunEnded | TestSeen
NOTHING: tuple[Effect, ...] = ()


class Run(NamedTuple):
    """A run under way."""

    started_ms: int
    cause: Cause = "unknown"
    base: float | None = None
    """Pressure it began at; None: not known."""
    wanted: float | None = None
    """It has lifted the water when the pressure gets here; None: cannot be judged."""
    risen: bool = False
    no_rise: bool = False
    """Was told to run without lifting."""
    dry: bool = False
    was_dry: bool = False
    doubtful: bool = False
    fire: bool = False
    peak: float | None = None
    lowest_level: float | None = None
    peak_flow: float | None = None
    flow_since_ms: int = 0
    flow_ms: int = 0
    """Longest time water was drawn without a break."""
    amperes: float = 0.0
    """Sum of its current, and of how many values."""
    counted: int = 0


class PumpMemory(NamedTuple):
    """What is known of one pump."""

    heard_ms: int = 0
    on: bool | None = None
    """None: nothing heard yet."""
    run: Run | None = None
    stopped_ms: int = 0
    """When its contact last opened."""
    current_ms: int = 0
    current: float = 0.0
    usual: float = 0.0
    """Its current in good runs, A; 0: not known."""
    auto_ms: int = 0
    auto: bool = True


class Still(NamedTuple):
    """The pressure while all pumps stand still, in means of half a minute."""

    from_ms: int = 0
    """Samples count from then; 0: some pump runs or may run."""
    bucket: int = 0
    total: float = 0.0
    total_ms: int = 0
    """Of the times, from the beginning of the half minute."""
    samples: int = 0
    means: tuple[tuple[int, float, int], ...] = ()
    """(at_ms, MPa, samples), the oldest first."""
    told_ms: int = 0


class Habit(NamedTuple):
    """How often the jockey pumps start, and how often they used to."""

    starts: tuple[int, ...] = ()
    """Starts of the last hours, in order of time."""
    told: int = -1
    """What was last said of the last hour."""
    hour: int = 0
    """The last full hour that was looked back from."""
    deaf_ms: int = 0
    """Until then some jockey was not heard."""
    nights: tuple[float, ...] = ()
    """Starts per hour of quiet nights, the newest last."""
    leak: bool = False


class StationMemory(NamedTuple):
    """What the step of one station remembers; all times are event times in epoch milliseconds."""

    heard_ms: int = 0
    """Newest sample."""
    clock_ms: int = 0
    """Newest sample or tick: derived values are told as of then."""
    pressure_ms: int = 0
    recent: tuple[float, ...] = ()
    """The last pressures, MPa."""
    still: Still = Still()
    due_ms: int = 0
    """Nothing changes by time alone before then."""
    running: int = 0
    """Runs under way."""
    pumps: tuple[PumpMemory, ...] = ()
    habit: Habit = Habit()
    level_ms: int = 0
    level: float = 0.0
    lows: int = 0
    """So many levels in a row were below the minimum."""
    flow_ms: int = 0
    flow: float = 0.0
    unmet_ms: int = 0
    """Since when a pump should run and none does."""
    no_start: int = 0
    """1: told that none does; 2: told that a main stopped before the water was back."""

    def with_pressure(self, at_ms: int, clock_ms: int, recent: tuple[float, ...], still: Still) -> "StationMemory":
        """After a pressure; four times as fast as _replace, and this is what happens most."""
        heard_ms = self.heard_ms
        return StationMemory._make((at_ms if at_ms > heard_ms else heard_ms, clock_ms, at_ms, recent, still, *self[5:]))


class Part(NamedTuple):
    """One point of a station."""

    kind: PartKind
    pump: int
    """Index of its pump; -1: the station's own."""
    scale: float
    """Into MPa, m, L/s."""
    low: float
    high: float
    """A value outside is no data."""
    stale_ms: int


@dataclass(frozen=True, slots=True)
class PumpPlan:
    """One pump as the step needs it."""

    equipment: str
    role: Role
    run_stale_ms: int
    no_rise: str
    """Global keys of its derived points; empty: it has none."""
    dry_run: str


@dataclass(frozen=True, slots=True)
class Plant:
    """A station compiled for `step`. Pressures in MPa."""

    key: str
    """Global key `{site}/{station}`."""
    station: Station
    parts: Mapping[str, Part]
    pumps: tuple[PumpPlan, ...]
    jockeys: int
    """So many of the pumps are jockeys; they come first."""
    zone: tzinfo
    starts: str
    """Global keys of its derived points; empty: it has none."""
    decay: str
    no_start: str
    leak: str
    pressure_stale_ms: int
    level_stale_ms: int
    flow_stale_ms: int
    current_stale_ms: int
    rise_ms: int
    test_ms: int
    call: float
    """A pump should run below this; -inf: not known."""
    main_call: float
    """A main pump should run below this."""
    quiet: float
    """Above this pressure nothing calls for a pump any more."""

    @property
    def points(self) -> frozenset[str]:
        """Global keys of the points it listens to."""
        return frozenset(self.parts)

    def fresh(self) -> StationMemory:
        """Memory of a station of which nothing is known."""
        return StationMemory(pumps=(PumpMemory(),) * len(self.pumps))

    def to_json(self, memory: StationMemory) -> dict[str, Any]:
        """Memory as it is kept: pumps by their equipment, so that pumps may come and go."""
        pumps = {
            plan.equipment: {**pump._asdict(), "run": pump.run and pump.run._asdict()}
            for plan, pump in zip(self.pumps, memory.pumps, strict=True)
        }
        return {**memory._asdict(), "still": memory.still._asdict(), "habit": memory.habit._asdict(), "pumps": pumps}

    def from_json(self, kept: Mapping[str, Any]) -> StationMemory:
        """Memory from what `to_json` kept, also of an older form: what is missing is unknown."""
        pumps = tuple(_pump(kept.get("pumps", {}).get(plan.equipment, {})) for plan in self.pumps)
        still = {**kept.get("still", {})}
        still["means"] = tuple((int(at), mean, count) for at, mean, count in still.get("means", ()))
        habit = {**kept.get("habit", {})}
        habit["starts"], habit["nights"] = tuple(habit.get("starts", ())), tuple(habit.get("nights", ()))
        whole = {
            **kept,
            "recent": tuple(kept.get("recent", ())),
            "pumps": pumps,
            "running": sum(pump.run is not None for pump in pumps),
            "still": Still(**_known(Still, still)),
            "habit": Habit(**_known(Habit, habit)),
        }
        return StationMemory(**_known(StationMemory, whole))


def plant_of(config: SiteConfig, station: Station) -> Plant:
    """Compile a station of a site; its points must be declared (`gengfu check` sees to that)."""
    have = {point.id for point in config.points}

    def key(point: str) -> str:
        return config.key(point) if point in have else ""

    own: Points = (("pressure", station.pressure), ("level", station.level), ("flow", station.flow))
    parts = dict(_parts(config, own, -1))
    roles: tuple[tuple[Role, tuple[Pump, ...]], ...] = (("jockey", station.jockeys), ("main", station.mains))
    pumps = [(role, pump) for role, those in roles for pump in those]
    plans = []
    for index, (role, pump) in enumerate(pumps):
        of_pump: Points = (("run", pump.run), ("current", pump.current), ("auto", pump.auto))
        parts.update(_parts(config, of_pump, index))
        plans.append(_pump_plan(pump, role, parts[config.key(pump.run)].stale_ms, key))
    no_start = key(no_start_point(station.id))
    main_start = station.main_start_pressure
    calls = [call for call in (station.start_pressure if station.jockeys else None, main_start) if call is not None]
    call = max(calls, default=-INF) if no_start else -INF
    return Plant(
        key=config.key(station.id),
        station=station,
        parts=parts,
        pumps=tuple(plans),
        jockeys=len(station.jockeys),
        zone=ZoneInfo(config.site.timezone),
        starts=key(starts_point(station.id)),
        decay=key(decay_point(station.id)),
        no_start=no_start,
        leak=key(leak_point(station.id)),
        pressure_stale_ms=_stale(parts, "pressure"),
        level_stale_ms=_stale(parts, "level"),
        flow_stale_ms=_stale(parts, "flow"),
        current_stale_ms=_stale(parts, "current"),
        rise_ms=station.rise_within // timedelta(milliseconds=1),
        test_ms=station.test_longest // timedelta(milliseconds=1),
        call=call - CALL_MARGIN,
        main_call=-INF if main_start is None else main_start - CALL_MARGIN,
        quiet=call,
    )


def _pump_plan(pump: Pump, role: Role, stale_ms: int, key: Any) -> PumpPlan:
    main = role == "main"
    return PumpPlan(
        equipment=pump.equipment,
        role=role,
        run_stale_ms=stale_ms,
        no_rise=key(no_rise_point(pump.equipment)) if main else "",
        dry_run=key(dry_run_point(pump.equipment)) if main else "",
    )


def _parts(config: SiteConfig, points: Points, pump: int) -> Iterable[tuple[str, Part]]:
    for kind, name in points:
        if name is None:
            continue
        point = config.point(name)
        stale_ms = STALE_DEFAULT_MS if point.stale_after is None else point.stale_after // timedelta(milliseconds=1)
        low = -INF if point.valid_min is None else point.valid_min
        high = INF if point.valid_max is None else point.valid_max
        scale = _SCALES.get(point.unit, 1.0)
        yield config.key(name), Part(kind, pump, scale, low, high, stale_ms)


def _stale(parts: Mapping[str, Part], kind: PartKind) -> int:
    return max((part.stale_ms for part in parts.values() if part.kind == kind), default=STALE_DEFAULT_MS)


def _pump(kept: Mapping[str, Any]) -> PumpMemory:
    run = kept.get("run")
    return PumpMemory(**_known(PumpMemory, {**kept, "run": run and Run(**_known(Run, run))}))


def _known(kind: Any, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept[name] for name in kind._fields if name in kept}
