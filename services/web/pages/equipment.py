"""The equipment ledger: the list, one entry, and the dialogs that change it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from services.equipment import service
from services.equipment.commands import Refused
from services.equipment.model import NEXT, Status, class_of
from services.equipment.sheet.importing import RowProblem
from services.equipment.sheet.words import column_name, sentence
from services.equipment.tables import Equipment
from services.equipment.values import DATES, PEOPLE, TEXTS, clean, locked
from services.kernel.errors import Invalid, NotFound
from services.people.roles import require
from services.web import ledger_actions as actions
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.pages.patrol import Name
from services.web.queries import equipment as queries
from services.web.queries import equipment_page
from services.web.queries.equipment import Filter
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Search = Annotated[str, Query(max_length=120)]
Code = Annotated[str, Query(max_length=64, pattern="^[a-z0-9_-]*$")]
Line = Annotated[str, Field(max_length=600)]


class EntryForm(BaseModel):
    """The fields of an entry as a browser sends them; an empty one is an empty string."""

    site: Annotated[str, Field(max_length=64)] = ""
    eid: Annotated[str, Field(max_length=80)] = ""
    version: Annotated[int, Field(ge=0)] | None = None
    code: Line = ""
    name: Line = ""
    name_en: Line = ""
    kind: Line = ""
    area: Line = ""
    place: Line = ""
    responsible: Line = ""
    supervisor: Line = ""
    manager: Line = ""
    maker: Line = ""
    model: Line = ""
    serial: Line = ""
    rating: Line = ""
    made_on: Line = ""
    installed_on: Line = ""
    in_use_on: Line = ""
    warranty_until_on: Line = ""
    scrap_due_on: Line = ""
    bindings: Annotated[str, Field(max_length=4000)] = ""
    note: Annotated[str, Field(max_length=4000)] = ""


@router.get("/equipment")
def ledger(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    q: Search = "",
    of_class: Annotated[str, Query(alias="class", max_length=32)] = "",
    kind: Code = "",
    area: Name = "",
    status: Code = queries.LIVE,
    gap: Code = "",
    expiring: Annotated[str, Query(max_length=8)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """The list, filtered."""
    config = queries.ledger_site(svc.configs, site)
    status = status if status in queries.STATUS_CHOICES else queries.LIVE
    wanted = Filter(q, of_class, kind, area, status, gap, bool(expiring), page)
    with svc.db.read() as s:
        found = queries.ledger(s, config, wanted, now, who.language)
    context = {
        "page": found,
        "wanted": wanted,
        "site": config.site.id,
        "classes": queries.class_choices(who.language),
        "kinds": queries.kind_choices(who.language, of_class),
        "areas": queries.area_choices(config, who.language),
        "statuses": queries.STATUS_CHOICES,
        "per_page": queries.PAGE,
    }
    # The browser's own «back» asks for a whole page with the same header.
    fragment = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
    return render(request, "parts/equipment_list.html" if fragment else "equipment.html", context, who=who)


@router.get("/e/{tag}")
def by_label(svc: Svc, actor: Signed, tag: str) -> Response:
    """What a label's QR code opens."""
    with svc.db.read() as s:
        row = service.by_tag(s, tag[:32])
    if row is None:
        raise NotFound(f"There is no equipment with the label {tag[:32]!r}", hint="It may have been given a new label")
    return RedirectResponse(f"/equipment/{row.id}", status_code=303)


@router.get("/equipment/new")
def new_form(request: Request, svc: Svc, actor: Signed, who: Who, site: Name = "") -> Response:
    """The dialog for something new."""
    require(actor, "equipment.edit")
    return _form(request, svc, who, queries.ledger_site(svc.configs, site).site.id, None)


@router.post("/equipment/new")
def enter(svc: Svc, actor: Signed, who: Who, now: Now, form: Annotated[EntryForm, Form()]) -> Response:
    """Enter it."""
    try:
        row = actions.enter(svc, actor, form.site, values_of(form, {}), now, eid=form.eid.strip())
    except Refused as refused:
        raise _said(refused, who.language) from refused
    return Response(status_code=204, headers={"HX-Redirect": f"/equipment/{row.id}"})


@router.get("/equipment/{equipment_id}")
def one(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, equipment_id: str) -> Response:
    """Everything known of one entry."""
    with svc.db.read() as s:
        found = equipment_page.page(s, svc, actor, equipment_id, now, who.language)
    context = {
        "page": found,
        "row": found.row,
        "kind_name": queries.kind_choices(who.language).get(found.row.kind, found.row.kind),
        "class_name": queries.class_choices(who.language)[class_of(found.row.kind)],
    }
    fragment = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
    return render(request, "parts/equipment_body.html" if fragment else "equipment_one.html", context, who=who)


@router.get("/equipment/{equipment_id}/edit")
def edit_form(request: Request, svc: Svc, actor: Signed, who: Who, equipment_id: str) -> Response:
    """The dialog to edit an entry."""
    require(actor, "equipment.edit")
    with svc.db.read() as s:
        row = service.get(s, equipment_id)
    return _form(request, svc, who, row.site, row)


@router.post("/equipment/{equipment_id}/edit")
def edit(
    svc: Svc, actor: Signed, who: Who, now: Now, equipment_id: str, form: Annotated[EntryForm, Form()]
) -> Response:
    """Change it: what the form leaves empty becomes empty."""
    with svc.db.read() as s:
        row = service.get(s, equipment_id)
    values = values_of(form, locked(svc.configs.site(row.site), row))
    try:
        actions.edit(svc, actor, equipment_id, values, now, version=form.version)
    except Refused as refused:
        raise _said(refused, who.language) from refused
    return _reload()


@router.get("/equipment/{equipment_id}/status/{status}")
def status_form(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, equipment_id: str, status: Status
) -> Response:
    """The dialog to change the status."""
    require(actor, "equipment.scrap" if status == actions.SCRAPPED else "equipment.edit")
    with svc.db.read() as s:
        row = service.get(s, equipment_id)
    zone = ZoneInfo(svc.configs.site(row.site).site.timezone)
    context = {
        "row": row,
        "name": queries.name_of(row, who.language),
        "status": status,
        "possible": status in NEXT[row.status],
        "at": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        "earliest": row.status_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
    }
    return render(request, "parts/equipment_status.html", context, who=who)


@router.post("/equipment/{equipment_id}/status/{status}")
def set_status(
    svc: Svc,
    actor: Signed,
    now: Now,
    equipment_id: str,
    status: Status,
    reason: Annotated[str, Form(min_length=1, max_length=400)],
    version: Annotated[int, Form(ge=0)],
    at: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Change it."""
    with svc.db.read() as s:
        row = service.get(s, equipment_id)
    since = _local_moment(at, ZoneInfo(svc.configs.site(row.site).site.timezone), row.status_at, now)
    actions.set_status(svc, actor, equipment_id, status, reason, now, version=version, event_at=since)
    return _reload()


@router.post("/equipment/{equipment_id}/relabel")
def relabel(svc: Svc, actor: Signed, now: Now, equipment_id: str) -> Response:
    """Give it a new label."""
    actions.relabel(svc, actor, equipment_id, now)
    return _reload()


def values_of(form: EntryForm, said: Mapping[str, Any]) -> dict[str, Any]:
    """What a form wants an entry's columns to be; what the site files decide (`said`) is not asked."""
    values: dict[str, Any] = {key: clean(getattr(form, key)) for key in (*TEXTS, *PEOPLE, "kind", "area")}
    values |= {key: _day(key, getattr(form, key)) for key in DATES}
    values["bindings"] = [[*one.split(":", 1), ""][:2] for one in form.bindings.split()]
    return {key: value for key, value in values.items() if key not in said}


class SaidError(Invalid):
    """A refusal whose words are those of the person already."""


def _said(refused: Refused, language: str) -> Invalid:
    lines = [
        f"{column_name(one.column, language)}: {sentence(RowProblem(0, one.column, one.fault, one.about), language)}"
        for one in refused.problems
    ]
    return SaidError(" · ".join(lines))


def _form(request: Request, svc: Services, who: Who, site: str, row: Equipment | None) -> Response:
    config = svc.configs.site(site)
    context = {
        "row": row,
        "site": site,
        "said": locked(config, row),
        "classes": {
            name: queries.kind_choices(who.language, one) for one, name in queries.class_choices(who.language).items()
        },
        "areas": queries.area_choices(config, who.language),
        "people": {
            level: {
                one.username: queries.person_name(svc.configs, one.username, who.language)
                for one in config.people
                if one.role == role
            }
            for level, role in PEOPLE.items()
        },
        "columns": {
            key: column_name(key, who.language) for key in (*TEXTS, *DATES, *PEOPLE, "kind", "area", "eid", "bindings")
        },
    }
    return render(request, "parts/equipment_form.html", context, who=who)


def _day(key: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(f"{text[:20]!r} is no day", hint="Choose one from the calendar", field=key) from error


def _local_moment(text: str, zone: ZoneInfo, earliest: datetime, now: datetime) -> datetime | None:
    """A moment as a browser's field gives it, to the minute; what is the same minute as a bound is the bound."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(f"{text[:20]!r} is no moment", hint="Choose one from the calendar", field="event_at") from error
    given = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    for bound in (earliest, now):
        if given == bound.replace(second=0, microsecond=0):
            return bound
    return given


def _reload() -> Response:
    return Response(status_code=204, headers={"HX-Refresh": "true"})
