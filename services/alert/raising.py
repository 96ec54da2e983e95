"""What the rules do to alerts: raise, clear, withdraw, note."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic_core import to_jsonable_python
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.alert.model import (
    Activated,
    AlertState,
    Announced,
    Cleared,
    Fact,
    Facts,
    LateBreachNoted,
    Severity,
    SeverityChanged,
    Withdrawn,
    apply,
)
from services.alert.store import SYSTEM, UNSHELVE_TIMER, append, change, duration, lock, shown
from services.alert.tables import Alert
from services.kernel import timers
from services.kernel.errors import Conflict
from services.kernel.ids import new_id

REOPEN_WINDOW = timedelta(minutes=10)
"""A relapse within this after closing is the same alert, unless the policy says otherwise."""
_TRIES = 5
"""Each try is lost only to another raiser that opened *and* closed in between."""

Outcome = Literal["opened", "reactivated", "reopened", "worsened", "unchanged"]


@dataclass(frozen=True, slots=True)
class Activation:
    """A rule says that something is wrong with a target."""

    site: str
    rule: str
    target: str
    title: str
    severity: Severity
    event_at: datetime
    """When it became wrong, by the device's clock."""
    title_en: str = ""
    value: float | None = None
    unit: str = ""
    limit_text: str = ""
    source: str = ""
    requirement: str = ""
    latching: bool = False
    late: bool = False
    """History: already over or old when heard."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raised:
    """What raising did. `outcome` unchanged: it was active already and no worse."""

    alert: Alert
    outcome: Outcome
    visible: bool
    """Not shelved, suppressed or out of service: may page somebody."""


@dataclass(frozen=True, slots=True)
class ClearedAlert:
    """What clearing did: closed, latched, or left on the list because nobody has acknowledged it."""

    alert: Alert
    facts: Facts
    value: float | None
    """The reading that cleared it; `alert.value` keeps the one that raised it."""

    @property
    def closed(self) -> bool:
        """It left the list."""
        return Fact.CLOSED in self.facts


def raise_alert(session: Session, activation: Activation, now: datetime) -> Raised:
    """Open, re-activate, reopen or worsen the one alert of (rule, target)."""
    for _ in range(_TRIES):
        alert = _find_open(session, activation.rule, activation.target)
        if alert is not None:
            return _again(session, alert, activation, now)
        alert = _reopen(session, activation, now)
        if alert is not None:
            return Raised(alert, "reopened", _visible(alert, now))
        alert = _insert(session, activation, now)
        if alert is not None:
            return Raised(alert, "opened", _visible(alert, now))
    raise Conflict(
        f"Alert {activation.rule} on {activation.target} is opened and closed faster than it can be read",
        hint="Look for two processes judging the same point",
        rule=activation.rule,
        target=activation.target,
    )


def _visible(alert: Alert, now: datetime) -> bool:
    return shown(alert, now) not in ("shelved", "suppressed", "out_of_service")


def _find_open(session: Session, rule: str, target: str) -> Alert | None:
    return session.scalar(
        select(Alert)
        .where(Alert.rule == rule, Alert.target == target, Alert.closed_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _again(session: Session, alert: Alert, activation: Activation, now: datetime) -> Raised:
    event = (
        SeverityChanged(activation.severity)
        if alert.active
        else Activated(severity=activation.severity, latching=activation.latching)
    )
    facts = change(session, alert, event, now, event_at=activation.event_at, **_context(activation))
    if not facts:
        return Raised(alert, "unchanged", _visible(alert, now))
    if Fact.UNSHELVED in facts:
        timers.cancel(session, [UNSHELVE_TIMER], alert.id, now, "severity rose")
    _describe(alert, activation)
    session.flush()
    if Fact.REACTIVATED in facts:
        return Raised(alert, "reactivated", _visible(alert, now))
    return Raised(alert, "worsened" if Fact.WORSENED in facts else "unchanged", _visible(alert, now))


def _reopen(session: Session, activation: Activation, now: datetime) -> Alert | None:
    alert = session.scalar(
        select(Alert)
        .where(Alert.rule == activation.rule, Alert.target == activation.target, Alert.closed_at.is_not(None))
        .order_by(Alert.closed_at.desc(), Alert.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if alert is None or alert.closed_at is None:
        return None
    if now - alert.closed_at > duration(alert.policy, "reopen_window", REOPEN_WINDOW):
        return None
    try:
        with session.begin_nested():
            change(
                session,
                alert,
                Activated(severity=activation.severity, latching=activation.latching),
                now,
                event_at=activation.event_at,
                **_context(activation),
            )
            _describe(alert, activation)
            session.flush()
    except IntegrityError:  # somebody else opened a fresh one meanwhile
        session.expire(alert)
        return None
    return alert


def _insert(session: Session, activation: Activation, now: datetime) -> Alert | None:
    event = Activated(severity=activation.severity, latching=activation.latching)
    state, facts = apply(AlertState(), event)
    values: dict[str, Any] = {
        "id": new_id(),
        "site": activation.site,
        "rule": activation.rule,
        "target": activation.target,
        "title": activation.title,
        "title_en": activation.title_en,
        "severity": state.severity,
        "max_severity": state.max_severity,
        "active": state.active,
        "occurrence": state.occurrence,
        "acked_occurrence": state.acked_occurrence,
        "latching": state.latching,
        "latched": state.latched,
        "opened_at": activation.event_at,
        "last_active_at": activation.event_at,
        "announced_occurrence": 0,
        "late": activation.late,
        "value": activation.value,
        "limit_text": activation.limit_text,
        "unit": activation.unit,
        "source": activation.source,
        "requirement": activation.requirement,
        "policy": to_jsonable_python(dict(activation.policy)),
        "detail": to_jsonable_python(dict(activation.detail)),
        "version": 0,
    }
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    inserted = session.scalar(
        insert(Alert)
        .values(values)
        .on_conflict_do_nothing(index_elements=["rule", "target"], index_where=text("closed_at IS NULL"))
        .returning(Alert.id)
    )
    if inserted is None:
        return None
    alert = lock(session, inserted)
    append(session, alert, event, facts, now, event_at=activation.event_at, **_context(activation))
    return alert


def _describe(alert: Alert, activation: Activation) -> None:
    alert.title, alert.title_en = activation.title, activation.title_en
    alert.last_active_at = activation.event_at
    alert.cleared_at = None
    alert.late = activation.late
    alert.value = activation.value
    alert.limit_text = activation.limit_text
    alert.unit = activation.unit
    alert.detail = alert.detail | to_jsonable_python(dict(activation.detail))


def _context(activation: Activation) -> dict[str, Any]:
    return {
        "value": activation.value,
        "unit": activation.unit or None,
        "limit_text": activation.limit_text or None,
        "late": activation.late or None,
    }


def clear_alert(
    session: Session, rule: str, target: str, event_at: datetime, value: float | None, now: datetime
) -> ClearedAlert | None:
    """The condition is false again; None when no alert of this key is open and active."""
    alert = _find_open(session, rule, target)
    if alert is None:
        return None
    facts = change(session, alert, Cleared(), now, event_at=event_at, value=value)
    if not facts:
        return None
    alert.cleared_at = event_at
    session.flush()
    return ClearedAlert(alert, facts, value)


def withdraw(session: Session, alert_id: str, reason: str, now: datetime, *, actor: str = SYSTEM) -> Alert:
    """End an alert whatever its state, e.g. because its target was removed; a closed one is left alone."""
    alert = lock(session, alert_id)
    if change(session, alert, Withdrawn(reason), now, actor=actor):
        timers.cancel(session, [UNSHELVE_TIMER], alert.id, now, "withdrawn")
    return alert


def mark_announced(session: Session, alert_id: str, now: datetime) -> bool:
    """Note that people were told about the newest occurrence; False when that was noted before."""
    alert = lock(session, alert_id)
    if alert.announced_occurrence >= alert.occurrence:
        return False
    alert.announced_at, alert.announced_occurrence = now, alert.occurrence
    change(session, alert, Announced(alert.occurrence), now)
    return True


def note_late_breach(
    session: Session, alert_id: str, event_at: datetime, now: datetime, *, value: float | None = None, text: str = ""
) -> Alert:
    """Record that late data shows a breach at `event_at`; nothing live changes."""
    alert = lock(session, alert_id)
    change(session, alert, LateBreachNoted(text), now, event_at=event_at, value=value)
    return alert
