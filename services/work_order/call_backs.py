"""Call-backs in the database: what is due, what was said, and the samples that the system draws."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Forbidden, Invalid
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing
from services.work_order.acting import act
from services.work_order.model import CalledBack
from services.work_order.samples import LEVELS, SAMPLED, Level, Progress, bounds, draw, progress
from services.work_order.store import lock, snapshot
from services.work_order.tables import CallBack, CallBackSample, WorkOrder

READY = frozenset({"verified", "closed"})
"""States in which the work is accepted and the requester can be asked about it."""
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the requester said."""

    level: Level
    satisfied: bool
    answer: str = ""


def check(session: Session, order_id: str, given: Answer, *, actor: str) -> WorkOrder:
    """The order, held, when this call-back may be written down; raises Conflict, Forbidden or Invalid.

    Nobody calls about work of his own (ROU-13); quality and director call about what was drawn for them (AMB-10).
    """
    order = lock(session, order_id)
    if given.level not in LEVELS:
        raise Invalid(f"There is no call-back of level {given.level}", hint=", ".join(LEVELS), field="level")
    if order.origin != "request" or order.state not in READY:
        raise Conflict(
            f"No call-back is due about work order {order.number}",
            hint="Call back about requests whose work is verified",
            current=snapshot(order),
        )
    if actor in order.executors:
        raise Forbidden(f"{actor} carried {order.number} out", hint="Let somebody else call back")
    if of_order(session, order_id, given.level) is not None:
        raise Conflict(f"The call-back about {order.number} is recorded already", hint="Look at the order")
    if given.level in SAMPLED and session.get(CallBackSample, (order_id, given.level)) is None:
        raise Conflict(
            f"Work order {order.number} was not drawn for the {given.level} sample",
            hint="Call back about those that are listed; the system draws them",
        )
    words = given.answer.strip()
    if len(words) > LONGEST:
        raise Invalid(f"{len(words)} characters are too many", hint=f"Use at most {LONGEST}", field="answer")
    if not given.satisfied and not words:
        raise Invalid("Somebody who is not satisfied says why", hint="Write it down", field="answer")
    return order


def record(
    session: Session, order: WorkOrder, given: Answer, *, actor: str, now: datetime, rework_id: str | None = None
) -> CallBack:
    """Write down a call-back that `check` let pass; `rework_id` is the order that a bad answer brought."""
    row = CallBack(
        id=new_id(),
        site=order.site,
        work_order_id=order.id,
        level=given.level,
        at=now,
        by=actor,
        satisfied=given.satisfied,
        answer=given.answer.strip(),
        rework_id=rework_id,
    )
    session.add(row)
    act(session, order, CalledBack(given.level, given.satisfied, rework_id), actor, now)
    return row


def of_order(session: Session, order_id: str, level: str) -> CallBack | None:
    """The call-back of a level, if there was one."""
    return session.scalar(select(CallBack).where(CallBack.work_order_id == order_id, CallBack.level == level))


def all_of(session: Session, order_id: str) -> list[CallBack]:
    """Every call-back about an order, in order."""
    return list(session.scalars(select(CallBack).where(CallBack.work_order_id == order_id).order_by(CallBack.at)))


def between(session: Session, site: str, since_at: datetime, until_at: datetime) -> list[CallBack]:
    """Call-backs of a site recorded in [since, until), in order."""
    query = select(CallBack).where(CallBack.site == site, CallBack.at >= since_at, CallBack.at < until_at)
    return list(session.scalars(query.order_by(CallBack.at, CallBack.id)))


def population(session: Session, site: str, month: date, zone: ZoneInfo) -> list[WorkOrder]:
    """Requests closed in a month, not cancelled (AMB-10), oldest first."""
    since_at, until_at = bounds(month, zone)
    query = select(WorkOrder).where(
        WorkOrder.site == site,
        WorkOrder.origin == "request",
        WorkOrder.state == "closed",
        WorkOrder.closed_at >= since_at,
        WorkOrder.closed_at < until_at,
    )
    return list(session.scalars(query.order_by(WorkOrder.closed_at, WorkOrder.id)))


def top_up(session: Session, site: str, month: date, zone: ZoneInfo, random: Random, now: datetime) -> int:
    """Draw what the samples of a month still need; returns how many orders were drawn."""
    closed = [one.id for one in population(session, site, month, zone)]
    added = 0
    for level in SAMPLED:
        for order_id in draw(closed, drawn(session, site, month, level), level, random):
            values = {"work_order_id": order_id, "level": level, "site": site, "month_on": month, "drawn_at": now}
            added += insert_missing(session, CallBackSample, values, ("work_order_id", "level"))
    return added


def drawn(session: Session, site: str, month: date, level: Level) -> set[str]:
    """Orders in a level's sample of a month."""
    query = select(CallBackSample.work_order_id).where(
        CallBackSample.site == site, CallBackSample.month_on == month, CallBackSample.level == level
    )
    return set(session.scalars(query))


def called(session: Session, order_ids: Iterable[str], level: Level) -> set[str]:
    """Those of these orders that were called back by a level."""
    wanted = list(order_ids)
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        query = select(CallBack.work_order_id).where(CallBack.level == level, CallBack.work_order_id.in_(part))
        found |= set(session.scalars(query))
    return found


def figures(session: Session, site: str, month: date, zone: ZoneInfo) -> tuple[Progress, ...]:
    """Where every level stands in a month."""
    closed = [one.id for one in population(session, site, month, zone)]
    return tuple(
        progress(level, closed, drawn(session, site, month, level), called(session, closed, level)) for level in LEVELS
    )


def waiting(session: Session, site: str, level: Level, since_at: datetime) -> list[WorkOrder]:
    """Requests finished since then that a level has still to call back about, the earliest first."""
    query = select(WorkOrder).where(
        WorkOrder.site == site,
        WorkOrder.origin == "request",
        WorkOrder.state.in_(READY),
        WorkOrder.finished_at >= since_at,
        ~select(CallBack.id).where(CallBack.work_order_id == WorkOrder.id, CallBack.level == level).exists(),
    )
    if level in SAMPLED:
        query = query.join(CallBackSample, CallBackSample.work_order_id == WorkOrder.id)
        query = query.where(CallBackSample.level == level)
    return list(session.scalars(query.order_by(WorkOrder.finished_at, WorkOrder.id)))
