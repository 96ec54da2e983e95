"""A small database for the engine's rows."""

from collections.abc import Iterator

import pytest
from database import Databases

from services.kernel.db import Database


@pytest.fixture(scope="module")
def engine_db(databases: Databases) -> Iterator[Database]:
    """One database for a module."""
    with databases.one() as database:
        yield database
