"""Which fault class the order of an alert gets."""

import pytest
from console import shipped

from gateway.site.equipment_kinds import ALL_KINDS
from services.flows.order_category import of_alert, of_kind
from services.work_order.categories import CATEGORIES

CONFIG = shipped().site("yunhe")


@pytest.mark.parametrize(
    ("target", "policy", "category"),
    [
        ("yunhe/low-zone-pressure", "pump_pressure", "water_pressure"),
        ("yunhe/hydrant-main-pressure", "pump_pressure", "water_pressure"),
        ("yunhe/hydrant-decay", "pump_pressure", "water_pressure"),
        ("yunhe/fire-pump-leak-wet", "pump_pressure", "leak"),
        ("yunhe/anything", "fire_fault", "fire_equipment"),
        ("yunhe/patrol", "patrol", "patrol"),
        ("yunhe/nothing", "repair", "other"),
    ],
)
def test_by_policy_and_by_what_is_measured(target: str, policy: str, category: str) -> None:
    assert of_alert(CONFIG, target, policy) == category


def test_every_point_and_every_kind_has_a_known_class() -> None:
    for policy in (*CONFIG.policy_by_id, ""):
        for key in CONFIG.point_by_key:
            assert of_alert(CONFIG, key, policy) in CATEGORIES
    assert {of_kind(kind) for kind in ALL_KINDS} <= CATEGORIES.keys()
    assert of_kind("elevator") == "elevator"
    assert of_kind("switchgear") == "electrical"
    assert of_kind("no such kind") == "other"


def test_every_class_names_a_policy_that_is_shipped() -> None:
    assert {one.policy for one in CATEGORIES.values()} <= CONFIG.policy_by_id.keys()
