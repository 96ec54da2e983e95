"""Sparkplug B payloads written byte by byte from the specification's field numbers, without any protobuf library."""

import struct
from typing import Any

INT8, INT16, INT32, INT64, UINT16, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 6, 9, 10, 11, 12


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def _count(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def _bytes(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def metric(
    name: str = "",
    value: Any = None,
    datatype: int = 0,
    *,
    alias: int | None = None,
    at_ms: int = 0,
    historical: bool = False,
) -> bytes:
    """A metric; value None is null. Signed integers become two's complement, as the specification asks."""
    out = _bytes(1, name.encode()) if name else b""
    out += b"" if alias is None else _count(2, alias)
    out += _count(3, at_ms) if at_ms else b""
    out += _count(4, datatype) if datatype else b""
    out += _count(5, 1) if historical else b""
    if value is None:
        return out + _count(7, 1)
    if isinstance(value, bool):
        return out + _count(14, int(value))
    if isinstance(value, int):
        is_long = datatype in (INT64, 8, 13)
        return out + _count(11 if is_long else 10, value % (1 << (64 if is_long else 32)))
    if isinstance(value, float):
        if datatype == DOUBLE:
            return out + varint(13 << 3 | 1) + struct.pack("<d", value)
        return out + varint(12 << 3 | 5) + struct.pack("<f", value)
    return out + _bytes(15, value.encode())


def payload(at_ms: int, seq: int | None, *metrics: bytes) -> bytes:
    """A message."""
    out = _count(1, at_ms) + b"".join(_bytes(2, one) for one in metrics)
    return out if seq is None else out + _count(3, seq)
