"""The shipped plans: every kind has some, the documented periods and limits stand in them, sources are named."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.site.equipment_kinds import ALL_KINDS, KINDS
from gateway.site.load import load_configs
from gateway.site.model import Configs
from gateway.site.upkeep import ChecklistItem, Plan, Upkeep


@pytest.fixture(scope="module")
def configs() -> Configs:
    return load_configs(Path(__file__).parents[4] / "device_configs")


@pytest.fixture(scope="module")
def upkeep(configs: Configs) -> Upkeep:
    return configs.site("yunhe").upkeep


@pytest.fixture(scope="module")
def shipped(upkeep: Upkeep) -> list[Plan]:
    every = (*upkeep.plans, *(one.plan for one in upkeep.inactive))
    return [one for one in every if one.id not in upkeep.own]


def item(upkeep: Upkeep, checklist: str, item_id: str) -> ChecklistItem:
    return upkeep.checklist_by_id[checklist].item_by_id[item_id]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_has_a_plan(shipped: list[Plan], kind: str) -> None:
    assert [one.id for one in shipped if kind in one.kinds]


def test_every_class_has_levels_two_to_four(shipped: list[Plan]) -> None:
    for name in {KINDS[kind].of for kind in ALL_KINDS} - {"tools"}:
        levels = {one.level for one in shipped for kind in one.kinds if KINDS[kind].of == name}
        assert {2, 3, 4} <= levels, name


def test_season_or_half_year_follows_the_class(shipped: list[Plan], upkeep: Upkeep) -> None:
    own = {note.plan for note in upkeep.changes}
    for one in shipped:
        if one.requirement == "PER-03" and one.id not in own:
            quarterly = {KINDS[kind].of for kind in one.kinds} <= {
                "fire_water",
                "fire_alarm",
                "fire_gear",
                "water",
                "sewage",
                "elevator",
            }
            assert one.every == ("quarter" if quarterly else "half_year"), one.id


@pytest.mark.parametrize(
    ("plan", "every", "requirement"),
    [
        ("lift-safety", "month", "PER-07"),
        ("ac-filter", "quarter", "PER-08"),
        ("emergency-light-year", "year", "PER-10"),
        ("pipe-endoscope", "half_year", "PER-11"),
        ("extinguisher-month", "month", "PER-13"),
        ("jockey-day", "day", "PER-01"),
        ("fire-pump-week", "week", "PER-02"),
        ("fire-pump-month", "month", "PER-13"),
        ("fire-pump-quarter", "quarter", "PER-03"),
        ("electrical-year", "year", "NUM-02"),
    ],
)
def test_documented_duties_have_their_period(shipped: list[Plan], plan: str, every: str, requirement: str) -> None:
    (found,) = [one for one in shipped if one.id == plan]
    assert (found.every, found.requirement) == (every, requirement)


def test_documented_limits_stand_in_the_checklists(upkeep: Upkeep) -> None:
    insulation = item(upkeep, "electrical-year", "insulation")
    assert (insulation.minimum, insulation.unit, insulation.needs_instrument) == (0.5, "MΩ", True)
    assert item(upkeep, "floor-friction", "friction").minimum == 0.5
    assert item(upkeep, "cctv-day", "blind").maximum == 5
    assert item(upkeep, "emergency-light-year", "minutes").unit == "min"
    assert item(upkeep, "pipe-endoscope", "picture").kind == "photo"
    assert item(upkeep, "jockey-day", "starts").meter == "starts"


def test_every_fire_device_is_tested_monthly_by_one_task(shipped: list[Plan], upkeep: Upkeep) -> None:
    devices = [kind for kind in ALL_KINDS if KINDS[kind].of == "fire_gear"]
    devices += [
        "hydrant",
        "smoke_detector",
        "heat_detector",
        "call_point",
        "hydrant_button",
        "alarm_bell",
        "fire_device",
    ]
    for kind in devices:
        monthly = [one for one in shipped if kind in one.kinds and one.every == "month"]
        assert len(monthly) == 1, kind
        assert upkeep.checklist_by_id[monthly[0].checklist].fire_test is not None, kind


def test_all_lift_work_but_the_daily_look_is_at_night(shipped: list[Plan]) -> None:
    lifts = [one for one in shipped if "elevator" in one.kinds and one.level in (2, 3, 4, 6)]
    assert {(one.window_from, one.window_until) for one in lifts} == {("00:00", "06:00")}
    (contract,) = [one for one in lifts if one.id == "lift-contract-half-month"]
    assert (contract.level, contract.interval) == (6, timedelta(days=15))


def test_only_level_five_is_begun_by_hand(shipped: list[Plan]) -> None:
    by_hand = [one for one in shipped if one.every is None and one.interval is None and one.meter is None]
    assert {one.level for one in by_hand} == {5}


def test_every_plan_and_item_is_named_in_both_languages_and_every_plan_has_a_source(
    shipped: list[Plan], upkeep: Upkeep
) -> None:
    assert not [one.id for one in shipped if not one.name_en or one.source is None or not one.requirement]
    assert not [
        (one.id, each.id) for one in upkeep.checklists for each in one.items if not one.name_en or not each.text_en
    ]
