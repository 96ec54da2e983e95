"""Rounds, stops, findings and duties of a month, counted as the console counts them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, select

from gateway.contract.times import from_ms, to_ms
from gateway.site.limit import Limit
from gateway.site.model import Point
from gateway.site.patrol import Checkpoint, PatrolRule
from services.flows.patrol.desk import FINDING_RULE
from services.patrol.judging.requirements import BreachKind, Visit, judge, subjects
from services.patrol.model import Verdict
from services.patrol.reporting import report
from services.patrol.reporting.exceptions import NO_VISIT
from services.patrol.tables import Incident, PatrolWatermark, Round, RoundStop, TapRow
from services.report.chapters.patrol import Duty, Found, Measure, PatrolFacts, Stop, Walk
from services.report.collect.links import alert_at, alerts_of_month, area, chunks, last_before, orders_of_alerts, person
from services.report.collect.source import Source
from services.report.model import Month
from services.report.months import next_first
from services.rules.band import band_of

DAILY_QUANTITIES = ("friction", "coverage", "blind_area")
"""Measured items of the daily must-check list (AMB-08)."""
_LONGEST = timedelta(days=14)
_WEEK = timedelta(days=7)


def collect(source: Source, month: Month) -> PatrolFacts:
    """Everything the chapter needs."""
    config = source.config
    return PatrolFacts(
        declared=bool(config.patrol.routes),
        walks=tuple(walks(source, month)),
        found=(*_findings(source, month), *_reported(source, month)),
        duties=tuple(_duties(source, month)),
        measures=tuple(_measures(source, month)),
    )


def rounds_of(source: Source, month: Month) -> list[Round]:
    """Rounds of the month by the day their shift began on, as the console's monthly report has them."""
    zone, after = ZoneInfo(month.timezone), next_first(month.first_on)
    query = select(Round).where(
        Round.site == source.config.site.id,
        Round.starts_at >= month.since_at,
        Round.starts_at < month.until_at + timedelta(days=1),
        Round.starts_at < month.now,
    )
    near = source.session.scalars(query.order_by(Round.starts_at, Round.id))
    return [row for row in near if month.first_on <= report.shift_day(row, zone) < after]


def walks(source: Source, month: Month) -> Iterator[Walk]:
    """Every round with its stops."""
    rows = rounds_of(source, month)
    stops = _stops(source, [row.id for row in rows])
    patrol, zone = source.config.patrol, ZoneInfo(month.timezone)
    names = {one.id: one.name for one in patrol.checkpoints}
    routes = {one.id: one for one in patrol.routes}
    for row in rows:
        route = routes.get(row.route)
        plan = row.plan["stops"]
        yield Walk(
            id=row.id, route=row.route, route_name=route.name if route else row.route,
            kind=route.kind if route else "other", on=report.shift_day(row, zone), starts_at=row.starts_at,
            fate=report.fate(row), guards=tuple(person(source.config, one) for one in row.guards),
            stops=tuple(
                Stop(one.checkpoint, names.get(one.checkpoint, one.checkpoint), _state(one),
                     punctual=report.is_visited(one) and not report.wrongs(one) & {Verdict.EARLY, Verdict.LATE},
                     due_at=from_ms(plan[one.place][3]))
                for one in stops.get(row.id, ())
            ),
        )  # fmt: skip


def _stops(source: Source, ids: Sequence[str]) -> Mapping[str, list[Any]]:
    """Stops with what the report asks of them: thousands a month are quicker without their objects."""
    stop = RoundStop
    wanted = select(stop.round_id, stop.index.label("place"), stop.checkpoint, stop.verdict, stop.certainty, stop.marks)
    found: dict[str, list[Any]] = {}
    for some in chunks(ids):
        for one in source.session.execute(wanted.where(stop.round_id.in_(some)).order_by(stop.round_id, stop.index)):
            found.setdefault(one.round_id, []).append(one)
    return found


def _state(stop: RoundStop) -> str:
    if report.is_visited(stop):
        return "visited"
    if report.is_unconfirmed(stop):
        return "unconfirmed"
    return stop.verdict


def _findings(source: Source, month: Month) -> Iterator[Found]:
    config = source.config
    points = {one.id: one for one in config.patrol.checkpoints}
    query = (
        select(TapRow.id, TapRow.at, TapRow.checkpoint, TapRow.guard, TapRow.findings, TapRow.answers, TapRow.photos)
        .where(TapRow.site == config.site.id, TapRow.at >= month.since_at, TapRow.at < month.ends_at)
        .where(cast(TapRow.findings, Text) != "[]")
        .order_by(TapRow.at, TapRow.id)
    )
    rows = source.session.execute(query).all()
    alerts = alerts_of_month(source.session, config, month, FINDING_RULE) if rows else []
    orders = orders_of_alerts(source.session, [one.id for one in alerts])
    for tap, at, checkpoint, guard, findings, answers, photos in rows:
        point = points.get(checkpoint or "")
        questions = {one.id: one for one in point.questions} if point else {}
        for one in findings:
            question = questions.get(one)
            unit = question.unit if question else ""
            alert = alert_at(alerts, f"{config.site.id}/{checkpoint}:{one}", at, at)
            order = orders.get(alert.id) if alert is not None else None
            yield Found(
                id=f"{tap}:{one}", at=at, place=_where(source, point, checkpoint or ""),
                item=f"{question.text if question else one}：{_answer(answers.get(one))}{unit}",
                photos=len(photos), guard=person(config, guard), order=order.number if order else "",
            )  # fmt: skip


def _where(source: Source, point: Checkpoint | None, checkpoint: str) -> str:
    return f"{area(source.config, point.area)} {point.name}" if point is not None else checkpoint


def _answer(answer: object) -> str:
    return {True: "是", False: "否"}[answer] if isinstance(answer, bool) else str(answer)


def _reported(source: Source, month: Month) -> Iterator[Found]:
    """What guards reported from their phones; cries for help are in the chapter of incidents."""
    config = source.config
    points = {one.id: one for one in config.patrol.checkpoints}
    query = select(Incident).where(
        Incident.site == config.site.id, Incident.kind == "incident",
        Incident.at >= month.since_at, Incident.at < month.ends_at,
    )  # fmt: skip
    rows = list(source.session.scalars(query.order_by(Incident.at, Incident.id)))
    orders = orders_of_alerts(source.session, [one.alert_id for one in rows if one.alert_id])
    for row in rows:
        order = orders.get(row.alert_id or "")
        yield Found(
            id=row.id, at=row.at, place=_where(source, points.get(row.checkpoint or ""), row.checkpoint or ""),
            item="：".join(one for one in (row.category, row.note) if one) or "上报事件", photos=len(row.photos),
            guard=person(config, row.by), order=order.number if order else "",
        )  # fmt: skip


def _duties(source: Source, month: Month) -> Iterator[Duty]:
    rules = [one for one in source.config.patrol.rules if one.kind in ("daily", "weekly", "max_gap")]
    if not rules:
        return
    by_place = visits_of(source, month)
    for rule in rules:
        for place in subjects(rule, source.config.patrol):
            own = by_place.get(place.id, []) if place else [one for some in by_place.values() for one in some]
            due, breaches = judged(source, month, rule, place, own)
            if due or breaches:
                yield Duty(
                    rule.id, rule.name, rule.requirement, rule.kind, place.name if place else "",
                    due if rule.kind != "max_gap" else None, breaches,
                )  # fmt: skip


def visits_of(source: Source, month: Month) -> Mapping[str, list[Visit]]:
    """Visits by checkpoint, some days of the month before included."""
    query = select(TapRow.at, TapRow.guard, TapRow.role, TapRow.checkpoint, TapRow.id).where(
        TapRow.site == source.config.site.id,
        TapRow.at >= month.since_at - _LONGEST,
        TapRow.at < month.ends_at,
        TapRow.checkpoint.is_not(None),
        TapRow.verdict.not_in(NO_VISIT),
    )
    found: dict[str, list[Visit]] = {}
    for at, guard, role, place, tap in source.session.execute(query.order_by(TapRow.at, TapRow.id)):
        checkpoint = place or ""
        found.setdefault(checkpoint, []).append(Visit(to_ms(at), guard, role, checkpoint, tap))
    return found


def judged(
    source: Source, month: Month, rule: PatrolRule, place: Checkpoint | None, visits: Sequence[Visit]
) -> tuple[int, int]:
    """(periods that ended in the month, those of them without a visit; of a longest gap 0 and the gaps broken in it).

    What nobody watched over yet was not due.
    """
    watch = source.session.get(PatrolWatermark, (source.config.site.id, f"rule:{rule.id}:{place.id if place else ''}"))
    if watch is None:
        return 0, 0
    zone = ZoneInfo(month.timezone)
    since_ms = to_ms(max(month.since_at - _WEEK, watch.since))
    now_ms = to_ms(month.ends_at)

    def broken(own: Sequence[Visit]) -> int:
        found = judge(rule, place, own, since_ms, now_ms, zone)
        return sum(one.kind == BreachKind.BREACH and _in_month(one.broken_ms, month) for one in found)

    return (broken(()) if rule.kind != "max_gap" else 0), broken(visits)


def _in_month(at_ms: int, month: Month) -> bool:
    """What is due by midnight of the last day belongs to the month that ends with it."""
    return to_ms(month.since_at) < at_ms <= to_ms(month.until_at)


def _measures(source: Source, month: Month) -> Iterator[Measure]:
    config = source.config
    for point in config.points:
        if point.quantity not in DAILY_QUANTITIES:
            continue
        limit = next(
            (one for one in config.limits_of(point.id) if not one.id.startswith("DATA-") and one.threshold), None
        )
        last = last_before(source.store, config.key(point.id), month.ends_at)
        yield _measure(point, limit, last)


def _measure(point: Point, limit: Limit | None, last: tuple[datetime, float] | None) -> Measure:
    band = band_of(limit) if limit is not None else None
    shown = ""
    if limit is not None and limit.threshold is not None:
        shown = f"{'≥' if limit.kind == 'low' else '≤'} {limit.threshold:g}"
    inside = not band.outside(band.compared(last[1])) if band is not None and last is not None else None
    return Measure(
        point.name,
        limit.id if limit else "",
        last[1] if last else None,
        point.unit,
        last[0] if last else None,
        shown,
        inside,
    )
