"""How well a month was heard and written down."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from gateway.contract.times import to_ms
from gateway.site.model import Point, SiteConfig
from services.device.tables import DeviceSequence, Quarantine
from services.fire.tables import FireTest
from services.maintenance.tables import Inspection
from services.patrol.tables import Round, RoundEvent, TapRow
from services.report.chapters.availability import HOUR, MINUTE, Slot, availability, doubtful, gaps
from services.report.chapters.quality import Loosened, QualityFacts, Sensor
from services.report.collect.heard import first_heard, since_heard, slots
from services.report.collect.links import place_of
from services.report.collect.source import Source
from services.report.collect.windows import windows
from services.report.model import Month
from services.report.months import next_first
from services.report.spans import Span, covered

MOST_LOOKED_AT = timedelta(days=5)
"""Of a point that is silent or speaks rarely for longer than this only whole hours without a word are gaps."""


def collect(source: Source, month: Month) -> QualityFacts:
    """Everything the chapter needs."""
    config = source.config
    known = [one for one in config.points if one.interval is not None]
    heard = first_heard(source, [config.key(one.id) for one in known])
    taps, by_hand, doubtful_time = _taps(source, month)
    inspections, from_list = _inspections(source, month)
    tests, typed = _tests(source, month)
    return QualityFacts(
        sensors=tuple(
            _sensor(source, month, one, since_heard(month, heard[config.key(one.id)]))
            for one in known
            if config.key(one.id) in heard
        ),
        never_heard=tuple(one.name for one in known if config.key(one.id) not in heard) if heard else (),
        windows=windows(source, month),
        quarantine=tuple(_quarantine(source, month)),
        lost=tuple(_lost(source, month)),
        taps=taps, by_hand=by_hand, doubtful_time=doubtful_time, inspections=inspections, from_list=from_list,
        tests=tests, tests_by_hand=typed, retracted=_retracted(source, month), loosened=tuple(loosened(config)),
    )  # fmt: skip


def _sensor(source: Source, month: Month, point: Point, whole: Span) -> Sensor:
    key, interval = source.config.key(point.id), point.interval or timedelta()
    parts = slots(source, month, key, interval, whole)
    found, spans = availability(parts, interval), doubtful(parts, interval, whole)
    if covered(spans, whole) > MOST_LOOKED_AT:
        holes = gaps(_hours_heard(parts), whole, interval, HOUR)
    else:
        holes = [one for span in spans for one in gaps(_minutes(source, month, key, span), span, interval)]
    return Sensor(key, point.name, place_of(source.config, point), found.due, found.heard, tuple(holes))


def _hours_heard(parts: Sequence[Slot]) -> Iterable[datetime]:
    """Starts of the hours with a reading; those of whole days one by one."""
    for span, bucket, hourly in parts:
        if bucket is not None:
            yield from (
                span.start + count * HOUR for count in range(1 if hourly else -((span.start - span.end) // HOUR))
            )


def _minutes(source: Source, month: Month, key: str, span: Span) -> Iterable[datetime]:
    start = month.since_at + (span.start - month.since_at) // MINUTE * MINUTE
    return (one.at for one in source.store.range(key, start, span.end, MINUTE, origin=month.since_at))


def _taps(source: Source, month: Month) -> tuple[int, int, int]:
    query = select(
        func.count(),
        func.sum(case((TapRow.evidence == "manual", 1), else_=0)),
        func.sum(case((TapRow.clock == "claimed", 1), else_=0)),
    ).where(TapRow.site == source.config.site.id, TapRow.at >= month.since_at, TapRow.at < month.ends_at)
    count, by_hand, claimed = source.session.execute(query).one()
    return int(count), int(by_hand or 0), int(claimed or 0)


def _inspections(source: Source, month: Month) -> tuple[int, int]:
    query = select(func.count(), func.sum(case((Inspection.opened_by == "list", 1), else_=0))).where(
        Inspection.site == source.config.site.id,
        Inspection.at >= month.since_at,
        Inspection.at < month.ends_at,
        Inspection.received_at < month.now,
    )
    count, listed = source.session.execute(query).one()
    return int(count), int(listed or 0)


def _tests(source: Source, month: Month) -> tuple[int, int]:
    query = select(func.count(), func.sum(case((FireTest.signal_id.is_(None), 1), else_=0))).where(
        FireTest.site == source.config.site.id,
        FireTest.tested_on >= month.first_on,
        FireTest.tested_on < next_first(month.first_on),
        FireTest.at < month.now,
    )
    count, typed = source.session.execute(query).one()
    return int(count), int(typed or 0)


def _retracted(source: Source, month: Month) -> int:
    """Stops that were called missed and are not any more."""
    query = (
        select(func.count())
        .select_from(RoundEvent)
        .join(Round, Round.id == RoundEvent.round_id)
        .where(
            Round.site == source.config.site.id,
            RoundEvent.at >= month.since_at,
            RoundEvent.at < month.ends_at,
            RoundEvent.stop.is_not(None),
            RoundEvent.was.startswith("missed"),
            RoundEvent.now.not_like("missed%"),
        )
    )
    return int(source.session.scalar(query) or 0)


def _quarantine(source: Source, month: Month) -> Iterable[tuple[str, int]]:
    query = select(Quarantine.device, func.sum(Quarantine.count)).where(
        Quarantine.site == source.config.site.id,
        Quarantine.received_at >= month.since_at,
        Quarantine.received_at < month.ends_at,
    )
    for device, count in source.session.execute(query.group_by(Quarantine.device).order_by(Quarantine.device)):
        yield _device(source.config, device), int(count)


def _lost(source: Source, month: Month) -> Iterable[tuple[str, int]]:
    """Numbers that were never heard; a gap that was filled later is gone."""
    site = source.config.site.id
    since_ms, until_ms = to_ms(month.since_at), to_ms(month.ends_at)
    query = select(DeviceSequence.device, DeviceSequence.gaps).where(
        DeviceSequence.device.startswith(f"{site}/", autoescape=True)
    )
    counts: dict[str, int] = {}
    for device, found in source.session.execute(query.order_by(DeviceSequence.device)):
        lost = sum(last - first + 1 for first, last, seen_ms, *_ in found if since_ms <= seen_ms < until_ms)
        if lost:
            name = _device(source.config, device.partition("/")[2])
            counts[name] = counts.get(name, 0) + lost
    return counts.items()


def _device(config: SiteConfig, device: str) -> str:
    found = config.device_by_id.get(device)
    return found.name if found is not None else device or "未知设备"


def loosened(config: SiteConfig) -> Sequence[Loosened]:
    """What the site files make looser than documented, with the reason they must give."""
    limits = [
        Loosened(one.rule, config.point(one.point).name, one.loosened_reason)
        for one in config.limits
        if one.loosened_reason
    ]
    rules = [
        Loosened(one.requirement, one.name, one.loosened_reason) for one in config.patrol.rules if one.loosened_reason
    ]
    return [*limits, *rules]
