"""Patrol at the duty desk: the live board, one round, taps, anomalies."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import select
from starlette.responses import Response

from services.kernel.errors import NotFound
from services.patrol import anomalies
from services.patrol.tables import Anomaly
from services.people.roles import Actor, require
from services.web import actions, patrol_words
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.queries import patrol as queries
from services.web.queries import patrol_gaps, patrol_round
from services.web.queries.patrol_names import Names, site_or_first
from services.web.templating import render

router = APIRouter(include_in_schema=False)

View = Literal["live", "handover", "requirements", "anomalies", "taps", "report", "exceptions", "month"]
VIEWS: dict[View, str] = {
    "live": "/patrol",
    "handover": "/patrol/handover",
    "requirements": "/patrol/requirements",
    "anomalies": "/patrol/anomalies",
    "taps": "/patrol/taps",
    "report": "/patrol/report",
    "exceptions": "/patrol/exceptions",
    "month": "/patrol/month",
}
Name = Annotated[str, Query(max_length=80)]
Shown = Literal["open", "closed"]
_CLOSED_SHOWN = 100


@router.get("/patrol")
def board(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    shift: Name = "",
    hours: queries.Hours = "12",
) -> Response:
    """The live board."""
    return render(request, "patrol.html", _board(svc, actor, now, site, shift, hours), who=who)


@router.get("/fragments/patrol")
def board_again(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    shift: Name = "",
    hours: queries.Hours = "12",
) -> Response:
    """The live board, again."""
    return render(request, "parts/patrol_board.html", _board(svc, actor, now, site, shift, hours), who=who)


def _board(svc: Services, actor: Actor, now: datetime, site: str, shift: str, hours: queries.Hours) -> dict[str, Any]:
    names = Names(svc.configs, actor.language)
    if site:
        site_or_first(svc.configs, site)
    configs = [one for one in svc.configs.sites.values() if site in ("", one.site.id)]
    with svc.db.read() as s:
        found = queries.board(s, svc, now, actor, site=site, shift=shift, hours=int(hours))
        countdowns = [gap for config in configs for gap in patrol_gaps.gaps(s, config, names, now)]
    shifts = {one.id: names.places.name(one) for config in configs for one in config.patrol.shifts}
    chosen = {"site": site, "shift": shift, "hours": hours}
    return {
        **chosen,
        "board": found,
        "gaps": countdowns,
        "shifts": shifts,
        "site_names": {one.site.id: names.places.name(one.site) for one in svc.configs.sites.values()},
        "hour_choices": queries.HOURS,
        "legend": queries.view_words(actor.language),
        **views("live"),
    }


@router.get("/patrol/rounds/{round_id:path}")
def round_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, round_id: str) -> Response:
    """One round."""
    context = _round(svc, who.language, now, round_id)
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/patrol_round_body.html" if fragment else "patrol_round.html", context, who=who)


def _round(svc: Services, language: str, now: datetime, round_id: str) -> dict[str, Any]:
    with svc.db.read() as s:
        page = patrol_round.one(s, svc, round_id, now, language)
    return {"page": page, "row": page.row, **views("live")}


@router.get("/patrol/taps")
def taps(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    site: Name = "",
    guard: Name = "",
    checkpoint: Name = "",
    mark: Annotated[str, Query(max_length=24, pattern="^[a-z_]*$")] = "",
    unknown: bool = False,
    before: datetime | None = None,
) -> Response:
    """What was tapped, newest first."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    if before is not None and before.tzinfo is None:
        before = None
    with svc.db.read() as s:
        found = patrol_round.taps(
            s, names, site=config.site.id, guard=guard, checkpoint=checkpoint, mark=mark, unknown=unknown, before=before
        )
    guards = {one.username for one in config.people if one.role == "guard"} | {line.tap.guard for line in found}
    context = {
        "lines": found,
        "site": config.site.id,
        "guards": {one: names.guard(one) for one in sorted(guards | {guard}) if one},
        "checkpoints": {one.id: names.places.name(one) for one in config.patrol.checkpoints},
        "marks": list(patrol_words.MARKS),
        "chosen": {"guard": guard, "checkpoint": checkpoint, "mark": mark, "unknown": unknown},
        "page_size": patrol_round.PAGE,
        **views("taps"),
    }
    return render(request, "patrol_taps.html", context, who=who)


@router.get("/patrol/anomalies")
def anomaly_list(
    request: Request, svc: Svc, actor: Signed, who: Who, show: Shown = "open", site: Name = "", kind: Name = ""
) -> Response:
    """What somebody has to answer for, and what was answered."""
    names = Names(svc.configs, who.language)
    with svc.db.read() as s:
        count = anomalies.count_open(s, site)
        if show == "open":
            found = anomalies.open_anomalies(s, site, kind=kind)
        else:
            query = select(Anomaly).where(Anomaly.closed_at.is_not(None), *([Anomaly.site == site] if site else []))
            found = s.scalars(query.order_by(Anomaly.closed_at.desc()).limit(_CLOSED_SHOWN)).all()
        rows = [queries.anomaly_row(one, names) for one in found]
        reasons = patrol_round.reasons(s, found, names)
    context = {"rows": rows, "reasons": reasons, "count": count, "show": show, "site": site, **views("anomalies")}
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/patrol_anomaly_list.html" if fragment else "patrol_anomalies.html", context, who=who)


@router.get("/patrol/anomalies/{anomaly_id}/close")
def close_form(request: Request, svc: Svc, actor: Signed, who: Who, anomaly_id: str) -> Response:
    """The dialog to answer for an anomaly."""
    require(actor, "patrol.close_anomaly")
    with svc.db.read() as s:
        found = s.get(Anomaly, anomaly_id)
        if found is None:
            raise NotFound(f"There is no anomaly {anomaly_id}", hint="Open it from the list", anomaly=anomaly_id)
        row = queries.anomaly_row(found, Names(svc.configs, who.language))
    return render(request, "parts/patrol_close.html", {"row": row}, who=who)


@router.post("/patrol/anomalies/{anomaly_id}/close")
def close(
    svc: Svc,
    actor: Signed,
    now: Now,
    anomaly_id: str,
    comment: Annotated[str, Form(min_length=1, max_length=400)],
) -> Response:
    """Answer for an anomaly."""
    actions.close_anomaly(svc, actor, anomaly_id, comment, now)
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:patrol": "", "gengfu:close": true}'})


def views(current: View) -> dict[str, Any]:
    """The tabs of the patrol pages."""
    return {"views": VIEWS, "view": current}
