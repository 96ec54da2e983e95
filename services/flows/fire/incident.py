"""From the first fire signal of a building to the call-out: opened, joined, treated as large, told, reinforced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.fire import incidents, signals
from services.fire.incident import Fact, NotConfirmed, Reported
from services.fire.model import FIRE, Change, Component, Signal
from services.fire.tables import FireCall, FireIncident, FireSignal
from services.flows.fire import telling as fire_telling
from services.flows.telling import record_late
from services.kernel import timers
from services.kernel.ids import new_id
from services.kernel.timers import Timer
from services.kernel.upsert import insert_missing
from services.patrol import roster

CONFIRM_TIMER = "fire.confirm"
"""Due when an incident should have been confirmed on the spot."""
TIER_TIMER = "fire.tier"
"""Due when the next level of the reinforcement is called, unless somebody has accepted; step: its number from 0."""
DIGEST_TIMER = "fire.digest"
"""Due when what came since the last message is told together; step: how many signals had been told before."""
TIMERS = (CONFIRM_TIMER, TIER_TIMER, DIGEST_TIMER)


def hear(
    session: Session,
    config: SiteConfig,
    fires: Mapping[str, Sequence[Change]],
    open_now: dict[str, FireIncident],
    now: datetime,
    late_after: timedelta,
) -> None:
    """Reports of fire by building: they open an incident or join the open one; `open_now` gains what was opened."""
    for building, changes in fires.items():
        reported = Reported(
            tuple((one.component.zone, one.component.id) for one in changes),
            tuple(place for place, one in enumerate(changes) if one.signal.is_line),
        )
        row = open_now.get(building)
        if row is None:
            row = open_now[building] = _new(session, config, building, changes[0].signal, now)
            if not row.signals:  # otherwise another process was faster, and this joins what it opened
                _open(session, config, row, changes, reported, now, late_after)
                continue
        was_told = row.signals <= row.told
        facts = incidents.change(session, row, reported, now)
        if Fact.WENT_LARGE in facts:
            _went_large(session, config, row, now)
        if was_told:
            due_at = now + config.fire.settings.digest_every
            timers.schedule(session, DIGEST_TIMER, row.id, due_at, step=str(row.told))
        fire_telling.retitle(session, row)


def _new(session: Session, config: SiteConfig, building: str, first: Signal, now: datetime) -> FireIncident:
    zone = ZoneInfo(config.site.timezone)
    heard_at = first.at.isoformat()
    return incidents.open_one(
        session, config.site.id, building, config.fire.response, first.id, zone, now, heard_at=heard_at
    )


def _open(
    session: Session,
    config: SiteConfig,
    row: FireIncident,
    changes: Sequence[Change],
    reported: Reported,
    now: datetime,
    late_after: timedelta,
) -> None:
    first, response = changes[0].signal, config.fire.response
    facts = incidents.change(session, row, reported, now)
    words = fire_telling.where(config, first.component, changes[0].component.zone, first.text)
    fire_telling.raise_alarm(session, config, row, words, first.at, now, late_after)
    row.told = row.signals
    called = {*response.squad, *_guards(session, config, now)}
    call_out(session, row, called, 0, now)
    if row.stage == "unconfirmed":
        timers.schedule(session, CONFIRM_TIMER, row.id, row.confirm_by)
    for number, tier in enumerate(response.tiers):
        timers.schedule(session, TIER_TIMER, row.id, now + tier.after, step=str(number))
    if Fact.WENT_LARGE in facts:
        _went_large(session, config, row, now)
    session.flush()


def _guards(session: Session, config: SiteConfig, now: datetime) -> list[str]:
    """The guards on duty; all of them where nobody knows who is."""
    on_duty = [one.username for one in roster.on_duty(session, config, now) if one.role == "guard"]
    return on_duty or [one.username for one in config.people_with("guard")]


def call_out(session: Session, row: FireIncident, usernames: Iterable[str], tier: int, now: datetime) -> list[str]:
    """Write down who is called; returns those who had not been called before."""
    new: list[str] = []
    for username in sorted(set(usernames)):
        call = {
            "incident_id": row.id,
            "username": username,
            "tier": tier,
            "called_at": now,
            "accepted_at": None,
            "arrived_at": None,
            "arrived_by": "",
            "tap_id": None,
        }
        if insert_missing(session, FireCall, call, ("incident_id", "username")):
            new.append(username)
    if new:
        incidents.note(session, row, "called", now, usernames=new, tier=tier)
    return new


def _went_large(session: Session, config: SiteConfig, row: FireIncident, now: datetime) -> None:
    timers.cancel(session, [CONFIRM_TIMER], row.id, now, f"large: {row.reason}")
    fire_telling.tell_stage(session, config, row, now)


def not_confirmed(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """The time to confirm on the spot is over: what nobody has looked at is treated as large (AMB-24)."""
    row = incidents.get(session, timer.ref)
    facts = incidents.change(session, row, NotConfirmed(), now)
    if Fact.WENT_LARGE not in facts:
        return f"already {row.stage}"
    _went_large(session, config, row, now)
    return "treated as large"


def call_tier(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """The next level is called when nobody of the earlier ones has accepted (ROU-35)."""
    row = incidents.get(session, timer.ref)
    if row.closed_at is not None:
        return "closed"
    accepted = [one.username for one in incidents.calls(session, row.id) if one.accepted_at is not None]
    if accepted:
        return f"accepted by {accepted[0]}"
    number = int(timer.step)
    tiers = incidents.plan_of(row).tiers
    tier = tiers[number]
    called = {one.username for role in tier.roles for one in config.people_with(role)} | set(tier.people)
    call_out(session, row, called, number + 1, now)
    if not called:
        return "nobody has this role"
    fire_telling.tell_called(session, config, row, called, number + 1, now)
    return f"called {len(called)}"


def digest(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """Tell together what came since the last message."""
    row = incidents.get(session, timer.ref)
    if row.closed_at is not None:
        return "closed"
    if row.signals <= row.told:
        return "nothing new"
    events = incidents.events_of(incidents.history(session, row.id))
    fires = [one for event in events if isinstance(event, Reported) for one in event.fires]
    new = fires[row.told :]
    fire_telling.tell_digest(session, config, row, new, now)
    row.told = row.signals
    return f"told {len(new)} signals"


def note_reset(session: Session, row: FireIncident, signal: Signal, ended: int, now: datetime) -> None:
    """The panel was reset while the incident goes on."""
    row.reset_at = signal.at
    incidents.note(session, row, "reset", now, panel=signal.panel, signal=signal.id, ended=ended)


def note_past(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """A fire that began and ended before we heard of it: on the list, and nobody is paged about the past."""
    first = changes[0]
    words, words_en = fire_telling.where(config, first.component.id, first.component.zone, first.signal.text)
    count = f" 等 {len(changes)} 个信号" if len(changes) > 1 else ""
    count_en = f" and {len(changes) - 1} more signals" if len(changes) > 1 else ""
    target = f"{config.site.id}/{new_id()}"
    raised = alerts.raise_alert(
        session,
        alerts.Activation(
            site=config.site.id,
            rule=fire_telling.ALARM_RULE,
            target=target,
            title=f"迟到的火警（已复位）：{words}{count}，请核实",
            title_en=f"Fire alarm heard late, already over: {words_en}{count_en}. Find out what it was",
            severity="critical",
            event_at=first.signal.at,
            source="ROU-30, ROU-31",
            requirement="AMB-24",
            late=True,
            policy=fire_telling.policy_of(config, "fire"),
            detail={"area": first.component.building or None, "signals": [one.signal.id for one in changes[:50]]},
        ),
        now,
    )
    record_late(session, config, raised.alert, now)
    alerts.clear_alert(session, fire_telling.ALARM_RULE, target, now, None, now)


def after_test(
    session: Session,
    config: SiteConfig,
    burning: Iterable[Component],
    now: datetime,
    late_after: timedelta = timedelta(minutes=5),
) -> None:
    """What reported fire in test mode and still burns when that is over is a fire, from now on."""
    fires: dict[str, list[Change]] = {}
    for component in burning:
        row = session.get(FireSignal, component.signal_id)
        if row is not None:
            change = Change(component, replace(signals.stored(row), at=now), began=(FIRE,))
            fires.setdefault(component.building, []).append(change)
    open_now = incidents.find_open(session, config.site.id, sorted(fires))
    hear(session, config, fires, open_now, now, late_after)
