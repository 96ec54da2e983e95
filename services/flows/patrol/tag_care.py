"""The state of tags: which read badly, are passed by with the fallback, or have not been read for long."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint
from services.alert import service as alerts
from services.flows.telling import raise_and_tell
from services.patrol.judging.tag_health import tag_health
from services.patrol.tables import TagHealth, TapRow

TAG_RULE = "PATROL-TAG"
KEPT_READS = 20
_WORDS = {
    "retries": ("标签难以读取，请检查或更换", "its tag reads badly: look at it or replace it"),
    "by_hand": ("连续用备用方式打点，请检查标签", "tapped by fallback again and again: look at its tag"),
    "unread": (
        "标签长时间没有读到，同路线其他点都有记录，请检查",
        "its tag has not been read for long, others of its routes have",
    ),
}


def note(session: Session, config: SiteConfig, tap: TapRow, now: datetime) -> None:
    """A tap says something about the tag of its checkpoint."""
    point = config.patrol.checkpoint(tap.checkpoint or "")
    if point is None or not point.tags:
        return
    health = session.get(TagHealth, (tap.site, point.id))
    if health is None:
        health = TagHealth(site=tap.site, checkpoint=point.id, recent=[], by_hand=0, read_at=None)
        session.add(health)
    if tap.evidence in ("qr", "manual"):
        health.by_hand += 1
    else:
        health.by_hand = 0
        health.recent = [*health.recent, tap.retries][-KEPT_READS:]
        health.read_at = max(health.read_at or tap.at, tap.at)
    reason = tag_health(health.recent, health.by_hand)
    if reason is not None:
        _raise(session, config, point, reason, now)
        return
    alert = alerts.find_open(session, TAG_RULE, f"{tap.site}/{point.id}")
    if alert is not None and tap.at >= alert.last_active_at:
        alerts.clear_alert(session, TAG_RULE, alert.target, tap.at, None, now)


def look(session: Session, config: SiteConfig, now: datetime) -> None:
    """Tags that nobody has read for long although others of the same route were."""
    read = {
        one.checkpoint: one.read_at
        for one in session.scalars(select(TagHealth).where(TagHealth.site == config.site.id))
    }
    longest = config.patrol.settings.unread_after
    walked = {one.route for one in config.patrol.schedules}
    for route in config.patrol.routes:
        if route.id not in walked:
            continue
        points = [config.patrol.checkpoint(stop.checkpoint) for stop in route.stops]
        for point in points:
            last = read.get(point.id) if point is not None else None
            if point is None or last is None or now - last <= longest:
                continue
            others = [read.get(one.id) for one in points if one is not None and one is not point]
            if any(other is not None and other > last + longest for other in others):
                _raise(session, config, point, "unread", now)


def _raise(session: Session, config: SiteConfig, point: Checkpoint, reason: str, now: datetime) -> None:
    words, words_en = _WORDS[reason]
    owner = next(iter(config.people_with("engineer", point.area)), None)
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=TAG_RULE,
            target=f"{config.site.id}/{point.id}",
            title=f"{point.name}：{words}",
            title_en=f"{point.name_en or point.name}: {words_en}",
            severity="low",
            event_at=now,
            source="PER-21",
            requirement="PER-21",
            policy=config.policy("patrol_finding").model_dump(mode="json"),
            detail={"area": point.area, "reason": reason, "assignee": owner.username if owner else None},
        ),
        now,
    )
