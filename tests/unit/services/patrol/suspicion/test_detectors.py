"""Detectors: single cases, and 200 honest against 50 fake rounds."""

import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from services.patrol.model import Evidence
from services.patrol.suspicion.detectors import Kind, Limits, Mark, Seen, examine, graded, two_places, walked
from services.patrol.suspicion.walking import Legs, Place, Walk, distance_floor, known

FLOORS, POINTS = 5, 4
PLACES = {
    f"f{floor}p{point}": Place(point * 28.0, floor * 3.0, floor) for floor in range(FLOORS) for point in range(POINTS)
}
ROUTE = tuple(
    f"f{floor}p{point}" for floor in range(FLOORS) for point in (range(4) if floor % 2 == 0 else (3, 2, 1, 0))
)
COLD = Legs({}, PLACES)
START_MS = 1_790_000_000_000


def seen(*taps: tuple[str, float], device: str = "phone", **more: Any) -> list[Seen]:
    return [
        Seen(f"{device}-{index}", checkpoint, START_MS + round(at_s * 1000), device, **more)
        for index, (checkpoint, at_s) in enumerate(taps)
    ]


def kinds(marks: Mapping[str, tuple[Mark, ...]]) -> dict[str, set[Kind]]:
    return {tap: {mark.kind for mark in found} for tap, found in marks.items()}


def walk_s(start: str, end: str, chance: random.Random) -> float:
    here, there = PLACES[start], PLACES[end]
    floors = abs(here.floor - there.floor)
    climb = min(floors * 16, 25 + 3 * floors) if floors else 0
    usual = (abs(here.x_m - there.x_m) + 2) / 1.25 + climb
    return usual * chance.lognormvariate(0, 0.15) + chance.uniform(3, 10)


def honest_round(chance: random.Random) -> list[tuple[str, float]]:
    """Walks with breaks, double taps, a forgotten point fetched later, and stamps a second off."""
    order = list(ROUTE)
    if chance.random() < 0.2:
        forgotten = chance.randrange(1, len(order) - 3)
        order.insert(forgotten + chance.randint(1, 2), order.pop(forgotten))
    if chance.random() < 0.3:
        order.reverse()
    at, taps = 0.0, [(order[0], 0.0)]
    for start, end in pairwise(order):
        at += walk_s(start, end, chance) + (chance.expovariate(1 / 180) if chance.random() < 0.08 else 0)
        taps.append((end, at))
        if chance.random() < 0.08:
            taps += [(end, at + again * chance.uniform(1, 4)) for again in range(1, chance.choice([2, 2, 3]))]
    return [(checkpoint, at + chance.uniform(-1, 1)) for checkpoint, at in taps]


def desk(chance: random.Random) -> list[tuple[str, float]]:
    pause = chance.uniform(1.5, 5)
    return [(checkpoint, index * pause + chance.uniform(-0.5, 0.5)) for index, checkpoint in enumerate(ROUTE)]


def partly_desk(chance: random.Random) -> list[tuple[str, float]]:
    """Walks the ground floor, then reads the other floors' tags where he sits."""
    walk = [tap for tap in honest_round(random.Random(1)) if tap[0] in ROUTE[:4]][:4]
    rest = [(checkpoint, index * chance.uniform(2, 4)) for index, checkpoint in enumerate(ROUTE[4:], start=1)]
    return walk + [(checkpoint, max(at for _, at in walk) + at) for checkpoint, at in rest]


def floor_left_out(chance: random.Random) -> list[tuple[str, float]]:
    floor = chance.randrange(1, FLOORS)
    return [tap for tap in honest_round(chance) if not tap[0].startswith(f"f{floor}")]


def driven(chance: random.Random) -> list[tuple[str, float]]:
    share = chance.uniform(0.15, 0.3)
    return [(checkpoint, at * share) for checkpoint, at in honest_round(chance)]


def one_point(chance: random.Random) -> list[tuple[str, float]]:
    pause = chance.choice([4, 20, 70, 200])
    return [("f0p0", index * pause * chance.uniform(0.95, 1.05)) for index in range(len(ROUTE))]


def learned_legs() -> Legs:
    chance = random.Random(2)
    walks: dict[tuple[str, str], Walk] = {}
    for start in ROUTE:
        for end in ROUTE:
            if start != end and abs(ROUTE.index(start) - ROUTE.index(end)) <= 3:
                samples = [["2026-10-01", f"g{index % 4}", walk_s(start, end, chance)] for index in range(40)]
                walks[start, end] = known(samples, None, distance_floor(PLACES[start], PLACES[end], 3.0, 8.0))
    return Legs(walks, PLACES)


def suspect(round_: list[tuple[str, float]], legs: Legs) -> set[Kind]:
    marks = examine(seen(*round_, round="r1"), legs, rounds={"r1": ROUTE})
    return {mark.kind for found in marks.values() for mark in found if mark.kind.concern == "suspect"}


FAKES = (
    (desk, Kind.DESK),
    (partly_desk, Kind.DESK),
    (floor_left_out, Kind.SKIPPED_FLOOR),
    (driven, Kind.IMPOSSIBLE_LEG),
    (one_point, Kind.SAME_POINT),
)


@pytest.mark.parametrize("cold", [False, True])
def test_fake_rounds_are_marked_and_honest_ones_are_not(cold: bool) -> None:
    legs = COLD if cold else learned_legs()
    chance = random.Random(20261121)
    honest = [suspect(honest_round(chance), legs) for _ in range(200)]
    assert sum(map(bool, honest)) <= 2
    fakes = [(fake(chance), kind) for _ in range(10) for fake, kind in FAKES]
    caught = [bool(suspect(round_, legs)) for round_, _ in fakes]
    assert len(caught) == 50
    assert sum(caught) >= 48
    if not cold:
        named = [kind in suspect(round_, legs) or Kind.DESK in suspect(round_, legs) for round_, kind in fakes]
        assert sum(named) >= 48


def test_the_order_of_arrival_makes_no_difference_and_a_late_tap_clears() -> None:
    chance = random.Random(4)
    taps = seen(*honest_round(chance), round="r1")
    without = [tap for tap in taps if not tap.checkpoint.startswith("f2")]
    marked = examine(without, COLD, rounds={"r1": ROUTE})
    assert {kind for found in kinds(marked).values() for kind in found} == {Kind.SKIPPED_FLOOR}
    chance.shuffle(taps)
    assert examine(taps, COLD, rounds={"r1": ROUTE}) == {}


def test_a_floor_is_not_left_out_while_the_round_goes_on() -> None:
    upwards = [tap for tap in honest_round(random.Random(1)) if not tap[0].startswith("f1")][:9]
    assert suspect(upwards, COLD) == set()


def test_an_impossible_leg_names_its_figures() -> None:
    taps = seen(("f0p0", 0), ("f0p3", 10), ("f0p2", 60))
    (mark,) = examine(taps, COLD)["phone-1"]
    assert (mark.kind, mark.taps) == (Kind.IMPOSSIBLE_LEG, ("phone-0", "phone-1"))
    assert mark.figures == {"from": "f0p0", "to": "f0p3", "took_s": 10, "at_least_s": 28, "rule": "distance"}
    unsure = seen(("f0p0", 0), ("f0p3", 10), uncertain_ms=60_000)
    assert examine(unsure, COLD) == {}


def test_tags_of_which_nothing_is_known_at_one_desk() -> None:
    assert kinds(examine(seen(("x", 0), ("y", 1.5), ("z", 3)), COLD)) == {
        f"phone-{index}": {Kind.DESK} for index in range(3)
    }
    assert examine(seen(("x", 0), ("y", 6), ("z", 12)), COLD) == {}


def test_the_same_point_when_every_round_wanted_it_is_fine() -> None:
    hourly = [Seen(str(index), "gate", START_MS + index * 300_000, round=f"r{index}") for index in range(8)]
    assert examine(hourly, COLD) == {}
    one_round = [Seen(tap.id, tap.checkpoint, tap.at_ms, round="r0") for tap in hourly]
    assert set(examine(one_round, COLD)) == {str(index) for index in range(8)}
    assert examine(seen(("gate", 0), ("gate", 2), ("gate", 5)), COLD) == {}


def test_one_person_at_two_places() -> None:
    taps = seen(("f0p0", 0)) + seen(("f4p3", 8), device="wand")
    assert kinds(two_places(taps, COLD)) == {"phone-0": {Kind.TWO_PLACES}, "wand-0": {Kind.TWO_PLACES}}
    assert kinds(examine(taps, COLD)) == kinds(two_places(taps, COLD))
    assert two_places(seen(("f0p0", 0)) + seen(("f4p3", 60), device="wand"), COLD) == {}
    assert two_places(seen(("f0p0", 0)) + seen(("f0p0", 8), device="wand"), COLD) == {}


def clocked(*errors_s: float, turned: bool = False) -> list[Seen]:
    return [
        Seen(str(index), "f0p0", at, "phone", round(at + error * 1000), at + 1_000, turned=turned, round=str(index))
        for index, error in enumerate(errors_s)
        for at in (START_MS + index * 900_000,)
    ]


def test_a_clock_turned_back_is_told_from_a_wrong_one() -> None:
    assert kinds(examine(clocked(0, -7200, -7200), COLD)) == {
        "1": {Kind.CLOCK_BACK, Kind.CLOCK_SKEW},
        "2": {Kind.CLOCK_BACK, Kind.CLOCK_SKEW},
    }
    assert kinds(examine(clocked(-7200, -7200, 0), COLD)) == {"0": {Kind.CLOCK_SKEW}, "1": {Kind.CLOCK_SKEW}}
    assert kinds(examine(clocked(7200, 0), COLD)) == {"0": {Kind.CLOCK_SKEW}}
    assert kinds(examine(clocked(0, turned=True), COLD)) == {"0": {Kind.CLOCK_SKEW}}
    assert examine(clocked(-60, 60), COLD) == {}


def test_late_is_said_and_no_offence() -> None:
    tap = Seen("a", "f0p0", START_MS, received_ms=START_MS + 300_001)
    (mark,) = examine([tap], COLD)["a"]
    assert (mark.kind, mark.kind.concern, mark.figures) == (Kind.LATE_SYNC, "info", {"late_s": 300.001})
    assert examine([tap], COLD, Limits(late_after_ms=300_001)) == {}


def test_a_uid_after_a_walk_is_worth_more() -> None:
    start, soon, later, again = seen(("f0p0", 0), ("f0p1", 5), ("f0p1", 30), ("f0p1", 90))
    assert [walked(start, tap, COLD) for tap in (soon, later)] == [False, True]
    assert not walked(later, again, COLD)
    assert not walked(start, seen(("f0p1", 4000))[0], COLD)
    assert not walked(start, seen(("f0p1", 30), device="wand")[0], COLD)
    assert not walked(start, seen(("nowhere", 60))[0], COLD)
    assert graded(Evidence.UID, True) == Evidence.UID_WALKED
    assert graded(Evidence.UID, True, [Mark(Kind.LATE_SYNC, ())]) == Evidence.UID_WALKED
    assert graded(Evidence.UID, True, [Mark(Kind.DESK, ())]) == Evidence.UID
    assert graded(Evidence.QR, True) == Evidence.QR


def test_a_flood_at_one_point_is_counted_once_through() -> None:
    flood = seen(*(("f0p0", number * 0.5) for number in range(30_000)))
    marks = examine(flood, COLD)
    assert [mark.figures["taps"] for mark in marks["phone-7"] if mark.kind is Kind.SAME_POINT] == [30_000]
