"""Certificates with an end: entered, renewed by a newer one, ended; never changed otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.equipment.store import lock, record
from services.equipment.tables import Certificate, Equipment, EquipmentDocument
from services.equipment.values import written
from services.kernel import audit
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id

CertificateKind = Literal[
    "elevator_inspection", "registration", "calibration", "fire_test_report", "lightning_report", "water_quality",
    "parking_licence", "person", "insurance", "other",
]  # fmt: skip
CERTIFICATE_NAMES: Mapping[str, tuple[str, str]] = {
    "elevator_inspection": ("电梯年检合格证", "Lift inspection certificate"),
    "registration": ("特种设备使用登记证", "Registration of special equipment"),
    "calibration": ("计量检定/校准证书", "Calibration certificate"),
    "fire_test_report": ("消防设施检测报告", "Fire test report"),
    "lightning_report": ("防雷检测报告", "Lightning protection report"),
    "water_quality": ("二次供水水质检测报告", "Water quality report"),
    "parking_licence": ("停车场经营许可", "Parking licence"),
    "person": ("人员上岗证", "Person's certificate"),
    "insurance": ("保险", "Insurance"),
    "other": ("其他证照", "Other certificate"),
}
CERTIFICATE_KINDS: tuple[CertificateKind, ...] = get_args(CertificateKind)
LIFT = "elevator_inspection"
"""The statutory certificate that LED-20 asks for; the yearly overhaul is another thing (AMB-15)."""


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A paper as it is entered."""

    kind: CertificateKind
    expires_on: date
    """Last day it is valid."""
    number: str = ""
    issuer: str = ""
    valid_from_on: date | None = None
    subject: str = ""
    """Whose it is, when it is of no entry of the ledger."""
    document_id: str | None = None
    replaces: str | None = None
    """The certificate it renews."""


def name_of(kind: str, language: str) -> str:
    """What a kind of certificate is called."""
    chinese, english = CERTIFICATE_NAMES.get(kind, (kind, kind))
    return english if language == "en" else chinese


def get(session: Session, certificate_id: str, *, hold: bool = False) -> Certificate:
    """One certificate; raises NotFound. `hold`: as it is now, and nobody else ends it before the transaction does."""
    row = session.get(Certificate, certificate_id, with_for_update=hold or None)
    if row is None:
        raise NotFound(f"There is no certificate {certificate_id}", hint="Open it from the equipment's page")
    return row


def of_equipment(session: Session, equipment_id: str) -> list[Certificate]:
    """The certificates of an entry: those in force first, the latest end first."""
    rows = session.scalars(select(Certificate).where(Certificate.equipment_id == equipment_id))
    return sorted(rows, key=lambda one: (one.ended_at is not None, -one.expires_on.toordinal(), one.id))


def in_force(session: Session, site: str) -> list[Certificate]:
    """Every certificate of a site that was not renewed or ended, the next to expire first."""
    query = select(Certificate).where(Certificate.site == site, Certificate.ended_at.is_(None))
    return list(session.scalars(query.order_by(Certificate.expires_on, Certificate.id)))


def add(
    session: Session, site: str, equipment: Equipment | None, new: NewCertificate, now: datetime, *, actor: str
) -> Certificate:
    """Enter a certificate; the one it renews is ended. Raises Invalid, NotFound, Conflict."""
    if new.kind not in CERTIFICATE_KINDS:
        raise Invalid(f"There is no kind of certificate {new.kind!r}", hint="Choose one of the list", field="kind")
    if equipment is None and not new.subject.strip():
        raise Invalid("Say whose certificate it is", hint="Name the person, the firm or the place", field="subject")
    if new.valid_from_on is not None and new.valid_from_on > new.expires_on:
        raise Invalid("The certificate ends before it begins", hint="Check both days", field="expires_on")
    if new.document_id is not None:
        paper = session.get(EquipmentDocument, new.document_id)
        if paper is None or paper.equipment_id != (equipment.id if equipment else None):
            raise NotFound(f"There is no document {new.document_id} here", hint="Upload it first")
    old = _replaced(session, site, equipment, new)
    row = Certificate(
        id=new_id(), site=site, equipment_id=equipment.id if equipment else None, kind=new.kind,
        subject=written(new.subject, "subject"), number=written(new.number, "number"),
        issuer=written(new.issuer, "issuer"),
        valid_from_on=new.valid_from_on, expires_on=new.expires_on, document_id=new.document_id, ended_by="",
        created_at=now, created_by=actor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if old is not None:
        old.ended_at, old.ended_by = now, actor
    if equipment is not None:
        record(
            session, equipment, "certificate", now, actor=actor, certificate=row.id, certificate_kind=row.kind,
            number=row.number, expires_on=row.expires_on.isoformat(), renews=old.id if old else None,
        )  # fmt: skip
    audit.record(session, now, actor, "equipment.certificate", row.id, kind=row.kind, expires_on=str(row.expires_on))
    return row


def end(session: Session, certificate_id: str, now: datetime, *, actor: str, reason: str) -> Certificate:
    """A certificate is not needed any more: nobody is warned. Raises NotFound, Conflict, Invalid."""
    row = get(session, certificate_id, hold=True)
    if row.ended_at is not None:
        raise Conflict(f"Certificate {row.id} has ended already", hint="Look at the list again")
    why = written(reason, "reason")[:400]
    if not why:
        raise Invalid("Ending a certificate needs a reason", hint="Say why in a few words", field="reason")
    row.ended_at, row.ended_by = now, actor
    if row.equipment_id is not None:
        record(
            session, lock(session, row.equipment_id), "certificate", now, actor=actor, certificate=row.id,
            certificate_kind=row.kind, number=row.number, ended=True, reason=why,
        )  # fmt: skip
    audit.record(session, now, actor, "equipment.end_certificate", row.id, reason=why)
    return row


def _replaced(session: Session, site: str, equipment: Equipment | None, new: NewCertificate) -> Certificate | None:
    if new.replaces is None:
        return None
    old = get(session, new.replaces, hold=True)
    if (old.site, old.equipment_id, old.kind) != (site, equipment.id if equipment else None, new.kind):
        raise Invalid("A certificate renews one of the same kind and thing", hint="Choose another", field="replaces")
    if old.ended_at is not None:
        raise Conflict(f"Certificate {old.id} has ended already", hint="Look at the list again")
    return old
