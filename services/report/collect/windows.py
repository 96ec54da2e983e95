"""Announced maintenance of points, equipment or the whole site, as the report's month sees it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select

from services.flows.maintenance import points_of_stations
from services.report.collect.links import person
from services.report.collect.source import Source
from services.report.model import Month
from services.report.spans import Span, Window
from services.rules.tables import MaintenanceMode


def windows(source: Source, month: Month) -> tuple[Window, ...]:
    """Every maintenance mode that held at some time of the month."""
    site, config = source.config.site.id, source.config
    query = select(MaintenanceMode).where(
        or_(MaintenanceMode.target == site, MaintenanceMode.target.startswith(f"{site}/", autoescape=True)),
        MaintenanceMode.started_at < month.ends_at,
        MaintenanceMode.until > month.since_at,
        or_(MaintenanceMode.ended_at.is_(None), MaintenanceMode.ended_at > month.since_at),
    )
    found = []
    for one in source.session.scalars(query.order_by(MaintenanceMode.started_at, MaintenanceMode.id)):
        ended = _end(one, month.ends_at)
        named = one.target.partition("/")[2]
        station = next((pumps for pumps in config.stations if pumps.id == named), None)
        thing = config.point_by_id.get(named) or config.equipment_by_id.get(named) or station
        name = thing.name if thing is not None else named or config.site.name
        found.append(
            Window(
                one.id, one.target, name, one.reason, person(config, one.by), Span(one.started_at, ended),
                ended_by=person(config, one.ended_by),
            )
        )  # fmt: skip
    return tuple(found)


def _end(mode: MaintenanceMode, ends_at: datetime) -> datetime:
    last = mode.until if mode.ended_at is None else min(mode.ended_at, mode.until)
    return min(last, ends_at)


def by_point(source: Source, found: Sequence[Window]) -> Mapping[str, tuple[Span, ...]]:
    """When each point, by its global key, was being worked on."""
    config = source.config
    spans: dict[str, tuple[Span, ...]] = {}
    stations = points_of_stations(config)
    for point in config.points:
        targets = {config.site.id, config.key(point.id), f"{config.site.id}/{point.equipment}"}
        targets |= {config.key(one) for one, points in stations.items() if config.key(point.id) in points}
        own = tuple(one.span for one in found if one.target in targets)
        if own:
            spans[config.key(point.id)] = own
    return spans
