"""What looks wrong about a guard's taps: marks with their figures; a marked tap still counts.

Every function is a pure function of the set of taps it is given: asked again with a late tap it may take a mark back.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from services.patrol.model import Evidence
from services.patrol.suspicion.walking import Legs

Figures = Mapping[str, float | str]


class Kind(StrEnum):
    """What a mark says."""

    SAME_POINT = "same_point"
    """The same point again and again."""
    DESK = "desk"
    """Tags of several places one after the other, as if they lay on a desk."""
    SKIPPED_FLOOR = "skipped_floor"
    """A whole floor of the round left out."""
    IMPOSSIBLE_LEG = "impossible_leg"
    """Faster than anybody walks it."""
    TWO_PLACES = "two_places"
    """One person at two places, by two devices, faster than anybody gets from one to the other."""
    CLOCK_BACK = "clock_back"
    """The device's clock was turned back, so that the tap claims to be older than it is."""
    CLOCK_SKEW = "clock_skew"
    """The device's clock was wrong, or was set before it delivered."""
    LATE_SYNC = "late_sync"
    """It reached us long after it happened."""
    UNHEARD_PHONE = "unheard_phone"
    """It claims to be older than the first we ever heard of the phone."""
    KEPT_BACK = "kept_back"
    """It claims to be older than a contact at which the phone had nothing left to deliver."""
    DELIVERED_BY_OTHER = "delivered_by_other"
    """Somebody delivered it as another person's who cannot have had this phone."""

    @property
    def concern(self) -> Literal["suspect", "info"]:
        """Whether somebody has to explain it; a wrong clock or no network are nobody's fault."""
        return "info" if self in (Kind.CLOCK_SKEW, Kind.LATE_SYNC) else "suspect"


@dataclass(frozen=True, slots=True)
class Seen:
    """A tap as detectors look at it; `at_ms` is the corrected time."""

    id: str
    checkpoint: str
    at_ms: int
    device: str = ""
    """The phone or reader itself: taps of one have one clock."""
    claimed_ms: int | None = None
    received_ms: int | None = None
    uncertain_ms: int = 0
    turned: bool = False
    round: str = ""
    """The round it counted in; empty: none."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that looks wrong: the taps behind it, and the figures that say why (seconds as `…_s`)."""

    kind: Kind
    taps: tuple[str, ...]
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is marked; milliseconds."""

    skew_after_ms: int = 120_000
    late_after_ms: int = 300_000
    duplicate_ms: int = 60_000
    again_within_ms: int = 600_000
    surplus_visits: int = 3
    """So many visits more than rounds asked for, with nothing else in between."""
    taps_at_once: int = 6
    """So many taps of one point, doubles included, within `again_within_ms`."""
    tolerance_ms: int = 2_000
    """What reading two tags and the clock may be off."""
    steady_ms: int = 30_000
    """A clock more uncertain than this was set at a moment nobody knows."""
    desk_ms: int = 5_000
    """Between places of which nothing is known: nobody walks and reads a tag in less."""
    walk_within_ms: int = 1_800_000
    """Longer on the way is no evidence of a walk."""


def examine(
    taps: Iterable[Seen], legs: Legs, limits: Limits | None = None, rounds: Mapping[str, Sequence[str]] | None = None
) -> dict[str, tuple[Mark, ...]]:
    """The marks of one person's taps, by tap id; taps without marks are left out.

    `rounds`: the checkpoints of the rounds that the taps counted in, to find floors left out.
    """
    limits = limits or Limits()
    in_time = sorted(taps, key=lambda tap: (tap.at_ms, tap.id))
    by_device: dict[str, list[Seen]] = defaultdict(list)
    for tap in in_time:
        by_device[tap.device].append(tap)
    marks: dict[str, list[Mark]] = defaultdict(list)
    for own in by_device.values():
        _same_point(own, limits, marks)
        _legs(own, legs, limits, marks)
        _clock(own, limits, marks)
    for tap_id, found in two_places(in_time, legs, limits).items():
        marks[tap_id].extend(found)
    for round, checkpoints in (rounds or {}).items():
        _skipped_floor([tap for tap in in_time if tap.round == round], checkpoints, legs, limits, marks)
    return {tap_id: tuple(found) for tap_id, found in marks.items()}


def two_places(taps: Iterable[Seen], legs: Legs, limits: Limits | None = None) -> dict[str, tuple[Mark, ...]]:
    """Taps of one person, or with one badge, on different devices too far apart for the time between them."""
    limits = limits or Limits()
    marks: dict[str, list[Mark]] = defaultdict(list)
    for before, tap in pairwise(sorted(taps, key=lambda tap: (tap.at_ms, tap.id))):
        if before.device == tap.device or before.checkpoint == tap.checkpoint:
            continue
        walk = legs.walk(before.checkpoint, tap.checkpoint)
        if walk.floor_s is not None and _too_fast(before, tap, walk.floor_s, limits):
            figures = _leg_figures(before, tap, walk.floor_s, walk.rule)
            _mark(marks, Kind.TWO_PLACES, (before, tap), figures, on=(before, tap))
    return {tap_id: tuple(found) for tap_id, found in marks.items()}


def walked(before: Seen, tap: Seen, legs: Legs, limits: Limits | None = None) -> bool:
    """Whether a tap follows the one before, on the same device, after a walk that is plausible and known to be one."""
    limits = limits or Limits()
    if before.device != tap.device or before.checkpoint == tap.checkpoint:
        return False
    floor_s = legs.walk(before.checkpoint, tap.checkpoint).floor_s
    if floor_s is None or floor_s * 1000 <= limits.tolerance_ms:
        return False
    return floor_s * 1000 <= tap.at_ms - before.at_ms <= limits.walk_within_ms


def graded(evidence: Evidence, was_walked: bool, marks: Iterable[Mark] = ()) -> Evidence:
    """The evidence of a tap: a UID after a walk is worth more, unless something looks wrong about it."""
    suspect = any(mark.kind.concern == "suspect" for mark in marks)
    return Evidence.UID_WALKED if evidence == Evidence.UID and was_walked and not suspect else evidence


Marks = dict[str, list[Mark]]


def _mark(marks: Marks, kind: Kind, because: Sequence[Seen], figures: Figures, on: Iterable[Seen]) -> None:
    mark = Mark(kind, tuple(tap.id for tap in because), figures)
    for tap in on:
        marks[tap.id].append(mark)


def _runs(taps: Sequence[Seen], together: Callable[[Seen, Seen], bool]) -> list[list[Seen]]:
    """The sequence cut wherever two neighbours do not belong together."""
    runs: list[list[Seen]] = []
    for tap in taps:
        if runs and together(runs[-1][-1], tap):
            runs[-1].append(tap)
        else:
            runs.append([tap])
    return runs


def _same_point(taps: Sequence[Seen], limits: Limits, marks: Marks) -> None:
    def together(before: Seen, tap: Seen) -> bool:
        return before.checkpoint == tap.checkpoint and tap.at_ms - before.at_ms <= limits.again_within_ms

    for run in _runs(taps, together):
        visits = 1 + sum(tap.at_ms - before.at_ms > limits.duplicate_ms for before, tap in pairwise(run))
        wanted = max(1, len({tap.round for tap in run} - {""}))
        at_once = _most_within(run, limits.again_within_ms)
        if visits - wanted >= limits.surplus_visits or at_once >= limits.taps_at_once * wanted:
            figures = {"taps": len(run), "visits": visits, "wanted": wanted, "seconds_s": _seconds(run[0], run[-1])}
            _mark(marks, Kind.SAME_POINT, run, figures, on=run)


def _most_within(run: Sequence[Seen], within_ms: int) -> int:
    """The most taps of a run that lie so close together."""
    most = first = 0
    for position, tap in enumerate(run):
        while tap.at_ms - run[first].at_ms > within_ms:
            first += 1
        most = max(most, position - first + 1)
    return most


def _legs(taps: Sequence[Seen], legs: Legs, limits: Limits, marks: Marks) -> None:
    """Desk tapping, and single legs walked in no time."""
    verdicts = {tap.id: _leg(before, tap, legs, limits) for before, tap in pairwise(taps)}
    for run in _runs(taps, lambda _, tap: verdicts[tap.id] != "fine"):
        impossible = [tap for tap in run[1:] if verdicts[tap.id] != "short"]
        if len(impossible) >= 2 and len({tap.checkpoint for tap in run}) >= 3:
            figures = {"points": len({tap.checkpoint for tap in run}), "seconds_s": _seconds(run[0], run[-1])}
            _mark(marks, Kind.DESK, run, figures, on=run)
            continue
        for before, tap in pairwise(run):
            if verdicts[tap.id] == "impossible":
                walk = legs.walk(before.checkpoint, tap.checkpoint)
                figures_ = _leg_figures(before, tap, walk.floor_s or 0.0, walk.rule)
                _mark(marks, Kind.IMPOSSIBLE_LEG, (before, tap), figures_, on=(tap,))


def _leg(before: Seen, tap: Seen, legs: Legs, limits: Limits) -> Literal["fine", "short", "unknown", "impossible"]:
    """`short`: too short to tell; `unknown`: nothing is known of the way, yet it took next to no time."""
    if before.checkpoint == tap.checkpoint:
        return "short" if tap.at_ms - before.at_ms <= limits.desk_ms else "fine"
    floor_s = legs.walk(before.checkpoint, tap.checkpoint).floor_s
    if floor_s is None:
        return "unknown" if _too_fast(before, tap, limits.desk_ms / 1000, limits) else "fine"
    if _too_fast(before, tap, floor_s, limits):
        return "impossible"
    near = floor_s * 1000 <= limits.tolerance_ms
    return "short" if near and tap.at_ms - before.at_ms <= limits.desk_ms else "fine"


def _too_fast(before: Seen, tap: Seen, floor_s: float, limits: Limits) -> bool:
    return tap.at_ms - before.at_ms + _unsure_ms(before, tap, limits) < floor_s * 1000


def _unsure_ms(before: Seen, tap: Seen, limits: Limits) -> int:
    """How far the time between two taps may be off: what one clock is off by cancels out unless it was set."""
    unsure = max(before.uncertain_ms, tap.uncertain_ms)
    shared = before.device == tap.device and unsure <= limits.steady_ms
    return limits.tolerance_ms + (0 if shared else unsure)


def _clock(taps: Sequence[Seen], limits: Limits, marks: Marks) -> None:
    ahead: tuple[int, Seen] | None = None
    """How far the device's clock was ahead at most so far, and where."""
    for tap in taps:
        late_ms = 0 if tap.received_ms is None else tap.received_ms - tap.at_ms
        if late_ms > limits.late_after_ms:
            _mark(marks, Kind.LATE_SYNC, (tap,), {"late_s": late_ms / 1000}, on=(tap,))
        if tap.claimed_ms is None:
            continue
        off = tap.claimed_ms - tap.at_ms
        unsure = limits.skew_after_ms + tap.uncertain_ms
        if abs(off) > limits.skew_after_ms or tap.turned:
            figures: Figures = {"ahead_s": off / 1000, "set_since": "yes" if tap.turned else "no"}
            _mark(marks, Kind.CLOCK_SKEW, (tap,), figures, on=(tap,))
        most, before = ahead or (off, tap)
        # Merely being set right again is no offence: the clock has to claim a past that was not.
        if off < -unsure and most - off > unsure:
            figures = {"behind_s": -off / 1000, "turned_back_s": (most - off) / 1000}
            _mark(marks, Kind.CLOCK_BACK, (before, tap), figures, on=(tap,))
        if ahead is None or off > most:
            ahead = (off, tap)


def _skipped_floor(
    taps: Sequence[Seen], checkpoints: Sequence[str], legs: Legs, limits: Limits, marks: Marks
) -> None:  # fmt: skip
    """A floor without a tap although everything on the other floors of the round was tapped."""
    stops: dict[int, set[str]] = defaultdict(set)
    for checkpoint in checkpoints:
        if checkpoint in legs.places:
            stops[legs.places[checkpoint].floor].add(checkpoint)
    tapped = {tap.checkpoint for tap in taps}
    skipped = {floor for floor, there in stops.items() if not there & tapped}
    other = [there for floor, there in stops.items() if floor not in skipped]
    if len(other) < 2 or any(there - tapped for there in other):
        return
    for floor in sorted(skipped):
        before, after = _around(taps, floor, legs)
        could = any(_could_visit(*pair, stop, legs) for pair in pairwise(taps) for stop in stops[floor])
        figures: Figures = {"floor": floor, "stops": len(stops[floor]), "time_enough": "yes" if could else "no"}
        _mark(marks, Kind.SKIPPED_FLOOR, (before, after), figures, on=(after,))


def _around(taps: Sequence[Seen], floor: int, legs: Legs) -> tuple[Seen, Seen]:
    """The two taps between which a floor was passed, else the last two."""
    known = [tap for tap in taps if tap.checkpoint in legs.places]
    for before, after in pairwise(known):
        low, high = sorted((legs.places[before.checkpoint].floor, legs.places[after.checkpoint].floor))
        if low < floor < high:
            return before, after
    return known[-2], known[-1]


def _could_visit(before: Seen, after: Seen, stop: str, legs: Legs) -> bool:
    there, back = legs.walk(before.checkpoint, stop).floor_s, legs.walk(stop, after.checkpoint).floor_s
    return after.at_ms - before.at_ms >= ((there or 0.0) + (back or 0.0)) * 1000


def _leg_figures(before: Seen, tap: Seen, floor_s: float, rule: str) -> Figures:
    return {
        "from": before.checkpoint,
        "to": tap.checkpoint,
        "took_s": _seconds(before, tap),
        "at_least_s": round(floor_s, 1),
        "rule": rule,
    }


def _seconds(first: Seen, last: Seen) -> float:
    return (last.at_ms - first.at_ms) / 1000
