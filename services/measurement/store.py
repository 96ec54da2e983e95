"""Typed readings as rows: what is asked of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from services.measurement.tables import TypedDelivery, TypedReading

STANDS_FOR = timedelta(days=800)
"""A spot that nobody measured for so long says nothing of the point any more."""


def by_client_id(session: Session, client_id: str) -> TypedReading | None:
    """The reading that somebody's id names."""
    return session.scalar(select(TypedReading).where(TypedReading.client_id == client_id))


def of_point(session: Session, site: str, point: str, since: datetime, most: int) -> Sequence[TypedReading]:
    """Readings of a point measured since a moment, the newest first."""
    query = select(TypedReading).where(TypedReading.site == site, TypedReading.point == point, TypedReading.at >= since)
    return session.scalars(query.order_by(TypedReading.at.desc(), TypedReading.id.desc()).limit(most)).all()


def newest(session: Session, site: str, since: datetime, point: str = "") -> Mapping[str, Sequence[TypedReading]]:
    """Point → the newest reading of each spot as it was written, the oldest first; all points, or one.

    What people typed in over years is not read for it, only what counts today.
    """
    columns = (TypedReading.point, TypedReading.circuit, TypedReading.place, TypedReading.condition)
    wanted = [TypedReading.site == site, TypedReading.at >= since]
    if point:
        wanted.append(TypedReading.point == point)
    last = select(*columns, func.max(TypedReading.at).label("at")).where(*wanted).group_by(*columns).subquery()
    same = [column == last.c[column.key] for column in (*columns, TypedReading.at)]
    found: dict[str, list[TypedReading]] = defaultdict(list)
    query = select(TypedReading).join(last, and_(*same)).where(TypedReading.site == site)
    for row in session.scalars(query.order_by(TypedReading.at, TypedReading.id)):
        found[row.point].append(row)
    return found


def forget_deliveries(session: Session, before: datetime) -> None:
    """Drop what is too old to be delivered again."""
    session.execute(delete(TypedDelivery).where(TypedDelivery.at < before))
