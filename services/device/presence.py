"""When a device counts as gone, as coming and going, and as calm again. Pure; the numbers are ours."""

from collections.abc import Sequence

SILENT, FLAP, BATTERY = "DEV-SILENT", "DEV-FLAP", "DEV-BATTERY"
RULES = (SILENT, FLAP, BATTERY)
"""Rules of the alerts that are about a device."""
BEHIND = "设备失联，由设备告警代表"
"""Why a point's alert is hidden behind its device's."""
OFFLINE_GRACE_MS = 30_000
"""A device that says it is off line may come back at once: a restart, a roaming radio."""
STILL_THERE_MS = 5_000
"""Readings that come later than this after its last will prove that it is there."""
MOST = 0.8
"""When so many of its points give no data, the device is silent whatever else it says."""
SOME = 2
"""As many of its points must be overdue before the silence is the device's, not one sensor's."""
OVERDUE = 1.5
"""A point is overdue after so many of its intervals."""
FLAP_COUNT = 5
FLAP_WINDOW_MS = 30 * 60_000
"""Gone so often within this is one thing: it flaps."""
CALM_MS = 15 * 60_000
"""No change for so long ends the flapping."""
BATTERY_LOW = 20.0
BATTERY_BACK = 25.0
"""In per cent: an alert from the one, over at the other."""


def flaps(starts_ms: Sequence[int], now_ms: int) -> bool:
    """Whether a device went away so often lately that each time is no news any more."""
    return sum(now_ms - one < FLAP_WINDOW_MS for one in starts_ms) >= FLAP_COUNT


def is_calm(changed_ms: int, now_ms: int) -> bool:
    """Whether a flapping device has not changed for long enough."""
    return now_ms - changed_ms >= CALM_MS


def is_silent(*, quiet_ms: int, stale_after_ms: int, breached: int, overdue: int, points: int) -> bool:
    """Whether it is the device that is silent, when one of its points has been so for `stale_after_ms`.

    `quiet_ms`: since anything came of the device; of its watched `points` so many give no data (`breached`), and so
    many should have spoken since (`overdue`).
    """
    if points >= SOME and breached >= MOST * points:
        return True
    return quiet_ms * 2 >= stale_after_ms and overdue >= min(SOME, points)
