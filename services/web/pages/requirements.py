"""Requirements on visits: how each of them stands."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.web.deps import Now, Signed, Svc, Who
from services.web.pages.patrol import Name, views
from services.web.queries import requirements as queries
from services.web.queries.patrol_names import Names, site_or_first
from services.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/patrol/requirements")
def page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Every requirement with its checkpoints: last visit, next breach, what is broken."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    with svc.db.read() as s:
        rules = queries.rules(s, config, names, now)
    context = {
        "rules": rules,
        "sum": queries.summary(rules, now),
        "site": config.site.id,
        **views("requirements"),
    }
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/requirement_list.html" if fragment else "requirements.html", context, who=who)
