"""Broken sensors: what shows one, and that what it says never ends another alert."""

import pytest
from builders import POINT, make_limit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.heard import Sample
from gateway.site.limit import Limit
from services.kernel.db import Database
from services.rules.engine import Engine, Finding
from services.rules.memory import Effect, Phase
from services.rules.model import BAD

TWIN = "yunhe/dom-low-twin"
START_MS = 1_000_000
NUM = make_limit(on_delay_ms=4_000, off_delay_ms=20_000)
_NONE = {"threshold": None, "return_threshold": None, "resolution": None, "on_delay_ms": 0, "off_delay_ms": 0}
STUCK = make_limit(**_NONE | {"id": "DATA-STUCK", "kind": "stuck", "resolution": 0.001, "on_delay_ms": 60_000})
RATE = make_limit(
    **_NONE
    | {"id": "DATA-RATE", "kind": "rate", "threshold": 0.05, "resolution": 0.001, "off_delay_ms": 30_000}
    | {"min_count": 4, "window_ms": 120_000}
)
DRIFT = make_limit(
    **_NONE
    | {"id": "DATA-TWIN", "kind": "twin", "threshold": 0.05, "return_threshold": 0.04, "twin": TWIN}
    | {"on_delay_ms": 10_000, "off_delay_ms": 10_000}
)
LOOP = make_limit(**_NONE | {"id": "DATA-LOOP", "kind": "loop", "off_delay_ms": 6_000})
RANGE = make_limit(**_NONE | {"id": "DATA-RANGE", "kind": "range", "valid_min": 0.0, "valid_max": 1.6})
STALE = make_limit(id="DATA-STALE", kind="stale", threshold=None)


class Sensor:
    """A point and its twin, said to an engine one sample after the other."""

    def __init__(self, *limits: Limit, always_judge: bool = False) -> None:
        self.limits = {POINT: list(limits), TWIN: [STALE]}
        self.engine = Engine(self.limits, [POINT, TWIN])
        self.always_judge = always_judge
        self.now_ms = START_MS
        self.found: list[tuple[str, str, int]] = []
        self.judged = 0

    def says(
        self, value: float, after_s: float = 2, *, quality: int = 0, fault: str = "", point: str = POINT
    ) -> list[str]:
        """One sample; returns `rule kind` of what it found."""
        at_ms = self.now_ms + int(after_s * 1000)
        self.now_ms = max(at_ms, self.now_ms)
        sample: Sample = (point, at_ms, 0, value, BAD if fault else quality, self.now_ms)
        left = [sample] if self.always_judge or fault else self.engine.take([sample])
        found: list[Finding] = []
        for one in left:
            self.judged += 1
            found += self.engine.judge(one, {}, fault)
        return self.note(found)

    def note(self, findings: list[Finding]) -> list[str]:
        self.found += [(limit.rule, effect.kind, effect.at_ms) for limit, effect in findings]
        return [f"{limit.rule} {effect.kind}" for limit, effect in findings if effect.kind != "excursion_ended"]

    def goes_on(self, value: float, samples: int) -> list[str]:
        """The value with the little noise of a living sensor."""
        return [one for index in range(samples) for one in self.says(value + 0.001 * (index % 2))]

    def restart(self, db: Database) -> None:
        with db.begin() as session:
            self.engine.save(session)
        self.engine = Engine(self.limits, [POINT, TWIN])
        with db.begin() as session:
            self.engine.load(session)

    def phase(self, limit: Limit) -> Phase:
        track = self.engine.tracks[POINT]
        return track.states[[one for one, _ in track.rules].index(limit)].phase


def test_a_value_that_stands_still_while_samples_come_is_stuck_and_a_moving_one_is_not() -> None:
    sensor = Sensor(NUM, STUCK)
    assert sensor.goes_on(0.45, 60) == []
    assert [one for _ in range(31) for one in sensor.says(0.45)] == ["DATA-STUCK breached"]
    assert sensor.says(0.4504) == [], "less than the resolution is no movement"
    assert sensor.says(0.452) == ["DATA-STUCK cleared"]


def test_silence_is_not_standing_still() -> None:
    sensor = Sensor(NUM, STUCK)
    assert [one for _ in range(20) for one in sensor.says(0.45)] == []
    assert sensor.says(0.45, after_s=3600) == []
    assert [one for _ in range(29) for one in sensor.says(0.45)] == []
    assert sensor.says(0.45) == ["DATA-STUCK breached"]


def test_one_spike_raises_nothing_and_many_do() -> None:
    sensor = Sensor(NUM, RATE)
    sensor.goes_on(0.45, 10)
    assert sensor.says(0.9) == []
    assert sensor.goes_on(0.45, 30) == []
    assert [one for value in (0.9, 0.45, 0.9, 0.45) for one in sensor.says(value)] == ["DATA-RATE breached"]
    assert sensor.goes_on(0.45, 14) == []
    assert sensor.goes_on(0.45, 3) == ["DATA-RATE cleared"]


def test_a_broken_wire_is_told_once_and_not_as_a_value_out_of_range() -> None:
    sensor = Sensor(make_limit(valid_min=0.0, valid_max=1.6), LOOP, RANGE, STALE)
    sensor.goes_on(0.45, 3)
    assert [one for _ in range(40) for one in sensor.says(-0.2, fault="electrical")] == ["DATA-LOOP breached"]
    sensor.says(0.45, point=TWIN)
    assert sensor.note(sensor.engine.tick(sensor.now_ms + 1_000, START_MS)) == [], "nor as silence"
    assert sensor.goes_on(0.45, 3) == []
    assert sensor.goes_on(0.45, 2) == ["DATA-LOOP cleared"]


def test_twins_are_compared_only_while_both_are_heard() -> None:
    sensor = Sensor(NUM, DRIFT)
    sensor.says(0.45, point=TWIN)
    for _ in range(20):
        assert sensor.says(0.51) == [], "its twin fell silent"
        sensor.now_ms += 40_000
    found = []
    for _ in range(6):
        found += sensor.says(0.45, 1, point=TWIN) + sensor.says(0.51, 1)
    assert found == ["DATA-TWIN breached"]
    for _ in range(8):
        found += sensor.says(0.45, 1, point=TWIN) + sensor.says(0.495, 1)
    assert found == ["DATA-TWIN breached"], "hysteresis"
    for _ in range(6):
        found += sensor.says(0.45, 1, point=TWIN) + sensor.says(0.48, 1)
    assert found[1:] == ["DATA-TWIN cleared"]


@pytest.mark.parametrize("fault", ["loop", "rate", "twin"])
def test_a_broken_sensor_never_ends_a_limits_alert(fault: str) -> None:
    limit = {"loop": LOOP, "rate": RATE, "twin": DRIFT}[fault]
    sensor = Sensor(NUM, limit)
    assert sensor.goes_on(0.3, 5) == ["NUM-01 breached"]
    found: list[str] = []
    for index in range(100):
        if fault == "loop":
            found += sensor.says(0.45, fault="electrical" if index % 5 == 0 else "")
        elif fault == "rate":
            found += sensor.says(0.45 if index % 9 else 0.8)
        else:
            sensor.says(0.30, 1, point=TWIN)
            found += sensor.says(0.45, 1)
    assert "NUM-01 cleared" not in found
    assert sensor.phase(NUM) is not Phase.NORMAL
    while sensor.phase(limit) is not Phase.NORMAL:
        sensor.says(0.45, 1, point=TWIN)
        sensor.says(0.45, 1)
    ended_ms = sensor.now_ms
    while sensor.phase(NUM) is not Phase.NORMAL:
        sensor.says(0.45, 1, point=TWIN)
        sensor.says(0.45, 1)
    assert sensor.now_ms - ended_ms >= NUM.off_delay_ms, "a whole off-delay from when the fault ended"


def test_a_stuck_sensor_inside_the_band_does_not_end_what_it_was_stuck_in() -> None:
    slow = make_limit(on_delay_ms=4_000, off_delay_ms=90_000)
    sensor = Sensor(slow, STUCK)
    sensor.goes_on(0.3, 5)
    found = [one for _ in range(200) for one in sensor.says(0.45)]
    assert found == ["DATA-STUCK breached"]
    assert sensor.goes_on(0.46, 45) == ["DATA-STUCK cleared"]
    assert sensor.goes_on(0.46, 5) == ["NUM-01 cleared"], "a whole off-delay from when it moved"


def test_a_broken_sensor_may_still_raise() -> None:
    sensor = Sensor(NUM, STUCK)
    for _ in range(40):
        sensor.says(0.45)
    assert [one for _ in range(5) for one in sensor.says(0.30)] == ["DATA-STUCK cleared", "NUM-01 breached"]
    drifting = Sensor(NUM, DRIFT)
    for _ in range(20):
        drifting.says(0.45, 1, point=TWIN)
        drifting.says(0.52, 1)
    assert drifting.phase(DRIFT) is Phase.BREACHED
    found = []
    for _ in range(5):
        drifting.says(0.45, 1, point=TWIN)
        found += drifting.says(0.56, 1)
    assert found == ["NUM-01 breached"]


def test_a_bad_sample_begins_a_clearing_anew() -> None:
    sensor = Sensor(NUM)
    sensor.goes_on(0.3, 5)
    assert sensor.goes_on(0.45, 9) == []
    sensor.says(0.0, quality=BAD)
    assert sensor.goes_on(0.45, 10) == []
    assert sensor.goes_on(0.45, 2) == ["NUM-01 cleared"]


def test_a_late_sample_is_judged_by_nobody() -> None:
    sensor = Sensor(NUM, STUCK, RATE, DRIFT, LOOP)
    sensor.goes_on(0.45, 10)
    assert sensor.says(0.46, -10) == []
    assert sensor.says(-1.0, -10, fault="electrical") == []
    assert sensor.goes_on(0.45, 3) == []


def test_a_quiet_watched_point_costs_no_step() -> None:
    sensor = Sensor(NUM, STUCK, RATE, DRIFT, LOOP, RANGE, STALE)
    sensor.says(0.45)
    sensor.says(0.45, point=TWIN)
    judged = sensor.judged
    for index in range(200):
        sensor.says(0.45 + 0.001 * (index % 3), 1)
        sensor.says(0.45, 1, point=TWIN)
    assert sensor.judged == judged


history = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 2.0, 2.0, 5.0, 20.0, 45.0, -3.0]),
        st.sampled_from([0.45, 0.45, 0.45, 0.451, 0.46, 0.3, 0.55, 9.0]),
        st.sampled_from(["", "", "", "", "", "", "bad", "electrical", "twin", "twin", "tick", "restart"]),
    ),
    max_size=80,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(history=history)
def test_the_fast_way_and_restarts_anywhere_change_nothing(
    history: list[tuple[float, float, str]], engine_db: Database
) -> None:
    limits = (NUM, STUCK, RATE, DRIFT, LOOP, RANGE, STALE)
    slow, fast = Sensor(*limits, always_judge=True), Sensor(*limits)
    with engine_db.begin() as session:
        for table in ("point_state", "rule_state"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        fast.engine.load(session)
    for after_s, value, kind in history:
        if kind == "restart":
            fast.restart(engine_db)
            continue
        for sensor in (slow, fast):
            if kind == "tick":
                sensor.now_ms += int(max(after_s, 0) * 1000)
                sensor.note(sensor.engine.tick(sensor.now_ms, START_MS))
                continue
            sensor.says(
                value,
                after_s,
                quality=BAD if kind == "bad" else 0,
                fault=kind if kind == "electrical" else "",
                point=TWIN if kind == "twin" else POINT,
            )
        faulty = any(slow.phase(one) in (Phase.BREACHED, Phase.RETURNING) for one in (STUCK, RATE, DRIFT, LOOP))
        cleared = ("NUM-01", "cleared", slow.now_ms)
        assert not (faulty and cleared in slow.found[-3:] and kind in ("", "bad", "electrical"))
    assert fast.found == slow.found


def test_effects_say_since_when() -> None:
    sensor = Sensor(STUCK)
    for _ in range(32):
        sensor.says(0.45)
    track = sensor.engine.tracks[POINT]
    assert track.states[0].since_ms == START_MS + 2_000
    assert Effect("breached", 1, 0.0).kind == "breached"
