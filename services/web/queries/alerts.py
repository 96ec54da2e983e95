"""The list of what is wrong, and one alert with everything about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.timeseries.store import Reading
from services.alert.model import ShownState, needs_second_person, rank
from services.alert.store import SYSTEM, duration, shown, state_of
from services.alert.tables import Alert, AlertEvent
from services.flows import ladder
from services.flows.patrol.emergency import DURESS_RULE
from services.kernel.errors import NotFound
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.people.roles import Actor, Role
from services.web.deps import Services
from services.web.queries.due import Due
from services.web.queries.places import Place, Places
from services.web.queries.points import newest
from services.work_order.tables import WorkOrder

Tab = Literal["open", "shelved", "closed"]
TABS: tuple[Tab, ...] = ("open", "shelved", "closed")
HIDDEN_STATES: tuple[ShownState, ...] = ("shelved", "suppressed", "out_of_service")
RECENT = timedelta(hours=24)
LONGEST_LIST = 200


@dataclass(frozen=True, slots=True)
class Clock(Due):
    """A deadline of an alert or its order."""

    kind: Literal["acknowledge", "respond", "finish"]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who will be told next, and when."""

    at: datetime
    role: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One line of the duty console."""

    alert: Alert
    state: ShownState
    title: str
    place: Place
    order: WorkOrder | None
    owner: str
    clocks: tuple[Clock, ...]
    escalation: Escalation | None
    current: Reading | None
    needs_second_person: bool

    @property
    def unacknowledged(self) -> bool:
        """Somebody has to look."""
        return self.state in ("active_unack", "rtn_unack")

    @property
    def next_clocks(self) -> tuple[Clock, ...]:
        """What a line has room for: the acknowledgement, and the work order's next deadline."""
        return (
            tuple(one for one in self.clocks if one.kind == "acknowledge")
            + tuple(one for one in self.clocks if one.kind != "acknowledge")[:1]
        )

    @property
    def severity(self) -> str:
        """The worst since it was last acknowledged."""
        return self.alert.max_severity


@dataclass(frozen=True, slots=True)
class Told:
    """A line of «who was told»."""

    message: Message
    recipient: str


@dataclass(frozen=True, slots=True)
class Telling:
    """One step of telling people: who heard, and who did not and why."""

    first: Message
    heard: list[Told]
    held_back: list[Told]

    @property
    def at(self) -> datetime:
        """When it was decided."""
        return self.first.created_at

    @property
    def kind(self) -> str:
        """What people were told of."""
        return self.first.kind


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert with its history, its work orders and who was told."""

    row: AlertRow
    history: list[AlertEvent]
    orders: list[WorkOrder]
    told: list[Told]
    tellings: list[Telling]
    names: dict[str, str] = field(default_factory=dict)


def counts(s: Session, now: datetime) -> dict[str, int]:
    """How many alerts each tab has, and how many of the open ones nobody has acknowledged."""
    open_states = [shown(alert, now) for alert in s.scalars(select(Alert).where(Alert.closed_at.is_(None)))]
    closed = s.scalar(select(func.count()).select_from(Alert).where(Alert.closed_at > now - RECENT)) or 0
    hidden = sum(state in HIDDEN_STATES for state in open_states)
    unseen = sum(state in ("active_unack", "rtn_unack") for state in open_states)
    return {"open": len(open_states) - hidden, "shelved": hidden, "closed": closed, "unacknowledged": unseen}


def rows(s: Session, svc: Services, tab: Tab, now: datetime, actor: Actor) -> list[AlertRow]:
    """One tab's lines as somebody may see them: unacknowledged first, then the worst, then the newest."""
    found = _tab(s, svc, tab, now, actor.language)
    # Beside a guard somebody may be standing who must not read that he gave the duress code.
    return [row for row in found if actor.role != Role.GUARD or row.alert.rule != DURESS_RULE]


def _tab(s: Session, svc: Services, tab: Tab, now: datetime, language: str) -> list[AlertRow]:
    if tab == "closed":
        query = select(Alert).where(Alert.closed_at > now - RECENT)
        alerts = list(s.scalars(query.order_by(Alert.closed_at.desc(), Alert.id.desc()).limit(LONGEST_LIST)))
        return _rows(s, svc, alerts, now, language)
    alerts = list(s.scalars(select(Alert).where(Alert.closed_at.is_(None))))
    wanted = [alert for alert in alerts if (shown(alert, now) in HIDDEN_STATES) == (tab == "shelved")]
    found = _rows(s, svc, wanted, now, language)
    found.sort(
        key=lambda row: (
            not row.unacknowledged,
            -rank(row.severity),
            -row.alert.last_active_at.timestamp(),
            row.alert.id,
        )
    )
    return found[:LONGEST_LIST]


def one(s: Session, svc: Services, alert_id: str, now: datetime, language: str) -> AlertPage:
    """One alert; raises NotFound."""
    alert = s.get(Alert, alert_id)
    if alert is None:
        raise NotFound(f"There is no alert {alert_id}", hint="Open it from the list", alert=alert_id)
    places = Places(svc.configs, language)
    history = list(s.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.seq)))
    orders = list(s.scalars(select(WorkOrder).where(WorkOrder.alert_id == alert_id).order_by(WorkOrder.id.desc())))
    subjects = [alert_id, *(order.id for order in orders)]
    messages = s.scalars(select(Message).where(Message.subject_id.in_(subjects)).order_by(Message.id).limit(500))
    told = [Told(message, places.person(message.recipient)) for message in messages]
    people = {event.actor for event in history} | {event.data.get("second_actor", SYSTEM) for event in history}
    names = {one: places.person(one) for one in people - {SYSTEM}}
    return AlertPage(_rows(s, svc, [alert], now, language)[0], history, orders, told, tellings(told), names)


def of_point(s: Session, target: str, since: datetime) -> list[Alert]:
    """Alerts of a target that were open at some time since, oldest first."""
    ended_before = (Alert.closed_at.is_not(None)) & (Alert.closed_at < since)
    return list(s.scalars(select(Alert).where(Alert.target == target, ~ended_before).order_by(Alert.opened_at)))


def tellings(told: Sequence[Told]) -> list[Telling]:
    """Messages by the step that caused them, newest first; the group's own message is not a person."""
    found: dict[tuple[datetime, str, str], Telling] = {}
    for one in told:
        message = one.message
        step = found.setdefault(
            (message.created_at, message.kind, message.subject_id),
            Telling(message, [], []),
        )
        (step.held_back if message.decision == "skip" else step.heard).append(one)
    return sorted(found.values(), key=lambda step: step.at, reverse=True)


def _rows(s: Session, svc: Services, alerts: Sequence[Alert], now: datetime, language: str) -> list[AlertRow]:
    places = Places(svc.configs, language)
    ids = [alert.id for alert in alerts]
    orders = {}
    for held in s.scalars(select(WorkOrder).where(WorkOrder.alert_id.in_(ids)).order_by(WorkOrder.id)):
        orders[held.alert_id or ""] = held
    escalations = _escalations(s, alerts)
    current = newest(svc, [alert.target for alert in alerts if alert.closed_at is None])
    found = []
    for alert in alerts:
        order = orders.get(alert.id)
        state = shown(alert, now)
        found.append(
            AlertRow(
                alert=alert,
                state=state,
                title=alert.title_en if language == "en" and alert.title_en else alert.title,
                place=places.of(alert.target, alert.detail.get("area")),
                order=order,
                owner=places.person(order.assignee) if order is not None and order.assignee else "",
                clocks=tuple(_clocks(alert, state, order)),
                escalation=escalations.get(alert.id),
                current=current.get(alert.target),
                needs_second_person=needs_second_person(state_of(alert)),
            )
        )
    return found


def _clocks(alert: Alert, state: ShownState, order: WorkOrder | None) -> Iterable[Clock]:
    if state == "active_unack" and alert.announced_at is not None and "ack_within" in alert.policy:
        within = duration(alert.policy, "ack_within", timedelta())
        yield Clock(alert.announced_at, alert.announced_at + within, "acknowledge")
    if order is not None:
        yield from order_clocks(order)


def order_clocks(order: WorkOrder) -> Iterable[Clock]:
    """The clocks of a work order that still run."""
    if order.closed_at is not None:
        return
    if order.responded_at is None and order.respond_due_at is not None:
        yield Clock(order.created_at, order.respond_due_at, "respond")
    if order.finished_at is None and order.finish_due_at is not None:
        yield Clock(order.created_at, order.finish_due_at, "finish")


def _escalations(s: Session, alerts: Sequence[Alert]) -> dict[str, Escalation]:
    """The next step of each alert's ladder; its timer names the occurrence and the rung."""
    by_id = {alert.id: alert for alert in alerts if alert.closed_at is None}
    query = select(Timer).where(Timer.ref.in_(by_id), Timer.done_at.is_(None), Timer.kind == ladder.ESCALATE_TIMER)
    found: dict[str, Escalation] = {}
    for timer in s.scalars(query.order_by(Timer.due_at)):
        alert = by_id[timer.ref]
        rungs, rung = ladder.escalation(alert), ladder.step_of(timer)
        if ladder.occurrence_of(timer) > alert.acked_occurrence and rung < len(rungs):
            found.setdefault(timer.ref, Escalation(timer.due_at, rungs[rung][1]))
    return found
