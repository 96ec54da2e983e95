"""What stood at a moment: histories replayed up to the end of a month, never today's columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.model import Accepted, OrderState, Reported, ReworkOrdered, Verified, apply
from services.work_order.store import events_of
from services.work_order.tables import WorkOrder, WorkOrderEvent

LOOK_BACK = timedelta(days=90)
"""Orders that ended before that and the month are not looked at."""


@dataclass(frozen=True, slots=True)
class OrderThen:
    """An order with its state when the month ended."""

    row: WorkOrder
    state: OrderState
    first_signal_at: datetime
    accepted_at: datetime | None = None
    verified_at: datetime | None = None
    sent_back: tuple[str, ...] = ()
    """Reasons of every return for rework known at the cut-off, later than the month's end too."""

    @property
    def cancelled(self) -> bool:
        """It was not needed any more."""
        return self.state.state == "cancelled"

    @property
    def rated_at(self) -> datetime | None:
        """Closed with a rating; a cancelled order is not."""
        return self.state.closed_at if self.state.state == "closed" else None


def orders_of(source: Source, month: Month) -> list[OrderThen]:
    """`orders_then` of a report's site, read once."""
    site = source.config.site.id
    return source.once(("orders", month), lambda: orders_then(source.session, site, month))


def orders_then(session: Session, site: str, month: Month) -> list[OrderThen]:
    """Orders known at the month's end and not over long before it, in the order of their ids."""
    wanted = (
        WorkOrder.site == site,
        WorkOrder.created_at < month.ends_at,
        or_(WorkOrder.closed_at.is_(None), WorkOrder.closed_at >= min(month.since_at, month.ends_at - LOOK_BACK)),
    )
    rows = list(session.scalars(select(WorkOrder).where(*wanted).order_by(WorkOrder.id)))
    events: dict[str, list[WorkOrderEvent]] = {}
    of_them = select(WorkOrderEvent).join(WorkOrder, WorkOrder.id == WorkOrderEvent.work_order_id).where(*wanted)
    for event in session.scalars(of_them.order_by(WorkOrderEvent.work_order_id, WorkOrderEvent.seq)):
        events.setdefault(event.work_order_id, []).append(event)
    return [order_then(row, events.get(row.id, ()), month) for row in rows]


def order_then(row: WorkOrder, history: Sequence[WorkOrderEvent], month: Month) -> OrderThen:
    """Replays what had happened when the month ended, of what was known at the cut-off."""
    state, first, accepted, verified = OrderState(), row.created_at, None, None
    sent_back: list[str] = []
    latest: datetime | None = None
    for line in history:
        if line.at > month.now:
            break
        [event] = events_of([line])
        if isinstance(event, ReworkOrdered):
            sent_back.append(event.reason)
        # A step is never before the one it follows, whatever its own time says.
        latest = max(latest or line.event_at, line.event_at)
        if latest >= month.ends_at:
            continue
        state = apply(state, event)
        match event:
            case Reported():
                first = line.event_at
            case Accepted():
                accepted = line.event_at
            case Verified():
                verified = line.event_at
            case ReworkOrdered():
                verified = None
    return OrderThen(row, state, first, accepted, verified, tuple(sent_back))


def area_name(config: SiteConfig, area: str) -> str:
    """片区 of an area: its building or garage, else itself; empty when the site files have it no more."""
    if area not in config.area_by_id:
        return ""
    return (config.building_of(area) or config.area(area)).name
