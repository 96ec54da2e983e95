"""Monthly reports: what there is, a version to read and sign, the running month, figures down to their records."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from services.kernel.errors import Invalid
from services.people.roles import require
from services.report import store, weights, wording, words
from services.report.files import MEDIA, Format, file_name
from services.report.model import ReportKind, Slot, Snapshot
from services.report.render import html
from services.report.render.edition import Edition
from services.report.signing import ON_PAPER
from services.web import report_actions
from services.web.deps import Now, Signed, Svc, Who, client_ip
from services.web.pages.patrol import Name
from services.web.queries import reports as queries
from services.web.queries.places import Places
from services.web.templating import render as render_page

router = APIRouter(include_in_schema=False)

Month = Annotated[str, Query(max_length=7)]
KindAsked = Annotated[ReportKind, Query()]
Words = Annotated[str, Form(max_length=400)]
CHANGED = {"HX-Refresh": "true"}


def _shared(language: str, site: str) -> dict[str, Any]:
    return {
        "site": site,
        "wording": wording,
        "kind_word": lambda kind: words.kind_word(kind, language),
        "state_word": lambda state: words.state_word(state, language),
        "record_word": lambda kind: words.record_word(kind, language),
        "month_text": lambda month: wording.month_text(month, language),
    }


def body_of(snapshot: Snapshot, edition: Edition, link: str) -> Markup:
    """The report as an HTML fragment, personal data masked; every text in it is escaped by its renderer."""
    return Markup(html.render(snapshot, edition, link=link))  # noqa: S704


@router.get("/reports")
def overview(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Months and kinds with their newest version, and who signs next."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    with svc.db.read() as s:
        months = queries.months(s, config, actor, now)
        sets = weights.of_site(s, config.site.id)
    context = {
        "months": months,
        "weights": weights.valid_on(sets, months[0].first_on),
        "places": Places(svc.configs, who.language),
        **_shared(who.language, config.site.id),
    }
    return render_page(request, "reports.html", context, who=who)


@router.get("/reports/new")
def make_form(
    request: Request, svc: Svc, actor: Signed, who: Who, month: Month, kind: KindAsked = "facilities", site: Name = ""
) -> Response:
    """The dialog to make or correct a report."""
    require(actor, "report.make")
    config = queries.site_of(svc.configs, site)
    with svc.db.read() as s:
        versions = [one for one in store.of_site(s, config.site.id) if f"{one.month_on:%Y-%m}" == month]
    context = {
        "month": month,
        "kind": kind,
        "last": next((one for one in versions if one.kind == kind), None),
        **_shared(who.language, config.site.id),
    }
    return render_page(request, "parts/report_make.html", context, who=who)


@router.post("/reports")
def make(
    svc: Svc,
    actor: Signed,
    month: Annotated[str, Form(min_length=7, max_length=7)],
    kind: Annotated[ReportKind, Form()],
    site: Annotated[str, Form(max_length=64)] = "",
    reason: Words = "",
) -> Response:
    """Make it; the answer leads to it."""
    made = report_actions.make(svc, actor, site, kind, month, reason)
    query = "" if made.is_new else "?same=1"
    return Response(status_code=204, headers={"HX-Redirect": f"/reports/{made.row.id}{query}"})


@router.get("/reports/live")
def live(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    month: Month = "",
    kind: KindAsked = "facilities",
    site: Name = "",
) -> Response:
    """The running month's figures, counted now."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    near = queries.neighbours(config, month, now)
    draft = queries.LIVE.draft(svc, config.site.id, kind, near.month, now)
    figure_url = _live_figure_url(config.site.id, kind, near.month)
    context = {
        "snapshot": draft.snapshot,
        "body": body_of(draft.snapshot, Edition(who.language), figure_url("{id}")),
        "near": near,
        "kind": kind,
        "kinds": store.KINDS,
        "figure_url": figure_url,
        **_shared(who.language, config.site.id),
    }
    return render_page(request, "report_live.html", context, who=who)


def _live_figure_url(site: str, kind: str, month: str) -> Any:
    query = urlencode({"site": site, "kind": kind, "month": month})
    return lambda figure: f"/reports/live/figures/{quote(figure, safe='{}')}?{query}"


@router.get("/reports/live/figures/{figure}")
def live_figure(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    figure: str,
    month: Month = "",
    kind: KindAsked = "facilities",
    site: Name = "",
) -> Response:
    """A figure of the running month with its records."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    near = queries.neighbours(config, month, now)
    draft = queries.LIVE.draft(svc, config.site.id, kind, near.month, now)
    with svc.db.read() as s:
        found = queries.explained(s, draft.snapshot, figure, draft.evidence.get(figure))
    context = {
        "found": found,
        "meta": draft.snapshot.meta,
        "back": f"/reports/live?{urlencode({'site': config.site.id, 'kind': kind, 'month': near.month})}",
        **_shared(who.language, config.site.id),
    }
    return render_page(request, "report_figure.html", context, who=who)


@router.get("/reports/weights")
def weights_page(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Weights of key figures, what they make of the running month, and a form for new ones (KPI-13)."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    near = queries.neighbours(config, "", now)
    with svc.db.read() as s:
        sets = weights.of_site(s, config.site.id)
    snapshot = queries.LIVE.draft(svc, config.site.id, "facilities", near.month, now).snapshot
    aimed = [one for one in snapshot.figures if one.target is not None]
    first = date.fromisoformat(f"{near.month}-01")
    valid = weights.valid_on(sets, first)
    context = {
        "sets": sets,
        "valid": valid,
        "score": weights.score(aimed, {one.id: valid.weights[one.id] for one in aimed if one.id in valid.weights})
        if valid is not None
        else None,
        "figures": aimed,
        "by_id": {one.id: one for one in snapshot.figures},
        "first": first,
        "places": Places(svc.configs, who.language),
        **_shared(who.language, config.site.id),
    }
    return render_page(request, "report_weights.html", context, who=who)


@router.post("/reports/weights")
def weigh(
    svc: Svc,
    actor: Signed,
    now: Now,
    figure: Annotated[list[Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_.-]+$")]], Form(max_length=200)],
    weight: Annotated[list[Annotated[str, Field(max_length=12)]], Form(max_length=200)],
    month: Annotated[str, Form(max_length=7)],
    site: Annotated[str, Form(max_length=64)] = "",
    reason: Words = "",
) -> Response:
    """Set them: a figure and its weight each, an empty weight for none."""
    try:
        given = {name: float(text) for name, text in zip(figure, weight, strict=True) if text.strip()}
    except ValueError as error:
        raise Invalid("A weight is a number", hint="Like 12.5", field="weights") from error
    try:
        from_on = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Invalid("Say from which month the weights hold", hint="Like 2026-12", field="month") from error
    report_actions.weigh(svc, actor, site, from_on, given, reason, now)
    return Response(status_code=204, headers=CHANGED)


@router.get("/reports/{report_id}")
def one(request: Request, svc: Svc, actor: Signed, who: Who, report_id: str, same: bool = False) -> Response:
    """A version to read, sign and download."""
    require(actor, "report.read")
    with svc.db.read() as s:
        page = queries.one(s, svc.configs, report_id, actor, who.language)
    context = {
        "page": page,
        "same": same,
        "body": body_of(page.snapshot, page.edition, f"/reports/{page.row.id}/figures/{{id}}"),
        "on_paper": ON_PAPER,
        "figure_url": lambda figure: f"/reports/{page.row.id}/figures/{quote(figure, safe='')}",
        "places": Places(svc.configs, who.language),
        **_shared(who.language, page.row.site),
    }
    return render_page(request, "report.html", context, who=who)


@router.get("/reports/{report_id}/file.{kind}")
def file(svc: Svc, actor: Signed, now: Now, report_id: str, kind: Format, full: bool = False) -> Response:
    """A version as a file; `full` with personal data."""
    content, snapshot = report_actions.file(svc, actor, report_id, kind, now, full=full)
    name = quote(file_name(snapshot, kind), safe="")
    disposition = f"attachment; filename*=UTF-8''{name}"
    return Response(content, media_type=MEDIA[kind], headers={"Content-Disposition": disposition})


@router.get("/reports/{report_id}/figures/{figure}")
def figure(request: Request, svc: Svc, actor: Signed, who: Who, report_id: str, figure: str) -> Response:
    """A figure with the records that were frozen with it."""
    require(actor, "report.read")
    with svc.db.read() as s:
        row = store.get(s, report_id)
        snapshot = store.read(row)
        found = queries.explained(s, snapshot, figure, store.evidence(s, row.id, figure))
    context = {
        "found": found,
        "meta": snapshot.meta,
        "back": f"/reports/{row.id}",
        **_shared(who.language, row.site),
    }
    return render_page(request, "report_figure.html", context, who=who)


@router.get("/reports/{report_id}/sign")
def sign_form(request: Request, svc: Svc, actor: Signed, who: Who, report_id: str, slot: Slot) -> Response:
    """The dialog to sign."""
    require(actor, "report.sign")
    with svc.db.read() as s:
        row = store.get(s, report_id)
    context = {"row": row, "slot": slot, "paper": slot in ON_PAPER, **_shared(who.language, row.site)}
    return render_page(request, "parts/report_sign.html", context, who=who)


@router.post("/reports/{report_id}/sign")
def sign(
    request: Request,
    svc: Svc,
    actor: Signed,
    now: Now,
    report_id: str,
    slot: Annotated[Slot, Form()],
    seen: Annotated[str, Form(min_length=64, max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    comment: Words = "",
    paper: Annotated[str, Form(max_length=100)] = "",
    paper_name: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Sign."""
    report_actions.sign(
        svc, actor, report_id, slot, password, seen, now,
        ip=client_ip(request), comment=comment, paper=paper, paper_name=paper_name,
    )  # fmt: skip
    return Response(status_code=204, headers=CHANGED)
