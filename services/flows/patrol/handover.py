"""交接班 (PER-62): what one shift gives the next; a change of shifts without it raises an alert."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.flows.telling import clear_and_tell, raise_and_tell
from services.kernel import audit, timers
from services.kernel.errors import Conflict, Invalid
from services.kernel.timers import Timer
from services.patrol.planning import shifts
from services.patrol.planning.shifts import ShiftInstance
from services.patrol.tables import Handover

HANDOVER_TIMER = "patrol.handover"
HANDOVER_RULE = "PATROL-HANDOVER"
EARLIEST = timedelta(minutes=30)
"""A shift may take over so long before it begins."""
LATEST = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Given:
    """What is handed over."""

    shift: str
    """The shift instance that takes over."""
    given_by: str
    taken_by: str
    hazards: str = ""
    keys: str = ""
    kit: Mapping[str, bool] | None = None
    """Item → complete or not (SEC-13)."""
    note: str = ""


def plan(session: Session, config: SiteConfig, start: datetime, end: datetime) -> None:
    """Set a clock for every change of shifts in [start, end)."""
    within = config.patrol.settings.handover_within
    for shift in shifts.instances(config, to_ms(start), to_ms(end)):
        declared = config.patrol.shift(shift.id.partition("@")[0])
        if declared is not None and declared.handover and from_ms(shift.start_ms) >= start:
            due_at = from_ms(shift.start_ms) + within
            timers.schedule(session, HANDOVER_TIMER, f"{config.site.id}/{shift.id}", due_at)


def waiting(session: Session, config: SiteConfig, now: datetime) -> list[ShiftInstance]:
    """Shift instances that have taken over, or are about to, without a handover."""
    near = shifts.instances(config, to_ms(now - LATEST), to_ms(now + EARLIEST))
    done = set(
        session.scalars(select(Handover.id).where(Handover.site == config.site.id, Handover.at > now - 2 * LATEST))
    )
    found = []
    for shift in near:
        declared = config.patrol.shift(shift.id.partition("@")[0])
        recent = from_ms(shift.start_ms) >= now - LATEST
        if declared is not None and declared.handover and recent and f"{config.site.id}/{shift.id}" not in done:
            found.append(shift)
    return found


def hand_over(session: Session, config: SiteConfig, given: Given, now: datetime) -> Handover:
    """Record a handover with every alert that is open, ending the one about its absence; raises Conflict, Invalid."""
    key = f"{config.site.id}/{given.shift}"
    if session.get(Handover, key) is not None:
        raise Conflict("This shift has been handed over already", hint="Look at the record", shift=given.shift)
    if given.shift not in {one.id for one in waiting(session, config, now)}:
        raise Invalid(f"No handover to {given.shift} is due", hint="Choose one from the list", field="shift")
    if given.given_by == given.taken_by:
        raise Invalid("A handover takes two people", hint="Let the person taking over sign", field="taken_by")
    for field, who in (("given_by", given.given_by), ("taken_by", given.taken_by)):
        if who not in config.person_by_username:
            raise Invalid(f"There is no account {who!r} at this site", hint="Choose one from the list", field=field)
    row = Handover(
        id=key,
        site=config.site.id,
        shift=given.shift,
        at=now,
        given_by=given.given_by,
        taken_by=given.taken_by,
        open_alerts=[one.id for one in alerts.open_alerts(session, config.site.id) if one.rule != HANDOVER_RULE],
        hazards=given.hazards,
        keys=given.keys,
        kit=dict(given.kit or {}),
        note=given.note,
    )
    session.add(row)
    session.flush()
    audit.record(session, now, given.taken_by, "patrol.handover", key, given_by=given.given_by)
    timers.cancel(session, [HANDOVER_TIMER], key, now, "handed over", wait=True)
    clear_and_tell(session, config, HANDOVER_RULE, key, now, now)
    return row


def check(session: Session, config: SiteConfig, timer: Timer, now: datetime, late_after: timedelta) -> str:
    """Its time has come: is there a handover?"""
    if session.get(Handover, timer.ref) is not None:
        return "handed over"
    shift = config.patrol.shift(timer.ref.partition("/")[2].partition("@")[0])
    if shift is None:
        return "the shift was taken out of the plan"
    known = session.scalar(select(Alert.id).where(Alert.rule == HANDOVER_RULE, Alert.target == timer.ref))
    if known is not None:
        return "raised before"
    policy = config.policy("patrol_handover")
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=HANDOVER_RULE,
            target=timer.ref,
            title=f"{shift.name}未按时交接班",
            title_en=f"No handover to the {shift.name_en or shift.name}",
            severity="medium",
            event_at=timer.due_at,
            source="PER-62",
            requirement="PER-62",
            late=now - timer.due_at > late_after,
            policy=policy.model_dump(mode="json"),
            detail={"shift": timer.ref.partition("/")[2]},
        ),
        now,
    )
    return "no handover: alert raised"
