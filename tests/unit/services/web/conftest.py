"""The console of these tests, on each kind of database where the difference could matter."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Console

from services.kernel.db import Database


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    """A console on one kind of database."""
    found = Console(one_db, tmp_path)
    yield found
    found.close()


@pytest.fixture
def any_console(db: Database, tmp_path: Path) -> Iterator[Console]:
    """A console on each kind of database."""
    found = Console(db, tmp_path)
    yield found
    found.close()
