"""What forms B.1, C.1 and A.1 are filled from: faults with their repairs, items of fire patrols, handovers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from gateway.site.patrol import Checkpoint, Question
from services.alert.tables import Alert
from services.equipment.tables import Equipment
from services.fire import names
from services.flows.fire.trouble import FAULT_RULE
from services.maintenance.tables import Inspection
from services.patrol.tables import Handover, TapRow
from services.report.chapters.fire_records import Item, Outage, Repair, Shift
from services.report.collect.links import alerts_of_month, area, chunks, orders_of_alerts, person
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.tables import WorkOrder, WorkOrderEvent

FIRE_LABELS = frozenset({"fire"})
_FOUND_BY = {"alert": "系统自动报警", "inspection": "设备检查", "request": "报修", "rework": "返修"}


def repairs(source: Source, month: Month, outages: Sequence[Outage], kinds: Sequence[str]) -> tuple[Repair, ...]:
    """Faults of the month, each with the order it brought and the outage it meant: what panels reported, and what
    people found at equipment of these kinds.
    """
    session, config = source.session, source.config
    alerts = [one for one in alerts_of_month(session, config, month, FAULT_RULE) if one.opened_at >= month.since_at]
    orders = orders_of_alerts(session, [one.id for one in alerts])
    reported = {one.id for one in orders.values()}
    found = [one for one in _found(source, month, kinds) if one[0].id not in reported]
    said = _said(source, [*reported, *(one.id for one, _ in found)])
    lines = [_repair(source, one, orders.get(one.id), said, outages) for one in alerts]
    lines += (_by_hand(source, order, thing, said) for order, thing in found)
    return tuple(sorted(lines, key=lambda one: (one.found_at, one.id)))


def _found(source: Source, month: Month, kinds: Sequence[str]) -> Iterable[tuple[WorkOrder, str]]:
    """Orders of the month for equipment of these kinds, with what it is called."""
    query = (
        select(WorkOrder, Equipment.name)
        .join(Equipment, Equipment.id == WorkOrder.equipment_id)
        .where(
            WorkOrder.site == source.config.site.id, WorkOrder.created_at >= month.since_at,
            WorkOrder.created_at < month.ends_at, WorkOrder.state != "cancelled", Equipment.kind.in_(sorted(kinds)),
        )
        .order_by(WorkOrder.created_at, WorkOrder.id)
    )  # fmt: skip
    return ((order, thing) for order, thing in source.session.execute(query))


def _by_hand(source: Source, order: WorkOrder, thing: str, said: Mapping[tuple[str, str], str]) -> Repair:
    return Repair(
        id=order.id, found_at=order.created_at, found_by=_FOUND_BY.get(order.origin, ""), place=thing,
        words=order.title, stopped=None, filed=None, measures="", order=order.number, **_mended(source, order, said),
    )  # fmt: skip


def _mended(source: Source, order: WorkOrder | None, said: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    if order is None:
        return {"repaired_by": "", "method": "", "confirmed_by": ""}
    people = order.executors if order.finished_at is not None else []
    return {
        "repaired_at": order.finished_at,
        "repaired_by": "、".join(person(source.config, one) for one in people),
        "method": said.get((order.id, "submitted"), ""),
        "confirmed_by": person(source.config, said.get((order.id, "verified"))),
    }


def _repair(
    source: Source,
    alert: Alert,
    order: WorkOrder | None,
    said: Mapping[tuple[str, str], str],
    outages: Sequence[Outage],
) -> Repair:
    single = alert.target.count("/") == 2
    place = names.component(source.config, alert.target)[0] if single else alert.title
    own = next((one for one in outages if one.component == alert.target), None)
    repaired = {"repaired_at": alert.cleared_at} | _mended(source, order, said)
    return Repair(
        id=alert.id, found_at=alert.opened_at, found_by="系统自动报警", place=place, words=alert.title,
        stopped=own is not None and own.kind == "stop", filed=own.filed if own else None,
        measures=own.measures if own else "", order=order.number if order else "", **repaired,
    )  # fmt: skip


def _said(source: Source, orders: Sequence[str]) -> dict[tuple[str, str], str]:
    """(order, submitted) → what was done; (order, verified) → who accepted it."""
    found: dict[tuple[str, str], str] = {}
    for some in chunks(orders):
        query = select(WorkOrderEvent).where(
            WorkOrderEvent.work_order_id.in_(some), WorkOrderEvent.kind.in_(("submitted", "verified"))
        )
        for one in source.session.scalars(query.order_by(WorkOrderEvent.work_order_id, WorkOrderEvent.seq)):
            words = one.actor if one.kind == "verified" else str(one.data.get("note", ""))
            found[one.work_order_id, one.kind] = words
    return found


def items(source: Source, month: Month, kinds: Sequence[str]) -> tuple[Item, ...]:
    """Answers of fire patrols, question by question, then those of inspections of fire equipment."""
    return (*_patrolled(source, month), *_inspected(source, month, kinds))


def _fire_points(source: Source) -> dict[str, Checkpoint]:
    """Checkpoints of routes that are fire patrols, and those labelled so."""
    patrol = source.config.patrol
    on_route = {stop.checkpoint for route in patrol.routes if route.kind == "fire" for stop in route.stops}
    return {one.id: one for one in patrol.checkpoints if one.id in on_route or FIRE_LABELS & set(one.labels)}


def _patrolled(source: Source, month: Month) -> Iterable[Item]:
    points = _fire_points(source)
    if not points:
        return
    config = source.config
    counts: dict[tuple[str, str], list[tuple[bool, str]]] = {}
    query = select(TapRow.checkpoint, TapRow.answers, TapRow.findings, TapRow.note).where(
        TapRow.site == config.site.id, TapRow.at >= month.since_at, TapRow.at < month.ends_at,
        TapRow.checkpoint.in_(sorted(points)),
    )  # fmt: skip
    for checkpoint, answers, findings, note in source.session.execute(query.order_by(TapRow.at, TapRow.id)):
        for question, answer in answers.items():
            bad = question in findings
            said = note or _words(answer) if bad else ""
            counts.setdefault((checkpoint or "", question), []).append((not bad, said))
    for place in points.values():
        for question in place.questions:
            own = counts.get((place.id, question.id))
            if own:
                yield _item(source, place, question, own)


def _item(source: Source, place: Checkpoint, question: Question, own: Sequence[tuple[bool, str]]) -> Item:
    faults = tuple(dict.fromkeys(said for good, said in own if not good))
    return Item(
        item=place.name, content=question.text, place=area(source.config, place.area), checks=len(own),
        good=sum(good for good, _ in own), faults=faults, orders=(),
    )  # fmt: skip


def _inspected(source: Source, month: Month, kinds: Sequence[str]) -> Iterable[Item]:
    config = source.config
    query = (
        select(Inspection.checklist, Inspection.items, Inspection.answers, Inspection.findings, Inspection.note,
               Inspection.order_ids, Equipment.name)
        .join(Equipment, Equipment.id == Inspection.equipment_id)
        .where(
            Inspection.site == config.site.id, Inspection.at >= month.since_at, Inspection.at < month.ends_at,
            Inspection.received_at < month.now, Equipment.kind.in_(sorted(kinds)),
        )
        .order_by(Inspection.at, Inspection.id)
    )  # fmt: skip
    checks: dict[tuple[str, str], list[tuple[bool, str]]] = {}
    texts: dict[tuple[str, str], str] = {}
    orders: dict[tuple[str, str], list[str]] = {}
    rows = source.session.execute(query).all()
    numbers = _numbers(source, [one for row in rows for one in row.order_ids])
    for row in rows:
        thing = row.name
        known = config.upkeep.checklist_by_id.get(row.checklist)
        for item in row.items:
            key = (known.name if known else row.checklist, str(item["id"]))
            if not _answered(row.answers, key[1]):
                continue
            bad = key[1] in row.findings
            texts[key] = str(item.get("text", key[1]))
            checks.setdefault(key, []).append(
                (not bad, f"{thing}：{row.note or _words(row.answers[key[1]])}" if bad else "")
            )
            if bad:
                orders.setdefault(key, []).extend(numbers.get(one, one) for one in row.order_ids)
    for key, own in checks.items():
        yield Item(
            item=key[0], content=texts[key], place="全部受检设备", checks=len(own), good=sum(good for good, _ in own),
            faults=tuple(dict.fromkeys(said for good, said in own if not good)),
            orders=tuple(dict.fromkeys(orders.get(key, ()))),
        )  # fmt: skip


def _words(answer: object) -> str:
    return "不合格" if isinstance(answer, bool) else str(answer)


def _answered(answers: Mapping[str, Any], item: str) -> bool:
    return answers.get(item) not in (None, "")


def _numbers(source: Source, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(dict.fromkeys(ids)):
        rows = source.session.execute(select(WorkOrder.id, WorkOrder.number).where(WorkOrder.id.in_(some)))
        found.update((row[0], row[1]) for row in rows)
    return found


def shifts(source: Source, month: Month) -> tuple[Shift, ...]:
    """Handovers of the month."""
    config, zone = source.config, ZoneInfo(month.timezone)
    query = select(Handover).where(
        Handover.site == config.site.id, Handover.at >= month.since_at, Handover.at < month.ends_at
    )
    called = {one.id: one.name for one in config.patrol.shifts}
    found = []
    for row in source.session.scalars(query.order_by(Handover.at, Handover.id)):
        shift, _, day = row.shift.partition("@")
        on = date.fromisoformat(day) if day else row.at.astimezone(zone).date()
        found.append(
            Shift(on, called.get(shift, shift), person(config, row.given_by), person(config, row.taken_by), row.hazards,
                  row.note)
        )  # fmt: skip
    return tuple(found)
