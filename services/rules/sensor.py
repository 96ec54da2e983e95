"""Limits on the sensor itself: does it move, jump, agree with its twin, and is its loop within what a current can be.

Pure, as services.rules.model. A fault of the sensor is an alert of its own and never the end of another: what such a
sensor says is doubted, and doubted samples may raise a documented limit but neither start nor finish its clearing.
"""

from gateway.site.limit import Limit
from services.rules.memory import NOTHING, Effect, Phase, Reading, RuleState, Step, advance, gap_before, too_often

FAULTS = frozenset({"stuck", "rate", "twin", "loop", "range"})
"""Kinds that say that the sensor is wrong, not the plant."""
WATCHES = frozenset({"stuck", "rate", "twin", "loop"})
"""… of which these need more than a band."""


def step_sensor(state: RuleState, event: Reading, limit: Limit, *, usable: bool) -> Step:
    """Judge a sample; `usable`: it is neither called bad nor outside of what the sensor can read."""
    if event.at_ms < state.last_ms:
        return state, NOTHING
    if limit.kind == "loop":
        return _step_loop(state, event, limit, usable=usable)
    if not usable:
        return state, NOTHING
    if limit.kind == "stuck":
        return _step_stuck(state, event, limit)
    if limit.kind == "rate":
        return _step_rate(state, event, limit)
    return _step_twin(state, event, limit)


def impossible(state: RuleState, event: Reading, limit: Limit) -> bool:
    """Whether nothing real can have moved so fast since the sample before; of two at one moment none is older."""
    return state.last_ms > 0 and too_fast(limit, state.worst, event.value, event.at_ms - state.last_ms)


def too_fast(limit: Limit, before: float, value: float, took_ms: int) -> bool:
    """Whether a value cannot have changed so much in that time."""
    if limit.threshold is None or took_ms <= 0:
        return False
    return abs(value - before) > limit.threshold * took_ms / 1000 + _slack(limit)


def broken(state: RuleState, limit: Limit) -> bool:
    """Whether the sensor counts as faulty now."""
    return limit.kind in FAULTS and state.phase in (Phase.BREACHED, Phase.RETURNING)


def moved(limit: Limit, anchor: float, value: float) -> bool:
    """Whether a value is at least one step of the resolution away from where it stood."""
    return value != anchor and abs(value - anchor) >= (limit.resolution or 0.0) - _slack(limit)


def _slack(limit: Limit) -> float:
    """0.451 - 0.450 is not quite 0.001."""
    return (limit.resolution or 0.0) * 1e-6


def _step_loop(state: RuleState, event: Reading, limit: Limit, *, usable: bool) -> Step:
    """A current below or above what a transmitter can send: a broken wire, or a broken sensor."""
    if not event.fault and not usable:  # no data of another kind proves nothing about the loop
        return state, NOTHING
    electrical = bool(event.fault)
    gap = gap_before(state, event.at_ms, limit)
    return advance(state, event, limit, electrical, not electrical, severe=False, gap=gap)


def _step_stuck(state: RuleState, event: Reading, limit: Limit) -> Step:
    """`worst` is where the value stands, `since_ms` since when; only samples prove that it stands."""
    at_ms, value = event.at_ms, event.value
    breached = state.phase is Phase.BREACHED
    if state.since_ms == 0 or moved(limit, state.worst, value):
        state = RuleState(last_ms=at_ms, since_ms=at_ms, worst=value)
        return state, (Effect("cleared", at_ms, value, since_ms=at_ms),) if breached else NOTHING
    if breached:
        return state._replace(last_ms=at_ms), NOTHING
    if gap_before(state, at_ms, limit):
        return state._replace(last_ms=at_ms, since_ms=at_ms), NOTHING
    if at_ms - state.since_ms < limit.on_delay_ms:
        return state._replace(last_ms=at_ms), NOTHING
    if event.suspended:
        return state._replace(last_ms=at_ms, since_ms=at_ms), NOTHING
    state = state._replace(phase=Phase.BREACHED, last_ms=at_ms)
    return state, (Effect("breached", at_ms, value, since_ms=state.since_ms),)


def _step_rate(state: RuleState, event: Reading, limit: Limit) -> Step:
    """`worst` is the value before. One spike jumps twice, a real jump once: a fault is more of them in the window."""
    jumped = impossible(state, event, limit)
    outs = tuple(t for t in state.outs if event.at_ms - t <= limit.window_ms)
    if jumped and not event.suspended:
        outs = (*outs, event.at_ms)[-limit.min_count :]
    state = state._replace(outs=outs)
    gap = gap_before(state, event.at_ms, limit)
    often = too_often(state, limit) or (jumped and limit.min_count <= 1)
    state, effects = advance(state, event, limit, often, not jumped, severe=False, gap=gap)
    return state._replace(worst=event.value), effects


def _step_twin(state: RuleState, event: Reading, limit: Limit) -> Step:
    """Compared only while both are heard; what lies between two comparisons is a gap like any other."""
    if event.twin is None or limit.threshold is None:
        return (state._replace(last_ms=event.at_ms) if state.phase is Phase.NORMAL else state), NOTHING
    apart = abs(event.value - event.twin)
    back = limit.threshold if limit.return_threshold is None else limit.return_threshold
    gap = gap_before(state, event.at_ms, limit)
    return advance(state, event, limit, apart > limit.threshold, apart <= back, severe=False, gap=gap)
