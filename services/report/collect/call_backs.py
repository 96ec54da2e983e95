"""Requests closed in the month and the call-backs about them, for section 九."""

from sqlalchemy import select

from services.report.chapters.call_backs import Call, CallBacksFacts, ClosedRequest
from services.report.collect.history import OrderThen, orders_of
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.tables import CallBack, CallBackSample, WorkOrder


def collect(source: Source, month: Month) -> CallBacksFacts:
    """Requests as they stood at the month's end; calls as known at the cut-off, for they follow the work."""
    session, site = source.session, source.config.site.id
    closed = [one for one in orders_of(source, month) if _is_closed(one, month)]
    ids = {one.row.id for one in closed}
    drawn: dict[str, set[str]] = {}
    for order_id, level in session.execute(
        select(CallBackSample.work_order_id, CallBackSample.level).where(
            CallBackSample.site == site, CallBackSample.drawn_at <= month.now
        )
    ):
        drawn.setdefault(order_id, set()).add(level)
    brought = session.execute(
        select(WorkOrder.id, WorkOrder.number).where(WorkOrder.site == site, WorkOrder.origin == "rework")
    )
    numbers = {order_id: number for order_id, number in brought}  # noqa: C416 - dict() of a result asks for its columns
    calls = session.scalars(
        select(CallBack).where(CallBack.site == site, CallBack.at <= month.now).order_by(CallBack.at, CallBack.id)
    )
    return CallBacksFacts(
        closed=tuple(
            ClosedRequest(
                id=one.row.id,
                number=one.row.number,
                title=one.row.title,
                closed_at=one.rated_at or month.ends_at,
                drawn=frozenset(drawn.get(one.row.id, ())),
                arrived=one.state.responded_at is not None,
                verified=one.verified_at is not None,
            )
            for one in sorted(closed, key=lambda one: (one.rated_at or month.ends_at, one.row.id))
        ),
        calls=tuple(
            Call(
                order_id=one.work_order_id,
                level=one.level,
                at=one.at,
                satisfied=one.satisfied,
                answer=one.answer,
                rework=numbers.get(one.rework_id or "", ""),
            )
            for one in calls
            if one.work_order_id in ids
        ),
    )


def _is_closed(one: OrderThen, month: Month) -> bool:
    return one.row.origin == "request" and one.rated_at is not None and month.since_at <= one.rated_at < month.ends_at
