"""How a point was heard over a month: whole days where nothing is missing, hours where something is."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select

from gateway.contract.times import from_ms
from services.report.chapters.availability import DAY, HOUR, Slot, by_days, by_hours
from services.report.collect.links import chunks
from services.report.collect.source import Source
from services.report.model import Month
from services.report.spans import Span
from services.rules.tables import PointState


def first_heard(source: Source, keys: Iterable[str]) -> dict[str, int]:
    """When each point was first heard, epoch milliseconds; those never heard are missing."""
    found: dict[str, int] = {}
    for some in chunks(keys):
        rows = source.session.execute(
            select(PointState.point, PointState.first_ms).where(PointState.point.in_(some), PointState.last_ms > 0)
        )
        found.update((row[0], row[1]) for row in rows)
    return found


def since_heard(month: Month, first_ms: int) -> Span:
    """The part of the month in which a point was known."""
    first = from_ms(first_ms) if first_ms else month.since_at
    return Span(min(max(first, month.since_at), month.ends_at), month.ends_at)


def slots(
    source: Source, month: Month, key: str, interval: timedelta, whole: Span, excused: Sequence[Span] = ()
) -> list[Slot]:
    """The days and hours of `whole`, in order."""
    origin, store = month.since_at, source.store
    days = store.range(key, month.since_at, month.ends_at, DAY, origin=origin)
    found, others = by_days(days, interval, whole, origin, excused)
    for span in others:
        start = origin + (span.start - origin) // HOUR * HOUR
        found += by_hours(store.range(key, start, span.end, HOUR, origin=origin), span, origin)
    return sorted(found, key=lambda one: one.span)
