"""Verdicts in an operator's words."""

from dataclasses import replace

import pytest
from patrol_plans import make_plan, make_stop, make_tap, ms, said, walked

from services.patrol.judging.verdict import grade
from services.patrol.model import Certainty, LegLimit, RoundState, Tap, Verdict

DUE = make_plan("gate@0 lobby@10 garage@20")
ANY_TIME = make_plan("gate lobby garage roof")
AFTERWARDS = ms(24 * 60)
DURING = ms(30)


def tap_verdicts(taps: list[Tap], plan=ANY_TIME) -> dict[str, tuple[str, str]]:  # type: ignore[no-untyped-def]
    return {one.tap: (one.verdict, one.rule) for one in grade(plan, taps, AFTERWARDS).taps}


@pytest.mark.parametrize(
    ("minute", "verdict"),
    [
        (-15.01, "missed"),
        (-15, "early"),
        (-5.01, "early"),
        (-5, "on_time"),
        (0, "on_time"),
        (10, "on_time"),
        (10.01, "late"),
        (30, "late"),
        (30.01, "missed"),
    ],
)
def test_two_nested_windows_inclusive(minute: float, verdict: str) -> None:
    assert said(grade(make_plan("gate@0"), [make_tap("gate", minute)], AFTERWARDS)) == f"gate:{verdict}"


def test_an_honest_round() -> None:
    found = grade(DUE, walked("gate@0 lobby@11 garage@19"), DURING)
    assert said(found) == "gate:on_time lobby:on_time garage:on_time"
    assert found.state == RoundState.COMPLETE
    assert (found.started_ms, found.finished_ms, found.guards) == (0, ms(19), ("li",))
    assert [(stop.rule, stop.because, stop.marks) for stop in found.stops] == [
        ("window", ("gate/0/li",), ()),
        ("window", ("lobby/11/li",), ()),
        ("window", ("garage/19/li",), ()),
    ]
    assert [one.verdict for one in found.taps] == [Verdict.ON_TIME] * 3


@pytest.mark.parametrize(
    ("taps", "minute", "state", "stops"),
    [
        ("", -30, "planned", "pending pending pending"),
        ("", -15, "open", "pending pending pending"),
        ("gate@0", 1, "running", "on_time pending pending"),
        ("gate@0", 94.9, "running", "on_time pending pending"),
        ("gate@0", 95, "incomplete", "on_time missed missed"),
        ("", 95, "missed", "missed missed missed"),
        ("gate@0 lobby@10 garage@20", 20, "complete", "on_time on_time on_time"),
        ("gate@0 lobby@10 garage@20", -30, "complete", "on_time on_time on_time"),
    ],
)
def test_a_round_runs_its_course(taps: str, minute: float, state: str, stops: str) -> None:
    found = grade(DUE, walked(taps), ms(minute))
    assert found.state == state
    assert " ".join(stop.verdict for stop in found.stops) == stops
    assert (found.finished_ms is not None) == (state in ("complete", "incomplete"))


@pytest.mark.parametrize(
    ("minute", "silent", "certainty", "rule"),
    [
        (95, False, Certainty.CONFIRMED, "final"),
        (95, True, Certainty.UNCONFIRMED, "silent"),
        (454.9, True, Certainty.UNCONFIRMED, "silent"),
        (455, True, Certainty.CONFIRMED, "final"),
    ],
)
def test_a_miss_is_unconfirmed_while_the_phone_is_silent(
    minute: float, silent: bool, certainty: Certainty, rule: str
) -> None:
    found = grade(DUE, walked("gate@0"), ms(minute), silent=silent)
    assert [(stop.certainty, stop.rule) for stop in found.missed] == [(certainty, rule)] * 2
    assert found.unconfirmed == (certainty == Certainty.UNCONFIRMED)


def test_evidence_that_comes_days_later_clears_a_miss() -> None:
    taps = walked("gate@0 garage@20")
    assert said(grade(DUE, taps, AFTERWARDS)) == "gate:on_time lobby:missed garage:on_time"
    found = grade(DUE, [*taps, make_tap("lobby", 12)], AFTERWARDS)
    assert (said(found), found.state) == ("gate:on_time lobby:on_time garage:on_time", RoundState.COMPLETE)


def test_a_checkpoint_not_to_be_visited_before_its_time() -> None:
    plan = make_plan([make_stop(0, "gate"), make_stop(1, "roof", not_before=20)])
    found = grade(plan, walked("gate@0 roof@19"), DURING)
    assert (found.stops[1].verdict, found.stops[1].rule) == (Verdict.EARLY, "not_before")
    later = grade(plan, walked("gate@0 roof@19 roof@22"), DURING)
    assert (later.stops[1].verdict, later.stops[1].tap) == (Verdict.ON_TIME, "roof/22/li")


@pytest.mark.parametrize(
    ("taps", "visit", "verdict"),
    [
        ("gate@-12 gate@3", "gate/3/li", "on_time"),
        ("gate@3 gate@8", "gate/3/li", "on_time"),
        ("gate@-9 gate@12", "gate/12/li", "late"),
        ("gate@-6 gate@25", "gate/-6/li", "early"),
        ("gate@-7 gate@12", "gate/-7/li", "early"),
    ],
)
def test_the_best_tap_is_the_visit(taps: str, visit: str, verdict: str) -> None:
    stop = grade(make_plan("gate@0"), walked(taps), AFTERWARDS).stops[0]
    assert (stop.tap, stop.verdict) == (visit, verdict)


@pytest.mark.parametrize(
    ("taps", "misplaced"),
    [
        ("gate@0 lobby@5 garage@10 roof@15", {}),
        ("gate@0 garage@5 lobby@10 roof@15", {"garage": "lobby"}),
        ("roof@0 gate@5 lobby@10 garage@15", {"roof": "gate"}),
        ("lobby@0 garage@5 roof@10 gate@15", {"gate": "lobby"}),
        ("gate@0 roof@5 lobby@10", {"roof": "lobby"}),
        ("gate@0 lobby@0 garage@0 roof@0", {}),
        ("roof@0 garage@5 lobby@10 gate@15", {"lobby": "gate", "garage": "gate", "roof": "gate"}),
    ],
)
def test_one_misplaced_tap_marks_one_stop(taps: str, misplaced: dict[str, str]) -> None:
    found = grade(ANY_TIME, walked(taps), AFTERWARDS)
    marked = {stop.checkpoint: stop for stop in found.stops if stop.verdict == Verdict.OUT_OF_ORDER}
    names = {tap.id: tap.checkpoint for tap in walked(taps)}
    assert {name: names[stop.because[1]] for name, stop in marked.items()} == misplaced
    assert all(stop.rule == "order" and stop.because[0] == stop.tap for stop in marked.values())


def test_whoever_passes_a_checkpoint_and_comes_back_in_order_is_in_order() -> None:
    found = grade(ANY_TIME, walked("garage@0 gate@2 lobby@5 garage@10 roof@15"), AFTERWARDS)
    assert [stop.verdict for stop in found.stops] == [Verdict.ON_TIME] * 4
    assert found.stops[2].tap == "garage/10/li"


@pytest.mark.parametrize("order", ["any", "freeroam"])
def test_without_an_order_nothing_is_out_of_order(order: str) -> None:
    found = grade(replace(ANY_TIME, order=order), walked("roof@0 garage@5 lobby@10 gate@15"), AFTERWARDS)
    assert {stop.verdict for stop in found.stops} == {Verdict.ON_TIME}


LEGS = {
    ("gate", "lobby"): LegLimit(ms(2), ms(10), "leg:gate-lobby"),
    ("lobby", "garage"): LegLimit(None, ms(10), "leg:lobby-garage"),
}


@pytest.mark.parametrize(
    ("taps", "verdict", "rule"),
    [
        ("gate@0 lobby@1.9", "too_fast", "leg:gate-lobby"),
        ("gate@0 lobby@2", "on_time", "window"),
        ("gate@0 lobby@10", "on_time", "window"),
        ("gate@0 lobby@10.1", "too_slow", "leg:gate-lobby"),
    ],
)
def test_a_leg_has_a_shortest_and_a_longest_time(taps: str, verdict: str, rule: str) -> None:
    plan = make_plan("gate lobby garage", legs=LEGS)
    stop = grade(plan, walked(taps), DURING).stops[1]
    assert (stop.verdict, stop.rule) == (verdict, rule)
    assert len(stop.because) == (1 if verdict == "on_time" else 2)


def test_a_leg_holds_both_ways_and_only_for_one_guard() -> None:
    plan = make_plan("gate lobby garage", order="any", legs=LEGS)
    assert grade(plan, walked("lobby@0 gate@1"), DURING).stops[0].verdict == Verdict.TOO_FAST
    two = [make_tap("lobby", 0, "li"), make_tap("gate", 1, "wang")]
    assert grade(plan, two, DURING).stops[0].verdict == Verdict.ON_TIME
    assert grade(replace(plan, order="freeroam"), walked("lobby@0 gate@1"), DURING).stops[0].verdict == Verdict.ON_TIME


def test_the_gravest_of_several_marks_names_the_visit() -> None:
    plan = make_plan("gate@40 lobby@40 garage@40", legs={("gate", "lobby"): LegLimit(ms(2), None, "leg")})
    found = grade(plan, walked("lobby@51 gate@51.5 garage@52"), AFTERWARDS)
    assert found.stops[0].marks == (Verdict.TOO_FAST, Verdict.LATE)
    assert found.stops[1].marks == (Verdict.OUT_OF_ORDER, Verdict.LATE)
    assert [stop.verdict for stop in found.stops] == ["too_fast", "out_of_order", "late"]


def test_a_suspended_stop_is_not_counted_but_a_visit_is_shown() -> None:
    plan = make_plan([make_stop(0, "gate"), make_stop(1, "lobby", suspended="rush hour"), make_stop(2, "garage")])
    away = grade(plan, walked("gate@0 garage@20"), AFTERWARDS)
    assert said(away) == "gate:on_time lobby:suspended garage:on_time"
    assert away.state == RoundState.COMPLETE
    there = grade(plan, walked("gate@0 garage@20 lobby@80"), AFTERWARDS)
    assert (said(there), there.stops[1].rule) == ("gate:on_time lobby:on_time garage:on_time", "suspended")
    assert grade(plan, walked("lobby@1"), AFTERWARDS).state == RoundState.MISSED


def test_a_round_with_nothing_to_count_is_suspended() -> None:
    plan = make_plan([make_stop(0, "gate", suspended="rush hour")])
    assert grade(plan, [], AFTERWARDS).state == RoundState.SUSPENDED
    assert grade(plan, walked("gate@1"), AFTERWARDS).state == RoundState.SUSPENDED


def test_what_is_said_of_taps_that_are_no_visits() -> None:
    taps = walked("gate@0 gate@1 gate@1.1 gate@20 pool@5 gate@95")
    assert tap_verdicts(taps) == {
        "gate/0/li": ("on_time", "window"),
        "gate/1/li": ("duplicate", "duplicate"),
        "gate/1.1/li": ("duplicate", "duplicate"),
        "gate/20/li": ("extra", "visited"),
        "pool/5/li": ("extra", "route"),
        "gate/95/li": ("extra", "window"),
    }


def test_a_tap_just_before_the_visit_is_the_same_visit() -> None:
    found = grade(make_plan("gate@0"), walked("gate@-5.5 gate@-4.9"), AFTERWARDS)
    assert found.stops[0].verdict == Verdict.ON_TIME
    assert [(one.verdict, one.because) for one in found.taps] == [
        (Verdict.DUPLICATE, ("gate/-4.9/li",)),
        (Verdict.ON_TIME, ("gate/-4.9/li",)),
    ]


LOOP = make_plan("gate lobby garage gate")


@pytest.mark.parametrize(
    ("taps", "verdicts"),
    [
        ("gate@0 lobby@5 garage@10 gate@15", "on_time on_time on_time on_time"),
        ("gate@0 gate@1 lobby@5 garage@10", "on_time on_time on_time missed"),
        ("lobby@5 garage@10 gate@15", "missed on_time on_time on_time"),
        ("gate@0 lobby@5 garage@10 gate@15 gate@20", "on_time on_time on_time on_time"),
        ("gate@15", "on_time missed missed missed"),
    ],
)
def test_a_loop_visits_its_beginning_twice(taps: str, verdicts: str) -> None:
    assert " ".join(stop.verdict for stop in grade(LOOP, walked(taps), AFTERWARDS).stops) == verdicts


def test_a_loop_with_one_visit_at_any_time_and_one_when_due() -> None:
    plan = make_plan([make_stop(0, "gate"), make_stop(1, "gate", due=40)], order="any")
    assert said(grade(plan, walked("gate@5 gate@41"), AFTERWARDS)) == "gate:on_time gate:on_time"
    found = grade(plan, walked("gate@41 gate@60"), AFTERWARDS)
    assert [stop.tap for stop in found.stops] == ["gate/60/li", "gate/41/li"]


def test_the_same_tap_twice_is_one() -> None:
    taps = walked("gate@0 lobby@10")
    assert grade(DUE, [*taps, *reversed(taps)], DURING) == grade(DUE, taps, DURING)
