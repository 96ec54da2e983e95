"""The console of these tests, on each kind of database where the difference could matter."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Console

from services.kernel.db import Database


@pytest.fixture
def console(sqlite_db: Database, tmp_path: Path) -> Iterator[Console]:
    """A console on SQLite."""
    found = Console(sqlite_db, tmp_path)
    yield found
    found.close()


@pytest.fixture
def any_console(db: Database, tmp_path: Path) -> Iterator[Console]:
    """A console on SQLite, and again on PostgreSQL."""
    found = Console(db, tmp_path)
    yield found
    found.close()
