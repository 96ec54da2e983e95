"""The ledgers of fire protection as pages show them: monthly tests, drills, outages, false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire import ledger, upkeep
from services.fire.tables import FireDrill, FireOutage, FireSignal, FireTest
from services.kernel.errors import Invalid
from services.patrol.reporting.export import Sheet
from services.web import labels
from services.web.queries.fire_incident import component_name
from services.web.queries.fire_log import in_reach
from services.web.queries.fire_names import FireNames

RATES = timedelta(days=366)
OUTAGES_SHOWN, OUTAGES_EXPORTED = 200, 20_000


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device of the month's ledger."""

    state: upkeep.DeviceMonth
    name: str
    where: str
    kind: str
    last: FireTest | None
    by: str


@dataclass(frozen=True, slots=True)
class TestsPage:
    """One month."""

    month: upkeep.MonthOfTests
    lines: list[DeviceLine]
    closed: dict[str, Any] | None
    """What was missing when the month ended, whatever was entered later."""


@dataclass(frozen=True, slots=True)
class DrillLine:
    """One drill."""

    row: FireDrill
    lacks: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class OutageLine:
    """One shielded component or stopped system."""

    row: FireOutage
    name: str
    zone: str
    prompt: bool
    """It has lasted longer than the site's limit."""
    noted: bool
    by: str


@dataclass(frozen=True, slots=True)
class RepeatedLine:
    """A point that gave false alarms again and again."""

    name: str
    component: str
    row: upkeep.Repeated


def tests(s: Session, config: SiteConfig, names: FireNames, month: date, now: datetime) -> TestsPage:
    """The ledger of a month."""
    site = config.site.id
    found = ledger.month_of_tests(s, config, month, now)
    last: dict[str, FireTest] = {}
    for row in reversed(ledger.tests_of(s, site, month)):
        last[row.device] = row
    return TestsPage(
        month=found,
        lines=[_device_line(one, last.get(one.device.id), site, names) for one in found.devices],
        closed=ledger.closed_period(s, site, ledger.TESTS_CLOSED, month),
    )


def _device_line(one: upkeep.DeviceMonth, last: FireTest | None, site: str, names: FireNames) -> DeviceLine:
    device = one.device
    return DeviceLine(
        state=one,
        name=device.name_en if names.english and device.name_en else device.name,
        where=names.zone(site, device.zone) if device.zone else names.places.area_path(site, device.area),
        kind=labels.word("fire_point", device.kind, names._),
        last=last,
        by=names.person(last.by) if last else "",
    )


def proof(s: Session, row: FireTest | None) -> FireSignal | None:
    """The signal that proves a test."""
    return s.get(FireSignal, row.signal_id) if row is not None and row.signal_id else None


def quarters(s: Session, config: SiteConfig, now: datetime, count: int = 4) -> list[upkeep.QuarterOfDrills]:
    """The last quarters, this one first."""
    first = upkeep.quarter_of(now, ZoneInfo(config.site.timezone))
    found = []
    for _ in range(count):
        found.append(ledger.quarter_of_drills(s, config, first, now))
        first = upkeep.quarter_of(upkeep.midnight(first, ZoneInfo("UTC")) - timedelta(days=1), ZoneInfo("UTC"))
    return found


def drills(s: Session, config: SiteConfig, names: FireNames) -> list[DrillLine]:
    """Every drill, the newest first."""
    query = select(FireDrill).where(FireDrill.site == config.site.id)
    rows = s.scalars(query.order_by(FireDrill.held_on.desc(), FireDrill.id.desc()).limit(100))
    return [
        DrillLine(
            row,
            upkeep.Drill(row.id, row.held_on, row.owners, row.staff, tuple(row.items)).lacks,
            names.person(row.by),
        )
        for row in rows
    ]


def outages(
    s: Session, config: SiteConfig, names: FireNames, now: datetime, limit: int = OUTAGES_SHOWN
) -> tuple[list[OutageLine], bool]:
    """What is out of use, the longest first, then what was; and whether older ones are left out."""
    site = config.site.id
    over = select(FireOutage).where(FireOutage.site == site, FireOutage.ended_at.is_not(None))
    ended = list(s.scalars(over.order_by(FireOutage.ended_at.desc()).limit(limit + 1)))
    rows = [*ledger.open_outages(s, site), *ended[:limit]]
    return [_outage_line(one, config, names, now) for one in rows], len(ended) > limit


def outage(s: Session, config: SiteConfig, names: FireNames, outage_id: str, now: datetime) -> OutageLine | None:
    """One outage; None: there is none, or it is another site's."""
    row = s.get(FireOutage, outage_id)
    return _outage_line(row, config, names, now) if row is not None and row.site == config.site.id else None


def _outage_line(row: FireOutage, config: SiteConfig, names: FireNames, now: datetime) -> OutageLine:
    _, panel, address = (*row.component.split("/", 2), "", "")[:3]
    point = config.fire.point_by_address.get((panel, address))
    return OutageLine(
        row=row,
        name=component_name(names, row.component),
        zone=names.zone(row.site, point.zone) if point else names.device(row.site, panel),
        prompt=(row.ended_at or now) - row.began_at >= config.fire.settings.prompt_after,
        noted=upkeep.is_noted(row.filed, row.measures),
        by=names.person(row.noted_by),
    )


def repeated(s: Session, config: SiteConfig, names: FireNames, now: datetime) -> list[RepeatedLine]:
    """Points that gave false alarms again and again, the worst first."""
    found = ledger.repeated_points(s, config, now)
    return [RepeatedLine(component_name(names, one.component), one.component, one) for one in found]


def rates(s: Session, config: SiteConfig, now: datetime) -> Sequence[upkeep.FalseRate]:
    """False alarms by month over a year, the newest month first."""
    return list(reversed(ledger.false_rates(s, config, now - RATES)))


def parse_month(text: str, config: SiteConfig, now: datetime) -> date:
    """The month asked for as `2026-11`, else this one; raises Invalid."""
    if not text:
        return upkeep.month_of(now, ZoneInfo(config.site.timezone))
    try:
        return in_reach(date.fromisoformat(f"{text}-01"))
    except ValueError as error:
        raise Invalid(f"{text!r} is no month", hint="Write it as 2026-11, from 2000 to 2099", field="month") from error


def tests_sheet(page: TestsPage, names: FireNames) -> Sheet:
    """The month's ledger as a table for files."""
    _ = names._
    return Sheet(
        f"{_('Monthly tests')} {page.month.month:%Y-%m}",
        [
            _("Device"), _("Sort"), _("Place"), _("State"), _("Tested on"), _("Kind of test"),
            _("Proven by its signal"), _("Tested by"), _("Note"),
        ],
        [
            [
                one.name,
                one.kind,
                one.where,
                labels.word("fire_due", one.state.state, _),
                one.last.tested_on.isoformat() if one.last else None,
                labels.word("fire_test", one.last.kind, _) if one.last else None,
                _("yes") if one.state.proven else "",
                one.by,
                one.last.note if one.last else None,
            ]
            for one in page.lines
        ],
    )  # fmt: skip


def outages_sheet(lines: Sequence[OutageLine], names: FireNames) -> Sheet:
    """The outages with the columns of form B.1 as a table for files."""
    _ = names._
    return Sheet(
        _("Outages"),
        [
            _("Component"), _("Zone"), _("What"), _("From"), _("Until"), _("Filed"),
            _("Protective measures"), _("Entered by"), _("Entered at"),
        ],
        [
            [
                one.name,
                one.zone,
                labels.word("fire_outage", one.row.kind, _),
                local(names, one.row.site, one.row.began_at),
                local(names, one.row.site, one.row.ended_at),
                "" if one.row.filed is None else _("yes") if one.row.filed else _("no"),
                one.row.measures,
                one.by,
                local(names, one.row.site, one.row.noted_at),
            ]
            for one in lines
        ],
    )  # fmt: skip


def local(names: FireNames, site: str, at: datetime | None) -> datetime | None:
    """A moment as the site's clocks read, for a file."""
    return at.astimezone(names.places.zone(site)).replace(tzinfo=None) if at else None
