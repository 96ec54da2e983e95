"""The fire protection of the demo site."""

import re
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.site.fire import Fire
from gateway.site.load import load_configs
from gateway.site.model import SiteConfig


@pytest.fixture(scope="module")
def yunhe() -> SiteConfig:
    return load_configs(Path(__file__).parents[4] / "device_configs").site("yunhe")


@pytest.fixture
def fire(yunhe: SiteConfig) -> Fire:
    return yunhe.fire


def test_a_believable_building(fire: Fire) -> None:
    assert (len(fire.sources), len(fire.panels), len(fire.zones)) == (1, 1, 6)
    kinds = Counter(point.kind for point in fire.points)
    assert kinds["smoke"] >= 20
    assert {"heat", "manual_call_point", "hydrant_button", "water_flow", "valve", "pressure_switch"} <= set(kinds)
    assert all(one.name_en for one in (*fire.zones, *fire.points, *fire.appliances))


def test_addresses_are_loop_and_point_low_byte_first(fire: Fire) -> None:
    for point in fire.points:
        raw = bytes.fromhex(point.address)
        loop, number = int.from_bytes(raw[:2], "little"), int.from_bytes(raw[2:], "little")
        assert loop in (1, 2, 3, 4)
        assert 1 <= number <= 30


def test_every_zone_has_a_call_point_and_a_checkpoint_inside_it(yunhe: SiteConfig, fire: Fire) -> None:
    for zone in fire.zones:
        assert "manual_call_point" in {point.kind for point in fire.points_in(zone.id)}
        assert zone.checkpoints
        building = yunhe.building_of(zone.area)
        for checkpoint in zone.checkpoints:
            found = yunhe.patrol.checkpoint(checkpoint)
            assert found is not None
            assert yunhe.building_of(found.area) == building


def test_the_response_is_ours_where_the_documents_are_silent(yunhe: SiteConfig, fire: Fire) -> None:
    assert fire.response.confirm_within == timedelta(minutes=3)
    assert [tier.after for tier in fire.response.tiers] == [timedelta(minutes=1), timedelta(minutes=2)]
    assert {yunhe.person_by_username[one].role for one in fire.response.squad} == {"engineer", "guard", "duty"}
    assert {"lifts", "gas", "call-119"} <= {step.id for step in fire.response.large}


def test_alarms_latch_and_make_no_work_order(yunhe: SiteConfig) -> None:
    policy = yunhe.policy("fire")
    assert (policy.latching, policy.work_order, policy.priority) == (True, False, "P1")
    assert [(step.after.seconds, step.role) for step in policy.escalation] == [(0, "supervisor"), (120, "manager")]
    assert (yunhe.policy("fire_fault").work_order, yunhe.policy("fire_care").work_order) == (True, False)


def test_the_commented_panel_works_when_it_is_uncommented_with_its_device(shipped: Path, tmp_path: Path) -> None:
    root = shutil.copytree(shipped, tmp_path / "configs")
    file, devices = root / "sites/yunhe/fire.yaml", root / "sites/yunhe/devices.yaml"
    text, count = re.subn(r"(?m)^  # (- \{id: fire-panel-2)", r"  \1", file.read_text("utf-8"))
    device = re.search(r"# 设备：(- \{id: fire-panel-2.*\})", text)
    assert device is not None
    file.write_text(text, "utf-8")
    devices.write_text(devices.read_text("utf-8").replace("devices:\n", f"devices:\n  {device[1]}\n", 1), "utf-8")
    configs = load_configs(root)
    fire = configs.site("yunhe").fire
    assert (count, fire.panel_by_id["fire-panel-2"].building) == (2, "building-2")
    assert fire.source_by_id["fire-panel-2"].format in configs.fire_formats
