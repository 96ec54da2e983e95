"""A month of six routes whose truth is known, heard in any order."""

from collections import Counter
from collections.abc import Iterator
from random import Random

from patrol_plans import make_plan, make_tap, ms

from services.patrol.judging.claims import share
from services.patrol.judging.verdict import grade
from services.patrol.model import RoundPlan, Tap

DAYS, DAY = 30, 24 * 60
ROUTES = {
    # name: (order, minutes from round to round, first round, stops, how early and how late somebody may be)
    "inner": ("ordered", 60, 0, "gate@0 lobby@4 garage@8 roof@12 pump@16", -12, 29),
    "outer": ("ordered", 120, 0, "north@0 east@15 south@30 west@45 north@60", -14, 29),
    "garage": ("any", 90, 0, "p1@0 p2@4 p3@8 p4@12", -14, 29),
    "stairs": ("any", 30, 0, "tower-a@0 tower-b@4", -12, 17),
    "fire": ("freeroam", 120, 0, "panel@0 hydrant@4 valve@8", -14, 29),
    "must": ("ordered", 240, 60, "playground@0 pool@4 panel@8", -14, 29),
}  # where the windows of two rounds overlap, a tap counts in the nearer one, so nobody is further off than that
Truth = dict[tuple[str, int], str]


def plans(route: str, random: Random) -> Iterator[tuple[RoundPlan, str]]:
    """Every round of the month and how it is going to be walked."""
    order, every, first, stops, _, _ = ROUTES[route]
    for start in range(first, DAYS * DAY, every):
        plan = make_plan(stops, order=order, start=start, id=f"{route}.{start}", route=route)
        yield plan, random.choices(["on_time", "early", "late"], [90, 3, 7])[0]


def month() -> tuple[list[RoundPlan], list[Tap], Truth]:
    """Rounds, taps, and what was really the case at each stop."""
    random = Random(20261121)
    known: list[RoundPlan] = []
    taps: list[Tap] = []
    truth: Truth = {}
    for route in ROUTES:
        for plan, manner in plans(route, random):
            known.append(plan)
            *_, soonest, latest = ROUTES[route]
            off = {"on_time": (-4, 9), "early": (soonest, -6), "late": (11, latest - 0.5)}
            offset = random.uniform(*off[manner])
            for stop in plan.stops:
                truth[plan.id, stop.index] = "missed" if random.random() < 0.05 else manner
                if truth[plan.id, stop.index] != "missed":
                    due = (stop.on_time_from_ms + ms(5)) / ms(1)
                    at = due + offset + random.uniform(0, 0.4)
                    taps.append(make_tap(stop.checkpoint, at, name=f"{plan.id}/{stop.index}"))
    random.shuffle(taps)
    return known, taps, truth


def verdicts(known: list[RoundPlan], taps: list[Tap]) -> tuple[Truth, int]:
    """What is said of every stop when its round is over, and how many misses are left unconfirmed."""
    heard: dict[str, list[Tap]] = {plan.id: [] for plan in known}
    for route in ROUTES:
        shared = share([plan for plan in known if plan.route == route], taps)
        for tap in taps:
            if tap.id in shared:
                heard[shared[tap.id].id].append(tap)
    graded = [(plan, grade(plan, heard[plan.id], plan.final_ms, silent=True)) for plan in known]
    found = {(plan.id, stop.index): str(stop.verdict) for plan, verdict in graded for stop in verdict.stops}
    return found, sum(len(verdict.missed) for _, verdict in graded if verdict.unconfirmed)


def test_a_month_of_six_routes_equals_the_truth_once_everything_was_heard() -> None:
    known, taps, truth = month()
    late = len(taps) * 2 // 5
    before, unconfirmed = verdicts(known, taps[late:])
    counted = Counter(truth.values())
    assert 0.04 < counted["missed"] / len(truth) < 0.06
    assert Counter(before.values())["missed"] == unconfirmed == counted["missed"] + late
    found, _ = verdicts(known, taps)
    assert found == truth
    assert Counter(found.values()) == counted
