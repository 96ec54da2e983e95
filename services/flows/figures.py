"""Once a minute the figures of living processes and the lengths of queues are written down, for boards of Gengfu."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from services.annotation.tables import Annotation
from services.device.tables import Quarantine
from services.fire.tables import FireCommand
from services.kernel.db import UtcDateTime
from services.kernel.figures import Figure, ProcessFigure, forget, is_noted
from services.kernel.heartbeat import Heartbeat
from services.kernel.timers import Timer
from services.kernel.upsert import upsert
from services.notify.tables import IN_FLIGHT, Message

KEPT = timedelta(days=14)
ALIVE_FOR = timedelta(seconds=60)
FORGET_EVERY_MINUTES, FORGOTTEN_AT_ONCE = 10, 20_000
_COLUMNS = ("at", "role", "holder", "name", "value")
_KEYS = ("at", "role", "holder", "name")
_NOW = bindparam("now", type_=UtcDateTime())
_WAITING = select(
    *(
        select(func.count()).select_from(model).where(*which).scalar_subquery().label(name)
        for name, model, which in (
            ("timers", Timer, (Timer.done_at.is_(None), Timer.due_at <= _NOW)),
            ("messages", Message, (IN_FLIGHT,)),
            ("quarantine", Quarantine, (Quarantine.dismissed_at.is_(None),)),
            ("annotations", Annotation, (Annotation.next_at.is_not(None),)),
            ("commands", FireCommand, (FireCommand.outcome == "", FireCommand.expires_at > _NOW)),
        )
    )
)
"""What is counted, by the names that the view `queue` has for them."""


def note(session: Session, now: datetime) -> None:
    """Write this minute's figures unless somebody has, and now and then drop a portion of those that are too old."""
    minute = now.replace(second=0, microsecond=0)
    if is_noted(session, minute):
        return
    rows = [(minute, *figure) for figure in (*_of_processes(session, now), *_of_queues(session, now))]
    upsert(session, ProcessFigure, _COLUMNS, sorted(rows), _KEYS)
    if minute.minute % FORGET_EVERY_MINUTES == 0:
        forget(session, minute - KEPT, FORGOTTEN_AT_ONCE)


def _of_processes(session: Session, now: datetime) -> Iterator[Figure]:
    """Of a process that is silent nothing is written: its last words would look like news."""
    for heart in session.scalars(select(Heartbeat).where(Heartbeat.at > now - ALIVE_FOR)):
        yield Figure(heart.role, heart.holder, "alive", 1.0)
        for name, value in heart.figures.items():
            if isinstance(value, int | float):
                yield Figure(heart.role, heart.holder, name[:64], float(value))


def _of_queues(session: Session, now: datetime) -> Iterator[Figure]:
    for name, waiting in session.execute(_WAITING, {"now": now}).mappings().one().items():
        yield Figure("queue", "", name, float(waiting))
