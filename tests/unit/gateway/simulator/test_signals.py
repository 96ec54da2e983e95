import pytest

from gateway.simulator.signals import (
    Window,
    counter,
    cycle,
    daily,
    drift,
    excursion,
    forced,
    leak,
    noisy,
    on_off,
    pump_trip,
    rounded,
    silence,
    steady,
    stuck,
    warm_day,
)

MIN = 60_000
HOUR = 3_600_000
ONCE = Window(10 * MIN, 6 * MIN)
BASE = steady(0.45)


def test_a_window_is_half_open_and_repeats() -> None:
    window = Window(1_000, 200, 500)
    seen = [at for at in range(0, 2_300, 100) if window.elapsed(at) is not None]
    assert seen == [1000, 1100, 1500, 1600, 2000, 2100]
    assert [window.begun(at) for at in (999, 1000, 1499, 1500)] == [0, 1, 1, 2]
    assert window.start_of(2) == 2_000
    assert Window(1_000, 200).begun(10**9) == 1


def test_a_leak_sinks_slowly_stays_and_recovers() -> None:
    signal = leak(BASE, ONCE, 0.18, ramp_ms=MIN, recovery_ms=MIN)
    at = [signal(10 * MIN + after) for after in (-1, 0, MIN // 2, MIN, 4 * MIN, 5 * MIN + MIN // 2, 6 * MIN)]
    assert at == pytest.approx([0.45, 0.45, 0.36, 0.27, 0.27, 0.36, 0.45])


def test_a_pump_trip_falls_within_seconds_and_returns_before_the_end() -> None:
    signal = pump_trip(BASE, ONCE, 0.3)
    assert signal(10 * MIN) == pytest.approx(0.45)
    assert signal(10 * MIN + 5_000) < 0.45 - 0.27  # type: ignore[operator]
    assert signal(10 * MIN + 6 * MIN * 4 // 5) == pytest.approx(0.15)
    assert signal(16 * MIN - 1) == pytest.approx(0.45, abs=0.001)
    assert signal(16 * MIN) == 0.45


def test_a_drift_grows_and_ends_with_calibration() -> None:
    signal = drift(BASE, ONCE, 0.12)
    assert [signal(10 * MIN + after * MIN) for after in (0, 3, 6)] == pytest.approx([0.45, 0.51, 0.45])


def test_an_excursion_is_away_and_back_at_once() -> None:
    signal = excursion(BASE, Window(0, 8_000), -0.16)
    assert [signal(at) for at in (-1, 0, 7_999, 8_000)] == pytest.approx([0.45, 0.29, 0.29, 0.45])


def test_a_stuck_sensor_repeats_what_it_last_read() -> None:
    signal = stuck(rounded(noisy(BASE, 5, 0.02), 3), ONCE)
    frozen = {signal(at) for at in range(10 * MIN, 16 * MIN, 1_000)}
    assert len(frozen) == 1
    assert len({signal(at) for at in range(0, 6 * MIN, 1_000)}) > 10


def test_forced_and_silent() -> None:
    assert forced(BASE, ONCE, 1.0)(11 * MIN) == 1.0
    assert forced(BASE, ONCE, 1.0)(16 * MIN) == 0.45
    assert silence(BASE, ONCE)(11 * MIN) is None
    assert silence(BASE, ONCE)(9 * MIN) == 0.45


def test_layers_above_silence_stay_silent() -> None:
    quiet = silence(BASE, ONCE)
    for layered in (
        leak(quiet, ONCE, 1, 0, 0),
        pump_trip(quiet, ONCE, 1),
        drift(quiet, ONCE, 1),
        excursion(quiet, ONCE, 1),
    ):
        assert rounded(layered, 2)(11 * MIN) is None


def test_noise_never_exceeds_its_peak() -> None:
    signal = noisy(BASE, 11, 0.02)
    assert all(abs(signal(at) - 0.45) <= 0.02 for at in range(0, 1_000_000, 777))


def test_demand_peaks_morning_and_evening_local_time() -> None:
    signal = daily(0.45, 0.02, 8 * HOUR)
    by_hour = [signal(hour * HOUR - 8 * HOUR) for hour in range(24)]
    assert min(range(24), key=by_hour.__getitem__) in (7, 8, 19, 20)
    assert by_hour[2] == pytest.approx(0.45, abs=0.001)
    warm = [warm_day(20, 5, 0)(hour * HOUR) for hour in range(24)]
    assert warm.index(max(warm)) == 15


def test_a_cycle_stays_in_its_band_and_rises_quickly() -> None:
    signal = cycle(0.6, 0.02, 20 * MIN, 0)
    values = [signal(at) for at in range(0, 20 * MIN, 1_000)]
    assert min(values) == pytest.approx(0.58)
    assert max(values) == pytest.approx(0.62, abs=0.0001)
    assert values.index(max(values)) == pytest.approx(120, abs=1)


def test_a_pump_runs_once_in_each_period() -> None:
    signal = on_off(9, 0.5, 30 * MIN)
    for period in range(20):
        values = [signal(period * 30 * MIN - 9 + at) for at in range(0, 30 * MIN, 10_000)]
        assert set(values) == {0.0, 1.0}
        assert values == sorted(values, reverse=True)


def test_a_counter_only_counts_up() -> None:
    signal = counter(3.6, 0)
    assert signal(HOUR) == pytest.approx(3.6)


def test_rounding_has_no_minus_zero() -> None:
    assert str(rounded(steady(-0.0001), 2)(0)) == "0.0"
