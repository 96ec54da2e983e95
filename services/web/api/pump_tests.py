"""Tests of fire pumps over HTTP: those that were recognised from the signals, and those that a person enters."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from services.derived import service
from services.flows import pump_tests
from services.web.api.common import api_router
from services.web.api.fire import shape
from services.web.api.fire_schemas import Name
from services.web.api.schemas import Body
from services.web.deps import Now, Signed, Svc
from services.web.queries.fire_log import Moment
from services.web.queries.fire_names import fire_site

router = api_router("pumps")

Site = Annotated[str, Query(max_length=64, description="Empty: the first one with fire protection")]
Station = Annotated[str, Query(max_length=64, description="Empty: every station")]
Days = Annotated[int, Query(ge=1, le=400)]
Fact = Literal["start_pressure", "stop_pressure", "peak_pressure", "seconds", "flow"]


class EnterPumpTest(Body):
    """A test that the signals do not show; a failed one needs a note."""

    site: Name
    pump: Name
    """Short id of a main pump of a fire station."""
    kind: Literal["weekly_auto", "monthly_manual", "quarterly_flow"]
    at: Moment
    passed: bool
    note: Annotated[str, Field(max_length=500)] = ""
    facts: dict[Fact, Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Pressures in MPa, flow in L/s, seconds of running."""


class PumpTestOut(BaseModel):
    """One test of one pump."""

    id: str
    site: str
    station: str
    equipment: str
    kind: str
    at: datetime
    passed: bool
    by: str
    """Empty: recognised from the signals."""
    run_id: str | None
    note: str
    facts: dict[str, Any]


@router.get("/pump-tests", operation_id="list_pump_tests")
def listed(
    svc: Svc, actor: Signed, now: Now, site: Site = "", station: Station = "", days: Days = 100
) -> list[PumpTestOut]:
    """Tests of the last days, newest first, failed ones too."""
    config = fire_site(svc.configs, site)
    with svc.db.read() as s:
        found = service.pump_tests(s, config.site.id, now - timedelta(days=days), now, station=station)
        return [shape(PumpTestOut, one) for one in found]


@router.post("/pump-tests", operation_id="enter_pump_test", status_code=201)
def entered(svc: Svc, actor: Signed, now: Now, body: EnterPumpTest) -> PumpTestOut:
    """Enter a test; the maintenance that asked for it is done when it was passed."""
    config = fire_site(svc.configs, body.site)
    with svc.db.begin() as s:
        row = pump_tests.enter_test(
            s, config, actor,
            pump=body.pump, kind=body.kind, at=body.at, passed=body.passed, note=body.note,
            facts={str(name): value for name, value in body.facts.items()}, now=now,
        )  # fmt: skip
        return shape(PumpTestOut, row)
