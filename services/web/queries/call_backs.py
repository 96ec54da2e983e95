"""Call-backs 回访 as lists: who is still to be asked by whom, and where the month stands."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.flows.call_backs import LOOKED_BACK
from services.people.roles import Actor, may
from services.web.queries.order_sheet import requester_of
from services.web.queries.places import Places
from services.work_order import call_backs, samples
from services.work_order.samples import LEVELS, Level, Progress
from services.work_order.tables import WorkOrder

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Due:
    """One call to make."""

    order: WorkOrder
    requester: str
    executors: str
    due_at: datetime | None
    """Service level: end of the working day after the work was finished (TIM-11)."""
    is_late: bool
    may_call: bool
    """Not one's own work (ROU-13), and one's role calls for this level."""


@dataclass(frozen=True, slots=True)
class Page:
    """One site's calls."""

    month: date
    figures: tuple[Progress, ...]
    waiting: dict[Level, list[Due]]


def page(s: Session, config: SiteConfig, places: Places, actor: Actor, now: datetime) -> Page:
    """Everything of one site."""
    zone = ZoneInfo(config.site.timezone)
    month = samples.month_of(now, zone)
    lists: dict[Level, list[Due]] = {}
    for level in LEVELS:
        rows = call_backs.waiting(s, config.site.id, level, now - LOOKED_BACK)
        lists[level] = [_due(config, places, actor, one, level, zone, now) for one in rows[:LONGEST]]
    return Page(month, call_backs.figures(s, config.site.id, month, zone), lists)


def _due(
    config: SiteConfig, places: Places, actor: Actor, order: WorkOrder, level: Level, zone: ZoneInfo, now: datetime
) -> Due:
    due_at = None
    if level == "service" and order.finished_at is not None:
        due_at = samples.due_at(order.finished_at, config.upkeep.calendar, zone)
    return Due(
        order=order,
        requester=requester_of(order, actor),
        executors="、".join(places.person(one) for one in order.executors),
        due_at=due_at,
        is_late=due_at is not None and due_at <= now,
        may_call=may(actor, f"call_back.{level}") and actor.username not in order.executors,
    )
