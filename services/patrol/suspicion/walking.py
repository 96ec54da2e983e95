"""How long the walk between two checkpoints takes: the least it can take, and what is usual; learned, or from the map.

Of all measures of a middle the median moves least when a part of the history is false: a fifth of it, however false,
moves the median of walks that spread like guards' walks (a sixth of their length) by about a twentieth. Low quantiles
would follow whoever wants them lower. So the floor is a fixed part of the median.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import hypot
from statistics import median
from typing import Any

SAMPLES = 200
"""So many walks of a leg are remembered."""
PER_GUARD_DAY = 3
"""So many of them by one guard on one day: walking a leg a hundred times tonight teaches nothing."""
REMEMBERED = timedelta(days=120)
LONGEST_S = 3_600.0
"""Longer is no walk but a break."""
ENOUGH = 10
"""From so many walks on there is something to learn."""
FLOOR_SHARE = 0.5
"""Nobody walks a leg in less than half of its usual time."""
SLOW_SHARE = 0.95
SLOWEST = 3.0
"""What is usual ends at this many times the median, whatever the slowest walks say."""
LIFT_START_S = 6.0
LIFT_FLOOR_S = 1.2
"""A lift beats any stairs: doors, and per floor."""

Samples = Sequence[Sequence[Any]]
"""[day `YYYY-MM-DD`, guard, seconds], oldest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkpoint is, in metres, and on which floor."""

    x_m: float
    y_m: float
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """What is known of a leg."""

    floor_s: float | None
    """In less time nobody gets there; None: not known."""
    p95_s: float | None = None
    """19 of 20 walks are done by then; None: not known."""
    rule: str = ""
    """Where the floor comes from: declared, learned or distance."""


def distance_floor(start: Place, end: Place, fastest_m_s: float, floor_time_s: float) -> float:
    """Seconds that the fastest needs: along the straight line, or up and down by the stairs or a lift."""
    floors = abs(start.floor - end.floor)
    climb = min(floors * floor_time_s, LIFT_START_S + floors * LIFT_FLOOR_S) if floors else 0.0
    return max(hypot(start.x_m - end.x_m, start.y_m - end.y_m) / fastest_m_s, climb)


def add(samples: Samples, day: str, guard: str, seconds: float) -> list[list[Any]]:
    """The samples with one walk more: old ones leave, and when full those of the guard who has most."""
    first_day = (date.fromisoformat(day) - REMEMBERED).isoformat()
    kept = [list(sample) for sample in samples if sample[0] >= first_day]
    today = sum(1 for sample in kept if sample[0] == day and sample[1] == guard)
    if not 0 < seconds <= LONGEST_S or today >= PER_GUARD_DAY:
        return kept
    kept.append([day, guard, round(float(seconds), 1)])
    while len(kept) > SAMPLES:
        walked = Counter(sample[1] for sample in kept)
        most = max(walked.values())
        kept.remove(next(sample for sample in kept if walked[sample[1]] == most))
    return kept


def floor_s(samples: Samples, distance_floor_s: float | None = None) -> float | None:
    """In less than these seconds nobody walks it: learned, and never less than the distance takes; None: not known."""
    if len(samples) < ENOUGH:
        return distance_floor_s
    return max(FLOOR_SHARE * _usual(samples), distance_floor_s or 0.0)


def p95_s(samples: Samples) -> float | None:
    """Seconds in which 19 of 20 walks are done; None before there are enough walks to say."""
    if len(samples) < ENOUGH:
        return None
    ranked = sorted(_seconds(samples))
    return min(ranked[int(SLOW_SHARE * (len(ranked) - 1) + 0.5)], SLOWEST * _usual(samples))


def known(samples: Samples, declared_s: float | None, distance_floor_s: float | None) -> Walk:
    """All that is known of a leg; a declared minimum is somebody's word and goes before what was learned."""
    floor = floor_s(samples, distance_floor_s) if declared_s is None else declared_s
    learned = floor is not None and floor != distance_floor_s
    rule = "declared" if declared_s is not None else "learned" if learned else "distance" if floor is not None else ""
    return Walk(floor, p95_s(samples), rule)


@dataclass(frozen=True, slots=True)
class Legs:
    """What is known of the walks of a site; a leg nobody has walked is judged by the map."""

    walks: Mapping[tuple[str, str], Walk]
    places: Mapping[str, Place]
    fastest_m_s: float = 3.0
    floor_time_s: float = 8.0

    def walk(self, start: str, end: str) -> Walk:
        """What is known of the way from one checkpoint to another, in this direction."""
        found = self.walks.get((start, end))
        if found is not None and found.floor_s is not None:
            return found
        here, there = self.places.get(start), self.places.get(end)
        slow = None if found is None else found.p95_s
        if here is None or there is None:
            return Walk(None, slow)
        return Walk(distance_floor(here, there, self.fastest_m_s, self.floor_time_s), slow, "distance")


def _seconds(samples: Samples) -> list[float]:
    return [float(sample[2]) for sample in samples]


def _usual(samples: Samples) -> float:
    return median(_seconds(samples))
