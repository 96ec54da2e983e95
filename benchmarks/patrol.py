"""Patrol: a year of rounds through the verdict engine, next to a scan of all rounds for every tap.

    python -m benchmarks.patrol replay [--days N] [--routes N]

Fifty routes of twelve stops, walked twelve times a day: some 2.5 million taps a year, streamed day by day. Made of the
day's taps and plans beforehand; measured is what the engine does with them: find each tap's round, then judge every
round once it is final.
"""

import argparse
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from random import Random
from typing import NamedTuple

from services.patrol.judging.claims import share, wanted
from services.patrol.judging.verdict import grade
from services.patrol.model import LegLimit, RoundPlan, StopPlan, Tap, Verdict

MINUTE = 60_000
DAY = 1440 * MINUTE
STOPS, ROUNDS_A_DAY = 12, 12
APART = 4 * MINUTE
MISSED, LATE, TWICE = 0.05, 0.03, 0.02
NAIVE_TAPS = 400
"""So many taps of one day are scanned for the baseline."""


class Day(NamedTuple):
    """What happens on one day: rounds that start, taps in time order, stops nobody goes to."""

    plans: list[RoundPlan]
    taps: list[Tap]
    missed: int


class Tally(NamedTuple):
    """What the engine did, and how long it took."""

    seconds: float
    """Of one processor."""
    taps: int
    rounds: int
    verdicts: Counter[Verdict]
    missed: int
    """Stops that truly nobody went to."""


def plan_round(route: int, starts_ms: int) -> RoundPlan:
    """One round: a stop every four minutes, on time 5 before to 10 after, early or late 15 before to 30 after."""
    names = [f"r{route}-{place}" for place in range(STOPS)]
    dues = [starts_ms + place * APART for place in range(STOPS)]
    return RoundPlan(
        id=f"r{route}.{starts_ms}",
        site="bench",
        route=f"r{route}",
        schedule=f"r{route}",
        shift="",
        order=("ordered", "ordered", "any", "freeroam")[route % 4],
        starts_ms=starts_ms,
        ends_ms=dues[-1],
        final_ms=dues[-1] + 35 * MINUTE,
        confirm_ms=dues[-1] + 395 * MINUTE,
        stops=tuple(
            StopPlan(place, name, due - 15 * MINUTE, due - 5 * MINUTE, due + 10 * MINUTE, due + 30 * MINUTE)
            for place, (name, due) in enumerate(zip(names, dues, strict=True))
        ),
        legs={pair: LegLimit(MINUTE, 20 * MINUTE) for pair in pairwise(names)},
    )


def walk(plan: RoundPlan, random: Random) -> Iterator[Tap]:
    """The taps of one round: mostly on time, some late as a whole, some stops missed, some tapped twice."""
    late = 15 * MINUTE if random.random() < LATE else 0
    guard = f"g{random.randrange(80)}"
    for stop in plan.stops:
        chance = random.random()
        if chance < MISSED:
            continue
        at_ms = stop.on_time_from_ms + 5 * MINUTE + late + random.randrange(90_000)
        yield Tap(f"{plan.id}/{stop.index}", stop.checkpoint, at_ms, guard)
        if chance > 1 - TWICE:
            yield Tap(f"{plan.id}/{stop.index}+", stop.checkpoint, at_ms + 20_000, guard)


def days(count: int, routes: int, seed: int = 7) -> Iterator[Day]:
    """Day after day; taps after midnight belong to the next one."""
    random = Random(seed)
    every = DAY // ROUNDS_A_DAY
    left: list[Tap] = []
    for day in range(count + 1):
        plans = [
            plan_round(route, day * DAY + number * every + route * 2 * MINUTE)
            for route in range(routes if day < count else 0)
            for number in range(ROUNDS_A_DAY)
        ]
        walked = [tap for plan in plans for tap in walk(plan, random)]
        visited = sum(not tap.id.endswith("+") for tap in walked)
        taps = sorted(left + walked, key=lambda tap: tap.at_ms)
        end = (day + 1) * DAY
        left = [tap for tap in taps if tap.at_ms >= end]
        yield Day(plans, [tap for tap in taps if tap.at_ms < end], len(plans) * STOPS - visited)


def run(stream: Iterable[Day]) -> Tally:
    """Share out the taps of every day among the rounds under way and judge every round on the day it becomes final."""
    verdicts: Counter[Verdict] = Counter()
    route_of: dict[str, str] = {}
    under_way: defaultdict[str, list[RoundPlan]] = defaultdict(list)
    heard: defaultdict[str, list[Tap]] = defaultdict(list)
    seconds, taps, rounds, missed = 0.0, 0, 0, 0
    for number, day in enumerate(stream):
        end = (number + 1) * DAY
        route_of.update((stop.checkpoint, plan.route) for plan in day.plans for stop in plan.stops)
        started = time.process_time()
        for plan in day.plans:
            under_way[plan.route].append(plan)
        for tap in day.taps:
            heard[route_of[tap.checkpoint]].append(tap)
        for route, plans in under_way.items():
            own: dict[str, list[Tap]] = {plan.id: [] for plan in plans}
            shared = share(plans, heard[route])
            for tap in heard[route]:
                if tap.id in shared:
                    own[shared[tap.id].id].append(tap)
            final = [plan for plan in plans if plan.final_ms <= end]
            for plan in final:
                verdicts.update([stop.verdict for stop in grade(plan, own[plan.id], end).stops])
            rounds += len(final)
            under_way[route] = [plan for plan in plans if plan.final_ms > end]
            heard[route] = [tap for plan in under_way[route] for tap in own[plan.id]]
        seconds += time.process_time() - started
        taps += len(day.taps)
        missed += day.missed
    return Tally(seconds, taps, rounds, verdicts, missed)


def naive_rate(day: Day) -> float:
    """Taps per second when every tap is held against every round of its day, and its round judged anew each time."""
    heard: dict[str, list[Tap]] = {}
    slice_ = day.taps[:NAIVE_TAPS]
    started = time.process_time()
    for tap in slice_:
        for plan in (one for one in day.plans if wanted(one, tap)):
            heard.setdefault(plan.id, []).append(tap)
            grade(plan, heard[plan.id], tap.at_ms)
    return len(slice_) / (time.process_time() - started)


def replay(count: int, routes: int) -> None:
    """Print taps and rounds per second, memory, and the ratio to the plain scan."""
    naive = naive_rate(next(days(1, routes)))
    tally = run(days(count, routes))
    if tally.verdicts[Verdict.MISSED] != tally.missed:
        raise SystemExit(f"{tally.verdicts[Verdict.MISSED]:,} stops judged missed, {tally.missed:,} were")
    rate = tally.taps / tally.seconds
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = ", ".join(f"{verdict} {number:,}" for verdict, number in tally.verdicts.most_common())
    print(
        f"    {count} days, {routes} routes: {tally.taps:,} taps, {tally.rounds:,} rounds in {tally.seconds:.1f} s "
        f"of CPU\n"
        f"    = {rate:,.0f} taps/s, {tally.rounds / tally.seconds:,.0f} rounds/s, peak memory {peak_mib:.0f} MiB\n"
        f"    stops: {found}; missed equals the truth\n"
        f"    baseline, every tap scans the day's rounds and has its round judged anew: {naive:,.0f} taps/s "
        f"(ratio {rate / naive:,.0f})"
    )


def main() -> None:
    """Parse arguments and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks.patrol", description=__doc__.splitlines()[0] if __doc__ else "")
    modes = parser.add_subparsers(dest="mode", required=True)
    year = modes.add_parser("replay", help="rounds of a year through the verdict engine")
    year.add_argument("--days", type=int, default=365)
    year.add_argument("--routes", type=int, default=50)
    asked = parser.parse_args()
    replay(asked.days, asked.routes)


if __name__ == "__main__":
    main()
