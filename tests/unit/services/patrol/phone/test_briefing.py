"""What a phone knows a place by, without network and without knowing the place's tag."""

from datetime import UTC, datetime

import pytest
from console import shipped

from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, Tag
from services.kernel.db import Database
from services.patrol.phone.briefing import briefing, digest
from services.people.roles import Actor, Role

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
GUARD = Actor("guard", "guard", Role.GUARD)


def site(**tags: Tag) -> SiteConfig:
    shipped_site = shipped().sites["yunhe"]
    area = shipped_site.areas[0].id
    points = tuple(Checkpoint(id=name, name=name, area=area, tags=(tag,)) for name, tag in tags.items())
    patrol = shipped_site.patrol.model_copy(update={"checkpoints": points})
    return shipped_site.model_copy(update={"patrol": patrol})


def known(db: Database, config: SiteConfig, text: str) -> list[str]:
    """The places a phone finds by a print, as state.js does."""
    with db.read() as s:
        told = briefing(s, config, GUARD, NOW, demo=False)
    tidy = text.upper().translate(str.maketrans("", "", ":- "))
    return [one.id for one in told.checkpoints if digest(config.site.id, tidy) in one.tags]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("04:1f:9b:02:00:52:81", "gate"), ("815200029B1F04", "gate"), (str(0x041F9B02005281), "gate"),
        ("0040856634", "roof"), ("01026f6c3a", "roof"), ("004335823930", "roof"), ("111,27706", "roof"),
        ("00623,27706", "roof"), ("07302202", "roof"), ("02026F6C3A", None), ("11127706", None),
    ],
)  # fmt: skip
def test_a_phone_knows_a_tag_by_whatever_is_printed_of_it(db: Database, text: str, place: str | None) -> None:
    config = site(gate=Tag(uid="04:1F:9B:02:00:52:81"), roof=Tag(uid="01026F6C3A", kind="rfid125"))
    assert known(db, config, text) == ([place] if place else [])


def test_a_truncated_print_that_two_tags_share_is_neither(db: Database) -> None:
    config = site(a=Tag(uid="01026F6C3A", kind="rfid125"), b=Tag(uid="01036F6C3A", kind="rfid125"))
    assert known(db, config, "111,27706") == []
    assert known(db, config, "00879,27706") == ["b"]
