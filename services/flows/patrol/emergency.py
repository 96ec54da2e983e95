"""What waits for no round's verdict: cries for help, reported incidents, guards who do not answer; duty on and off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.flows.telling import raise_and_tell
from services.kernel import audit, timers
from services.kernel.errors import Invalid
from services.kernel.timers import Timer
from services.patrol import roster
from services.patrol.planning import shifts
from services.patrol.tables import DutyTime, Incident, TapRow
from services.people.passwords import Hasher
from services.people.tables import DutyPin
from services.work_order import service as work_orders

Kind = Literal["incident", "sos", "duress", "man_down"]
CHECK_IN_TIMER = "patrol.check_in"
"""Due when a guard on a lone round has not tapped for too long: he is asked whether he is well."""
MAN_DOWN_TIMER = "patrol.man_down"
"""Due when he has not answered that; while it is open his phone asks."""
SOS_RULE, DURESS_RULE, MAN_DOWN_RULE, INCIDENT_RULE = "PATROL-SOS", "PATROL-DURESS", "PATROL-MANDOWN", "PATROL-INCIDENT"
MOMENTARY = frozenset({SOS_RULE, DURESS_RULE, MAN_DOWN_RULE, INCIDENT_RULE})
"""Alerts about something that happened: over, or latched, as soon as somebody has seen them."""
SEEN_TO = frozenset({"PATROL-MISSED", "PATROL-SHORT", "PATROL-HANDOVER", "PATROL-FINDING", "PATROL-TAG"})
"""Alerts that are over when somebody has seen them and their order, if any, is closed."""
PIN_DIGITS = 4
_EVERYBODY = ["guard", "engineer", "duty", "supervisor", "manager"]
_RULES: dict[Kind, tuple[str, Severity, str, str, str]] = {
    "incident": (INCIDENT_RULE, "medium", "patrol_finding", "巡更上报：{what}", "Reported on patrol: {what}"),
    "sos": (SOS_RULE, "critical", "patrol_sos", "{who} 紧急求助", "{who} calls for help"),
    "duress": (DURESS_RULE, "critical", "patrol_sos", "{who} 被胁迫签退", "{who} signed off under duress"),
    "man_down": (
        MAN_DOWN_RULE,
        "critical",
        "patrol_sos",
        "{who} 独自巡更无应答",
        "{who} does not answer on a lone round",
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """Something that a guard, or our watch over him, reports."""

    client_id: str
    kind: Kind
    by: str
    at: datetime
    checkpoint: str | None = None
    category: str = ""
    note: str = ""
    photos: tuple[str, ...] = ()
    delivered_by: str = ""
    """Who was signed in when it was delivered, if somebody else."""


def report(session: Session, config: SiteConfig, told: Report, now: datetime) -> Incident:
    """Write an incident down and raise its alert; the same `client_id` again changes nothing.

    A cry for help pages everybody on duty at once and stays until it is reset by hand, however late it arrives.
    """
    key = f"{config.site.id}/{told.client_id}"
    known = session.get(Incident, key)
    if known is not None:
        return known
    place = told.checkpoint or last_place(session, config, told.by)
    incident = Incident(
        id=key,
        site=config.site.id,
        kind=told.kind,
        by=told.by,
        at=told.at,
        received_at=now,
        checkpoint=place,
        category=told.category,
        note=told.note,
        photos=list(told.photos),
        alert_id=None,
    )
    session.add(incident)
    session.flush()
    _raise(session, config, incident, now)
    audit.record(session, now, told.delivered_by or told.by, f"patrol.{told.kind}", key, checkpoint=place, by=told.by)
    return incident


def last_place(session: Session, config: SiteConfig, username: str) -> str | None:
    """The checkpoint somebody was last at."""
    return session.scalar(
        select(TapRow.checkpoint)
        .where(TapRow.site == config.site.id, TapRow.guard == username, TapRow.checkpoint.is_not(None))
        .order_by(TapRow.at.desc())
        .limit(1)
    )


def _raise(session: Session, config: SiteConfig, incident: Incident, now: datetime) -> None:
    rule, severity, policy_id, title, title_en = _RULES[incident.kind]  # type: ignore[index]
    person = config.person_by_username.get(incident.by)
    who, who_en = (person.name, person.name_en or person.name) if person else (incident.by, incident.by)
    point = config.patrol.checkpoint(incident.checkpoint or "")
    at, at_en = (f"（{point.name}）", f" ({point.name_en or point.name})") if point else ("", "")
    what = incident.note[:80] or incident.category or "异常情况"
    what_en = incident.note[:80] or incident.category or "something is wrong"
    single = incident.kind == "incident"
    owner = next(iter(config.people_with("engineer", point.area)), None) if point else None
    policy = config.policy(policy_id)
    raised = raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=rule,
            target=incident.id,
            title=title.format(who=who, what=what) + at,
            title_en=title_en.format(who=who_en, what=what_en) + at_en,
            severity=severity,
            event_at=min(incident.at, now),
            source="Gengfu",
            requirement=rule,
            latching=policy.latching,
            policy=policy.model_dump(mode="json"),
            detail={
                "area": point.area if point else None,
                "checkpoint": incident.checkpoint,
                "incident": incident.id,
                "guard": incident.by,
                "assignee": owner.username if owner else None,
            }
            | ({} if single else {"tell_roles": _told_at_once(incident.kind)}),
        ),
        now,
    )
    incident.alert_id = raised.alert.id


def _told_at_once(kind: str) -> list[str]:
    """Everybody; of duress not the guards, beside whom somebody may be standing."""
    return [role for role in _EVERYBODY if kind != "duress" or role != "guard"]


def checked_in(
    session: Session, config: SiteConfig, username: str, now: datetime, *, at: datetime | None = None
) -> bool:
    """The guard says that he is well: the question is settled, the watch goes on; False when nobody had asked.

    `at`: when he said so; what he said before he was asked answers nothing.
    """
    ref = f"{config.site.id}/{username}"
    question = session.scalar(
        select(Timer).where(Timer.kind == MAN_DOWN_TIMER, Timer.ref == ref, Timer.done_at.is_(None)).limit(1)
    )
    if question is None:
        return False
    asked_at = datetime.fromisoformat(str(question.data.get("since", now.isoformat())))
    if at is not None and at < asked_at:
        return False
    timers.cancel(session, [MAN_DOWN_TIMER], ref, now, "checked in", wait=True)
    audit.record(session, now, username, "patrol.check_in", ref)
    due_at = now + config.patrol.settings.lone_grace
    data = {"tap": question.data.get("tap", "")}
    timers.schedule(session, CHECK_IN_TIMER, ref, due_at, step=f"after {to_ms(now)}", data=data)
    return True


def settle_seen(session: Session, config: SiteConfig, now: datetime) -> None:
    """End what happened rather than lasts once somebody has seen it, and what an order saw to once that is closed.

    A cry for help then stays latched until it is reset by hand.
    """
    for alert in alerts.open_alerts(session, config.site.id):
        if not alert.active or alert.acked_occurrence < alert.occurrence:
            continue
        seen_to = alert.rule in SEEN_TO and work_orders.open_for_alert(session, alert.id) is None
        if alert.rule in MOMENTARY or seen_to:
            alerts.clear_alert(session, alert.rule, alert.target, now, None, now)


def sign_on(
    session: Session, config: SiteConfig, username: str, client_id: str, now: datetime, *, delivered_by: str = ""
) -> DutyTime:
    """Somebody begins duty; being on duty already, or the same `client_id` again, changes nothing."""
    site = config.site.id
    known = session.get(DutyTime, f"{site}/{client_id}") or _open(session, site, username)
    if known is not None and (known.off_at is not None or now - known.on_at < roster.FORGOTTEN_AFTER):
        return known
    if known is not None:
        known.off_at = known.on_at + roster.FORGOTTEN_AFTER
        session.flush()
    running = [one for one in shifts.instance_at(config, to_ms(now)) if username in one.people]
    duty = DutyTime(
        id=f"{site}/{client_id}",
        site=site,
        username=username,
        shift=running[0].id if running else "",
        on_at=now,
        off_at=None,
        duress=False,
    )
    session.add(duty)
    session.flush()
    audit.record(session, now, delivered_by or username, "patrol.sign_on", duty.id, username=username)
    return duty


def sign_off(
    session: Session, config: SiteConfig, username: str, client_id: str, pin: str, hasher: Hasher, now: datetime
) -> DutyTime:
    """End duty with the personal code. Its duress twin does the same to the eye, and calls everybody.

    Raises Invalid for a wrong code or when none is set.
    """
    site = config.site.id
    known = session.get(DutyTime, f"{site}/off-{client_id}")
    if known is not None:
        return known
    own = session.get(DutyPin, username)
    # Both are always compared, so that the answer takes as long either way.
    fits = hasher.verify(own.pin_hash if own else None, pin)
    forced = hasher.verify(own.duress_hash if own else None, pin)
    if not fits and not forced:
        raise Invalid("The code is wrong", hint="Enter the four digits you chose for signing off", field="pin")
    duty = _open(session, site, username)
    if duty is None:
        duty = DutyTime(
            id=f"{site}/off-{client_id}", site=site, username=username, shift="", on_at=now, off_at=None, duress=False
        )
        session.add(duty)
    duty.off_at = now
    session.flush()
    ref = f"{site}/{username}"
    timers.cancel(session, [CHECK_IN_TIMER, MAN_DOWN_TIMER], ref, now, "signed off", wait=True)
    audit.record(session, now, username, "patrol.sign_off", duty.id)
    if forced:
        duty.duress = True
        report(session, config, Report(f"duress-{client_id}", "duress", username, now), now)
    return duty


def set_pin(session: Session, username: str, pin: str, hasher: Hasher, now: datetime) -> None:
    """Choose the code for signing off; its duress twin is the one with the last digit one higher. Raises Invalid."""
    if len(pin) != PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        raise Invalid(f"The code has {PIN_DIGITS} digits", hint="Digits only", field="pin")
    twin = pin[:-1] + str((int(pin[-1]) + 1) % 10)
    session.merge(DutyPin(username=username, pin_hash=hasher.hash(pin), duress_hash=hasher.hash(twin), set_at=now))
    audit.record(session, now, username, "patrol.set_pin", username)


def _open(session: Session, site: str, username: str) -> DutyTime | None:
    return session.scalar(
        select(DutyTime).where(DutyTime.site == site, DutyTime.username == username, DutyTime.off_at.is_(None))
    )
