"""What holds however rounds overlap and guards tap."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from patrol_plans import make_plan, make_tap, ms

from services.patrol.judging.claims import share, wanted
from services.patrol.judging.verdict import grade
from services.patrol.model import RoundPlan, StopPlan, Tap

LATER = ms(10_000)
few = settings(max_examples=80, deadline=None)
Shares = Callable[[list[RoundPlan], list[Tap]], dict[str, RoundPlan]]


@st.composite
def routes(draw: st.DrawFn, points: str = "ab", people: int = 2) -> list[RoundPlan]:
    """Rounds of one route whose windows lie anyhow, each with up to two stops."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        stops = []
        for index, point in enumerate(draw(st.lists(st.sampled_from(points), min_size=1, max_size=2, unique=True))):
            edges = sorted(draw(st.lists(st.integers(0, 40), min_size=4, max_size=4)))
            stops.append(StopPlan(index, point, *map(ms, edges), None, draw(st.sampled_from(["", "", "", "rush"]))))
        start = stops[0].early_from_ms // ms(1)
        found.append(make_plan(stops, id=f"r{number}", start=start, people=draw(st.integers(1, people))))
    return found


@st.composite
def tap_lists(draw: st.DrawFn, points: str = "abc") -> list[Tap]:
    halves = st.integers(0, 80).map(lambda half: half / 2)
    names = st.sampled_from(["", "", "r0", "r2", "gone"])
    one = st.tuples(st.sampled_from(points), halves, st.sampled_from(["li", "wang"]), names)
    return [
        make_tap(point, minute, guard, name=f"t{number}", round=named)
        for number, (point, minute, guard, named) in enumerate(draw(st.lists(one, max_size=9)))
    ]


def nearest(plans: list[RoundPlan], taps: list[Tap]) -> dict[str, RoundPlan]:
    """Where every tap counts if nobody minds the others."""
    return {name: plan for tap in taps for name, plan in share(plans, [tap]).items()}


def visits(plans: list[RoundPlan], taps: list[Tap], shares: Shares) -> set[tuple[str, str]]:
    """The stops that count and were visited."""
    found = shares(plans, taps)
    graded = [(one, grade(one, [tap for tap in taps if found.get(tap.id) is one], LATER)) for one in plans]
    return {
        (plan.id, stop.checkpoint)
        for plan, verdict in graded
        for stop, said in zip(plan.stops, verdict.stops, strict=True)
        if said.tap and not stop.suspended
    }


@few
@given(routes(), tap_lists())
def test_nobody_who_was_at_his_nearest_round_is_missed_by_sharing(plans: list[RoundPlan], taps: list[Tap]) -> None:
    assert visits(plans, taps, nearest) <= visits(plans, taps, share)


@few
@given(routes(), tap_lists(), st.randoms())
def test_every_tap_counts_once_whatever_came_first(plans: list[RoundPlan], taps: list[Tap], mixer) -> None:  # type: ignore[no-untyped-def]
    expected = share(plans, taps)
    assert set(expected) == {tap.id for tap in taps if any(wanted(plan, tap) for plan in plans)}
    assert all(wanted(expected[tap.id], tap) for tap in taps if tap.id in expected)
    mixed, others = [*taps, *taps[:2]], list(plans)
    mixer.shuffle(mixed)
    mixer.shuffle(others)
    assert share(others, mixed) == expected


def most_visits(plans: list[RoundPlan], taps: list[Tap]) -> int:
    """How many stops can be visited at best, one tap each."""
    visitor: dict[tuple[str, int], Tap] = {}

    def fits(tap: Tap, tried: set[tuple[str, int]]) -> bool:
        for plan in plans:
            for stop in plan.stops:
                key = plan.id, stop.index
                if key in tried or stop.suspended or stop.checkpoint != tap.checkpoint or not wanted(plan, tap):
                    continue
                tried.add(key)
                if key not in visitor or fits(visitor[key], tried):
                    visitor[key] = tap
                    return True
        return False

    return sum(fits(tap, set()) for tap in taps)


@few
@given(routes(people=1), st.lists(st.integers(0, 20), unique=True, max_size=9), st.data())
def test_as_many_stops_are_visited_as_can_be(plans: list[RoundPlan], evens: list[int], data: st.DataObject) -> None:
    taps = [make_tap(data.draw(st.sampled_from("ab")), 2 * minute) for minute in evens]
    assert len(visits(plans, taps, share)) == most_visits(plans, taps)


@few
@given(
    st.sampled_from([15, 20, 30, 40]),
    st.lists(st.tuples(*[st.floats(-15, 30)] * 2), min_size=1, max_size=8),
    st.integers(0, 1),
)
def test_who_walks_every_round_within_its_windows_has_missed_none(
    every: int, offsets: list[tuple[float, float]], resting: int
) -> None:
    plans = [make_plan("gate@0 lobby@5", start=every * number, length=5) for number in range(len(offsets) + resting)]
    taps = []
    for place, (point, due) in enumerate([("gate", 0), ("lobby", 5)]):
        at = -100.0
        for number, off in enumerate(offsets):
            at = max(every * number + due + off[place], at + 1.01)
            assume(at <= every * number + due + 30)
            taps.append(make_tap(point, at))
    walked = {(plan.id, point) for plan in plans[: len(offsets)] for point in ("gate", "lobby")}
    found = visits(plans, taps, share)
    assert len(found) == len(walked)
    assert resting or found == walked


@few
@given(st.lists(st.integers(46, 90), max_size=6), st.lists(st.integers(-20, 400), max_size=12))
def test_rounds_apart_from_each_other_share_nothing(gaps: list[int], minutes: list[int]) -> None:
    starts = [0, *(sum(gaps[: number + 1]) for number in range(len(gaps)))]
    assert all(later - sooner > 45 for sooner, later in pairwise(starts))
    plans = [make_plan("gate@0", start=start) for start in starts]
    taps = [make_tap("gate", minute, name=f"t{number}") for number, minute in enumerate(minutes)]
    assert share(plans, taps) == nearest(plans, taps)
