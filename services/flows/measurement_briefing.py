"""What a phone has to know to type readings in without network: points, limits, last values, instruments."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import Point, SiteConfig
from services.flows import measurements
from services.measurement import model, store
from services.measurement.model import is_typed
from services.measurement.tables import TypedReading
from services.people.roles import Actor, may
from services.rules.band import INF, band_of

SPOTS = 12
"""So many circuits or places of a point are offered again, the newest first."""


class AsksOut(BaseModel):
    """What has to be said with a reading."""

    instrument: bool
    circuit: bool
    place: bool
    condition: bool


class LastOut(BaseModel):
    """The newest value of one circuit, or of one place dry or wet."""

    value: float
    at_ms: int
    circuit: str
    place: str
    condition: str
    instrument: str
    photos: int


class TypedPointOut(BaseModel):
    """A point that people measure."""

    id: str
    name: str
    name_en: str
    area: str
    area_en: str
    quantity: str
    unit: str
    minimum: float | None
    maximum: float | None
    """Both bounds belong to the good side."""
    step: float
    """Values are rounded to this before they are compared; 0: not at all."""
    valid_min: float | None
    valid_max: float | None
    requirement: str
    """The documented limit's id, e.g. NUM-02; empty: no limit."""
    asks: AsksOut
    again_days: int
    """After so many days it is to be measured again (AMB-08, AMB-09); 0: never said."""
    last: list[LastOut]
    """The newest of each spot, the newest first."""


class InstrumentOut(BaseModel):
    """A measuring instrument of the ledger (LED-06)."""

    number: str
    name: str
    name_en: str
    also: list[str]
    until_on: date | None
    """Last day of its calibration; None: no paper in the ledger."""


class ReadingsOut(BaseModel):
    """Everything to type readings in. `version` changes with the content, never with the time."""

    on: bool
    """This person may, and there is something to measure."""
    version: str
    points: list[TypedPointOut]
    instruments: list[InstrumentOut]


def readings(session: Session, config: SiteConfig, actor: Actor, now: datetime) -> ReadingsOut:
    """What this person's phone is told; nothing when he may not type readings in."""
    points = [one for one in config.points if is_typed(one)] if may(actor, "reading.enter") else []
    known = store.newest(session, config.site.id, now - store.STANDS_FOR) if points else {}
    found = ReadingsOut(
        on=bool(points),
        version="",
        points=[_point(config, one, known.get(one.id, ())) for one in points],
        instruments=[
            InstrumentOut(
                number=one.number, name=one.name, name_en=one.name_en, also=list(one.also), until_on=one.until_on
            )
            for one in (measurements.instruments(session, config) if points else ())
        ],
    )
    content = found.model_dump_json().encode()
    return found.model_copy(update={"version": hashlib.sha256(content).hexdigest()[:16]})


class Bounds(NamedTuple):
    """The documented limit of a point."""

    low: float | None = None
    high: float | None = None
    step: float = 0.0
    requirement: str = ""

    def good(self, value: float) -> bool | None:
        """Whether a value is inside, compared as the judge compares; None: there is no limit."""
        if self.low is None and self.high is None:
            return None
        at = round(value / self.step) * self.step if self.step else value
        near = self.step / 2
        return (self.low is None or at > self.low - near) and (self.high is None or at < self.high + near)


def bounds(config: SiteConfig, point: Point) -> Bounds:
    """The first documented limit of a point that has a band."""
    for limit in config.limits_by_point.get(config.key(point.id), ()):
        band = None if limit.id.startswith("DATA-") or limit.variant else band_of(limit, point.set_value)
        if band is not None:
            scale = band.scale or 1.0
            low = None if band.low == -INF else band.low / scale
            high = None if band.high == INF else band.high / scale
            return Bounds(low, high, limit.resolution or 0.0, limit.id)
    return Bounds()


def _point(config: SiteConfig, point: Point, rows: Sequence[TypedReading]) -> TypedPointOut:
    area = config.area_of(point)
    limit = bounds(config, point)
    again = model.AGAIN_AFTER.get(point.quantity)
    newest = sorted(model.newest_by_spot(rows), key=lambda one: one.at, reverse=True)[:SPOTS]
    return TypedPointOut(
        id=point.id,
        name=point.name,
        name_en=point.name_en or point.name,
        area=area.name,
        area_en=area.name_en or area.name,
        quantity=point.quantity,
        unit=point.unit,
        minimum=limit.low,
        maximum=limit.high,
        step=limit.step,
        valid_min=point.valid_min,
        valid_max=point.valid_max,
        requirement=limit.requirement,
        asks=AsksOut(**model.asks_of(point.quantity)._asdict()),
        again_days=again.days if again else 0,
        last=[
            LastOut(
                value=one.value, at_ms=to_ms(one.at), circuit=one.circuit, place=one.place,
                condition=one.condition, instrument=one.instrument, photos=len(one.photos),
            )
            for one in newest
        ],
    )  # fmt: skip
