"""Stretches of absence as rows."""

from datetime import UTC, datetime, timedelta

from services.device import silence
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_stretch_ends_once_and_never_before_it_began(db: Database) -> None:
    with db.begin() as session:
        first = silence.begin(session, "yunhe/plc", "silent", NOW, excused=False)
        silence.end(session, first, NOW - HOUR)
        silence.end(session, first, NOW + HOUR)
        second = silence.begin(session, "yunhe/plc", "offline", NOW + 2 * HOUR, excused=True)
    with db.read() as session:
        rows = silence.between(session, ["yunhe/plc"], NOW - HOUR, NOW + 3 * HOUR)
        assert [(row.id, row.ended_at, row.excused) for row in rows] == [(first, NOW, False), (second, None, True)]
        assert [row.id for row in silence.between(session, ["yunhe/plc"], NOW + HOUR, NOW + 3 * HOUR)] == [second]
        assert silence.between(session, ["yunhe/other"], NOW - HOUR, NOW + 3 * HOUR) == []
        assert [row.id for row in silence.lately(session, NOW + HOUR)] == [second]
