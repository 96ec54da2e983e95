"""The ledgers at the desk: monthly functional tests (PER-13), drills (PER-14), outages (form B.1)."""

from datetime import timedelta
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from gateway.site.fire import TestKind
from services.fire import upkeep
from services.kernel.errors import NotFound
from services.people.roles import require
from services.web import fire_actions
from services.web.deps import Now, Signed, Svc, Who
from services.web.pages.fire import changed, views
from services.web.pages.patrol import Name
from services.web.pages.patrol_reports import Format, file_answer
from services.web.queries import fire_upkeep as queries
from services.web.queries.fire_log import Day
from services.web.queries.fire_names import FireNames, fire_site
from services.web.queries.patrol_report import zone_of
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Month = Annotated[str, Query(max_length=7)]
Show = Literal["all", "untested", "failed"]
Note = Annotated[str, Form(max_length=2000)]
Count = Annotated[int, Form(ge=0, le=100_000)]
Account = Annotated[str, Form(max_length=64)]
DRILL_ITEMS = upkeep.DRILL_ITEMS


@router.get("/fire/tests")
def month(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    month: Month = "",
    show: Show = "all",
) -> Response:
    """The ledger of a month."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    first = queries.parse_month(month, config, now)
    with svc.db.read() as s:
        page = queries.tests(s, config, names, first, now)
    wanted = {"all": ("done", "due", "failed", "missing"), "untested": ("due", "missing"), "failed": ("failed",)}
    context = {
        "page": page,
        "lines": [one for one in page.lines if one.state.state in wanted[show]],
        "show": show,
        "first": first,
        "before": (first - timedelta(days=1)).replace(day=1),
        "after": upkeep.next_month(first),
        "today": now.astimezone(zone_of(config)).date(),
        "site": config.site.id,
        **views("tests", names),
    }
    return render(request, "fire_tests.html", context, who=who)


@router.get("/fire/tests.{kind}")
def month_file(
    svc: Svc, actor: Signed, who: Who, now: Now, kind: Format, site: Name = "", month: Month = ""
) -> Response:
    """The same as a file."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    first = queries.parse_month(month, config, now)
    with svc.db.read() as s:
        page = queries.tests(s, config, names, first, now)
    return file_answer([queries.tests_sheet(page, names)], kind, f"fire-tests-{config.site.id}-{first:%Y-%m}")


@router.get("/fire/tests/new")
def entry_form(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "", device: Name = ""
) -> Response:
    """The dialog to enter a test."""
    require(actor, "fire.ledger")
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    devices = upkeep.devices_of(config.fire)
    kind = next((one.kind for one in devices if one.id == device), "")
    context = {
        "devices": {one.id: one.name_en if names.english and one.name_en else one.name for one in devices},
        "chosen": device,
        "kinds": upkeep.methods_of(kind) if kind else get_args(TestKind),
        "kind": upkeep.kind_of_test(kind) if kind in upkeep.TESTED_POINTS else "visual",
        "today": now.astimezone(zone_of(config)).date(),
        "site": config.site.id,
        **views("tests", names),
    }
    return render(request, "parts/fire_test_form.html", context, who=who)


@router.post("/fire/tests")
def record_test(
    svc: Svc,
    actor: Signed,
    now: Now,
    device: Annotated[str, Form(min_length=1, max_length=64)],
    kind: Annotated[TestKind, Form()],
    passed: Annotated[bool, Form()],
    tested_on: Annotated[Day, Form()],
    site: Account = "",
    note: Note = "",
) -> Response:
    """Enter a test, for good."""
    fire_actions.record_test(
        svc, actor, site, now, device=device, kind=kind, passed=passed, tested_on=tested_on, note=note
    )
    return _reload()


@router.get("/fire/drills")
def drills(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Quarters with their drills."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        context = {"quarters": queries.quarters(s, config, now), "lines": queries.drills(s, config, names)}
    more = {"site": config.site.id, "today": now.astimezone(zone_of(config)).date(), "items": DRILL_ITEMS}
    return render(request, "fire_drills.html", {**context, **more, **views("drills", names)}, who=who)


@router.post("/fire/drills")
def record_drill(
    svc: Svc,
    actor: Signed,
    now: Now,
    held_on: Annotated[Day, Form()],
    owners: Count,
    staff: Count,
    items: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006 - the framework copies it
    other: Annotated[str, Form(max_length=400)] = "",
    place: Note = "",
    note: Note = "",
    site: Account = "",
) -> Response:
    """Enter a drill, for good."""
    more = [one for one in other.replace("、", ",").replace("，", ",").split(",") if one.strip()]
    fire_actions.record_drill(
        svc,
        actor,
        site,
        now,
        held_on=held_on,
        owners=owners,
        staff=staff,
        items=[*items, *more],
        place=place,
        note=note,
    )
    return _reload()


@router.get("/fire/outages")
def outages(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """What is and was out of use."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        lines, more = queries.outages(s, config, names, now)
    context = {
        "going": [one for one in lines if one.row.ended_at is None],
        "over": [one for one in lines if one.row.ended_at is not None],
        "more": more,
        "after": config.fire.settings.prompt_after,
        "site": config.site.id,
        **views("outages", names),
    }
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "parts/fire_outages_body.html" if fragment else "fire_outages.html", context, who=who)


@router.get("/fire/outages.{kind}")
def outages_file(svc: Svc, actor: Signed, who: Who, now: Now, kind: Format, site: Name = "") -> Response:
    """The same as a file."""
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        lines, _ = queries.outages(s, config, names, now, queries.OUTAGES_EXPORTED)
    return file_answer([queries.outages_sheet(lines, names)], kind, f"fire-outages-{config.site.id}")


@router.get("/fire/outages/{outage_id}")
def outage_form(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, outage_id: str, site: Name = ""
) -> Response:
    """The dialog for the columns of form B.1."""
    require(actor, "fire.ledger")
    config = fire_site(svc.configs, site)
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        found = queries.outage(s, config, names, outage_id, now)
    if found is None:
        raise NotFound(f"There is no outage {outage_id}", hint="Open it from the list", outage=outage_id)
    context = {"one": found, "site": config.site.id, **views("outages", names)}
    return render(request, "parts/fire_outage_form.html", context, who=who)


@router.post("/fire/outages/{outage_id}")
def note_outage(
    svc: Svc,
    actor: Signed,
    now: Now,
    outage_id: str,
    filed: Annotated[bool, Form()],
    measures: Annotated[str, Form(min_length=1, max_length=2000)],
    site: Account = "",
) -> Response:
    """Fill them in."""
    fire_actions.note_outage(svc, actor, site, outage_id, filed, measures.strip(), now)
    return changed()


def _reload() -> Response:
    return Response(status_code=204, headers={"HX-Refresh": "true"})
