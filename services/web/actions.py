"""Commands as the console and the API give them: permission first, then the slice's verb in one transaction."""

from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.alert import service as alerts
from services.alert.tables import Alert
from services.device import quarantine
from services.flows import maintenance, orders, reviews
from services.flows.patrol import handover
from services.flows.telling import announce_again, tell_dispatched
from services.kernel.errors import Conflict, Invalid
from services.kernel.ids import new_id
from services.patrol import anomalies
from services.patrol.tables import Anomaly, Handover
from services.people.roles import Actor, require
from services.people.tables import User
from services.rules.tables import MaintenanceMode
from services.web.deps import Services
from services.work_order import service as work_orders
from services.work_order.store import lock
from services.work_order.tables import WorkOrder

SHELVE_CHOICES = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480))
Step = Literal[
    "accept", "dispatch", "reassign", "start", "hold", "resume", "submit", "verify", "rework", "rate", "cancel"
]


def acknowledge(svc: Services, actor: Actor, alert_id: str, occurrence: int, now: datetime) -> Alert:
    """Say «seen» to what was shown."""
    require(actor, "alert.acknowledge")
    with svc.db.begin() as s:
        return alerts.acknowledge(s, alert_id, occurrence=occurrence, actor=actor.username, now=now)


def shelve(
    svc: Services, actor: Actor, alert_id: str, until: datetime, reason: str, now: datetime, second: Actor | None = None
) -> Alert:
    """Put an alert aside for a while; `second` is the other person when life safety asks for two."""
    require(actor, "alert.shelve")
    if second is not None:
        require(second, "alert.shelve")
    with svc.db.begin() as s:
        return alerts.shelve(
            s,
            alert_id,
            until=until,
            reason=reason,
            actor=actor.username,
            now=now,
            second_actor=second.username if second else None,
        )


def shelve_span(minutes: int) -> timedelta:
    """How long a shelving of so many minutes lasts; raises Invalid outside 15 minutes to 8 hours."""
    span = timedelta(minutes=minutes)
    if not SHELVE_CHOICES[0] <= span <= SHELVE_CHOICES[-1]:
        raise Invalid(f"{minutes} minutes cannot be shelved", hint="Choose 15 minutes to 8 hours", field="minutes")
    return span


def unshelve(svc: Services, actor: Actor, alert_id: str, now: datetime) -> Alert:
    """Take a shelved alert back."""
    require(actor, "alert.unshelve")
    with svc.db.begin() as s:
        alert = alerts.unshelve(s, alert_id, reason="taken back", now=now, actor=actor.username)
        announce_again(s, svc.configs.site(alert.site), alert, now)
        return alert


def reset(svc: Services, actor: Actor, alert_id: str, now: datetime) -> Alert:
    """Reset a latched alert."""
    require(actor, "alert.reset")
    with svc.db.begin() as s:
        return alerts.reset(s, alert_id, actor=actor.username, now=now)


def comment(svc: Services, actor: Actor, alert_id: str, text: str, now: datetime) -> Alert:
    """Add a remark to an alert."""
    require(actor, "alert.comment")
    with svc.db.begin() as s:
        return alerts.comment(s, alert_id, text=text, actor=actor.username, now=now)


def own_or_free(order: WorkOrder, actor: Actor) -> str | None:
    """Whose order it counts as for the actor: one dispatched to his role belongs to whoever comes first."""
    if order.assignee is None and order.assignee_role == actor.role:
        return actor.username
    return order.assignee


def step(
    svc: Services, actor: Actor, order_id: str, what: Step, version: int, now: datetime, **words: Any
) -> WorkOrder:
    """Take a work order one step on; `words` are what the step asks for (reason, note, until, assignee, stars …)."""
    require(actor, "read")
    with svc.db.begin() as s:
        order = work_orders.get(s, order_id)
        require(actor, f"work_order.{what}", assignee=own_or_free(order, actor))
        if what in ("verify", "rework"):
            words["role"] = str(actor.role)
        if what in ("dispatch", "reassign") and words.get("assignee"):
            _can_carry_out(svc, s, str(words["assignee"]))
        if what == "verify":
            version = _sign(s, actor, order_id, version, now, words)
        verb = getattr(work_orders, what)
        done: WorkOrder = verb(s, order_id, version=version, actor=actor.username, now=now, **words)
        if what in ("dispatch", "reassign", "rework"):
            tell_dispatched(s, svc.configs.site(done.site), done, now)
        if what == "submit" and done.review == "due":
            reviews.tell_due(s, svc.configs.site(done.site), done, now)
        return done


def _sign(s: Session, actor: Actor, order_id: str, version: int, now: datetime, words: dict[str, Any]) -> int:
    """Keep the acceptance signature that comes with a verification; returns the version after it."""
    signature, signer = words.pop("signature", ""), words.pop("signer", "")
    if not signature:
        return version
    order = lock(s, order_id, version)
    orders.keep_signature(s, order_id, f"sign-{new_id()}", signature, signer, actor=actor.username, now=now)
    return order.version


def comment_order(svc: Services, actor: Actor, order_id: str, text: str, now: datetime) -> WorkOrder:
    """Add a remark to a work order."""
    require(actor, "work_order.comment")
    with svc.db.begin() as s:
        return work_orders.comment(s, order_id, actor=actor.username, text=text, now=now)


def maintenance_on(
    svc: Services, actor: Actor, target: str, reason: str, until: datetime, now: datetime
) -> MaintenanceMode:
    """Say that a point or a piece of equipment is being worked on."""
    require(actor, "maintenance.set")
    with svc.db.begin() as s:
        return maintenance.begin(s, svc.configs, target, reason=reason, until=until, actor=actor.username, now=now)


def maintenance_off(svc: Services, actor: Actor, target: str, now: datetime) -> None:
    """Say that the work is over: what is still wrong and unseen is told once more."""
    require(actor, "maintenance.set")
    with svc.db.begin() as s:
        for mode in maintenance.open_modes(s):
            if mode.target != target:
                continue
            for alert in maintenance.end(s, svc.configs, mode.id, actor.username, now):
                announce_again(s, svc.configs.site(alert.site), alert, now)


def close_anomaly(svc: Services, actor: Actor, anomaly_id: str, comment: str, now: datetime) -> Anomaly:
    """Answer for a patrol anomaly."""
    require(actor, "patrol.close_anomaly")
    with svc.db.begin() as s:
        return anomalies.close(s, anomaly_id, comment=comment, actor=actor.username, now=now)


def hand_over(
    svc: Services, actor: Actor, site: str, given: handover.Given, second: Actor | None, now: datetime
) -> Handover:
    """Record a handover that both people signed: the one who is signed in, and `second` by his own password."""
    require(actor, "patrol.handover")
    if second is None or {given.given_by, given.taken_by} != {actor.username, second.username}:
        raise Invalid("A handover is signed by both people", hint="Let the other one sign", field="second_password")
    require(second, "patrol.handover")
    config = svc.configs.site(site)
    items = {item for route in config.patrol.routes for item in route.kit}
    if set(given.kit or {}) != items:
        hint = f"The kit is {', '.join(sorted(items)) or 'empty'}"
        raise Invalid("Say of every item of the kit whether it is complete", hint=hint, field="kit")
    try:
        with svc.db.begin() as s:
            return handover.hand_over(s, config, given, now)
    except IntegrityError as error:
        raise Conflict("This shift has been handed over already", hint="Look at the record") from error


def dismiss(svc: Services, actor: Actor, entry_id: str, now: datetime) -> None:
    """Take an entry off the quarantine list."""
    require(actor, "quarantine.dismiss")
    with svc.db.begin() as s:
        quarantine.dismiss(s, entry_id, actor.username, now)


def _can_carry_out(svc: Services, s: Session, username: str) -> None:
    user = s.get(User, username)
    if user is None or not user.active:
        raise Invalid(
            f"There is no active account {username!r}", hint="Choose somebody from the list", field="assignee"
        )
