"""What holds for every round and every set of taps, and a brute-force count of the same."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise, permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st
from patrol_plans import make_plan, ms

from services.patrol.judging.verdict import grade
from services.patrol.judging.visits import misplaced
from services.patrol.model import Certainty, LegLimit, RoundPlan, StopPlan, Tap, Verdict

LATER = ms(10_000)
HALF = ms(0.5)
VISITED = {"on_time", "early", "late", "out_of_order", "too_fast", "too_slow"}
few = settings(max_examples=50, deadline=None)
times = st.integers(0, 40).map(lambda halves: halves * HALF)


@st.composite
def stop_plans(draw: st.DrawFn, index: int, checkpoint: str) -> StopPlan:
    edges = sorted(draw(st.lists(times, min_size=4, max_size=4)))
    not_before = draw(st.none() | times)
    return StopPlan(index, checkpoint, *edges, not_before, draw(st.sampled_from(["", "", "", "rush hour"])))


@st.composite
def round_plans(draw: st.DrawFn, points: str = "abcd", loops: bool = True) -> RoundPlan:
    names = draw(st.lists(st.sampled_from(points), min_size=1, max_size=5, unique=not loops))
    stops = [draw(stop_plans(index, name)) for index, name in enumerate(names)]
    limits = st.builds(LegLimit, st.none() | times, st.none() | times, st.just("leg"))
    return make_plan(
        stops,
        order=draw(st.sampled_from(["ordered", "any", "freeroam"])),
        legs=draw(st.dictionaries(st.sampled_from(list(product("abcd", repeat=2))), limits, max_size=4)),
        people=draw(st.integers(1, 2)),
        roles=draw(st.sampled_from([(), (), ("guard", "supervisor")])),
        length=20,
    )


@st.composite
def tap_lists(draw: st.DrawFn, most: int = 8) -> list[Tap]:
    taps = st.tuples(st.sampled_from("abcde"), times, st.sampled_from(["li", "wang"]))
    return [Tap(f"t{number}", *tap) for number, tap in enumerate(draw(st.lists(taps, max_size=most)))]


def visited(plan: RoundPlan, taps: list[Tap]) -> Counter[str]:
    return Counter(stop.checkpoint for stop in grade(plan, taps, LATER).stops if stop.tap)


@few
@given(round_plans(), tap_lists(), st.randoms())
def test_the_order_of_arrival_changes_nothing(plan: RoundPlan, taps: list[Tap], mixer) -> None:  # type: ignore[no-untyped-def]
    expected = grade(plan, taps, LATER)
    mixed = taps + taps[:3]
    mixer.shuffle(mixed)
    assert grade(plan, mixed, LATER) == expected


@few
@given(round_plans(), tap_lists(), st.integers(0, 7))
def test_one_tap_more_never_takes_a_visit_away(plan: RoundPlan, taps: list[Tap], place: int) -> None:
    before, after = visited(plan, taps[:place] + taps[place + 1 :]), visited(plan, taps)
    assert before <= after


@few
@given(round_plans(), tap_lists())
def test_every_verdict_names_its_rule_and_real_taps(plan: RoundPlan, taps: list[Tap]) -> None:
    found = grade(plan, taps, LATER)
    known = {tap.id for tap in taps}
    for stop in found.stops:
        assert stop.rule
        assert set(stop.because) <= known
        assert bool(stop.tap) == (stop.verdict in VISITED) == (stop.at_ms is not None)
        assert stop.tap in stop.because or not stop.tap
        assert (stop.verdict in stop.marks) == (stop.verdict in VISITED - {"on_time"})
    assert [one.tap for one in found.taps] == [tap.id for tap in sorted(taps, key=lambda tap: (tap.at_ms, tap.id))]
    assert all(one.rule and set(one.because) <= known for one in found.taps)
    used = [stop.tap for stop in found.stops if stop.tap]
    assert len(set(used)) == len(used)


@few
@given(round_plans(loops=False), tap_lists())
def test_a_missed_stop_has_no_tap_in_its_window(plan: RoundPlan, taps: list[Tap]) -> None:
    for stop, verdict in zip(plan.stops, grade(plan, taps, LATER).stops, strict=True):
        inside = [
            tap
            for tap in taps
            if tap.checkpoint == stop.checkpoint and stop.early_from_ms <= tap.at_ms <= stop.late_until_ms
        ]
        assert bool(inside) == (verdict.verdict in VISITED)


@few
@given(round_plans(), tap_lists(), st.integers(-20, 500), st.integers(0, 500), st.booleans())
def test_time_only_moves_on(plan: RoundPlan, taps: list[Tap], minute: int, more: int, silent: bool) -> None:
    sooner, later = (grade(plan, taps, ms(now), silent=silent) for now in (minute, minute + more))
    steps = {Certainty.NONE: 0, Certainty.UNCONFIRMED: 1, Certainty.CONFIRMED: 2}
    for was, now in zip(sooner.stops, later.stops, strict=True):
        assert was == now or not was.tap
        assert steps[was.certainty] <= steps[now.certainty]
        assert now.verdict != Verdict.PENDING or was.verdict == Verdict.PENDING
    if minute < 55:
        assert not sooner.missed


def timings(stop: StopPlan, taps: list[Tap]) -> set[str]:
    """What the best tap at this stop may be, counted the long way: one millisecond grid point after the other."""
    here = [tap.at_ms for tap in taps if tap.checkpoint == stop.checkpoint]
    here = [at for at in here if at in range(stop.early_from_ms, stop.late_until_ms + 1)]
    start = max(stop.on_time_from_ms, stop.not_before_ms or 0)
    if not here:
        return {"suspended" if stop.suspended else "missed"}
    if stop.suspended or any(start <= at <= stop.on_time_until_ms for at in here):
        return {"on_time"}
    off = {at: start - at if at < start else at - stop.on_time_until_ms for at in here}
    return {"early" if at < start else "late" for at in here if off[at] == min(off.values())}


@few
@given(round_plans(loops=False), tap_lists(12))
def test_windows_equal_a_brute_force_count(plan: RoundPlan, taps: list[Tap]) -> None:
    for stop, verdict in zip(plan.stops, grade(plan, taps, LATER).stops, strict=True):
        marked = {str(mark) for mark in verdict.marks} & {"early", "late"}
        found = marked or {"on_time" if verdict.verdict in VISITED else str(verdict.verdict)}
        assert len(found) == 1
        assert found <= timings(stop, taps)


@few
@given(st.lists(st.integers(0, 6), min_size=1, max_size=7))
def test_no_smaller_set_of_stops_explains_the_order(minutes: list[int]) -> None:
    visits = list(enumerate(minutes))
    found = misplaced(visits)
    kept = [at for stop, at in visits if stop not in found]
    assert kept == sorted(kept)
    longest = max(
        size
        for size in range(1, len(minutes) + 1)
        if any(list(some) == sorted(some) for some in combinations(minutes, size))
    )
    assert len(kept) == longest
    for stop, other in found.items():
        assert other not in found
        assert (other < stop) == (minutes[other] > minutes[stop])


def matchings(stops: tuple[StopPlan, ...], taps: list[Tap]) -> Iterator[int]:
    """How many stops each way of giving taps to them visits."""
    for chosen in permutations([*taps, *[None] * len(stops)], len(stops)):
        pairs = [(stop, tap) for stop, tap in zip(stops, chosen, strict=True) if tap is not None]
        inside = all(stop.early_from_ms <= tap.at_ms <= stop.late_until_ms for stop, tap in pairs)
        used = sorted(tap.at_ms for _, tap in pairs)
        if inside and all(later - sooner > ms(1) for sooner, later in pairwise(used)):
            yield len(pairs)


@few
@given(st.data())
def test_a_loop_is_given_as_many_visits_as_can_be(data: st.DataObject) -> None:
    stops = [data.draw(stop_plans(index, "a")) for index in range(data.draw(st.integers(2, 3)))]
    stops = [StopPlan(*(getattr(stop, name) for name in StopPlan.__slots__[:-1])) for stop in stops]
    order = data.draw(st.sampled_from(["ordered", "any"]))
    plan = make_plan(stops, order=order, length=20)
    taps = [tap for tap in data.draw(tap_lists(6)) if tap.checkpoint == "a"][:4]
    assert sum(visited(plan, taps).values()) == max(matchings(plan.stops, taps))
