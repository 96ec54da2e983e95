"""Work orders as lists and one by one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from services.alert.tables import Alert
from services.equipment.tables import Equipment
from services.kernel.errors import Invalid, NotFound
from services.people.tables import User
from services.web.deps import Services
from services.web.queries.alerts import Clock, order_clocks
from services.web.queries.places import Places
from services.work_order.tables import WorkOrder, WorkOrderEvent

Filter = Literal["open", "mine", "overdue", "closed"]
FILTERS: tuple[Filter, ...] = ("open", "mine", "overdue", "closed")
LONGEST_LIST = 200
RECENT = timedelta(days=7)

STEPS = ("accepted", "dispatched", "in_progress", "verified", "closed")
"""受理→派工→实施→验收→评价, named by the state each leads to."""
_DONE_STEPS = {
    "reported": 0,
    "accepted": 1,
    "dispatched": 2,
    "in_progress": 2,
    "on_hold": 2,
    "submitted": 3,
    "verified": 4,
    "closed": 5,
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of the work-order list."""

    order: WorkOrder
    title: str
    place: str
    owner: str
    clocks: tuple[Clock, ...]
    severity: str

    @property
    def steps_done(self) -> int:
        """How many of the five steps are behind it."""
        return _DONE_STEPS.get(self.order.state, 0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an order can be dispatched to."""

    username: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order with its history, its alert, and who could carry it out."""

    row: OrderRow
    history: list[WorkOrderEvent]
    alert: Alert | None
    people: list[Person]
    names: dict[str, str] = field(default_factory=dict)


def counts(s: Session, username: str, now: datetime) -> dict[str, int]:
    """How many orders each filter has."""
    found: dict[str, int] = {}
    for name in FILTERS:
        found[name] = s.scalar(select(func.count()).select_from(WorkOrder).where(*_where(name, username, now))) or 0
    return found


def rows(s: Session, svc: Services, which: Filter, username: str, now: datetime, language: str) -> list[OrderRow]:
    """The orders of a filter: the nearest deadline first, closed ones newest first."""
    query = select(WorkOrder, Alert).outerjoin(Alert, Alert.id == WorkOrder.alert_id)
    query = query.where(*_where(which, username, now))
    if which == "closed":
        query = query.order_by(WorkOrder.closed_at.desc(), WorkOrder.id.desc()).limit(LONGEST_LIST)
    found = [_row(svc, order, alert, language) for order, alert in s.execute(query)]
    if which != "closed":
        found.sort(key=lambda row: (min((clock.due_at for clock in row.clocks), default=now + RECENT), row.order.id))
    return found[:LONGEST_LIST]


def one(s: Session, svc: Services, order_id: str, language: str) -> OrderPage:
    """One order; raises NotFound."""
    order = s.get(WorkOrder, order_id)
    if order is None:
        raise NotFound(f"There is no work order {order_id}", hint="Open it from the list", work_order=order_id)
    alert = s.get(Alert, order.alert_id) if order.alert_id else None
    history = list(
        s.scalars(select(WorkOrderEvent).where(WorkOrderEvent.work_order_id == order_id).order_by(WorkOrderEvent.seq))
    )
    places = Places(svc.configs, language)
    wanted = (
        select(User).where(User.active, User.role.in_(("engineer", "supervisor"))).order_by(User.role, User.username)
    )
    people = [
        Person(user.username, places.person(user.username) or user.display_name, user.role)
        for user in s.scalars(wanted)
    ]
    names = {event.actor: places.person(event.actor) for event in history}
    names |= {user: places.person(user) for event in history if (user := str(event.data.get("assignee") or ""))}
    return OrderPage(_row(svc, order, alert, language), history, alert, people, names)


def equipment_choices(s: Session, site: str) -> list[Equipment]:
    """What a repair can be reported for: entries in use or not, but not scrapped."""
    query = select(Equipment).where(Equipment.site == site, Equipment.status != "scrapped", Equipment.declared)
    return list(s.scalars(query.order_by(Equipment.name, Equipment.eid)))


def equipment_named(s: Session, site: str, text: str) -> str:
    """The id of the entry that somebody chose, by its short id (before a space, as listed), code or name.

    Raises Invalid when it is none, or more than one.
    """
    word = text.split()[0]
    wanted = or_(Equipment.eid == word, Equipment.id == word, Equipment.code == text, Equipment.name == text)
    found = list(s.scalars(select(Equipment.id).where(Equipment.site == site, wanted).limit(2)))
    if len(found) != 1:
        raise Invalid(
            f"The ledger has {'no' if not found else 'more than one'} entry {text!r}",
            hint="Choose it from the list, or leave it empty and write the place",
            field="equipment",
        )
    return found[0]


def _row(svc: Services, order: WorkOrder, alert: Alert | None, language: str) -> OrderRow:
    places = Places(svc.configs, language)
    title = alert.title_en if alert is not None and language == "en" and alert.title_en else order.title
    severity = alert.max_severity if alert is not None else "low"
    place = places.of(alert.target, alert.detail.get("area")).path if alert is not None else order.place
    return OrderRow(order, title, place, places.person(order.assignee), tuple(order_clocks(order)), severity)


def _where(which: Filter, username: str, now: datetime) -> list[ColumnElement[bool]]:
    is_open = WorkOrder.closed_at.is_(None)
    if which == "mine":
        return [is_open, WorkOrder.assignee == username]
    if which == "overdue":
        late = or_(
            (WorkOrder.responded_at.is_(None)) & (WorkOrder.respond_due_at <= now),
            (WorkOrder.finished_at.is_(None)) & (WorkOrder.finish_due_at <= now),
        )
        return [is_open, late]
    if which == "closed":
        return [WorkOrder.closed_at > now - RECENT]
    return [is_open]
