"""When guessing locks a name or an address. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lockout:
    """`failures` within `window` lock for `hold`, counted from the last of them."""

    failures: int
    window: timedelta
    hold: timedelta


PER_USERNAME = Lockout(5, timedelta(minutes=15), timedelta(minutes=15))
PER_ADDRESS = Lockout(20, timedelta(minutes=15), timedelta(minutes=15))


def locked_until(failed_at: Sequence[datetime], rule: Lockout) -> datetime | None:
    """End of the lock that these failures (oldest first) cause, or None.

    Refused attempts during a lock are not failures, so hammering does not prolong it.
    """
    if len(failed_at) < rule.failures:
        return None
    first, last = failed_at[-rule.failures], failed_at[-1]
    return last + rule.hold if last - first <= rule.window else None
