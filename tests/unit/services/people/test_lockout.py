from datetime import UTC, datetime, timedelta

from services.people.lockout import PER_PAIR, locked_until

START = datetime(2026, 11, 21, tzinfo=UTC)


def failures(*minutes: float) -> list[datetime]:
    return [START + timedelta(minutes=minute) for minute in minutes]


def test_four_failures_lock_nobody() -> None:
    assert locked_until(failures(0, 1, 2, 3), PER_PAIR) is None


def test_the_fifth_within_the_window_locks_for_the_hold() -> None:
    assert locked_until(failures(0, 1, 2, 3, 4), PER_PAIR) == START + timedelta(minutes=19)


def test_exactly_the_window_still_counts() -> None:
    assert locked_until(failures(0, 1, 2, 3, 15), PER_PAIR) == START + timedelta(minutes=30)


def test_failures_spread_wider_than_the_window_lock_nobody() -> None:
    assert locked_until(failures(0, 5, 10, 15, 16), PER_PAIR) is None
