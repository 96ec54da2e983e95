"""The five steps: every refusal, both clocks, and replay over arbitrary histories."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.work_order.model import (
    ALLOWED,
    FIVE_STEPS,
    Accepted,
    Cancelled,
    Commented,
    Dispatched,
    Escalated,
    Event,
    OrderState,
    OverdueNoted,
    PutOnHold,
    Rated,
    Reassigned,
    Reported,
    Resumed,
    ReworkOrdered,
    Started,
    StepEvent,
    StepRefused,
    Submitted,
    Verified,
    apply,
    decode,
    encode,
    finish_due_after_hold,
    is_overdue,
    is_running,
    replay,
)

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPORTED = Reported(NOW + HOUR, NOW + 4 * HOUR)
ARRIVAL = NOW + timedelta(minutes=20)
STEPS: dict[str, StepEvent] = {
    "accept": Accepted(),
    "dispatch": Dispatched("zhao", "engineer"),
    "reassign": Reassigned("qian", "engineer", "zhao is ill", NOW + 4 * HOUR),
    "start": Started("zhao", ARRIVAL),
    "hold": PutOnHold("part ordered", NOW + 3 * HOUR, NOW + HOUR),
    "resume": Resumed(NOW + 4 * HOUR),
    "submit": Submitted("zhao", NOW + 2 * HOUR, "seal replaced"),
    "verify": Verified("sun"),
    "rework": ReworkOrdered("sun", "still drips"),
    "rate": Rated(5, NOW + 3 * HOUR),
    "cancel": Cancelled("duplicate", NOW + HOUR),
}
WAY: dict[str, tuple[str, ...]] = {
    "reported": (),
    "accepted": ("accept",),
    "dispatched": ("accept", "dispatch"),
    "in_progress": ("accept", "dispatch", "start"),
    "on_hold": ("accept", "dispatch", "start", "hold"),
    "submitted": ("accept", "dispatch", "start", "submit"),
    "verified": ("accept", "dispatch", "start", "submit", "verify"),
    "closed": ("accept", "dispatch", "start", "submit", "verify", "rate"),
    "cancelled": ("cancel",),
}


def after(*steps: str) -> OrderState:
    return replay([REPORTED, *(STEPS[step] for step in steps)])


class TestSteps:
    @pytest.mark.parametrize("state", WAY)
    @pytest.mark.parametrize("step", STEPS)
    def test_only_the_next_step_is_possible(self, state: str, step: str) -> None:
        order = after(*WAY[state])
        assert order.state == state
        allowed = ALLOWED[state]  # type: ignore[index]
        if step in allowed:
            apply(order, STEPS[step])
            return
        with pytest.raises(StepRefused) as refusal:
            apply(order, STEPS[step])
        assert (refusal.value.state, refusal.value.allowed) == (state, allowed)

    def test_the_five_documented_steps_lead_to_the_end(self) -> None:
        assert [name for _, name in FIVE_STEPS] == ["受理", "派工", "实施", "验收", "评价"]
        assert after("accept", "dispatch", "start", "submit", "verify", "rate").state == "closed"

    def test_nothing_can_happen_before_the_report(self) -> None:
        with pytest.raises(StepRefused):
            apply(OrderState(), Accepted())
        with pytest.raises(StepRefused):
            apply(after(), REPORTED)

    def test_whoever_begins_has_the_order(self) -> None:
        order = apply(after("accept", "dispatch"), Started("qian", ARRIVAL))
        assert (order.assignee, order.executors) == ("qian", ("qian",))

    def test_reassigning_starts_anew_but_not_the_response_clock(self) -> None:
        order = after("accept", "dispatch", "start", "hold", "reassign")
        assert (order.state, order.assignee, order.hold_until, order.held_at) == ("dispatched", "qian", None, None)
        again = apply(order, Started("qian", NOW + 3 * HOUR))
        assert (again.responded_at, again.executors) == (ARRIVAL, ("zhao", "qian"))

    def test_rework_counts_and_runs_the_finish_clock_again(self) -> None:
        order = after("accept", "dispatch", "start", "submit", "rework")
        assert (order.state, order.rework_count, order.finished_at) == ("in_progress", 1, None)
        assert order.finish_due_at == REPORTED.finish_due_at


class TestClocks:
    def test_stop_at_arrival_and_at_submission(self) -> None:
        started = after("accept", "dispatch", "start")
        assert not is_running(started, "respond")
        assert is_running(started, "finish")
        assert not is_running(after("accept", "dispatch", "start", "submit"), "finish")
        assert not is_running(after("cancel"), "respond")

    def test_a_hold_moves_the_deadline_only_where_it_pauses(self) -> None:
        held = after("accept", "dispatch", "start", "hold")
        assert finish_due_after_hold(held, NOW + 3 * HOUR, pauses=False) == NOW + 4 * HOUR
        assert finish_due_after_hold(held, NOW + 3 * HOUR, pauses=True) == NOW + 6 * HOUR

    def test_overdue_is_later_than_the_deadline_and_stays_on_record(self) -> None:
        order = after("accept", "dispatch")
        assert not is_overdue(order, "respond", NOW + HOUR)
        assert is_overdue(order, "respond", NOW + HOUR + timedelta(seconds=1))
        late = apply(order, Started("zhao", NOW + 2 * HOUR))
        assert is_overdue(late, "respond", NOW + 9 * HOUR)
        assert not is_overdue(after("accept", "dispatch", "start"), "respond", NOW + 9 * HOUR)
        assert not is_overdue(replay([Reported(None, None)]), "finish", NOW + 9 * HOUR)


notes: list[Event] = [OverdueNoted("finish"), Escalated("manager"), Commented("?")]


@given(st.lists(st.sampled_from([*STEPS.values(), *notes]), max_size=40))
def test_whatever_is_tried_the_state_is_the_replay_of_what_was_allowed(tried: list[Event]) -> None:
    order = replay([REPORTED])
    recorded: list[Event] = [REPORTED]
    for event in tried:
        try:
            order = apply(order, event)
        except StepRefused:
            continue
        recorded.append(event)
        assert (order.closed_at is None) == (order.state not in ("closed", "cancelled"))
        assert (order.held_at is not None) == (order.state == "on_hold")
        assert order.rework_count == sum(isinstance(one, ReworkOrdered) for one in recorded)
        if order.state in ("submitted", "verified", "closed"):
            assert order.finished_at is not None
            assert order.responded_at == ARRIVAL
    assert replay([decode(one.kind, encode(one)) for one in recorded]) == order
