"""Times on the wire: RFC 3339 with zone; inside: aware UTC datetimes, or epoch milliseconds on the hot path."""

import re
from datetime import UTC, datetime, timedelta

from gateway.contract.errors import BadTime

_HOUR, _SIXTY = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
# No `\d`: it means every script's digits. Seconds run to 69 so that a leap second is refused by its name.
RFC3339 = (
    rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_HOUR}:{_SIXTY}:[0-6][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+-]{_HOUR}:{_SIXTY})$"
)
_RFC3339 = re.compile(RFC3339)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MS
_minutes: dict[str, int] = {}
"""Epoch milliseconds of minutes met lately, by their text up to the seconds and their zone."""


def parse_at(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 time with zone (digits past the millisecond are cut); raises BadTime."""
    # Nearly every event of a stream shares its minute with the one before: only seconds are parsed then.
    if len(text) == 24 and text[23] == "Z" and text[19] == "." and text.isascii():
        minute = _minutes.get(text[:17])
        if minute is not None:
            second, ms = text[17:19], text[20:23]
            if second < "60" and second.isdigit() and ms.isdigit():
                return minute + int(second) * 1000 + int(ms)
    return _parse_slowly(text)


def _parse_slowly(text: str) -> int:
    if _RFC3339.fullmatch(text) is None:
        raise BadTime(f"Time {text[:64]!r} is not RFC 3339 with a zone", hint="Write it like 2026-11-21T08:30:00.000Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTime(f"Time {text!r} does not exist ({error})", hint="Check the device's clock") from error
    at_ms = (moment - _EPOCH) // _MS
    if at_ms > _LAST_MS:  # the last hours of the year 9999, written west of Greenwich
        raise BadTime(f"Time {text!r} is out of range", hint="Check the device's clock")
    if at_ms < 0:
        raise BadTime(f"Time {text!r} is before 1970", hint="Check the device's clock")
    if text.endswith("Z") and len(text) == 24:
        if len(_minutes) > 4096:
            _minutes.clear()
        _minutes[text[:17]] = at_ms - int(text[17:19]) * 1000 - int(text[20:23])
    return at_ms


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime."""
    return (moment - _EPOCH) // _MS


def from_ms(at_ms: int) -> datetime:
    """Aware UTC datetime of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def format_at(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as events carry it."""
    return from_ms(at_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
