"""Devices: who is there, who is not, and what is the matter with them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.web.deps import Now, Signed, Svc, Who
from services.web.queries import devices as queries
from services.web.templating import render

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=120)]


@router.get("/devices")
def devices(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, state: Text = "", kind: Text = "", q: Text = ""
) -> Response:
    """Every device, the worst first, with the online rate of each kind."""
    wanted = queries.Wanted(state, kind, q)
    with svc.db.read() as s:
        found = queries.rows(s, svc, now, who.language)
        rates = queries.class_rates(s, svc, now, who.language)
    counts = {name: sum(one.state == name for one in found) for name in queries.STATES}
    context = {
        "rows": queries.chosen(found, wanted),
        "all": len(found),
        "counts": counts,
        "kinds": list(dict.fromkeys(one.device.kind for one in found)),
        "rates": rates,
        "wanted": wanted,
    }
    template = "parts/device_list.html" if request.headers.get("HX-Request") == "true" else "devices.html"
    return render(request, template, context, who=who)


@router.get("/devices/{site}/{device}")
def device_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, device: str) -> Response:
    """One device with its points, gaps and silences."""
    with svc.db.read() as s:
        page = queries.one(s, svc, site, device, now, who.language)
    template = "parts/device_body.html" if request.headers.get("HX-Request") == "true" else "device.html"
    return render(request, template, {"page": page, "row": page.row}, who=who)
