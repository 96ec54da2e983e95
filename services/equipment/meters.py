"""Counters of equipment, e.g. run hours: every reading is kept."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.equipment.tables import Equipment, MeterReading
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing

_IN_ONE = 500


def note_meter(
    session: Session, row: Equipment, meter: str, value: float, at: datetime, *, unit: str = "", source: str = ""
) -> MeterReading | None:
    """Keep one reading; None when there is one of that moment already: delivered again it is the same."""
    session.flush()
    new = {
        "id": new_id(), "equipment_id": row.id, "meter": meter, "unit": unit, "value": value, "at": at,
        "source": source,
    }  # fmt: skip
    if not insert_missing(session, MeterReading, new, ("equipment_id", "meter", "at")):
        return None
    return session.get(MeterReading, new["id"])


def last_meters(session: Session, equipment_ids: Iterable[str]) -> dict[tuple[str, str], MeterReading]:
    """The newest reading of each counter, by (equipment, meter)."""
    ids = list(equipment_ids)
    found: dict[tuple[str, str], MeterReading] = {}
    for start in range(0, len(ids), _IN_ONE):
        newest = (
            select(MeterReading.equipment_id, MeterReading.meter, func.max(MeterReading.at).label("at"))
            .where(MeterReading.equipment_id.in_(ids[start : start + _IN_ONE]))
            .group_by(MeterReading.equipment_id, MeterReading.meter)
            .subquery()
        )
        query = select(MeterReading).join(
            newest,
            (MeterReading.equipment_id == newest.c.equipment_id)
            & (MeterReading.meter == newest.c.meter)
            & (MeterReading.at == newest.c.at),
        )
        found |= {(one.equipment_id, one.meter): one for one in session.scalars(query)}
    return found
