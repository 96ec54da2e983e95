"""Traces of the physical station through the step and the shipped limits: what was found, and after how long."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from pump_station import (
    MAIN_START,
    SITE,
    START,
    USUAL_LEAK,
    Event,
    Row,
    monthly,
    quarterly,
    rig,
    samples,
    simulate,
    weekly,
)

from gateway.contract.heard import Sample
from services.derived.pump import step
from services.derived.pump_model import Derived, Plant, RunEnded, StationMemory, TestSeen, plant_of
from services.rules.engine import Engine

DAY = 86_400
HOUR = 3_600
START_MS = 1_772_294_400_000
"""2026-03-01 00:00 in Shanghai."""
DERIVED = (
    "hydrant-starts",
    "hydrant-leak",
    "hydrant-decay",
    "hydrant-no-start",
    "rig-main-no-rise",
    "rig-main-dry-run",
)


class Breach(NamedTuple):
    """A limit that was broken."""

    rule: str
    point: str
    after_s: int
    """From the beginning of the trace."""


@dataclass(slots=True)
class Outcome:
    """What came of a trace."""

    breaches: list[Breach] = field(default_factory=list)
    runs: list[RunEnded] = field(default_factory=list)
    tests: list[TestSeen] = field(default_factory=list)
    derived: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    memory: StationMemory | None = None


def plant() -> Plant:
    """The station of the rig, compiled."""
    config = rig()
    return plant_of(config, config.stations[0])


def judge(trace: Iterable[Sample]) -> Outcome:
    """Send a trace through the step, and what it derives through the limits."""
    config, station, outcome = rig(), plant(), Outcome()
    keys = [config.key(point) for point in DERIVED]
    engine = Engine({key: config.limits_by_point[key] for key in keys}, keys)
    memory = station.fresh()
    for sample in trace:
        outcome.samples += 1
        memory, effects = step(memory, sample, station, sample[1])
        for effect in effects:
            match effect:
                case Derived(point, at_ms, value):
                    outcome.derived[point] += 1
                    for limit, found in engine.judge((point, at_ms, 0, value, 0, at_ms), {}):
                        if found.kind == "breached":
                            after_s = (found.at_ms - START_MS) // 1000
                            outcome.breaches.append(Breach(limit.rule, point.removeprefix(f"{SITE}/"), after_s))
                case RunEnded():
                    outcome.runs.append(effect)
                case TestSeen():
                    outcome.tests.append(effect)
    outcome.memory = memory
    return outcome


class Fault(NamedTuple):
    """A planted fault."""

    name: str
    found_by: tuple[str, ...]
    """Points of which one has to speak."""
    aim_s: int
    shows: Callable[[Sequence[Row]], int]
    """When it first shows at all, seconds."""
    seconds: int
    events: Sequence[Event]
    level: float = 3.0
    vessel_l: float = 150
    also: tuple[str, ...] = ()
    """Points that may speak too."""


class Result(NamedTuple):
    """How a fault was found."""

    fault: Fault
    after_s: int | None
    """Since it showed; None: not found."""
    others: list[Breach]
    """Breaches before it showed, or of points that have nothing to do with it."""

    @property
    def in_time(self) -> bool:
        """Found within the aim."""
        return self.after_s is not None and self.after_s <= self.fault.aim_s


def at(second: int) -> Callable[[Sequence[Row]], int]:
    """It shows from the second it is planted."""
    return lambda _: second


def main_runs(rows: Sequence[Row]) -> int:
    """It shows when the main pump starts."""
    return next(row.at_s for row in rows if row.main)


def main_runs_last(rows: Sequence[Row]) -> int:
    """It shows when the main pump starts for the last time."""
    return max(after.at_s for before, after in pairwise(rows) if after.main and not before.main)


def main_gone(rows: Sequence[Row]) -> int:
    """It shows when the main pump stopped by itself."""
    return next(after.at_s for before, after in pairwise(rows) if before.main and not after.main)


def calls_again(rows: Sequence[Row]) -> int:
    """It shows when the main pump stopped by itself and the pressure has fallen again."""
    gone = main_gone(rows)
    return next(row.at_s for row in rows if row.at_s >= gone and row.pressure < MAIN_START - 0.01)


def below(pressure: float) -> Callable[[Sequence[Row]], int]:
    """It shows when the pressure has fallen below."""
    return lambda rows: next(row.at_s for row in rows if row.pressure < pressure)


def drained(rows: Sequence[Row]) -> int:
    """It shows when a pump runs and the level is below its minimum."""
    return next(row.at_s for row in rows if row.main and row.level < 0.5)


def leak(times: float, days: int, hours: int = 8) -> Fault:
    """The seeping joint opens to so many times its size after so many good days."""
    since = days * DAY + 10 * HOUR
    events = [Event(since, "leak", times * USUAL_LEAK)]
    found_by = ("hydrant-decay", "hydrant-leak", "hydrant-starts")
    also = ("rig-main-dry-run",)  # the main that feeds a great leak empties the pool within hours
    return Fault(f"leak ×{times:g}", found_by, 6 * HOUR, at(since), since + hours * HOUR, events, also=also)


def short_faults() -> list[Fault]:
    """Faults that show within minutes; aims in seconds."""
    t = 1_800
    rise, dry, call = ("rig-main-no-rise",), ("rig-main-dry-run",), ("hydrant-no-start",)
    low = [Event(t, "drain", 0.5)]
    starved = [*monthly(t), *monthly(2 * t), Event(3 * t - 10, "air", 1), *monthly(3 * t)]
    return [
        Fault("outlet valve closed, automatic start", rise, 60, main_runs, 3_600, [Event(60, "valve", 0), *weekly(t)]),
        Fault("outlet valve closed, started by hand", rise, 60, main_runs, 3_600, [Event(60, "valve", 0), *monthly(t)]),
        Fault("main trips 4 s after its start", call, 60, main_gone, 3_600, [Event(60, "trip", 4), *low]),
        Fault("main trips 12 s after its start", call, 60, calls_again, 3_600, [Event(60, "trip", 12), *low]),
        Fault("main trips while water is drawn", call, 60, calls_again, 3_600,
              [Event(60, "trip", 120), Event(t, "test_line", 2.5)], also=rise),
        Fault("main stands at manual", call, 60, below(MAIN_START - 0.01), 3_600, [Event(60, "auto", 0), *low]),
        Fault("jockey does not come up", call, 300, below(START - 0.01), 4 * HOUR, [Event(60, "jockey_works", 0)]),
        Fault("pool empty, automatic start", dry, 60, main_runs, 3_600, [Event(60, "air", 1), *weekly(t)],
              level=0.2, also=rise),
        Fault("pool runs empty in a flow test", dry, 60, drained, 3_600, quarterly(t), level=0.56),
        Fault("suction lost, seen by the current", dry, 60, main_runs_last, 3 * t + 600, starved, also=rise),
        Fault("air vessel full of water", ("hydrant-starts",), HOUR + 600, at(0), 2 * HOUR, [], vessel_l=3,
              also=("hydrant-decay",)),
    ]  # fmt: skip


def month(days: int = 30) -> list[Event]:
    """What happens in a good month: weekly, monthly and quarterly tests."""
    tests = [weekly(day * DAY + 9 * HOUR) for day in range(2, days, 7)]
    tests += [monthly(day * DAY + 10 * HOUR) for day in range(4, days, 30)]
    tests += [quarterly(day * DAY + 14 * HOUR) for day in range(5, days, 30)]
    return [event for test in tests for event in test]


def tests_of(days: int) -> list[str]:
    """The kinds of test in such a month, sorted."""
    counts = (("monthly_manual", 4, 30), ("quarterly_flow", 5, 30), ("weekly_auto", 2, 7))
    return [kind for kind, first, every in counts for _ in range(first, days, every)]


def find(fault: Fault, seed: int) -> Result:
    """Play a fault and look for it."""
    rows = simulate(fault.seconds, fault.events, level=fault.level, vessel_l=fault.vessel_l)
    outcome = judge(samples(rows, START_MS, seed))
    since = fault.shows(rows)
    after = [one.after_s - since for one in outcome.breaches if one.point in fault.found_by and one.after_s >= since]
    others = [one for one in outcome.breaches if one.after_s < since or one.point not in (*fault.found_by, *fault.also)]
    return Result(fault, min(after, default=None), others)
