"""Password hashing: argon2id, with the same work for a user that does not exist."""

import threading
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 256
"""Longer input would only feed the hash function of an attacker's choosing."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Hashes at a time: each takes 19 MiB, and guessing must not starve the console."""


class Hasher(Protocol):
    """Turns passwords into hashes and compares."""

    def hash(self, password: str) -> str:
        """A salted hash that carries its parameters."""

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; takes the same work when `stored` is None."""


class Argon2Hasher:
    """argon2id with OWASP's parameters (19 MiB, two passes, one lane)."""

    def __init__(self, *, time_cost: int = 2, memory_kib: int = 19_456) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._dummy = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A salted hash that carries its parameters."""
        with _AT_ONCE:
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; takes the same work when `stored` is None."""
        with _AT_ONCE:
            try:
                fits = self._hasher.verify(stored or self._dummy, password)
            except (VerificationError, InvalidHashError):
                return False
        return fits and stored is not None


def weakness(password: str, username: str) -> str | None:
    """What is wrong with a new password, as a stable code, or None."""
    if len(password) < MIN_LENGTH:
        return "too_short"
    if len(password) > MAX_LENGTH:
        return "too_long"
    if username and username.lower() in password.lower():
        return "contains_username"
    if len(set(password)) < 4:
        return "too_simple"
    return None
