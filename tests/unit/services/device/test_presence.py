"""When a device counts as gone and as coming and going."""

import pytest

from services.device import presence

MINUTE = 60_000


@pytest.mark.parametrize(
    ("quiet_s", "breached", "overdue", "points", "silent"),
    [
        (30, 1, 2, 5, True),  # nothing came, and two should have spoken
        (14, 1, 2, 5, False),  # something came since
        (30, 1, 1, 5, False),  # the others speak seldom: nobody knows yet
        (0, 4, 0, 5, True),  # it speaks, and says nothing of use
        (0, 3, 0, 5, False),
        (30, 1, 1, 1, True),
        (5, 1, 0, 1, False),  # its only point is silent, it is not
    ],
)
def test_silence_is_the_devices_or_the_points(
    quiet_s: int, breached: int, overdue: int, points: int, silent: bool
) -> None:
    found = presence.is_silent(
        quiet_ms=quiet_s * 1000, stale_after_ms=30_000, breached=breached, overdue=overdue, points=points
    )
    assert found is silent


def test_five_absences_in_half_an_hour_are_flapping() -> None:
    starts = [index * 5 * MINUTE for index in range(5)]
    assert presence.flaps(starts, 21 * MINUTE)
    assert not presence.flaps(starts[:4], 21 * MINUTE)
    assert not presence.flaps(starts, 31 * MINUTE)
    assert presence.is_calm(0, 15 * MINUTE)
    assert not presence.is_calm(1, 15 * MINUTE)
