"""How long until a rule about the longest gap is broken, checkpoint by checkpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import PatrolRule
from services.patrol import taps
from services.patrol.judging.requirements import Visit, next_due, subjects
from services.patrol.tables import PatrolWatermark
from services.web.queries.due import Due
from services.web.queries.patrol_names import Names

SHOWN = 8


@dataclass(frozen=True, slots=True)
class GapRow:
    """One countdown: somebody has to be at the checkpoint before it ends."""

    site: str
    rule: str
    source: str
    where: str
    due: Due


def gaps(s: Session, config: SiteConfig, names: Names, now: datetime) -> list[GapRow]:
    """The countdowns of a site, the nearest first; only those that somebody could still be late for today."""
    rules = [one for one in config.patrol.rules if one.kind == "max_gap" and one.max_gap is not None]
    found = [row for rule in rules for row in _of_rule(s, config, names, rule, now)]
    return sorted(found, key=lambda row: (row.due.due_at, row.where))[:SHOWN]


def _of_rule(s: Session, config: SiteConfig, names: Names, rule: PatrolRule, now: datetime) -> list[GapRow]:
    site, zone, longest = config.site.id, ZoneInfo(config.site.timezone), rule.max_gap or timedelta()
    places = [one for one in subjects(rule, config.patrol) if one is not None]
    rows = taps.visits(s, site, [one.id for one in places], now - 2 * longest - timedelta(days=1), now)
    visits = [Visit(to_ms(row.at), row.guard, row.role, row.checkpoint or "", row.id) for row in rows]
    marks = select(PatrolWatermark).where(
        PatrolWatermark.site == site, PatrolWatermark.what.startswith(f"rule:{rule.id}:", autoescape=True)
    )
    watched = {mark.what.rpartition(":")[2]: mark.since for mark in s.scalars(marks)}
    found = []
    for place in places:
        own = [one for one in visits if one.checkpoint == place.id]
        since = watched.get(place.id)
        due_ms = next_due(rule, place, own, to_ms(now), zone, since_ms=to_ms(since) if since else None)
        if due_ms is not None and from_ms(due_ms) < now + longest:
            due = Due(from_ms(due_ms) - longest, from_ms(due_ms))
            found.append(GapRow(site, names.places.name(rule), rule.source, names.places.name(place), due))
    return found
