"""Durations as people write them in YAML: `10s`, `5min`, `1h30min`, `7d`, or ISO 8601 `PT5M`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|min|h|d)\s*")
_ISO = re.compile(r"P(?!$)(?:(\d+)D)?(?:T(?!$)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Read a duration of at most ten years; raises ValueError."""
    written = text.strip()
    iso = _ISO.fullmatch(written)
    if iso is not None:
        days, hours, minutes, seconds = (float(part) if part else 0.0 for part in iso.groups())
        return _bounded(text, days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    total, end = 0.0, 0
    for match in _PART.finditer(written):
        if match.start() != end:
            break
        total += float(match[1]) * _UNITS[match[2]].total_seconds()
        end = match.end()
    if end == 0 or end != len(written):
        raise ValueError(f"{text!r} is not a duration")
    return _bounded(text, total)


def _bounded(text: str, seconds: float) -> timedelta:
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than ten years")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The shortest form `parse_duration` reads back, e.g. `1h30min`."""
    rest = duration // timedelta(milliseconds=1)
    parts = []
    for name in ("d", "h", "min", "s", "ms"):
        count, rest = divmod(rest, _UNITS[name] // timedelta(milliseconds=1))
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def to_milliseconds(duration: timedelta) -> int:
    """Whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def _read(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError as error:
            raise PydanticCustomError("bad_duration", "not a duration", {"value": value[:64]}) from error
    if isinstance(value, int | float) and not isinstance(value, bool) and value == 0:
        return timedelta(0)
    raise PydanticCustomError("bad_duration", "not a duration", {"value": str(value)[:64]})


Duration = Annotated[
    timedelta, BeforeValidator(_read), WithJsonSchema({"type": "string", "examples": ["10s", "5min", "PT1H"]})
]
"""A `timedelta` written with its unit; a bare number other than 0 is an error."""


def _read_interval(value: Any) -> timedelta | None:
    return None if value is None or value == "none" else _read(value)


Interval = Annotated[timedelta | None, BeforeValidator(_read_interval)]
"""A duration, or `none` for values that come when somebody measures."""
