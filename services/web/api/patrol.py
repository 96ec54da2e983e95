"""Patrol over HTTP: rounds with their verdicts, and anomalies."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AwareDatetime
from sqlalchemy import select

from gateway.contract.times import from_ms
from services.kernel.errors import Invalid
from services.patrol.planning import plans
from services.patrol.tables import Anomaly, Round, RoundEvent, TapRow
from services.web import actions
from services.web.api import patrol_schemas as schemas
from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc
from services.web.queries import patrol_round as queries
from services.web.queries.patrol_names import Names
from services.web.queries.patrol_round import StopLine

router = api_router("patrol")

LONGEST = timedelta(days=31)
MOST = 500
Site = Annotated[str, Query(max_length=64, description="Empty: every site")]
AnomalyId = Annotated[str, Path(min_length=1, max_length=64)]
Moment = Annotated[AwareDatetime | None, Query()]
State = Literal["planned", "open", "running", "complete", "incomplete", "missed", "suspended"]


@router.get("/patrol/rounds", operation_id="list_rounds")
def list_rounds(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: Site = "",
    route: Annotated[str, Query(max_length=64)] = "",
    state: Annotated[State | None, Query()] = None,
    start: Annotated[
        Moment, Query(alias="from", description="Rounds that start from here on; a day back unless given")
    ] = None,
    end: Annotated[Moment, Query(alias="to", description="… and before this; a day ahead unless given")] = None,
) -> list[schemas.RoundOut]:
    """Rounds by their planned start, at most 31 days and 500 of them."""
    since, until = start or now - timedelta(days=1), end or now + timedelta(days=1)
    if until < since or until - since > LONGEST:
        raise Invalid("The period is empty or longer than 31 days", hint="Choose a shorter one", field="from")
    query = select(Round).where(Round.starts_at >= since, Round.starts_at < until)
    if site:
        query = query.where(Round.site == site)
    if route:
        query = query.where(Round.route == route)
    if state:
        query = query.where(Round.state == state)
    names = Names(svc.configs, actor.language)
    with svc.db.read() as s:
        rows = s.scalars(query.order_by(Round.starts_at, Round.id).limit(MOST)).all()
        return [schemas.RoundOut(**_round(row, names)) for row in rows]


@router.get("/patrol/rounds/{site}/{round}", operation_id="get_round")
def get_round(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: Annotated[str, Path(min_length=1, max_length=64)],
    round: Annotated[str, Path(min_length=1, max_length=96)],
) -> schemas.RoundDetail:
    """One round with every stop, why it is called what it is called, and how that came about."""
    names = Names(svc.configs, actor.language)
    with svc.db.read() as s:
        page = queries.one(s, svc, f"{site}/{round}", now, actor.language)
        anomalies = s.scalars(select(Anomaly).where(Anomaly.round_id == page.row.id).order_by(Anomaly.at)).all()
        return schemas.RoundDetail(
            **_round(page.row, names),
            stop_list=[_stop(line, page.row) for line in page.stops],
            history=[_change(one.event) for one in reversed(page.changes)],
            anomalies=[_anomaly(one) for one in anomalies],
        )


@router.get("/patrol/anomalies", operation_id="list_anomalies")
def list_anomalies(
    svc: Svc,
    actor: Signed,
    site: Site = "",
    closed: Annotated[bool, Query(description="Those answered for instead of those that wait")] = False,
) -> list[schemas.AnomalyOut]:
    """What a supervisor has to answer for, newest first, at most 500."""
    waiting = (Anomaly.closed_at.is_(None)) & (Anomaly.withdrawn_at.is_(None))
    query = select(Anomaly).where(Anomaly.closed_at.is_not(None) if closed else waiting)
    if site:
        query = query.where(Anomaly.site == site)
    with svc.db.read() as s:
        return [_anomaly(one) for one in s.scalars(query.order_by(Anomaly.at.desc(), Anomaly.id.desc()).limit(MOST))]


@router.post("/patrol/anomalies/{anomaly_id}/close", operation_id="close_anomaly")
def close_anomaly(
    svc: Svc, actor: Signed, now: Now, anomaly_id: AnomalyId, body: schemas.CloseAnomaly
) -> schemas.AnomalyOut:
    """Answer for an anomaly with a reason, which closes it."""
    return _anomaly(actions.close_anomaly(svc, actor, anomaly_id, body.comment, now))


def _round(row: Round, names: Names) -> dict[str, object]:
    own = {"route_kind"}
    columns = {name: getattr(row, name) for name in schemas.RoundOut.model_fields if name not in own}
    return {**columns, "route_kind": names.kind(row.site, row.route)}


def _stop(line: StopLine, row: Round) -> schemas.StopOut:
    stop, planned = line.stop, plans.decode(row.plan).stops[line.index]
    return schemas.StopOut(
        index=line.index,
        checkpoint=stop.checkpoint,
        early_from=from_ms(planned.early_from_ms),
        on_time_from=from_ms(planned.on_time_from_ms),
        on_time_until=from_ms(planned.on_time_until_ms),
        late_until=from_ms(planned.late_until_ms),
        verdict=stop.verdict,
        certainty=stop.certainty,
        marks=stop.marks,
        rule=stop.rule,
        because=stop.because,
        why=" ".join((line.why, *line.also)),
        at=stop.at,
        tap=_tap(line.tap.tap) if line.tap else None,
    )


def _tap(tap: TapRow) -> schemas.TapOut:
    return schemas.TapOut(**{name: getattr(tap, name) for name in schemas.TapOut.model_fields})


def _change(event: RoundEvent) -> schemas.ChangeOut:
    return schemas.ChangeOut(**{name: getattr(event, name) for name in schemas.ChangeOut.model_fields})


def _anomaly(one: Anomaly) -> schemas.AnomalyOut:
    columns = {name: getattr(one, name) for name in schemas.AnomalyOut.model_fields if name != "round"}
    return schemas.AnomalyOut(**columns, round=one.round_id)
