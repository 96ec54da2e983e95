"""What a supervisor answers for: anomalies are opened by judgement, withdrawn by evidence, closed by a comment."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.kernel import audit
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing
from services.patrol.tables import Anomaly

SHORTEST_COMMENT = 2
"""Characters."""


def open_anomaly(
    session: Session,
    *,
    site: str,
    kind: str,
    ref: str,
    at: datetime,
    now: datetime,
    round_id: str | None = None,
    checkpoint: str | None = None,
    guard: str = "",
    shift: str = "",
) -> Anomaly:
    """The anomaly of (site, kind, ref): made when there is none, back again when it was withdrawn, else as it is."""
    found = _find(session, site, kind, ref)
    if found is None:
        new = {"id": new_id(), "site": site, "kind": kind, "ref": ref, "at": at, "found_at": now, "round_id": round_id}
        new |= {"checkpoint": checkpoint, "guard": guard, "shift": shift, "closed_by": "", "comment": ""}
        insert_missing(session, Anomaly, new, ("site", "kind", "ref"))
        found = _find(session, site, kind, ref)
    if found is None:
        raise Conflict(f"The anomaly {kind} of {ref} vanished while it was written", hint="Try again")
    if found.withdrawn_at is not None:
        found.withdrawn_at, found.found_at, found.at, found.guard = None, now, at, guard
    return found


def withdraw(session: Session, site: str, kind: str, ref: str, now: datetime) -> Anomaly | None:
    """Take it back because later evidence did; one that somebody closed keeps its comment. None: there is none."""
    found = _find(session, site, kind, ref)
    if found is not None and found.withdrawn_at is None:
        found.withdrawn_at = now
    return found


def close(session: Session, anomaly_id: str, *, comment: str, actor: str, now: datetime) -> Anomaly:
    """Answer for it; raises NotFound, Invalid without a real comment, Conflict when closed or withdrawn already."""
    found = session.get(Anomaly, anomaly_id, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no anomaly {anomaly_id}", hint="Open it from the list", anomaly=anomaly_id)
    words = comment.strip()
    if len(words) < SHORTEST_COMMENT:
        raise Invalid("The comment is too short", hint="Say what the reason was", field="comment")
    if found.closed_at is not None or found.withdrawn_at is not None:
        current = "closed" if found.closed_at is not None else "withdrawn"
        raise Conflict(f"The anomaly is {current} already", hint="Load the list again", current={"state": current})
    found.closed_at, found.closed_by, found.comment = now, actor, words
    subject = {"kind": found.kind, "subject": found.ref}
    audit.record(session, now, actor, "patrol.anomaly.close", anomaly_id, **subject, comment=words)
    return found


def open_anomalies(
    session: Session,
    site: str = "",
    *,
    kind: str = "",
    guard: str = "",
    round_id: str = "",
    limit: int = 200,
) -> Sequence[Anomaly]:
    """What still waits for a comment, newest first; an empty filter means any."""
    query = select(Anomaly).where(*_waiting(site, kind, guard, round_id))
    return session.scalars(query.order_by(Anomaly.at.desc(), Anomaly.id.desc()).limit(limit)).all()


def count_open(session: Session, site: str = "") -> int:
    """How many wait for a comment."""
    return session.scalar(select(func.count()).select_from(Anomaly).where(*_waiting(site, "", "", ""))) or 0


def _waiting(site: str, kind: str, guard: str, round_id: str) -> list[ColumnElement[bool]]:
    wanted = {Anomaly.site: site, Anomaly.kind: kind, Anomaly.guard: guard, Anomaly.round_id: round_id}
    chosen = [column == value for column, value in wanted.items() if value]
    return [Anomaly.closed_at.is_(None), Anomaly.withdrawn_at.is_(None), *chosen]


def _find(session: Session, site: str, kind: str, ref: str) -> Anomaly | None:
    query = select(Anomaly).where(Anomaly.site == site, Anomaly.kind == kind, Anomaly.ref == ref)
    return session.scalars(query).one_or_none()
