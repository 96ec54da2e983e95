"""The ladder of an alert: which level is told when nobody has said «seen», as timers of (occurrence, step)."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.alert.store import duration
from services.alert.tables import Alert
from services.kernel import timers
from services.kernel.timers import Timer

ESCALATE_TIMER = "alert.escalate"
OVER = "the condition is over"
"""What came of a step that found the alert inactive."""
RELAPSE = timedelta(minutes=10)
"""A step that came to nothing because the condition was over just then is due at once when it returns within this."""


def escalation(alert: Alert) -> list[tuple[timedelta, str]]:
    """The frozen ladder of an alert: (after, role), upward."""
    return [(duration(step, "after", timedelta(0)), str(step["role"])) for step in alert.policy.get("escalation", [])]


def first_roles(alert: Alert) -> frozenset[str]:
    """Who is told at once."""
    return frozenset(role for after, role in escalation(alert) if after <= timedelta(0))


def set_out(session: Session, alert: Alert, now: datetime) -> None:
    """Set the clocks of the newest occurrence; one that comes on top of an unseen one puts no level off."""
    earlier = _unseen(session, alert)
    for step, (after, _) in enumerate(escalation(alert)):
        if after <= timedelta(0):
            continue
        same = [one for one in earlier if step_of(one) == step]
        if any(one.done_at is None for one in same):
            continue
        missed = any(one.outcome == OVER and now - one.due_at < RELAPSE for one in same)
        timers.schedule(
            session, ESCALATE_TIMER, alert.id, now if missed else now + after, step=f"{alert.occurrence}:{step}"
        )


def begin_anew(session: Session, alert: Alert, now: datetime) -> None:
    """All clocks run from now: the alert was hidden and is told once more."""
    timers.cancel(session, [ESCALATE_TIMER], alert.id, now, "told anew")
    for step, (after, _) in enumerate(escalation(alert)):
        if after > timedelta(0):
            name = f"{alert.occurrence}:{step}:{alert.version}"
            timers.schedule(session, ESCALATE_TIMER, alert.id, now + after, step=name)


def due_steps(session: Session, alert: Alert, now: datetime) -> list[int]:
    """Steps that are due and not done, of occurrences nobody has seen."""
    return [step_of(one) for one in _unseen(session, alert) if one.done_at is None and one.due_at <= now]


def told_since(session: Session, alert: Alert, since: datetime) -> frozenset[str]:
    """The roles above the first that were told since a moment."""
    told = session.scalars(
        select(Timer).where(
            Timer.kind == ESCALATE_TIMER, Timer.ref == alert.id, Timer.outcome.like("told %"), Timer.done_at >= since
        )
    )
    ladder = escalation(alert)
    return frozenset(ladder[step_of(one)][1] for one in told)


def occurrence_of(timer: Timer) -> int:
    """The occurrence that a timer of the ladder was set for."""
    return int(timer.step.split(":")[0])


def step_of(timer: Timer) -> int:
    """The rung that a timer of the ladder stands for."""
    return int(timer.step.split(":")[1])


def _unseen(session: Session, alert: Alert) -> list[Timer]:
    query = select(Timer).where(Timer.kind == ESCALATE_TIMER, Timer.ref == alert.id).order_by(Timer.due_at, Timer.id)
    return [one for one in session.scalars(query) if occurrence_of(one) > alert.acked_occurrence]
