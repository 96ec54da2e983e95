"""Which round of a route a tap counts in: the nearest, or one that would go without if the nearest has its visit."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from operator import attrgetter

from services.patrol.judging.visits import (
    apart_ms,
    in_window,
    match_visits,
    off_time_ms,
    taps_by_checkpoint,
    wants_several,
)
from services.patrol.model import RoundPlan, StopPlan, Tap

Key = tuple[str, int]
"""A stop of a round: the round's id and the stop's index."""
_Place = tuple[RoundPlan, StopPlan]
"""A stop that wants a tap, and its round."""
_Came = dict[Key, tuple[Tap, Key | None]]
"""The tap that could take a stop, and the stop that it would leave for it."""
_when = attrgetter("at_ms", "id")


def wanted(plan: RoundPlan, tap: Tap) -> bool:
    """Whether a tap lies in the extended window of a stop of this round."""
    return any(stop.checkpoint == tap.checkpoint and in_window(stop, tap.at_ms) for stop in plan.stops)


def share(plans: Iterable[RoundPlan], taps: Iterable[Tap]) -> dict[str, RoundPlan]:
    """The round of each tap that any of these rounds of one route wants, by tap; whatever order the taps came in.

    It is the round the guard names, else the one whose on-time window is nearest. But a tap that would be one too many
    there fills a stop that nobody else can be said to have visited; where that takes it, others move on from round to
    round. No visit is lost by that, and taps of the same visit stay together.
    """
    places = _places(plans)
    known = {tap.id: tap for tap in taps if tap.checkpoint in places}
    by_checkpoint = taps_by_checkpoint(sorted(known.values(), key=_when))
    home: dict[str, RoundPlan] = {}
    wanting: dict[str, list[_Place]] = {}
    torn = []
    for checkpoint, here in by_checkpoint.items():
        wanting_here = _wanting(places[checkpoint], here)
        wanting.update(wanting_here)
        own = {tap.id: _nearest(wanting_here[tap.id], tap) for tap in here if wanting_here[tap.id]}
        home.update(own)
        if any(plan is not found[0][0] for found in wanting_here.values() for plan, _ in found[1:]):
            torn.append(checkpoint)
    if torn:
        held = {checkpoint: [tap for tap in here if tap.id in home] for checkpoint, here in by_checkpoint.items()}
        route = _Route(home, wanting, held)
        for checkpoint in torn:
            home.update(route.settle(held[checkpoint]))
    return home


def _places(plans: Iterable[RoundPlan]) -> dict[str, list[_Place]]:
    """The stops at each checkpoint, by the beginning of their extended windows."""
    places: dict[str, list[_Place]] = {}
    for plan in plans:
        for stop in plan.stops:
            if stop.checkpoint in places:
                places[stop.checkpoint].append((plan, stop))
            else:
                places[stop.checkpoint] = [(plan, stop)]
    for found in places.values():
        found.sort(key=lambda place: place[1].early_from_ms)
    return places


def _wanting(places: Sequence[_Place], here: Iterable[Tap]) -> dict[str, list[_Place]]:
    """The stops in whose extended window each tap lies; taps come in time order."""
    found = {}
    opened: list[_Place] = []
    begun = 0
    for tap in here:
        at_ms = tap.at_ms
        while begun < len(places) and places[begun][1].early_from_ms <= at_ms:
            opened = [*opened, places[begun]]
            begun += 1
        opened = [place for place in opened if place[1].late_until_ms >= at_ms]
        found[tap.id] = opened
    return found


def _nearest(places: Sequence[_Place], tap: Tap) -> RoundPlan:
    """The round named, else the one on time, else the nearest; of equals the earlier, a stop that counts before all."""
    if len(places) == 1:
        return places[0][0]

    def suits(place: _Place) -> tuple[bool, bool, int, int, str]:
        plan, stop = place
        off_ms = max(stop.on_time_from_ms - tap.at_ms, tap.at_ms - stop.on_time_until_ms, 0)
        return plan.id != tap.round, bool(stop.suspended), off_ms, plan.starts_ms, plan.id

    return min(places, key=suits)[0]


class _Route:
    """Who owns which stop, from where every tap counts in its own round to where nobody is one too many in vain."""

    def __init__(
        self,
        home: Mapping[str, RoundPlan],
        wanting: Mapping[str, Sequence[_Place]],
        held: Mapping[str, Sequence[Tap]],
    ) -> None:
        """`held`: the taps that any round wants, by checkpoint in time order."""
        self._home = home
        self._wanting = wanting
        plans = {plan.id: plan for plan in home.values()}
        own: dict[str, dict[str, list[Tap]]] = {}
        for checkpoint, taps in held.items():
            for tap in taps:
                own.setdefault(home[tap.id].id, {}).setdefault(checkpoint, []).append(tap)
        self._visits = {name: match_visits(plans[name], here) for name, here in own.items()}

    def settle(self, here: Sequence[Tap]) -> dict[str, RoundPlan]:
        """The rounds of the taps at one checkpoint after those that are no visits have filled what they can."""
        checkpoint = here[0].checkpoint
        owners: dict[Key, Tap] = {
            (name, index): tap
            for name, visits in self._visits.items()
            for index, tap in visits.items()
            if tap.checkpoint == checkpoint
        }
        visiting = {tap.id for tap in owners.values()}
        repeats: dict[str, Tap] = {}
        for tap in here:
            if tap.id in visiting:
                continue
            visit = _same_visit(tap, self._home[tap.id], owners.values())
            if visit is not None:
                repeats[tap.id] = visit
            else:
                owners.update(self._moves(tap, owners))
        plans = {plan.id: plan for tap in here for plan, _ in self._wanting[tap.id]}
        found = {tap.id: plans[name] for (name, _), tap in owners.items()}
        for name, visit in repeats.items():
            if any(plan is found[visit.id] for plan, _ in self._wanting[name]):
                found[name] = found[visit.id]
        return found

    def _moves(self, tap: Tap, owners: Mapping[Key, Tap]) -> dict[Key, Tap]:
        """Who owns which stop instead so that this tap fills one and one more is visited.

        Of all ways the one that leaves the walks most in order, then the least off time. A visit gives its stop up only
        for another one, and never in the round that its guard named.
        """
        came: _Came = {}
        ways: list[tuple[int, int, int, int, Key, str]] = []
        from_: dict[tuple[Key, str], tuple[Tap, Key | None]] = {}

        def go_on(mover: Tap, wrong: int, off_ms: int, steps: int, leaves: Key | None) -> None:
            for place in self._wanting[mover.id]:
                plan, stop = place
                key = plan.id, stop.index
                if key in came or stop.suspended or _too_near(mover, place, owners, leaves, came):
                    continue
                worse, more_ms = self._inversions(mover, place), off_time_ms(stop, mover.at_ms)
                from_[key, mover.id] = mover, leaves
                heappush(ways, (wrong + worse, off_ms + more_ms, steps, plan.starts_ms, key, mover.id))

        go_on(tap, 0, 0, 1, None)
        while ways:
            wrong, off_ms, steps, _, key, name = heappop(ways)
            if key in came:
                continue
            came[key] = from_[key, name]
            owner = owners.get(key)
            if owner is None:
                return _along(key, came)
            if owner.round != key[0]:
                go_on(owner, wrong, off_ms, steps + 1, key)
        return {}

    def _inversions(self, tap: Tap, place: _Place) -> int:
        """How many visits of the round at other checkpoints this one would contradict."""
        plan, stop = place
        if plan.order != "ordered":
            return 0
        return sum(
            visit.at_ms > tap.at_ms if index < stop.index else visit.at_ms < tap.at_ms
            for index, visit in self._visits.get(plan.id, {}).items()
            if visit.checkpoint != tap.checkpoint
        )


def _same_visit(tap: Tap, plan: RoundPlan, owners: Iterable[Tap]) -> Tap | None:
    """The nearest visit that this tap only repeats or accompanies."""
    together_ms = plan.together_ms if wants_several(plan) else -1
    near = [
        (abs(tap.at_ms - one.at_ms), one.id, one)
        for one in owners
        if abs(tap.at_ms - one.at_ms) <= max(plan.duplicate_ms if one.guard == tap.guard else -1, together_ms)
    ]
    return min(near)[2] if near else None


def _too_near(tap: Tap, place: _Place, owners: Mapping[Key, Tap], leaves: Key | None, came: _Came) -> bool:
    """Whether the visits of a loop's other stops are too near for this to be one more."""
    plan, stop = place
    for one in plan.stops:
        if one.checkpoint == stop.checkpoint and one is not stop:
            key = plan.id, one.index
            other = came[key][0] if key == leaves else owners.get(key)
            if other is not None and abs(tap.at_ms - other.at_ms) <= apart_ms(plan):
                return True
    return False


def _along(key: Key | None, came: _Came) -> dict[Key, Tap]:
    """The moves that lead to a stop."""
    moved = {}
    while key is not None:
        moved[key], key = came[key]
    return moved
