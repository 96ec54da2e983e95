"""Rows of what Grafana has been told: claimed by one worker at a time, settled only by whoever holds the claim."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, CursorResult, delete, or_, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from services.annotation.model import Mark
from services.annotation.tables import Annotation

LEASE = timedelta(minutes=2)
"""Longer than a turn can last; then the mark is anybody's again."""


class Claim(NamedTuple):
    """A mark this worker, and nobody else until `until`, may tell Grafana of."""

    mark: Mark
    grafana_id: int | None
    attempts: int
    """Including this one: beyond the first, an earlier one may have reached Grafana."""
    until: datetime


def claim(session: Session, marks: Iterable[Mark], now: datetime) -> list[Claim]:
    """Those of the marks that nobody else is at."""
    found = list(marks)
    if not found:
        return []
    insert = insert_sqlite if session.get_bind().dialect.name == "sqlite" else insert_postgresql
    rows = [{"key": mark.key, "told": "", "attempts": 0, "error": "", "next_at": now} for mark in found]
    session.execute(insert(Annotation).values(rows).on_conflict_do_nothing(index_elements=["key"]))
    claims = []
    until = now + LEASE
    for mark in found:
        # next_at is the claim: of two workers that come at once, the second one no longer finds the row due.
        row = session.execute(
            update(Annotation)
            .where(Annotation.key == mark.key, or_(Annotation.next_at.is_(None), Annotation.next_at <= now))
            .values(next_at=until, attempts=Annotation.attempts + 1)
            .returning(Annotation.grafana_id, Annotation.attempts)
        ).one_or_none()
        if row is not None:
            claims.append(Claim(mark, row.grafana_id, row.attempts, until))
    return claims


def told(session: Session, claim: Claim, grafana_id: int | None) -> bool:
    """Grafana has it; False: the claim ran out and is somebody else's."""
    values: dict[str, object] = {
        "grafana_id": grafana_id,
        "told": claim.mark.told,
        "attempts": 0,
        "next_at": None,
        "error": "",
    }
    return _settle(session, claim, values)


def failed(session: Session, claim: Claim, error: str, next_at: datetime) -> bool:
    """Grafana did not take it; False: the claim is somebody else's."""
    return _settle(session, claim, {"error": error, "next_at": next_at})


def given_back(session: Session, claim: Claim, next_at: datetime) -> bool:
    """It was not tried after all."""
    return _settle(session, claim, {"attempts": claim.attempts - 1, "next_at": next_at})


def forget(session: Session, *which: ColumnElement[bool]) -> None:
    """Drop rows: nothing will change their marks."""
    for some in which:
        session.execute(delete(Annotation).where(some).execution_options(synchronize_session=False))


def _settle(session: Session, claim: Claim, values: dict[str, object]) -> bool:
    statement = (
        update(Annotation).where(Annotation.key == claim.mark.key, Annotation.next_at == claim.until).values(values)
    )
    result = session.execute(statement)
    return isinstance(result, CursorResult) and result.rowcount == 1
