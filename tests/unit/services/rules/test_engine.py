"""The engine's fast way and its rows change nothing about what the pure step decides."""

from builders import POINT, make_limit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.heard import Sample
from services.kernel.db import Database
from services.rules.band import band_of
from services.rules.engine import Engine, Finding
from services.rules.model import BAD, Reading, RuleState, Tick, step

LIMITS = [
    make_limit(median_of=5, valid_min=0.0, valid_max=1.6),
    make_limit(variant="warning", threshold=0.05, return_threshold=0.05, on_delay_ms=0, off_delay_ms=0),
    make_limit(id="DATA-STALE", kind="stale", threshold=None),
    make_limit(id="DATA-RANGE", kind="range", valid_min=0.0, valid_max=1.6, on_delay_ms=0, off_delay_ms=0),
]
START_MS = 1_000_000

samples = st.lists(
    st.tuples(
        st.sampled_from([0, 1_000, 2_000, 2_000, 5_000, 40_000, -3_000]),
        st.sampled_from([0.45, 0.45, 0.46, 0.44, 0.39, 0.3, 0.55, 0.551, 9.0]),
        st.sampled_from([0, 0, 0, 0, BAD]),
        st.sampled_from(["sample", "sample", "sample", "sample", "tick", "restart"]),
    ),
    max_size=80,
)


def _by_the_book(history: list[tuple[int, float, int, str]]) -> list[tuple[str, str, int]]:
    """Every sample through `step` for every limit, nothing skipped."""
    states = [RuleState() for _ in LIMITS]
    found = []
    now_ms = START_MS
    for delta, value, quality, kind in history:
        if kind == "restart":
            continue
        at_ms = now_ms + delta
        now_ms = max(now_ms, at_ms)
        event = Tick(now_ms, START_MS) if kind == "tick" else Reading(at_ms, value, quality)
        for index, limit in enumerate(LIMITS):
            states[index], effects = step(states[index], event, limit, band_of(limit), now_ms)
            found.extend((limit.rule, effect.kind, effect.at_ms) for effect in effects)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(history=samples)
def test_fast_way_restarts_and_all_equal_the_pure_step(
    history: list[tuple[int, float, int, str]], engine_db: Database
) -> None:
    engine = _fresh(engine_db)
    found: list[tuple[str, str, int]] = []
    now_ms = START_MS

    def note(findings: list[Finding]) -> None:
        found.extend((limit.rule, effect.kind, effect.at_ms) for limit, effect in findings)

    for delta, value, quality, kind in history:
        at_ms = now_ms + delta
        if kind == "restart":
            with engine_db.begin() as session:
                engine.save(session)
            engine = Engine({POINT: LIMITS}, [POINT])
            with engine_db.begin() as session:
                engine.load(session)
            continue
        now_ms = max(now_ms, at_ms)
        if kind == "tick":
            note(engine.tick(now_ms, START_MS))
        else:
            for left in engine.take([_sample(at_ms, value, quality, now_ms)]):
                note(engine.judge(left, {}))
    assert found == _by_the_book(history)


def _fresh(db: Database) -> Engine:
    engine = Engine({POINT: LIMITS}, [POINT])
    with db.begin() as session:
        for table in ("point_state", "rule_state"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        engine.load(session)
    return engine


def _sample(at_ms: int, value: float, quality: int = 0, received_ms: int | None = None) -> Sample:
    return (POINT, at_ms, 0, value, quality, at_ms if received_ms is None else received_ms)


def test_a_calm_sample_costs_no_step() -> None:
    engine = Engine({POINT: LIMITS}, [POINT])
    first = _sample(START_MS, 0.45)
    assert engine.take([first]) == [first]
    engine.judge(first, {})
    calm = [_sample(START_MS + 2_000 * n, 0.46) for n in range(1, 5)]
    out, after = _sample(START_MS + 10_000, 0.60), _sample(START_MS + 12_000, 0.45)
    assert engine.take([*calm, out, after]) == [out, after]
    late = _sample(START_MS + 1_000, 0.45)
    assert engine.take([late]) == [late]
