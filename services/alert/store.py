"""The row of an alert and the machine's state, kept one: every change goes through `change`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.alert.model import AlertState, Event, Fact, Facts, ShownState, apply, decode, encode, shown_state
from services.alert.tables import Alert, AlertEvent
from services.kernel.errors import NotFound
from services.kernel.ids import new_id

SYSTEM = "system"
"""The actor of everything no person did."""
UNSHELVE_TIMER = "alert.unshelve"

_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


def duration(policy: Mapping[str, Any], key: str, default: timedelta) -> timedelta:
    """A duration of a frozen policy: ISO 8601, seconds, or a timedelta."""
    value = policy.get(key)
    return default if value is None else _DURATION.validate_python(value)


def state_of(alert: Alert) -> AlertState:
    """The machine's state as the row keeps it."""
    return AlertState(
        active=alert.active,
        occurrence=alert.occurrence,
        acked_occurrence=alert.acked_occurrence,
        latching=alert.latching,
        latched=alert.latched,
        severity=alert.severity,  # type: ignore[arg-type]
        max_severity=alert.max_severity,  # type: ignore[arg-type]
        shelved_until=alert.shelved_until,
        suppressed=alert.suppressed,
        out_of_service=alert.out_of_service,
        closed=alert.closed_at is not None,
    )


def shown(alert: Alert, now: datetime) -> ShownState:
    """What a person sees of this alert at `now`."""
    return shown_state(state_of(alert), now)


def lock(session: Session, alert_id: str) -> Alert:
    """The alert, held against other writers until the transaction ends; raises NotFound."""
    alert = session.scalar(
        select(Alert).where(Alert.id == alert_id).with_for_update().execution_options(populate_existing=True)
    )
    if alert is None:
        raise NotFound(f"There is no alert {alert_id}", hint="Open it from the list", alert=alert_id)
    return alert


def change(
    session: Session,
    alert: Alert,
    event: Event,
    now: datetime,
    *,
    actor: str = SYSTEM,
    event_at: datetime | None = None,
    **context: Any,
) -> Facts:
    """Apply an event to a locked row and append it to the history; an event that changes nothing leaves no trace."""
    state, facts = apply(state_of(alert), event)
    if facts:
        _write(alert, state, facts, now)
        append(session, alert, event, facts, now, actor=actor, event_at=event_at, **context)
    return facts


def append(
    session: Session,
    alert: Alert,
    event: Event,
    facts: Facts,
    now: datetime,
    *,
    actor: str = SYSTEM,
    event_at: datetime | None = None,
    **context: Any,
) -> None:
    """Add a history row; its sequence number is the alert's new version."""
    alert.version += 1
    data = encode(event) | {key: value for key, value in context.items() if value is not None}
    session.add(
        AlertEvent(
            id=new_id(),
            alert_id=alert.id,
            seq=alert.version,
            at=now,
            event_at=event_at or now,
            kind=event.kind,
            actor=actor,
            data=data | {"facts": [fact.value for fact in facts]},
        )
    )
    session.flush()


def _write(alert: Alert, state: AlertState, facts: Facts, now: datetime) -> None:
    alert.active = state.active
    alert.occurrence = state.occurrence
    alert.acked_occurrence = state.acked_occurrence
    alert.latching = state.latching
    alert.latched = state.latched
    alert.severity = state.severity
    alert.max_severity = state.max_severity
    alert.shelved_until = state.shelved_until
    if state.shelved_until is None:
        alert.shelved_by = alert.shelve_reason = None
    alert.suppressed = state.suppressed
    alert.out_of_service = state.out_of_service
    if Fact.CLOSED in facts:
        alert.closed_at = now
    elif not state.closed:
        alert.closed_at = None


def events_of(rows: list[AlertEvent]) -> list[Event]:
    """The machine's events of history rows, for replay."""
    return [decode(row.kind, row.data) for row in rows]


def snapshot(alert: Alert, now: datetime) -> dict[str, Any]:
    """The state a refusal carries, as JSON."""
    return {
        "id": alert.id,
        "state": shown(alert, now),
        "active": alert.active,
        "occurrence": alert.occurrence,
        "acked_occurrence": alert.acked_occurrence,
        "severity": alert.max_severity,
        "shelved_until": alert.shelved_until.isoformat() if alert.shelved_until else None,
        "version": alert.version,
    }
