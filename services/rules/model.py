"""The pure step: (state, event, limit, now) → (state', effects). No clock, no database, no I/O.

Event time decides. Hysteresis acts only on the way back; both delays need evidence at both ends, and a gap longer than
the stale time restarts them. Silence and bad samples never clear anything, and begin a clearing anew.
"""

from gateway.site.limit import Limit
from services.rules.band import Band
from services.rules.memory import (
    NOTHING,
    Effect,
    Phase,
    Reading,
    RuleState,
    Step,
    Tick,
    advance,
    breach,
    clear,
    gap_before,
    is_breach,
    too_often,
)
from services.rules.sensor import WATCHES, step_sensor

BAD = 2
"""Quality of a sample that is no data."""


def step(state: RuleState, event: Reading | Tick, limit: Limit, band: Band | None, now_ms: int) -> Step:
    """Judge one event against one limit; `band` is `band_of(limit, set_value)`."""
    if limit.kind == "stale":
        return _step_stale(state, event, limit, now_ms)
    if isinstance(event, Tick):
        return _step_tick(state, event, limit)
    usable = event.quality != BAD and in_range(limit, event.value)
    if limit.kind in WATCHES:
        return step_sensor(state, event, limit, usable=usable)
    if band is None:
        return state, NOTHING
    if limit.kind == "range":
        return _step_range(state, event, limit, band)
    if not usable:
        return _doubt_return(state, event.at_ms), NOTHING
    if event.at_ms < state.last_ms:
        if not event.suspended and band.outside(band.compared(event.value)):
            return state, (Effect("late_breach", event.at_ms, event.value),)
        return state, NOTHING
    return _step_band(state, event, limit, band)


def in_range(limit: Limit, value: float) -> bool:
    """Whether the sensor can read this at all."""
    return (limit.valid_min is None or value >= limit.valid_min) and (
        limit.valid_max is None or value <= limit.valid_max
    )


def _step_stale(state: RuleState, event: Reading | Tick, limit: Limit, now_ms: int) -> Step:
    if isinstance(event, Reading):
        watched = limit.valid_min is not None or limit.valid_max is not None  # a range limit speaks of bad samples
        if event.quality == BAD and (state.phase is Phase.BREACHED or not (watched or event.fault)):
            return state, NOTHING
        last_ms = max(state.last_ms, event.at_ms)
        fresh = now_ms - last_ms <= limit.stale_after_ms
        if state.phase is Phase.BREACHED and fresh:
            cleared = Effect("cleared", event.at_ms, event.value, since_ms=state.since_ms)
            return RuleState(last_ms=last_ms), (cleared,)
        return state._replace(last_ms=last_ms), NOTHING
    if state.phase is Phase.BREACHED or event.hearing_since_ms == 0:
        return state, NOTHING
    silent_since_ms = max(state.last_ms, event.hearing_since_ms)
    if event.at_ms - silent_since_ms <= limit.stale_after_ms:
        return state, NOTHING
    at_ms = silent_since_ms + limit.stale_after_ms
    breached = Effect("breached", at_ms, 0.0, since_ms=state.last_ms or event.hearing_since_ms)
    return state._replace(phase=Phase.BREACHED, since_ms=at_ms), (breached,)


def _step_range(state: RuleState, event: Reading, limit: Limit, band: Band) -> Step:
    """A value that the sensor cannot have, or one it calls bad itself: a fault of the sensor, not of the plant."""
    if event.at_ms < state.last_ms or event.fault:
        return state, NOTHING
    broken = event.quality == BAD or band.outside(band.compared(event.value))
    gap = gap_before(state, event.at_ms, limit)
    return advance(state, event, limit, broken, not broken, severe=False, gap=gap)


def _step_band(state: RuleState, event: Reading, limit: Limit, band: Band) -> Step:
    x = band.compared(event.value)
    raw_out = band.outside(x)
    gap = gap_before(state, event.at_ms, limit)
    if limit.median_of > 1:
        recent = (*(() if gap else state.recent[1 - limit.median_of :]), x)
        judged = sorted(recent)[(len(recent) - 1) // 2] if len(recent) % 2 else _inner_middle(recent, band)
        state = state._replace(recent=recent)
    else:
        judged = x
    state, ended = _track_excursion(state, event, limit, band, x)
    out = band.outside(judged) or (raw_out and too_often(state, limit))
    returned = band.returned(judged) and not event.doubted
    state, effects = advance(state, event, limit, out, returned, severe=band.severe(judged), gap=gap)
    if any(effect.kind == "breached" for effect in effects):
        state = state._replace(alerted=state.out_since_ms > 0)
    return state, effects + ended


def _inner_middle(recent: tuple[float, ...], band: Band) -> float:
    """Of the two middle values the one nearer the band: an even number of samples never exaggerates."""
    ordered = sorted(recent)
    lower, upper = ordered[len(ordered) // 2 - 1], ordered[len(ordered) // 2]
    return lower if band.beyond(lower) <= band.beyond(upper) else upper


def _track_excursion(state: RuleState, event: Reading, limit: Limit, band: Band, x: float) -> Step:
    """Every excursion of the raw value is counted, however short."""
    if band.outside(x):
        if state.out_since_ms == 0:
            if limit.min_count > 1 and not event.suspended:
                recent = (t for t in state.outs if event.at_ms - t <= limit.window_ms)
                state = state._replace(outs=(*recent, event.at_ms)[-limit.min_count :])
            return state._replace(out_since_ms=event.at_ms, worst=event.value, alerted=is_breach(state)), NOTHING
        if band.beyond(x) > band.beyond(band.compared(state.worst)):
            return state._replace(worst=event.value), NOTHING
        return state, NOTHING
    if state.out_since_ms == 0:
        return state, NOTHING
    ended = Effect("excursion_ended", event.at_ms, state.worst, since_ms=state.out_since_ms, alerted=state.alerted)
    return state._replace(out_since_ms=0, worst=0.0, alerted=False), (ended,)


def _doubt_return(state: RuleState, at_ms: int) -> RuleState:
    """A clearing that had begun begins anew once there is data again."""
    if state.phase is Phase.RETURNING and at_ms >= state.last_ms:
        return state._replace(phase=Phase.BREACHED, since_ms=at_ms)
    return state


def _step_tick(state: RuleState, event: Tick, limit: Limit) -> Step:
    """Only a limit that holds its last value may let a delay run out without a new sample."""
    if not limit.hold_last or limit.kind in WATCHES:
        return state, NOTHING
    if state.phase is Phase.PENDING and event.at_ms - state.since_ms >= limit.on_delay_ms:
        at_ms = state.since_ms + limit.on_delay_ms
        return breach(state, at_ms, state.since_ms, state.worst, severe=False)
    if state.phase is Phase.RETURNING and event.at_ms - state.since_ms >= limit.off_delay_ms:
        return clear(state, state.since_ms + limit.off_delay_ms, state.worst)
    return state, NOTHING
