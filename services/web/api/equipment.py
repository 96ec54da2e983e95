"""The equipment ledger over HTTP."""

from typing import Annotated, Any

from fastapi import Query

from services.equipment import certificates, service, store
from services.equipment.certificates import NewCertificate
from services.equipment.values import DATES, clean
from services.web import ledger_actions as actions
from services.web.api import equipment_schemas as schemas
from services.web.api.common import api_router
from services.web.api.fire import MOST, Id, shape
from services.web.deps import Now, Signed, Svc
from services.web.queries.equipment import ledger_site

router = api_router("equipment")

Site = Annotated[str, Query(max_length=64, description="Empty: the first one")]


@router.get("/equipment", operation_id="list_equipment")
def entries(
    svc: Svc,
    actor: Signed,
    site: Site = "",
    live: Annotated[bool, Query(description="Only what is declared and not scrapped")] = True,
    after: Annotated[str, Query(max_length=64, description="The `eid` of the last one had before")] = "",
) -> list[schemas.EquipmentOut]:
    """Entries by short id, at most 500."""
    config = ledger_site(svc.configs, site)
    with svc.db.read() as s:
        found = [one for one in service.of_site(s, config.site.id, live=live) if one.eid > after]
        return [shape(schemas.EquipmentOut, one) for one in found[:MOST]]


@router.post("/equipment", operation_id="enter_equipment", status_code=201)
def enter(svc: Svc, actor: Signed, now: Now, body: schemas.NewEquipment) -> schemas.EquipmentOut:
    """Enter something new."""
    row = actions.enter(svc, actor, body.site, _values(body), now, eid=body.eid)
    return shape(schemas.EquipmentOut, row)


@router.get("/equipment/certificates", operation_id="list_certificates")
def papers(svc: Svc, actor: Signed, site: Site = "") -> list[schemas.CertificateOut]:
    """Certificates in force, the next to expire first, at most 500."""
    config = ledger_site(svc.configs, site)
    with svc.db.read() as s:
        return [shape(schemas.CertificateOut, one) for one in certificates.in_force(s, config.site.id)[:MOST]]


@router.post("/equipment/certificates", operation_id="add_certificate", status_code=201)
def add_certificate(svc: Svc, actor: Signed, now: Now, body: schemas.AddCertificate) -> schemas.CertificateOut:
    """Enter or renew a certificate."""
    new = NewCertificate(
        body.kind,
        body.expires_on,
        clean(body.number),
        clean(body.issuer),
        body.valid_from_on,
        clean(body.subject),
        replaces=body.renews,
    )
    return shape(
        schemas.CertificateOut, actions.add_certificate(svc, actor, body.site, body.equipment or None, new, now)
    )


@router.post("/equipment/certificates/{certificate_id}/end", operation_id="end_certificate")
def end_certificate(
    svc: Svc, actor: Signed, now: Now, certificate_id: Id, body: schemas.EndCertificate
) -> schemas.CertificateOut:
    """Say that a certificate is not needed any more."""
    return shape(schemas.CertificateOut, actions.end_certificate(svc, actor, certificate_id, body.reason, now))


@router.get("/equipment/{equipment_id}", operation_id="get_equipment")
def one(svc: Svc, actor: Signed, equipment_id: Id) -> schemas.EquipmentOut:
    """One entry."""
    with svc.db.read() as s:
        return shape(schemas.EquipmentOut, service.get(s, equipment_id))


@router.get("/equipment/{equipment_id}/history", operation_id="get_equipment_history")
def history(svc: Svc, actor: Signed, equipment_id: Id) -> list[schemas.EquipmentEventOut]:
    """What happened to an entry, newest first, at most 500."""
    with svc.db.read() as s:
        row = service.get(s, equipment_id)
        return [shape(schemas.EquipmentEventOut, event) for event in store.history(s, row.id)[:MOST]]


@router.post("/equipment/{equipment_id}", operation_id="edit_equipment")
def edit(svc: Svc, actor: Signed, now: Now, equipment_id: Id, body: schemas.EditEquipment) -> schemas.EquipmentOut:
    """Change what is known of an entry."""
    row = actions.edit(svc, actor, equipment_id, _values(body), now, version=body.version)
    return shape(schemas.EquipmentOut, row)


@router.post("/equipment/{equipment_id}/status", operation_id="set_equipment_status")
def set_status(svc: Svc, actor: Signed, now: Now, equipment_id: Id, body: schemas.SetStatus) -> schemas.EquipmentOut:
    """Change 在用/停用/维修/报废."""
    row = actions.set_status(
        svc, actor, equipment_id, body.status, body.reason, now, version=body.version, event_at=body.at
    )
    return shape(schemas.EquipmentOut, row)


def _values(body: schemas.Values) -> dict[str, Any]:
    """The columns that were sent; words are cleaned, and null empties a day only."""
    sent = body.model_dump(include=set(schemas.Values.model_fields), exclude_unset=True)
    kept = {key: value for key, value in sent.items() if value is not None or key in DATES}
    return {key: clean(value) if isinstance(value, str) else value for key, value in kept.items()}
