"""Stretches in which a device was not there, as rows: one at a time, and one more while it flaps."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.device.tables import DeviceSilence
from services.kernel.ids import new_id

FLAPPING = "flapping"


def begin(session: Session, device: str, kind: str, started_at: datetime, *, excused: bool) -> str:
    """Write down that a stretch began; returns its id."""
    row = DeviceSilence(id=new_id(), device=device, kind=kind, started_at=started_at, excused=excused)
    session.add(row)
    session.flush()
    return row.id


def end(session: Session, silence_id: str, ended_at: datetime) -> None:
    """Write down that a stretch is over; it never ends before it began."""
    row = session.get(DeviceSilence, silence_id)
    if row is not None and row.ended_at is None:
        row.ended_at = max(ended_at, row.started_at)
        session.flush()


def lately(session: Session, since: datetime) -> list[DeviceSilence]:
    """What is open, or ended or began after `since`, oldest first."""
    query = select(DeviceSilence).where(
        or_(DeviceSilence.ended_at.is_(None), DeviceSilence.ended_at >= since, DeviceSilence.started_at >= since)
    )
    return list(session.scalars(query.order_by(DeviceSilence.started_at, DeviceSilence.id)))


def between(session: Session, devices: Iterable[str], start: datetime, end_: datetime) -> list[DeviceSilence]:
    """Stretches of these devices that touch a span of time, oldest first."""
    query = select(DeviceSilence).where(
        DeviceSilence.device.in_(list(devices)),
        DeviceSilence.started_at < end_,
        or_(DeviceSilence.ended_at.is_(None), DeviceSilence.ended_at > start),
    )
    return list(session.scalars(query.order_by(DeviceSilence.started_at, DeviceSilence.id)))
