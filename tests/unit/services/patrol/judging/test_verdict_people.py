"""Rounds that need several people, or people of several roles."""

import pytest
from patrol_plans import make_plan, make_stop, make_tap, ms, walked

from services.patrol.judging.verdict import grade
from services.patrol.model import LegLimit, Tap, Verdict

PAIR = make_plan("gate lobby", people=2)
NIGHT = make_plan("gate lobby", roles=("guard", "maintenance", "supervisor"))
LATER = ms(24 * 60)


def seen(*taps: tuple[str, float, str, str]) -> list[Tap]:
    return [make_tap(checkpoint, minute, guard, role=role) for checkpoint, minute, guard, role in taps]


@pytest.mark.parametrize(
    ("second", "short_of"),
    [
        (walked("gate@2 lobby@11", "wang"), ""),
        (walked("gate@-1 lobby@12", "wang"), ""),
        (walked("gate@2.1 lobby@10", "wang"), "people 1/2 at gate"),
        (walked("lobby@10", "wang"), "people 1/2 at gate"),
        (walked("gate@1 lobby@10.5", "li"), "people 1/2 at gate (+1)"),
        ([], "people 1/2 at gate (+1)"),
    ],
)
def test_two_people_within_two_minutes_at_every_stop(second: list[Tap], short_of: str) -> None:
    found = grade(PAIR, walked("gate@0 lobby@10") + second, LATER)
    assert found.short_of == short_of
    assert [stop.verdict for stop in found.stops] == [Verdict.ON_TIME] * 2


def test_taps_of_the_second_person_are_visits_of_his_own() -> None:
    found = grade(PAIR, walked("gate@0 lobby@10") + walked("gate@1 gate@1.5 gate@30 lobby@72", "wang"), LATER)
    assert {one.tap: (one.verdict, one.rule) for one in found.taps if "wang" in one.tap} == {
        "gate/1/wang": ("on_time", "people"),
        "gate/1.5/wang": ("duplicate", "duplicate"),
        "gate/30/wang": ("extra", "visited"),
        "lobby/72/wang": ("late", "people"),
    }
    assert found.guards == ("li", "wang")


def test_whoever_came_back_with_a_colleague_was_there_with_him() -> None:
    assert grade(PAIR, walked("gate@0 gate@20") + walked("gate@21", "wang"), LATER).short_of == ""


def test_a_second_person_does_not_walk_the_rest_of_a_loop() -> None:
    loop = make_plan("gate lobby gate", people=2)
    found = grade(loop, walked("gate@0 lobby@10") + walked("gate@2 lobby@11", "wang"), LATER)
    assert [stop.verdict for stop in found.stops] == ["on_time", "on_time", "missed"]


def test_the_second_person_has_to_walk_the_legs_too() -> None:
    plan = make_plan("gate lobby", people=2, legs={("gate", "lobby"): LegLimit(ms(5), None, "leg")})
    found = grade(plan, walked("gate@0 lobby@10") + walked("gate@8 lobby@11", "wang"), LATER)
    assert (found.stops[1].verdict, found.stops[1].because) == (Verdict.TOO_FAST, ("gate/8/wang", "lobby/11/wang"))
    again = grade(plan, walked("gate@0 lobby@21") + walked("gate@8 gate@20 lobby@22", "wang"), LATER)
    assert again.stops[1].verdict == Verdict.ON_TIME


def test_a_suspended_stop_lacks_nobody() -> None:
    plan = make_plan([make_stop(0, "gate"), make_stop(1, "lobby", suspended="rush hour")], people=2)
    assert grade(plan, walked("gate@0 lobby@10") + walked("gate@1", "wang"), LATER).short_of == ""


@pytest.mark.parametrize(
    ("taps", "short_of"),
    [
        (seen(("gate", 0, "li", "guard"), ("gate", 1, "wu", "maintenance"), ("lobby", 9, "ma", "supervisor")), ""),
        (seen(("gate", 0, "li", "guard"), ("lobby", 1, "wu", "maintenance")), "role supervisor"),
        (seen(("gate", 0, "li", "guard"), ("lobby", 1, "li", "supervisor")), "role maintenance, supervisor"),
        (seen(("gate", 0, "li", "guard"), ("pool", 1, "ma", "supervisor")), "role maintenance, supervisor"),
        ([], ""),
    ],
)
def test_every_role_is_stood_for_by_somebody_else(taps: list[Tap], short_of: str) -> None:
    assert grade(NIGHT, taps, LATER).short_of == short_of


def test_people_are_spread_over_the_roles_they_can_stand_for() -> None:
    plan = make_plan("gate lobby", roles=("guard", "supervisor"))
    taps = seen(("gate", 0, "li", "guard"), ("gate", 1, "ma", "guard"), ("lobby", 9, "li", "supervisor"))
    assert grade(plan, taps, LATER).short_of == ""
    assert grade(make_plan("gate lobby", roles=("guard", "guard")), taps[::2], LATER).short_of == "role guard"


def test_two_at_every_stop_and_a_supervisor_somewhere() -> None:
    plan = make_plan("gate lobby", people=2, roles=("supervisor",))
    taps = walked("gate@0 lobby@10") + walked("gate@1 lobby@30", "wang")
    assert grade(plan, taps, LATER).short_of == "people 1/2 at lobby; role supervisor"


def test_one_person_is_enough_where_one_is_asked_for() -> None:
    found = grade(make_plan("gate lobby"), walked("gate@0 lobby@10") + walked("gate@1", "wang"), LATER)
    assert found.short_of == ""
    assert found.taps[1].verdict == Verdict.EXTRA


def test_who_is_only_claimed_is_no_company_and_stands_for_no_role() -> None:
    plan = make_plan("gate lobby", people=2, roles=("supervisor",))
    taps = walked("gate@0 lobby@10") + walked("gate@1 lobby@10", "claimed:wang")
    assert grade(plan, taps, LATER).short_of == "people 1/2 at gate (+1); role supervisor"
