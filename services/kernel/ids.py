"""Ids of rows: ULIDs, so that order of creation is order of id."""

from ulid import ULID


def new_id() -> str:
    """A fresh ULID as 26 characters."""
    return str(ULID())
