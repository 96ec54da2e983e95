"""What patrol reports are made from: rows of a shift day, of a period, of a month."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, load_only

from gateway.site.model import SiteConfig
from services.kernel.errors import Invalid
from services.patrol.reporting import report
from services.patrol.reporting.exceptions import NO_VISIT, ExceptionReport, exceptions
from services.patrol.reporting.report import MonthLine, ShiftReport
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import Anomaly, PatrolWatermark, Round, RoundStop, TapRow
from services.web.queries.patrol_names import Names

LONGEST = timedelta(days=31)
_CHUNK = 500


def zone_of(config: SiteConfig) -> ZoneInfo:
    """The site's time zone."""
    return ZoneInfo(config.site.timezone)


def midnight(config: SiteConfig, day: date) -> datetime:
    """When a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_of(config)).astimezone(UTC)


def rounds_between(s: Session, site: str, start: datetime, end: datetime) -> Sequence[Round]:
    """Rounds that start within [start, end)."""
    query = select(Round).where(Round.site == site, Round.starts_at >= start, Round.starts_at < end)
    return s.scalars(query.order_by(Round.starts_at, Round.id)).all()


def stops_of(s: Session, rounds: Sequence[Round]) -> list[RoundStop]:
    """The stops of rounds."""
    ids = [row.id for row in rounds]
    found: list[RoundStop] = []
    for first in range(0, len(ids), _CHUNK):
        found += s.scalars(select(RoundStop).where(RoundStop.round_id.in_(ids[first : first + _CHUNK])))
    return found


def daily(s: Session, config: SiteConfig, day: date, shift: str) -> list[ShiftReport]:
    """The reports of the shift instances that start on a local day; of one shift when it is named."""
    site, zone = config.site.id, zone_of(config)
    # A shift instance reaches into the next day, so its rounds do too.
    near = rounds_between(s, site, midnight(config, day), midnight(config, day + timedelta(days=2)))
    rounds = [row for row in near if report.shift_day(row, zone) == day]
    if shift:
        rounds = [row for row in rounds if row.shift.partition("@")[0] == shift]
    if not rounds:
        return []
    start, end = min(row.opens_at for row in rounds), max(row.closes_at for row in rounds)
    taps = s.scalars(select(TapRow).where(TapRow.site == site, TapRow.at >= start, TapRow.at <= end)).all()
    ids = [row.id for row in rounds]
    wanted = or_(Anomaly.round_id.in_(ids), Anomaly.shift.in_({row.shift for row in rounds} - {""}))
    anomalies = s.scalars(select(Anomaly).where(Anomaly.site == site, wanted, Anomaly.withdrawn_at.is_(None))).all()
    return report.daily(rounds, stops_of(s, rounds), taps, anomalies)


def period(config: SiteConfig, first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """The local days of a period, both included: the last seven unless named; raises Invalid."""
    today = now.astimezone(zone_of(config)).date()
    until = min(last or today, today)
    since = first or until - timedelta(days=6)
    if since > until:
        raise Invalid("The period ends before it begins", hint="Swap the two days", field="from")
    if until - since >= LONGEST:
        raise Invalid(f"The period is longer than {LONGEST.days} days", hint="Choose a shorter one", field="from")
    return since, until


def exception_report(s: Session, config: SiteConfig, first: date, last: date, now: datetime) -> ExceptionReport:
    """What went wrong from the first to the last local day."""
    site = config.site.id
    start, end = midnight(config, first), min(midnight(config, last + timedelta(days=1)), now)
    planned = s.get(PatrolWatermark, (site, PLANNED_UNTIL))
    if planned is not None:  # before there was a plan nobody was expected anywhere
        start = min(max(start, planned.since), end)
    rounds = rounds_between(s, site, start, end)
    taps = list(
        s.scalars(
            select(TapRow)
            .where(TapRow.site == site, TapRow.at >= start, TapRow.at <= end)
            .options(
                load_only(
                    TapRow.site, TapRow.checkpoint, TapRow.at, TapRow.guard, TapRow.verdict, TapRow.marks, TapRow.rounds
                )
            )
        )
    )
    keys = [(site, one.id) for one in config.patrol.checkpoints]
    for _, checkpoint in keys:
        taps += _last_before(s, site, checkpoint, start)
    return exceptions(start, end, keys, rounds, stops_of(s, rounds), taps)


def _last_before(s: Session, site: str, checkpoint: str, start: datetime) -> Sequence[TapRow]:
    query = select(TapRow).where(TapRow.site == site, TapRow.checkpoint == checkpoint, TapRow.at < start)
    return s.scalars(query.where(TapRow.verdict.not_in(NO_VISIT)).order_by(TapRow.at.desc()).limit(1)).all()


def month(s: Session, config: SiteConfig, first: date, names: Names) -> list[MonthLine]:
    """Completion per kind of route over the month that begins on `first`, by the day shifts start on."""
    zone, after = zone_of(config), next_month(first)
    near = rounds_between(s, config.site.id, midnight(config, first), midnight(config, after + timedelta(days=1)))
    rounds = [row for row in near if first <= report.shift_day(row, zone) < after]
    return report.monthly(rounds, lambda row: names.kind(row.site, row.route), lambda row: zone)


def next_month(first: date) -> date:
    """The first day of the next month."""
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def parse_month(text: str, config: SiteConfig, now: datetime) -> date:
    """The first day of a month like `2026-11`, of the current one when empty; raises Invalid."""
    if not text:
        return now.astimezone(zone_of(config)).date().replace(day=1)
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid(f"{text!r} is no month", hint="Write it like 2026-11", field="month") from None
