"""What a point reads at a moment: a baseline under layers of faults.

Pure: a signal is a function of the time alone; seed, scenario and point are bound when it is composed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway.simulator.noise import bell, key_of, uniform, wander

DAY_MS = 86_400_000
Baseline = Callable[[int], float]
"""Epoch milliseconds → value when nothing is wrong."""
Signal = Callable[[int], float | None]
"""Epoch milliseconds → reading, or None: the sensor says nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """When something happens: [start, start + duration), again every `every_ms`; None: once."""

    start_ms: int
    duration_ms: int
    every_ms: int | None = None

    def elapsed(self, at_ms: int) -> int | None:
        """Milliseconds since the current occurrence began; None outside."""
        since = at_ms - self.start_ms
        if since < 0:
            return None
        if self.every_ms is not None:
            since %= self.every_ms
        return since if since < self.duration_ms else None

    def begun(self, at_ms: int) -> int:
        """How many occurrences have begun by `at_ms`, that moment included."""
        since = at_ms - self.start_ms
        if since < 0:
            return 0
        return 1 if self.every_ms is None else since // self.every_ms + 1

    def start_of(self, occurrence: int) -> int:
        """When occurrence 0, 1, … begins."""
        return self.start_ms + occurrence * (self.every_ms or 0)


# --- baselines ---------------------------------------------------------------------------------------------------


def steady(centre: float) -> Baseline:
    """The same value for ever."""
    return lambda at_ms: centre


def daily(centre: float, depth: float, offset_ms: int) -> Baseline:
    """Sinks by up to `depth` at the morning (07:30) and evening (19:30) peaks of demand, local time."""

    def value(at_ms: int) -> float:
        hour = ((at_ms + offset_ms) % DAY_MS) / 3_600_000.0
        demand = math.exp(-(((hour - 7.5) / 1.5) ** 2)) + math.exp(-(((hour - 19.5) / 2.0) ** 2))
        return centre - depth * demand

    return value


def warm_day(centre: float, swing: float, offset_ms: int) -> Baseline:
    """Highest at 15:00 local time, lowest at 03:00."""

    def value(at_ms: int) -> float:
        return centre + swing * math.sin(math.tau * (((at_ms + offset_ms) % DAY_MS) / DAY_MS - 0.375))

    return value


def cycle(centre: float, swing: float, period_ms: int, phase_ms: int, rising: float = 0.1) -> Baseline:
    """Sinks slowly and is brought back quickly: a stabilised main between two pump starts, a tank being refilled."""

    def value(at_ms: int) -> float:
        part = ((at_ms + phase_ms) % period_ms) / period_ms
        height = part / rising if part < rising else 1.0 - (part - rising) / (1.0 - rising)
        return centre + swing * (2.0 * height - 1.0)

    return value


def on_off(key: int, duty: float, period_ms: int) -> Baseline:
    """1 while running, 0 while stopped: one run in each period, of a length that varies."""
    phase_ms = key % period_ms

    def value(at_ms: int) -> float:
        number, inside = divmod(at_ms + phase_ms, period_ms)
        length = duty * (0.7 + 0.6 * uniform(key, number))
        return 1.0 if inside < length * period_ms else 0.0

    return value


def counter(per_hour: float, since_ms: int) -> Baseline:
    """A meter that only counts up."""
    return lambda at_ms: (at_ms - since_ms) * per_hour / 3_600_000.0


def noisy(base: Baseline, key: int, peak: float, period_ms: int = 60_000) -> Baseline:
    """`base` with noise that never exceeds `peak`: half of it slow, half of it new at every millisecond."""
    half = peak / 2.0
    fast = key_of(key, "fast")

    def value(at_ms: int) -> float:
        return base(at_ms) + half * (wander(key, at_ms, period_ms) + bell(fast, at_ms))

    return value


# --- layers: each takes the signal below it and gives the signal above --------------------------------------------


def leak(below: Signal, window: Window, size: float, ramp_ms: int, recovery_ms: int) -> Signal:
    """Sinks by `size` over `ramp_ms`, stays low, recovers over `recovery_ms` before the end; negative size: rises."""

    def value(at_ms: int) -> float | None:
        reading, since = below(at_ms), window.elapsed(at_ms)
        if since is None or reading is None:
            return reading
        down = since / ramp_ms if ramp_ms else 1.0
        left = (window.duration_ms - since) / recovery_ms if recovery_ms else 1.0
        return reading - size * min(1.0, down, left)

    return value


def pump_trip(below: Signal, window: Window, size: float, fall_ms: int = 2_000) -> Signal:
    """Falls by `size` within seconds; the pump is restarted after four fifths of the time and pressure returns."""
    restart_ms = window.duration_ms * 4 // 5

    def value(at_ms: int) -> float | None:
        reading, since = below(at_ms), window.elapsed(at_ms)
        if since is None or reading is None:
            return reading
        if since < restart_ms:
            return reading - size * (1.0 - math.exp(-since / fall_ms))
        # Eight time constants until the end: what is left then is invisible.
        return reading - size * math.exp(-8.0 * (since - restart_ms) / (window.duration_ms - restart_ms))

    return value


def drift(below: Signal, window: Window, size: float) -> Signal:
    """A sensor that reads wrong by more and more, up to `size`, until it is calibrated at the end."""

    def value(at_ms: int) -> float | None:
        reading, since = below(at_ms), window.elapsed(at_ms)
        return reading if since is None or reading is None else reading + size * since / window.duration_ms

    return value


def excursion(below: Signal, window: Window, size: float) -> Signal:
    """Away by `size` at once and back at once: water hammer, a valve being tried."""

    def value(at_ms: int) -> float | None:
        reading = below(at_ms)
        return reading if reading is None or window.elapsed(at_ms) is None else reading + size

    return value


def stuck(below: Signal, window: Window) -> Signal:
    """Goes on saying what it read when the window began."""

    def value(at_ms: int) -> float | None:
        since = window.elapsed(at_ms)
        return below(at_ms) if since is None else below(at_ms - since)

    return value


def forced(below: Signal, window: Window, reading: float) -> Signal:
    """Reads `reading` whatever is below: a pump running or stopped, a loop current outside its electrical range."""
    return lambda at_ms: below(at_ms) if window.elapsed(at_ms) is None else reading


def silence(below: Signal, window: Window) -> Signal:
    """Says nothing."""
    return lambda at_ms: below(at_ms) if window.elapsed(at_ms) is None else None


def rounded(below: Signal, decimals: int) -> Signal:
    """As the point is read: so many decimals, never minus zero."""

    def value(at_ms: int) -> float | None:
        reading = below(at_ms)
        return None if reading is None else round(reading, decimals) + 0.0

    return value
