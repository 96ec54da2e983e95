import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.walk import answers, bad_answer, floor_ms, good_answer, walk_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import PatrolSettings, Question

SETTINGS = PatrolSettings()


@given(mood=st.floats(0, 1, exclude_max=True))
def test_an_honest_walk_takes_longer_than_the_fastest_and_less_than_the_slowest(
    patrolled: SiteConfig, mood: float
) -> None:
    patrol = patrolled.patrol
    loop = patrol.route("loop")
    for start in patrol.checkpoints:
        for end in patrol.checkpoints:
            took_ms = walk_ms(start, end, loop, SETTINGS, mood)
            assert floor_ms(start, end, loop, SETTINGS) < took_ms < 300_000


def test_a_declared_minimum_goes_before_the_map(patrolled: SiteConfig) -> None:
    patrol = patrolled.patrol
    lobby, roof = patrol.checkpoint("lobby"), patrol.checkpoint("roof")
    assert lobby
    assert roof
    assert floor_ms(roof, lobby, patrol.route("loop"), SETTINGS) == 90_000
    assert floor_ms(roof, lobby, None, SETTINGS) == 80_000


@pytest.mark.parametrize(
    ("fields", "good", "bad"),
    [
        ({"expect": True}, True, False),
        ({"expect": False}, False, True),
        ({}, True, None),
        ({"kind": "choice", "choices": ("关", "开"), "good": ("开",)}, "开", "关"),
        ({"kind": "choice", "choices": ("关", "开")}, "关", None),
        ({"kind": "number", "minimum": 0.6, "maximum": 0.8}, 0.7, 0.48),
        ({"kind": "number", "maximum": 10.0}, 9.0, 12.0),
        ({"kind": "number", "minimum": 0.0, "maximum": 4.0}, 2.0, -0.2),
        ({"kind": "number"}, 0.9, None),
    ],
)
def test_good_and_bad_answers(fields: dict[str, object], good: object, bad: object) -> None:
    question = Question.model_validate({"id": "q", "text": "?", **fields})
    assert good_answer(question, 0.5) == good
    assert bad_answer(question) == bad


def test_only_the_question_that_is_meant_gets_a_bad_answer(patrolled: SiteConfig) -> None:
    garage = patrolled.patrol.checkpoint("garage")
    assert garage
    assert answers(garage, 1)["pressure"] >= 0.6  # type: ignore[operator]
    assert answers(garage, 1, "pressure") == {"pressure": 0.48}
    assert answers(garage, 1, "rail") == answers(garage, 1)
