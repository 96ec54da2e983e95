"""Delivering: every message goes out at least once and is marked when again; a channel's limit merges, never drops."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from couriers import BUSY, DESK, DOWN, MINUTE, NOW, OK, REFUSED, SECOND, Died, Script, courier, row, tell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.notify.deliver import LEASE, MAX_DEATHS, Courier, Delivered, finish
from services.notify.senders import Outgoing, SendResult, WebhookSender, WecomSender
from services.notify.service import explain
from services.notify.tables import Message


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


class TestSending:
    def test_what_is_due_goes_out_once(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        name = tell(db, "A")
        one = courier(db, clock, sender)
        assert one.deliver_due() == Delivered(sent=1)
        assert one.deliver_due() == Delivered()
        assert [(got.text, got.attempt, got.marker) for got in sender.sent] == [
            ("报警 A\n第二行", 1, f"[#{name[-5:]}]")
        ]
        message = row(db, name)
        assert (message.status, message.sent_at, message.provider_code, message.lease_until) == ("sent", NOW, "0", None)

    def test_worst_first(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        for alert, severity in (("A", "medium"), ("B", "critical"), ("C", "high")):
            tell(db, alert, severity)
        courier(db, clock, sender).deliver_due()
        assert [got.subject_id for got in sender.sent] == ["B", "C", "A"]

    def test_in_the_channels_language(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        english = replace(DESK, language="en")
        tell(db, "A", channel=english)
        courier(db, clock, sender, english).deliver_due()
        assert sender.sent[0].text == "alert A\nsecond line"

    def test_failures_back_off_and_end_dead(self, db: Database, clock: FakeClock) -> None:
        sender = Script(DOWN)
        name = tell(db, "A", kind="alert.cleared")
        one = courier(db, clock, sender)
        waits = []
        while True:
            done = one.deliver_due()
            if done.dead:
                break
            assert done == Delivered(retrying=1)
            due = row(db, name).next_at
            assert due is not None
            waits.append(due - clock.now())
            clock.set(due - SECOND)
            assert one.deliver_due() == Delivered()
            clock.set(due)
        assert waits == [15 * SECOND, MINUTE, 5 * MINUTE]
        assert [message.id for message in done.dead] == [name]
        message = row(db, name)
        assert (message.status, message.error, message.next_at) == ("dead", "HTTP 500", None)
        assert [got.marker for got in sender.sent] == [f"[#{name[-5:]}{suffix}]" for suffix in ("", "-2", "-3", "-4")]

    def test_a_final_refusal_is_dead_at_once(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A")
        done = courier(db, clock, Script(REFUSED)).deliver_due()
        assert [message.id for message in done.dead] == [name]

    def test_a_failing_channel_is_left_alone_until_the_wait_is_over(self, db: Database, clock: FakeClock) -> None:
        sender = Script(DOWN)
        tell(db, "A")
        tell(db, "B")
        assert courier(db, clock, sender).deliver_due() == Delivered(retrying=1)
        assert len(sender.sent) == 1

    def test_the_providers_limit_pauses_the_channel_and_costs_no_life(self, db: Database, clock: FakeClock) -> None:
        sender = Script(BUSY, BUSY, BUSY, BUSY, BUSY, OK)
        tell(db, "A")
        tell(db, "B")
        one = courier(db, clock, sender)
        for _ in range(5):
            assert one.deliver_due() == Delivered(retrying=1)
            assert one.deliver_due() == Delivered()
            clock.advance(MINUTE)
        assert one.deliver_due() == Delivered(sent=2)

    def test_an_hour_of_limits_is_given_up(self, db: Database, clock: FakeClock) -> None:
        tell(db, "A", kind="alert.cleared")
        one = courier(db, clock, Script(BUSY))
        dead: list[Message] = []
        while not dead:
            dead = one.deliver_due().dead
            clock.advance(MINUTE)
        assert timedelta(hours=1) < clock.now() - NOW < timedelta(hours=1, minutes=5)

    def test_what_is_no_longer_wanted_is_dropped_with_its_reason(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        gone, kept = tell(db, "A"), tell(db, "B")

        def wanted(_: Session, message: Message) -> str | None:
            return "already_acknowledged" if message.subject_id == "A" else None

        courier(db, clock, sender, still_wanted=wanted).deliver_due()
        assert (row(db, gone).status, row(db, gone).reason) == ("skipped", "already_acknowledged")
        with db.read() as s:
            (answer,) = explain(s, "alert", "A")
        assert (answer.heard, answer.reason) == (False, "already_acknowledged")
        assert row(db, kept).status == "sent"

    def test_a_channel_that_was_removed_buries_its_messages(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A", channel=replace(DESK, name="old"))
        done = courier(db, clock, Script()).deliver_due()
        assert [message.id for message in done.dead] == [name]
        assert row(db, name).error == "site yunhe has no channel old any more"

    def test_a_channel_that_is_slow_to_say_yes_is_left_in_time(self, db: Database, clock: FakeClock) -> None:
        class Slow:
            def send(self, _: Outgoing) -> SendResult:
                clock.advance(3 * SECOND)
                return OK

        for number in range(5):
            tell(db, f"A{number}")
        one = courier(db, clock, Slow())
        assert [one.deliver_due().sent for _ in range(3)] == [2, 2, 1]

    def test_a_slow_channel_does_not_hold_up_another(self, db: Database, clock: FakeClock) -> None:
        fast_done = threading.Event()

        class Slow:
            def send(self, _: Outgoing) -> SendResult:
                return OK if fast_done.wait(20) else DOWN

        class Fast:
            def send(self, _: Outgoing) -> SendResult:
                fast_done.set()
                return OK

        slow, fast = replace(DESK, name="a-slow"), replace(DESK, name="b-fast")
        tell(db, "A", channel=slow)
        tell(db, "B", channel=fast)
        channels = {("yunhe", one.name): one for one in (slow, fast)}
        both = Courier(db, clock, channels, lambda channel: Slow() if channel is slow else Fast())
        assert both.deliver_due() == Delivered(sent=2)


class TestLease:
    def die(self, db: Database, clock: FakeClock) -> None:
        class Dying:
            def send(self, _: Outgoing) -> SendResult:
                raise Died

        (error,) = courier(db, clock, Dying()).deliver_due().errors
        assert isinstance(error, Died)

    def test_a_dead_senders_message_goes_out_again_marked(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A")
        self.die(db, clock)
        assert row(db, name).status == "sending"
        sender = Script()
        one = courier(db, clock, sender)
        clock.advance(LEASE - SECOND)
        assert one.deliver_due() == Delivered()
        clock.advance(SECOND)
        assert one.deliver_due() == Delivered(sent=1)
        assert [(got.attempt, got.marker, got.id) for got in sender.sent] == [(2, f"[#{name[-5:]}-2]", name)]

    def test_a_message_that_kills_its_sender_is_given_up(self, db: Database, clock: FakeClock) -> None:
        tell(db, "A")
        for _ in range(MAX_DEATHS):
            self.die(db, clock)
            clock.advance(LEASE)
        assert len(courier(db, clock, Script()).deliver_due().dead) == 1

    def test_failures_of_the_provider_are_no_deaths_of_the_sender(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A")
        down = courier(db, clock, Script(DOWN))
        for _ in range(2 * MAX_DEATHS):
            down.deliver_due()
            clock.advance(5 * MINUTE)
        self.die(db, clock)
        clock.advance(LEASE)
        assert courier(db, clock, Script()).deliver_due() == Delivered(sent=1)
        assert row(db, name).attempts == 2 * MAX_DEATHS + 2

    def test_a_result_that_comes_after_the_lease(self, db: Database, clock: FakeClock) -> None:
        name = tell(db, "A")
        first: list[Outgoing] = []

        class Slow:
            def send(self, message: Outgoing) -> SendResult:
                first.append(message)
                clock.advance(LEASE)
                assert courier(db, clock, Script()).deliver_due() == Delivered(sent=1)
                return DOWN

        courier(db, clock, Slow()).deliver_due()
        assert row(db, name).status == "sent"
        with db.begin() as s:
            assert finish(s, first[0], REFUSED, clock.now()) == Delivered()
        assert row(db, name).status == "sent"


class TestDigest:
    def test_low_ones_go_as_one(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        names = [tell(db, f"A{number}", "low", now=NOW + number * SECOND) for number in range(3)]
        one = courier(db, clock, sender)
        assert one.deliver_due() == Delivered()
        clock.set(datetime(2026, 11, 21, 19, 10, tzinfo=UTC))
        assert one.deliver_due() == Delivered(sent=1)
        assert sender.sent[0].text == "【汇总】3 条消息（低 3）\n最先：报警 A0\n· 报警 A1\n· 报警 A2"
        carriers = {row(db, name).merged_into for name in names}
        assert carriers == {sender.sent[0].id}
        with db.read() as s:
            (answer,) = explain(s, "alert", "A1")
        assert (answer.heard, answer.message.status, answer.message.reason) == (True, "merged", "low_severity")

    def test_a_single_one_goes_as_itself(self, db: Database, clock: FakeClock) -> None:
        sender = Script()
        name = tell(db, "A", "low")
        clock.advance(10 * MINUTE)
        courier(db, clock, sender).deliver_due()
        assert [got.id for got in sender.sent] == [name]

    def test_an_empty_bucket_merges_and_drops_nothing(self, db: Database, clock: FakeClock) -> None:
        narrow = replace(DESK, per_minute=3)
        sender = Script()
        # Decided while the channel was wide.
        names = [tell(db, f"A{number}", now=NOW - (8 - number) * SECOND) for number in range(8)]
        one = courier(db, clock, sender, narrow)
        assert one.deliver_due() == Delivered(sent=3)
        assert [got.kind for got in sender.sent] == ["alert.opened", "alert.opened", "digest"]
        assert {row(db, name).status for name in names} == {"sent", "merged"}
        assert sender.sent[2].text.startswith("【汇总】6 条消息（高 6）\n最先：报警 A2")
        late = [tell(db, f"B{number}") for number in range(3)]
        assert one.deliver_due() == Delivered()
        clock.advance(MINUTE)
        assert one.deliver_due() == Delivered(sent=1)
        assert {row(db, name).merged_into for name in late} == {sender.sent[3].id}

    def test_life_safety_passes_a_full_channel_and_is_never_merged(self, db: Database, clock: FakeClock) -> None:
        narrow = replace(DESK, per_minute=1)
        sender = Script()
        one = courier(db, clock, sender, narrow)
        tell(db, "A")
        one.deliver_due()
        tell(db, "B", "critical")
        tell(db, "C")
        assert one.deliver_due() == Delivered(sent=1)
        assert sender.sent[1].subject_id == "B"

    def test_call_outs_of_all_members_are_kept(self, db: Database, clock: FakeClock) -> None:
        for number in range(2):
            name = tell(db, f"A{number}", "low")
            with db.begin() as s:
                s.get_one(Message, name).mobiles = [f"1380000000{number}"]
        sender = Script()
        clock.advance(10 * MINUTE)
        courier(db, clock, sender).deliver_due()
        assert sender.sent[0].mobiles == ("13800000000", "13800000001")


def test_two_workers_send_each_message_once(db: Database, clock: FakeClock) -> None:
    wide = replace(DESK, per_minute=1000)
    names = [tell(db, f"A{number}", "critical", wide) for number in range(40)]
    other = Database(db.url)
    sender = Script()
    with ThreadPoolExecutor(4) as pool:
        workers = [courier(db if number % 2 else other, clock, sender, wide) for number in range(4)]
        passes = [done.result() for done in [pool.submit(worker.deliver_due) for worker in workers]]
    other.dispose()
    assert sum(one.sent for one in passes) == 40
    assert sorted(got.id for got in sender.sent) == sorted(names)


def test_two_workers_keep_the_channels_limit(db: Database, clock: FakeClock) -> None:
    for number in range(40):
        tell(db, f"A{number}")
    other = Database(db.url)
    sender = Script()
    with ThreadPoolExecutor(4) as pool:
        workers = [courier(db if number % 2 else other, clock, sender) for number in range(4)]
        for done in [pool.submit(worker.deliver_due) for worker in workers]:
            done.result()
    other.dispose()
    assert len(sender.sent) <= 18
    with db.read() as s:
        left = set(s.scalars(select(Message.status)))
    assert left <= {"sent", "merged", "pending"}


class TestRealProvider:
    def test_one_that_is_down_then_busy_then_well(
        self, db: Database, clock: FakeClock, provider: Any, client: httpx.Client
    ) -> None:
        provider.script = [
            provider.reply(status=500),
            provider.reply(hang=True),
            provider.reply(status=429, headers={"Retry-After": "7"}),
            provider.reply(),
        ]
        name = tell(db, "A")
        one = courier(db, clock, WebhookSender(client, provider.url, timeout=timedelta(seconds=1)))
        waits = []
        while not one.deliver_due().sent:
            due = row(db, name).next_at
            assert due is not None
            waits.append(due - clock.now())
            clock.set(due)
        assert waits == [15 * SECOND, MINUTE, 7 * SECOND]
        assert [got.headers["Gengfu-Attempt"] for got in provider.got] == ["1", "2", "3", "4"]
        assert len({got.headers["Idempotency-Key"] for got in provider.got}) == 1

    def test_a_robot_that_says_too_fast_under_http_200(
        self, db: Database, clock: FakeClock, provider: Any, client: httpx.Client
    ) -> None:
        provider.script = [
            provider.reply(body={"errcode": 45009, "errmsg": "api freq out of limit"}),
            provider.reply(body={"errcode": 0, "errmsg": "ok"}),
        ]
        name = tell(db, "A")
        one = courier(db, clock, WecomSender(client, "KEY", base_url=provider.url))
        assert one.deliver_due() == Delivered(retrying=1)
        message = row(db, name)
        assert (message.status, message.provider_code, message.failures) == ("pending", "45009", 0)
        clock.advance(MINUTE)
        assert one.deliver_due() == Delivered(sent=1)


class Fate:
    """A sender whose calls end as a drawn list says; `die` is kill -9 after the provider took the message."""

    def __init__(self, fates: list[str]) -> None:
        self.fates = list(fates)
        self.taken: list[tuple[str, int]] = []

    def send(self, message: Outgoing) -> SendResult:
        fate = self.fates.pop(0) if self.fates else "ok"
        if fate in ("ok", "die"):
            self.taken.append((message.id, message.attempt))
        if fate == "die":
            raise Died
        return {"ok": OK, "down": DOWN, "busy": BUSY, "refused": REFUSED}[fate]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fates=st.lists(st.sampled_from(["ok", "down", "busy", "refused", "die"]), max_size=12),
    severities=st.lists(st.sampled_from(["low", "medium", "high", "critical"]), min_size=1, max_size=6),
    per_minute=st.integers(1, 4),
)
def test_whatever_happens_everybody_is_told_or_known_not_to_be(
    db: Database, fates: list[str], severities: list[str], per_minute: int
) -> None:
    with db.begin() as s:
        s.execute(delete(Message))
    clock, narrow, sender = FakeClock(NOW), replace(DESK, per_minute=per_minute), Fate(fates)
    for number, severity in enumerate(severities):
        tell(db, f"A{number}", severity, narrow)
    one = courier(db, clock, sender, narrow)
    deaths = fates.count("die")
    # Twelve failures of one page take 15 s + 1 min + 9 × 5 min, and the last wait.
    for _ in range(240):
        if one.deliver_due().errors:
            clock.advance(LEASE)
        clock.advance(15 * SECOND)
    with db.read() as s:
        rows = {one.id: one for one in s.scalars(select(Message))}
    for message in rows.values():
        last = rows[message.merged_into] if message.merged_into else message
        assert last.status in ("sent", "dead")
    # Nothing went out twice under the same marker, and twice at all only after a death.
    assert len(set(sender.taken)) == len(sender.taken)
    assert len(sender.taken) - len({name for name, _ in sender.taken}) <= deaths
