"""What the broker remembers of us, against what we remember of it."""

from datetime import UTC, datetime

from services.device.sessions import note_dropped, note_session
from services.device.tables import BrokerSession
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def test_the_first_session_at_a_broker_cannot_have_been_lost(db: Database) -> None:
    with db.begin() as session:
        assert note_session(session, "bulk", "one:1883", NOW) is False
        assert note_session(session, "urgent", "one:1883", NOW) is False
        assert note_session(session, "bulk", "one:1883", NOW) is True
        assert session.get_one(BrokerSession, "bulk").lost == 1


def test_another_broker_knows_us_not_yet(db: Database) -> None:
    with db.begin() as session:
        note_session(session, "bulk", "one:1883", NOW)
        assert note_session(session, "bulk", "two:1883", NOW) is False
        assert note_session(session, "bulk", "two:1883", NOW) is True


def test_only_the_rise_of_the_drop_counter_is_news(db: Database) -> None:
    with db.begin() as session:
        rises = [note_dropped(session, "one:1883", total, NOW) for total in (40, 40, 45, 3, 3, 4)]
        assert rises == [0, 0, 5, 3, 0, 1], "what was dropped before we came is not ours; a restart counts from zero"
        assert note_dropped(session, "two:1883", 9, NOW) == 0
