"""The stages one by one, and what they say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notify.model import (
    Case,
    Channel,
    Context,
    Decision,
    Notice,
    Reason,
    Recipient,
    decide,
    flood_goes_on,
    marker,
    next_boundary,
    wait_after,
)

NOW = datetime(2026, 11, 21, 19, 3, 20, tzinfo=UTC)
NOTICE = Notice(
    key="alert:A:opened:1",
    kind="alert.opened",
    site="yunhe",
    subject_kind="alert",
    subject_id="A",
    severity="medium",
    text="x",
    roles=frozenset({"engineer", "duty"}),
    areas=frozenset({"pump-room", "garage"}),
)
CHANNEL = Channel("duty", "wecom")
PERSON = Recipient("zhao", "engineer", frozenset({"pump-room"}))


def decided(
    notice: dict[str, Any] | None = None,
    channel: dict[str, Any] | None = None,
    person: dict[str, Any] | None = None,
    group: bool = False,
    **context: Any,
) -> Decision:
    who = None if group else replace(PERSON, **person or {})
    case = Case(replace(NOTICE, **notice or {}), replace(CHANNEL, **channel or {}), who, Context(now=NOW, **context))
    return decide(case)


@pytest.mark.parametrize(
    ("case", "verdict", "reason"),
    [
        ({}, "send", Reason.ON_DUTY),
        ({"group": True}, "send", Reason.ADDRESSED),
        ({"person": {"role": "guard"}}, "skip", Reason.NOT_IN_ROLE),
        ({"person": {"areas": frozenset({"tower-3"})}}, "skip", Reason.NOT_IN_AREA),
        ({"person": {"areas": frozenset()}}, "send", Reason.ON_DUTY),
        ({"channel": {"roles": frozenset({"manager"})}}, "skip", Reason.NOT_IN_ROLE),
        ({"group": True, "channel": {"roles": frozenset({"manager"})}}, "skip", Reason.NOT_IN_ROLE),
        ({"group": True, "channel": {"areas": frozenset({"tower-3"})}}, "skip", Reason.NOT_IN_AREA),
        ({"group": True, "channel": {"areas": frozenset({"garage"})}}, "send", Reason.ADDRESSED),
        ({"notice": {"usernames": frozenset({"zhao"}), "roles": frozenset()}}, "send", Reason.ON_DUTY),
        ({"notice": {"usernames": frozenset({"qian"}), "roles": frozenset()}}, "skip", Reason.NOT_IN_ROLE),
        ({"channel": {"min_severity": "high"}}, "skip", Reason.BELOW_CHANNEL_SEVERITY),
        ({"channel": {"min_severity": "medium"}}, "send", Reason.ON_DUTY),
        ({"notice": {"late": True, "severity": "critical"}}, "skip", Reason.LATE_HISTORY),
        ({"person": {"on_duty": False}}, "skip", Reason.OFF_DUTY),
        ({"person": {"muted_until": NOW + timedelta(hours=1)}}, "skip", Reason.MUTED),
        ({"person": {"muted_until": NOW}}, "send", Reason.ON_DUTY),
        ({"person": {"on_duty": False}, "notice": {"severity": "critical"}}, "send", Reason.LIFE_SAFETY),
        (
            {"person": {"muted_until": NOW + timedelta(hours=1)}, "notice": {"severity": "critical"}},
            "send",
            Reason.LIFE_SAFETY,
        ),
        ({"acknowledged": True}, "skip", Reason.ALREADY_ACKNOWLEDGED),
        ({"acknowledged": True, "notice": {"kind": "alert.cleared"}}, "send", Reason.ON_DUTY),
        ({"told_same": True}, "skip", Reason.DUPLICATE),
        ({"told_lately": 2}, "send", Reason.ON_DUTY),
        ({"told_lately": 3}, "skip", Reason.FLAPPING),
        ({"told_lately": 3, "notice": {"severity": "critical"}}, "send", Reason.ON_DUTY),
        ({"notice": {"severity": "low"}}, "digest", Reason.LOW_SEVERITY),
        ({"flood": True}, "digest", Reason.FLOOD),
        ({"flood": True, "notice": {"severity": "high"}}, "send", Reason.ON_DUTY),
        ({"flood": True, "notice": {"subject_kind": "system"}}, "send", Reason.ON_DUTY),
        ({"channel_load": 17}, "send", Reason.ON_DUTY),
        ({"channel_load": 18}, "digest", Reason.THROTTLED),
        ({"channel_load": 18, "notice": {"severity": "critical"}}, "send", Reason.ON_DUTY),
    ],
)
def test_every_stage_names_its_reason(case: dict[str, Any], verdict: str, reason: Reason) -> None:
    decision = decided(**case)
    assert (decision.verdict, decision.reason) == (verdict, reason)


def test_digests_of_one_rhythm_are_due_together() -> None:
    low = decided({"severity": "low"}).due_at
    assert low == datetime(2026, 11, 21, 19, 10, tzinfo=UTC)
    assert decided(flood=True).due_at == datetime(2026, 11, 21, 19, 4, tzinfo=UTC)
    assert next_boundary(low, timedelta(minutes=10)) == low + timedelta(minutes=10)


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    state, seen = False, []
    for count in (9, 10, 11, 10, 6, 5, 4, 6, 10, 11):
        state = flood_goes_on(state, count)
        seen.append(state)
    assert seen == [False, False, True, True, True, True, False, False, False, True]


def test_the_ladder_of_waits_ends() -> None:
    assert [wait_after(failures) for failures in (1, 2, 3, 4)] == [
        timedelta(seconds=15),
        timedelta(minutes=1),
        timedelta(minutes=5),
        None,
    ]


def test_a_repeated_message_is_marked() -> None:
    assert [marker("01JDABCDEFGHJKMNPQRSTV7XK2Q", attempt) for attempt in (1, 2)] == ["[#7XK2Q]", "[#7XK2Q-2]"]
