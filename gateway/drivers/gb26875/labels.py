"""Time labels (§8.2.2): six bytes of second, minute, hour, day, month, year since 2000, in the device's local time."""

from datetime import UTC, datetime, tzinfo

from gateway.contract.errors import GengfuError


class BadLabel(GengfuError):
    """A time that a label cannot carry."""


def encode_label(local: datetime, bcd: bool = False) -> bytes:
    """The label of a local time, read as it is on the wall; raises BadLabel outside 2000–2099."""
    if not 2000 <= local.year <= 2099:
        raise BadLabel(f"Year {local.year} does not fit into a time label", hint="Check the clock")
    parts = (local.second, local.minute, local.hour, local.day, local.month, local.year - 2000)
    return bytes(part // 10 << 4 | part % 10 for part in parts) if bcd else bytes(parts)


def decode_label(label: bytes, zone: tzinfo, bcd: bool = False) -> datetime | None:
    """The moment in UTC that a label of a clock in `zone` names; None: no such time (zeros, 31 June, noise)."""
    parts = [_of_bcd(byte) for byte in label] if bcd else list(label)
    if len(parts) != 6 or not 0 <= parts[5] <= 99:
        return None
    second, minute, hour, day, month, year = parts
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None


def _of_bcd(byte: int) -> int:
    """The number of two decimal digits; -1 when they are none."""
    tens, ones = byte >> 4, byte & 0x0F
    return tens * 10 + ones if tens < 10 and ones < 10 else -1
