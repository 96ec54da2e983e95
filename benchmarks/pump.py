"""The pump room's signals against a physical model: which faults are found, how soon, and how often for nothing.

    python -m benchmarks.pump [--seeds N] [--days N] [--rate-only]

EPANET (by wntr) plays the station of `tests/pump_station.py`. Its noisy samples go through the pump step, and what that
derives through the shipped limits of `device_configs/limits/pump.yaml`. Then the step alone is timed over one day of
samples, next to a bare loop over the same samples in the same run.
"""

import argparse
import importlib
import sys
import time
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from services.derived.pump import step

AIM_FALSE = 1.0
"""False alarms in a month at most."""
LOST = 0.02
"""Share of the samples that the rough month loses."""


def faults(trial: Any, seeds: int) -> bool:
    """Print every planted fault; whether all were found in time and nothing else spoke."""
    planted = [
        *trial.short_faults(),
        *(trial.leak(times, days) for times, days in ((4, 7), (6, 7), (8, 0), (15, 0), (30, 0), (60, 0), (120, 0))),
    ]
    good = True
    print(f"    {'planted fault':42} {'aim':>8} {'found after':>24}  {'others':>6}")
    for fault in planted:
        found = [trial.find(fault, seed) for seed in range(1, seeds + 1)]
        others = sum(len(one.others) for one in found)
        good = good and all(one.in_time for one in found) and not others
        after = ", ".join("never" if one.after_s is None else span(one.after_s) for one in found)
        print(f"    {fault.name:42} {span(fault.aim_s):>8} {after:>24}  {others:>6}")
    return good


def span(seconds: int) -> str:
    """Seconds, or minutes when there are many."""
    return f"{seconds} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def months(rig: Any, trial: Any, days: int, seeds: int) -> float:
    """Print what good months say; returns false alarms in a month. The last one has a bad sensor and loses samples."""
    rows = rig.simulate(days * trial.DAY, trial.month(days))
    starts = sum(after.jockey and not before.jockey for before, after in pairwise(rows))
    wanted = trial.tests_of(days)
    alarms = 0
    for seed in range(1, seeds + 2):
        rough = seed > seeds
        trace = rig.samples(rows, trial.START_MS, seed, 0.004 if rough else 0.001)
        lost = Random(seed)
        started = time.process_time()
        outcome = trial.judge(one for one in trace if not rough or lost.random() > LOST)
        alarms += len(outcome.breaches)
        kinds = sorted(test.kind for test in outcome.tests if test.passed)
        counted = sum(run.role == "jockey" for run in outcome.runs)
        print(
            f"    seed {seed}{', 4 kPa noise, 2 % lost' if rough else ''}: {days} good days, {outcome.samples:,} "
            f"samples in {time.process_time() - started:.0f} s CPU: {len(outcome.breaches)} false alarms; "
            f"jockey starts {counted} of {starts}; "
            f"tests {'all' if kinds == wanted else 'NOT all'} recognised ({len(kinds)} of {len(wanted)})"
        )
        for breach in outcome.breaches:
            print(f"      false: {breach}")
    return alarms / (seeds + 1) * 30 / days


def rate(rig: Any, trial: Any) -> None:
    """Print samples per second of the step, and of a bare loop over the same samples."""
    stream = list(rig.samples(rig.simulate(trial.DAY), trial.START_MS, 1))
    plant = trial.plant()
    bare, full = [], []
    for _ in range(3):
        started = time.process_time()
        newest = 0
        for sample in stream:
            newest = max(newest, sample[1])
        bare.append(time.process_time() - started)
        memory = plant.fresh()
        started = time.process_time()
        for sample in stream:
            memory, _ = step(memory, sample, plant, sample[1])
        full.append(time.process_time() - started)
    count = len(stream)
    print(
        f"    {count:,} samples of one day: step {count / min(full):,.0f} samples/s of CPU "
        f"({min(full) / count * 1e6:.1f} µs each)\n"
        f"    baseline, a bare loop that keeps the newest time: {count / min(bare):,.0f} samples/s "
        f"(ratio {min(full) / min(bare):.0f})"
    )


def main() -> None:
    """Run everything; some three minutes."""
    parser = argparse.ArgumentParser(prog="benchmarks.pump", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=2, help="noise of each fault and month")
    parser.add_argument("--days", type=int, default=30, help="length of a good month")
    parser.add_argument("--rate-only", action="store_true", help="only the samples per second")
    parser.add_argument("--months-only", action="store_true", help="leave out the planted faults")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    rig, trial = importlib.import_module("pump_station"), importlib.import_module("pump_trial")
    rate(rig, trial)
    if asked.rate_only:
        return
    found = faults(trial, asked.seeds) if not asked.months_only else True
    false = months(rig, trial, asked.days, asked.seeds)
    if not asked.months_only:
        print(f"    {'every fault found in its time' if found else 'NOT every fault found in its time'}")
    print(f"    {false:.1f} false alarms in a month (aim: at most {AIM_FALSE:g})")
    if not found or false > AIM_FALSE:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
