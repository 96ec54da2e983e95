"""Requirements on visits as they stand now: breaches raise alerts, visits end them, late evidence takes them back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, PatrolRule
from services.alert import service as alerts
from services.flows.patrol.rounds import take_back
from services.flows.telling import clear_and_tell, raise_and_tell
from services.patrol import anomalies, roster
from services.patrol.judging.requirements import Breach, BreachKind, Visit, judge, next_due, subjects
from services.patrol.rounds import REFUSED, watermark
from services.patrol.tables import Anomaly, PatrolWatermark, TapRow

GAP_RULE = "PATROL-GAP"
ROSTER_RULE = "PATROL-ROSTER"
LOOK_BACK = {
    "max_gap": timedelta(days=2),
    "daily": timedelta(days=3),
    "weekly": timedelta(days=15),
    "spot_check": timedelta(days=15),
}
"""Late evidence older than this changes no requirement any more."""
SELDOM = timedelta(hours=1)


def look(
    session: Session,
    config: SiteConfig,
    now: datetime,
    late_after: timedelta,
    *,
    checkpoint: str | None = None,
    role: str | None = None,
) -> datetime:
    """Judge every requirement whose time has come, or those on one checkpoint because somebody (`role`) was there.

    Returns when the next one may be broken; an hour from now when none will be before.
    """
    soonest = now + SELDOM
    for rule in config.patrol.rules:
        if role is not None and rule.roles and role not in rule.roles:
            continue
        for subject in subjects(rule, config.patrol):
            if checkpoint is not None and not _concerns(rule, subject, checkpoint):
                continue
            mark = _mark(session, config.site.id, rule, subject, now)
            if checkpoint is not None or mark.until <= now:
                _judge(session, config, rule, subject, mark, now, late_after)
            soonest = min(soonest, mark.until)
    if checkpoint is None:
        _look_at_roster(session, config, now)
    return soonest


def _concerns(rule: PatrolRule, subject: Checkpoint | None, checkpoint: str) -> bool:
    if subject is not None:
        return subject.id == checkpoint
    return not rule.checkpoints or checkpoint in rule.checkpoints


def _mark(session: Session, site: str, rule: PatrolRule, subject: Checkpoint | None, now: datetime) -> PatrolWatermark:
    what = f"rule:{rule.id}:{subject.id if subject else ''}"
    return watermark(session, site, what, now)


def _judge(
    session: Session,
    config: SiteConfig,
    rule: PatrolRule,
    subject: Checkpoint | None,
    mark: PatrolWatermark,
    now: datetime,
    late_after: timedelta,
) -> None:
    back = max(LOOK_BACK[rule.kind], 2 * (rule.max_gap or timedelta(0)))
    since = max(mark.since, now - back)
    zone = ZoneInfo(config.site.timezone)
    # Where any checkpoint will do, what was before is every tap of the site, and proves nothing more.
    visits = _visits(session, config, rule, subject, since - back if subject else since, now)
    found = judge(rule, subject, visits, to_ms(since), to_ms(now), zone)
    _note_anomalies(session, config, rule, subject, found, since, now)
    _settle(
        session, config, rule, subject, mark, [one for one in found if one.kind == BreachKind.BREACH], now, late_after
    )
    due_ms = next_due(rule, subject, visits, to_ms(now), zone, since_ms=to_ms(mark.since))
    soon = from_ms(due_ms) if due_ms is not None else now + SELDOM
    # A millisecond later, because at the moment itself a visit is still in time.
    mark.until = soon + timedelta(milliseconds=1) if soon >= now else now + SELDOM


def _visits(
    session: Session, config: SiteConfig, rule: PatrolRule, subject: Checkpoint | None, since: datetime, now: datetime
) -> list[Visit]:
    query = select(TapRow.at, TapRow.guard, TapRow.role, TapRow.checkpoint, TapRow.id).where(
        TapRow.site == config.site.id, TapRow.at >= since, TapRow.at <= now, TapRow.verdict != REFUSED
    )
    places = [subject.id] if subject else rule.checkpoints or [one.id for one in config.patrol.checkpoints]
    query = query.where(TapRow.checkpoint.in_(places))
    if rule.roles:
        query = query.where(TapRow.role.in_([str(one) for one in rule.roles]))
    return [Visit(to_ms(at), guard, of, place or "", key) for at, guard, of, place, key in session.execute(query)]


def _note_anomalies(
    session: Session,
    config: SiteConfig,
    rule: PatrolRule,
    subject: Checkpoint | None,
    found: Sequence[Breach],
    since: datetime,
    now: datetime,
) -> None:
    site = config.site.id
    prefix = f"{rule.id}:{subject.id if subject else ''}:"
    wanted = {f"{prefix}{one.from_ms}": one for one in found}
    known = session.scalars(
        select(Anomaly).where(
            Anomaly.site == site,
            Anomaly.kind == "gap",
            Anomaly.ref.startswith(prefix, autoescape=True),
            Anomaly.at >= since,
            Anomaly.withdrawn_at.is_(None),
            Anomaly.closed_at.is_(None),
        )
    )
    for old in list(known):
        if old.ref not in wanted:
            anomalies.withdraw(session, site, "gap", old.ref, now)
    for ref, breach in wanted.items():
        anomalies.open_anomaly(
            session,
            site=site,
            kind="gap",
            ref=ref,
            at=from_ms(breach.broken_ms),
            now=now,
            checkpoint=subject.id if subject else None,
        )


def _settle(
    session: Session,
    config: SiteConfig,
    rule: PatrolRule,
    subject: Checkpoint | None,
    mark: PatrolWatermark,
    found: Sequence[Breach],
    now: datetime,
    late_after: timedelta,
) -> None:
    key, target = f"{GAP_RULE}/{rule.id}", f"{config.site.id}/{subject.id if subject else '*'}"
    lasting = next((one for one in found if one.until_ms is None), None)
    alert = alerts.find_open(session, key, target)
    if alert is not None and alert.active:
        mine = lasting or next((one for one in found if one.broken_ms == alert.detail.get("broken_ms")), None)
        if mine is None and from_ms(int(alert.detail.get("broken_ms", 0))) >= now - LOOK_BACK[rule.kind]:
            take_back(session, config, key, target, now)
        elif mine is None or mine.before or (rule.kind == "max_gap" and lasting is None):
            _clear(session, config, key, target, now)
    # A gap that was over before anybody knew of it is an anomaly to answer for, and no alert.
    newest = lasting if rule.kind == "max_gap" else max(found, key=lambda one: one.broken_ms, default=None)
    if newest is None or (mark.raised_at is not None and from_ms(newest.broken_ms) <= mark.raised_at):
        return
    mark.raised_at = from_ms(newest.broken_ms)
    if not newest.before:
        late = now - from_ms(newest.broken_ms) > late_after
        _raise(session, config, rule, subject, newest, key, target, now, late=late)


def _clear(session: Session, config: SiteConfig, key: str, target: str, now: datetime) -> None:
    """Somebody came since; a day or week that ran out is over with the next visit."""
    clear_and_tell(session, config, key, target, now, now)


def _raise(
    session: Session,
    config: SiteConfig,
    rule: PatrolRule,
    subject: Checkpoint | None,
    breach: Breach,
    key: str,
    target: str,
    now: datetime,
    *,
    late: bool,
) -> None:
    place = subject.name if subject else "全部巡更点"
    place_en = (subject.name_en or subject.name) if subject else "every checkpoint"
    zone = ZoneInfo(config.site.timezone)
    last = f"{from_ms(breach.from_ms).astimezone(zone):%m-%d %H:%M}"
    nearest = roster.nearest(session, config, subject.id, now) if subject else None
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=key,
            target=target,
            title=f"{place}：{rule.name}未满足（自 {last} 起）",
            title_en=f"{place_en}: {rule.name_en or rule.name} not met (since {last})",
            severity=rule.severity,
            event_at=from_ms(breach.broken_ms),
            source=rule.source,
            requirement=rule.requirement,
            late=late,
            policy=config.policy(rule.policy).model_dump(mode="json"),
            detail={
                "area": subject.area if subject else None,
                "rule": rule.id,
                "broken_ms": breach.broken_ms,
                "from_ms": breach.from_ms,
                "after": breach.after,
                "before": breach.before,
                "people": list(breach.people),
                "assignee": nearest,
                "assignee_role": "guard",
                "tell": [nearest] if nearest else [],
            },
        ),
        now,
    )


def _look_at_roster(session: Session, config: SiteConfig, now: datetime) -> None:
    """Security has to be there round the clock (TIM-26, TIM-30)."""
    if not config.patrol.shifts:
        return
    target = f"{config.site.id}/roster"
    if roster.on_duty(session, config, now):
        alerts.clear_alert(session, ROSTER_RULE, target, now, None, now)
        return
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=ROSTER_RULE,
            target=target,
            title="当前无人值班",
            title_en="Nobody is on duty",
            severity="high",
            event_at=now,
            source="TIM-30",
            requirement="TIM-30",
            policy=config.policy("patrol_handover").model_dump(mode="json"),
            detail={},
        ),
        now,
    )
