"""Announcing: a row for everybody who was meant to hear, told or not, and never twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.kernel.db import Database
from services.notify import service as notify
from services.notify.model import Channel, Notice, Recipient
from services.notify.tables import Flood, Message
from services.notify.texts import REASONS

NOW = datetime(2026, 11, 21, 19, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DESK = Channel("desk", "wecom", "DESK_KEY")
PAGER = Channel("pager", "webhook", "PAGER_URL", personal=True)
ZHAO = Recipient("zhao", "engineer", frozenset({"pump-room"}), phone="13800000001")
QIAN = Recipient("qian", "engineer", frozenset({"tower-3"}), phone="13800000002")
SUN = Recipient("sun", "supervisor", on_duty=False)
PEOPLE = [ZHAO, QIAN, SUN]


def notice(alert: str = "A", occurrence: int = 1, **changes: Any) -> Notice:
    return replace(
        Notice(
            key=f"alert:{alert}:opened:{occurrence}",
            kind="alert.opened",
            site="yunhe",
            subject_kind="alert",
            subject_id=alert,
            severity="medium",
            text=f"【中】{alert}",
            text_en=f"[MEDIUM] {alert}",
            occurrence=occurrence,
            areas=frozenset({"pump-room"}),
        ),
        **changes,
    )


def announced(
    db: Database, what: Notice, now: datetime = NOW, channels: tuple[Channel, ...] = (DESK,), **more: Any
) -> notify.Announced:
    with db.begin() as s:
        return notify.announce(s, what, PEOPLE, channels, now, **more)


def verdicts(done: notify.Announced) -> dict[str, tuple[str, str, str]]:
    return {one.recipient: (one.decision, one.reason, one.status) for one in done.messages}


class TestGroupChannel:
    def test_one_message_for_all_and_a_row_for_each(self, db: Database) -> None:
        done = announced(db, notice())
        assert verdicts(done) == {
            "desk": ("send", "addressed", "pending"),
            "zhao": ("send", "on_duty", "merged"),
            "qian": ("skip", "not_in_area", "skipped"),
            "sun": ("skip", "off_duty", "skipped"),
        }
        group = done.messages[0]
        assert (group.mobiles, group.next_at) == (["13800000001"], NOW)
        assert {one.merged_into for one in done.messages if one.recipient == "zhao"} == {group.id}
        assert done.told

    def test_announcing_the_same_again_writes_nothing(self, db: Database) -> None:
        announced(db, notice())
        assert announced(db, notice(), NOW + MINUTE).messages == ()

    def test_many_workers_announce_once(self, db: Database) -> None:
        other = Database(db.url)
        gate = threading.Barrier(6)

        def race(number: int) -> int:
            gate.wait()
            return len(announced(db if number % 2 else other, notice()).messages)

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(race, range(6))) == [0] * 5 + [4]
        other.dispose()

    def test_when_nobody_of_the_role_exists_the_group_still_hears(self, db: Database) -> None:
        with db.begin() as s:
            done = notify.announce(s, notice(roles=frozenset({"manager"})), [], [DESK], NOW)
        assert verdicts(done) == {"desk": ("send", "addressed", "pending")}

    def test_what_the_group_is_not_told_nobody_of_it_is(self, db: Database) -> None:
        done = announced(db, notice(late=True))
        assert {one.status for one in done.messages} == {"skipped"}
        assert verdicts(done)["zhao"] == ("skip", "late_history", "skipped")
        assert not done.told

    def test_acknowledged_meanwhile(self, db: Database) -> None:
        done = announced(db, notice(), acknowledged=True)
        assert verdicts(done)["desk"] == ("skip", "already_acknowledged", "skipped")

    def test_low_severity_waits_for_the_digest(self, db: Database) -> None:
        done = announced(db, notice(severity="low"))
        assert verdicts(done)["zhao"] == ("digest", "low_severity", "merged")
        assert done.messages[0].next_at == datetime(2026, 11, 21, 19, 10, tzinfo=UTC)


class TestPersonalChannel:
    def test_each_gets_their_own(self, db: Database) -> None:
        done = announced(db, notice(), channels=(PAGER,))
        assert verdicts(done) == {
            "zhao": ("send", "on_duty", "pending"),
            "qian": ("skip", "not_in_area", "skipped"),
            "sun": ("skip", "off_duty", "skipped"),
        }
        assert [one.mobiles for one in done.messages if one.recipient == "zhao"] == [["13800000001"]]


class TestDedup:
    def test_the_same_occurrence_under_another_key_is_a_duplicate(self, db: Database) -> None:
        announced(db, notice())
        done = announced(db, notice(key="alert:A:again"), NOW + MINUTE)
        assert verdicts(done)["desk"] == ("skip", "duplicate", "skipped")
        later = announced(db, notice(key="alert:A:third"), NOW + 11 * MINUTE)
        assert verdicts(later)["desk"][0] == "send"

    def test_worse_is_news(self, db: Database) -> None:
        announced(db, notice())
        done = announced(db, notice(key="alert:A:worse", severity="high"), NOW + MINUTE)
        assert verdicts(done)["desk"][0] == "send"

    def test_a_key_that_begins_alike_is_another(self, db: Database) -> None:
        announced(db, notice(occurrence=1))
        assert verdicts(announced(db, notice(occurrence=10), NOW + MINUTE))["desk"][0] == "send"

    def test_a_flapping_gauge_calls_three_times(self, db: Database) -> None:
        results = [
            verdicts(announced(db, notice(occurrence=number), NOW + number * MINUTE))["desk"][:2]
            for number in range(1, 6)
        ]
        assert results == [("send", "addressed")] * 3 + [("skip", "flapping")] * 2

    def test_steps_of_an_escalation_are_no_duplicates(self, db: Database) -> None:
        for step in range(4):
            done = announced(db, notice(key=f"alert:A:escalated:{step}", kind="alert.escalated"))
            assert verdicts(done)["desk"][0] == "send"


class TestFlood:
    def test_above_ten_new_alerts_one_digest_a_minute_until_below_five(self, db: Database) -> None:
        begun = [announced(db, notice(f"A{number}"), NOW + number * timedelta(seconds=5)) for number in range(12)]
        assert [one.flood_began for one in begun] == [False] * 10 + [True, False]
        assert [verdicts(one)["desk"][1] for one in begun] == ["addressed"] * 10 + ["flood"] * 2
        high = announced(db, notice("H", severity="high"), NOW + MINUTE)
        assert verdicts(high)["desk"][0] == "send"
        with db.read() as s:
            assert notify.in_flood(s, "yunhe")
            assert not notify.in_flood(s, "hubin")
        calm = announced(db, notice("later"), NOW + 20 * MINUTE)
        assert (calm.flood_ended, verdicts(calm)["desk"][1]) == (True, "addressed")
        with db.read() as s:
            (flood,) = s.scalars(select(Flood))
        assert (flood.started_at, flood.ended_at) == (NOW + 50 * timedelta(seconds=1), NOW + 20 * MINUTE)

    def test_history_is_no_flood(self, db: Database) -> None:
        for number in range(12):
            announced(db, notice(f"A{number}", late=True))
        with db.read() as s:
            assert notify.count_new_alerts(s, "yunhe", NOW) == 0

    def test_a_full_channel_gathers_the_rest_but_not_life_safety(self, db: Database) -> None:
        narrow = replace(DESK, per_minute=2)
        results = [
            verdicts(announced(db, notice(f"A{number}", severity=severity), channels=(narrow,)))["desk"][:2]
            for number, severity in enumerate(("high", "high", "high", "critical"))
        ]
        assert results == [("send", "addressed")] * 2 + [("digest", "throttled"), ("send", "addressed")]


class TestExplaining:
    def test_why_was_or_was_not_somebody_told(self, db: Database) -> None:
        done = announced(db, notice(), channels=(DESK, PAGER))
        with db.begin() as s:
            group = s.get_one(Message, done.messages[0].id)
            group.status, group.sent_at, group.attempts = "sent", NOW + MINUTE, 2
        with db.read() as s:
            (on_desk, on_pager) = notify.explain(s, "alert", "A", "zhao")
            assert (on_desk.message.channel, on_desk.heard, on_desk.sent_at, on_desk.attempts) == (
                "desk",
                True,
                NOW + MINUTE,
                2,
            )
            assert (on_pager.message.channel, on_pager.heard, on_pager.status) == ("pager", False, "pending")
            assert {one.message.reason for one in notify.explain(s, "alert", "A", "qian")} == {"not_in_area"}
            assert notify.explain(s, "alert", "A", "stranger") == []
            assert len(notify.explain(s, "alert", "A")) == 7

    def test_what_waits_longest(self, db: Database) -> None:
        with db.read() as s:
            assert notify.oldest_pending(s) is None
        announced(db, notice())
        announced(db, notice("B"), NOW + MINUTE)
        with db.read() as s:
            assert notify.oldest_pending(s) == NOW


@pytest.mark.parametrize("severity", ["low", "medium", "high", "critical"])
def test_every_row_carries_a_reason_with_words(db: Database, severity: str) -> None:
    announced(db, notice(severity=severity))
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(Message)) == 4
        assert all(one in REASONS for one in s.scalars(select(Message.reason)))
