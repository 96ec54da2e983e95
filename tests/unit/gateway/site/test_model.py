from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.site.load import load_configs
from gateway.site.model import Configs, Point, SiteConfig, UnknownId

from .conftest import SiteFiles


@pytest.fixture
def configs(site_files: SiteFiles) -> Configs:
    return load_configs(site_files.root)


@pytest.fixture
def config(configs: Configs) -> SiteConfig:
    return configs.site("demo")


def test_points_are_found_by_key_or_id(config: SiteConfig, configs: Configs) -> None:
    assert config.point("demo/pressure") is config.point("pressure") is configs.point("demo/pressure")
    assert config.point_by_key["demo/pressure"] is config.point_by_id["pressure"]
    assert config.key("pressure") == "demo/pressure"


def test_points_of_a_device_are_in_order(config: SiteConfig) -> None:
    assert [point.id for point in config.points_of("plc")] == ["pressure", "pump-run", "jockey-run"]
    assert config.points_of("nobody") == ()


@pytest.mark.parametrize(
    ("kind", "wrong", "near"),
    [
        ("point", "presure", "pressure"),
        ("device", "plk", "plc"),
        ("area", "garaje", "garage"),
        ("policy", "date", "data"),
    ],
)
def test_an_unknown_id_says_what_is_near(config: SiteConfig, kind: str, wrong: str, near: str) -> None:
    with pytest.raises(UnknownId, match=f"demo has no {kind} '{wrong}'. Did you mean {near}?"):
        getattr(config, kind)(wrong)


def test_an_unknown_site_or_point_of_all_sites(configs: Configs) -> None:
    with pytest.raises(UnknownId, match="nowhere"):
        configs.point("nowhere/pressure")
    assert configs.limits_of("nowhere/pressure") == ()
    assert {limit.id for limit in configs.limits_of("demo/pressure")} == {"NUM-01", "DATA-STALE", "DATA-RANGE"}


def test_indexes_are_built_once(config: SiteConfig) -> None:
    assert config.point_by_id is config.point_by_id
    assert config.limits_by_point is config.limits_by_point


def test_areas_nest(config: SiteConfig) -> None:
    assert [area.id for area in config.area_path("pump-room")] == ["garage", "pump-room"]
    assert config.within("pump-room", ("garage",))
    assert config.within("pump-room", ())
    assert not config.within("garage", ("pump-room",))
    assert config.area_of(config.point("pressure")).id == "pump-room"
    assert config.area_of(config.point("insulation")).id == "building-1"


def test_the_innermost_area_decides_who_is_responsible(config: SiteConfig) -> None:
    assert [one.username for one in config.people_with("engineer", "pump-room")] == ["engineer-water"]
    assert [one.username for one in config.people_with("engineer", "garage")] == ["engineer-power"]
    assert [one.username for one in config.people_with("engineer")] == ["engineer-water", "engineer-power"]
    assert [one.username for one in config.people_with("manager", "building-1")] == ["manager"]
    assert config.people_with("guard", "garage") == ()


def test_the_owner_of_the_equipment_comes_first(config: SiteConfig) -> None:
    assert [one.username for one in config.responsible("engineer", "demo/pressure")] == ["engineer-water"]
    assert [one.username for one in config.responsible("supervisor", "demo/pressure")] == ["supervisor"]
    assert [one.username for one in config.responsible("engineer", "insulation")] == ["engineer-power"]


def test_policies_are_resolved(config: SiteConfig) -> None:
    policy = config.policy("pump_pressure")
    assert policy.priority == "P2"
    assert (policy.respond_within, policy.finish_within) == (timedelta(hours=1), timedelta(hours=4))
    assert policy.respond_origin == "default"
    assert [step.role for step in policy.escalation] == ["engineer", "supervisor", "manager"]
    assert policy.channels == ("console",)
    assert policy.source == "越限（默认）"


def test_a_policy_goes_to_json_and_back(config: SiteConfig) -> None:
    """Alerts and work orders keep the policy as it was."""
    policy = config.policy("pump_pressure")
    document = policy.model_dump(mode="json")
    assert document["escalation"][1] == {"after": "PT5M", "role": "supervisor"}
    assert type(policy).model_validate(document) == policy


def test_nothing_can_be_changed(config: SiteConfig) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        config.point("pressure").unit = "kPa"  # type: ignore[misc]


def test_defaults_of_a_point() -> None:
    point = Point(id="p", device="d", name="P", unit="MPa", quantity="pressure", interval=timedelta(seconds=2))
    assert point.stale_after == timedelta(seconds=6)
    assert point.decimals == 3
    typed_in = Point(id="p", device="d", name="P", unit="MΩ", quantity="insulation", interval=None)
    assert typed_in.stale_after is None


def test_several_sites_share_limits_and_policies(site_files: SiteFiles) -> None:
    for file in (site_files.root / "sites/demo").iterdir():
        text = file.read_text(encoding="utf-8").replace("id: demo", "id: other")
        site_files.write(f"sites/other/{file.name}", text)
    configs = load_configs(site_files.root)
    assert list(configs.sites) == ["demo", "other"]
    assert configs.limits_of("other/pressure")[0].point == "other/pressure"


def test_an_optional_file_may_be_absent(site_files: SiteFiles) -> None:
    (site_files.root / "sites/demo/limits.yaml").unlink()
    assert load_configs(site_files.root).limits_of("demo/pressure")[0].suspend_while == ()


def test_catalogue_and_policies_may_be_spread_over_files(site_files: SiteFiles) -> None:
    text = (site_files.root / "policies/default.yaml").read_text(encoding="utf-8")
    head, tail = text.split("  - id: system", 1)
    site_files.write("policies/default.yaml", head)
    site_files.write("policies/system.yaml", "policies:\n  - id: system" + tail)
    assert load_configs(site_files.root).site("demo").policy("system").name == "系统"


def test_loading_accepts_a_path_with_a_trailing_part(site_files: SiteFiles) -> None:
    assert load_configs(Path(f"{site_files.root}/sites/..")).sites
