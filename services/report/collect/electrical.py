"""Insulation as it was measured, and how long cameras and doors could be reached."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import Point
from services.equipment.tables import Equipment
from services.maintenance.tables import Inspection
from services.report.chapters.availability import HOUR, availability
from services.report.chapters.electrical import ElectricalFacts, Insulation, Online
from services.report.collect.heard import first_heard, since_heard, slots
from services.report.collect.links import kind, person, place_of
from services.report.collect.source import Source
from services.report.collect.tasks import tasks
from services.report.collect.windows import by_point, windows
from services.report.model import Month

ELSEWHERE = frozenset({"water", "sewage", "fire_water", "fire_alarm", "fire_gear", "elevator"})
"""Classes with a chapter of their own."""
OWN = tuple(one for one, name in KINDS.items() if name.of not in ELSEWHERE)
RULE, DOCUMENTED = "NUM-02", 0.5
_MOST = 1000


def collect(source: Source, month: Month) -> ElectricalFacts:
    """Everything the chapter needs."""
    config, session = source.config, source.session
    rows = select(Equipment.kind).where(Equipment.site == config.site.id, Equipment.kind.in_(OWN))
    kinds = list(session.scalars(rows))
    online = [one for one in config.points if one.quantity == "online"]
    boxes = [one for one in config.points if one.quantity == "insulation"]
    declared = bool(kinds or online or boxes or any(one.kind in OWN for one in config.equipment))
    return ElectricalFacts(
        declared=declared,
        boxes=kinds.count("distribution_box"),
        measured=(*_typed_in(source, month, boxes), *_inspected(source, month)),
        online=tuple(_online(source, month, online)),
        tasks=tasks(source, month, OWN),
    )


def _typed_in(source: Source, month: Month, boxes: Iterable[Point]) -> Iterable[Insulation]:
    config = source.config
    for point in boxes:
        key = config.key(point.id)
        limit = next((one for one in config.limits_of(point.id) if one.id == RULE and one.threshold is not None), None)
        minimum = limit.threshold if limit is not None and limit.threshold is not None else DOCUMENTED
        thing = config.equipment_by_id.get(point.equipment or "")
        name = thing.name if thing is not None else point.name
        readings = [
            (one.at, one.value)
            for one in source.store.readings(key, month.since_at, month.ends_at, _MOST)
            if one.quality < 2
        ]
        if not readings:  # raw readings are dropped after a while, their hours are not
            readings = [(one.at, one.last) for one in source.store.range(key, month.since_at, month.ends_at, HOUR)]
        for at, value in readings:
            yield Insulation(f"{key}@{at.isoformat()}", name, value, minimum, at, "", "")


def _inspected(source: Source, month: Month) -> Iterable[Insulation]:
    query = (
        select(Inspection, Equipment)
        .join(Equipment, Equipment.id == Inspection.equipment_id)
        .where(
            Inspection.site == source.config.site.id,
            Inspection.at >= month.since_at,
            Inspection.at < month.ends_at,
            Inspection.received_at < month.now,
            Equipment.kind == "distribution_box",
        )
        .order_by(Inspection.at, Inspection.id)
    )
    for row, box in source.session.execute(query):
        for item in row.items:
            value = row.answers.get(str(item.get("id")))
            if item.get("requirement") == RULE and isinstance(value, int | float) and not isinstance(value, bool):
                yield Insulation(
                    f"{row.id}:{item['id']}", box.name, float(value), _minimum(item), row.at, row.instrument,
                    person(source.config, row.by),
                )  # fmt: skip


def _minimum(item: Mapping[str, Any]) -> float:
    minimum = item.get("minimum")
    return float(minimum) if isinstance(minimum, int | float) else DOCUMENTED


def _online(source: Source, month: Month, points: Iterable[Point]) -> Iterable[Online]:
    config = source.config
    worked_on = by_point(source, windows(source, month))
    known = [one for one in points if one.interval is not None]
    heard = first_heard(source, [config.key(one.id) for one in known])
    for point in known:
        key = config.key(point.id)
        if key not in heard:
            continue
        whole = since_heard(month, heard[key])
        interval, excused = point.interval or timedelta(), worked_on.get(key, ())
        found = availability(slots(source, month, key, interval, whole, excused), interval, excused)
        thing = config.equipment_by_id.get(point.equipment or "")
        yield Online(
            key, thing.name if thing else point.name, place_of(config, point), kind(thing.kind) if thing else "其他",
            found.due, found.online, found.excused,
        )  # fmt: skip
