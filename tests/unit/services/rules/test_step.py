"""The pure step in an operator's words."""

import pytest
from builders import make_limit
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.limit import Limit
from services.rules.band import band_of
from services.rules.model import BAD, Effect, Phase, Reading, RuleState, Tick, step

NUM_01 = make_limit()


def play(limit: Limit, events: list[Reading | Tick], state: RuleState | None = None) -> tuple[RuleState, list[Effect]]:
    state = state or RuleState()
    effects: list[Effect] = []
    for event in events:
        state, found = step(state, event, limit, band_of(limit), event.at_ms)
        effects.extend(found)
    return state, effects


def every(seconds: float, values: list[float], start_s: float = 1.0) -> list[Reading | Tick]:
    return [Reading(int((start_s + index * seconds) * 1000), value) for index, value in enumerate(values)]


def kinds(effects: list[Effect]) -> list[str]:
    return [effect.kind for effect in effects]


@pytest.mark.parametrize("value", [0.35, 0.55, 0.3501, 0.5499, 0.45])
def test_exactly_at_the_limit_is_inside(value: float) -> None:
    _, effects = play(NUM_01, every(5, [value] * 10))
    assert effects == []


@pytest.mark.parametrize("value", [0.349, 0.551, 0.3494, 0.5506])
def test_one_kpa_beyond_is_outside(value: float) -> None:
    _, effects = play(NUM_01, every(5, [value] * 3))
    assert kinds(effects) == ["breached"]
    assert effects[0].since_ms == 1_000
    assert effects[0].at_ms == 11_000


def test_nine_seconds_outside_is_counted_but_not_a_breach() -> None:
    state, effects = play(NUM_01, every(3, [0.45, 0.3, 0.29, 0.31, 0.45]))
    assert kinds(effects) == ["excursion_ended"]
    assert (effects[0].since_ms, effects[0].at_ms, effects[0].value, effects[0].alerted) == (4_000, 13_000, 0.29, False)
    assert state.phase is Phase.NORMAL


def test_comes_back_only_after_sixty_seconds_within_the_return_band() -> None:
    breach = [0.3] * 3
    state, effects = play(NUM_01, every(5, breach + [0.365] * 11))
    assert state.phase is Phase.RETURNING
    assert "cleared" not in kinds(effects)
    _, effects = play(NUM_01, every(5, breach + [0.365] * 13))
    assert kinds(effects) == ["breached", "excursion_ended", "cleared"]


def test_between_limit_and_return_band_the_way_back_starts_again() -> None:
    state, effects = play(NUM_01, every(5, [0.3] * 3 + [0.4] * 8 + [0.355] + [0.4] * 8))
    assert state.phase is Phase.RETURNING
    assert "cleared" not in kinds(effects)


def test_hysteresis_does_not_act_on_the_way_out() -> None:
    _, effects = play(NUM_01, every(5, [0.36] * 20))
    assert effects == []


def test_a_gap_inside_the_on_delay_restarts_it() -> None:
    state, effects = play(NUM_01, [Reading(1_000, 0.3), Reading(60_000, 0.3)])
    assert effects == []
    assert (state.phase, state.since_ms) == (Phase.PENDING, 60_000)


def test_a_gap_inside_the_off_delay_restarts_it() -> None:
    _, effects = play(NUM_01, [*every(5, [0.3] * 3), Reading(15_000, 0.45), Reading(80_000, 0.45)])
    assert "cleared" not in kinds(effects)


def test_silence_never_clears() -> None:
    state, _ = play(NUM_01, every(5, [0.3] * 3))
    after, effects = play(NUM_01, [Tick(10_000_000, 1)], state)
    assert after == state
    assert effects == []


def test_a_bad_sample_is_no_data() -> None:
    state, _ = play(NUM_01, every(5, [0.3] * 3))
    after, effects = play(NUM_01, [Reading(20_000 + i * 1000, 0.45, BAD) for i in range(100)], state)
    assert after == state
    assert effects == []


def test_a_value_the_sensor_cannot_have_is_no_data_for_the_limit_but_a_fault_of_its_own() -> None:
    limit = make_limit(valid_min=0.0, valid_max=1.6)
    _, effects = play(limit, every(5, [2.0] * 10))
    assert effects == []
    fault = make_limit(kind="range", valid_min=0.0, valid_max=1.6, on_delay_ms=0, off_delay_ms=0, resolution=None)
    _, effects = play(fault, every(5, [0.45, 2.0, 0.45]))
    assert kinds(effects) == ["breached", "cleared"]


def test_late_samples_change_nothing_live() -> None:
    state, _ = play(NUM_01, every(5, [0.45] * 5))
    after, effects = play(NUM_01, [Reading(2_000, 0.1), Reading(3_000, 0.45)], state)
    assert after == state
    assert kinds(effects) == ["late_breach"]


def test_severe_at_once_and_worse_later() -> None:
    limit = make_limit(severe_threshold=0.2)
    _, effects = play(limit, every(5, [0.2] * 3))
    assert effects[0].severe
    _, effects = play(limit, every(5, [0.3, 0.3, 0.3, 0.2, 0.2]))
    assert kinds(effects) == ["breached", "worsened"]


def test_median_of_five_ignores_single_spikes() -> None:
    limit = make_limit(median_of=5, on_delay_ms=0)
    _, effects = play(limit, every(2, [0.45] * 5 + [0.1] + [0.45] * 3 + [0.9] + [0.45]))
    assert kinds(effects) == ["excursion_ended", "excursion_ended"]
    _, effects = play(limit, every(2, [0.45] * 5 + [0.1, 0.1, 0.1]))
    assert kinds(effects) == ["breached"]


def test_short_excursions_that_come_too_often_are_a_breach() -> None:
    limit = make_limit(min_count=3, window_ms=60_000)
    _, effects = play(limit, every(5, [0.45, 0.3, 0.45, 0.3, 0.45, 0.3]))
    assert kinds(effects).count("breached") == 1
    _, effects = play(limit, every(25, [0.45, 0.3, 0.45, 0.3, 0.45, 0.3]))
    assert "breached" not in kinds(effects)


def test_suspended_limits_start_nothing_but_still_end() -> None:
    _, effects = play(NUM_01, [Reading(1000 * i, 0.3, 0, suspended=True) for i in range(1, 60)])
    assert effects == []
    state, _ = play(NUM_01, every(5, [0.3] * 3))
    _, effects = play(NUM_01, [Reading(12_000 + 5_000 * i, 0.45, 0, suspended=True) for i in range(14)], state)
    assert "cleared" in kinds(effects)


def test_low_limit_is_inclusive_and_needs_no_delay_when_typed_in() -> None:
    num_02 = make_limit(
        id="NUM-02",
        kind="low",
        threshold=0.5,
        return_threshold=0.5,
        resolution=None,
        on_delay_ms=0,
        off_delay_ms=0,
        hold_last=True,
        stale_after_ms=0,
    )
    _, effects = play(num_02, [Reading(1_000, 0.5)])
    assert effects == []
    _, effects = play(num_02, [Reading(1_000, 0.499), Reading(90_000_000, 0.5)])
    assert kinds(effects) == ["breached", "excursion_ended", "cleared"] or kinds(effects) == [
        "breached",
        "cleared",
        "excursion_ended",
    ]


def test_a_held_value_lets_its_delay_run_out_without_new_samples() -> None:
    tim_29 = make_limit(
        id="TIM-29",
        kind="low",
        threshold=1.0,
        return_threshold=1.0,
        resolution=None,
        on_delay_ms=300_000,
        off_delay_ms=0,
        hold_last=True,
    )
    state, effects = play(tim_29, [Reading(1_000, 0.0), Tick(300_000, 1)])
    assert effects == []
    _, effects = play(tim_29, [Tick(301_000, 1)], state)
    assert kinds(effects) == ["breached"]


class TestSilence:
    LIMIT = make_limit(id="DATA-STALE", kind="stale", threshold=None, stale_after_ms=30_000)

    def test_is_noticed_and_ends_with_fresh_data(self) -> None:
        state, effects = play(self.LIMIT, [Reading(1_000, 0.45), Tick(31_000, 1)])
        assert effects == []
        state, effects = play(self.LIMIT, [Tick(31_001, 1)], state)
        assert kinds(effects) == ["breached"]
        _, effects = play(self.LIMIT, [Reading(40_000, 0.45)], state)
        assert kinds(effects) == ["cleared"]

    def test_counts_only_while_we_could_hear(self) -> None:
        _, effects = play(self.LIMIT, [Reading(1_000, 0.45), Tick(3_600_000, 3_590_000), Tick(3_600_000, 0)])
        assert effects == []

    def test_old_data_does_not_end_it(self) -> None:
        state, _ = play(self.LIMIT, [Reading(1_000, 0.45), Tick(100_000, 1)])
        band = band_of(self.LIMIT)
        state, effects = step(state, Reading(60_000, 0.45), self.LIMIT, band, 100_000)
        assert effects == ()
        _, effects = step(state, Reading(99_000, 0.45), self.LIMIT, band, 100_000)
        assert kinds(list(effects)) == ["cleared"]

    def test_a_point_never_heard_is_silent_too(self) -> None:
        _, effects = play(self.LIMIT, [Tick(40_000, 5_000)])
        assert kinds(effects) == ["breached"]


events = st.lists(
    st.one_of(
        st.builds(
            Reading,
            st.integers(0, 400_000),
            st.sampled_from([0.1, 0.3, 0.349, 0.35, 0.36, 0.45, 0.54, 0.55, 0.551, 0.9, 5.0]),
            st.sampled_from([0, 0, 0, 1, BAD]),
            st.sampled_from([False, False, False, True]),
        ),
        st.builds(Tick, st.integers(0, 400_000), st.sampled_from([0, 1])),
    ),
    max_size=60,
)
limits = st.sampled_from(
    [
        NUM_01,
        make_limit(median_of=5),
        make_limit(severe_threshold=0.2, valid_min=0.0, valid_max=1.6),
        make_limit(on_delay_ms=0, off_delay_ms=0),
        make_limit(kind="low", threshold=0.4, return_threshold=0.42, set_value=None, hold_last=True),
        make_limit(kind="stale", threshold=None),
        make_limit(kind="range", valid_min=0.2, valid_max=0.6),
        make_limit(min_count=3, window_ms=60_000),
    ]
)


@given(limits, events)
def test_invariants_under_any_interleaving(limit: Limit, history: list[Reading | Tick]) -> None:
    """One breach at a time; nothing clears without a good sample (or a held one); the same input gives the same end."""
    state = RuleState()
    band = band_of(limit)
    open_breach = False
    for event in history:
        before = state
        state, effects = step(state, event, limit, band, event.at_ms)
        for effect in effects:
            if effect.kind == "breached":
                assert not open_breach
                open_breach = True
            elif effect.kind == "cleared":
                assert open_breach
                open_breach = False
                assert limit.hold_last or isinstance(event, Reading)
                if isinstance(event, Reading) and limit.kind != "stale":
                    assert event.quality != BAD
            elif effect.kind == "worsened":
                assert open_breach
        assert open_breach == (state.phase in (Phase.BREACHED, Phase.RETURNING))
        if isinstance(event, Reading) and limit.kind != "stale":
            assert state.last_ms >= before.last_ms
    again = RuleState()
    for event in history:
        again, _ = step(again, event, limit, band, event.at_ms)
    assert again == state
