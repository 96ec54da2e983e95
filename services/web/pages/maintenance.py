"""Maintenance at the desk: what is due, the year, plans with their sources, contracts."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from gateway.site.model import SiteConfig
from gateway.site.upkeep import LEVEL_NAMES
from services.equipment import service as equipment
from services.maintenance.model import plans_for, rhythm
from services.people.roles import require
from services.web import maintenance_actions as actions
from services.web.deps import Now, Signed, Svc, Visitor, Who
from services.web.pages.patrol import Name
from services.web.queries import maintenance as queries
from services.web.queries import maintenance_plans as plan_queries
from services.web.queries import maintenance_year as year_queries
from services.web.queries.fire_log import Day
from services.web.queries.places import Places
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Level = Annotated[int, Query(ge=0, le=6)]
Year = Annotated[int, Query(ge=0, le=2200)]
Reason = Annotated[str, Form(max_length=200)]
VIEWS = ("tasks", "calendar", "plans", "contracts")
EARLIEST = 2000


def _shared(config: SiteConfig, who: Visitor, view: str) -> dict[str, Any]:
    site = config.site.id
    paths = {"tasks": "/maintenance"} | {name: f"/maintenance/{name}" for name in VIEWS[1:]}
    return {
        "site": site,
        "config": config,
        "view": view,
        "views": {name: f"{path}?site={site}" for name, path in paths.items()},
        "levels": {level: queries.level_name(level, who.language == "en") for level in LEVEL_NAMES},
        "comma": ", " if who.language == "en" else "、",
    }


@router.get("/maintenance")
def tasks(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    show: queries.Show = "open",
    level: Level = 0,
    area: Name = "",
    plan: Name = "",
    whose: Annotated[str, Query(pattern="^(mine|all)$")] = "all",
) -> Response:
    """What is due, by plan and day."""
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, who.language)
    with svc.db.read() as s:
        found = queries.board(
            s, config, places, now,
            show=show, level=level, area=area, plan=plan, username=actor.username if whose == "mine" else "",
        )  # fmt: skip
    chosen: dict[str, str | int] = {
        "site": config.site.id, "show": show, "level": level, "area": area, "plan": plan, "whose": whose,
    }  # fmt: skip
    context = {
        "board": found,
        "address": lambda **other: "/maintenance?" + urlencode({k: v for k, v in (chosen | other).items() if v}),
        "show": show,
        "level": level,
        "area": area,
        "plan": plan,
        "plan_title": queries.plan_name(config, plan, places) if plan else "",
        "whose": whose,
        "areas": {one.id: places.area_path(config.site.id, one.id) for one in config.areas},
        "place_of": lambda row: queries.place_of(config, row, places),
        "thing": places.name,
        **_shared(config, who, "tasks"),
    }
    return render(request, "maintenance_tasks.html", context, who=who)


@router.get("/maintenance/tasks/{task_id}")
def task(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, task_id: str) -> Response:
    """One task with its checklist and the ones before."""
    places = Places(svc.configs, who.language)
    with svc.db.read() as s:
        page = queries.task_page(s, svc.configs, places, task_id, now)
    config = queries.maintenance_site(svc.configs, page.task.site)
    context = {"page": page, "thing": places.name, "person": places.person, **_shared(config, who, "tasks")}
    return render(request, "maintenance_task.html", context, who=who)


@router.get("/maintenance/tasks/{task_id}/cancel")
def cancel_form(request: Request, svc: Svc, actor: Signed, who: Who, task_id: str) -> Response:
    """The dialog that asks why."""
    require(actor, "maintenance.cancel")
    return render(request, "parts/maintenance_cancel.html", {"task_id": task_id}, who=who)


@router.post("/maintenance/tasks/{task_id}/cancel")
def cancel(svc: Svc, actor: Signed, now: Now, task_id: str, reason: Reason = "") -> Response:
    """Cancel it, for good."""
    actions.cancel(svc, actor, task_id, reason, now)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.get("/maintenance/begin")
def begin_form(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "", plan: Name = ""
) -> Response:
    """The dialog to ask for a major overhaul."""
    require(actor, "maintenance.begin")
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, who.language)
    chosen = config.upkeep.plan_by_id.get(plan)
    with svc.db.read() as s:
        rows = [
            row
            for row in equipment.of_site(s, config.site.id, live=True)
            if chosen is not None and not rhythm(chosen) and chosen in plans_for(config.upkeep, row.kind, row.eid)
        ]
    today = now.astimezone(queries.zone_of(config)).date()
    context = {
        "plan": chosen,
        "plan_title": places.name(chosen) if chosen else "",
        "rows": {row.id: places.name(row) for row in rows},
        "today": today,
        "proposed": today + timedelta(days=30),
    }
    return render(request, "parts/maintenance_begin.html", context, who=who)


@router.post("/maintenance/begin")
def begin(
    svc: Svc,
    actor: Signed,
    now: Now,
    plan: Annotated[str, Form(min_length=1, max_length=64)],
    equipment_id: Annotated[str, Form(min_length=1, max_length=26)],
    due_on: Annotated[Day, Form()],
) -> Response:
    """Ask for it, and go there."""
    found = actions.begin(svc, actor, equipment_id, plan, due_on, now)
    return Response(status_code=204, headers={"HX-Redirect": f"/maintenance/tasks/{found.id}"})


@router.get("/maintenance/calendar")
def calendar(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    year: Year = 0,
    by: year_queries.By = "plan",
) -> Response:
    """A year, month by month."""
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, who.language)
    today = now.astimezone(queries.zone_of(config)).date()
    shown = year if year >= EARLIEST else today.year
    with svc.db.read() as s:
        sections = year_queries.year_calendar(s, config, places, shown, now, by, english=who.language == "en")
    context = {
        "sections": sections,
        "year": shown,
        "by": by,
        "parts": year_queries.PARTS,
        "month_now": today.month if shown == today.year else 0,
        **_shared(config, who, "calendar"),
    }
    return render(request, "maintenance_calendar.html", context, who=who)


@router.get("/maintenance/plans")
def plans(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    site: Name = "",
    idle: Annotated[bool, Query()] = False,
) -> Response:
    """Plans with their sources, what the site changed, and what no plan is for."""
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, who.language)
    with svc.db.read() as s:
        page = plan_queries.plans_page(s, config, english=who.language == "en", idle=idle)
    context = {
        "page": page,
        "idle": idle,
        "thing": places.name,
        "place_of": lambda row: queries.place_of(config, row, places),
        "calendar": config.upkeep.calendar,
        **_shared(config, who, "plans"),
    }
    return render(request, "maintenance_plans.html", context, who=who)


@router.get("/maintenance/contracts")
def contracts(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Contracts with their plans and how they are kept."""
    config = queries.maintenance_site(svc.configs, site)
    places = Places(svc.configs, who.language)
    with svc.db.read() as s:
        cards = plan_queries.contract_cards(s, config, now)
    context = {"cards": cards, "thing": places.name, **_shared(config, who, "contracts")}
    return render(request, "maintenance_contracts.html", context, who=who)
