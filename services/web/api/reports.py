"""Monthly reports over HTTP: versions, figures with their records, making, signing, verifying."""

from typing import Annotated

from fastapi import Path, Query, Request
from sqlalchemy.orm import Session

from services.people.roles import require
from services.report import signing, store
from services.report.masking import masked
from services.report.model import Figure, ReportKind
from services.report.tables import ReportSnapshot
from services.web import report_actions
from services.web.api import report_schemas as schemas
from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc, client_ip
from services.web.queries import reports as queries

router = api_router("reports")

Site = Annotated[str, Query(max_length=64)]
Report = Annotated[str, Path(max_length=80, description="Id or number of a report")]
FigureId = Annotated[str, Path(max_length=64)]
Month = Annotated[str, Query(pattern="^([0-9]{4}-[0-9]{2})?$", max_length=7, description="Empty: this month")]


@router.get("/reports", operation_id="list_reports")
def reports(svc: Svc, actor: Signed, site: Site = "") -> list[schemas.ReportOut]:
    """Every version, newest month first."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    with svc.db.read() as s:
        return [_out(s, row) for row in store.of_site(s, config.site.id)]


@router.get("/reports/live/figures", operation_id="live_figures")
def live(
    svc: Svc, actor: Signed, now: Now, site: Site = "", kind: ReportKind = "facilities", month: Month = ""
) -> list[Figure]:
    """Figures of the running month, counted now."""
    require(actor, "report.read")
    config = queries.site_of(svc.configs, site)
    near = queries.neighbours(config, month, now)
    return list(queries.LIVE.draft(svc, config.site.id, kind, near.month, now).snapshot.figures)


@router.get("/reports/{report}", operation_id="get_report")
def one(svc: Svc, actor: Signed, report: Report) -> schemas.ReportDetail:
    """A version with its snapshot."""
    require(actor, "report.read")
    with svc.db.read() as s:
        row = store.get(s, report)
        base = _out(s, row).model_dump()
    return schemas.ReportDetail(**base, snapshot=masked(store.read(row)).model_dump(mode="json"))


@router.get("/reports/{report}/figures/{figure}", operation_id="explain_figure")
def figure(svc: Svc, actor: Signed, report: Report, figure: FigureId) -> schemas.FigureOut:
    """A figure with the records it was counted from."""
    require(actor, "report.read")
    with svc.db.read() as s:
        row = store.get(s, report)
        found = queries.explained(s, store.read(row), figure, store.evidence(s, row.id, figure))
    return schemas.FigureOut(figure=found.figure, records=[record.ref for record in found.records])


@router.get("/reports/{report}/verify", operation_id="verify_report")
def verify(svc: Svc, actor: Signed, report: Report) -> schemas.VerifiedOut:
    """Recompute the hashes of content and evidence, and compare them with the signatures."""
    require(actor, "report.read")
    with svc.db.read() as s:
        found = signing.verify(s, report)
    return schemas.VerifiedOut(number=found.row.number, sha256=found.sha256, problems=list(found.problems))


@router.post("/reports", operation_id="make_report", status_code=201)
def make(svc: Svc, actor: Signed, body: schemas.Make) -> schemas.ReportOut:
    """Freeze a month that is over, or correct it; the same records again make no new version."""
    made = report_actions.make(svc, actor, body.site, body.kind, body.month, body.reason)
    with svc.db.read() as s:
        return _out(s, store.get(s, made.row.id))


@router.post("/reports/{report}/signatures", operation_id="sign_report", status_code=201)
def sign(request: Request, svc: Svc, actor: Signed, now: Now, report: Report, body: schemas.Sign) -> schemas.ReportOut:
    """Sign a version with the password entered again."""
    row = report_actions.sign(
        svc, actor, report, body.slot, body.password, body.sha256, now,
        ip=client_ip(request), comment=body.comment, paper=body.paper, paper_name=body.paper_name,
    )  # fmt: skip
    with svc.db.read() as s:
        return _out(s, store.get(s, row.id))


def _out(session: Session, row: ReportSnapshot) -> schemas.ReportOut:
    names = set(schemas.ReportOut.model_fields) - {"signatures"}
    signed = [
        schemas.SignatureOut(**{name: getattr(one, name) for name in schemas.SignatureOut.model_fields})
        for one in signing.signatures(session, row.id).values()
    ]
    return schemas.ReportOut(**{name: getattr(row, name) for name in names}, signatures=signed)
