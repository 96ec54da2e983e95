"""Randomness without state: every number is a function of a key and a position, so order of asking changes nothing."""

import hashlib

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def key_of(*parts: object) -> int:
    """A 64-bit key of what names something, e.g. seed, site and point."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def bits(key: int, position: int) -> int:
    """64 well-mixed bits (splitmix64) for a position of a key."""
    z = (key + position * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def uniform(key: int, position: int) -> float:
    """A number in [0, 1)."""
    return bits(key, position) / 18446744073709551616.0


def bell(key: int, position: int) -> float:
    """A bell-shaped number in [-1, 1], standard deviation 0.29: bounded, so calm stays calm."""
    z = bits(key, position)
    total = (z & 0xFFFF) + ((z >> 16) & 0xFFFF) + ((z >> 32) & 0xFFFF) + (z >> 48)
    return total / 131070.0 - 1.0


def wander(key: int, at_ms: int, period_ms: int) -> float:
    """A smooth curve in [-1, 1] with a new direction about every `period_ms`."""
    cell, inside = divmod(at_ms, period_ms)
    part = inside / period_ms
    blend = part * part * (3.0 - 2.0 * part)
    left = bell(key, cell)
    return left + (bell(key, cell + 1) - left) * blend
