"""Typed readings over HTTP: for programs that bring what people measured, through the same door as the phone's."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, Field

from gateway.contract.times import from_ms, to_ms
from services.kernel.errors import Invalid, NotFound
from services.measurement.model import Calibration, Condition, Entry
from services.patrol.phone.items import ClientId
from services.people.roles import require
from services.web import typed
from services.web.api.common import api_router
from services.web.api.schemas import Body
from services.web.deps import Now, Signed, Svc
from services.web.queries import readings as queries

router = api_router("readings")

Short = Annotated[str, Field(max_length=80)]


class NewReading(Body):
    """A value that somebody measured."""

    client_id: ClientId = Field(description="The sender's own id of it: the same again is the same reading")
    site: str = Field(min_length=1, max_length=64)
    point: str = Field(min_length=1, max_length=64)
    value: float = Field(strict=True, allow_inf_nan=False, description="In the point's unit")
    at: AwareDatetime | None = Field(default=None, description="When it was measured; default: now")
    instrument: Short = Field(default="", description="Its number; asked for with insulation (NUM-02)")
    circuit: Short = Field(default="", description="Asked for with insulation (NUM-02)")
    place: str = Field(default="", max_length=200, description="Asked for with friction (NUM-04)")
    condition: Condition = Field(default="", description="Asked for with friction (AMB-08)")
    note: str = Field(default="", max_length=500)


class TakenOut(Body):
    """It is on disk, and on its way to be judged."""

    client_id: str
    at: AwareDatetime = Field(description="The time that stands for it, also when it is sent again")


class TypedReadingOut(Body):
    """One reading that has arrived."""

    id: str
    site: str
    point: str
    at: AwareDatetime
    received_at: AwareDatetime
    value: float
    by: str
    instrument: str
    calibration: Calibration
    circuit: str
    place: str
    condition: Condition
    note: str
    photos: list[str]
    good: bool | None = Field(description="Inside the documented limit as it is today; null: none")


@router.get("/readings", operation_id="list_typed_readings")
def list_readings(
    svc: Svc,
    actor: Signed,
    site: Annotated[str, Query(max_length=64)] = "",
    point: Annotated[str, Query(max_length=64)] = "",
) -> list[TypedReadingOut]:
    """What was typed in, the newest first, at most 200."""
    with svc.db.read() as s:
        found = queries.lines(s, svc.configs, actor.language, site=site, point=point)
    names = [name for name in TypedReadingOut.model_fields if name != "good"]
    return [TypedReadingOut(good=one.good, **{name: getattr(one.row, name) for name in names}) for one in found]


@router.post("/readings", operation_id="enter_reading", status_code=202)
def enter(svc: Svc, actor: Signed, now: Now, body: NewReading) -> TakenOut:
    """Take a reading: it is judged like any other, and answered before that."""
    require(actor, "reading.enter")
    config = svc.configs.sites.get(body.site)
    if config is None:
        raise NotFound(f"There is no site {body.site!r}", hint=f"Sites: {', '.join(sorted(svc.configs.sites))}")
    at = body.at or now
    if not 0 <= to_ms(at) <= to_ms(now):
        raise Invalid("A reading is of the past", hint="Check the clock that wrote `at`", field="at")
    words = body.model_dump(include={"instrument", "circuit", "place", "condition", "note"})
    entry = Entry(body.client_id, body.point, body.value, **words)
    stands_at = typed.put(svc, config, entry, by=actor.username, at=from_ms(to_ms(at)), now=now)
    return TakenOut(client_id=body.client_id, at=stands_at)
