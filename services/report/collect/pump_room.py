"""Pressures, levels and pumps of a month, from the rolled-up readings; excursions as they were counted then."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from gateway.site.equipment_kinds import kinds_of
from gateway.site.limit import Limit
from gateway.site.model import Point, SiteConfig
from gateway.timeseries.store import Bucket
from services.derived import service as pump_runs
from services.equipment.tables import Certificate
from services.report.chapters.pressure import HOUR, MINUTE, STEP, count, plus, starts_by_day, survey
from services.report.chapters.pump_room import Excursion, Gauge, Level, Paper, Pump, PumpRoomFacts
from services.report.collect.links import alert_at, alerts_of_month, chunks, orders_of_alerts, place_of
from services.report.collect.source import Source
from services.report.collect.tasks import tasks
from services.report.collect.windows import by_point, windows
from services.report.model import Month
from services.report.spans import Span
from services.rules.band import INF, Band, band_of
from services.rules.tables import Excursion as ExcursionRow
from services.rules.tables import PointState

KINDS = (
    *kinds_of("water"), *kinds_of("sewage"), "fire_pump", "hydrant_pump", "sprinkler_pump", "jockey_pump", "fire_main",
    "alarm_valve", "pressure_switch", "flow_indicator",
)  # fmt: skip
FIRE_PUMPS = frozenset({"fire_pump", "hydrant_pump", "sprinkler_pump", "jockey_pump"})
PUMPS = FIRE_PUMPS | {"pump_set"}
_BANDED = frozenset({"deviation", "high", "low"})


@dataclass(frozen=True, slots=True)
class _Limited:
    """A pressure with the limit that holds for it."""

    point: Point
    key: str
    limit: Limit | None
    learned: float | None

    @property
    def centre(self) -> float | None:
        return self.limit.set_value if self.limit and self.limit.set_value is not None else self.point.set_value

    @property
    def band(self) -> Band | None:
        centre = self.centre
        return band_of(self.limit, centre if centre is not None else self.learned) if self.limit else None


def collect(source: Source, month: Month) -> PumpRoomFacts:
    """Everything the chapter needs."""
    config = source.config
    gauges = [one for one in config.points if one.quantity == "pressure" and not _is_check(config, one)]
    levels = [one for one in config.points if one.quantity == "level"]
    running = pumps(source, month, PUMPS)
    limited = _limited(source, gauges)
    found = tuple(_gauges(source, month, limited))
    return PumpRoomFacts(
        declared=bool(gauges or levels or running),
        gauges=found,
        levels=tuple(_level(source, month, one) for one in levels),
        pumps=running,
        tasks=tasks(source, month, KINDS),
        papers=tuple(_papers(source, month)),
        open_excursions=tuple(_still_out(source, month, limited)),
    )


def _is_check(config: SiteConfig, point: Point) -> bool:
    """Whether it only checks another sensor of the same place: an excursion there is one, not two."""
    twin = config.point_by_id.get(point.twin or "")
    return twin is not None and (twin.twin != point.id or twin.id < point.id)


def pumps(source: Source, month: Month, kinds: Collection[str]) -> tuple[Pump, ...]:
    """What the running contacts of pumps of these kinds say."""
    equipment = source.config.equipment_by_id
    return tuple(
        _pump(source, month, one)
        for one in source.config.points
        if one.quantity == "run_state"
        and (thing := equipment.get(one.equipment or "")) is not None
        and thing.kind in kinds
    )


def _limited(source: Source, points: Sequence[Point]) -> list[_Limited]:
    config = source.config
    learned: dict[str, float | None] = {}
    for some in chunks(config.key(one.id) for one in points):
        rows = source.session.execute(
            select(PointState.point, PointState.provisional_set).where(PointState.point.in_(some))
        )
        learned.update((row[0], row[1]) for row in rows)
    return [
        _Limited(one, config.key(one.id), _documented(source, one), learned.get(config.key(one.id))) for one in points
    ]


def _documented(source: Source, point: Point) -> Limit | None:
    return next(
        (one for one in source.config.limits_of(point.id)
         if one.kind in _BANDED and not one.variant and not one.id.startswith("DATA-")),
        None,
    )  # fmt: skip


def _gauges(source: Source, month: Month, limited: Sequence[_Limited]) -> Iterable[Gauge]:
    excursions = _excursions(source, month, limited)
    worked_on = by_point(source, windows(source, month))
    for one in limited:
        own = tuple(excursions.get(one.key, ()))
        excused = (
            *worked_on.get(one.key, ()),
            *(Span(each.started_at, each.ended_at) for each in own if each.suspended),
        )
        steps = source.store.range(one.key, month.since_at, month.ends_at, STEP, origin=month.since_at)
        per_minute = MINUTE / one.point.interval if one.point.interval else 0.0
        looked = survey(steps, one.band, per_minute, excused)
        tally = looked.tally
        for span, outside in looked.doubtful:
            fine = source.store.range(one.key, span.start, min(span.end, month.ends_at), MINUTE, origin=month.since_at)
            tally = plus(tally, count(fine, one.band if outside else None, _near(excused, span)))
        low, high = _edges(one.band)
        centre = one.centre if one.centre is not None else one.learned
        yield Gauge(
            key=one.key, name=one.point.name, place=place_of(source.config, one.point), unit=one.point.unit,
            decimals=one.point.decimals, set_value=centre, provisional=one.centre is None and one.learned is not None,
            low=low, high=high, limited=one.limit is not None, requirement=one.limit.id if one.limit else "",
            steps=tuple(steps), tally=tally, excursions=own,
        )  # fmt: skip


def _near(excused: Iterable[Span], span: Span) -> tuple[Span, ...]:
    return tuple(one for one in excused if one.meets(span.start, span.end))


def _edges(band: Band | None) -> tuple[float | None, float | None]:
    if band is None:
        return None, None
    scale = band.scale or 1.0
    return None if band.low == -INF else band.low / scale, None if band.high == INF else band.high / scale


def _excursions(source: Source, month: Month, limited: Sequence[_Limited]) -> Mapping[str, list[Excursion]]:
    rules = {one.key: one.limit.rule for one in limited if one.limit is not None}
    alerts = alerts_of_month(source.session, source.config, month, *sorted(set(rules.values())))
    orders = orders_of_alerts(source.session, [one.id for one in alerts])
    found: dict[str, list[Excursion]] = {}
    for some in chunks(rules):
        query = (
            select(ExcursionRow)
            .where(ExcursionRow.point.in_(some), ExcursionRow.started_at >= month.since_at)
            .where(ExcursionRow.started_at < month.until_at, ExcursionRow.ended_at < month.now)
            .order_by(ExcursionRow.started_at, ExcursionRow.id)
        )
        for row in source.session.scalars(query):
            if row.rule != rules[row.point]:
                continue
            alert = alert_at(alerts, row.point, row.started_at, row.ended_at) if row.alerted else None
            order = orders.get(alert.id) if alert is not None else None
            found.setdefault(row.point, []).append(
                Excursion(row.id, row.started_at, row.ended_at, row.worst, row.alerted, row.suspended,
                          order.number if order else "")
            )  # fmt: skip
    return found


def _still_out(source: Source, month: Month, limited: Sequence[_Limited]) -> Iterable[str]:
    rules = {one.key: (one.limit.rule, one.point.name) for one in limited if one.limit is not None}
    alerts = alerts_of_month(source.session, source.config, month, *sorted({rule for rule, _ in rules.values()}))
    for one in alerts:
        if one.cleared_at is None and one.active and one.target in rules and one.rule == rules[one.target][0]:
            yield rules[one.target][1]


def _level(source: Source, month: Month, point: Point) -> Level:
    key = source.config.key(point.id)
    return Level(key, point.name, point.unit, tuple(_hours(source, month, key)))


def _hours(source: Source, month: Month, key: str) -> list[Bucket]:
    return source.store.range(key, month.since_at, month.ends_at, HOUR, origin=month.since_at)


def _pump(source: Source, month: Month, point: Point) -> Pump:
    """Hours in which it did not change need no closer look."""
    key = source.config.key(point.id)
    hours = _hours(source, month, key)
    fine: list[Bucket] = []
    for one in hours:
        if one.min == one.max:
            fine.append(one)
        else:
            end = min(one.at + HOUR, month.ends_at)
            fine += source.store.range(key, one.at, end, MINUTE, origin=month.since_at)
    running = sum((_heard(one, point.interval, month.ends_at) * one.mean for one in hours), timedelta())
    starts = starts_by_day(fine, ZoneInfo(month.timezone))
    began, stopped = pump_runs.pressures(
        source.session, source.config.site.id, point.equipment or "", month.since_at, month.ends_at
    )
    return Pump(key, point.name, tuple(sorted(starts.items())), running if hours else None, began, stopped)


def _heard(hour: Bucket, interval: timedelta | None, until: datetime) -> timedelta:
    """As much of an hour as there are readings for: nobody knows what it did in the rest."""
    lasted = min(HOUR, until - hour.at)
    return lasted if interval is None else min(lasted, hour.count * interval)


def _papers(source: Source, month: Month) -> Iterable[Paper]:
    query = select(Certificate).where(
        Certificate.site == source.config.site.id, Certificate.kind == "water_quality",
        Certificate.created_at < month.now, Certificate.ended_at.is_(None),
    )  # fmt: skip
    for one in source.session.scalars(query.order_by(Certificate.expires_on, Certificate.id)):
        yield Paper("水质检测报告", one.number, one.subject, one.expires_on)
