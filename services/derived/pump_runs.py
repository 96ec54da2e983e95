"""One run of a pump: why it began, whether it lifts water, how it ended, and whether it was a test."""

from statistics import median

from services.derived.pump_model import (
    CALL_MARGIN,
    Cause,
    Derived,
    Effect,
    Plant,
    PumpMemory,
    Run,
    RunEnded,
    RunStarted,
    StationMemory,
    TestKind,
    TestSeen,
    Verdict,
)

JOCKEY_RISE = 0.01
JOCKEY_RISE_MS = 300_000
"""A jockey fills an air vessel: it lifts slowly."""
INRUSH_MS = 10_000
"""The current of a starting motor says nothing about its load."""
DRY_SHARE = 0.6
"""A pump without water takes less than this share of its usual current."""
LEVEL_BACK = 0.05
"""So far above the minimum, m, the tank has water again."""
LOWS = 2
DRAWN = 0.5
"""L/s; less is the noise of a flow meter."""
FLOW_TEST_MS = 60_000
TEST_SHORTEST_MS = 10_000
BOUNCE_MS = 1_000
"""A contact that opens or closes again within this has bounced: no motor does."""


def middle(recent: tuple[float, ...]) -> float:
    """The pressure now: the median of the last three."""
    return float(median(recent[-3:]))


def _middles(recent: tuple[float, ...]) -> list[float]:
    if len(recent) < 3:
        return [middle(recent)]
    return [sorted(recent[index : index + 3])[1] for index in range(len(recent) - 2)]


def pressure_known(memory: StationMemory, at_ms: int, plant: Plant) -> bool:
    """Whether the pressure at that time was heard."""
    return bool(memory.recent) and abs(at_ms - memory.pressure_ms) <= plant.pressure_stale_ms


def drawing(memory: StationMemory, at_ms: int, plant: Plant) -> bool:
    """Whether the flow meter says that water is drawn."""
    return memory.flow >= DRAWN and at_ms - memory.flow_ms <= plant.flow_stale_ms


def level_low(memory: StationMemory, at_ms: int, plant: Plant) -> bool:
    """Whether the tank is empty."""
    return memory.lows >= LOWS and at_ms - memory.level_ms <= plant.level_stale_ms


def begin(memory: StationMemory, index: int, at_ms: int, known: bool, fire: bool, plant: Plant) -> tuple[Run, Effect]:
    """A pump began to run; `known`: it stood still just before."""
    base = min(_middles(memory.recent)) if pressure_known(memory, at_ms, plant) else None
    cause = _cause(memory, index, base, at_ms, plant) if known else "unknown"
    run = Run(
        started_ms=at_ms,
        cause=cause,
        base=base,
        wanted=_wanted(memory, index, base, plant) if known else None,
        doubtful=not known,
        fire=fire,
        peak=base,
        lowest_level=memory.level if at_ms - memory.level_ms <= plant.level_stale_ms else None,
    )
    plan = plant.pumps[index]
    return run, RunStarted(plan.equipment, plan.role, at_ms, base, cause, not known)


def _cause(memory: StationMemory, index: int, base: float | None, at_ms: int, plant: Plant) -> Cause:
    station, pump = plant.station, memory.pumps[index]
    if pump.auto_ms and not pump.auto:
        return "manual"
    if base is None:
        return "unknown"
    start, main_start = station.start_pressure, station.main_start_pressure
    if plant.pumps[index].role == "jockey":
        if start is None:
            return "unknown"
        return "automatic" if base <= start + CALL_MARGIN else "manual"
    if main_start is not None and base <= main_start + CALL_MARGIN:
        return "automatic"
    normal = start if start is not None else main_start
    if normal is None:
        return "unknown"
    if base >= normal - CALL_MARGIN:
        return "manual"
    overrun = any(one.on for one in memory.pumps[: plant.jockeys])
    return "automatic" if overrun else "unknown"


def _wanted(memory: StationMemory, index: int, base: float | None, plant: Plant) -> float | None:
    """The pressure that shows that the pump lifts water; None: nothing can be said."""
    station = plant.station
    if base is None:
        return None
    if station.kind == "domestic":
        return None if station.start_pressure is None else station.start_pressure - CALL_MARGIN
    if plant.pumps[index].role == "jockey":
        return base + JOCKEY_RISE
    others = any(one.on for at, one in enumerate(memory.pumps) if at >= plant.jockeys and at != index)
    return station.main_start_pressure if others else base + station.rise


def watch(memory: StationMemory, at_ms: int, gap: bool, plant: Plant) -> tuple[StationMemory, list[Effect]]:
    """Judge the runs under way by the pressure that just came."""
    effects: list[Effect] = []
    pressure = middle(memory.recent)
    pumps, habit = list(memory.pumps), memory.habit
    for index, pump in enumerate(pumps):
        run = pump.run
        if run is None:
            continue
        plan = plant.pumps[index]
        if gap:
            run = run._replace(doubtful=True, wanted=None)
        if run.peak is None or pressure > run.peak:
            run = run._replace(peak=pressure)
        if run.wanted is not None and not run.risen:
            if pressure >= run.wanted:
                if run.no_rise and plan.no_rise:
                    effects.append(Derived(plan.no_rise, memory.clock_ms, 0.0))
                run = run._replace(risen=True, no_rise=False)
            elif (
                not run.no_rise
                and at_ms - run.started_ms >= (plant.rise_ms if plan.role == "main" else JOCKEY_RISE_MS)
                and at_ms - pump.heard_ms <= plan.run_stale_ms
                and not drawing(memory, at_ms, plant)
            ):
                if plan.no_rise:
                    effects.append(Derived(plan.no_rise, memory.clock_ms, 1.0))
                run = run._replace(no_rise=True)
            run, more = dry(memory, index, run, at_ms, plant)
            effects += more
        if (
            not habit.leak
            and plant.leak
            and plant.station.kind == "fire"
            and run.cause == "automatic"
            and not (run.fire or run.doubtful)
            and endless(run, at_ms, plant)
        ):  # nothing burns and nobody tests: the water goes somewhere
            habit = habit._replace(leak=True)
            effects.append(Derived(plant.leak, memory.clock_ms, 1.0))
        if run is not pump.run:
            pumps[index] = pump._replace(run=run)
    return memory._replace(pumps=tuple(pumps), habit=habit), effects


def endless(run: Run | None, at_ms: int, plant: Plant) -> bool:
    """Whether a run takes longer than any test."""
    return run is not None and at_ms - run.started_ms > plant.test_ms


def dry(memory: StationMemory, index: int, run: Run, at_ms: int, plant: Plant) -> tuple[Run, list[Effect]]:
    """Whether a pump runs without water: by the level of its tank, else by its current without pressure."""
    plan, pump = plant.pumps[index], memory.pumps[index]
    starved = (
        run.no_rise
        and pump.usual > 0
        and at_ms - pump.current_ms <= plant.current_stale_ms
        and pump.current < DRY_SHARE * pump.usual
    )
    now_dry = starved or level_low(memory, at_ms, plant)
    if plant.station.level_minimum is not None:
        heard = at_ms - memory.level_ms <= plant.level_stale_ms
    else:
        heard = at_ms - pump.current_ms <= plant.current_stale_ms
    if now_dry == run.dry or not (now_dry or heard):  # silence clears nothing
        return run, []
    told: list[Effect] = [Derived(plan.dry_run, memory.clock_ms, float(now_dry))] if plan.dry_run else []
    return run._replace(dry=now_dry, was_dry=run.was_dry or now_dry), told


def end(memory: StationMemory, index: int, at_ms: int, gap: bool, plant: Plant) -> tuple[PumpMemory, list[Effect]]:
    """A pump stopped; `gap`: it was not heard just before, so that nobody knows when."""
    plan, pump = plant.pumps[index], memory.pumps[index]
    run = pump.run
    if run is None:
        return pump, []
    now = middle(memory.recent) if pressure_known(memory, at_ms, plant) else None
    if gap or now is None:
        run = run._replace(doubtful=True)
    stop = None if now is None else max(_middles(memory.recent))
    verdict = _verdict(run, plan.role == "main" and at_ms - run.started_ms >= BOUNCE_MS, now, plant)
    effects: list[Effect] = []
    if run.no_rise and plan.no_rise:
        effects.append(Derived(plan.no_rise, memory.clock_ms, 0.0))
    if run.dry and plan.dry_run:
        effects.append(Derived(plan.dry_run, memory.clock_ms, 0.0))
    ended = RunEnded(
        plan.equipment, plan.role, run.started_ms, max(at_ms, run.started_ms), run.base, stop, run.peak,
        run.lowest_level, run.peak_flow, run.cause, verdict,
    )  # fmt: skip
    effects.append(ended)
    if plan.role == "main":
        effects += _test(run, ended, plant)
    if verdict == "" and run.risen and run.counted >= 3:
        amperes = run.amperes / run.counted
        pump = pump._replace(usual=0.8 * pump.usual + 0.2 * amperes if pump.usual else amperes)
    return pump._replace(run=None), effects


def _verdict(run: Run, may_trip: bool, now: float | None, plant: Plant) -> Verdict:
    if run.doubtful:
        return "doubtful"
    if run.was_dry:
        return "dry_run"
    if run.no_rise:
        return "no_rise"
    if may_trip and run.cause == "automatic" and now is not None and now < plant.call:
        return "trip"
    return ""


def _test(run: Run, ended: RunEnded, plant: Plant) -> list[Effect]:
    lasted_ms = ended.ended_ms - ended.started_ms
    if plant.station.kind != "fire" or run.fire or ended.verdict not in ("", "no_rise"):
        return []
    if not TEST_SHORTEST_MS <= lasted_ms <= plant.test_ms:
        return []
    flowed = run.flow_ms >= FLOW_TEST_MS
    kind: TestKind
    if flowed:
        kind = "quarterly_flow"
    elif run.cause == "automatic":
        kind = "weekly_auto"
    elif run.cause == "manual":
        kind = "monthly_manual"
    else:
        return []
    facts: dict[str, float | str | None] = {
        "start_pressure": ended.start_pressure,
        "stop_pressure": ended.stop_pressure,
        "peak_pressure": ended.peak_pressure,
        "seconds": lasted_ms / 1000,
        "verdict": ended.verdict,
    }
    if flowed:
        facts["flow"] = run.peak_flow
        facts["flow_seconds"] = run.flow_ms / 1000
    passed = ended.verdict == "" and (run.risen or flowed)
    return [TestSeen(kind, ended.equipment, ended.ended_ms, ended.started_ms, passed, facts)]
