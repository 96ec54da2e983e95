"""The alert machine, row by row of its transition table, and its invariants over arbitrary histories."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert.model import (
    SEVERITIES,
    Acknowledged,
    Activated,
    AlertState,
    Announced,
    Cleared,
    Commented,
    Event,
    Fact,
    LateBreachNoted,
    ResetByHand,
    ReturnedToService,
    SeverityChanged,
    Shelved,
    Suppressed,
    TakenOutOfService,
    Unshelved,
    Unsuppressed,
    Withdrawn,
    apply,
    decode,
    encode,
    needs_second_person,
    rank,
    replay,
    shown_state,
)

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
UP = Activated("high")
DOWN = Cleared()


def after(*events: Event) -> AlertState:
    return replay(list(events))


def facts(state: AlertState, event: Event) -> tuple[Fact, ...]:
    return apply(state, event)[1]


class TestTable:
    @pytest.mark.parametrize(
        ("events", "shown"),
        [
            ([], "normal"),
            ([UP], "active_unack"),
            ([UP, Acknowledged(1)], "active_ack"),
            ([UP, DOWN], "rtn_unack"),
            ([UP, Acknowledged(1), DOWN], "closed"),
            ([UP, DOWN, Acknowledged(1)], "closed"),
            ([UP, DOWN, UP], "active_unack"),
            ([Activated("high", latching=True), DOWN], "latched"),
            ([Activated("high", latching=True), ResetByHand()], "active_unack"),
            ([Activated("high", latching=True), DOWN, ResetByHand()], "rtn_unack"),
            ([Activated("high", latching=True), DOWN, ResetByHand(), Acknowledged(1)], "closed"),
            ([Activated("high", latching=True), Acknowledged(1), DOWN], "latched"),
            ([Activated("high", latching=True), Acknowledged(1), DOWN, ResetByHand()], "closed"),
            ([UP, Acknowledged(1), SeverityChanged("critical")], "active_unack"),
            ([UP, Shelved(LATER, "known", "wang")], "shelved"),
            ([UP, Suppressed("offline")], "suppressed"),
            ([UP, TakenOutOfService("permit 7", "wang")], "out_of_service"),
            ([UP, Shelved(LATER, "known", "wang"), Unshelved("expired")], "active_unack"),
            ([UP, Acknowledged(1), Shelved(LATER, "known", "wang"), Unshelved("expired")], "active_ack"),
            ([UP, Suppressed("offline"), DOWN, Unsuppressed()], "rtn_unack"),
            ([UP, Acknowledged(1), Suppressed("offline"), DOWN, Unsuppressed()], "closed"),
            ([UP, TakenOutOfService("permit 7", "wang"), ReturnedToService()], "active_unack"),
            ([UP, Withdrawn("removed")], "closed"),
        ],
    )
    def test_shows(self, events: list[Event], shown: str) -> None:
        assert shown_state(after(*events), NOW) == shown

    def test_an_old_acknowledgement_does_not_cover_what_came_after_the_click(self) -> None:
        state = after(UP, DOWN, UP)
        acked, what = apply(state, Acknowledged(1))
        assert what == (Fact.ACKNOWLEDGED_OLDER,)
        assert shown_state(acked, NOW) == "active_unack"
        assert shown_state(apply(acked, Acknowledged(2))[0], NOW) == "active_ack"

    def test_an_acknowledgement_before_a_rise_does_not_cover_it(self) -> None:
        state = after(UP, SeverityChanged("critical"), Acknowledged(1))
        assert shown_state(state, NOW) == "active_unack"

    def test_severity_stays_at_its_highest_until_acknowledged(self) -> None:
        state = after(Activated("low"), SeverityChanged("high"), SeverityChanged("low"))
        assert (state.severity, state.max_severity) == ("low", "high")
        assert apply(state, Acknowledged(state.occurrence))[0].max_severity == "low"

    def test_a_swing_back_to_a_severity_already_asked_for_does_not_ask_again(self) -> None:
        state = after(Activated("low"), SeverityChanged("high"), SeverityChanged("low"))
        again, what = apply(state, SeverityChanged("high"))
        assert what == (Fact.SEVERITY_CHANGED,)
        assert again.occurrence == state.occurrence

    def test_a_relapse_of_a_shelved_alert_stays_shelved(self) -> None:
        state = after(UP, Acknowledged(1), Shelved(LATER, "known", "wang"), DOWN, UP)
        assert shown_state(state, NOW) == "shelved"
        assert shown_state(state, LATER) == "active_unack"

    def test_a_shelved_alert_that_worsens_comes_back(self) -> None:
        state = after(UP, Acknowledged(1), Shelved(LATER, "known", "wang"))
        worse, what = apply(state, SeverityChanged("critical"))
        assert what == (Fact.WORSENED, Fact.UNSHELVED)
        assert shown_state(worse, NOW) == "active_unack"

    def test_a_shelved_alert_that_relapses_worse_comes_back(self) -> None:
        state = after(UP, Acknowledged(1), Shelved(LATER, "known", "wang"), DOWN)
        assert shown_state(apply(state, Activated("critical"))[0], NOW) == "active_unack"

    def test_reopening_counts_on(self) -> None:
        state = after(UP, Acknowledged(1), DOWN, UP)
        assert (state.occurrence, state.acked_occurrence, state.closed) == (2, 1, False)

    @pytest.mark.parametrize("event", [DOWN, Acknowledged(1), ResetByHand(), Unshelved("x"), Withdrawn("x")])
    def test_nothing_but_activation_moves_a_closed_alert(self, event: Event) -> None:
        closed = after(UP, Acknowledged(1), DOWN)
        assert apply(closed, event) == (closed, ())

    @pytest.mark.parametrize(
        ("state", "needed"),
        [
            (after(UP), False),
            (after(Activated("critical")), True),
            (after(Activated("medium", latching=True)), True),
            (after(Activated("critical"), SeverityChanged("low")), True),
        ],
    )
    def test_life_safety_needs_two_people_to_hide(self, state: AlertState, needed: bool) -> None:
        assert needs_second_person(state) is needed


severities = st.sampled_from(SEVERITIES)
moments = st.integers(0, 600).map(lambda minutes: NOW + timedelta(minutes=minutes))
words = st.text(max_size=5)
events = st.one_of(
    st.builds(Activated, severities, st.booleans()),
    st.just(Cleared()),
    st.builds(SeverityChanged, severities),
    st.builds(Acknowledged, st.integers(0, 6)),
    st.just(ResetByHand()),
    st.builds(Shelved, moments, words, words),
    st.builds(Unshelved, words),
    st.builds(Suppressed, words),
    st.just(Unsuppressed()),
    st.builds(TakenOutOfService, words, words),
    st.builds(ReturnedToService, words),
    st.builds(Withdrawn, words),
    st.builds(LateBreachNoted, words),
    st.builds(Announced, st.integers(1, 6)),
    st.builds(Commented, words),
)
histories = st.lists(events, max_size=30)


@st.composite
def repeated(draw: st.DrawFn) -> list[Event]:
    """Histories in which any event may come twice in a row."""
    return [copy for event in draw(histories) for copy in [event] * draw(st.integers(1, 2))]


class TestInvariants:
    @given(repeated())
    def test_hold_after_every_event(self, history: list[Event]) -> None:
        state = AlertState()
        for event in history:
            before = state
            state, what = apply(state, event)
            assert state.acked_occurrence <= state.occurrence
            assert before.occurrence <= state.occurrence <= before.occurrence + 1
            assert before.acked_occurrence <= state.acked_occurrence
            assert rank(state.max_severity) >= rank(state.severity)
            assert not (state.active and state.latched)
            if state.closed:
                assert not state.active
                assert not state.latched
                assert not state.hidden
                if not isinstance(event, Withdrawn) and not before.closed:
                    assert state.acknowledged
            else:
                settled = not state.active and not state.latched and not state.hidden and state.acknowledged
                assert not settled
            if before.active and not state.active:
                assert isinstance(event, Cleared | Withdrawn)
            if not what:
                assert state == before

    @given(repeated())
    def test_hiding_never_touches_the_two_memories(self, history: list[Event]) -> None:
        hiding = (Shelved, Unshelved, Suppressed, Unsuppressed, TakenOutOfService, ReturnedToService)
        state = AlertState()
        for event in history:
            before = state
            state, _ = apply(state, event)
            if isinstance(event, hiding):
                assert (state.active, state.acked_occurrence, state.occurrence) == (
                    before.active,
                    before.acked_occurrence,
                    before.occurrence,
                )

    @given(repeated())
    def test_state_is_the_replay_of_what_was_recorded(self, history: list[Event]) -> None:
        state, recorded = AlertState(), []
        for event in history:
            state, what = apply(state, event)
            if what:
                recorded.append((event.kind, encode(event)))
        assert replay([decode(kind, data) for kind, data in recorded]) == state

    @given(histories, moments)
    def test_shown_state_is_total(self, history: list[Event], now: datetime) -> None:
        state = replay(history)
        assert (shown_state(state, now) in ("closed", "normal")) or not state.closed

    @given(repeated())
    def test_latched_only_ends_by_hand_relapse_or_withdrawal(self, history: list[Event]) -> None:
        state = AlertState()
        for event in history:
            before = state
            state, _ = apply(state, event)
            if before.latched and not state.latched:
                assert isinstance(event, ResetByHand | Activated | Withdrawn)
