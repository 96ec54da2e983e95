"""Timers as rows: what must happen later is written in the transaction that caused it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, delete, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.kernel.db import Base, UtcDateTime
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing


class Timer(Base):
    """One thing that is due at a moment; done once, whoever claims it."""

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("kind", "ref", "step"),
        Index(
            "ix_timer_open", "due_at", sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL")
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    """What is due, e.g. `alert.escalate`."""
    ref: Mapped[str] = mapped_column(String(128))
    """The id of the thing it is about."""
    step: Mapped[str] = mapped_column(String(64), default="")
    """Which of several for the same thing, e.g. the occurrence and escalation step."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(200))
    """Why nothing was done, or what was: the answer to «did the timer fire?»."""
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def schedule(
    session: Session, kind: str, ref: str, due_at: datetime, *, step: str = "", data: dict[str, Any] | None = None
) -> Timer:
    """Set a timer; the same (kind, ref, step) set again moves an open one and leaves a finished one alone."""
    same = select(Timer).where(Timer.kind == kind, Timer.ref == ref, Timer.step == step)
    timer = session.scalar(same)
    if timer is None:
        new = {"id": new_id(), "kind": kind, "ref": ref, "step": step, "due_at": due_at, "data": data or {}}
        # Another process may set the same timer at this moment.
        insert_missing(session, Timer, new, ("kind", "ref", "step"))
        timer = session.scalars(same).one()
    if timer.done_at is None:
        timer.due_at = due_at
        timer.data = data or timer.data
    return timer


def cancel(session: Session, kinds: Sequence[str], ref: str, now: datetime, reason: str, *, wait: bool = False) -> int:
    """Finish every open timer of these kinds for `ref` without firing it; returns how many.

    One that a worker is firing at this moment is passed over: its handler must look at what is locked here again.
    `wait` for it where the handler looks at nothing that is locked; whoever waits must hold no row that it wants.
    """
    unfinished = (Timer.kind.in_(kinds), Timer.ref == ref, Timer.done_at.is_(None))
    # The worker holds the timer and wants the thing; we hold the thing: waiting for the timer would be a deadlock.
    free = Timer.id.in_(select(Timer.id).where(*unfinished).with_for_update(skip_locked=True))
    result = session.execute(
        update(Timer)
        .where(*(unfinished if wait else (free,)))
        .values(done_at=now, outcome=f"cancelled: {reason}"[:200])
        .execution_options(synchronize_session="fetch")
    )
    return int(getattr(result, "rowcount", 0))


def claim_due(session: Session, now: datetime, limit: int = 100, last: Collection[str] = ()) -> list[Timer]:
    """Open timers whose time has come, oldest first, kinds in `last` after the others.

    On PostgreSQL other workers' rows are skipped.
    """
    query = (
        select(Timer)
        .where(Timer.done_at.is_(None), Timer.due_at <= now)
        .order_by(Timer.kind.in_(last), Timer.due_at, Timer.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def forget(session: Session, before: datetime) -> int:
    """Drop timers that were finished before a moment; returns how many."""
    result = session.execute(delete(Timer).where(Timer.done_at < before))
    return int(getattr(result, "rowcount", 0))


TimerHandler = Callable[[Session, Timer, datetime], str]
"""Does what is due and says in one phrase what came of it."""
