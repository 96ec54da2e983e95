"""Test mode: announced maintenance of a panel or zone. Signals are recorded as tests and nobody is called; two people
switch it on, everybody on duty is told, and it never outlasts its end.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.fire import modes, signals
from services.fire.model import FIRE, Component
from services.fire.names import device as device_name
from services.fire.names import zone as zone_name
from services.fire.tables import FireComponent, FireIncident, FireTestMode
from services.flows import system
from services.flows.fire import incident as fire_incident
from services.flows.fire import trouble as fire_trouble
from services.flows.fire.places import building_of, care_policy
from services.flows.telling import channels, clear_and_tell, off_duty, raise_and_tell, recipients
from services.kernel import audit, timers
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.kernel.ids import new_id
from services.kernel.timers import Timer
from services.notify import service as notify
from services.notify.model import Notice
from services.people.roles import allowed_roles
from services.people.tables import User

log = logging.getLogger(__name__)

UNTIL_TIMER = "fire.test_mode"
WATCH_TIMER = "fire.test_watch"
"""Looks for what still counts as a test although no mode covers it; ref: the site. The one without step never ends,
those of a step are set by the end of a mode."""
LOOK_EVERY, LOOK_SELDOM = timedelta(minutes=1), timedelta(hours=1)
"""The watch looks often while tests hold, and for `WATCHED_AFTER` after the end of a mode; otherwise seldom."""
WATCHED_AFTER = timedelta(minutes=10)
"""So long after a mode's end a batch may still come through that was judged under it."""
_FIRST_LOOK = timedelta(seconds=5)
_AT_ONCE = 500
"""So many components are written in one statement."""
FORGOTTEN_RULE = "FIRE-TESTMODE"
COMMAND = "fire.test_mode"
"""The permission that both people need."""
_EVERYBODY = frozenset({"guard", "engineer", "duty", "supervisor", "manager"})


def begin(
    session: Session,
    config: SiteConfig,
    *,
    panel: str,
    zone: str,
    until: datetime,
    reason: str,
    actor: str,
    second: str,
    now: datetime,
) -> FireTestMode:
    """Switch test mode on for a panel, or one zone of it; raises NotFound, Invalid, Forbidden, Conflict.

    Whoever calls has made sure that both people are who they say they are.
    """
    _check_place(config, panel, zone)
    _check_until(config, until, now)
    words = reason.strip()
    if not words or len(words) > 400:
        raise Invalid("Test mode needs a reason of 1 to 400 characters", hint="Say what is tested", field="reason")
    _two_people(session, config, actor, second)
    for other in modes.not_ended(session, config.site.id):
        if other.panel == panel and other.zone in ("", zone):
            raise Conflict(
                f"Test mode {other.id} of {panel} has not been ended",
                hint="End that one first, or extend it while it runs",
                current={"id": other.id, "until": other.until.isoformat()},
            )
    _no_fire(session, config, panel)
    mode = FireTestMode(
        id=new_id(),
        site=config.site.id,
        panel=panel,
        zone=zone,
        reason=words,
        begun_at=now,
        begun_by=actor,
        second=second,
        until=until,
        ended_at=None,
        ended_by=None,
    )
    session.add(mode)
    session.flush()
    timers.schedule(session, UNTIL_TIMER, mode.id, until)
    audit.record(
        session, now, actor, "fire.test_mode.begin", mode.id,
        panel=panel, zone=zone, until=until.isoformat(), reason=words, second_actor=second,
    )  # fmt: skip
    _tell(session, config, mode, "begun", now)
    return mode


def extend(
    session: Session, config: SiteConfig, mode_id: str, *, until: datetime, actor: str, second: str, now: datetime
) -> FireTestMode:
    """Let a running test mode end later; takes two people again. One that ran out is ended and begun anew."""
    mode = _get(session, config, mode_id)
    if mode.ended_at is not None or mode.until <= now:
        raise Conflict(
            f"Test mode {mode_id} is over: signals call people again",
            hint="End it and begin a new one",
            current={"until": mode.until.isoformat(), "ended": mode.ended_at is not None},
        )
    _check_until(config, until, now)
    if until <= mode.until:
        raise Invalid("That is not later than it ends now", hint="End it instead", field="until")
    _two_people(session, config, actor, second)
    was, mode.until = mode.until, until
    session.flush()
    timers.schedule(session, UNTIL_TIMER, mode.id, until)
    audit.record(
        session, now, actor, "fire.test_mode.extend", mode.id,
        was=was.isoformat(), until=until.isoformat(), second_actor=second,
    )  # fmt: skip
    _tell(session, config, mode, "extended", now)
    return mode


def end(session: Session, config: SiteConfig, mode_id: str, *, actor: str, now: datetime) -> FireTestMode:
    """Switch it off: signals call people again, what still burns calls them now. One person may; raises Conflict."""
    mode = _get(session, config, mode_id)
    if mode.ended_at is not None:
        raise Conflict(f"Test mode {mode_id} was ended before", hint="Load the page again")
    mode.ended_at, mode.ended_by = now, actor
    session.flush()
    timers.cancel(session, [UNTIL_TIMER], mode.id, now, "ended")
    audit.record(session, now, actor, "fire.test_mode.end", mode.id, panel=mode.panel, zone=mode.zone)
    _tell(session, config, mode, "ended", now)
    clear_and_tell(session, config, FORGOTTEN_RULE, _target(mode), now, now)
    _look_and_watch(session, config, mode, "ended", now)
    return mode


def ran_out(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """Its time is over. Nobody has ended it: the panel may still be in somebody's hands, so that is an alert."""
    mode = session.get(FireTestMode, timer.ref, with_for_update=True, populate_existing=True)
    if mode is None or mode.ended_at is not None:
        return "ended"
    if mode.until > now:
        timer.due_at = mode.until
        return ""
    fires = _look_and_watch(session, config, mode, "over", now)
    place, place_en = _place(config, mode)
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=mode.site,
            rule=FORGOTTEN_RULE,
            target=_target(mode),
            title=f"{place}：测试模式到时未结束，现在起信号照常报警；请确认现场已恢复",
            title_en=f"{place_en}: test mode ran out and was not ended; signals call people again. Check the site",
            severity="high",
            event_at=mode.until,
            source="Gengfu",
            requirement=FORGOTTEN_RULE,
            policy=care_policy(config),
            detail={
                "area": _area(config, mode),
                "mode": mode.id,
                "begun_by": mode.begun_by,
                "second": mode.second,
                "reason": mode.reason,
                "tell": [mode.begun_by, mode.second],
            },
        ),
        now,
    )
    return f"not ended: alert raised, {fires} components in fire"


def _look_and_watch(session: Session, config: SiteConfig, mode: FireTestMode, why: str, now: datetime) -> int:
    until = {"until": (now + WATCHED_AFTER).isoformat()}
    # A row of its own: nobody here waits for a worker's turn.
    timers.schedule(session, WATCH_TIMER, mode.site, now + _FIRST_LOOK, step=f"{mode.id}:{why}", data=until)
    return look(session, config, now)


def look(session: Session, config: SiteConfig, now: datetime) -> int:
    """What was heard as a test, still holds and is under no mode any more is real from now on; returns the fires."""
    running = modes.active(session, config.site.id, now)
    over = [
        signals.component_of(row)
        for row in session.scalars(_tests_of(config).order_by(FireComponent.id))
        if modes.covering(running, row.panel, row.zone) is None
    ]
    if not over:
        return 0
    burning = [one for one in over if FIRE in one.holding.tests]
    fire_incident.after_test(session, config, burning, now)
    # It is no test any more: the same report again must not begin it once more.
    tests = {one.id: one.holding.tests for one in over}
    held: list[Component] = []
    for start in range(0, len(over), _AT_ONCE):
        ids = [one.id for one in over[start : start + _AT_ONCE]]
        query = select(FireComponent).where(FireComponent.id.in_(ids)).order_by(FireComponent.id).with_for_update()
        # As it stands by now: ingest may have written it since.
        for row in session.scalars(query.execution_options(populate_existing=True)):
            held.append(signals.component_of(row))
            row.tests = [one for one in row.tests if one not in tests[row.id]]
            row.test = bool(row.tests)
    session.flush()
    _settle_trouble(session, config, held, now)
    return len(burning)


def _settle_trouble(session: Session, config: SiteConfig, held: Sequence[Component], now: datetime) -> None:
    """Whatever fails here takes no fire with it."""
    try:
        with session.begin_nested():
            fire_trouble.after_test(session, config, held, now)
    except (OperationalError, InterfaceError, IntegrityError):
        raise
    except Exception as error:
        log.exception("what was heard in test mode could not be told")
        system.timer_failed(session, config, WATCH_TIMER, str(error), now)


def watch(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """Catch what a mode's end missed: a batch may be judged under a mode that ends before it is stored."""
    look(session, config, now)
    if timer.step and now >= datetime.fromisoformat(str(timer.data["until"])):
        return "watched"
    often = bool(timer.step) or session.scalar(_tests_of(config).limit(1)) is not None
    timer.due_at = now + (LOOK_EVERY if often else LOOK_SELDOM)
    return ""


def _tests_of(config: SiteConfig) -> Select[FireComponent]:
    return select(FireComponent).where(FireComponent.site == config.site.id, FireComponent.test)


def _tell(session: Session, config: SiteConfig, mode: FireTestMode, what: str, now: datetime) -> None:
    """Everybody on duty, of every role: who hears a bell must know whether it is a test."""
    place, place_en = _place(config, mode)
    clock = f"{mode.until.astimezone(ZoneInfo(config.site.timezone)):%m-%d %H:%M}"
    who, who_en = _people(config, mode)
    texts = {
        "begun": (
            f"【测试模式】{place} 至 {clock}：{mode.reason}（{who}）\n"
            "期间信号只记录、不报警；发现真实火情请立即电话报告",
            f"[TEST MODE] {place_en} until {clock}: {mode.reason} ({who_en})\n"
            "Signals are recorded and call nobody: report a real fire by telephone at once",
        ),
        "extended": (
            f"【测试模式延长】{place} 至 {clock}：{mode.reason}",
            f"[TEST MODE GOES ON] {place_en} until {clock}: {mode.reason}",
        ),
        "ended": (
            f"【测试模式结束】{place}：信号照常报警",
            f"[TEST MODE IS OVER] {place_en}: signals call people again",
        ),
    }
    text, text_en = texts[what]
    notice = Notice(
        key=f"fire_test_mode:{mode.id}:{what}:{mode.until.isoformat()}",
        kind=f"fire.test_mode.{what}",
        site=mode.site,
        subject_kind="system",
        subject_id=mode.id,
        severity="high",
        text=text,
        text_en=text_en,
        occurrence=(mode.until - mode.begun_at) // timedelta(minutes=1),  # each prolongation is news
        roles=_EVERYBODY,
    )
    people = recipients(config, None, off_duty(session, config, now))
    notify.announce(session, notice, people, channels(config), now)


def _people(config: SiteConfig, mode: FireTestMode) -> tuple[str, str]:
    found = [(name, config.person_by_username.get(name)) for name in (mode.begun_by, mode.second)]
    names = [person.name if person is not None else name for name, person in found]
    names_en = [(person.name_en or person.name) if person is not None else name for name, person in found]
    return "、".join(names), ", ".join(names_en)


def _get(session: Session, config: SiteConfig, mode_id: str) -> FireTestMode:
    mode = session.get(FireTestMode, mode_id, with_for_update=True, populate_existing=True)
    if mode is None or mode.site != config.site.id:
        raise NotFound(f"There is no test mode {mode_id}", hint="Open the fire page again")
    return mode


def _check_place(config: SiteConfig, panel: str, zone: str) -> None:
    if panel not in config.fire.panel_by_id:
        raise NotFound(f"There is no fire panel {panel!r}", hint="Choose one from the list", field="panel")
    if zone and not any(one.panel == panel for one in config.fire.points_in(zone)):
        raise NotFound(f"Panel {panel} has no points in a zone {zone!r}", hint="Choose one from the list", field="zone")


def _check_until(config: SiteConfig, until: datetime, now: datetime) -> None:
    longest: timedelta = config.fire.settings.test_mode_max
    if not now < until <= now + longest:
        hours = f"{longest.total_seconds() / 3600:g}"
        raise Invalid(
            f"Test mode cannot run until {until.isoformat()}",
            hint=f"Choose a moment after now and at most {hours} h away",
            field="until",
            test_mode_max_s=longest.total_seconds(),
        )


def _no_fire(session: Session, config: SiteConfig, panel: str) -> None:
    """While something burns, what spreads must not be taken for a test."""
    prefix = f"{config.site.id}/{panel}/"
    query = select(FireIncident).where(FireIncident.site == config.site.id, FireIncident.closed_at.is_(None))
    for row in session.scalars(query):
        if any(one.startswith(prefix) for components in row.zones.values() for one in components):
            raise Conflict(
                f"Incident {row.number} at panel {panel} is open",
                hint="Close it first, with the verdict test if it was one",
                current={"incident": row.id, "number": row.number},
            )


def _two_people(session: Session, config: SiteConfig, actor: str, second: str) -> None:
    if not second or second == actor:
        raise Forbidden(
            "Test mode takes two people: nobody switches fire alarms off alone",
            hint="Let a second person confirm with their own sign-in",
            needs_second_person=True,
        )
    for username in (actor, second):
        role = _role_of(session, config, username)
        if role not in allowed_roles(COMMAND):
            raise Forbidden(
                f"{username} ({role or 'unknown'}) may not switch test mode",
                hint=f"Ask two of: {', '.join(allowed_roles(COMMAND))}",
                username=username,
            )


def _role_of(session: Session, config: SiteConfig, username: str) -> str:
    user = session.get(User, username)
    if user is not None:
        return user.role if user.active else ""
    person = config.person_by_username.get(username)
    return person.role if person is not None else ""


def _target(mode: FireTestMode) -> str:
    return f"{mode.site}/{mode.id}"


def _area(config: SiteConfig, mode: FireTestMode) -> str | None:
    zone = config.fire.zone_by_id.get(mode.zone)
    return zone.area if zone is not None else building_of(config, mode.panel)


def _place(config: SiteConfig, mode: FireTestMode) -> tuple[str, str]:
    name, name_en = device_name(config, mode.panel)
    if not mode.zone:
        return name, name_en
    zone, zone_en = zone_name(config, mode.zone)
    return f"{name} {zone}", f"{name_en}, {zone_en}"
