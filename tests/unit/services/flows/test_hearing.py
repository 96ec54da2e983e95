"""Whether a site's ingest has heard all that was sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.flows.hearing import hears_all, hears_since
from services.kernel.db import Database
from services.kernel.heartbeat import beat

NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
WELL = {"deaf_s": 0.2, "hearing_s": 3600.0}


@pytest.mark.parametrize(
    ("ago_s", "sites", "figures", "heard"),
    [
        (1, ["beat"], WELL, True),
        (1, [], WELL, True),
        (1, ["beat"], {"deaf_s": 0.0}, True),
        (11, ["beat"], WELL, False),
        (-6, ["beat"], WELL, False),
        (1, ["elsewhere"], WELL, False),
        (1, ["beat"], WELL | {"deaf_s": 5.0}, False),
        (1, ["beat"], WELL | {"hearing_s": 59.0}, False),
        (1, ["beat"], WELL | {"hearing_s": 0.0}, False),
    ],
)
def test_only_an_ingest_that_lives_and_has_caught_up_has_heard_all(
    db: Database, ago_s: int, sites: list[str], figures: dict[str, Any], heard: bool
) -> None:
    with db.begin() as session:
        assert not hears_all(session, "beat", NOW), "there is none at all"
        beat(session, "ingest", "one", NOW - timedelta(seconds=ago_s), sites=sites, **figures)
    with db.read() as session:
        assert hears_all(session, "beat", NOW) is heard


def test_since_when_a_site_is_heard_is_known_only_while_it_is(db: Database) -> None:
    with db.begin() as session:
        assert hears_since(session, "beat", NOW) is None
        beat(session, "ingest", "one", NOW, sites=["beat"], **WELL)
        assert hears_since(session, "beat", NOW + timedelta(seconds=2)) == NOW - timedelta(hours=1)
        assert hears_since(session, "beat", NOW + timedelta(seconds=11)) is None
        beat(session, "ingest", "one", NOW, deaf_s=0.0)
        assert hears_since(session, "beat", NOW) == datetime.min.replace(tzinfo=UTC), "always"
