"""Shifts and what was due in them: handovers, people rostered, spot checks, duty checks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from gateway.contract.times import from_ms, to_ms
from services.patrol.judging.requirements import Breach, BreachKind, judge
from services.patrol.planning import shifts
from services.patrol.planning.coverage import GUARDING
from services.patrol.roster import FORGOTTEN_AFTER
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import DutyTime, Handover, PatrolWatermark
from services.report.chapters.duty import Change, DutyCheck, DutyFacts, Hole, Presence, Week
from services.report.collect.fire import checks
from services.report.collect.links import person
from services.report.collect.patrol import visits_of
from services.report.collect.source import Source
from services.report.model import Month
from services.report.spans import Span

_WEEK = timedelta(days=7)


def collect(source: Source, month: Month) -> DutyFacts:
    """Everything the chapter needs."""
    config = source.config
    presence = tuple(_presence(source, month))
    since = planned_since(source, month)
    rostered = any(one.people for one in config.patrol.shifts) and since < month.ends_at
    return DutyFacts(
        declared=bool(config.patrol.shifts or presence),
        changes=tuple(_changes(source, month, since)),
        holes=tuple(_holes(source, since, month.ends_at)) if rostered else (),
        rostered=rostered,
        weeks=tuple(_weeks(source, month)),
        checks=tuple(
            DutyCheck(one.id, one.source, one.asked_at, one.outcome, one.answered_at) for one in checks(source, month)
        ),
        presence=presence,
    )


def planned_since(source: Source, month: Month) -> datetime:
    """From when on anybody was expected anywhere: before there was a plan nothing was due."""
    planned = source.session.get(PatrolWatermark, (source.config.site.id, PLANNED_UNTIL))
    return max(month.since_at, planned.since) if planned is not None else month.ends_at


def _changes(source: Source, month: Month, since: datetime) -> Iterable[Change]:
    """Changes of shifts that were due in the month; a handover that is not late yet is not judged."""
    config = source.config
    within = config.patrol.settings.handover_within
    names = {one.id: one.name for one in config.patrol.shifts}
    query = select(Handover).where(
        Handover.site == config.site.id, Handover.at >= month.since_at - _WEEK, Handover.at < month.now
    )
    given = {one.shift: one for one in source.session.scalars(query)}
    for one in shifts.instances(config, to_ms(month.since_at - within), to_ms(month.until_at)):
        starts_at = from_ms(one.start_ms)
        due_at = starts_at + within
        if not one.handover or starts_at < since or not month.since_at <= due_at < month.ends_at:
            continue
        row = given.get(one.id)
        yield Change(
            id=f"{config.site.id}/{one.id}", shift=f"{names[one.shift]} {one.day:%m-%d}", starts_at=starts_at,
            due_at=due_at, given_by=person(config, row.given_by) if row else "",
            taken_by=person(config, row.taken_by) if row else "", at=row.at if row else None,
        )  # fmt: skip


def _holes(source: Source, since: datetime, until: datetime) -> Iterable[Hole]:
    for one in shifts.uncovered(source.config, to_ms(since), to_ms(until), roles=GUARDING):
        yield Hole(from_ms(one.start_ms), from_ms(one.end_ms))


def _weeks(source: Source, month: Month) -> Iterable[Week]:
    rules = [one for one in source.config.patrol.rules if one.kind == "spot_check"]
    if not rules:
        return
    visits = [one for some in visits_of(source, month).values() for one in some]
    zone = ZoneInfo(month.timezone)
    for rule in rules:
        watch = source.session.get(PatrolWatermark, (source.config.site.id, f"rule:{rule.id}:"))
        if watch is None:
            continue
        since_ms, now_ms = to_ms(max(month.since_at - _WEEK, watch.since)), to_ms(month.ends_at)
        undone = _lapses(judge(rule, None, visits, since_ms, now_ms, zone))
        for end_ms in sorted(_lapses(judge(rule, None, (), since_ms, now_ms, zone))):
            if to_ms(month.since_at) < end_ms <= to_ms(month.until_at):
                on = (from_ms(end_ms) - timedelta(milliseconds=1)).astimezone(zone).date()
                yield Week(rule.name, rule.requirement, on, end_ms not in undone)


def _lapses(breaches: Iterable[Breach]) -> set[int]:
    """Ends of the weeks without a visit."""
    return {one.broken_ms for one in breaches if one.kind == BreachKind.BREACH}


def _presence(source: Source, month: Month) -> Iterable[Presence]:
    config, whole = source.config, Span(month.since_at, month.ends_at)
    query = select(DutyTime).where(
        DutyTime.site == config.site.id,
        DutyTime.on_at < month.ends_at,
        or_(DutyTime.off_at.is_(None), DutyTime.off_at > month.since_at),
    )
    found: dict[str, list[timedelta]] = {}
    for one in source.session.scalars(query.order_by(DutyTime.on_at, DutyTime.id)):
        ended = min(one.off_at or month.ends_at, one.on_at + FORGOTTEN_AFTER)
        lasted = Span(one.on_at, ended).within(whole).lasted
        if lasted:
            found.setdefault(one.username, []).append(lasted)
    for username in sorted(found):
        yield Presence(person(config, username), len(found[username]), sum(found[username], timedelta()))
