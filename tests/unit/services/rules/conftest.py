"""A small database for the engine's rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.db import Base, Database
from services.rules import tables  # noqa: F401 - declares the tables


@pytest.fixture(scope="module")
def engine_db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One SQLite database with the rules' tables."""
    path: Path = tmp_path_factory.mktemp("engine") / "state.db"
    db = Database(f"sqlite:///{path}")
    Base.metadata.create_all(db.engine)
    yield db
    db.dispose()
