"""Lifts with their papers, the contractor's work, their calls and hours out of service."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from services.alert.tables import Alert
from services.equipment.tables import Certificate
from services.report.chapters.elevator import Call, ElevatorFacts, Lift
from services.report.collect.links import chunks
from services.report.collect.source import Source
from services.report.collect.standing import Standing, standings
from services.report.collect.tasks import tasks
from services.report.model import Month
from services.report.spans import Span
from services.work_order.tables import WorkOrder

KIND = "elevator"
TRAPPED, FAULT = "entrapment", "elevator"
_OUT = frozenset({"stopped", "repair"})


def collect(source: Source, month: Month) -> ElevatorFacts:
    """Everything the chapter needs."""
    live = [one for one in standings(source, month) if one.row.kind == KIND and one.live]
    if not live:
        return ElevatorFacts()
    due = tasks(source, month, [KIND])
    papers = _papers(source, month)
    calls = _calls(source, month, [one.row.id for one in live])
    lifts = [
        Lift(
            one.row.id, one.row.name, papers.get(one.row.id),
            tuple(task for task in due if task.equipment_id == one.row.id),
            tuple(call for lift, call in calls if lift == one.row.id), stopped(one, month),
        )
        for one in live
    ]  # fmt: skip
    unnamed = tuple(call for lift, call in calls if not lift)
    if unnamed:
        lifts.append(Lift("", "未指明电梯", None, calls=unnamed))
    last = (month.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(month.timezone)).date()
    return ElevatorFacts(tuple(lifts), last, _watched(source, month))


def _watched(source: Source, month: Month) -> bool:
    query = select(WorkOrder.id).where(WorkOrder.site == source.config.site.id, WorkOrder.created_at < month.ends_at)
    return source.session.scalar(query.limit(1)) is not None


def _papers(source: Source, month: Month) -> dict[str, date]:
    query = select(Certificate).where(
        Certificate.site == source.config.site.id,
        Certificate.kind == "elevator_inspection",
        Certificate.equipment_id.is_not(None),
        Certificate.created_at < month.now,
    )
    found: dict[str, date] = {}
    for one in source.session.scalars(query.order_by(Certificate.expires_on, Certificate.id)):
        found[one.equipment_id or ""] = one.expires_on
    return found


def _calls(source: Source, month: Month, lifts: Sequence[str]) -> list[tuple[str, Call]]:
    """(lift, call) of the month; the lift is empty where the order names none of these."""
    query = select(WorkOrder).where(
        WorkOrder.site == source.config.site.id,
        WorkOrder.created_at >= month.since_at,
        WorkOrder.created_at < month.ends_at,
        WorkOrder.state != "cancelled",
        or_(WorkOrder.category.in_((TRAPPED, FAULT)), WorkOrder.equipment_id.in_(list(lifts))),
    )
    rows = [
        one for one in source.session.scalars(query.order_by(WorkOrder.created_at, WorkOrder.id))
        if one.category in (TRAPPED, FAULT) or one.origin in ("alert", "request")
    ]  # fmt: skip
    signals = _first_signals(source, [one.alert_id for one in rows if one.alert_id])
    return [
        (
            (one.equipment_id or "") if one.equipment_id in lifts else "",
            Call(
                one.id, one.number, one.category == TRAPPED, signals.get(one.alert_id or "", one.created_at),
                one.responded_at,
            ),
        )
        for one in rows
    ]  # fmt: skip


def _first_signals(source: Source, alerts: Sequence[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for some in chunks(alerts):
        rows = source.session.execute(select(Alert.id, Alert.opened_at).where(Alert.id.in_(some)))
        found.update((row[0], row[1]) for row in rows)
    return found


def stopped(one: Standing, month: Month) -> timedelta:
    """How long it was 停用 or 维修 within the month."""
    ends = [turn.at for turn in one.turns[1:]] + [month.ends_at]
    whole = Span(month.since_at, month.ends_at)
    spans = (Span(turn.at, end) for turn, end in zip(one.turns, ends, strict=True) if turn.state in _OUT)
    return sum((span.within(whole).lasted for span in spans), timedelta())
