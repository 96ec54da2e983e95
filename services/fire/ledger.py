"""The ledger of upkeep as rows: tests, drills, outages, commands, and what closed incidents say about false alarms."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire import upkeep
from services.fire.tables import FireCommand, FireDrill, FireIncident, FireOutage, FireTest
from services.kernel.audit import Audit
from services.kernel.timers import Timer

TESTS_CLOSED = "fire.tests_closed"
"""Audit action: a month ended; its record names what was missing, whatever is entered later."""
DRILL_CLOSED = "fire.drill_closed"
"""Audit action: a quarter ended."""
CARE_WATCH = "fire.care_watch"
"""Kind of the timer that watches over a site's upkeep; its data remember since when."""
UNREACHED = frozenset({"denied", "timeout", "unreachable", "expired"})
"""Outcomes of a command that its device has not carried out."""


def month_of_tests(session: Session, config: SiteConfig, month: date, now: datetime) -> upkeep.MonthOfTests:
    """Which devices of today's site files were tested in a month, named by its first day."""
    rows = session.scalars(
        select(FireTest).where(
            FireTest.site == config.site.id,
            FireTest.tested_on >= month,
            FireTest.tested_on < upkeep.next_month(month),
        )
    )
    tests = [upkeep.DoneTest(one.device, one.kind, one.passed, one.tested_on, one.at, one.signal_id) for one in rows]
    zone = ZoneInfo(config.site.timezone)
    since = watched_since(session, config.site.id, now)
    return upkeep.month_of_tests(upkeep.devices_of(config.fire), tests, month, zone, now, since)


def tests_of(session: Session, site: str, month: date) -> list[FireTest]:
    """Every entry of a month, newest first."""
    query = select(FireTest).where(
        FireTest.site == site, FireTest.tested_on >= month, FireTest.tested_on < upkeep.next_month(month)
    )
    return list(session.scalars(query.order_by(FireTest.tested_on.desc(), FireTest.id.desc())))


def quarter_of_drills(session: Session, config: SiteConfig, quarter: date, now: datetime) -> upkeep.QuarterOfDrills:
    """The drills of a quarter, named by its first day, that were held before `now`."""
    until = (now - timedelta(microseconds=1)).astimezone(ZoneInfo(config.site.timezone)).date()
    rows = session.scalars(
        select(FireDrill).where(
            FireDrill.site == config.site.id,
            FireDrill.held_on >= quarter,
            FireDrill.held_on < upkeep.next_quarter(quarter),
            FireDrill.held_on <= until,
        )
    )
    drills = [upkeep.Drill(one.id, one.held_on, one.owners, one.staff, tuple(one.items)) for one in rows]
    since = watched_since(session, config.site.id, now)
    return upkeep.drill_quarter(drills, quarter, ZoneInfo(config.site.timezone), now, since)


def watched_since(session: Session, site: str, now: datetime) -> datetime:
    """When the watch over a site's upkeep began; `now` where it has not: nothing before it is missing."""
    watch = session.scalar(select(Timer).where(Timer.kind == CARE_WATCH, Timer.ref == site))
    since = watch.data.get("since") if watch is not None else None
    return datetime.fromisoformat(since) if isinstance(since, str) else now


def closed_period(session: Session, site: str, action: str, first_day: date) -> dict[str, Any] | None:
    """What was written down when a month (TESTS_CLOSED) or quarter (DRILL_CLOSED) ended; None: it has not, or we
    were not there.
    """
    row = session.scalar(
        select(Audit).where(Audit.ref == f"{site}/{first_day:%Y-%m}", Audit.action == action).order_by(Audit.id)
    )
    return dict(row.detail) if row is not None else None


def open_outages(session: Session, site: str) -> list[FireOutage]:
    """What is shielded or stopped now, longest first."""
    query = select(FireOutage).where(FireOutage.site == site, FireOutage.ended_at.is_(None))
    return list(session.scalars(query.order_by(FireOutage.began_at, FireOutage.id)))


def open_duty_check(session: Session, site: str, source: str, now: datetime) -> FireCommand | None:
    """The duty check of a source that still waits for its answer."""
    query = select(FireCommand).where(
        FireCommand.site == site,
        FireCommand.source == source,
        FireCommand.kind == "duty_check",
        FireCommand.asked_at > now - timedelta(days=1),
        FireCommand.answered_at.is_(None),
        FireCommand.outcome.not_in(UNREACHED),
    )
    for one in session.scalars(query.order_by(FireCommand.id.desc())):
        if (one.answer_by or one.expires_at) > now:
            return one
    return None


def false_alarms(session: Session, config: SiteConfig, now: datetime) -> list[upkeep.FalseAlarm]:
    """Closed incidents called false within the site's window."""
    rows = session.scalars(
        select(FireIncident).where(
            FireIncident.site == config.site.id,
            FireIncident.verdict == "false",
            FireIncident.closed_at >= now - config.fire.settings.false_within,
        )
    )
    return [
        upkeep.FalseAlarm(one.id, one.closed_at, tuple(key for keys in one.zones.values() for key in keys))
        for one in rows
        if one.closed_at is not None
    ]


def repeated_points(session: Session, config: SiteConfig, now: datetime) -> list[upkeep.Repeated]:
    """Components that gave false alarms again and again within the site's window."""
    settings = config.fire.settings
    return upkeep.repeated_false(false_alarms(session, config, now), now - settings.false_within, settings.false_count)


def false_rates(session: Session, config: SiteConfig, since: datetime) -> Sequence[upkeep.FalseRate]:
    """Incidents opened since then by month and verdict."""
    query = select(FireIncident.opened_at, FireIncident.verdict).where(
        FireIncident.site == config.site.id, FireIncident.opened_at >= since
    )
    found = [(opened_at, verdict) for opened_at, verdict in session.execute(query)]
    return upkeep.false_rates(found, ZoneInfo(config.site.timezone))
