"""Emergencies that began in a month: fires, cries for help, urgent orders; when people were told and were there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from services.alert.tables import Alert
from services.fire import names
from services.fire.tables import FireCall, FireIncident
from services.notify.tables import Message
from services.patrol.tables import Incident
from services.report.chapters.incidents import Event, IncidentFacts, Moment
from services.report.collect.links import area, chunks, person
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.categories import name_of
from services.work_order.tables import WorkOrder, WorkOrderEvent

URGENT = ("entrapment", "burst_pipe")
"""Fault classes that are an emergency whatever their priority."""
HELP = {"sos": "紧急求助", "duress": "紧急求助", "man_down": "人员倒地"}
"""Duress is not told from another cry for help: a report hangs on walls."""
STEPS = {
    "reported": "登记", "accepted": "受理", "dispatched": "派单", "reassigned": "改派", "started": "到场开工",
    "put_on_hold": "挂起",
    "resumed": "恢复", "submitted": "完工待验收", "verified": "验收", "rework_ordered": "返工",
    "rated": "评价", "cancelled": "取消",
}  # fmt: skip


def collect(source: Source, month: Month) -> IncidentFacts:
    """Everything the chapter needs."""
    fires, helps = _fires(source, month), _helps(source, month)
    taken = {*(one.alert_id for one in fires), *(one.alert_id for one in helps)} - {None}
    orders = [one for one in _orders(source, month) if one.alert_id not in taken]
    meant = taken | {one.alert_id for one in orders}
    alerts = _alerts(source, sorted(one for one in meant if one))
    told = _told(source, [*alerts, *(one.id for one in fires), *(one.id for one in orders)])
    events = (
        *_fire_events(source, fires, told, month),
        *(_help_event(source, one, alerts, told) for one in helps),
        *(_order_event(one, alerts, told) for one in orders),
    )
    urgent = [one for one in orders if one.priority == "P1"]
    return IncidentFacts(watched=_watched(source, month), events=events, timeline=tuple(_timeline(source, urgent)))


def _watched(source: Source, month: Month) -> bool:
    query = select(Alert.id).where(Alert.site == source.config.site.id, Alert.opened_at < month.ends_at).limit(1)
    orders = select(WorkOrder.id).where(WorkOrder.site == source.config.site.id, WorkOrder.created_at < month.ends_at)
    return source.session.scalar(query) is not None or source.session.scalar(orders.limit(1)) is not None


def _fires(source: Source, month: Month) -> list[FireIncident]:
    query = select(FireIncident).where(
        FireIncident.site == source.config.site.id,
        FireIncident.opened_at >= month.since_at,
        FireIncident.opened_at < month.ends_at,
        FireIncident.verdict != "test",
    )
    return list(source.session.scalars(query.order_by(FireIncident.opened_at, FireIncident.id)))


def _helps(source: Source, month: Month) -> list[Incident]:
    query = select(Incident).where(
        Incident.site == source.config.site.id,
        Incident.kind.in_(sorted(HELP)),
        Incident.at >= month.since_at,
        Incident.at < month.ends_at,
    )
    return list(source.session.scalars(query.order_by(Incident.at, Incident.id)))


def _orders(source: Source, month: Month) -> list[WorkOrder]:
    query = select(WorkOrder).where(
        WorkOrder.site == source.config.site.id,
        WorkOrder.created_at >= month.since_at,
        WorkOrder.created_at < month.ends_at,
        WorkOrder.state != "cancelled",
        or_(WorkOrder.priority == "P1", WorkOrder.category.in_(URGENT)),
    )
    return list(source.session.scalars(query.order_by(WorkOrder.created_at, WorkOrder.id)))


def _alerts(source: Source, ids: Sequence[str]) -> dict[str, Alert]:
    found: dict[str, Alert] = {}
    for some in chunks(ids):
        found.update({one.id: one for one in source.session.scalars(select(Alert).where(Alert.id.in_(some)))})
    return found


def _told(source: Source, subjects: Sequence[str]) -> dict[str, datetime]:
    """When the first message about each was delivered."""
    found: dict[str, datetime] = {}
    for some in chunks(subjects):
        query = select(Message.subject_id, func.min(Message.sent_at)).where(
            Message.subject_id.in_(some), Message.sent_at.is_not(None)
        )
        found.update(_moments(source, query.group_by(Message.subject_id)))
    return found


def _moments(source: Source, query: Select[str, datetime | None]) -> Iterator[tuple[str, datetime]]:
    for name, at in source.session.execute(query):
        if at is not None:
            yield name, at


def _fire_events(
    source: Source, rows: Sequence[FireIncident], told: Mapping[str, datetime], month: Month
) -> Iterable[Event]:
    arrived: dict[str, datetime] = {}
    for some in chunks(one.id for one in rows):
        query = select(FireCall.incident_id, func.min(FireCall.arrived_at)).where(
            FireCall.incident_id.in_(some), FireCall.arrived_at.is_not(None)
        )
        arrived.update(_moments(source, query.group_by(FireCall.incident_id)))
    words = {"real": "火警（真实）", "false": "火警（误报）"}
    for one in rows:
        closed = one.closed_at if one.closed_at is not None and one.closed_at < month.now else None
        yield Event(
            one.id, "fire_incident", words.get(one.verdict if closed else "", "火警（待定）"), one.number,
            names.building(source.config, one.building)[0], one.opened_at,
            told.get(one.alert_id or "") or told.get(one.id), arrived.get(one.id), closed,
        )  # fmt: skip


def _help_event(source: Source, one: Incident, alerts: Mapping[str, Alert], told: Mapping[str, datetime]) -> Event:
    alert = alerts.get(one.alert_id or "")
    point = source.config.patrol.checkpoint(one.checkpoint or "")
    place = f"{area(source.config, point.area)} {point.name}" if point is not None else ""
    return Event(
        one.id, "patrol_incident", HELP[one.kind], "", place, one.at, told.get(one.alert_id or ""), None,
        alert.closed_at if alert is not None else None,
    )  # fmt: skip


def _order_event(one: WorkOrder, alerts: Mapping[str, Alert], told: Mapping[str, datetime]) -> Event:
    alert = alerts.get(one.alert_id or "")
    first = [at for at in (told.get(one.alert_id or ""), told.get(one.id)) if at is not None]
    began = min(alert.opened_at, one.created_at) if alert is not None else one.created_at
    return Event(
        one.id, "work_order", name_of(one.category) or one.title, one.number, one.place or one.equipment, began,
        min(first, default=None), one.responded_at, one.finished_at or one.closed_at, one.review,
    )  # fmt: skip


def _timeline(source: Source, orders: Sequence[WorkOrder]) -> Iterable[Moment]:
    numbers = {one.id: one.number for one in orders}
    lines = []
    for some in chunks(numbers):
        query = select(WorkOrderEvent).where(WorkOrderEvent.work_order_id.in_(some))
        for one in source.session.scalars(query.order_by(WorkOrderEvent.work_order_id, WorkOrderEvent.seq)):
            who = person(source.config, one.actor)
            line = Moment(numbers[one.work_order_id], one.event_at, STEPS.get(one.kind, one.kind), who)
            lines.append((line.event, one.seq, line))
    return (line for _, _, line in sorted(lines, key=lambda each: each[:2]))
