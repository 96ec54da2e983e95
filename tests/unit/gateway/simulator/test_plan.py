import itertools
import math
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.plan import Plan, simulated, virtual_devices
from gateway.simulator.scenario import Fault, Scenario, load_scenario, shipped_scenarios
from gateway.site.duration import parse_duration
from gateway.site.model import SiteConfig, UnknownId

POINTS = ["dom-low-outlet", "dom-high-outlet", "dom-tank-level", "sprinkler-main", "fire-pump-run"]


def scenario_of(**fields: object) -> Scenario:
    fault = Fault.model_validate({"start": "1min", "duration": "6min", **fields})
    return Scenario(id="test", name="测试", name_en="test", faults=(fault,))


def values(config: SiteConfig, scenario: Scenario, point: str, start: datetime, minutes: float) -> list[float | None]:
    plan = Plan(config, scenario, 1, start)
    return [plan.value(point, start + timedelta(seconds=second)) for second in range(int(minutes * 60))]


def test_typed_in_points_are_not_simulated(config: SiteConfig) -> None:
    assert [point.id for point in simulated(config)] == POINTS
    assert virtual_devices(config) == ("dtu-1", "dtu-2", "panel")


def test_an_unknown_point_is_named(config: SiteConfig, start: datetime) -> None:
    with pytest.raises(UnknownId, match="dom-low-outlte"):
        Plan(config, load_scenario("calm"), 1, start).signal("dom-low-outlte")


@pytest.mark.parametrize("seed", [1, 2, 99])
def test_calm_stays_inside_even_the_warning_band_all_day(config: SiteConfig, start: datetime, seed: int) -> None:
    plan = Plan(config, load_scenario("calm"), seed, start)
    for point, centre in (("dom-low-outlet", 0.45), ("dom-high-outlet", 0.85), ("sprinkler-main", 0.6)):
        day = [plan.value(point, start + timedelta(seconds=7 * step)) for step in range(12_000)]
        assert all(value is not None and abs(value - centre) < 0.05 for value in day)
        assert statistics.stdev([value for value in day if value is not None]) > 0.001
    assert {plan.value("fire-pump-run", start + timedelta(minutes=step)) for step in range(600)} == {0.0}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(shipped_scenarios()),
    order=st.permutations(range(12)),
    points=st.permutations(POINTS),
)
def test_values_do_not_depend_on_the_order_of_asking(
    config: SiteConfig, start: datetime, seed: int, name: str, order: list[int], points: list[str]
) -> None:
    first, second = (Plan(config, load_scenario(name), seed, start) for _ in range(2))
    moments = [start + timedelta(seconds=37 * step) for step in range(12)]
    straight = {(point, at): first.value(point, at) for point in POINTS for at in moments}
    shuffled = {(point, moments[step]): second.value(point, moments[step]) for point in points for step in order}
    assert straight == shuffled


def test_seeds_differ_and_scenarios_share_the_baseline(config: SiteConfig, start: datetime) -> None:
    calm, leak = load_scenario("calm"), scenario_of(kind="leak", target="dom-low-outlet")
    at = start + timedelta(seconds=30)
    assert Plan(config, calm, 1, start).value("dom-low-outlet", at) == Plan(config, leak, 1, start).value(
        "dom-low-outlet", at
    )
    day = [start + timedelta(minutes=step) for step in range(50)]
    one, two = (Plan(config, calm, seed, start) for seed in (1, 2))
    assert [one.value("dom-low-outlet", at) for at in day] != [two.value("dom-low-outlet", at) for at in day]


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        ({"kind": "leak", "size": 1.8}, 0.45 - 0.18 - 0.02, 0.45 - 0.18 + 0.02),
        ({"kind": "overpressure", "size": 1.5}, 0.45 + 0.15 - 0.02, 0.45 + 0.15 + 0.02),
        ({"kind": "pump_trip", "size": 2.0}, 0.45 - 0.2 - 0.02, 0.45 - 0.2 + 0.02),
        ({"kind": "drift", "size": 1.6}, 0.45 + 0.08 - 0.03, 0.45 + 0.08 + 0.03),
        ({"kind": "excursion", "size": -1.6}, 0.45 - 0.16 - 0.02, 0.45 - 0.16 + 0.02),
        ({"kind": "out_of_range", "size": 0.2}, 1.92, 1.92),
        ({"kind": "out_of_range", "size": -0.2}, -0.32, -0.32),
        ({"kind": "force", "size": 1.0}, 1.0, 1.0),
    ],
)
def test_each_fault_shows_in_the_numbers_and_is_over_afterwards(
    config: SiteConfig, start: datetime, fields: dict[str, object], low: float, high: float
) -> None:
    series = values(config, scenario_of(target="dom-low-outlet", **fields), "dom-low-outlet", start, 9)
    middle = series[60 + 180 - 5 : 60 + 180 + 5]
    assert all(value is not None and low - 1e-9 <= value <= high + 1e-9 for value in middle)
    assert all(value is not None and abs(value - 0.45) < 0.03 for value in series[:60] + series[60 + 361 :])


def test_stuck_and_silent_show_in_the_numbers(config: SiteConfig, start: datetime) -> None:
    stuck = values(config, scenario_of(kind="stuck", target="dom-low-outlet"), "dom-low-outlet", start, 9)
    assert len(set(stuck[60:420])) == 1
    assert len(set(stuck[420:])) > 5
    silent = values(config, scenario_of(kind="silence", target="dom-low-outlet"), "dom-low-outlet", start, 9)
    assert [value is None for value in silent] == [60 <= second < 420 for second in range(540)]


def test_faults_leave_other_points_alone(config: SiteConfig, start: datetime) -> None:
    calm = values(config, load_scenario("calm"), "dom-high-outlet", start, 9)
    assert values(config, scenario_of(kind="leak", target="dom-low-outlet"), "dom-high-outlet", start, 9) == calm


@pytest.mark.parametrize(
    ("target", "points"),
    [
        ("dom-*-outlet", ("dom-low-outlet", "dom-high-outlet")),
        ("pressure", ("dom-low-outlet", "dom-high-outlet", "sprinkler-main")),
        ("pressure#2", ("sprinkler-main",)),
        ("no-such | level#0", ("dom-tank-level",)),
        ("*", tuple(POINTS)),
        ("no-such", ()),
        ("pressure#x", ()),
        ("box-insulation", ()),
    ],
)
def test_targets(config: SiteConfig, start: datetime, target: str, points: tuple[str, ...]) -> None:
    plan = Plan(config, scenario_of(kind="leak", target=target), 1, start)
    assert plan.planned[0].points == points


def test_device_faults_hit_devices_or_the_devices_of_points(config: SiteConfig, start: datetime) -> None:
    def devices(target: str) -> tuple[str, ...]:
        return Plan(config, scenario_of(kind="offline", target=target), 1, start).planned[0].devices

    assert devices("*") == ("dtu-1", "dtu-2", "panel")
    assert devices("dom-*") == ("dtu-1",)
    assert devices("pressure#2") == ("dtu-2",)


def test_local_time_is_the_next_such_moment_of_the_site(config: SiteConfig) -> None:
    for start, expected in (
        (datetime(2026, 11, 21, 17, 0, tzinfo=UTC), datetime(2026, 11, 21, 17, 30, tzinfo=UTC)),
        (datetime(2026, 11, 21, 17, 31, tzinfo=UTC), datetime(2026, 11, 22, 17, 30, tzinfo=UTC)),
    ):
        plan = Plan(config, load_scenario("night_leak"), 1, start)
        assert plan.planned[0].window.start_ms == int(expected.timestamp() * 1000)


def test_narration_is_in_order_bilingual_and_silent_about_what_does_not_apply(
    config: SiteConfig, start: datetime
) -> None:
    told = list(itertools.islice(Plan(config, load_scenario("demo"), 1, start).narration(), 60))
    assert [one.at_ms for one in told] == sorted(one.at_ms for one in told)
    assert told[0].text == "测点 dom-low-outlet开始下降（模拟漏水）"
    assert told[0].text_en == "dom-low-outlet begins to fall (simulated leak)"
    nothing = scenario_of(kind="leak", target="no-such")
    assert list(Plan(config, nothing, 1, start).narration()) == []


def test_every_kind_of_fault_has_its_sentence(config: SiteConfig, start: datetime) -> None:
    for kind in ("leak", "overpressure", "pump_trip", "drift", "excursion", "stuck", "out_of_range", "silence",
                 "force", "offline", "restart", "burst", "clock_skew", "malformed"):  # fmt: skip
        told = list(Plan(config, scenario_of(kind=kind, target="dom-*"), 1, start).narration())
        assert 1 <= len(told) <= 2
        assert all("{" not in one.text + one.text_en for one in told)


def test_the_demo_leaves_the_limit_soon_and_long_enough(config: SiteConfig, start: datetime) -> None:
    series = values(config, load_scenario("demo"), "dom-low-outlet", start, 10)
    outside = [second for second, value in enumerate(series) if value is not None and abs(value - 0.45) > 0.1]
    assert 15 <= outside[0] <= 40
    # From soon after the first crossing it stays outside without a break for minutes.
    settled = outside[0] + 5
    assert all(second in outside for second in range(settled, settled + 240))
    assert max(outside) < 8 + 360
    high = values(config, load_scenario("demo"), "dom-high-outlet", start, 10)
    short = [second for second, value in enumerate(high) if value is not None and abs(value - 0.85) > 0.1]
    assert short
    assert max(short) - min(short) < 10


def test_the_demo_has_no_two_faults_on_one_point_at_once(config: SiteConfig, start: datetime) -> None:
    plan = Plan(config, load_scenario("demo"), 1, start)
    for second in range(0, 7_200, 2):
        at_ms = plan.start_ms + second * 1_000
        active = [point for one in plan.planned if one.window.elapsed(at_ms) is not None for point in one.points]
        assert len(active) == len(set(active))


def test_durations_of_shipped_scenarios_are_as_documented() -> None:
    backlog = load_scenario("backlog").faults[0]
    assert backlog.duration == parse_duration("1h")
    assert math.isclose(load_scenario("clock_skew").faults[0].amount, 600)
