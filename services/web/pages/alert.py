"""One alert: its chart, its history, who was told and why, its work order."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.contract.times import to_ms
from services.web import actions, chart, i18n, labels
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.queries import alerts as queries
from services.web.queries import points as point_queries
from services.web.queries.places import Places
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Window = Literal["1h", "6h", "24h", "7d"]
SIZES = {"wide": (960, 300), "narrow": (420, 260)}


@router.get("/alerts/{alert_id}")
def alert_page(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, alert_id: str, window: Window = "1h"
) -> Response:
    """One alert."""
    with svc.db.read() as s:
        page = queries.one(s, svc, alert_id, now, who.language)
    context = {"page": page, "row": page.row, "window": window, "windows": list(point_queries.WINDOWS)}
    return render(request, "alert.html", context, who=who)


@router.get("/fragments/alerts/{alert_id}")
def alert_parts(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, alert_id: str) -> Response:
    """Everything of the page that changes, but the chart."""
    with svc.db.read() as s:
        page = queries.one(s, svc, alert_id, now, who.language)
    return render(request, "parts/alert_body.html", {"page": page, "row": page.row}, who=who)


@router.get("/fragments/chart/{site}/{point}")
def chart_part(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: str,
    point: str,
    window: Window = "1h",
    rule: str = "",
) -> Response:
    """The chart of a point."""
    key = f"{site}/{point}"
    pictures = draw(svc, key, rule, window, who.language, now)
    context = {
        "pictures": pictures,
        "window": window,
        "windows": list(point_queries.WINDOWS),
        "target": key,
        "rule": rule,
    }
    return render(request, "parts/chart.html", context, who=who)


@router.post("/alerts/{alert_id}/reset")
def reset(svc: Svc, actor: Signed, now: Now, alert_id: str) -> Response:
    """Reset a latched alert."""
    actions.reset(svc, actor, alert_id, now)
    return Response(status_code=204, headers={"HX-Trigger": "gengfu:alerts"})


@router.post("/alerts/{alert_id}/comments")
def comment(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    alert_id: str,
    text: Annotated[str, Form(min_length=1, max_length=400)],
) -> Response:
    """Add a remark."""
    actions.comment(svc, actor, alert_id, text, now)
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:alerts": "", "gengfu:commented": true}'})
    return RedirectResponse(f"/alerts/{alert_id}", status_code=303)


def draw(svc: Services, key: str, rule: str, window: str, language: str, now: Now) -> dict[str, str]:
    """The chart of a point in each size."""
    _ = i18n.catalogue(language).gettext
    span, step = point_queries.WINDOWS[window]
    start = now - span
    with svc.db.read() as s:
        row = point_queries.one(s, svc, key, now, language)
        alerts = queries.of_point(s, key, start)
    samples = point_queries.past(svc, key, start, now, step)
    marks = [chart.Mark(to_ms(alert.opened_at), _("opened")) for alert in alerts if not rule or alert.rule == rule]
    words = chart.Words(
        gap=_("no data"),
        upper=_("upper limit"),
        lower=_("lower limit"),
        set_value=_("set value"),
        empty=_("No readings in this period") if samples is not None else _("Readings cannot be fetched right now"),
        outside=_("outside the limit"),
    )
    picture = chart.Picture(
        start_ms=to_ms(start),
        end_ms=to_ms(now),
        step_ms=step // timedelta(milliseconds=1),
        samples=[sample for sample in samples or () if sample.at_ms >= to_ms(start - step)],
        gap_ms=point_queries.gap_ms(row.point, step),
        unit="" if row.point.unit == "1" else row.point.unit,
        decimals=row.point.decimals,
        band=point_queries.band(row, rule),
        set_value=row.set_value,
        marks=marks[-12:],
        zone=Places(svc.configs, language).zone(key.partition("/")[0]),
        title=f"{row.name} · {labels.word('window', window, _)}",
        words=words,
    )
    return {name: chart.draw(picture, width, height) for name, (width, height) in SIZES.items()}
