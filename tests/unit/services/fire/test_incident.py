"""The machine of an incident, as a table and by chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fire.incident import (
    GRADES,
    VERDICTS,
    Closed,
    Event,
    Graded,
    IncidentState,
    NotConfirmed,
    Reported,
    apply,
    decode,
    encode,
    replay,
)

A, B, C = "s/p/1", "s/p/2", "s/p/3"
SYSTEM = "s/p/system:1"


def fire(*components: str, zone: str = "z") -> Reported:
    return Reported(tuple((zone, one) for one in components))


def line(*components: str) -> Reported:
    return Reported(fire(*components).fires, tuple(range(len(components))))


SMALL, LARGE = Graded("small", "n"), Graded("large")


@pytest.mark.parametrize(
    ("events", "stage", "reason"),
    [
        ([fire(A)], "unconfirmed", ""),
        ([fire(A, A)], "unconfirmed", ""),
        ([fire(A), fire(B, zone="other")], "unconfirmed", ""),
        ([fire(A, SYSTEM)], "unconfirmed", ""),
        ([fire(SYSTEM), fire(A)], "unconfirmed", ""),
        ([fire(A, B)], "large", "second_signal"),
        ([fire(A), fire(B)], "large", "second_signal"),
        ([fire(A, B, zone="")], "large", "second_signal"),
        ([fire(A), NotConfirmed()], "large", "unconfirmed_in_time"),
        ([fire(A), SMALL, NotConfirmed()], "small", ""),
        ([fire(A), SMALL, fire(A)], "small", ""),
        ([fire(A), SMALL, fire(SYSTEM)], "small", ""),
        ([fire(A), SMALL, fire(B, zone="other")], "large", "spread"),
        ([fire(A), LARGE], "large", "person"),
        ([fire(A), NotConfirmed(), LARGE], "large", "unconfirmed_in_time"),
        ([line(SYSTEM), line(SYSTEM, SYSTEM)], "unconfirmed", ""),
        ([line(SYSTEM), SMALL, line(SYSTEM)], "large", "spread"),
        ([fire(A), SMALL, line(SYSTEM)], "large", "spread"),
        ([fire(A, B), SMALL], "small", ""),
        ([fire(A, B), SMALL, fire(C)], "large", "spread"),
        ([fire(A, B), SMALL, fire(C), SMALL], "small", ""),
        ([fire(A), Closed("false", "x"), fire(B), LARGE, NotConfirmed()], "closed", ""),
    ],
)
def test_stages(events: list[Event], stage: str, reason: str) -> None:
    state = replay(events)
    assert (state.stage, state.reason) == (stage, reason)


def test_facts_say_what_a_grade_changed() -> None:
    large = replay([fire(A), NotConfirmed()])
    assert apply(large, SMALL)[1] == ("downgraded",)
    assert apply(large, LARGE)[1] == ("graded_large",)
    assert apply(replay([fire(A)]), SMALL)[1] == ("graded_small",)
    assert apply(replay([fire(A)]), LARGE)[1] == ("went_large", "graded_large")
    assert apply(replay([fire(A), SMALL]), SMALL)[1] == ()


places = st.tuples(st.sampled_from(["", "z", "y"]), st.sampled_from([A, B, C, SYSTEM, "s/p/self"]))
events = st.lists(
    st.one_of(
        st.builds(Reported, st.lists(places, min_size=1, max_size=4).map(tuple), st.sampled_from([(), (0,)])),
        st.just(NotConfirmed()),
        st.builds(Graded, st.sampled_from(GRADES), st.just("n")),
        st.builds(Closed, st.sampled_from(VERDICTS), st.just("c")),
    ),
    max_size=12,
)


@given(events)
def test_only_people_make_it_smaller_and_what_is_closed_stays_closed(drawn: list[Event]) -> None:
    state = IncidentState()
    for event in drawn:
        after, facts = apply(state, event)
        if state.stage == "closed":
            assert (after, facts) == (state, ())
        if state.stage == "large" and after.stage == "small":
            assert isinstance(event, Graded)
        if after.stage == "closed" != state.stage:
            assert isinstance(event, Closed)
        if not facts:
            assert after == state
        assert after.signals >= sum(len(components) for components in after.zones.values())
        assert (after.stage == "large") == bool(after.reason) or after.stage == "closed"
        state = after
    assert replay([decode(one.kind, encode(one)) for one in drawn]) == state
