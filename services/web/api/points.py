"""Points, readings and limits over HTTP."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime

from gateway.contract.times import from_ms
from services.kernel.errors import Invalid
from services.web.api import schemas
from services.web.api.common import api_router, limit_out, reading_out
from services.web.deps import Now, Signed, Svc
from services.web.queries import points as queries
from services.web.queries.points import PointRow

router = api_router("points")
SiteId = Annotated[str, Path(min_length=1, max_length=64)]
PointId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/points", operation_id="list_points")
def list_points(svc: Svc, actor: Signed, now: Now) -> list[schemas.PointOut]:
    """Every point with its last value and verdict."""
    with svc.db.read() as s:
        groups = queries.groups(s, svc, now, actor.language)
    return [_point(row) for group in groups for row in group.rows]


@router.get("/points/{site}/{point}", operation_id="get_point")
def get_point(svc: Svc, actor: Signed, now: Now, site: SiteId, point: PointId) -> schemas.PointOut:
    """One point."""
    with svc.db.read() as s:
        return _point(queries.one(s, svc, f"{site}/{point}", now, actor.language))


@router.get("/points/{site}/{point}/readings", operation_id="get_point_readings")
def get_readings(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: SiteId,
    point: PointId,
    start: Annotated[AwareDatetime | None, Query(description="Default: an hour before the end")] = None,
    end: Annotated[AwareDatetime | None, Query(description="Default: now")] = None,
    step_s: Annotated[int, Query(ge=1, le=86_400)] = 60,
) -> list[schemas.BucketOut]:
    """A point's past in steps; steps without readings are absent."""
    until = end or now
    try:
        since = start or until - timedelta(hours=1)
        with svc.db.read() as s:
            row = queries.one(s, svc, f"{site}/{point}", now, actor.language)
        samples = queries.history(svc, row.key, since, until, timedelta(seconds=step_s))
    except OverflowError as error:
        raise Invalid("The period is out of range", hint="Use years between 1970 and 9998") from error
    return [schemas.BucketOut(at=from_ms(one.at_ms), min=one.low, max=one.high, mean=one.mean) for one in samples]


@router.get("/limits", operation_id="list_limits", tags=["limits"])
def list_limits(svc: Svc, actor: Signed) -> list[schemas.LimitOut]:
    """Every limit with its source and the point it applies to."""
    return [
        limit_out(limit, config.point(limit.point)) for config in svc.configs.sites.values() for limit in config.limits
    ]


def _point(row: PointRow) -> schemas.PointOut:
    return schemas.PointOut(
        key=row.key,
        site=row.key.partition("/")[0],
        device=row.point.device,
        equipment=row.point.equipment,
        name=row.name,
        unit=row.point.unit,
        quantity=row.point.quantity,
        set_value=row.set_value,
        set_value_provisional=row.provisional,
        verdict=row.verdict,
        reading=reading_out(row.reading) if row.reading else None,
        limits=[limit_out(limit, row.point) for limit in row.limits],
    )
