"""Fire's upkeep over HTTP: test modes, commands to transmission devices, outages, tests and drills."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query, Request
from sqlalchemy import select

from services.fire import modes
from services.fire.tables import FireCommand, FireDrill, FireOutage
from services.web import fire_actions
from services.web.api import fire_schemas as schemas
from services.web.api.alerts import second_person
from services.web.api.common import api_router
from services.web.api.fire import MOST, Id, Site, shape
from services.web.deps import Now, Signed, Svc
from services.web.queries import fire_upkeep as queries
from services.web.queries.fire import shown_outcome
from services.web.queries.fire_commands import params_of
from services.web.queries.fire_log import Moment
from services.web.queries.fire_names import FireNames, fire_site

router = api_router("fire")

Month = Annotated[str, Query(max_length=7, pattern="^([0-9]{4}-[0-9]{2})?$", description="`2026-11`; empty: this one")]
Before = Annotated[Moment | None, Query()]


@router.get("/fire/test-modes", operation_id="list_fire_test_modes")
def open_modes(svc: Svc, actor: Signed, site: Site = "") -> list[schemas.TestModeOut]:
    """Test modes that nobody has ended."""
    config = fire_site(svc.configs, site)
    with svc.db.read() as s:
        return [shape(schemas.TestModeOut, one) for one in modes.not_ended(s, config.site.id)]


@router.post("/fire/test-modes", operation_id="begin_fire_test_mode", status_code=201)
def begin(request: Request, svc: Svc, actor: Signed, now: Now, body: schemas.BeginTestMode) -> schemas.TestModeOut:
    """Announce maintenance; two people."""
    second = second_person(request, svc, actor, body.second_username, body.second_password, now)
    found = fire_actions.begin_test_mode(
        svc, actor, second, body.site, now, panel=body.panel, zone=body.zone, until=body.until, reason=body.reason
    )
    return shape(schemas.TestModeOut, found)


@router.post("/fire/test-modes/{mode_id}/extend", operation_id="extend_fire_test_mode")
def extend(
    request: Request, svc: Svc, actor: Signed, now: Now, mode_id: Id, body: schemas.ExtendTestMode
) -> schemas.TestModeOut:
    """Let it go on for longer; two people."""
    second = second_person(request, svc, actor, body.second_username, body.second_password, now)
    return shape(schemas.TestModeOut, fire_actions.extend_test_mode(svc, actor, second, mode_id, body.until, now))


@router.post("/fire/test-modes/{mode_id}/end", operation_id="end_fire_test_mode")
def end(svc: Svc, actor: Signed, now: Now, mode_id: Id) -> schemas.TestModeOut:
    """Signals call people again."""
    return shape(schemas.TestModeOut, fire_actions.end_test_mode(svc, actor, mode_id, now))


@router.get("/fire/commands", operation_id="list_fire_commands")
def commands(svc: Svc, actor: Signed, now: Now, site: Site = "", before: Before = None) -> list[schemas.CommandOut]:
    """What was asked of transmission devices, the newest first, at most 500."""
    query = select(FireCommand).where(FireCommand.site == fire_site(svc.configs, site).site.id)
    if before is not None:
        query = query.where(FireCommand.asked_at < before)
    with svc.db.read() as s:
        found = s.scalars(query.order_by(FireCommand.asked_at.desc(), FireCommand.id.desc()).limit(MOST)).all()
        return [_command(one, now) for one in found]


@router.post("/fire/commands", operation_id="ask_fire_source", status_code=201)
def ask(svc: Svc, actor: Signed, now: Now, body: schemas.Ask) -> schemas.CommandOut:
    """Ask a transmission device; what becomes of it is read from the list."""
    params = params_of(
        body.kind,
        minutes=body.minutes,
        system_type=body.system_type,
        system_address=body.system_address,
        component=body.component,
        count=body.count,
    )
    return _command(fire_actions.ask(svc, actor, body.site, body.source, body.kind, params, now), now)


@router.get("/fire/outages", operation_id="list_fire_outages")
def outages(
    svc: Svc, actor: Signed, site: Site = "", ended: Annotated[bool, Query()] = False, before: Before = None
) -> list[schemas.OutageOut]:
    """What is out of use, or was, by when it began, the newest first, at most 500."""
    query = select(FireOutage).where(FireOutage.site == fire_site(svc.configs, site).site.id)
    query = query.where(FireOutage.ended_at.is_not(None) if ended else FireOutage.ended_at.is_(None))
    if before is not None:
        query = query.where(FireOutage.began_at < before)
    with svc.db.read() as s:
        found = s.scalars(query.order_by(FireOutage.began_at.desc(), FireOutage.id.desc()).limit(MOST)).all()
        return [shape(schemas.OutageOut, one) for one in found]


@router.post("/fire/outages/{site}/{outage_id}", operation_id="note_fire_outage")
def note_outage(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: Annotated[str, Path(min_length=1, max_length=64)],
    outage_id: Id,
    body: schemas.NoteOutage,
) -> schemas.OutageOut:
    """Fill in form B.1's columns."""
    found = fire_actions.note_outage(svc, actor, site, outage_id, body.filed, body.measures, now)
    return shape(schemas.OutageOut, found)


@router.get("/fire/tests", operation_id="list_fire_tests")
def ledger(svc: Svc, actor: Signed, now: Now, site: Site = "", month: Month = "") -> list[schemas.DeviceMonthOut]:
    """Every device with what was tested in a month."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, actor.language)
    with svc.db.read() as s:
        page = queries.tests(s, config, names, queries.parse_month(month, config, now), now)
        return [
            schemas.DeviceMonthOut(
                device=one.state.device.id,
                name=one.name,
                state=one.state.state,
                real=one.state.real,
                proven=one.state.proven,
                last=shape(schemas.TestOut, one.last) if one.last else None,
            )
            for one in page.lines
        ]


@router.post("/fire/tests", operation_id="record_fire_test", status_code=201)
def record_test(svc: Svc, actor: Signed, now: Now, body: schemas.RecordTest) -> schemas.TestOut:
    """Enter a test, for good."""
    words: dict[str, Any] = body.model_dump(exclude={"site"})
    return shape(schemas.TestOut, fire_actions.record_test(svc, actor, body.site, now, **words))


@router.get("/fire/drills", operation_id="list_fire_drills")
def drills(svc: Svc, actor: Signed, site: Site = "") -> list[schemas.DrillOut]:
    """Drills, the newest first, at most 500."""
    query = select(FireDrill).where(FireDrill.site == fire_site(svc.configs, site).site.id)
    with svc.db.read() as s:
        found = s.scalars(query.order_by(FireDrill.held_on.desc(), FireDrill.id.desc()).limit(MOST)).all()
        return [shape(schemas.DrillOut, one) for one in found]


@router.post("/fire/drills", operation_id="record_fire_drill", status_code=201)
def record_drill(svc: Svc, actor: Signed, now: Now, body: schemas.RecordDrill) -> schemas.DrillOut:
    """Enter a drill, for good."""
    words: dict[str, Any] = body.model_dump(exclude={"site"})
    return shape(schemas.DrillOut, fire_actions.record_drill(svc, actor, body.site, now, **words))


def _command(row: FireCommand, now: datetime) -> schemas.CommandOut:
    return shape(schemas.CommandOut, row, outcome=shown_outcome(row, now))
