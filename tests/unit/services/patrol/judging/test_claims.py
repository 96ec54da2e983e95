"""Which round of a route a tap counts in."""

from dataclasses import replace

import pytest
from patrol_plans import make_plan, make_stop, make_tap, ms, walked

from services.patrol.judging.claims import share, wanted
from services.patrol.model import RoundPlan, Tap

HALF_HOURLY = [make_plan("gate@0", start=start) for start in (0, 30, 60)]


def shared(plans: list[RoundPlan], taps: list[Tap]) -> dict[str, str]:
    return {tap: plan.id for tap, plan in share(plans, taps).items()}


def place(plans: list[RoundPlan], tap: Tap) -> str | None:
    return shared(plans, [tap]).get(tap.id)


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (-15, "night.0"),
        (-15.1, None),
        (3, "night.0"),
        (17, "night.0"),
        (17.5, "night.0"),
        (18, "night.30"),
        (26, "night.30"),
        (90, "night.60"),
        (90.1, None),
    ],
)
def test_a_tap_alone_counts_in_the_round_it_is_nearest_to(minute: float, expected: str | None) -> None:
    tap = make_tap("gate", minute)
    assert place(HALF_HOURLY, tap) == expected
    assert any(wanted(plan, tap) for plan in HALF_HOURLY) == (expected is not None)


def test_the_round_it_was_on_time_for_comes_before_the_earlier_one() -> None:
    wide = [make_plan("gate", start=0), make_plan("gate", start=60)]
    assert place(wide, make_tap("gate", 65)) == "night.0"
    assert place(wide, make_tap("gate", 71)) == "night.60"
    assert place(wide, make_tap("pool", 71)) is None


@pytest.mark.parametrize(
    ("minute", "named", "expected"),
    [(25, "night.0", "night.0"), (75, "night.0", "night.60"), (25, "gone.0", "night.30")],
)
def test_the_round_a_guard_names_if_it_wanted_him_there(minute: float, named: str, expected: str) -> None:
    assert place(HALF_HOURLY, make_tap("gate", minute, round=named)) == expected


def test_a_suspended_stop_gives_way_to_one_that_counts() -> None:
    suspended = make_plan([make_stop(0, "gate", due=0, suspended="rush hour")])
    counts = make_plan("gate@0", start=20)
    assert place([suspended, counts], make_tap("gate", 6)) == "night.20"
    assert place([suspended], make_tap("gate", 6)) == "night.0"
    assert shared([suspended, counts], walked("gate@6 gate@21")) == {"gate/6/li": "night.20", "gate/21/li": "night.20"}


@pytest.mark.parametrize(
    ("taps", "rounds"),
    [
        ("gate@1 gate@17", "0 30"),
        ("gate@15 gate@17", "0 30"),
        ("gate@1 gate@17 gate@31", "0 0 30"),
        ("gate@-13 gate@17 gate@47", "0 30 60"),
        ("gate@29 gate@59 gate@61", "0 30 60"),
        ("gate@29 gate@59", "30 60"),
        ("gate@29 gate@59 gate@59.5", "30 60 60"),
        ("gate@1 gate@14", "0 0"),
        ("gate@1 gate@15 gate@17", "0 30 0"),
        ("gate@1 gate@16 gate@16.8", "0 30 30"),
        ("gate@1 gate@1.5 gate@17", "0 0 30"),
    ],
)
def test_one_too_many_fills_a_stop_that_would_go_without(taps: str, rounds: str) -> None:
    found = shared(HALF_HOURLY, walked(taps))
    assert " ".join(name.removeprefix("night.") for name in found.values()) == rounds


def test_the_round_a_guard_named_goes_without_him_only_if_it_has_another() -> None:
    named = [make_tap("gate", 16, round="night.0"), make_tap("gate", 20, "wang")]
    late = make_tap("gate", 3, "wang")
    assert shared(HALF_HOURLY[:2], named) == {"gate/16/li": "night.0", "gate/20/wang": "night.30"}
    assert shared(HALF_HOURLY[:2], [*named[:1], late]) == {"gate/3/wang": "night.0", "gate/16/li": "night.30"}
    kept = [make_tap("gate", -14), make_tap("gate", 16, round="night.0")]
    assert list(shared(HALF_HOURLY, kept).values()) == ["night.0", "night.0"]
    moved = [kept[0], replace(kept[1], round="")]
    assert list(shared(HALF_HOURLY, moved).values()) == ["night.0", "night.30"]


def test_taps_of_the_same_visit_move_together() -> None:
    alone = walked("gate@-13 gate@17 gate@17.5 gate@47 gate@47.3")
    assert list(shared(HALF_HOURLY, alone).values()) == ["night.0", "night.30", "night.30", "night.60", "night.60"]
    pairs = [replace(plan, people=2) for plan in HALF_HOURLY]
    both = alone + walked("gate@-12 gate@18.5 gate@48", "wang")
    assert {tap.partition("/")[2]: name for tap, name in shared(pairs, both).items() if "wang" in tap} == {
        "-12/wang": "night.0",
        "18.5/wang": "night.30",
        "48/wang": "night.60",
    }


def test_who_comes_at_the_same_moment_as_another_is_a_visit_of_his_own() -> None:
    taps = [make_tap("gate", 16), make_tap("gate", 16, "wang")]
    assert shared(HALF_HOURLY, taps) == {"gate/16/li": "night.0", "gate/16/wang": "night.30"}


def test_a_loop_keeps_as_many_as_it_has_stops() -> None:
    loops = [make_plan("gate@0 lobby@2 gate@4", start=start) for start in (0, 30)]
    assert list(shared(loops, walked("gate@1 gate@5 gate@18")).values()) == ["night.0", "night.0", "night.30"]
    assert list(shared(loops, walked("gate@1 gate@18")).values()) == ["night.0", "night.0"]
    last = shared(loops, walked("gate@1 gate@5 gate@18 gate@18.5 gate@20"))
    assert list(last.values()) == ["night.0", "night.0", "night.30", "night.30", "night.30"]


def test_a_late_walk_and_the_next_one_at_once_are_kept_apart() -> None:
    rounds = [make_plan("gate@0 lobby@5", start=start) for start in (30, 60)]
    assert shared(rounds, walked("gate@55 lobby@56 gate@57 lobby@58")) == {
        "gate/55/li": "night.30",
        "lobby/56/li": "night.30",
        "gate/57/li": "night.60",
        "lobby/58/li": "night.60",
    }


def test_the_tap_that_keeps_the_round_in_order_stays() -> None:
    rounds = [make_plan("garage gate", start=start) for start in (0, 60)]
    found = shared(rounds, walked("gate@50 garage@52 gate@55"))
    assert found == {"gate/50/li": "night.60", "garage/52/li": "night.0", "gate/55/li": "night.0"}


def test_the_time_of_day_in_epoch_milliseconds_does_not_matter() -> None:
    long_ago = [make_plan("gate@0", start=start - 10_000) for start in (0, 30)]
    taps = [replace(tap, at_ms=tap.at_ms - ms(10_000)) for tap in walked("gate@15 gate@17")]
    assert list(shared(long_ago, taps).values()) == ["night.-10000", "night.-9970"]
