"""The rows of incidents: every change goes through `change`, everything that happens is a row of the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.site.fire import Response, ResponseStep
from services.fire import incident as machine
from services.fire.incident import Event, Fact, Facts, IncidentState, apply, decode, encode
from services.fire.tables import FireCall, FireIncident, FireIncidentEvent, FireSignal, FireStep
from services.kernel.errors import Conflict, NotFound
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing

SYSTEM = "system"
"""The actor of everything no person did."""
OPENED = "opened"
_TRIES = 5
"""Each is lost only to another process that has just taken the same number."""


def open_one(
    session: Session,
    site: str,
    building: str,
    response: Response,
    first_signal: str,
    zone: tzinfo,
    now: datetime,
    **told: Any,
) -> FireIncident:
    """Begin an incident; its plan is frozen with it. Where another process was faster, the one it opened (`signals`
    is then not 0), held against other writers. Raises IntegrityError when no number is to be had.
    """
    for left in reversed(range(_TRIES)):
        row = _new(site, building, response, first_signal, _next_number(session, site, now, zone), now)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:
            others = find_open(session, site, [building]).get(building)
            if others is not None:
                return others
            if not left:
                raise
        else:
            break
    note(session, row, OPENED, now, signal=first_signal, **told)
    return row


def _new(site: str, building: str, response: Response, first_signal: str, number: str, now: datetime) -> FireIncident:
    return FireIncident(
        id=new_id(),
        number=number,
        site=site,
        building=building,
        stage="unconfirmed",
        reason="",
        opened_at=now,
        confirm_by=now + response.confirm_within,
        graded_at=None,
        graded_by=None,
        verdict="",
        cause="",
        closed_at=None,
        closed_by=None,
        reset_at=None,
        zones={},
        first_signal_id=first_signal,
        signals=0,
        told=0,
        alert_id=None,
        response=response.model_dump(mode="json"),
        version=0,
    )


def _next_number(session: Session, site: str, now: datetime, zone: tzinfo) -> str:
    start = f"HJ-{now.astimezone(zone):%Y%m%d}-"
    last = session.scalar(
        select(FireIncident.number)
        .where(FireIncident.site == site, FireIncident.number.startswith(start, autoescape=True))
        .order_by(func.length(FireIncident.number).desc(), FireIncident.number.desc())
        .limit(1)
    )
    return f"{start}{int(last.rpartition('-')[2]) + 1 if last else 1:03d}"


def get(session: Session, incident_id: str, *, site: str | None = None) -> FireIncident:
    """One incident, held against other writers until the transaction ends; raises NotFound."""
    row = session.scalar(
        select(FireIncident)
        .where(FireIncident.id == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or (site is not None and row.site != site):
        raise NotFound(f"There is no incident {incident_id}", hint="Open it from the list", incident=incident_id)
    return row


def get_open(session: Session, incident_id: str, *, site: str | None = None) -> FireIncident:
    """One that is not closed; raises NotFound and Conflict."""
    row = get(session, incident_id, site=site)
    if row.closed_at is not None:
        raise Conflict(
            f"Incident {row.number} is closed",
            hint="What is to be added belongs into a comment; a new fire signal opens a new incident",
            current={"stage": row.stage, "verdict": row.verdict},
        )
    return row


def find_open(session: Session, site: str, buildings: Sequence[str]) -> dict[str, FireIncident]:
    """The open incidents of these buildings, held against other writers."""
    query = (
        select(FireIncident)
        .where(FireIncident.site == site, FireIncident.building.in_(buildings), FireIncident.closed_at.is_(None))
        .order_by(FireIncident.opened_at, FireIncident.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.building: row for row in session.scalars(query)}


def open_at(session: Session, site: str) -> list[FireIncident]:
    """Every open incident of a site, oldest first."""
    query = select(FireIncident).where(FireIncident.site == site, FireIncident.closed_at.is_(None))
    return list(session.scalars(query.order_by(FireIncident.opened_at, FireIncident.id)))


def last_closed(session: Session, site: str, building: str) -> datetime | None:
    """When the newest closed incident of a building was closed."""
    query = (
        select(FireIncident.closed_at)
        .where(FireIncident.site == site, FireIncident.building == building, FireIncident.closed_at.is_not(None))
        .order_by(FireIncident.opened_at.desc())
        .limit(1)
    )
    return session.scalar(query)


def state_of(row: FireIncident) -> IncidentState:
    """The machine's state as the row keeps it."""
    return IncidentState(
        stage=row.stage,  # type: ignore[arg-type]
        reason=row.reason,
        graded=row.graded_at is not None,
        zones={zone: tuple(components) for zone, components in row.zones.items()},
        signals=row.signals,
        verdict=row.verdict,
    )


def change(
    session: Session, row: FireIncident, event: Event, now: datetime, *, actor: str = SYSTEM, **told: Any
) -> Facts:
    """Apply an event to a locked row and append it to the history; what changes nothing leaves no trace."""
    state, facts = apply(state_of(row), event)
    if not facts:
        return facts
    row.stage, row.reason, row.signals = state.stage, state.reason, state.signals
    row.zones = {zone: list(components) for zone, components in state.zones.items()}
    row.graded_at = (now if isinstance(event, machine.Graded) else row.graded_at) if state.graded else None
    row.graded_by = (actor if isinstance(event, machine.Graded) else row.graded_by) if state.graded else None
    if isinstance(event, machine.Closed):
        row.verdict, row.cause, row.closed_at, row.closed_by = event.verdict, event.cause, now, actor
    if Fact.WENT_LARGE in facts:
        told["reason"] = state.reason
    note(session, row, event.kind, now, actor=actor, **encode(event), **told, facts=[fact.value for fact in facts])
    if Fact.WENT_LARGE in facts or Fact.GRADED_LARGE in facts:
        _begin_plan(session, row, "large", now)
    elif Fact.GRADED_SMALL in facts or Fact.DOWNGRADED in facts:
        _begin_plan(session, row, "small", now)
    return facts


def note(session: Session, row: FireIncident, kind: str, now: datetime, *, actor: str = SYSTEM, **data: Any) -> None:
    """Append something to the history."""
    row.version += 1
    session.add(FireIncidentEvent(incident_id=row.id, seq=row.version, at=now, kind=kind, actor=actor, data=data))
    session.flush()


def plan_of(row: FireIncident) -> Response:
    """The plan as it stood when the incident began."""
    return Response.model_validate(row.response)


def plan_steps(row: FireIncident, plan: str) -> tuple[ResponseStep, ...]:
    """The lines of a grade's plan."""
    response = plan_of(row)
    return response.large if plan == "large" else response.small


def _begin_plan(session: Session, row: FireIncident, plan: str, now: datetime) -> None:
    """A grade brings its checklist; what was begun before stays as it is."""
    for position, step in enumerate(plan_steps(row, plan)):
        new = {
            "incident_id": row.id,
            "plan": plan,
            "step": step.id,
            "position": position,
            "begun_at": now,
            "done_at": None,
            "done_by": None,
            "not_needed": False,
            "note": "",
        }
        insert_missing(session, FireStep, new, ("incident_id", "plan", "step"))


def history(session: Session, incident_id: str) -> list[FireIncidentEvent]:
    """Everything that happened, in order."""
    query = select(FireIncidentEvent).where(FireIncidentEvent.incident_id == incident_id)
    return list(session.scalars(query.order_by(FireIncidentEvent.seq)))


def steps(session: Session, incident_id: str) -> list[FireStep]:
    """The lines of its plans: what was begun first comes first."""
    query = select(FireStep).where(FireStep.incident_id == incident_id)
    return list(session.scalars(query.order_by(FireStep.begun_at, FireStep.plan, FireStep.position)))


def calls(session: Session, incident_id: str) -> list[FireCall]:
    """Who was called, tier by tier."""
    query = select(FireCall).where(FireCall.incident_id == incident_id)
    return list(session.scalars(query.order_by(FireCall.tier, FireCall.called_at, FireCall.username)))


def signals(session: Session, incident_id: str) -> list[FireSignal]:
    """What the panels of its building said while it was open, in order of arrival."""
    query = select(FireSignal).where(FireSignal.incident_id == incident_id)
    return sorted(session.scalars(query), key=lambda one: (one.received_at, one.at, one.id))


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one incident, as its record needs it."""

    incident: FireIncident
    events: tuple[FireIncidentEvent, ...]
    steps: tuple[FireStep, ...]
    calls: tuple[FireCall, ...]
    signals: tuple[FireSignal, ...]


def dossier(session: Session, incident_id: str, *, site: str | None = None) -> Dossier:
    """Everything about one incident; raises NotFound."""
    row = session.get(FireIncident, incident_id)
    if row is None or (site is not None and row.site != site):
        raise NotFound(f"There is no incident {incident_id}", hint="Open it from the list", incident=incident_id)
    return Dossier(
        row,
        tuple(history(session, incident_id)),
        tuple(steps(session, incident_id)),
        tuple(calls(session, incident_id)),
        tuple(signals(session, incident_id)),
    )


def events_of(rows: Sequence[FireIncidentEvent]) -> list[Event]:
    """The machine's events of history rows, for replay."""
    return [decode(row.kind, row.data) for row in rows if row.kind in machine.MACHINE]
