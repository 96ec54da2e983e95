"""What a station shows over minutes and hours: how its pressure decays at rest, and how often its jockeys start."""

from datetime import datetime
from itertools import combinations
from statistics import median

from services.derived.pump_model import NOTHING, Derived, Effect, Habit, Plant, PumpMemory, StationMemory, Still
from services.derived.pump_runs import endless

SETTLE_MS = 20_000
"""After the last pump stopped the pressure is left to settle for so long."""
BUCKET_MS = 30_000
BUCKETS = 20
SPAN_MS = 120_000
"""A slope over less says more about the noise than about the water."""
SAMPLES = 12
TELL_MS = 60_000
HOUR_MS = 3_600_000
LOOK_BACK_H = 4
"""The leak check looks back so many hours; the night is 01:00 to 05:00."""
NIGHT_ENDS_H = 5
NIGHTS, NIGHTS_NEEDED = 30, 5
LEAK_FACTOR, WELL_FACTOR = 3.0, 2.0
LEAST_RATE = 0.5
"""Starts per hour that are taken for usual at least: three times nothing is nothing."""


def at_rest(pumps: tuple[PumpMemory, ...], at_ms: int, plant: Plant) -> bool:
    """Whether all pumps are known to stand still."""
    for pump, plan in zip(pumps, plant.pumps, strict=True):
        if pump.on is not False or at_ms - pump.heard_ms > plan.run_stale_ms:
            return False
    return True


def rest(
    still: Still, at_ms: int, pressure: float, gap: bool, pumps: tuple[PumpMemory, ...], plant: Plant
) -> tuple[Still, float | None]:
    """Take a pressure at rest; now and then the decay in MPa/h follows from it."""
    bucket = at_ms // BUCKET_MS
    into_ms = at_ms - bucket * BUCKET_MS
    if gap:
        return Still(at_ms, bucket, pressure, into_ms, 1, (), still.told_ms), None
    from_ms, old, total, total_ms, count, means, told_ms = still
    if bucket == old:
        return Still(from_ms, bucket, total + pressure, total_ms + into_ms, count + 1, means, told_ms), None
    if not at_rest(pumps, at_ms, plant):
        return Still(told_ms=told_ms), None
    decay = None
    if count:
        means = (*means[1 - BUCKETS :], (old * BUCKET_MS + total_ms // count, total / count, count))
        if (
            means[-1][0] - means[0][0] >= SPAN_MS
            and at_ms - told_ms >= TELL_MS
            and sum(one[2] for one in means) >= SAMPLES
        ):
            told_ms, decay = at_ms, decay_of(means)
    return Still(from_ms, bucket, pressure, into_ms, 1, means, told_ms), decay


def decay_of(means: tuple[tuple[int, float, int], ...]) -> float:
    """The middle of all slopes between two means (Theil-Sen), MPa/h, never below 0: a few odd means change nothing."""
    slope = median((later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in combinations(means, 2))
    return round(max(0.0, -slope * HOUR_MS), 4)


def note_start(habit: Habit, at_ms: int) -> Habit:
    """A jockey started."""
    return habit._replace(starts=tuple(sorted((*habit.starts, at_ms))))


def look_back(memory: StationMemory, plant: Plant) -> tuple[StationMemory, tuple[Effect, ...]]:
    """Say how many starts the last hour had when that changed, and look for a leak at every full hour."""
    clock_ms, habit = memory.clock_ms, memory.habit
    hour = clock_ms // HOUR_MS
    if plant.jockeys == 0:
        return memory._replace(due_ms=(hour + 1) * HOUR_MS), NOTHING
    effects: list[Effect] = []
    heard = all(
        pump.on is not None and clock_ms - pump.heard_ms <= plan.run_stale_ms
        for pump, plan in zip(memory.pumps[: plant.jockeys], plant.pumps, strict=False)
    )
    if hour != habit.hour or not heard:
        if not heard or (habit.hour and hour > habit.hour + 1):
            habit = habit._replace(deaf_ms=clock_ms)
        elif not any(endless(pump.run, clock_ms, plant) for pump in memory.pumps):
            habit, leak = _look_for_leak(habit, hour, plant)
            if leak is not None and plant.leak:
                effects.append(Derived(plant.leak, clock_ms, leak))
        kept = (hour - LOOK_BACK_H) * HOUR_MS
        habit = habit._replace(hour=hour, starts=tuple(start for start in habit.starts if start > kept))
    if not heard:
        return memory._replace(habit=habit, due_ms=clock_ms + TELL_MS), tuple(effects)
    last_hour = [start for start in habit.starts if start > clock_ms - HOUR_MS]
    if len(last_hour) != habit.told:
        habit = habit._replace(told=len(last_hour))
        if plant.starts:
            effects.append(Derived(plant.starts, clock_ms, float(len(last_hour))))
    due_ms = (hour + 1) * HOUR_MS
    if last_hour:
        due_ms = min(due_ms, last_hour[0] + HOUR_MS)
    return memory._replace(habit=habit, due_ms=due_ms), tuple(effects)


def _look_for_leak(habit: Habit, hour: int, plant: Plant) -> tuple[Habit, float | None]:
    """Compare the hours before a full hour with the usual night; a night is learned unless it leaks."""
    ends_ms = hour * HOUR_MS
    from_ms = ends_ms - LOOK_BACK_H * HOUR_MS
    if habit.deaf_ms > from_ms or habit.hour == 0:
        return habit, None
    rate = sum(from_ms < start <= ends_ms for start in habit.starts) / LOOK_BACK_H
    told = None
    usual = max(median(habit.nights), LEAST_RATE) if habit.nights else LEAST_RATE
    if not habit.leak and len(habit.nights) >= NIGHTS_NEEDED and rate > LEAK_FACTOR * usual:
        habit, told = habit._replace(leak=True), 1.0
    elif habit.leak and rate <= WELL_FACTOR * usual:
        habit, told = habit._replace(leak=False), 0.0
    if not habit.leak and datetime.fromtimestamp(ends_ms / 1000, plant.zone).hour == NIGHT_ENDS_H:
        habit = habit._replace(nights=(*habit.nights[1 - NIGHTS :], rate))
    return habit, told
