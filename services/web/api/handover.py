"""Handovers over HTTP."""

from typing import Annotated

from fastapi import Query, Request

from services.flows.patrol.handover import Given
from services.kernel.errors import Invalid
from services.people.roles import require
from services.web import actions
from services.web.api import handover_schemas as schemas
from services.web.api.alerts import second_person
from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc
from services.web.queries import handover as queries
from services.web.queries.handover import Record
from services.web.queries.patrol_names import Names, site_or_first

router = api_router("patrol")


@router.get("/patrol/handovers", operation_id="list_handovers")
def list_handovers(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: Annotated[str, Query(max_length=64, description="Empty: the first with routes")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = queries.SHOWN,
) -> schemas.HandoversOut:
    """Shifts that wait for a handover, what the kit is, and the last handovers, newest first."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, actor.language)
    with svc.db.read() as s:
        waiting = queries.waiting(s, config, names, now)
        records = queries.records(s, config, names, actor, limit)
    return schemas.HandoversOut(
        site=config.site.id,
        waiting=[
            schemas.WaitingOut(shift=one.id, people=list(one.after), starts_at=one.start_at, due_at=one.due.due_at)
            for one in waiting
        ],
        kit=queries.kit_items(config),
        handovers=[_out(one) for one in records],
    )


@router.post("/patrol/handovers", operation_id="hand_over", status_code=201)
def hand_over(request: Request, svc: Svc, actor: Signed, now: Now, body: schemas.HandOver) -> schemas.HandoverOut:
    """Record a handover between the person who is signed in and another who proves to be there by his password."""
    require(actor, "patrol.handover")
    if actor.username not in (body.given_by, body.taken_by):
        hint = "Sign in as the one who gives or the one who takes"
        raise Invalid("One of the two has to be signed in", hint=hint, field="taken_by")
    other = body.given_by if body.taken_by == actor.username else body.taken_by
    second = second_person(request, svc, actor, other, body.second_password, now)
    config = site_or_first(svc.configs, body.site)
    words = body.model_dump(include={"hazards", "keys", "note", "kit", "shift", "given_by", "taken_by"})
    row = actions.hand_over(svc, actor, config.site.id, Given(**words), second, now)
    with svc.db.read() as s:
        return _out(queries.one(s, config, Names(svc.configs, actor.language), actor, row))


def _out(record: Record) -> schemas.HandoverOut:
    row = record.row
    own = {"open_alerts", "late_s"}
    columns = {name: getattr(row, name) for name in schemas.HandoverOut.model_fields if name not in own}
    late_s = record.late.total_seconds() if record.late else None
    return schemas.HandoverOut(**columns, open_alerts=[one.id for one in record.alerts], late_s=late_s)
