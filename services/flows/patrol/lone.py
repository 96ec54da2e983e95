"""The watch over a guard who walks alone: no tap for too long → he is asked; no answer → everybody on duty is told."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.flows.patrol.emergency import CHECK_IN_TIMER, MAN_DOWN_TIMER, Report, report
from services.kernel import timers
from services.kernel.timers import Timer
from services.patrol import roster
from services.patrol.judging.lone import check_in_due
from services.patrol.model import RoundState
from services.patrol.suspicion import walking
from services.patrol.tables import LegTimes, Round, RoundStop, TapRow

USUAL_LEG = timedelta(minutes=10)
"""Where no walk has been learned yet."""


def watch_over(session: Session, config: SiteConfig, tap: TapRow, now: datetime) -> None:
    """A guard has tapped: the question waits for his next tap; after the last one nobody is asked."""
    if tap.guard not in config.person_by_username:
        return
    ref = f"{config.site.id}/{tap.guard}"
    newest = session.scalar(
        select(TapRow.id)
        .where(TapRow.site == tap.site, TapRow.guard == tap.guard)
        .order_by(TapRow.at.desc(), TapRow.id.desc())
        .limit(1)
    )
    if newest != tap.id:
        return
    due_at = _due_at(session, config, tap)
    step, data = f"after {to_ms(tap.at)}", {"tap": tap.id}
    if due_at is not None and due_at <= now:
        # Delivered late it says nothing about how he is now: who is being asked still has to answer.
        if not _asked(session, ref):
            timers.schedule(session, CHECK_IN_TIMER, ref, now, step=step, data=data)
        return
    timers.cancel(session, [CHECK_IN_TIMER, MAN_DOWN_TIMER], ref, now, "tapped", wait=True)
    if due_at is not None:
        timers.schedule(session, CHECK_IN_TIMER, ref, due_at, step=step, data=data)


def _asked(session: Session, ref: str) -> bool:
    waiting = (Timer.kind == MAN_DOWN_TIMER, Timer.ref == ref, Timer.done_at.is_(None))
    return session.scalar(select(Timer.id).where(*waiting).limit(1)) is not None


def _due_at(session: Session, config: SiteConfig, tap: TapRow) -> datetime | None:
    """When the next tap is overdue; None: the guard is on no lone round, or has finished it."""
    running = _lone_round(session, tap)
    if running is None:
        return None
    learned = session.scalars(
        select(LegTimes).where(LegTimes.site == tap.site, LegTimes.start == (tap.checkpoint or ""))
    )
    wanted = set(
        session.scalars(
            select(RoundStop.checkpoint).where(RoundStop.round_id == running.id, RoundStop.verdict == "pending")
        )
    )
    usual = [walking.p95_s(leg.samples) for leg in learned if leg.end in wanted]
    longest = max((one for one in usual if one is not None), default=None)
    due_ms = check_in_due(
        to_ms(tap.at),
        longest,
        config.patrol.settings.lone_grace // timedelta(milliseconds=1),
        USUAL_LEG.total_seconds(),
    )
    return from_ms(due_ms)


def _lone_round(session: Session, tap: TapRow) -> Round | None:
    for key in tap.rounds:
        row = session.get(Round, key)
        if row is not None and row.state == RoundState.RUNNING and _walked_alone(row):
            return row
    return None


def _walked_alone(row: Round) -> bool:
    """A list to be seen to in the course of a day is no walk, and people who go together look after each other."""
    return row.plan["people"] == 1 and not row.plan["roles"] and row.plan["order"] != "freeroam"


def ask(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """No tap for too long: the guard's phone asks, and everybody is told unless he answers in time."""
    username = timer.ref.partition("/")[2]
    if not _still_walks(session, config, timer, username, now):
        return "no longer on a lone round"
    due_at = now + config.patrol.settings.check_in_within
    data = {"since": now.isoformat(), "tap": timer.data.get("tap", "")}
    timers.schedule(session, MAN_DOWN_TIMER, timer.ref, due_at, step=timer.step, data=data)
    return "asked"


def _still_walks(session: Session, config: SiteConfig, timer: Timer, username: str, now: datetime) -> bool:
    if all(one.username != username for one in roster.on_duty(session, config, now)):
        return False
    tap = session.get(TapRow, str(timer.data.get("tap", "")))
    return tap is not None and _lone_round(session, tap) is not None


def give_alarm(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """He did not answer."""
    username = timer.ref.partition("/")[2]
    client_id = f"man-down-{username}-{to_ms(now)}"
    report(session, config, Report(client_id, "man_down", username, now), now)
    return "told everybody on duty"
