"""Typed readings as people see them: the list, and what the form has to know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, Point, SiteConfig
from services.flows import measurements
from services.flows.measurement_briefing import Bounds, bounds
from services.flows.measurements import Instrument
from services.kernel.errors import NotFound
from services.measurement import model, store
from services.measurement.model import Asks, is_typed
from services.measurement.tables import TypedReading
from services.web.queries.places import Places

MOST = 200
"""Readings of one page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One reading as it is shown."""

    row: TypedReading
    key: str
    point: Point | None
    """None: the site files do not have it any more."""
    name: str
    by: str
    good: bool | None
    """None: no limit."""
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Typed:
    """What the page of a point shows of its typed readings."""

    asks: Asks
    spots: Sequence[Line]
    """The newest of each circuit or place, the worst first."""
    lines: Sequence[Line]
    """All of them, the newest first."""
    old_days: int
    """Days since the newest, when that is longer than it may be; 0: it is not."""
    again_days: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A point to choose, and what its form asks for."""

    config: SiteConfig
    key: str
    point: Point
    name: str
    path: str
    asks: Asks
    limit: Bounds
    last: Sequence[TypedReading]
    """The newest of each circuit or place, the newest first."""


def quantities(configs: Configs) -> list[str]:
    """Quantities that people measure, in the order of the files."""
    return list(dict.fromkeys(choice.quantity for _, choice in _points(configs)))


def lines(
    s: Session, configs: Configs, language: str, *, site: str = "", quantity: str = "", point: str = ""
) -> list[Line]:
    """Typed readings, the newest first, at most MOST."""
    query = select(TypedReading)
    if site:
        query = query.where(TypedReading.site == site)
    if point:
        query = query.where(TypedReading.point == point)
    if quantity:
        query = query.where(TypedReading.point.in_({one.id for _, one in _points(configs) if one.quantity == quantity}))
    rows = s.scalars(query.order_by(TypedReading.at.desc(), TypedReading.id.desc()).limit(MOST)).all()
    return _lines(rows, configs, language)


def of_point(s: Session, configs: Configs, key: str, now: datetime, language: str) -> Typed | None:
    """Typed readings of one point; None: its device sends it."""
    site, _, inner = key.partition("/")
    config = configs.sites.get(site)
    point = config.point_by_id.get(inner) if config else None
    if point is None or not is_typed(point):
        return None
    since = now - store.STANDS_FOR
    rows = store.of_point(s, site, inner, since, MOST)
    newest = rows[0] if rows else None
    old = newest is not None and model.is_old(point.quantity, newest.at, now)
    again = model.AGAIN_AFTER.get(point.quantity)
    return Typed(
        asks=model.asks_of(point.quantity),
        spots=_lines(model.newest_by_spot(store.newest(s, site, since, inner).get(inner, ())), configs, language),
        lines=_lines(rows, configs, language),
        old_days=(now - newest.at).days if newest is not None and old else 0,
        again_days=again.days if again else 0,
    )


def choices(s: Session, configs: Configs, language: str, now: datetime) -> list[Choice]:
    """Every point that people measure."""
    places = Places(configs, language)
    found = []
    for site, config in configs.sites.items():
        known = store.newest(s, site, now - store.STANDS_FOR)
        for point in config.points:
            if not is_typed(point):
                continue
            key = config.key(point.id)
            last = sorted(model.newest_by_spot(known.get(point.id, ())), key=lambda one: one.at, reverse=True)
            found.append(
                Choice(
                    config=config,
                    key=key,
                    point=point,
                    name=places.name(point),
                    path=places.of(key).path,
                    asks=model.asks_of(point.quantity),
                    limit=bounds(config, point),
                    last=last,
                )
            )
    return found


def choice(s: Session, configs: Configs, key: str, language: str, now: datetime) -> tuple[Choice, list[Instrument]]:
    """One point to type, and the site's instruments; raises NotFound."""
    found = next((one for one in choices(s, configs, language, now) if one.key == key), None)
    if found is None:
        raise NotFound(f"There is no point {key!r} that people measure", hint="Choose one from the list", point=key)
    return found, measurements.instruments(s, found.config)


def _points(configs: Configs) -> Iterable[tuple[SiteConfig, Point]]:
    return ((config, one) for config in configs.sites.values() for one in config.points if is_typed(one))


def _lines(rows: Iterable[TypedReading], configs: Configs, language: str) -> list[Line]:
    places = Places(configs, language)
    found = []
    for row in rows:
        config = configs.sites.get(row.site)
        point = config.point_by_id.get(row.point) if config else None
        found.append(
            Line(
                row=row,
                key=f"{row.site}/{row.point}",
                point=point,
                name=places.name(point) if point else row.point,
                by=places.person(row.by),
                good=bounds(config, point).good(row.value) if config and point else None,
                zone=ZoneInfo(config.site.timezone if config else "UTC"),
            )
        )
    return found
