"""What a tap says of the place, by tag, by code, and by a number typed where a code belongs."""

from datetime import UTC, datetime, timedelta
from typing import Any, Never

import pytest
from console import SITE, shipped

from gateway.contract.heard import Heard
from gateway.contract.times import to_ms
from services.kernel.db import Database
from services.patrol.suspicion import marking
from services.patrol.tables import TapRow
from services.patrol.taps import AROUND_EACH_WAY, TagBook, around, take

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
    db: Database, read: dict[str, str], place: str | None, evidence: str
) -> None:
    event = Heard(SITE, "patrol-app", "tap", "tap-1", "", 0, to_ms(NOW), body={"guard": "guard", **read})
    with db.begin() as s:
        row = take(s, CONFIG, TagBook.of(CONFIG), event, no_signature)
        assert row is not None
        assert (row.checkpoint, row.evidence) == (place, evidence)


def heard(number: int, at: datetime = NOW, uid: str = UID, **said: Any) -> Heard:
    body = {"guard": "guard", "tag": uid, "phone": "p1", "client_id": f"tap-{number:05d}", **said}
    return Heard(SITE, "patrol-app", "tap", f"b1-{number}", "b1", number, to_ms(at), body=body, at_ms=to_ms(at))


def test_doubts_of_the_delivery_stay_and_make_a_tap_nobodys(db: Database) -> None:
    book, doubts = TagBook.of(CONFIG), ["kept_back", "delivered_by_other", "nonsense"]
    with db.begin() as s:
        row = take(s, CONFIG, book, heard(1, guard="supervisor", doubts=doubts), no_signature)
        assert row is not None
        marking.examine(s, CONFIG, row, NOW)
        again = take(s, CONFIG, book, heard(2, NOW + timedelta(minutes=5), guard="supervisor"), no_signature)
        assert again is not None
        marking.examine(s, CONFIG, again, NOW)
        assert (row.guard, row.role, row.marks) == ("claimed:supervisor", "", ["delivered_by_other", "kept_back"])
        assert (again.guard, again.role, again.marks) == ("supervisor", "supervisor", [])


@pytest.mark.parametrize(("doubts", "evidence"), [([], "uid_walked"), (["unheard_phone"], "uid")])
def test_no_walk_makes_a_doubtful_tap_better(db: Database, doubts: list[str], evidence: str) -> None:
    placed = [one for one in CONFIG.patrol.checkpoints if one.tags and one.position]
    first = placed[0]
    other = max(placed, key=lambda one: _apart(first, one))
    book = TagBook.of(CONFIG)
    with db.begin() as s:
        for number, point in enumerate((first, other)):
            at = NOW + number * timedelta(minutes=20)
            row = take(s, CONFIG, book, heard(number + 1, at, point.tags[0].uid, doubts=doubts), no_signature)
            assert row is not None
            marking.examine(s, CONFIG, row, at)
        assert s.get_one(TapRow, f"{SITE}/patrol-app/tap-00002").evidence == evidence


def _apart(one: Any, other: Any) -> float:
    return float(abs(one.position.x_m - other.position.x_m) + abs(one.position.y_m - other.position.y_m))


def test_of_a_flood_only_the_nearest_are_looked_at(db: Database) -> None:
    book = TagBook.of(CONFIG)
    with db.begin() as s:
        for number in range(3 * AROUND_EACH_WAY):
            take(s, CONFIG, book, heard(number, NOW + timedelta(seconds=number)), no_signature)
        middle = s.get_one(TapRow, f"{SITE}/patrol-app/tap-{3 * AROUND_EACH_WAY // 2:05d}")
        near, sure = around(s, middle, marking.REACH)
        assert [int(one.id[-5:]) for one in near] == list(range(51, 251))
        assert {int(one[-5:]) for one in sure} == set(range(101, 201))
        first = s.get_one(TapRow, f"{SITE}/patrol-app/tap-00000")
        near, sure = around(s, first, marking.REACH)
        assert (len(near), len(sure)) == (1 + AROUND_EACH_WAY, 1 + AROUND_EACH_WAY // 2)
