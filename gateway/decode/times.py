"""When a device says it measured. Pure; a clock that nobody has set is no clock."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from math import isfinite
from typing import Any, Final

from gateway.decode.said import Refused, refuse, shown
from gateway.site.profile import TimeFormat

TIME: Final = "time"
"""The place of a refused time."""
UNSET_BEFORE_MS: Final = 1_104_537_600_000
"""2005-01-01: clocks that nobody has set begin in 1970 or 2000."""
_LAST_MS: Final = 253_402_300_799_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_PER_MS: Final = {"s": 1000.0, "ms": 1.0, "ns": 1e-6}
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,9})?", re.ASCII)

Claim = Callable[[Any, tzinfo], "int | Refused | None"]
"""What stands at the time's place → epoch milliseconds; None: an unset clock; Refused: no time."""


def claim_of(format_: TimeFormat) -> Claim:
    """How times of this format are read; local times without a zone are the site's."""
    if format_ == "iso":
        return _iso
    if format_ == "auto":
        counted_ms = claim_of("ms")
        return lambda raw, zone: _iso(raw, zone) if isinstance(raw, str) else counted_ms(raw, zone)
    factor = _PER_MS[format_]

    def counted(raw: Any, _zone: tzinfo) -> int | Refused | None:
        if isinstance(raw, str) and _DIGITS.fullmatch(raw):  # 64-bit counts travel as text
            raw = int(raw) if raw.lstrip("-").isdigit() else float(raw)
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return _no_time(raw)
        if isinstance(raw, int) and format_ != "s":
            at_ms = raw if format_ == "ms" else raw // 1_000_000
        else:
            try:
                at = float(raw) * factor
            except OverflowError:
                return _no_time(raw)
            if not isfinite(at):
                return _no_time(raw)
            at_ms = round(at)
        return _set(at_ms, raw)

    return counted


def _iso(raw: Any, zone: tzinfo) -> int | Refused | None:
    if not isinstance(raw, str) or len(raw) > 48:
        return _no_time(raw)
    try:
        moment = datetime.fromisoformat(raw)  # digits past the microsecond are cut
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return _set((moment - _EPOCH) // _MS, raw)
    except (ValueError, OverflowError):
        return _no_time(raw)


def _set(at_ms: int, raw: Any) -> int | Refused | None:
    if at_ms < UNSET_BEFORE_MS:
        return None
    return at_ms if at_ms <= _LAST_MS else _no_time(raw)


def _no_time(raw: Any) -> Refused:
    return refuse(TIME, "bad_time", f"time is {shown(raw)}, not a time", "The time of arrival was taken")
