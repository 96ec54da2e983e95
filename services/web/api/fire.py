"""Fire over HTTP: the board, components, signals, incidents and what people do about them."""

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fire import incidents as rows
from services.fire.tables import FireComponent, FireIncident, FireIncidentEvent
from services.web import fire_actions
from services.web.api import fire_schemas as schemas
from services.web.api.common import api_router
from services.web.deps import Now, Services, Signed, Svc
from services.web.queries import fire as board
from services.web.queries import fire_incident, fire_log
from services.web.queries.fire import BuildingRow, IncidentRow
from services.web.queries.fire_log import Moment
from services.web.queries.fire_names import FireNames, fire_site

router = api_router("fire")

MOST = 500
NAMED = 50
"""So many components of one incident are named; signals have them all."""
Shape = TypeVar("Shape", bound=BaseModel)
Site = Annotated[str, Query(max_length=64, description="Empty: the first one with fire protection")]
Id = Annotated[str, Path(min_length=1, max_length=26, pattern="^[0-9A-Za-z_-]+$")]
Word = Annotated[str, Path(min_length=1, max_length=64, pattern="^[0-9A-Za-z_-]+$")]
Code = Annotated[str, Query(max_length=32, pattern="^[a-z_]*$")]
Text = Annotated[str, Query(max_length=64)]


@router.get("/fire", operation_id="get_fire")
def overview(svc: Svc, actor: Signed, now: Now, site: Site = "") -> schemas.OverviewOut:
    """Open incidents, every building in numbers, sources with their link, test modes."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, actor.language)
    with svc.db.read() as s:
        found = board.board(s, config, names, now)
    return schemas.OverviewOut(
        incidents=[incident_out(one) for one in found.incidents],
        buildings=[_building(one) for one in found.buildings],
        sources=[shape(schemas.SourceOut, one) for one in found.sources],
        test_modes=[shape(schemas.TestModeOut, one) for one in found.modes],
    )


@router.get("/fire/components", operation_id="list_fire_components")
def components(
    svc: Svc,
    actor: Signed,
    site: Site = "",
    building: Text = "",
    open: Annotated[bool, Query(description="Only those at which something holds")] = True,
    after: Annotated[str, Query(max_length=200, description="The id of the last one had before")] = "",
) -> list[schemas.ComponentOut]:
    """Components by id, at most 500."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, actor.language)
    query = select(FireComponent).where(FireComponent.site == config.site.id, FireComponent.id > after)
    if building:
        query = query.where(FireComponent.building == building)
    if open:
        query = query.where(FireComponent.is_open)
    with svc.db.read() as s:
        found = s.scalars(query.order_by(FireComponent.id).limit(MOST)).all()
        return [shape(schemas.ComponentOut, one, name=names.component(one)) for one in found]


@router.get("/fire/signals", operation_id="list_fire_signals")
def signals(
    svc: Svc,
    actor: Signed,
    site: Site = "",
    panel: Text = "",
    building: Text = "",
    scope: Code = "",
    state: Code = "",
    test: Annotated[bool | None, Query()] = None,
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
    before: Annotated[Moment | None, Query(description="With before_id: goes on after that signal")] = None,
    before_id: Annotated[str, Query(max_length=180)] = "",
) -> list[schemas.SignalOut]:
    """Signals by when they came, the newest first, at most 500."""
    config = fire_site(svc.configs, site)
    wanted = fire_log.Filter(
        site=config.site.id,
        panel=panel,
        building=building,
        scope=scope,
        state=state,
        test={True: "yes", False: "no", None: ""}[test],
        since=start,
        until=end,
        before=before,
        before_id=before_id,
    )
    with svc.db.read() as s:
        return [shape(schemas.SignalOut, one) for one in fire_log.signals(s, wanted, MOST)]


@router.get("/fire/incidents", operation_id="list_fire_incidents")
def incidents(
    svc: Svc, actor: Signed, site: Site = "", before: Annotated[Moment | None, Query()] = None
) -> list[schemas.IncidentOut]:
    """Incidents, the newest first, a page of 50."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, actor.language)
    with svc.db.read() as s:
        return [incident_out(one) for one in fire_incident.past(s, config.site.id, names, before)]


@router.get("/fire/incidents/{incident_id}", operation_id="get_fire_incident")
def incident(svc: Svc, actor: Signed, incident_id: Id) -> schemas.IncidentDetail:
    """One incident with its plan, the people called and its history."""
    with svc.db.read() as s:
        return _detail(s, svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/accept", operation_id="accept_fire_incident")
def accept(svc: Svc, actor: Signed, now: Now, incident_id: Id) -> schemas.IncidentDetail:
    """I am coming."""
    fire_actions.accept(svc, actor, incident_id, now)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/arrive", operation_id="arrive_fire_incident")
def arrive(svc: Svc, actor: Signed, now: Now, incident_id: Id) -> schemas.IncidentDetail:
    """I am there."""
    fire_actions.arrive(svc, actor, incident_id, now)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/grade", operation_id="grade_fire_incident")
def grade(svc: Svc, actor: Signed, now: Now, incident_id: Id, body: schemas.Grade) -> schemas.IncidentDetail:
    """How bad it is."""
    fire_actions.grade(svc, actor, incident_id, body.grade, body.note, now)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/steps/{plan}/{step}", operation_id="finish_fire_step")
def finish_step(
    svc: Svc,
    actor: Signed,
    now: Now,
    incident_id: Id,
    plan: Literal["small", "large"],
    step: Word,
    body: schemas.FinishStep,
) -> schemas.IncidentDetail:
    """A line of the plan is done, or not needed."""
    fire_actions.finish_step(svc, actor, incident_id, plan, step, now, not_needed=body.not_needed, note=body.note)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/calls", operation_id="call_to_fire_incident")
def call(svc: Svc, actor: Signed, now: Now, incident_id: Id, body: schemas.Call) -> schemas.IncidentDetail:
    """Call somebody by name."""
    fire_actions.call(svc, actor, incident_id, body.username, now)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/comments", operation_id="comment_fire_incident", status_code=201)
def comment(svc: Svc, actor: Signed, now: Now, incident_id: Id, body: schemas.Remark) -> schemas.IncidentDetail:
    """Add a remark, also to a closed one."""
    fire_actions.comment(svc, actor, incident_id, body.text, now)
    return _again(svc, actor.language, incident_id)


@router.post("/fire/incidents/{incident_id}/close", operation_id="close_fire_incident")
def close(svc: Svc, actor: Signed, now: Now, incident_id: Id, body: schemas.CloseIncident) -> schemas.IncidentDetail:
    """Say what it was."""
    fire_actions.close(svc, actor, incident_id, body.verdict, body.cause, now)
    return _again(svc, actor.language, incident_id)


def shape(kind: type[Shape], row: Any, **more: Any) -> Shape:
    """A row's columns as a shape; `more` are the fields that are no columns."""
    return kind(**{name: getattr(row, name) for name in kind.model_fields if name not in more}, **more)


def incident_out(one: IncidentRow) -> schemas.IncidentOut:
    """An incident's JSON."""
    row, left = one.row, NAMED
    zones: dict[str, list[str]] = {}
    for zone, components in row.zones.items():
        zones[zone] = components[:left]
        left -= len(zones[zone])
    count = sum(map(len, row.zones.values()))
    return shape(schemas.IncidentOut, row, where=one.where, alert=row.alert_id, zones=zones, components=count)


def _again(svc: Services, language: str, incident_id: str) -> schemas.IncidentDetail:
    with svc.db.read() as s:
        return _detail(s, svc, language, incident_id)


def _detail(s: Session, svc: Services, language: str, incident_id: str) -> schemas.IncidentDetail:
    names = FireNames(svc.configs, language)
    row = fire_incident.get(s, incident_id)
    head = board.incident_rows(s, [row], names)[0]
    steps = [
        shape(schemas.StepOut, one, text=_text(row.response, one.plan, one.step, names))
        for one in rows.steps(s, row.id)
    ]
    return schemas.IncidentDetail(
        **incident_out(head).model_dump(),
        broadcast=fire_incident.broadcast(row.response, names.english, head.place_said),
        steps=steps,
        calls=[shape(schemas.CallOut, one) for one in rows.calls(s, row.id)],
        history=_history(s, row),
        happenings=row.version,
    )


def _history(s: Session, row: FireIncident) -> list[schemas.HappeningOut]:
    newest = select(FireIncidentEvent).where(FireIncidentEvent.incident_id == row.id)
    found = s.scalars(newest.order_by(FireIncidentEvent.seq.desc()).limit(MOST)).all()
    return [shape(schemas.HappeningOut, one, data=_cut(one.data)) for one in reversed(found)]


def _cut(data: dict[str, Any]) -> dict[str, Any]:
    """What happened, without the names beyond NAMED of a storm."""
    fires = data.get("fires", ())
    if len(fires) <= NAMED:
        return data
    lines = [place for place in data.get("lines", ()) if place < NAMED]
    return data | {"fires": fires[:NAMED], "more": len(fires) - NAMED} | ({"lines": lines} if "lines" in data else {})


def _text(response: dict[str, Any], plan: str, step: str, names: FireNames) -> str:
    return fire_incident.step_texts(response, plan, names.english).get(step, (step, ""))[0]


def _building(one: BuildingRow) -> schemas.BuildingOut:
    counts = {group: one.counts[group] for group in board.GROUP_NAMES}
    return shape(schemas.BuildingOut, one, counts=counts, panels=[panel.id for panel in one.panels])
