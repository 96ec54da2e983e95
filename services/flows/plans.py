"""The watch over maintenance: occurrences are made, what is overdue is an alert, people hear once a day what is theirs.

One alert for a site and level, however many devices: six hundred missed checks are one thing to act on. Its ladder goes
from the engineer over the supervisor to the manager, who is told when it is a day old (ROU-27).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, EscalationStep, SiteConfig
from gateway.site.upkeep import LEVEL_NAMES
from services.alert import service as alerts
from services.equipment.tables import Equipment, MeterReading
from services.flows.plan_words import digest_text, overdue_title
from services.flows.telling import channels, clear_and_tell, off_duty, raise_and_tell, recipients
from services.kernel import timers
from services.kernel.timers import Timer, TimerHandler
from services.maintenance.generate import BATCH, generate
from services.maintenance.model import Frame
from services.maintenance.reading import Job, digests, open_jobs, overdue_of
from services.maintenance.service import frame_of
from services.maintenance.tables import MaintenanceTask
from services.notify import service as notify
from services.notify.model import Notice

WATCH_TIMER = "maintenance.watch"
RULE = "MAINTENANCE-OVERDUE"
POLICY = "maintenance"
"""The site's policy of this name, else its first; its ladder is the one below."""
LOOK_EVERY = timedelta(hours=1)
SOON = timedelta(seconds=5)
"""So long after something was done it is looked again: a phone delivers many inspections at once."""
GO_ON = timedelta(seconds=1)
"""After a long outage the watch goes on so soon with the next batch."""
DIGEST_AT = time(8)
LADDER = (
    EscalationStep(after=timedelta(0), role="engineer"),
    EscalationStep(after=timedelta(hours=8), role="supervisor"),
    EscalationStep(after=timedelta(hours=24), role="manager"),
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlanTimers:
    """The handler of the watch."""

    configs: Configs

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {WATCH_TIMER: self.watch}

    def begin(self, session: Session, now: datetime) -> None:
        """Start the watch over every site with plans; one that runs goes on at once."""
        for site, config in self.configs.sites.items():
            if config.upkeep.plans or config.upkeep.inactive:
                watch = timers.schedule(session, WATCH_TIMER, site, now)
                watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends
                watch.data = {name: value for name, value in watch.data.items() if name != "made"}

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Make what is due, say what is overdue; for ever."""
        config = self.configs.site(timer.ref)
        made = made_of(session, config, now)
        if timer.data.get("made") != made and generate(session, config, now) >= BATCH:
            timer.due_at = now + GO_ON
            return ""
        jobs = open_jobs(session, config, now, missed=False)
        look(session, config, jobs, now)
        timer.data = {**remind(session, config, jobs, timer.data, now), "made": made}
        timer.due_at = next_look(session, config, now)
        return ""


def look_soon(session: Session, site: str, now: datetime) -> None:
    """Something was done: what asked for it ends within SOON.

    Call it before tasks are written: the worker holds the timer, then tasks.
    """
    watch = session.execute(select(Timer.due_at).where(Timer.kind == WATCH_TIMER, Timer.ref == site)).scalar()
    # Nobody waits for the worker, nor puts the watch off again and again, when it is going to look anyway.
    if watch is None or not now < watch <= now + SOON:
        timers.schedule(session, WATCH_TIMER, site, now + SOON)


def made_of(session: Session, config: SiteConfig, now: datetime) -> list[Any]:
    """What occurrences are made from besides the site files; as long as it is the same, none is to be made."""
    entries = select(func.count(), func.max(Equipment.updated_at)).where(Equipment.site == config.site.id)
    readings = (
        select(func.count()).select_from(MeterReading).join(Equipment).where(Equipment.site == config.site.id)
    )  # fmt: skip
    count, changed_at = session.execute(entries).one()
    day = frame_of(config).day_of(now)
    return [day.isoformat(), count, changed_at.isoformat() if changed_at else "", session.scalar(readings)]


def next_look(session: Session, config: SiteConfig, now: datetime) -> datetime:
    """The next moment at which something opens, becomes due, or is to be told."""
    frame = frame_of(config)
    today = frame.day_of(now)
    moments = [now + LOOK_EVERY, frame.midnight(today + _DAY), _digest_at(frame, today)]
    next_due = select(func.min(MaintenanceTask.due_at)).where(
        MaintenanceTask.site == config.site.id, MaintenanceTask.state == "open", MaintenanceTask.due_at > now
    )
    due_at = session.scalar(next_due)
    if due_at is not None:
        moments.append(due_at)
    return min(one for one in moments if one > now)


def look(session: Session, config: SiteConfig, jobs: list[Job], now: datetime) -> None:
    """Raise, reword or clear the alert of each level."""
    overdue: dict[int, list[Job]] = {}
    for job in overdue_of(jobs, now):
        overdue.setdefault(job.task.level, []).append(job)
        if job.task.warned_at is None:
            job.task.warned_at = now
    for level in LEVEL_NAMES:
        target = f"{config.site.id}/maintenance-{level}"
        if level not in overdue:
            clear_and_tell(session, config, RULE, target, now, now)
            continue
        words = overdue_title(level, overdue[level])
        detail = {
            "level": level,
            "count": len(overdue[level]),
            "since": min(one.task.due_at for one in overdue[level]).isoformat(),
        }
        raised = raise_and_tell(
            session,
            config,
            alerts.Activation(
                site=config.site.id,
                rule=RULE,
                target=target,
                title=words.zh,
                title_en=words.en,
                severity="medium",
                event_at=now,
                source=f"PER-0{level}",
                requirement=f"PER-0{level}",
                policy=_policy(config),
                detail=detail,
            ),
            now,
        )
        if raised.outcome == "unchanged" and raised.alert.title != words.zh:
            raised.alert.title, raised.alert.title_en = words.zh, words.en
            raised.alert.detail = {**raised.alert.detail, **detail}


def remind(
    session: Session, config: SiteConfig, jobs: list[Job], before: Mapping[str, Any], now: datetime
) -> dict[str, str]:
    """Tell each person once a day, in the morning, what came into sight; returns what to remember.

    `before`: what the last call returned. After an outage the days without a digest are told of together.
    """
    frame = frame_of(config)
    today = frame.day_of(now)
    told_on = min(date.fromisoformat(str(before.get("told_on", today - _DAY))), today)  # our clock was ahead
    if told_on >= today or now < _digest_at(frame, today):
        return {"told_on": told_on.isoformat()}
    site = config.site.id
    link = f"{config.site.console_url}/maintenance" if config.site.console_url else ""
    people = {one.username: one for one in recipients(config, None, off_duty(session, config, now))}
    for one in digests(jobs, frame, told_on, now):
        words = digest_text(config, one, link)
        notice = Notice(
            key=f"maintenance:{site}:{one.username}:{today}",
            kind="maintenance.digest",
            site=site,
            subject_kind="system",
            subject_id=f"{site}/maintenance",
            severity="medium",
            text=words.zh,
            text_en=words.en,
            usernames=frozenset({one.username}),
        )
        told = [people[one.username]] if one.username in people else []
        notify.announce(session, notice, told, channels(config), now)
    return {"told_on": today.isoformat()}


def _digest_at(frame: Frame, day: date) -> datetime:
    return datetime.combine(day, DIGEST_AT, frame.zone)


def _policy(config: SiteConfig) -> dict[str, Any]:
    found = config.policy_by_id.get(POLICY) or next(iter(config.policies), None)
    if found is None:
        return {}
    return found.model_copy(update={"escalation": LADDER, "work_order": False}).model_dump(mode="json")
