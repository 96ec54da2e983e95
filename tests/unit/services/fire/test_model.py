"""What holds at a component, signal by signal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fire.model import Holding, Signal, apply, is_device, order_of, replay, settle

START = datetime(2026, 11, 21, 2, tzinfo=UTC)
ONE = "site/panel/8-1"


def said(*states: str, at_s: int = 0, component: str = ONE, **more: Any) -> Signal:
    at = START + timedelta(seconds=at_s)
    more = {"complete": True, "received_at": at} | more
    return Signal(
        id=f"site/utd/b-{at_s + 1}", site="site", device="utd", panel="panel", scope="component",
        component=component, at=at, states=states, **more,
    )  # fmt: skip


def after(*signals: Signal) -> Holding:
    holding = Holding()
    for signal in signals:
        holding, _, _ = apply(holding, signal)
    return holding


def test_a_complete_report_ends_what_it_does_not_name() -> None:
    holding, began, ended = apply(after(said("fire", "fault")), said("fault", "shield", at_s=5))
    assert (began, ended) == (("shield",), ("fire",))
    assert holding.states == {"fault": START, "shield": START + timedelta(seconds=5)}


def test_a_line_of_text_ends_only_what_it_says() -> None:
    holding, began, ended = apply(after(said("fire", "fault")), said(ended=("fault",), complete=False, at_s=5))
    assert (list(holding.states), began, ended) == (["fire"], (), ("fault",))


def test_the_same_report_again_changes_nothing() -> None:
    before = after(said("fire"))
    holding, began, ended = apply(before, said("fire", at_s=9))
    assert (holding.states, began, ended) == (before.states, (), ())


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({"operations": ("reset",)}, {"fault", "shield", "supervisory", "manual"}),
        ({"states": ("reset",)}, {"fault", "shield", "supervisory", "manual"}),
        ({"operations": ("normal",)}, set()),
        ({"operations": ("system_normal",)}, set()),
    ],
)
def test_a_reset_ends_what_panels_latch_and_an_all_clear_everything(more: dict[str, Any], left: set[str]) -> None:
    before = after(said("fire", "start", "feedback", "delay", "alarm", "fault", "shield", "supervisory", "manual"))
    signal = said(*more.pop("states", ()), at_s=5, component="site/panel/self", **more)
    assert signal.resets or signal.all_normal
    holding, _ = settle(before, signal)
    assert set(holding.states) == left


def test_nothing_old_ends_anything_newer_and_a_fire_begins_however_old() -> None:
    before = after(said("fire", at_s=60))
    assert apply(before, said(at_s=30))[0].states == before.states
    assert settle(before, said(at_s=30, operations=("reset",)))[1] == ()
    quiet = after(said(at_s=60))
    assert apply(quiet, said("fire", "fault", at_s=30))[1] == ("fire",)


def test_what_was_a_test_and_is_said_again_outside_begins_anew() -> None:
    before = after(said("fire", test=True))
    assert before.tests == {"fire"}
    holding, began, _ = apply(before, said("fire", at_s=9))
    assert (began, holding.tests) == (("fire",), frozenset())
    assert apply(before, said("fire", at_s=9, test=True))[1] == ()


def test_a_pressed_button_is_a_fire_until_it_is_taken_back_or_reset() -> None:
    pressed = after(said(operations=("manual_alarm",), complete=False))
    assert list(pressed.states) == ["fire"]
    assert not apply(pressed, said(operations=("cleared",), complete=False, at_s=5))[0].states
    assert not settle(pressed, said(operations=("reset",), at_s=5))[0].states


@pytest.mark.parametrize(
    ("component", "device"),
    [
        ("s/p/8-1", True),
        ("s/p/0a000200", True),
        ("s/p/a/b", True),
        ("s/p/self", False),
        ("s/p/system:3", False),
        ("s/p/0102030405ff:0a000200", True),
        ("s/p/0102030405ff:self", False),
        ("s/p/0102030405ff:system:1", False),
    ],
)
def test_only_a_component_is_evidence_of_its_own(component: str, device: bool) -> None:
    assert is_device(component) is device


words = st.lists(st.sampled_from(["fire", "fault", "shield", "start", "reset", "manual"]), max_size=3, unique=True)
signals = st.lists(
    st.builds(
        lambda gap, component, states, ended, complete, operations, test: (
            gap, {"component": component, "states": states, "ended": ended, "complete": complete,
                  "operations": operations, "test": test},
        ),
        st.integers(0, 20),
        st.sampled_from([ONE, "site/panel/8-2", "site/panel/self"]),
        words,
        words,
        st.booleans(),
        st.sampled_from([(), (), ("reset",), ("normal",), ("silence",)]),
        st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


@given(signals, st.data())
def test_saying_everything_twice_leaves_the_same(drawn: list[tuple[int, dict[str, Any]]], data: st.DataObject) -> None:
    at_s, stream = 0, []
    for gap, more in drawn:
        at_s += gap + 1
        states = tuple(more.pop("states"))
        stream.append(said(*states, at_s=at_s, **{**more, "ended": tuple(more["ended"])}))
    twice = [one for signal in stream for one in [signal] * data.draw(st.integers(1, 3))]
    for component in (ONE, "site/panel/8-2"):
        once = replay(component, stream)
        assert replay(component, twice) == once
        assert replay(component, sorted(stream, key=order_of)) == once
        assert once.tests <= once.states.keys()
        if stream and "fire" in stream[-1].states and stream[-1].component == component:
            assert "fire" in once.states
