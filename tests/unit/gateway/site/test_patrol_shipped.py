"""The patrol of the demo site, and the rule packs that everybody gets."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.contract.tags import TagIndex
from gateway.site.load import load_configs
from gateway.site.model import Configs, SiteConfig
from gateway.site.patrol import PatrolRule


@pytest.fixture(scope="module")
def configs() -> Configs:
    return load_configs(Path(__file__).parents[4] / "device_configs")


@pytest.fixture
def yunhe(configs: Configs) -> SiteConfig:
    return configs.site("yunhe")


@pytest.fixture
def rules(yunhe: SiteConfig) -> dict[str, PatrolRule]:
    return {rule.id: rule for rule in yunhe.patrol.rules}


def test_a_believable_compound(yunhe: SiteConfig) -> None:
    patrol = yunhe.patrol
    assert (len(patrol.checkpoints), len(patrol.routes), len(patrol.shifts)) == (21, 7, 3)
    assert {tag.kind for point in patrol.checkpoints for tag in point.tags} == {"nfc", "rfid125", "sun"}
    assert all(point.position and point.code and point.name_en for point in patrol.checkpoints)
    assert {route.ring for route in patrol.routes} == {"inner", "outer", None}
    assert {route.order for route in patrol.routes} == {"ordered", "any", "freeroam"}
    kinds = {question.kind for point in patrol.checkpoints for question in point.questions}
    assert kinds == {"yes_no", "number", "choice"}
    ways = {"at" if one.at else "every" if one.every else "random" for one in patrol.schedules}
    assert ways == {"at", "every", "random"}


def test_every_key_area_has_a_checkpoint(yunhe: SiteConfig) -> None:
    covered = {area.id for point in yunhe.patrol.checkpoints for area in yunhe.area_path(point.area)}
    assert {area.id for area in yunhe.areas if area.key} <= covered


def test_the_numbers_printed_on_a_card_find_its_checkpoint(yunhe: SiteConfig) -> None:
    index = TagIndex((point.id, tag.uid, tag.kind) for point in yunhe.patrol.checkpoints for tag in point.tags)
    assert {index.find(text) for text in ("0010727804", "163,45436", "00A3B17C", "10727804")} == {"power-room"}
    assert index.find("04-3a-91-b2-6c-59-80") == "gate-east"


def test_somebody_is_rostered_around_the_clock(yunhe: SiteConfig) -> None:
    shifts = yunhe.patrol.shifts
    assert sum((shift.duration for shift in shifts), timedelta()) == timedelta(days=1)
    people = {person for shift in shifts for person in shift.people}
    assert {yunhe.person_by_username[person].role for person in people} == {"guard"}
    assert all(yunhe.person_by_username[person].badges for person in people)


def test_readers_are_declared_and_none_needs_a_port_that_may_not_exist(yunhe: SiteConfig) -> None:
    assert {yunhe.device(reader.id).kind for reader in yunhe.patrol.readers} == {"patrol_reader"}
    assert not [reader for reader in yunhe.patrol.readers if reader.port]
    assert [device.id for device in yunhe.devices if device.kind == "patrol_app"] == ["patrol-app"]


def test_rules_carry_their_requirement_and_source(rules: dict[str, PatrolRule]) -> None:
    for rule in rules.values():
        assert re.fullmatch(r"(PER-\d+|.+ §[\d.]+)", rule.requirement)
        assert re.fullmatch(r"《.+》.+", rule.source)
        assert rule.name_en
        assert rule.checkpoints
        assert not rule.loosened_reason


@pytest.mark.parametrize(
    ("rule", "kind", "max_gap", "within"),
    [
        ("cadence-grade-3", "max_gap", timedelta(hours=3), None),
        ("fire-patrol-2h", "max_gap", timedelta(hours=2), ("09:00", "21:00")),
        ("must-check-daily", "daily", None, None),
        ("vacant-weekly", "weekly", None, None),
        ("night-spot-check", "spot_check", None, ("22:00", "06:00")),
        ("decoration-daily", "daily", None, None),
        ("corridor-cleaning", "daily", None, None),
    ],
)
def test_what_the_packs_demand(
    rules: dict[str, PatrolRule], rule: str, kind: str, max_gap: timedelta | None, within: tuple[str, str] | None
) -> None:
    found = rules[rule]
    hours = (found.within.start, found.within.end) if found.within else None
    assert (found.kind, found.max_gap, hours) == (kind, max_gap, within)


def test_the_readings_of_what_documents_leave_open(rules: dict[str, PatrolRule]) -> None:
    assert rules["vacant-weekly"].warn_gap == timedelta(days=9)
    assert rules["night-spot-check"].roles == ("supervisor", "manager")


def test_calls_for_help_latch_and_are_no_work_orders(yunhe: SiteConfig) -> None:
    sos = yunhe.policy("patrol_sos")
    assert (sos.latching, sos.work_order, sos.ack_within) == (True, False, timedelta(minutes=1))
    assert yunhe.policy("patrol").work_order
    assert not yunhe.policy("patrol_handover").work_order
