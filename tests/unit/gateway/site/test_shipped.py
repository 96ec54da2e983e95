"""The device_configs that everybody gets first."""

import re
from pathlib import Path

import pytest

from gateway.site.catalogue import LimitSpec
from gateway.site.limit import Limit
from gateway.site.load import load_configs
from gateway.site.model import Configs, SiteConfig


@pytest.fixture
def configs(shipped: Path) -> Configs:
    return load_configs(shipped)


@pytest.fixture
def yunhe(configs: Configs) -> SiteConfig:
    return configs.site("yunhe")


def rule(config: SiteConfig, point: str, name: str) -> Limit:
    return {limit.rule: limit for limit in config.limits_of(point)}[name]


def test_it_loads(yunhe: SiteConfig) -> None:
    assert (yunhe.site.name, yunhe.site.timezone) == ("云和苑", "Asia/Shanghai")
    assert {area.kind for area in yunhe.areas} == {"building", "corridor", "garage", "pump_room", "perimeter", "other"}
    assert {person.username for person in yunhe.people} == {
        "duty", "guard", "guard-2", "guard-3", "guard-4", "engineer-water", "engineer-power", "engineer-fire",
        "supervisor", "manager", "admin",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("point", "set_value"),
    [
        ("low-zone-pressure", 0.45),
        ("high-zone-pressure", 0.8),
        ("hydrant-main-pressure", 0.7),
        ("sprinkler-main-pressure", 0.9),
    ],
)
def test_pump_room_pressure_follows_num_01(yunhe: SiteConfig, point: str, set_value: float) -> None:
    limit = rule(yunhe, point, "NUM-01")
    assert (limit.kind, limit.unit, limit.threshold, limit.return_threshold) == ("deviation", "MPa", 0.1, 0.09)
    assert (limit.on_delay_ms, limit.off_delay_ms, limit.median_of, limit.resolution) == (10_000, 60_000, 5, 0.001)
    assert (limit.severe_threshold, limit.severity, limit.severe_severity) == (0.2, "high", "critical")
    assert limit.set_value == set_value
    assert limit.source == "《维护管理流程》设施设备检查标准·给排水设施评估指标"


def test_fire_mains_are_suspended_while_a_fire_pump_runs(yunhe: SiteConfig) -> None:
    hydrant = rule(yunhe, "hydrant-main-pressure", "NUM-01")
    assert [one.point for one in hydrant.suspend_while] == ["yunhe/hydrant-pump-1-run", "yunhe/hydrant-pump-2-run"]
    assert hydrant.loosened_reason is None
    assert rule(yunhe, "low-zone-pressure", "NUM-01").suspend_while == ()


def test_typed_in_values(yunhe: SiteConfig) -> None:
    for point, name in (("box-1-insulation", "NUM-02"), ("lobby-1-friction", "NUM-04")):
        limit = rule(yunhe, point, name)
        assert (limit.kind, limit.threshold, limit.on_delay_ms, limit.off_delay_ms) == ("low", 0.5, 0, 0)
        assert limit.hold_last
        assert not any(one.kind == "stale" for one in yunhe.limits_of(point))


def test_cameras(yunhe: SiteConfig) -> None:
    assert rule(yunhe, "cctv-coverage", "NUM-05").threshold == 95
    offline, silent = (rule(yunhe, "camera-gate-online", name) for name in ("TIM-29", "TIM-29/stale"))
    assert (offline.kind, offline.threshold, offline.on_delay_ms) == ("low", 1, 300_000)
    assert (silent.kind, silent.stale_after_ms) == ("stale", 300_000)
    assert "DATA-STALE" not in {limit.rule for limit in yunhe.limits_of("camera-gate-online")}


def test_every_point_with_an_interval_is_watched_for_silence(yunhe: SiteConfig) -> None:
    for point in yunhe.points:
        silent = [limit for limit in yunhe.limits_of(point.id) if limit.kind == "stale"]
        assert len(silent) == (point.interval is not None)


def ours(spec: LimitSpec) -> bool:
    """No document gives a number for what is derived from the signals of pumps: all of those are marked as ours."""
    return spec.id.startswith("PUMP-")


def test_every_documented_limit_names_its_source_and_holds_somewhere(configs: Configs, yunhe: SiteConfig) -> None:
    here = {limit.rule for limit in yunhe.limits}
    assert {"NUM-01", "NUM-02", "NUM-04", "NUM-05", "TIM-29"} <= here
    for spec in configs.limits:
        assert re.fullmatch(r"《.+》.+", str(spec.source))
        assert spec.reading or ours(spec)
        assert spec.rule in here or spec.rule == "NUM-05/blind"


def test_our_own_numbers_are_marked(configs: Configs) -> None:
    for spec in configs.limits:
        assert set(spec.our_defaults) <= set(type(spec).model_fields)
        assert ("threshold" in spec.our_defaults) == ours(spec)
        for key in ("on_delay", "off_delay", "median_of", "severe_threshold", "stale_after", "severity"):
            if key in spec.model_fields_set:
                assert key in spec.our_defaults, (spec.rule, key)


def test_the_pump_policy(yunhe: SiteConfig) -> None:
    policy = yunhe.policy("pump_pressure")
    assert policy.priority == "P2"
    assert (policy.respond_within.total_seconds(), policy.finish_within.total_seconds()) == (3_600, 14_400)
    assert [(step.after.total_seconds(), step.role) for step in policy.escalation] == [
        (0, "engineer"), (300, "supervisor"), (900, "manager"),
    ]  # fmt: skip
    assert policy.work_order
    assert not yunhe.policy("data").work_order


def test_the_service_table_marks_what_the_documents_say(configs: Configs) -> None:
    rows = {row.id: row for row in configs.sla}
    assert rows["burst_pipe"].respond_origin == "seed"
    assert rows["short_circuit"].finish_origin == "seed"
    assert rows["facility_alarm"].finish_origin == "default"
    assert {row.priority for row in configs.sla} == {"P1", "P2", "P3", "P4"}


def test_everything_has_an_english_name(yunhe: SiteConfig) -> None:
    for group in (yunhe.areas, yunhe.equipment, yunhe.devices, yunhe.points, yunhe.people, yunhe.policies):
        for one in group:
            assert one.name_en, one
