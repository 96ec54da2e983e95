"""The alert slice's verbs and questions, in one place. Callers own the transaction (`Database.begin`)."""

from collections import Counter
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.alert.handling import (
    SHELVE_MAX,
    acknowledge,
    comment,
    reset,
    return_to_service,
    shelve,
    suppress,
    take_out_of_service,
    unshelve,
    unsuppress,
)
from services.alert.model import ShownState, rank
from services.alert.raising import (
    REOPEN_WINDOW,
    Activation,
    ClearedAlert,
    Outcome,
    Raised,
    clear_alert,
    mark_announced,
    note_late_breach,
    raise_alert,
    withdraw,
)
from services.alert.store import SYSTEM, UNSHELVE_TIMER, events_of, shown, snapshot, state_of
from services.alert.tables import Alert, AlertEvent
from services.kernel.errors import NotFound


def get(session: Session, alert_id: str) -> Alert:
    """One alert; raises NotFound."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound(f"There is no alert {alert_id}", hint="Open it from the list", alert=alert_id)
    return alert


def find_open(session: Session, rule: str, target: str) -> Alert | None:
    """The open alert of a key, if there is one."""
    return session.scalar(select(Alert).where(Alert.rule == rule, Alert.target == target, Alert.closed_at.is_(None)))


def open_alerts(session: Session, site: str | None = None) -> list[Alert]:
    """Everything on the list: worst first, then longest open."""
    query = select(Alert).where(Alert.closed_at.is_(None))
    if site is not None:
        query = query.where(Alert.site == site)
    return sorted(session.scalars(query), key=lambda one: (-rank(one.max_severity), one.opened_at, one.id))


def closed_since(session: Session, since: datetime, site: str | None = None) -> list[Alert]:
    """Alerts that left the list after `since`, newest first."""
    query = select(Alert).where(Alert.closed_at > since).order_by(Alert.closed_at.desc(), Alert.id.desc())
    if site is not None:
        query = query.where(Alert.site == site)
    return list(session.scalars(query))


def history(session: Session, alert_id: str) -> list[AlertEvent]:
    """Everything that happened to an alert, in order."""
    return list(session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.seq)))


def count_by_state(session: Session, now: datetime) -> dict[ShownState, int]:
    """How many open alerts are shown in each state, for the metrics page."""
    return dict(Counter(shown(alert, now) for alert in open_alerts(session)))


__all__ = [
    "REOPEN_WINDOW",
    "SHELVE_MAX",
    "SYSTEM",
    "UNSHELVE_TIMER",
    "Activation",
    "ClearedAlert",
    "Outcome",
    "Raised",
    "acknowledge",
    "clear_alert",
    "closed_since",
    "comment",
    "count_by_state",
    "events_of",
    "find_open",
    "get",
    "history",
    "mark_announced",
    "note_late_breach",
    "open_alerts",
    "raise_alert",
    "reset",
    "return_to_service",
    "shelve",
    "shown",
    "snapshot",
    "state_of",
    "suppress",
    "take_out_of_service",
    "unshelve",
    "unsuppress",
    "withdraw",
]
