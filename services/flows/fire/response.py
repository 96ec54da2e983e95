"""What people do in an incident: accept, arrive, grade, tick off, call, remark, close. Each with who and when."""

from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig, UnknownId
from services.alert import service as alerts
from services.fire import incidents
from services.fire.incident import GRADES, VERDICTS, Closed, Graded, Verdict
from services.fire.tables import FireCall, FireIncident, FireStep
from services.flows.fire import telling as fire_telling
from services.flows.fire.incident import CONFIRM_TIMER, TIMERS, call_out
from services.kernel import audit, timers
from services.kernel.errors import Invalid, NotFound
from services.patrol.rounds import REFUSED
from services.patrol.tables import TapRow

T = TypeVar("T", bound=str)
LONGEST = 2000
"""Characters of a note, remark or cause."""


def accept(session: Session, config: SiteConfig, incident_id: str, *, actor: str, now: datetime) -> FireCall:
    """«I am coming»; who was not called joins. Again changes nothing."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    call = _call_of(session, row, actor, now)
    if call.accepted_at is None:
        call.accepted_at = now
        _note(session, row, "accepted", actor, now)
    return call


def arrive(
    session: Session,
    config: SiteConfig,
    incident_id: str,
    *,
    actor: str,
    now: datetime,
    by: Literal["app", "tap"] = "app",
    tap_id: str | None = None,
) -> FireCall:
    """«I am there», said in the app or proved by a tap. Again changes nothing."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    return _arrived(session, row, actor, now, now, by, tap_id)


def _arrived(
    session: Session, row: FireIncident, username: str, at: datetime, now: datetime, by: str, tap_id: str | None
) -> FireCall:
    call = _call_of(session, row, username, now)
    if call.arrived_at is None:
        call.arrived_at, call.arrived_by, call.tap_id = at, by, tap_id
        call.accepted_at = call.accepted_at or at
        _note(session, row, "arrived", username, now, by=by, at=at.isoformat(), tap=tap_id)
    return call


def _call_of(session: Session, row: FireIncident, username: str, now: datetime) -> FireCall:
    call = session.get(FireCall, (row.id, username))
    if call is None:  # he was not called and comes all the same
        call = FireCall(
            incident_id=row.id,
            username=username,
            tier=0,
            called_at=now,
            accepted_at=None,
            arrived_at=None,
            arrived_by="",
            tap_id=None,
        )
        session.add(call)
        session.flush()
    return call


def grade(
    session: Session, config: SiteConfig, incident_id: str, *, actor: str, now: datetime, grade: str, note: str = ""
) -> FireIncident:
    """Say how bad it is; from large to small only with a note. The same grade again changes nothing."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    wanted = _one_of(grade, GRADES, "grade")
    words = _words(note, "note", needed=wanted == "small" and row.stage == "large")
    if not incidents.change(session, row, Graded(wanted, words), now, actor=actor):
        return row
    timers.cancel(session, [CONFIRM_TIMER], row.id, now, f"graded {wanted} by {actor}")
    _see(session, row, actor, now)
    fire_telling.tell_stage(session, config, row, now, note=words)
    audit.record(session, now, actor, "fire.grade", row.id, grade=wanted, note=words)
    session.flush()
    return row


def finish_step(
    session: Session,
    config: SiteConfig,
    incident_id: str,
    *,
    actor: str,
    now: datetime,
    plan: str,
    step: str,
    not_needed: bool = False,
    note: str = "",
) -> FireStep:
    """Tick a line of the plan off, or say with a note why it is not needed. Again changes nothing."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    line = session.get(FireStep, (row.id, plan, step))
    if line is None:
        raise NotFound(
            f"Incident {row.number} has no step {plan}/{step}",
            hint="A grade brings its steps: load the incident again",
            plan=plan,
            step=step,
        )
    if line.done_at is not None:
        return line
    words = _words(note, "note", needed=not_needed)
    line.done_at, line.done_by, line.not_needed, line.note = now, actor, not_needed, words
    _note(session, row, "step", actor, now, plan=plan, step=step, not_needed=not_needed, note=words)
    return line


def call(
    session: Session, config: SiteConfig, incident_id: str, *, actor: str, now: datetime, username: str
) -> FireCall:
    """Call somebody by name, again if need be."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    if username not in config.person_by_username:
        raise NotFound(f"Nobody is called {username!r} here", hint="Choose somebody of the site", username=username)
    if not call_out(session, row, [username], 0, now):
        incidents.note(session, row, "called", now, actor=actor, usernames=[username], tier=0)
    fire_telling.tell_called(session, config, row, [username], 0, now)
    audit.record(session, now, actor, "fire.call", row.id, username=username)
    session.flush()
    return session.get_one(FireCall, (row.id, username))


def comment(
    session: Session, config: SiteConfig, incident_id: str, *, actor: str, now: datetime, text: str
) -> FireIncident:
    """Add a remark to the history, also of a closed incident."""
    row = incidents.get(session, incident_id, site=config.site.id)
    _note(session, row, "comment", actor, now, text=_words(text, "text", needed=True))
    return row


def close(
    session: Session, config: SiteConfig, incident_id: str, *, actor: str, now: datetime, verdict: str, cause: str
) -> FireIncident:
    """Say what it was: 真实, 误报 or 测试, and why. Its alert is over with it."""
    row = incidents.get_open(session, incident_id, site=config.site.id)
    said: Verdict = _one_of(verdict, VERDICTS, "verdict")
    words = _words(cause, "cause", needed=True)
    incidents.change(session, row, Closed(said, words), now, actor=actor)
    row.told = row.signals
    timers.cancel(session, list(TIMERS), row.id, now, f"closed by {actor}")
    _end_alert(session, row, actor, now)
    fire_telling.tell_closed(session, config, row, actor, now)
    audit.record(session, now, actor, "fire.close", row.id, verdict=said, cause=words, number=row.number)
    session.flush()
    return row


def _see(session: Session, row: FireIncident, actor: str, now: datetime) -> None:
    """Whoever grades it has seen its alert: the next level need not hear that nobody has."""
    alert = alerts.find_open(session, fire_telling.ALARM_RULE, fire_telling.target_of(row))
    if alert is not None and alert.acked_occurrence < alert.occurrence:
        alerts.acknowledge(session, alert.id, occurrence=alert.occurrence, actor=actor, now=now)


def _end_alert(session: Session, row: FireIncident, actor: str, now: datetime) -> None:
    """Whoever says what it was has seen it and looked: the alert is cleared, acknowledged and reset in one."""
    target = fire_telling.target_of(row)
    alert = alerts.find_open(session, fire_telling.ALARM_RULE, target)
    if alert is None:
        return
    alerts.clear_alert(session, fire_telling.ALARM_RULE, target, now, None, now)
    alerts.acknowledge(session, alert.id, occurrence=alert.occurrence, actor=actor, now=now)
    alerts.reset(session, alert.id, actor=actor, now=now)
    if alert.closed_at is None:  # two people had put it aside
        alerts.withdraw(session, alert.id, f"incident {row.number} was closed", now, actor=actor)


def tapped(session: Session, config: SiteConfig, tap: TapRow, now: datetime) -> None:
    """A tap at a checkpoint of a zone that reports fire proves that somebody has arrived."""
    if tap.guard is None or tap.checkpoint is None or tap.verdict == REFUSED:
        return
    for row in incidents.open_at(session, config.site.id):
        if tap.at < row.opened_at or not _near(config, row, tap.checkpoint):
            continue
        locked = incidents.get(session, row.id)
        if locked.closed_at is None:
            _arrived(session, locked, tap.guard, tap.at, now, "tap", tap.id)


def _near(config: SiteConfig, row: FireIncident, checkpoint: str) -> bool:
    """The checkpoint belongs to a zone of the incident; where no zone is known, to its building."""
    point = config.patrol.checkpoint(checkpoint)
    if point is None:
        return False
    for zone_id in row.zones:
        zone = config.fire.zone_by_id.get(zone_id)
        if zone is not None and zone.checkpoints:
            if checkpoint in zone.checkpoints:
                return True
            continue
        area = zone.area if zone is not None else row.building
        if area and _within(config, point.area, area):
            return True
    return False


def _within(config: SiteConfig, inner: str, outer: str) -> bool:
    try:
        return config.within(inner, (outer,))
    except UnknownId:
        return False


def _note(session: Session, row: FireIncident, kind: str, actor: str, now: datetime, **data: Any) -> None:
    incidents.note(session, row, kind, now, actor=actor, **data)
    audit.record(session, now, actor, f"fire.{kind}", row.id, **data)
    session.flush()


def _one_of(word: str, words: tuple[T, ...], field: str) -> T:
    for one in words:
        if word == one:
            return one
    raise Invalid(f"{word!r} is no {field}", hint=f"One of {', '.join(words)}", field=field)


def _words(text: str, field: str, *, needed: bool) -> str:
    cut = text.strip()
    if needed and not cut:
        raise Invalid(f"This needs a {field}", hint="Say why in a few words; the record keeps them", field=field)
    if len(cut) > LONGEST:
        raise Invalid(f"{len(cut)} characters are too many", hint=f"Use at most {LONGEST}", field=field)
    return cut
