"""The technical archive of an entry (LED-16): files kept as they came, told by their first bytes."""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from services.equipment.store import record
from services.equipment.tables import Equipment, EquipmentDocument
from services.kernel import audit
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id

DocumentKind = Literal["manual", "drawing", "acceptance", "certificate", "photo", "other"]
DOCUMENT_KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)
MAX_BYTES = 10 * 1024 * 1024
MEDIA: Mapping[str, str] = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "txt": "text/plain; charset=utf-8",
}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]+')
_NAME_LENGTH = 120
_TYPES_BYTES = 256 * 1024
MOST = 100
"""Documents of one entry."""


def sort_of(content: bytes) -> str:
    """What a file is by its own bytes, as a suffix; empty: none of those we keep."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    if b"\0" in content:
        return ""
    try:
        content.decode()
    except UnicodeDecodeError:
        return ""
    return "txt"


def _office(content: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = set(archive.namelist())
            with archive.open("[Content_Types].xml") as parts:
                types = parts.read(_TYPES_BYTES).lower()
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, NotImplementedError, OSError):
        return ""
    # A macro's part may have any name: what it is stands in the list of types.
    if len(types) == _TYPES_BYTES or b"vbaproject" in types or b"macro" in types:
        return ""
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return ""
    return next(
        (suffix for suffix, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")) if part in names), ""
    )


def safe_name(name: str, suffix: str) -> str:
    """A file name without paths or control characters, that ends as its content says."""
    stem = _UNSAFE.sub("_", name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]).strip(" ._")
    endings = {suffix, "jpeg"} if suffix == "jpg" else {suffix}
    head, dot, tail = stem.rpartition(".")
    stem = head if dot and tail.lower() in endings else stem
    return f"{stem.strip(' ._')[:_NAME_LENGTH] or 'file'}.{suffix}"


def add(
    session: Session, equipment: Equipment, kind: DocumentKind, name: str, content: bytes, now: datetime, *, actor: str
) -> EquipmentDocument:
    """Keep a file; the same content again is the same document. Raises Invalid."""
    if kind not in DOCUMENT_KINDS:
        raise Invalid(f"There is no kind of document {kind!r}", hint="Choose one of the list", field="kind")
    if not content or len(content) > MAX_BYTES:
        raise Invalid(
            f"The file has {len(content)} bytes", hint="Send a file of at most 10 MiB that is not empty", field="file"
        )
    suffix = sort_of(content)
    if not suffix:
        raise Invalid(
            f"The file {name[:80]!r} is none of {', '.join(MEDIA)}",
            hint="Save it as one of these, without macros",
            field="file",
        )
    digest = hashlib.sha256(content).hexdigest()
    same = select(EquipmentDocument).where(
        EquipmentDocument.equipment_id == equipment.id, EquipmentDocument.sha256 == digest
    )
    known = session.scalars(same.limit(1)).first()
    if known is not None:
        return known
    if len(of_equipment(session, equipment.id)) >= MOST:
        raise Conflict(f"Equipment {equipment.eid} has {MOST} documents already", hint="They are enough")
    row = EquipmentDocument(
        id=new_id(), site=equipment.site, equipment_id=equipment.id, kind=kind, name=safe_name(name, suffix),
        media_type=MEDIA[suffix], sha256=digest, content=content, at=now, by=actor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(session, equipment, "document", now, actor=actor, document=row.id, document_kind=kind, name=row.name)
    audit.record(session, now, actor, "equipment.document", row.id, name=row.name, bytes=len(content))
    return row


def get(session: Session, document_id: str) -> EquipmentDocument:
    """One document with its content; raises NotFound."""
    row = session.get(EquipmentDocument, document_id)
    if row is None:
        raise NotFound(f"There is no document {document_id}", hint="Open it from the equipment's page")
    return row


def of_equipment(session: Session, equipment_id: str) -> list[EquipmentDocument]:
    """The documents of an entry without their content, the newest first."""
    query = (
        select(EquipmentDocument)
        .options(defer(EquipmentDocument.content, raiseload=True))
        .where(EquipmentDocument.equipment_id == equipment_id)
    )
    return list(session.scalars(query.order_by(EquipmentDocument.id.desc())))


def with_documents(session: Session, site: str) -> frozenset[str]:
    """Ids of a site's entries that have a document."""
    query = select(EquipmentDocument.equipment_id).where(EquipmentDocument.site == site).distinct()
    return frozenset(one for one in session.scalars(query) if one is not None)
