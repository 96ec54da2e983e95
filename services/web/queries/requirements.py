"""Every requirement on visits with its checkpoints: the last visit, when it breaks next, whether it is broken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, PatrolRule
from services.alert.tables import Alert
from services.flows.patrol.rules import GAP_RULE, LOOK_BACK
from services.patrol import taps
from services.patrol.judging.requirements import Visit, next_due, subjects
from services.patrol.rounds import REFUSED
from services.patrol.tables import PatrolWatermark, TapRow
from services.web.queries.due import Due
from services.web.queries.patrol_names import Names

Standing = Literal["met", "waiting", "broken", "inactive", "unknown"]
SOON = timedelta(hours=1)
_DAYS = {"daily": timedelta(days=1), "weekly": timedelta(days=7), "spot_check": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A requirement at one checkpoint, or at whichever of its checkpoints."""

    name: str
    """Empty: any of `choices` will do."""
    choices: list[str]
    where: str
    last_at: datetime | None
    last_by: str
    last_where: str
    """Only where any checkpoint will do."""
    due: Due | None
    """When it breaks unless somebody comes."""
    standing: Standing
    alert: Alert | None
    """The breach that is open."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A requirement with everything it is judged on, the most pressing first."""

    rule: PatrolRule
    name: str
    rows: list[SubjectRow]


@dataclass(frozen=True, slots=True)
class Sum:
    """The page in four numbers."""

    rules: int
    checkpoints: int
    broken: int
    soon: int
    spot_checks: list[tuple[str, SubjectRow]]


def rules(s: Session, config: SiteConfig, names: Names, now: datetime) -> list[RuleRow]:
    """Every requirement of a site, as declared."""
    site = config.site.id
    breaches = {
        (one.rule, one.target): one
        for one in s.scalars(
            select(Alert).where(
                Alert.site == site,
                Alert.rule.startswith(f"{GAP_RULE}/", autoescape=True),
                Alert.closed_at.is_(None),
                Alert.active,
            )
        )
    }
    marks = select(PatrolWatermark).where(
        PatrolWatermark.site == site, PatrolWatermark.what.startswith("rule:", autoescape=True)
    )
    since = {mark.what: mark.since for mark in s.scalars(marks)}
    return [
        RuleRow(rule, names.places.name(rule), _rows(s, config, names, rule, breaches, since, now))
        for rule in config.patrol.rules
    ]


def summary(found: Iterable[RuleRow], now: datetime) -> Sum:
    """The page in four numbers, and how the spot checks stand."""
    lines = list(found)
    rows = [row for line in lines for row in line.rows]
    soon = [row for row in rows if row.due is not None and now < row.due.due_at <= now + SOON]
    return Sum(
        rules=len(lines),
        checkpoints=len({row.name for row in rows if row.name}),
        broken=sum(row.standing == "broken" for row in rows),
        soon=len(soon),
        spot_checks=[(line.name, row) for line in lines if line.rule.kind == "spot_check" for row in line.rows],
    )


def _rows(
    s: Session,
    config: SiteConfig,
    names: Names,
    rule: PatrolRule,
    breaches: dict[tuple[str, str], Alert],
    since: dict[str, datetime],
    now: datetime,
) -> list[SubjectRow]:
    places = subjects(rule, config.patrol)
    seen = _visits(s, config, rule, [one for one in places if one is not None], now) if places else []
    found = []
    for place in places:
        own = [one for one in seen if place is None or one.checkpoint == place.id]
        alert = breaches.get((f"{GAP_RULE}/{rule.id}", f"{config.site.id}/{place.id if place else '*'}"))
        began = since.get(f"rule:{rule.id}:{place.id if place else ''}")
        found.append(_row(config, names, rule, place, own, alert, began, now))
    return sorted(found, key=lambda row: (row.due is None, row.due.due_at if row.due else now, row.name))


def _row(
    config: SiteConfig,
    names: Names,
    rule: PatrolRule,
    place: Checkpoint | None,
    seen: list[Visit],
    alert: Alert | None,
    began: datetime | None,
    now: datetime,
) -> SubjectRow:
    site, zone = config.site.id, ZoneInfo(config.site.timezone)
    due_ms = next_due(rule, place, seen, to_ms(now), zone, since_ms=to_ms(began) if began else None)
    due = None
    if due_ms is not None:
        due = Due(from_ms(due_ms) - (rule.max_gap or _DAYS.get(rule.kind, timedelta())), from_ms(due_ms))
    last = max(seen, default=None)
    return SubjectRow(
        name=names.checkpoint(site, place.id) if place else "",
        choices=[] if place else [names.checkpoint(site, one) for one in rule.checkpoints],
        where=names.where(site, place.id) if place else "",
        last_at=from_ms(last.at_ms) if last else None,
        last_by=names.guard(last.guard) if last else "",
        last_where=names.checkpoint(site, last.checkpoint) if last and place is None else "",
        due=due,
        standing=_standing(rule, place, due_ms, alert, now, zone),
        alert=alert,
    )


def _standing(
    rule: PatrolRule,
    place: Checkpoint | None,
    due_ms: int | None,
    alert: Alert | None,
    now: datetime,
    zone: ZoneInfo,
) -> Standing:
    if alert is not None or (due_ms is not None and due_ms < to_ms(now)):
        return "broken"
    today = now.astimezone(zone).date()
    if place is not None and not (place.active_from or today) <= today <= (place.active_until or today):
        return "inactive"
    if due_ms is None:
        return "unknown"
    # A day or week that breaks no sooner than it would without any visit still waits for its own.
    if rule.kind != "max_gap" and due_ms == next_due(rule, place, (), to_ms(now), zone):
        return "waiting"
    return "met"


def _visits(s: Session, config: SiteConfig, rule: PatrolRule, places: list[Checkpoint], now: datetime) -> list[Visit]:
    """What counts for a rule within the time it looks back, and before it each checkpoint's last."""
    ids = [one.id for one in places] or list(rule.checkpoints) or [one.id for one in config.patrol.checkpoints]
    back = max(LOOK_BACK[rule.kind], 2 * (rule.max_gap or timedelta()))
    rows = taps.visits(s, config.site.id, ids, now - back, now)
    if rule.roles:
        rows = [row for row in rows if row.role in rule.roles]
    else:
        known = {row.checkpoint for row in rows}
        rows += [row for one in ids if one not in known and (row := _last(s, config.site.id, one, now)) is not None]
    return [Visit(to_ms(row.at), row.guard, row.role, row.checkpoint or "", row.id) for row in rows]


def _last(s: Session, site: str, checkpoint: str, now: datetime) -> TapRow | None:
    query = select(TapRow).where(
        TapRow.site == site, TapRow.checkpoint == checkpoint, TapRow.at <= now, TapRow.verdict != REFUSED
    )
    return s.scalar(query.order_by(TapRow.at.desc()).limit(1))
