"""Which device may say what, and the words for those that may not."""

from pathlib import Path

import pytest

from gateway.registry import KnownPoint, Registry, UnknownDevice
from gateway.site.load import load_configs

REGISTRY = Registry.of(load_configs(Path(__file__).parents[3] / "device_configs").sites.values())


def test_a_device_may_report_its_own_points_only() -> None:
    points = REGISTRY.points_of("yunhe", "domestic-plc")
    assert points["low-zone-pressure"] == KnownPoint("yunhe/low-zone-pressure", "MPa")
    assert "hydrant-main-pressure" not in points


@pytest.mark.parametrize(
    ("site", "device", "hint"),
    [
        ("yunhe", "domestic-plk", "Did you mean 'domestic-plc'?"),
        ("yunhe", "x", "Known: "),
        ("yunhee", "domestic-plc", "Did you mean 'yunhe'?"),
    ],
)
def test_an_unknown_device_is_answered_with_what_was_meant(site: str, device: str, hint: str) -> None:
    with pytest.raises(UnknownDevice) as caught:
        REGISTRY.points_of(site, device)
    assert hint in caught.value.hint
    assert repr(device) in caught.value.message


def test_without_any_site_the_hint_says_where_to_declare_one() -> None:
    with pytest.raises(UnknownDevice) as caught:
        Registry().points_of("yunhe", "domestic-plc")
    assert "device_configs/sites" in caught.value.hint


def test_an_unknown_point_and_a_wrong_unit_name_what_to_write() -> None:
    unknown = REGISTRY.unknown_point("yunhe", "domestic-plc", "low-zone-presure")
    assert (unknown.code, unknown.hint) == ("unknown_point", "Did you mean 'low-zone-pressure'?")
    known = REGISTRY.points_of("yunhe", "domestic-plc")["low-zone-pressure"]
    wrong = REGISTRY.wrong_unit(known, "kPa")
    assert (wrong.code, wrong.hint) == ("wrong_unit", "Send MPa")
    assert "'kPa'" in wrong.message


def test_a_device_without_points_says_where_to_declare_them() -> None:
    assert REGISTRY.points_of("yunhe", "fire-panel-1") == {}
    assert REGISTRY.unknown_point("yunhe", "fire-panel-1", "p").hint == "Declare it in the site's devices.yaml"
