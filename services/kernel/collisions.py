"""Two processes in each other's way on PostgreSQL: the loser's transaction is gone, and simply done again."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

P = ParamSpec("P")
T = TypeVar("T")
DEADLOCK, NOT_SERIALIZABLE, TAKEN = "40P01", "40001", "23505"
"""SQLSTATE (PostgreSQL manual, appendix A). TAKEN: somebody else has just written the same key."""


def collided(error: DBAPIError) -> bool:
    """Whether nothing is wrong but the moment; never on SQLite, where writers queue."""
    return _state(error) in (DEADLOCK, NOT_SERIALIZABLE)


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def once_more(act: Callable[P, T]) -> Callable[P, T]:
    """Let what opens and commits its own transaction be done a second time after a collision; a third is an error."""

    @functools.wraps(act)
    def acting(*args: P.args, **named: P.kwargs) -> T:
        try:
            return act(*args, **named)
        except DBAPIError as error:
            if not collided(error) and _state(error) != TAKEN:
                raise
        return act(*args, **named)

    return acting
