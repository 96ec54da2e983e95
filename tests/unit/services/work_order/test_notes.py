"""Notes in an order's history move nothing, survive the database, and old histories replay without them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.work_order.model import ALLOWED, Contacted, OrderState, apply, decode, encode, is_running, replay
from services.work_order.notes import (
    NOTES,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalDropped,
    CalledBack,
    Commented,
    CostAdded,
    CostRemoved,
    Escalated,
    Note,
    OverdueNoted,
    PictureAdded,
    ReviewApproved,
    ReviewReturned,
    ReviewWritten,
)

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
EXAMPLES: tuple[Note, ...] = (
    OverdueNoted("finish"),
    Escalated("manager", "late"),
    Commented("还要一个阀"),
    CostAdded("c1", "阀 1 个", 100, 100),
    CostRemoved("c1", "阀 1 个", 100, 0),
    ApprovalAsked(1, "up-to-2000", 100),
    ApprovalDecided(1, 0, "部门主管", True, 100, note="同意"),
    ApprovalDropped(1, "it costs more now"),
    PictureAdded("yunhe/p1", "signature", "住户"),
    ReviewWritten("zhao"),
    ReviewReturned("写明原因"),
    ReviewApproved("qian"),
    CalledBack("service", False, "o2"),
    Contacted(NOW, "半小时到", responds=False),
)


def test_every_note_has_an_example() -> None:
    assert {type(one) for one in EXAMPLES} == set(NOTES)


@pytest.mark.parametrize("note", EXAMPLES, ids=lambda note: note.kind)
def test_a_note_moves_nothing_in_any_state(note: Note) -> None:
    assert decode(note.kind, encode(note)) == note
    for state in ALLOWED:
        order = OrderState(state=state, assignee="zhao", responded_at=NOW)
        assert apply(order, note) == order


def test_telling_the_requester_stops_the_response_clock_once() -> None:
    due = NOW + timedelta(minutes=30)
    order = OrderState(state="dispatched", assignee="zhao", respond_due_at=due)
    told = apply(order, Contacted(NOW, "半小时到", responds=True))
    assert told.responded_at == NOW
    assert not is_running(told, "respond")
    assert apply(told, Contacted(NOW + timedelta(hours=1), "还在等件", responds=True)).responded_at == NOW


def test_what_an_older_program_wrote_replays() -> None:
    written = [
        ("reported", {"respond_due_at": None, "finish_due_at": None, "policy": "pump_room"}),
        ("accepted", {}),
        ("dispatched", {"assignee": "zhao", "assignee_role": None}),
        ("started", {"by": "zhao", "at": NOW.isoformat()}),
        ("overdue_noted", {"clock": "finish"}),
        ("submitted", {"by": "zhao", "at": NOW.isoformat(), "note": ""}),
        ("verified", {"by": "desk", "note": ""}),
        ("rated", {"stars": 4, "at": NOW.isoformat(), "comment": ""}),
    ]
    assert replay([decode(kind, data) for kind, data in written]).state == "closed"
