"""How a person gets from one checkpoint to the next, and what he answers there."""

from math import hypot

from gateway.simulator.noise import uniform
from gateway.site.duration import to_milliseconds
from gateway.site.patrol import Checkpoint, Leg, PatrolSettings, Question, Route

_STROLL_M_S = 1.3
_FLOOR_MS = 13_000
_UNKNOWN_MS = 60_000
"""Between places of which nothing is known."""
_READ_MS = 6_000
_ANSWER_MS = 4_000

Answer = bool | float | str


def floor_ms(start: Checkpoint, end: Checkpoint, route: Route | None, settings: PatrolSettings) -> int:
    """In less time nobody gets there: the leg's declared minimum, else what the map says; 0 where neither knows."""
    leg = _leg(start, end, route)
    if leg is not None and leg.minimum is not None:
        return to_milliseconds(leg.minimum)
    distance_m, floors = _distance(start, end, route)
    return int((distance_m or 0.0) / settings.fastest_m_s * 1_000) + floors * to_milliseconds(settings.floor_time)


def walk_ms(start: Checkpoint, end: Checkpoint, route: Route | None, settings: PatrolSettings, mood: float) -> int:
    """How long an honest walk takes; `mood` in [0, 1): from brisk to leisurely."""
    distance_m, floors = _distance(start, end, route)
    easy_ms = _UNKNOWN_MS if distance_m is None else int(distance_m / _STROLL_M_S * 1_000) + floors * _FLOOR_MS
    least_ms = floor_ms(start, end, route, settings)
    natural_ms = max(int(easy_ms * (0.9 + 0.3 * mood)), least_ms * 5 // 4 + 3_000)
    leg = _leg(start, end, route)
    if leg is not None and leg.maximum is not None:
        natural_ms = min(natural_ms, (least_ms + to_milliseconds(leg.maximum)) // 2)
    return natural_ms


def stay_ms(checkpoint: Checkpoint, mood: float) -> int:
    """How long reading the tag and answering takes."""
    return int((_READ_MS + _ANSWER_MS * len(checkpoint.questions)) * (0.8 + 0.4 * mood))


def answers(checkpoint: Checkpoint, key: int, bad: str = "") -> dict[str, Answer]:
    """Good answers to a checkpoint's questions, a bad one to `bad`; optional ones are left out at times."""
    given: dict[str, Answer] = {}
    for number, question in enumerate(checkpoint.questions):
        wrong = bad_answer(question) if question.id == bad else None
        if wrong is not None:
            given[question.id] = wrong
        elif question.required or uniform(key, number) < 0.5:
            given[question.id] = good_answer(question, uniform(key, 100 + number))
    return given


def good_answer(question: Question, mood: float) -> Answer:
    """An answer that is no finding."""
    match question.kind:
        case "yes_no":
            return question.expect is not False
        case "choice":
            return (question.good or question.choices)[0]
        case _:
            low, high = question.minimum, question.maximum
            low = low if low is not None else (high or 1.0) * 0.8
            high = high if high is not None else low * 1.25
            return round(low + (high - low) * (0.3 + 0.4 * mood), 3)


def bad_answer(question: Question) -> Answer | None:
    """An answer that is a finding; None: there is no such answer."""
    match question.kind:
        case "yes_no":
            return None if question.expect is None else not question.expect
        case "choice":
            return next((one for one in question.choices if question.good and one not in question.good), None)
        case _:
            if question.minimum is not None:
                return round(question.minimum - abs(question.minimum or 1.0) * 0.2, 3)
            return None if question.maximum is None else round(question.maximum + abs(question.maximum or 1.0) * 0.2, 3)


def _leg(start: Checkpoint, end: Checkpoint, route: Route | None) -> Leg | None:
    pair = {start.id, end.id}
    return next((leg for leg in route.legs if {leg.start, leg.end} == pair), None) if route else None


def _distance(start: Checkpoint, end: Checkpoint, route: Route | None) -> tuple[float | None, int]:
    """Metres (None: not known) and floors."""
    here, there, leg = start.position, end.position, _leg(start, end, route)
    metres = leg.distance_m if leg is not None else None
    if here is None or there is None:
        return metres, 0
    straight_m = hypot(here.x_m - there.x_m, here.y_m - there.y_m)
    return (metres if metres is not None else straight_m), abs(here.floor - there.floor)
