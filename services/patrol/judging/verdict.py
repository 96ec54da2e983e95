"""What is said of a round, its stops and its taps: a pure function of the plan, the taps and the time."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from operator import attrgetter
from typing import NamedTuple

from services.patrol.judging.visits import (
    company,
    match_visits,
    misplaced,
    taps_by_checkpoint,
    together,
    unfilled,
    wants_several,
)
from services.patrol.model import (
    Certainty,
    LegLimit,
    RoundPlan,
    RoundState,
    RoundVerdict,
    StopPlan,
    StopVerdict,
    Tap,
    TapVerdict,
    Verdict,
)

GRAVEST_FIRST = (Verdict.OUT_OF_ORDER, Verdict.TOO_FAST, Verdict.EARLY, Verdict.LATE, Verdict.TOO_SLOW)
"""Of several things wrong with a visit the first of these names it."""
_GRAVITY = {verdict: place for place, verdict in enumerate(GRAVEST_FIRST)}
_when = attrgetter("at_ms", "id")


class _Fault(NamedTuple):
    verdict: Verdict
    rule: str
    because: tuple[str, ...]


class _Walk(NamedTuple):
    """The taps of a round with what they stand for."""

    taps: list[Tap]
    """In time order."""
    here: dict[str, list[Tap]]
    """By checkpoint, in time order."""
    visits: dict[int, Tap]
    """By the stop's index."""
    company: dict[str, StopPlan]
    """The stop of every other tap in the window of a visited stop."""
    present: list[Tap]
    """Visits and company: the taps that prove somebody's part in the round, in time order."""


def grade(plan: RoundPlan, taps: Iterable[Tap], now_ms: int, *, silent: bool = False) -> RoundVerdict:
    """Judge a round by the taps that belong to it, in whatever order they came; the same tap twice is one.

    `silent`: a device that may still hold taps of this round is unheard of, so that misses are not confirmed yet.
    """
    walk = _walk(plan, taps)
    faults = _faults(plan, walk)
    stops = tuple(_judge(plan, stop, walk, faults.get(stop.index, ()), now_ms, silent) for stop in plan.stops)
    state = _state(plan, stops, now_ms)
    times = [tap.at_ms for tap in walk.visits.values()]
    over = state in (RoundState.COMPLETE, RoundState.INCOMPLETE)
    return RoundVerdict(
        state=state,
        stops=stops,
        taps=_judge_taps(plan, walk, stops),
        guards=tuple(dict.fromkeys(tap.guard for tap in walk.present if tap.guard)),
        started_ms=min(times, default=None),
        finished_ms=max(times, default=None) if over else None,
        short_of=_short_of(plan, walk),
    )


def _walk(plan: RoundPlan, taps: Iterable[Tap]) -> _Walk:
    ordered = sorted(taps, key=_when)
    if len({tap.id for tap in ordered}) < len(ordered):
        ordered = _each_once(ordered)
    here = taps_by_checkpoint(ordered)
    visits = match_visits(plan, here)
    if len(visits) == len(ordered):
        return _Walk(ordered, here, visits, {}, ordered)
    along = company(plan, ordered, visits)
    visiting = {tap.id for tap in visits.values()}
    return _Walk(ordered, here, visits, along, [tap for tap in ordered if tap.id in visiting or tap.id in along])


def _each_once(ordered: Iterable[Tap]) -> list[Tap]:
    known: dict[str, Tap] = {}
    for tap in ordered:
        known.setdefault(tap.id, tap)
    return list(known.values())


def _faults(plan: RoundPlan, walk: _Walk) -> dict[int, list[_Fault]]:
    """What is wrong with visits; nothing is with those of suspended stops."""
    found: dict[int, list[_Fault]] = {}
    for stop in plan.stops:
        tap = walk.visits.get(stop.index)
        if tap is not None:
            verdict, rule = _timing(stop, tap.at_ms)
            if verdict is not Verdict.ON_TIME:
                found.setdefault(stop.index, []).append(_Fault(verdict, rule, (tap.id,)))
    if plan.order == "ordered":
        _add_misplaced(plan, walk, found)
    if plan.legs and plan.order != "freeroam":
        _add_legs(plan, walk, found)
    return found


def _timing(stop: StopPlan, at_ms: int) -> tuple[Verdict, str]:
    if stop.not_before_ms is not None and at_ms < stop.not_before_ms:
        return Verdict.EARLY, "not_before"
    if at_ms < stop.on_time_from_ms:
        return Verdict.EARLY, "window"
    return (Verdict.LATE if at_ms > stop.on_time_until_ms else Verdict.ON_TIME), "window"


def _add_misplaced(plan: RoundPlan, walk: _Walk, found: dict[int, list[_Fault]]) -> None:
    visits = walk.visits
    counted = [
        (stop.index, visits[stop.index].at_ms) for stop in plan.stops if stop.index in visits and not stop.suspended
    ]
    for index, against in misplaced(counted).items():
        because = (visits[index].id, visits[against].id)
        found.setdefault(index, []).append(_Fault(Verdict.OUT_OF_ORDER, "order", because))


def _add_legs(plan: RoundPlan, walk: _Walk, found: dict[int, list[_Fault]]) -> None:
    """Hold every guard's walk from visit to visit against its limits; who came along has walked too."""
    steps = [(tap.at_ms, index, tap) for index, tap in walk.visits.items()]
    if wants_several(plan):
        along = [(walk.company[tap.id], tap) for tap in walk.taps if tap.id in walk.company]
        steps += [(tap.at_ms, stop.index, tap) for stop, tap in along if _first_of_guard(walk, stop, tap)]
    before: dict[str, Tap] = {}
    for at_ms, index, tap in sorted(steps, key=lambda step: step[:2]):
        start = before.get(tap.guard)
        before[tap.guard] = tap
        limit = _leg(plan.legs, start.checkpoint, tap.checkpoint) if start else None
        if start is None or limit is None:
            continue
        took_ms = at_ms - start.at_ms
        because = (start.id, tap.id)
        if limit.minimum_ms is not None and took_ms < limit.minimum_ms:
            found.setdefault(index, []).append(_Fault(Verdict.TOO_FAST, limit.rule, because))
        elif limit.maximum_ms is not None and took_ms > limit.maximum_ms:
            found.setdefault(index, []).append(_Fault(Verdict.TOO_SLOW, limit.rule, because))


def _leg(legs: Mapping[tuple[str, str], LegLimit], start: str, end: str) -> LegLimit | None:
    return legs.get((start, end)) or legs.get((end, start))


def _judge(
    plan: RoundPlan, stop: StopPlan, walk: _Walk, faults: Sequence[_Fault], now_ms: int, silent: bool
) -> StopVerdict:
    tap = walk.visits.get(stop.index)
    if tap is not None:
        return _visited(stop, tap, faults)
    if stop.suspended:
        return StopVerdict(stop.index, stop.checkpoint, Verdict.SUSPENDED, rule="suspended")
    if now_ms < plan.final_ms:
        return StopVerdict(stop.index, stop.checkpoint, Verdict.PENDING, rule="final")
    if silent and now_ms < plan.confirm_ms:
        return StopVerdict(stop.index, stop.checkpoint, Verdict.MISSED, Certainty.UNCONFIRMED, rule="silent")
    return StopVerdict(stop.index, stop.checkpoint, Verdict.MISSED, Certainty.CONFIRMED, rule="final")


def _visited(stop: StopPlan, tap: Tap, faults: Sequence[_Fault]) -> StopVerdict:
    if stop.suspended or not faults:
        rule = "suspended" if stop.suspended else "window"
        return StopVerdict(
            stop.index, stop.checkpoint, Verdict.ON_TIME, Certainty.NONE, (), tap.id, tap.at_ms, rule, (tap.id,)
        )
    verdict, rule, because = min(faults, key=lambda fault: _GRAVITY[fault.verdict])
    found = {fault.verdict for fault in faults}
    marks = tuple(mark for mark in GRAVEST_FIRST if mark in found)
    return StopVerdict(stop.index, stop.checkpoint, verdict, Certainty.NONE, marks, tap.id, tap.at_ms, rule, because)


def _state(plan: RoundPlan, stops: Sequence[StopVerdict], now_ms: int) -> RoundState:
    counted = [verdict for stop, verdict in zip(plan.stops, stops, strict=True) if not stop.suspended]
    visited = sum(bool(stop.tap) for stop in counted)
    if not counted:
        return RoundState.SUSPENDED
    if visited == len(counted):
        return RoundState.COMPLETE
    if now_ms >= plan.final_ms:
        return RoundState.INCOMPLETE if visited else RoundState.MISSED
    if any(stop.tap for stop in stops):
        return RoundState.RUNNING
    return RoundState.PLANNED if now_ms < plan.opens_ms else RoundState.OPEN


def _judge_taps(plan: RoundPlan, walk: _Walk, stops: Sequence[StopVerdict]) -> tuple[TapVerdict, ...]:
    visited = {stop.tap: stop for stop in stops if stop.tap}
    verdicts = []
    for tap in walk.taps:
        stop = visited.get(tap.id)
        if stop is not None:
            verdicts.append(TapVerdict(tap.id, stop.verdict, stop.rule, stop.because))
        else:
            verdicts.append(_judge_other(plan, walk, tap))
    return tuple(verdicts)


def _judge_other(plan: RoundPlan, walk: _Walk, tap: Tap) -> TapVerdict:
    """A tap that is nobody's visit: the same visit once more, somebody who came along, or one too many."""
    stop = walk.company.get(tap.id)
    visit = walk.visits[stop.index] if stop else None
    same = _same_visit(plan, walk, tap, visit)
    if same:
        return TapVerdict(tap.id, Verdict.DUPLICATE, "duplicate", (same.id,))
    if stop is None or visit is None:
        known = any(one.checkpoint == tap.checkpoint for one in plan.stops)
        return TapVerdict(tap.id, Verdict.EXTRA, "window" if known else "route")
    if wants_several(plan) and _first_of_guard(walk, stop, tap):
        return TapVerdict(tap.id, _timing(stop, tap.at_ms)[0], "people", (visit.id,))
    return TapVerdict(tap.id, Verdict.EXTRA, "visited", (visit.id,))


def _same_visit(plan: RoundPlan, walk: _Walk, tap: Tap, visit: Tap | None) -> Tap | None:
    """The guard's visit, or else his earliest tap before this one, at the same point at nearly the same time."""
    if visit is not None and visit.guard == tap.guard and abs(tap.at_ms - visit.at_ms) <= plan.duplicate_ms:
        return visit
    here = walk.here[tap.checkpoint]
    first = bisect_left(here, tap.at_ms - plan.duplicate_ms, key=lambda one: one.at_ms)
    earlier = takewhile(lambda one: _when(one) < _when(tap), map(here.__getitem__, range(first, len(here))))
    return next((one for one in earlier if one.guard == tap.guard), None)


def _first_of_guard(walk: _Walk, stop: StopPlan, tap: Tap) -> bool:
    return tap.id == next(one.id for one in _taps_at(walk, stop) if one.guard == tap.guard)


def _taps_at(walk: _Walk, stop: StopPlan) -> list[Tap]:
    """Everybody's taps at a visited stop, in time order."""
    visit = walk.visits[stop.index]
    return [one for one in walk.here[stop.checkpoint] if one is visit or walk.company.get(one.id) is stop]


def _short_of(plan: RoundPlan, walk: _Walk) -> str:
    """What visited stops lack in people, and the round in roles; a round that nobody walked lacks its visits."""
    if not walk.visits or not wants_several(plan):
        return ""
    words = []
    seen = [
        (stop, together(_taps_at(walk, stop), plan.together_ms))
        for stop in plan.stops
        if stop.index in walk.visits and not stop.suspended
    ]
    lonely = [(stop, people) for stop, people in seen if people < plan.people]
    if lonely:
        stop, people = lonely[0]
        more = f" (+{len(lonely) - 1})" if len(lonely) > 1 else ""
        words.append(f"people {people}/{plan.people} at {stop.checkpoint}{more}")
    roles = unfilled(plan.roles, walk.present)
    if roles:
        words.append(f"role {', '.join(roles)}")
    return "; ".join(words)
