"""The pure step of a pump station: (memory, sample, plant, now) → (memory', effects). No clock, no database, no I/O.

Event time decides, point by point: a sample that is not newer than the last of its point changes nothing, nor does one
far behind the station's newest. Silence and bad samples are no data: a contact that is silent has not stopped, and
nothing is derived across a gap.
"""

from gateway.contract.heard import Sample
from services.derived import pump_runs as runs
from services.derived.pump_model import (
    NOTHING,
    RING,
    Derived,
    Effect,
    Habit,
    Plant,
    PumpMemory,
    RunEnded,
    StationMemory,
    Still,
)
from services.derived.pump_trends import SETTLE_MS, at_rest, look_back, note_start, rest

TRIPPED = 2
BAD = 2
"""Quality of a sample that is no data."""
SKEW_MS = 60_000
"""So far a point may lag behind another of its station; older samples come too late to be put in their place."""
IMPOSSIBLE_MS = 150_000
"""A time so far ahead was never true: our own clock has been set back."""

Step = tuple[StationMemory, tuple[Effect, ...]]


def step(memory: StationMemory, sample: Sample, plant: Plant, now_ms: int, fire_active: bool = False) -> Step:
    """Take one sample of a station's points; `fire_active`: a run now is no test."""
    point, at_ms, _, value, quality, _ = sample
    part = plant.parts.get(point)
    if part is None or quality == BAD or not part.low <= value <= part.high:
        return memory, NOTHING
    effects = NOTHING
    if memory.heard_ms > now_ms + IMPOSSIBLE_MS:
        memory, effects = _start_over(memory, plant, now_ms)
    elif memory.clock_ms > now_ms + IMPOSSIBLE_MS:  # only our own clock was ahead
        memory = memory._replace(clock_ms=memory.heard_ms, due_ms=0)
    if at_ms < memory.heard_ms - SKEW_MS:
        return memory, effects
    value *= part.scale
    kind = part.kind
    if kind == "pressure":
        if at_ms <= memory.pressure_ms:
            return memory, effects
        memory, more = _pressure(memory, at_ms, value, plant)
    elif kind == "run":
        if at_ms <= memory.pumps[part.pump].heard_ms:
            return memory, effects
        memory, more = _contact(_heard(memory, at_ms), at_ms, value > 0.5, part.pump, plant, fire_active)
    elif kind == "level":
        if at_ms <= memory.level_ms:
            return memory, effects
        memory, more = _level(_heard(memory, at_ms), at_ms, value, plant)
    elif kind == "flow":
        if at_ms <= memory.flow_ms:
            return memory, effects
        memory, more = _flow(_heard(memory, at_ms), at_ms, value, plant)
    else:
        pump = memory.pumps[part.pump]
        if at_ms <= (pump.current_ms if kind == "current" else pump.auto_ms):
            return memory, effects
        take = _current if kind == "current" else _auto
        memory, more = take(_heard(memory, at_ms), at_ms, value, part.pump, plant)
    if more:
        effects += more
    if fire_active and memory.running:
        memory = _mark_fire(memory)
    if memory.clock_ms >= memory.due_ms:
        memory, more = look_back(memory, plant)
        effects += more
    return memory, effects


def tick(memory: StationMemory, plant: Plant, now_ms: int) -> Step:
    """Let time pass: the sliding hour and the leak check; the same memory when nothing was due."""
    if memory.heard_ms == 0 or now_ms < memory.due_ms or now_ms <= memory.clock_ms:
        return memory, NOTHING
    return look_back(memory._replace(clock_ms=now_ms), plant)


def _heard(memory: StationMemory, at_ms: int) -> StationMemory:
    if at_ms <= memory.heard_ms:
        return memory
    return memory._replace(heard_ms=at_ms, clock_ms=max(memory.clock_ms, at_ms))


def _with_pump(memory: StationMemory, index: int, pump: PumpMemory) -> tuple[PumpMemory, ...]:
    return (*memory.pumps[:index], pump, *memory.pumps[index + 1 :])


def _pressure(memory: StationMemory, at_ms: int, pressure: float, plant: Plant) -> Step:
    gap = at_ms - memory.pressure_ms > plant.pressure_stale_ms
    effects = NOTHING
    clock_ms = at_ms if at_ms > memory.clock_ms else memory.clock_ms
    still = memory.still
    if still.from_ms and at_ms >= still.from_ms:
        still, decay = rest(still, at_ms, pressure, gap, memory.pumps, plant)
        if decay is not None and plant.decay:
            effects = (Derived(plant.decay, clock_ms, decay),)
    recent = (pressure,) if gap else (*memory.recent[1 - RING :], pressure)
    memory = memory.with_pressure(at_ms, clock_ms, recent, still)
    if memory.running:
        memory, more = runs.watch(memory, at_ms, gap, plant)
        effects += tuple(more)
    if pressure < plant.call or memory.unmet_ms or memory.no_start:
        memory, called = _watch_call(memory, at_ms, gap, plant)
        effects += called
    return memory, effects


def _watch_call(memory: StationMemory, at_ms: int, gap: bool, plant: Plant) -> Step:
    """Whether the pressure calls for a pump and none runs."""
    if gap:
        return memory._replace(unmet_ms=0), NOTHING
    pressure = runs.middle(memory.recent)
    first = plant.jockeys if pressure < plant.main_call or memory.no_start == TRIPPED else 0
    running = unknown = False
    for pump, plan in zip(memory.pumps[first:], plant.pumps[first:], strict=True):
        if pump.on is None or at_ms - pump.heard_ms > plan.run_stale_ms:
            unknown = True
        elif pump.on:
            running = True
    if running or pressure >= plant.call:
        met = running or pressure >= plant.quiet
        memory = memory._replace(unmet_ms=0)
        if memory.no_start and met:
            return memory._replace(no_start=0), (Derived(plant.no_start, memory.clock_ms, 0.0),)
        return memory, NOTHING
    if unknown:
        return memory._replace(unmet_ms=0), NOTHING
    if memory.unmet_ms == 0:
        return memory._replace(unmet_ms=at_ms), NOTHING
    if not memory.no_start and at_ms - memory.unmet_ms >= plant.rise_ms:
        return memory._replace(no_start=1), (Derived(plant.no_start, memory.clock_ms, 1.0),)
    return memory, NOTHING


def _contact(memory: StationMemory, at_ms: int, on: bool, index: int, plant: Plant, fire: bool) -> Step:
    pump = memory.pumps[index]
    gap = pump.on is not None and at_ms - pump.heard_ms > plant.pumps[index].run_stale_ms
    known = pump.on is not None and not gap
    was_on = pump.on
    pump = pump._replace(heard_ms=at_ms, on=on, stopped_ms=at_ms if was_on and not on else pump.stopped_ms)
    memory = memory._replace(pumps=_with_pump(memory, index, pump))
    effects: list[Effect] = []
    if not known or on != was_on:
        memory, effects = _turn(memory, index, at_ms, known, gap, plant, fire)
    if not on and memory.still.from_ms == 0 and at_rest(memory.pumps, at_ms, plant):
        memory = memory._replace(still=Still(from_ms=at_ms + SETTLE_MS, told_ms=memory.still.told_ms))
    return memory, tuple(effects)


def _turn(
    memory: StationMemory, index: int, at_ms: int, known: bool, gap: bool, plant: Plant, fire: bool
) -> tuple[StationMemory, list[Effect]]:
    """A contact changed, or was not known before."""
    pump, effects = memory.pumps[index], list[Effect]()
    habit, due_ms = memory.habit, memory.due_ms
    if index < plant.jockeys:
        due_ms = 0
        if not known:
            habit = habit._replace(deaf_ms=max(habit.deaf_ms, at_ms))
        elif pump.on and at_ms - pump.stopped_ms >= runs.BOUNCE_MS:
            habit = note_start(habit, at_ms)
    if pump.on and pump.run is None:
        run, started = runs.begin(memory, index, at_ms, known, fire, plant)
        effects.append(started)
        run, more = runs.dry(memory, index, run, at_ms, plant)
        effects += more
        pump = pump._replace(run=run)
    elif pump.on and pump.run is not None:
        pump = pump._replace(run=pump.run._replace(doubtful=True))
    elif pump.run is not None:
        pump, effects = runs.end(memory, index, at_ms, gap, plant)
        tripped = any(isinstance(one, RunEnded) and one.verdict == "trip" for one in effects)
        if tripped and plant.no_start and memory.no_start == 0:
            effects.append(Derived(plant.no_start, memory.clock_ms, 1.0))
        if tripped:
            memory = memory._replace(no_start=TRIPPED)
    pumps = _with_pump(memory, index, pump)
    memory = memory._replace(
        pumps=pumps,
        running=sum(one.run is not None for one in pumps),
        habit=habit,
        due_ms=due_ms,
        still=Still(told_ms=memory.still.told_ms),
    )
    return memory, effects


def _level(memory: StationMemory, at_ms: int, level: float, plant: Plant) -> Step:
    minimum = plant.station.level_minimum
    lows = memory.lows
    if minimum is not None:
        if level < minimum:
            lows = min(lows + 1, runs.LOWS)
        elif level >= minimum + runs.LEVEL_BACK or lows < runs.LOWS:
            lows = 0
    memory = memory._replace(level_ms=at_ms, level=level, lows=lows)
    effects: list[Effect] = []
    for index, pump in enumerate(memory.pumps if memory.running else ()):
        if pump.run is not None:
            lowest = level if pump.run.lowest_level is None else min(level, pump.run.lowest_level)
            run, more = runs.dry(memory, index, pump.run._replace(lowest_level=lowest), at_ms, plant)
            effects += more
            memory = memory._replace(pumps=_with_pump(memory, index, pump._replace(run=run)))
    return memory, tuple(effects)


def _flow(memory: StationMemory, at_ms: int, flow: float, plant: Plant) -> Step:
    gap = at_ms - memory.flow_ms > plant.flow_stale_ms
    drawn = flow >= runs.DRAWN
    memory = memory._replace(flow_ms=at_ms, flow=flow)
    if drawn and memory.still.from_ms:
        memory = memory._replace(still=Still(from_ms=at_ms + SETTLE_MS, told_ms=memory.still.told_ms))
    for index, pump in enumerate(memory.pumps if memory.running else ()):
        run = pump.run
        if run is not None:
            since_ms = 0 if not drawn else at_ms if gap or run.flow_since_ms == 0 else run.flow_since_ms
            run = run._replace(
                peak_flow=flow if run.peak_flow is None else max(flow, run.peak_flow),
                flow_since_ms=since_ms,
                flow_ms=max(run.flow_ms, at_ms - since_ms if drawn else 0),
            )
            memory = memory._replace(pumps=_with_pump(memory, index, pump._replace(run=run)))
    return memory, NOTHING


def _current(memory: StationMemory, at_ms: int, current: float, index: int, plant: Plant) -> Step:
    pump = memory.pumps[index]._replace(current_ms=at_ms, current=current)
    memory = memory._replace(pumps=_with_pump(memory, index, pump))
    run = pump.run
    if run is None or at_ms - run.started_ms < runs.INRUSH_MS:
        return memory, NOTHING
    run = run._replace(amperes=run.amperes + current, counted=run.counted + 1)
    run, effects = runs.dry(memory, index, run, at_ms, plant)
    return memory._replace(pumps=_with_pump(memory, index, pump._replace(run=run))), tuple(effects)


def _auto(memory: StationMemory, at_ms: int, value: float, index: int, plant: Plant) -> Step:
    pump = memory.pumps[index]._replace(auto_ms=at_ms, auto=value > 0.5)
    return memory._replace(pumps=_with_pump(memory, index, pump)), NOTHING


def _mark_fire(memory: StationMemory) -> StationMemory:
    pumps = tuple(
        pump._replace(run=pump.run._replace(fire=True)) if pump.run is not None and not pump.run.fire else pump
        for pump in memory.pumps
    )
    return memory._replace(pumps=pumps)


def _start_over(memory: StationMemory, plant: Plant, now_ms: int) -> Step:
    """Times that have not come yet were believed: keep what was learned, and let go of what was under way."""
    ended: list[Effect] = []
    for index in range(len(plant.pumps)):
        _, effects = runs.end(memory, index, now_ms, True, plant)
        ended += effects
    fresh = plant.fresh()
    pumps = tuple(new._replace(usual=old.usual) for new, old in zip(fresh.pumps, memory.pumps, strict=True))
    habit = Habit(nights=memory.habit.nights, leak=memory.habit.leak)
    return fresh._replace(pumps=pumps, habit=habit), tuple(ended)
