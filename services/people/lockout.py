"""When guessing locks. Pure.

The hard lock is for a name from one address: otherwise anybody could lock the duty desk out by five wrong posts. Over
all addresses only a much higher count refuses a name, and never where its owner has signed in lately.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lockout:
    """`failures` within `window` lock for `hold`, counted from the last of them."""

    failures: int
    window: timedelta
    hold: timedelta


PER_PAIR = Lockout(5, timedelta(minutes=15), timedelta(minutes=15))
"""One name from one address."""
PER_USERNAME = Lockout(50, timedelta(minutes=15), timedelta(minutes=15))
"""One name over all addresses, for an address that is strange to it."""
PER_ADDRESS = Lockout(20, timedelta(minutes=15), timedelta(minutes=15))
"""One address over all names."""
KNOWN_FOR = timedelta(days=30)
"""An address from which a name was signed in within this is its own: the guesses of others do not count there."""


def locked_until(failed_at: Sequence[datetime], rule: Lockout) -> datetime | None:
    """End of the lock that these failures (oldest first) cause, or None.

    Refused attempts during a lock are not failures, so hammering does not prolong it.
    """
    if len(failed_at) < rule.failures:
        return None
    first, last = failed_at[-rule.failures], failed_at[-1]
    return last + rule.hold if last - first <= rule.window else None
