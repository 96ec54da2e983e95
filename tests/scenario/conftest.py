"""Nights on both databases; what was delivered and not asked about fails the story."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scenario.site import Night, yunhe
from sqlalchemy import event

from gateway.site.model import SiteConfig
from services.kernel.db import Database

Nights = Callable[..., Night]


@pytest.fixture
def nights(db: Database) -> Iterator[Nights]:
    """Opens a night on the shipped site with the named points, or on a site of one's own."""
    quicken(db)
    opened: list[Night] = []

    def open_night(*points: str, config: SiteConfig | None = None, **options: Any) -> Night:
        opened.append(Night(db, config or yunhe(*points), **options))
        return opened[-1]

    yield open_night
    assert not unexpected(opened), "messages that the story did not expect"


@pytest.fixture
def own_nights(new_db: Callable[[], Database]) -> Iterator[Nights]:
    """Opens nights on one kind of database, each on one of its own."""
    opened: list[Night] = []

    def open_night(*points: str, config: SiteConfig | None = None, **options: Any) -> Night:
        db = new_db()
        quicken(db)
        opened.append(Night(db, config or yunhe(*points), **options))
        return opened[-1]

    yield open_night
    assert not unexpected(opened), "messages that the story did not expect"


def unexpected(opened: list[Night]) -> list[str]:
    """What was delivered and never looked at."""
    return [message.text for night in opened for message in night.phone.unheard]


def quicken(db: Database) -> None:
    """A story need not survive a power cut."""
    if db.is_sqlite:
        event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
