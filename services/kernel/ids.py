"""Ids of rows: ULIDs, so that order of creation is order of id."""

from collections.abc import Callable

from ulid import ULID

NewId = Callable[[], str]


def new_id() -> str:
    """A fresh ULID as 26 characters."""
    return str(ULID())
