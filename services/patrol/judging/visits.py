"""Which tap is the visit of which stop, whether they came in order, and who came along."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations

from services.patrol.model import RoundPlan, StopPlan, Tap, is_somebody

Cost = tuple[int, int, int, int]
"""What a match leaves to be desired: counted stops and suspended stops unvisited, ms off time, inversions."""
Match = tuple[Cost, dict[int, Tap]]
Inversions = Callable[[StopPlan, Tap], int]
EXACT_UP_TO = 3
"""So many stops at one checkpoint are matched in every order, more of them only in the route's."""


def in_window(stop: StopPlan, at_ms: int) -> bool:
    """Whether a tap at this moment counts at all."""
    return stop.early_from_ms <= at_ms <= stop.late_until_ms


def off_time_ms(stop: StopPlan, at_ms: int) -> int:
    """How far from being on time, not-before included; 0: on time."""
    start = stop.on_time_from_ms
    if stop.not_before_ms is not None and stop.not_before_ms > start:
        start = stop.not_before_ms
    if at_ms < start:
        return start - at_ms
    return max(at_ms - stop.on_time_until_ms, 0)


def stops_by_checkpoint(plan: RoundPlan) -> dict[str, list[StopPlan]]:
    """The stops of each checkpoint in the route's order; a loop has several."""
    found: dict[str, list[StopPlan]] = {}
    for stop in plan.stops:
        if stop.checkpoint in found:
            found[stop.checkpoint].append(stop)
        else:
            found[stop.checkpoint] = [stop]
    return found


def taps_by_checkpoint(taps: Iterable[Tap]) -> dict[str, list[Tap]]:
    """The taps at each checkpoint, in the order given."""
    found: dict[str, list[Tap]] = {}
    for tap in taps:
        if tap.checkpoint in found:
            found[tap.checkpoint].append(tap)
        else:
            found[tap.checkpoint] = [tap]
    return found


def apart_ms(plan: RoundPlan) -> int:
    """How long after each other two taps at a checkpoint are still one visit of a loop."""
    return max(plan.duplicate_ms, plan.together_ms if wants_several(plan) else 0)


def match_visits(plan: RoundPlan, here: Mapping[str, Sequence[Tap]]) -> dict[int, Tap]:
    """The visit of each visited stop, by its index; taps of each checkpoint come in time order.

    As many stops as possible, as near to on time as possible, then in the route's order, then the earliest tap.
    """
    found: dict[int, Tap] = {}
    to_choose: list[tuple[list[StopPlan], Sequence[Tap]]] = []
    for checkpoint, stops in stops_by_checkpoint(plan).items():
        taps = here.get(checkpoint)
        if not taps:
            continue
        if len(stops) == 1 and len(taps) == 1:
            if in_window(stops[0], taps[0].at_ms):
                found[stops[0].index] = taps[0]
        else:
            to_choose.append((stops, taps))
    for stops, taps in to_choose:
        found.update(_match(stops, taps, apart_ms(plan), _inversions(plan, found)))
    return found


def _inversions(plan: RoundPlan, found: Mapping[int, Tap]) -> Inversions:
    """How many visits that are settled already would stand in the wrong order to this one."""
    if plan.order != "ordered":
        return lambda stop, tap: 0
    settled = [(index, tap.at_ms) for index, tap in found.items()]
    return lambda stop, tap: sum(
        at_ms > tap.at_ms if index < stop.index else at_ms < tap.at_ms for index, at_ms in settled
    )


def _match(stops: Sequence[StopPlan], taps: Sequence[Tap], within_ms: int, inversions: Inversions) -> dict[int, Tap]:
    orders: Iterable[Sequence[StopPlan]] = permutations(stops) if len(stops) <= EXACT_UP_TO else [stops]
    matches = [_match_in_sequence(order, taps, within_ms, inversions) for order in orders]
    return min(matches, key=lambda match: match[0])[1]


def _match_in_sequence(stops: Sequence[StopPlan], taps: Sequence[Tap], within_ms: int, inversions: Inversions) -> Match:
    """The best match that visits these stops one after the other, two visits more than `within_ms` apart."""
    best: dict[int, Match] = {-1: ((0, 0, 0, 0), {})}  # by the position of the last tap used
    for stop in stops:
        after: dict[int, Match] = {
            last: ((counted + (not stop.suspended), suspended + bool(stop.suspended), off, wrong), chosen)
            for last, ((counted, suspended, off, wrong), chosen) in best.items()
        }
        for last, ((counted, suspended, off, wrong), chosen) in best.items():
            for position in range(last + 1, len(taps)):
                tap = taps[position]
                if not in_window(stop, tap.at_ms) or (last >= 0 and tap.at_ms - taps[last].at_ms <= within_ms):
                    continue
                cost = (counted, suspended, off + off_time_ms(stop, tap.at_ms), wrong + inversions(stop, tap))
                if position not in after or cost < after[position][0]:
                    after[position] = cost, {**chosen, stop.index: tap}
        best = after
    return min(best.values(), key=lambda match: match[0])


def misplaced(visits: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The fewest visits that break the order, each with one it contradicts.

    `visits` are (stop, ms) in the route's order. Of several equally small sets the one that blames whoever came too
    soon rather than those he overtook.
    """
    if all(visits[place][1] <= visits[place + 1][1] for place in range(len(visits) - 1)):
        return {}
    kept = _longest_in_order([at_ms for _, at_ms in visits])
    found = {}
    for place in sorted(set(range(len(visits))) - set(kept)):
        stop, at_ms = visits[place]
        found[stop] = next(
            visits[other][0]
            for other in kept
            if (visits[other][1] > at_ms if other < place else visits[other][1] < at_ms)
        )
    return found


def _longest_in_order(times: Sequence[int]) -> list[int]:
    """Places of the longest subsequence that never goes back, the foremost of equals."""
    onwards = [1] * len(times)
    for place in reversed(range(len(times))):
        for later in range(place + 1, len(times)):
            if times[later] >= times[place]:
                onwards[place] = max(onwards[place], onwards[later] + 1)
    kept: list[int] = []
    left = max(onwards)
    for place, reach in enumerate(onwards):
        if reach == left and (not kept or times[place] >= times[kept[-1]]):
            kept.append(place)
            left -= 1
    return kept


def wants_several(plan: RoundPlan) -> bool:
    """Whether taps of more than one person may be needed."""
    return plan.people > 1 or bool(plan.roles)


def company(plan: RoundPlan, taps: Iterable[Tap], visits: Mapping[int, Tap]) -> dict[str, StopPlan]:
    """The stop of each tap that is no visit but lies in a visited stop's window, by tap; a loop's nearest visit."""
    visiting = {tap.id for tap in visits.values()}
    stops = stops_by_checkpoint(plan)
    found = {}
    for tap in taps:
        near = [
            (abs(visits[stop.index].at_ms - tap.at_ms), stop.index, stop)
            for stop in stops.get(tap.checkpoint, ())
            if stop.index in visits and in_window(stop, tap.at_ms)
        ]
        if near and tap.id not in visiting:
            found[tap.id] = min(near)[2]
    return found


def together(taps: Sequence[Tap], within_ms: int) -> int:
    """The most different people among these who tapped within so long of each other."""
    own = [tap for tap in taps if is_somebody(tap.guard)]
    return max(len({tap.guard for tap in own if first.at_ms <= tap.at_ms <= first.at_ms + within_ms}) for first in taps)


def unfilled(roles: Sequence[str], taps: Iterable[Tap]) -> list[str]:
    """The roles that nobody is left for when everybody stands for one role."""
    able: dict[str, list[str]] = {}
    for guard, role in sorted({(tap.guard, tap.role) for tap in taps}):
        able.setdefault(role, []).append(guard)
    stands_for: dict[str, int] = {}

    def fill(place: int, asked: set[str]) -> bool:
        for guard in able.get(roles[place], ()):
            if guard not in asked:
                asked.add(guard)
                if guard not in stands_for or fill(stands_for[guard], asked):
                    stands_for[guard] = place
                    return True
        return False

    return [roles[place] for place in range(len(roles)) if not fill(place, set())]
