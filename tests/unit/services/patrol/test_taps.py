"""What a tap says of the place, by tag, by code, and by a number typed where a code belongs."""

from datetime import UTC, datetime
from typing import Never

import pytest
from console import SITE, shipped

from gateway.contract.heard import Heard
from gateway.contract.times import to_ms
from services.kernel.db import Database
from services.patrol.taps import TagBook, take

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CONFIG = shipped().sites[SITE]
POINT = next(one for one in CONFIG.patrol.checkpoints if one.tags and one.code)
UID = POINT.tags[0].uid
DECIMAL = str(int(UID.replace(":", ""), 16))


def no_signature(*_: object) -> Never:
    raise AssertionError("there is no address to prove")


@pytest.mark.parametrize(
    ("read", "place", "evidence"),
    [
        ({"tag": DECIMAL}, POINT.id, "uid"),
        ({"code": f" {str(POINT.code).lower()}"}, POINT.id, "manual"),
        ({"code": UID}, POINT.id, "manual"),
        ({"code": DECIMAL, "evidence": "manual"}, POINT.id, "manual"),
        ({"code": "0040856635"}, None, "manual"),
        ({"tag": POINT.code}, None, "uid"),
    ],
)
def test_a_place_by_its_tag_its_code_or_the_number_typed_by_hand(
    sqlite_db: Database, read: dict[str, str], place: str | None, evidence: str
) -> None:
    event = Heard(SITE, "patrol-app", "tap", "tap-1", "", 0, to_ms(NOW), body={"guard": "guard", **read})
    with sqlite_db.begin() as s:
        row = take(s, CONFIG, TagBook.of(CONFIG), event, no_signature)
        assert row is not None
        assert (row.checkpoint, row.evidence) == (place, evidence)
