"""What people and design do to alerts: acknowledge, put aside, reset. Every human action is audited."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from services.alert.model import (
    Acknowledged,
    Commented,
    Event,
    Facts,
    ResetByHand,
    ReturnedToService,
    Shelved,
    Suppressed,
    TakenOutOfService,
    Unshelved,
    Unsuppressed,
    needs_second_person,
)
from services.alert.store import SYSTEM, UNSHELVE_TIMER, change, duration, lock, shown, snapshot, state_of
from services.alert.tables import Alert
from services.kernel import audit, timers
from services.kernel.errors import Conflict, Forbidden, Invalid

SHELVE_MAX = timedelta(hours=8)
"""The longest shelving, unless the policy says otherwise: one shift."""


def acknowledge(session: Session, alert_id: str, *, occurrence: int, actor: str, now: datetime) -> Alert:
    """Say «seen» to everything up to `occurrence`; what happened after the click stays unacknowledged."""
    alert = lock(session, alert_id)
    if not 1 <= occurrence <= alert.occurrence:
        raise Invalid(
            f"Alert {alert_id} has {alert.occurrence} occurrences, not {occurrence}",
            hint="Reload the alert and acknowledge what it shows",
            current=snapshot(alert, now),
        )
    _act(session, alert, Acknowledged(occurrence), actor, now)
    return alert


def reset(session: Session, alert_id: str, *, actor: str, now: datetime) -> Alert:
    """Reset a latched alert after a look on site; refused while its cause is present."""
    alert = lock(session, alert_id)
    if alert.active:
        raise Conflict(
            f"Alert {alert_id} cannot be reset while its cause is present",
            hint="Remove the cause first; the alert latches when it has cleared",
            current=snapshot(alert, now),
        )
    _act(session, alert, ResetByHand(), actor, now)
    return alert


def shelve(
    session: Session,
    alert_id: str,
    *,
    until: datetime,
    reason: str,
    actor: str,
    now: datetime,
    second_actor: str | None = None,
) -> Alert:
    """Put an open alert aside until a moment within the policy's limit; it comes back by itself."""
    alert = lock(session, alert_id)
    _open(alert, "shelved", now)
    longest = duration(alert.policy, "shelve_max", SHELVE_MAX)
    if not now < until <= now + longest:
        raise Invalid(
            f"Alert {alert_id} cannot be shelved until {until.isoformat()}",
            hint=f"Choose a moment after now and at most {_hours(longest)} away",
            shelve_max_s=longest.total_seconds(),
        )
    reason = _reason(reason, alert_id, "shelving")
    _two_people(alert, actor, second_actor, "shelving")
    if _act(session, alert, Shelved(until, reason, actor), actor, now, second_actor=second_actor):
        alert.shelved_by, alert.shelve_reason = actor, reason
        timers.cancel(session, [UNSHELVE_TIMER], alert.id, now, "shelved anew")
        timers.schedule(session, UNSHELVE_TIMER, alert.id, until, step=str(alert.version))
        session.flush()
    return alert


def unshelve(session: Session, alert_id: str, *, reason: str, now: datetime, actor: str = SYSTEM) -> Alert:
    """End shelving; `reason` "expired" is the timer's and does nothing before the time has come."""
    alert = lock(session, alert_id)
    if reason == "expired" and alert.shelved_until is not None and alert.shelved_until > now:
        return alert
    if _act(session, alert, Unshelved(reason), actor, now):
        timers.cancel(session, [UNSHELVE_TIMER], alert.id, now, reason)
    return alert


def take_out_of_service(
    session: Session, alert_id: str, *, reason: str, actor: str, now: datetime, second_actor: str | None = None
) -> Alert:
    """Hide an open alert while permitted work goes on; `reason` names the permit or work order."""
    alert = lock(session, alert_id)
    _open(alert, "taken out of service", now)
    reason = _reason(reason, alert_id, "taking out of service")
    _two_people(alert, actor, second_actor, "taking out of service")
    _act(session, alert, TakenOutOfService(reason, actor), actor, now, second_actor=second_actor)
    return alert


def return_to_service(session: Session, alert_id: str, *, actor: str, now: datetime, reason: str = "") -> Alert:
    """The work is finished and tested: show the live condition again."""
    alert = lock(session, alert_id)
    _act(session, alert, ReturnedToService(reason), actor, now)
    return alert


def suppress(session: Session, alert_id: str, *, reason: str, now: datetime, actor: str = SYSTEM) -> Alert:
    """Hide an open alert by design, e.g. because its device is known to be offline."""
    alert = lock(session, alert_id)
    _act(session, alert, Suppressed(_reason(reason, alert_id, "suppressing")), actor, now)
    return alert


def unsuppress(session: Session, alert_id: str, *, now: datetime, actor: str = SYSTEM) -> Alert:
    """Design no longer hides it: show the live condition again."""
    alert = lock(session, alert_id)
    _act(session, alert, Unsuppressed(), actor, now)
    return alert


def comment(session: Session, alert_id: str, *, text: str, actor: str, now: datetime) -> Alert:
    """Add a remark to the history, also of a closed alert."""
    alert = lock(session, alert_id)
    _act(session, alert, Commented(_reason(text, alert_id, "a comment")), actor, now)
    return alert


def _act(session: Session, alert: Alert, event: Event, actor: str, now: datetime, **context: Any) -> Facts:
    facts = change(session, alert, event, now, actor=actor, **context)
    if facts and actor != SYSTEM:
        second = {key: value for key, value in context.items() if key == "second_actor" and value is not None}
        audit.record(session, now, actor, f"alert.{event.kind}", alert.id, seq=alert.version, **second)
    return facts


def _open(alert: Alert, verb: str, now: datetime) -> None:
    if alert.closed_at is not None:
        raise Conflict(
            f"Alert {alert.id} is closed and cannot be {verb}",
            hint="It will open again by itself when its cause returns",
            current=snapshot(alert, now),
        )


def _two_people(alert: Alert, actor: str, second: str | None, what: str) -> None:
    if needs_second_person(state_of(alert)) and (not second or second == actor):
        raise Forbidden(
            f"Alert {alert.id} concerns life safety: {what} it takes two people",
            hint="Let a second person confirm with their own sign-in",
            needs_second_person=True,
        )


def _reason(text: str, alert_id: str, what: str) -> str:
    cut = text.strip()
    if not cut:
        raise Invalid(f"Alert {alert_id}: {what} needs words", hint="Say why in a few words; others will read it")
    if len(cut) > 400:
        raise Invalid(f"Alert {alert_id}: {len(cut)} characters are too many", hint="Use at most 400")
    return cut


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} h"


__all__ = [
    "SHELVE_MAX",
    "acknowledge",
    "comment",
    "reset",
    "return_to_service",
    "shelve",
    "shown",
    "suppress",
    "take_out_of_service",
    "unshelve",
    "unsuppress",
]
