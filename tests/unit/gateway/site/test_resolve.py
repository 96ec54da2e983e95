"""Which limits end on which point, and what a site may change."""

from collections.abc import Callable

import pytest

from gateway.site.limit import Limit, Suspend
from gateway.site.load import load_configs

from .conftest import SiteFiles

DEVICES = "sites/demo/devices.yaml"


def limits(files: SiteFiles, point: str) -> dict[str, Limit]:
    return {limit.rule: limit for limit in load_configs(files.root).site("demo").limits_of(point)}


def test_limits_attach_by_quantity_and_place(site_files: SiteFiles) -> None:
    assert set(limits(site_files, "pressure")) == {"NUM-01", "DATA-STALE", "DATA-RANGE"}
    assert set(limits(site_files, "pump-run")) == {"DATA-STALE"}
    assert set(limits(site_files, "insulation")) == {"NUM-02", "DATA-RANGE"}


def test_a_pressure_outside_a_pump_room_is_not_bound(site_files: SiteFiles) -> None:
    site_files.change("sites/demo/areas.yaml", "kind: pump_room", "kind: garage")
    site_files.change("sites/demo/limits.yaml", "  - limit: NUM-01", "  # - limit: NUM-01")
    site_files.write("sites/demo/limits.yaml", "limits: []\n")
    assert set(limits(site_files, "pressure")) == {"DATA-STALE", "DATA-RANGE"}


def test_the_area_is_that_of_the_equipment_before_the_device(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "area: pump-room, kind: plc", "area: building-1, kind: plc")
    assert "NUM-01" in limits(site_files, "pressure")


def test_the_whole_limit(site_files: SiteFiles) -> None:
    assert limits(site_files, "pressure")["NUM-01"] == Limit(
        id="NUM-01",
        variant="",
        kind="deviation",
        point="demo/pressure",
        site="demo",
        title="泵房压力偏离设定值",
        title_en="Pressure off its set value",
        source="《维护管理流程》给排水设施评估指标",
        unit="MPa",
        threshold=0.1,
        return_threshold=0.09,
        severe_threshold=0.2,
        resolution=0.001,
        set_value=0.45,
        on_delay_ms=10_000,
        off_delay_ms=60_000,
        min_count=1,
        window_ms=0,
        median_of=5,
        hold_last=False,
        stale_after_ms=6_000,
        valid_min=0.0,
        valid_max=1.6,
        severity="high",
        severe_severity="critical",
        latching=False,
        suspend_while=(Suspend("demo/pump-run", 0.5),),
        loosened_reason=None,
        policy="pump_pressure",
    )


def test_without_a_set_value_the_median_stands_in(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "    set_value: 0.45\n", "")
    assert limits(site_files, "pressure")["NUM-01"].set_value is None


def test_silence_and_range_are_watched_without_being_asked(site_files: SiteFiles) -> None:
    stale, out_of_range = (limits(site_files, "pressure")[rule] for rule in ("DATA-STALE", "DATA-RANGE"))
    assert (stale.kind, stale.stale_after_ms, stale.severity, stale.policy) == ("stale", 6_000, "medium", "data")
    assert (out_of_range.kind, out_of_range.valid_min, out_of_range.valid_max) == ("range", 0.0, 1.6)
    assert out_of_range.on_delay_ms == 0


def test_a_typed_in_value_holds_and_never_falls_silent(site_files: SiteFiles) -> None:
    insulation = limits(site_files, "insulation")["NUM-02"]
    assert insulation.hold_last
    assert insulation.stale_after_ms == 0
    assert insulation.off_delay_ms == 0
    assert insulation.return_threshold == insulation.threshold == 0.5


def test_a_declared_stale_time_is_used(site_files: SiteFiles) -> None:
    site_files.change(DEVICES, "interval: 2s", "interval: 2s\n    stale_after: 30s")
    assert {limit.stale_after_ms for limit in limits(site_files, "pressure").values()} == {30_000}


def test_a_documented_silence_replaces_ours(site_files: SiteFiles) -> None:
    site_files.change(
        "limits/documented.yaml",
        "limits:\n",
        "limits:\n  - {id: TIM-29, variant: stale, title: 离线, title_en: Offline, requirement: 全天运行, kind: stale,"
        " source: {document: 日常, section: 监控}, applies_to: {quantity: pressure}, stale_after: 5min,"
        " policy: data}\n",
    )
    found = limits(site_files, "pressure")
    assert "DATA-STALE" not in found
    assert found["TIM-29/stale"].stale_after_ms == 300_000
    assert found["NUM-01"].stale_after_ms == 6_000


def test_a_site_tightens(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-01\nthreshold: 0.08\nreturn_threshold: 0.07\non_delay: 5s\nseverity: critical")
    limit = limits(files, "pressure")["NUM-01"]
    assert (limit.threshold, limit.return_threshold, limit.on_delay_ms) == (0.08, 0.07, 5_000)
    assert limit.severity == "critical"
    assert limit.loosened_reason is None


def test_a_site_loosens_with_reason_and_approval(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-01\nthreshold: 0.15\nreason: 改造期间管网老旧\napproved_by: manager")
    limit = limits(files, "pressure")["NUM-01"]
    assert limit.threshold == 0.15
    assert limit.loosened_reason == "改造期间管网老旧（经理批准）"


def test_a_reason_alone_loosens_nothing(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-01\nthreshold: 0.1\nreason: 说明\napproved_by: manager")
    assert limits(files, "pressure")["NUM-01"].loosened_reason is None


def test_another_pump_may_suspend_with_a_reason(override: Callable[[str], SiteFiles]) -> None:
    files = override(
        "limit: NUM-01\nsuspend_while: [{point: jockey-run, above: 0.9}]\nreason: 换泵\napproved_by: supervisor"
    )
    limit = limits(files, "pressure")["NUM-01"]
    assert limit.suspend_while == (Suspend("demo/jockey-run", 0.9),)
    assert limit.loosened_reason == "换泵（设备主管批准）"


def test_a_limit_is_switched_off_with_a_reason(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-01\nenabled: false\nreason: 停用\napproved_by: manager")
    assert set(limits(files, "pressure")) == {"DATA-STALE", "DATA-RANGE"}


def test_a_tighter_band_stands_beside_the_limit(override: Callable[[str], SiteFiles]) -> None:
    files = override("limit: NUM-01\nvariant: warning\nthreshold: 0.05\nseverity: low\ntitle: 压力预警\npolicy: data")
    found = limits(files, "pressure")
    warning, documented = found["NUM-01/warning"], found["NUM-01"]
    assert (warning.threshold, warning.return_threshold, warning.severe_threshold) == (0.05, 0.05, None)
    assert (warning.title, warning.policy, warning.loosened_reason) == ("压力预警", "data", None)
    assert documented.threshold == 0.1


def test_an_entry_may_name_more_points_than_the_catalogue(site_files: SiteFiles) -> None:
    site_files.change("sites/demo/areas.yaml", "kind: pump_room", "kind: other")
    assert "NUM-01" in limits(site_files, "pressure")


def test_latching_comes_from_the_policy_unless_the_limit_says(site_files: SiteFiles) -> None:
    site_files.change("policies/default.yaml", "ack_within: 5min", "ack_within: 5min\n    latching: true")
    assert limits(site_files, "pressure")["NUM-01"].latching
    site_files.change("limits/documented.yaml", "median_of: 5", "median_of: 5\n    latching: false")
    assert not limits(site_files, "pressure")["NUM-01"].latching


@pytest.mark.parametrize("rule", ["NUM-01", "NUM-02"])
def test_values_exactly_on_a_threshold_have_whole_steps(site_files: SiteFiles, rule: str) -> None:
    for point in ("pressure", "insulation"):
        limit = limits(site_files, point).get(rule)
        if limit is not None and limit.resolution is not None and limit.threshold is not None:
            steps = limit.threshold / limit.resolution
            assert abs(steps - round(steps)) < 1e-9
