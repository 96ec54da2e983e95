from datetime import UTC, datetime, timedelta

from gateway.contract.clocks import Sent, Solved
from gateway.contract.times import to_ms
from services.kernel.db import Database
from services.patrol.phone.handset import HOLDERS, TOLERANCE_MS, Handset, last_sent, note
from services.patrol.suspicion.detectors import Kind
from services.patrol.tables import Phone

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
KEY = "beat/phone-1"
MINUTE = timedelta(minutes=1)


def contact(db: Database, username: str, at: datetime, left: int = 0) -> None:
    with db.begin() as s:
        note(s, KEY, username, Sent(to_ms(at), 1_000, "b1", to_ms(at)), left, at)


def known(db: Database, holder: str, at: datetime) -> Handset:
    with db.read() as s:
        return Handset.of(s.get(Phone, KEY), holder, at)


def solved(at: datetime, uncertain_ms: int = 1_000) -> Solved:
    return Solved(to_ms(at), "monotonic", uncertain_ms, False)


def test_what_is_older_than_the_first_call_was_not_seen_by_an_honest_phone(db: Database) -> None:
    stranger = known(db, "guard", NOW)
    assert stranger.doubts("guard", solved(NOW - 5 * MINUTE)) == [Kind.UNHEARD_PHONE]
    assert stranger.doubts("guard", solved(NOW - MINUTE)) == []
    contact(db, "guard", NOW)
    later = known(db, "guard", NOW + 60 * MINUTE)
    assert later.doubts("guard", solved(NOW + MINUTE)) == []
    assert later.doubts("guard", solved(NOW - 5 * MINUTE)) == [Kind.UNHEARD_PHONE]


def test_what_is_older_than_a_call_with_nothing_left_was_kept_back(db: Database) -> None:
    contact(db, "guard", NOW)
    contact(db, "guard", NOW + 60 * MINUTE)
    contact(db, "guard", NOW + 90 * MINUTE, left=3)  # says itself that there is more
    phone = known(db, "guard", NOW + 120 * MINUTE)
    assert phone.doubts("guard", solved(NOW + 50 * MINUTE)) == [Kind.KEPT_BACK]
    assert phone.doubts("guard", solved(NOW + 70 * MINUTE)) == []
    # Tapped while the call was on its way: it could not know yet.
    assert phone.doubts("guard", solved(NOW + 60 * MINUTE - timedelta(milliseconds=TOLERANCE_MS))) == []
    # A clock that may be anything excuses minutes, not the night.
    assert phone.doubts("guard", solved(NOW + 55 * MINUTE, uncertain_ms=10**8)) == []
    assert phone.doubts("guard", solved(NOW + 30 * MINUTE, uncertain_ms=10**8)) == [Kind.KEPT_BACK]


def test_a_tap_is_anothers_only_if_he_had_the_phone_before(db: Database) -> None:
    contact(db, "li", NOW)
    shared = known(db, "wang", NOW + 60 * MINUTE)
    assert shared.doubts("li", solved(NOW + 50 * MINUTE)) == []
    assert shared.doubts("supervisor", solved(NOW + 50 * MINUTE)) == [Kind.DELIVERED_BY_OTHER]
    contact(db, "wang", NOW + 60 * MINUTE, left=5)
    again = known(db, "wang", NOW + 90 * MINUTE)
    assert again.doubts("li", solved(NOW + 55 * MINUTE)) == []  # the rest of what he left on it
    assert again.doubts("li", solved(NOW + 80 * MINUTE)) == [Kind.DELIVERED_BY_OTHER]
    contact(db, "li", NOW + 100 * MINUTE, left=5)
    assert known(db, "wang", NOW + 130 * MINUTE).doubts("li", solved(NOW + 120 * MINUTE)) == []


def test_people_of_a_phone_are_forgotten_oldest_first(db: Database) -> None:
    for number in range(HOLDERS + 3):
        contact(db, f"guard-{number}", NOW + number * MINUTE)
    with db.read() as s:
        assert set(s.get_one(Phone, KEY).held_by) == {f"guard-{number}" for number in range(3, HOLDERS + 3)}


def test_clocks_are_kept_from_the_last_call_that_told_all(db: Database) -> None:
    contact(db, "guard", NOW, left=2)
    contact(db, "guard", NOW + MINUTE, left=1)
    with db.read() as s:
        row = s.get_one(Phone, KEY)
        sent = last_sent(row)
        assert (row.told_all_at, row.first_heard_at, row.heard_at) == (None, NOW, NOW + MINUTE)
        assert sent is not None
        assert sent.received_ms == to_ms(NOW)
    contact(db, "guard", NOW + 2 * MINUTE)
    with db.read() as s:
        assert s.get_one(Phone, KEY).told_all_at == NOW + 2 * MINUTE
