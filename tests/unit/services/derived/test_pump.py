"""The pump step: restarts, repetitions, late and missing samples, and what a run is told to be."""

import json
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from pump_station import SITE
from pump_trial import START_MS, plant

from gateway.contract.heard import Sample
from services.derived.pump import BAD, IMPOSSIBLE_MS, SKEW_MS, step, tick
from services.derived.pump_model import Derived, Effect, RunEnded, RunStarted, StationMemory
from services.derived.pump_model import TestSeen as Seen
from services.derived.pump_trends import HOUR_MS, NIGHTS_NEEDED, decay_of

PLANT = plant()
VALUES = {
    "rig-pressure": st.integers(400, 900).map(lambda kpa: kpa / 1000),
    "rig-jockey-run": st.sampled_from([0.0, 1.0]),
    "rig-main-run": st.sampled_from([0.0, 1.0]),
    "rig-level": st.sampled_from([0.3, 0.52, 2.0]),
    "rig-flow": st.sampled_from([0.0, 12.0]),
    "rig-main-current": st.sampled_from([20.0, 50.0]),
    "rig-main-auto": st.sampled_from([0.0, 1.0]),
}


@st.composite
def streams(draw: st.DrawFn) -> list[Sample]:
    """Samples of all points in order of time, with quiet and with silent stretches."""
    at_ms, stream = START_MS, []
    for point in draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=60)):
        at_ms += draw(st.sampled_from([500, 2_000, 2_000, 9_000, 45_000, 1_900_000]))
        quality = draw(st.sampled_from([0, 0, 0, 0, 1, BAD]))
        stream.append((f"{SITE}/{point}", at_ms, 0, draw(VALUES[point]), quality, at_ms))
    return stream


def play(stream: Sequence[Sample], memory: StationMemory | None = None) -> tuple[StationMemory, list[Effect]]:
    memory, said = memory or PLANT.fresh(), list[Effect]()
    for sample in stream:
        memory, effects = step(memory, sample, PLANT, max(sample[1], memory.heard_ms))
        said += effects
    return memory, said


def test_memory_survives_a_restart_anywhere() -> None:
    @settings(max_examples=150, deadline=None)
    @given(streams(), st.data())
    def check(stream: list[Sample], data: st.DataObject) -> None:
        cut = data.draw(st.integers(0, len(stream)))
        whole = play(stream)
        before, said = play(stream[:cut])
        kept = PLANT.from_json(json.loads(json.dumps(PLANT.to_json(before))))
        assert kept == before
        after, more = play(stream[cut:], kept)
        assert (after, said + more) == whole

    check()


def test_repetitions_and_late_samples_change_nothing() -> None:
    @settings(max_examples=150, deadline=None)
    @given(streams(), st.data())
    def check(stream: list[Sample], data: st.DataObject) -> None:
        whole = play(stream)
        at = data.draw(st.integers(0, len(stream) - 1))
        again = data.draw(st.integers(at, len(stream)))
        point, at_ms, tie, _, _, received_ms = stream[at]
        good = stream[at][4] != BAD
        late = (
            point,
            at_ms - data.draw(st.integers(0, 5_000)),
            tie,
            data.draw(VALUES[point.split("/")[1]]),
            0,
            received_ms,
        )
        if good:
            repeated = [*stream[: again + 1], late, *stream[again + 1 :]]
            assert play(repeated) == whole

    check()


def test_starts_of_the_last_hour_equal_a_plain_count() -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from([2_000, 10_000, 29_000]), st.booleans()), min_size=2, max_size=400))
    def check(contacts: list[tuple[int, bool]]) -> None:
        at_ms, stream = START_MS, []
        for apart_ms, on in contacts:
            at_ms += apart_ms
            stream.append(sample("rig-jockey-run", at_ms, float(on)))
        _, said = play(stream)
        starts = [after[1] for before, after in pairwise(stream) if after[3] > before[3]]
        told = [one for one in said if isinstance(one, Derived) and one.point.endswith("-starts")]
        assert told[-1].value == sum(start > at_ms - HOUR_MS for start in starts)
        for one in told:
            assert one.value == sum(one.at_ms - HOUR_MS < start <= one.at_ms for start in starts)

    check()


def sample(point: str, at_ms: int, value: float, quality: int = 0) -> Sample:
    return f"{SITE}/{point}", at_ms, 0, value, quality, at_ms


def trace(
    seconds: range, pressure: float | None = 0.65, slope_per_s: float = 0.0, jockey: float | None = 0.0,
    main: float | None = 0.0, **more: float,
) -> list[Sample]:  # fmt: skip
    """One sample of every point given every two seconds."""
    out = []
    for second in seconds:
        at_ms = START_MS + second * 1000
        for point, value in (("rig-jockey-run", jockey), ("rig-main-run", main)):
            if value is not None:
                out.append(sample(point, at_ms, value))
        if pressure is not None:
            out.append(sample("rig-pressure", at_ms, round(pressure + slope_per_s * (second - seconds.start), 3)))
        out += [sample(f"rig-{point.replace('_', '-')}", at_ms, value) for point, value in more.items()]
    return out


def values(said: Sequence[Effect], ending: str) -> list[float]:
    return [one.value for one in said if isinstance(one, Derived) and one.point.endswith(ending)]


def test_a_silent_contact_has_not_stopped() -> None:
    memory, _ = play(trace(range(0, 60, 2)) + trace(range(60, 100, 2), main=1.0, pressure=0.8))
    memory, said = play(trace(range(100, 700, 2), main=None, pressure=0.8), memory)
    assert not [one for one in said if isinstance(one, RunEnded)]
    memory, said = play(trace(range(700, 702, 2), main=0.0, pressure=0.8), memory)
    (ended,) = (one for one in said if isinstance(one, RunEnded))
    assert ended.verdict == "doubtful"
    assert not [one for one in said if isinstance(one, Seen)]


def test_a_pump_that_runs_when_it_is_first_heard_began_nobody_knows_when() -> None:
    _, said = play(trace(range(0, 60, 2), main=1.0))
    (started,) = (one for one in said if isinstance(one, RunStarted))
    assert started.doubtful
    assert started.cause == "unknown"
    assert values(said, "no-rise") == []


def test_no_rise_is_told_once_and_taken_back_when_it_stops() -> None:
    stream = trace(range(0, 20, 2)) + trace(range(20, 80, 2), main=1.0) + trace(range(80, 90, 2))
    _, said = play(stream)
    told = [one for one in said if isinstance(one, Derived) and one.point.endswith("no-rise")]
    assert [(one.value, (one.at_ms - START_MS) // 1000) for one in told] == [(1.0, 50), (0.0, 80)]
    (ended,) = (one for one in said if isinstance(one, RunEnded))
    assert (ended.verdict, ended.cause) == ("no_rise", "manual")


def test_water_that_is_drawn_excuses_the_pressure() -> None:
    _, said = play(trace(range(0, 20, 2)) + trace(range(20, 120, 2), main=1.0, flow=20.0) + trace(range(120, 130, 2)))
    assert values(said, "no-rise") == []
    (seen,) = (one for one in said if isinstance(one, Seen))
    assert (seen.kind, seen.passed) == ("quarterly_flow", True)


def test_no_verdict_without_pressure() -> None:
    _, said = play(
        trace(range(0, 20, 2)) + trace(range(20, 120, 2), main=1.0, pressure=None) + trace(range(120, 130, 2))
    )
    assert values(said, "no-rise") == []
    (ended,) = (one for one in said if isinstance(one, RunEnded))
    assert ended.verdict == "doubtful"


def test_a_low_level_is_told_and_silence_does_not_take_it_back() -> None:
    memory, said = play(trace(range(0, 20, 2), level=0.3) + trace(range(20, 40, 2), main=1.0, pressure=0.8, level=0.3))
    assert values(said, "dry-run") == [1.0]
    memory, said = play(trace(range(40, 400, 2), main=1.0, pressure=0.8), memory)
    assert values(said, "dry-run") == []
    _, said = play(trace(range(400, 402, 2), main=1.0, pressure=0.8, level=0.7), memory)
    assert values(said, "dry-run") == [0.0]


def test_a_fire_is_no_test() -> None:
    memory, _ = play(trace(range(0, 20, 2)))
    said: list[Effect] = []
    for one in trace(range(20, 90, 2), main=1.0, pressure=0.8) + trace(range(90, 100, 2)):
        memory, effects = step(memory, one, PLANT, one[1], fire_active=one[1] < START_MS + 40_000)
        said += effects
    assert [one.verdict for one in said if isinstance(one, RunEnded)] == [""]
    assert not [one for one in said if isinstance(one, Seen)]


def test_decay_needs_minutes_and_all_pumps_known_to_stand() -> None:
    falling = -0.5 / 3600
    _, said = play(trace(range(0, 150, 2), slope_per_s=falling))
    assert values(said, "-decay") == []
    _, said = play(trace(range(0, 600, 2), slope_per_s=falling))
    assert values(said, "-decay")
    assert all(abs(value - 0.5) < 0.1 for value in values(said, "-decay"))
    _, said = play(trace(range(0, 600, 2), slope_per_s=falling, main=None))
    assert values(said, "-decay") == []


def test_decay_is_not_moved_by_an_odd_value() -> None:
    means = [(index * 30_000, 0.65 - 0.0001 * index, 15) for index in range(12)]
    means[5] = (means[5][0], 1.2, 15)
    assert decay_of(tuple(means)) == 0.012


def test_the_hour_slides_while_only_time_passes() -> None:
    stream = trace(range(0, 20, 2)) + trace(range(20, 40, 2), jockey=1.0, pressure=0.66) + trace(range(40, 3700, 20))
    memory, said = play(stream)
    assert values(said, "-starts") == [0.0, 1.0, 0.0]
    memory, said = play(trace(range(0, 20, 2)) + trace(range(20, 40, 2), jockey=1.0))
    after, effects = tick(memory, PLANT, START_MS + 3_630_000)
    assert not effects, "nothing was heard for an hour: nobody knows"
    assert tick(after, PLANT, START_MS + 3_630_001) == (after, ())


def test_a_leak_is_suspected_against_the_usual_night() -> None:
    memory, _ = play(trace(range(0, 20, 2)))
    habit = memory.habit._replace(nights=(0.5,) * NIGHTS_NEEDED)
    memory, told = memory._replace(habit=habit), list[float]()
    for minute in range(1, 10 * 60):
        on = minute < 300 and minute % 15 == 0
        for second in (0, 30):
            at_ms = START_MS + (60 * minute + second) * 1000
            memory, effects = step(memory, sample("rig-jockey-run", at_ms, float(on and second == 0)), PLANT, at_ms)
            told += values(effects, "-leak")
    assert told == [1.0, 0.0]


def test_times_that_have_not_come_are_let_go() -> None:
    ahead = [(p, at + 10 * IMPOSSIBLE_MS, tie, v, q, at) for p, at, tie, v, q, _ in trace(range(0, 20, 2), main=1.0)]
    memory, _ = play(ahead)
    memory, effects = step(memory, sample("rig-main-run", START_MS, 0.0), PLANT, START_MS)
    (ended,) = (one for one in effects if isinstance(one, RunEnded))
    assert ended.verdict == "doubtful"
    assert ended.ended_ms >= ended.started_ms
    assert memory.heard_ms == START_MS


def test_nothing_is_told_as_of_a_time_that_has_not_come() -> None:
    memory, _ = play(trace(range(0, 20, 2)))
    memory, _ = tick(memory, PLANT, START_MS + 3 * HOUR_MS)  # our own clock alone was ahead
    now_ms = START_MS + 22_000
    memory, effects = step(memory, sample("rig-main-run", now_ms, 1.0), PLANT, now_ms)
    assert memory.clock_ms == now_ms
    assert all(one.at_ms <= now_ms for one in effects if isinstance(one, Derived))


def test_a_contact_that_bounces_is_one_start_and_no_trip() -> None:
    """It closes, opens and closes again within a few hundredths of a second, and so when it opens."""
    memory, _ = play(trace(range(0, 20, 2), pressure=0.45))
    bounce = [(0, 1.0), (40, 0.0), (80, 1.0), (30_000, 0.0), (30_040, 1.0), (30_080, 0.0)]
    for point in ("rig-jockey-run", "rig-main-run"):
        said: list[Effect] = []
        after = memory
        for wait_ms, on in bounce:
            at_ms = START_MS + 20_000 + wait_ms
            pressure = sample("rig-pressure", at_ms, 0.45 if wait_ms < 30_000 else 0.66)
            for one in (pressure, sample(point, at_ms, on)):
                after, more = step(after, one, PLANT, at_ms)
                said += more
        assert [one.verdict for one in said if isinstance(one, RunEnded) and one.verdict == "trip"] == []
        if point == "rig-jockey-run":
            assert values(said, "-starts")[-1] == 1.0


def test_a_point_may_lag_a_little_behind_the_others() -> None:
    memory, _ = play(trace(range(0, 20, 2)))
    memory, _ = play([sample("rig-pressure", START_MS + 40_000, 0.65)], memory)
    _, said = play([sample("rig-main-run", START_MS + 25_000, 1.0)], memory)
    assert [one.started_ms for one in said if isinstance(one, RunStarted)] == [START_MS + 25_000]
    _, said = play(
        [sample("rig-pressure", START_MS + 2 * SKEW_MS, 0.65), sample("rig-main-run", START_MS + 30_000, 1.0)], memory
    )
    assert said == []


def test_memory_of_an_older_form_is_read() -> None:
    assert PLANT.from_json({}) == PLANT.fresh()
    kept = PLANT.to_json(PLANT.fresh())
    kept["pumps"] = {"gone": {"on": True}}
    kept["unheard"] = 1
    assert PLANT.from_json(kept) == PLANT.fresh()
