"""What a limit remembers and how it moves between its phases: shared by limits on the plant and on the sensor."""

from enum import StrEnum
from typing import NamedTuple

from gateway.site.limit import Limit


class Phase(StrEnum):
    """Where a limit stands for its point."""

    NORMAL = "normal"
    PENDING = "pending"
    """Outside, the on-delay runs."""
    BREACHED = "breached"
    RETURNING = "returning"
    """Back inside, the off-delay runs; still a breach."""


class RuleState(NamedTuple):
    """All that a limit remembers of its point. Times are event times in epoch milliseconds."""

    phase: Phase = Phase.NORMAL
    since_ms: int = 0
    """When the running delay began, or the breach."""
    last_ms: int = 0
    """Newest sample judged."""
    out_since_ms: int = 0
    """When the raw value left the band; 0 while it is inside."""
    worst: float = 0.0
    """The value farthest outside since then."""
    alerted: bool = False
    """Whether the running excursion became a breach."""
    severe: bool = False
    recent: tuple[float, ...] = ()
    """The last compared values, for the median."""
    outs: tuple[int, ...] = ()
    """When the latest excursions began, for the minimum count in a window."""


class Reading(NamedTuple):
    """A sample to judge."""

    at_ms: int
    value: float
    quality: int = 0
    suspended: bool = False
    """A maintenance mode or a running fire pump excuses new breaches."""
    doubted: bool = False
    """The sensor is faulty, or this cannot be true: it may raise a limit, but not start or finish its clearing."""
    fault: str = ""
    """What is wrong with the sensor, where a limit of its own tells of it."""
    twin: float | None = None
    """What its twin reads now; None: it has none, or that one says nothing usable."""


class Tick(NamedTuple):
    """Time passed without a sample. `hearing_since_ms`: since when we could have heard one."""

    at_ms: int
    hearing_since_ms: int


class Effect(NamedTuple):
    """A fact about a limit at one point."""

    kind: str
    """breached | worsened | cleared | excursion_ended | late_breach"""
    at_ms: int
    value: float
    since_ms: int = 0
    severe: bool = False
    alerted: bool = False


NOTHING: tuple[Effect, ...] = ()
Step = tuple[RuleState, tuple[Effect, ...]]


def too_often(state: RuleState, limit: Limit) -> bool:
    """Whether short excursions come so often that together they are a breach."""
    return limit.min_count > 1 and len(state.outs) >= limit.min_count


def gap_before(state: RuleState, at_ms: int, limit: Limit) -> bool:
    """Whether nothing was heard for so long that a running delay proves nothing."""
    return (
        limit.stale_after_ms > 0
        and state.last_ms > 0
        and not limit.hold_last
        and at_ms - state.last_ms > limit.stale_after_ms
    )


def advance(
    state: RuleState, event: Reading, limit: Limit, out: bool, returned: bool, *, severe: bool, gap: bool
) -> Step:
    """Move through the phases on a good sample in order."""
    at_ms = event.at_ms
    phase = state.phase
    state = state._replace(last_ms=at_ms)
    if phase is Phase.NORMAL:
        if not out or event.suspended:
            return state, NOTHING
        if limit.on_delay_ms == 0 or too_often(state, limit):
            return breach(state, at_ms, at_ms, event.value, severe)
        return state._replace(phase=Phase.PENDING, since_ms=at_ms), NOTHING
    if phase is Phase.PENDING:
        if not out or event.suspended:
            return state._replace(phase=Phase.NORMAL, since_ms=0), NOTHING
        if too_often(state, limit):
            return breach(state, at_ms, state.since_ms, event.value, severe)
        if gap:
            return state._replace(since_ms=at_ms), NOTHING
        if at_ms - state.since_ms >= limit.on_delay_ms:
            return breach(state, at_ms, state.since_ms, event.value, severe)
        return state, NOTHING
    effects = NOTHING
    if severe and not state.severe:
        state = state._replace(severe=True)
        effects = (Effect("worsened", at_ms, event.value, since_ms=state.since_ms, severe=True),)
    if not returned:
        if phase is Phase.RETURNING:
            state = state._replace(phase=Phase.BREACHED, since_ms=at_ms)
        return state, effects
    if phase is Phase.BREACHED or gap:
        state = state._replace(phase=Phase.RETURNING, since_ms=at_ms)
    if at_ms - state.since_ms >= limit.off_delay_ms:
        return clear(state, at_ms, event.value)
    return state, effects


def breach(state: RuleState, at_ms: int, since_ms: int, value: float, severe: bool) -> Step:
    state = state._replace(phase=Phase.BREACHED, since_ms=since_ms, severe=severe, outs=())
    return state, (Effect("breached", at_ms, value, since_ms=since_ms, severe=severe),)


def clear(state: RuleState, at_ms: int, value: float) -> Step:
    cleared = Effect("cleared", at_ms, value, since_ms=state.since_ms)
    return state._replace(phase=Phase.NORMAL, since_ms=0, severe=False, outs=()), (cleared,)


def is_breach(state: RuleState) -> bool:
    return state.phase in (Phase.BREACHED, Phase.RETURNING)
