"""Files of the ledger: export, import with its preview, the sheet of QR labels, certificates and documents."""

import hashlib
from datetime import date, timedelta
from io import BytesIO
from typing import Annotated
from urllib.parse import quote
from zoneinfo import ZoneInfo

import segno
from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from gateway.site.model import SiteConfig
from services.equipment import certificates, documents, service
from services.equipment.certificates import CERTIFICATE_KINDS, CertificateKind, NewCertificate
from services.equipment.documents import DOCUMENT_KINDS, DocumentKind
from services.equipment.sheet import reading, writing
from services.equipment.sheet.columns import BY_KEY
from services.equipment.sheet.importing import ImportPlan
from services.equipment.sheet.words import column_name, sentence
from services.equipment.tables import Equipment
from services.kernel.errors import Conflict, Invalid
from services.people.roles import require
from services.web import ledger_actions as actions
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.pages.patrol import Name
from services.web.queries import equipment as queries
from services.web.queries import equipment_papers
from services.web.queries.equipment import Filter
from services.web.templating import render

router = APIRouter(include_in_schema=False)

PROBLEMS_SHOWN, ROWS_SHOWN, LABELS_MOST = 300, 200, 240
_USUAL = {
    "elevator": "elevator_inspection",
    "instrument": "calibration",
    "meter": "calibration",
    "lightning": "lightning_report",
    "water_tank": "water_quality",
    "parking_system": "parking_licence",
}
"""Kind of equipment → the certificate it usually has."""
Optional = Annotated[str, Form(max_length=26)]
Words = Annotated[str, Form(max_length=200)]


@router.get("/equipment/export.xlsx")
def export(svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """The whole ledger of a site."""
    config = queries.ledger_site(svc.configs, site)
    with svc.db.read() as s:
        content = writing.workbook(config, service.of_site(s, config.site.id), who.language)
    day = now.astimezone(ZoneInfo(config.site.timezone)).date()
    return _attachment(content, writing.MEDIA_TYPE, f"equipment-{config.site.id}-{day}.xlsx")


@router.get("/equipment/import")
def import_page(request: Request, svc: Svc, actor: Signed, who: Who, site: Name = "") -> Response:
    """Where a filled-in ledger is sent."""
    require(actor, "equipment.import")
    config = queries.ledger_site(svc.configs, site)
    return render(request, "equipment_import.html", {"site": config.site.id, "columns": BY_KEY.values()}, who=who)


@router.post("/equipment/import/preview")
def preview(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    file: Annotated[UploadFile, File()],
    site: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """What an import would do, without doing it."""
    require(actor, "equipment.import")
    content = _content(file, reading.MAX_BYTES, "import_file")
    found = actions.preview(svc, actor, site, reading.read(content))
    return _plan(request, who, found, digest=hashlib.sha256(content).hexdigest(), done=False)


@router.post("/equipment/import")
def carry_out(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    file: Annotated[UploadFile, File()],
    digest: Annotated[str, Form(max_length=64)],
    site: Annotated[str, Form(max_length=64)] = "",
    partial: Annotated[bool, Form()] = False,
) -> Response:
    """Import the file that was looked at."""
    require(actor, "equipment.import")
    content = _content(file, reading.MAX_BYTES, "import_file")
    if hashlib.sha256(content).hexdigest() != digest:
        raise Conflict("This is not the file of the preview", hint="Look at the preview of this one first")
    done = actions.carry_out(svc, actor, site, reading.read(content), now, partial=partial)
    return _plan(request, who, done, digest=digest, done=True)


@router.get("/equipment/labels")
def labels(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    one: Annotated[str, Query(max_length=26)] = "",
    q: Annotated[str, Query(max_length=120)] = "",
    of_class: Annotated[str, Query(alias="class", max_length=32)] = "",
    kind: Name = "",
    area: Name = "",
    skip: Annotated[int, Query(ge=0, le=23)] = 0,
) -> Response:
    """QR labels on A4 sheets: of one entry, or of what the list shows; `skip` labels of the first sheet are used."""
    with svc.db.read() as s:
        if one:
            rows = [service.get(s, one)]
            config = svc.configs.site(rows[0].site)
        else:
            config = queries.ledger_site(svc.configs, site)
            wanted = Filter(q, of_class, kind, area)
            rows = [
                row for row in service.of_site(s, config.site.id, live=True) if queries.matches(config, row, wanted)
            ]
    base = base_of(svc, config)
    shown = rows[:LABELS_MOST]
    stickers: list[dict[str, str] | None] = [None] * skip
    stickers += [
        {
            "name": queries.name_of(row, who.language),
            "code": row.code or row.eid,
            "where": queries.where_of(config, row, who.language),
            "tag": row.tag,
            "qr": qr_uri(address(base, row)),
        }
        for row in shown
    ]
    context = {
        "sheets": [stickers[start : start + 24] for start in range(0, len(stickers), 24)],
        "count": len(shown),
        "left_out": len(rows) - len(shown),
        "base": base,
        "skip": skip,
        "site": config.site,
    }
    return render(request, "equipment_labels.html", context, who=who)


@router.get("/equipment/certificates")
def register(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: Name = "") -> Response:
    """Every certificate in force, the next to expire first."""
    config = queries.ledger_site(svc.configs, site)
    with svc.db.read() as s:
        found = equipment_papers.register(s, config, now, who.language)
    return render(request, "equipment_certificates.html", {"page": found, "site": config.site.id}, who=who)


@router.get("/equipment/certificates/new")
def certificate_form(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    site: Name = "",
    equipment: Annotated[str, Query(max_length=26)] = "",
    renews: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """The dialog to enter or renew a certificate."""
    require(actor, "equipment.edit")
    with svc.db.read() as s:
        old = certificates.get(s, renews) if renews else None
        row = service.get(s, equipment) if equipment else None
        if row is None and old is not None and old.equipment_id is not None:
            row = service.get(s, old.equipment_id)
        files = documents.of_equipment(s, row.id) if row is not None else []
    config = queries.ledger_site(svc.configs, row.site if row is not None else site)
    context = {
        "row": row,
        "name": queries.name_of(row, who.language) if row is not None else "",
        "old": old,
        "kinds": CERTIFICATE_KINDS,
        "kind": old.kind if old is not None else _usual(row),
        "files": files,
        "today": now.astimezone(ZoneInfo(config.site.timezone)).date(),
        "starts": old.expires_on + timedelta(days=1) if old is not None else None,
        "site": config.site.id,
    }
    return render(request, "parts/equipment_certificate.html", context, who=who)


@router.post("/equipment/certificates")
def add_certificate(
    svc: Svc,
    actor: Signed,
    now: Now,
    kind: Annotated[CertificateKind, Form()],
    expires_on: Annotated[date, Form()],
    site: Annotated[str, Form(max_length=64)] = "",
    equipment: Optional = "",
    renews: Optional = "",
    document: Optional = "",
    number: Annotated[str, Form(max_length=120)] = "",
    issuer: Words = "",
    subject: Words = "",
    valid_from_on: Annotated[date | None, Form()] = None,
) -> Response:
    """Enter it."""
    new = NewCertificate(
        kind, expires_on, number, issuer, valid_from_on, subject, document or None, replaces=renews or None
    )
    actions.add_certificate(svc, actor, site, equipment or None, new, now)
    return _reload()


@router.get("/equipment/certificates/{certificate_id}/end")
def end_form(request: Request, svc: Svc, actor: Signed, who: Who, certificate_id: str) -> Response:
    """The dialog to end a certificate."""
    require(actor, "equipment.edit")
    with svc.db.read() as s:
        found = certificates.get(s, certificate_id)
    return render(request, "parts/equipment_end.html", {"paper": found}, who=who)


@router.post("/equipment/certificates/{certificate_id}/end")
def end_certificate(
    svc: Svc,
    actor: Signed,
    now: Now,
    certificate_id: str,
    reason: Annotated[str, Form(min_length=1, max_length=400)],
) -> Response:
    """End it."""
    actions.end_certificate(svc, actor, certificate_id, reason, now)
    return _reload()


@router.get("/equipment/documents/new")
def document_form(
    request: Request, svc: Svc, actor: Signed, who: Who, equipment: Annotated[str, Query(max_length=26)]
) -> Response:
    """The dialog to upload a document."""
    require(actor, "equipment.edit")
    with svc.db.read() as s:
        row = service.get(s, equipment)
    context = {"row": row, "name": queries.name_of(row, who.language), "kinds": DOCUMENT_KINDS}
    return render(request, "parts/equipment_document.html", context, who=who)


@router.post("/equipment/documents")
def add_document(
    svc: Svc,
    actor: Signed,
    now: Now,
    equipment: Annotated[str, Form(min_length=1, max_length=26)],
    kind: Annotated[DocumentKind, Form()],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Keep it."""
    require(actor, "equipment.edit")
    content = _content(file, documents.MAX_BYTES, "file")
    actions.add_document(svc, actor, equipment, kind, file.filename or "", content, now)
    return _reload()


@router.get("/equipment/documents/{document_id}")
def document(svc: Svc, actor: Signed, document_id: str) -> Response:
    """Download a document; never shown within the console."""
    with svc.db.read() as s:
        found = documents.get(s, document_id)
    return _attachment(found.content, found.media_type, found.name)


def base_of(svc: Services, config: SiteConfig) -> str:
    """Where people reach the console: the setting, else the site files; empty: nobody said."""
    return (svc.settings.public_url or config.site.console_url).rstrip("/")


def address(base: str, row: Equipment) -> str:
    """What a label says: an address to open, or without a base the path, which the phone's app understands."""
    return f"{base}/e/{row.tag}"


def qr_uri(text: str) -> str:
    """A QR code as an image that fits into a page."""
    target = BytesIO()
    segno.make(text, error="m", micro=False).save(target, kind="svg", border=2, xmldecl=False, svgns=True, nl=False)
    return f"data:image/svg+xml;charset=utf-8,{quote(target.getvalue().decode())}"


def _plan(request: Request, who: Who, found: ImportPlan, *, digest: str, done: bool) -> Response:
    context = {
        "plan": found,
        "counts": {action: len(found.of(action)) for action in ("new", "changed", "unchanged")},
        "problems": [
            (one.row, column_name(one.column, who.language), sentence(one, who.language))
            for one in found.problems[:PROBLEMS_SHOWN]
        ],
        "more_problems": max(0, len(found.problems) - PROBLEMS_SHOWN),
        "changes": [
            (one, [(column_name(key, who.language), *pair) for key, pair in one.changes.items()])
            for one in found.rows
            if one.action != "unchanged"
        ][:ROWS_SHOWN],
        "digest": digest,
        "done": done,
    }
    return render(request, "parts/equipment_preview.html", context, who=who)


def _content(file: UploadFile, most: int, field: str) -> bytes:
    content = file.file.read(most + 1)
    if not content or len(content) > most:
        raise Invalid(
            f"The file {(file.filename or '')[:80]!r} is empty or larger than {most >> 20} MiB",
            hint="Choose another one",
            field=field,
        )
    return content


def _usual(row: Equipment | None) -> str:
    return _USUAL.get(row.kind, "other") if row is not None else "parking_licence"


def _attachment(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=media_type, headers=headers)


def _reload() -> Response:
    return Response(status_code=204, headers={"HX-Refresh": "true"})
