"""Reports as rows: what is frozen once and never changed, and how it is read back."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from services.kernel.errors import NotFound
from services.report.model import Evidenced, Ref, ReportKind, Snapshot
from services.report.tables import ReportEvidence, ReportSnapshot

KINDS: tuple[ReportKind, ...] = ("facilities", "fire")
_PREFIX: Mapping[str, str] = {"facilities": "XJ", "fire": "XF"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that is not frozen yet, with the records behind each of its figures."""

    snapshot: Snapshot
    evidence: Mapping[str, tuple[Ref, ...]] = field(default_factory=dict)


def number_of(kind: str, first_on: date, site: str, version: int) -> str:
    """报告编号, e.g. `XJ-202610-yunhe-1`."""
    return f"{_PREFIX[kind]}-{first_on:%Y%m}-{site}-{version}"


def canonical(snapshot: Snapshot) -> bytes:
    """The one way to write a snapshot: JSON, keys sorted, UTF-8; what the hash is of."""
    data = snapshot.model_dump(mode="json")
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(raw: bytes) -> str:
    """SHA-256 as hex."""
    return hashlib.sha256(raw).hexdigest()


def pack(raw: bytes) -> bytes:
    """Compressed, always to the same bytes."""
    return gzip.compress(raw, mtime=0)


def unpack(content: bytes) -> bytes:
    """What `pack` packed."""
    return gzip.decompress(content)


def refs_json(refs: Sequence[Ref]) -> bytes:
    """The records behind a figure, as they are kept."""
    rows = [[one.kind, one.id, one.counted, one.words] for one in refs]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()


def evidence_digest(kept: Mapping[str, bytes]) -> str:
    """One hash of the records behind every figure; a part of the content, so that it is signed with it."""
    whole = hashlib.sha256()
    for figure in sorted(kept):
        whole.update(f"{figure}:{digest(kept[figure])};".encode())
    return whole.hexdigest()


def read(row: ReportSnapshot) -> Snapshot:
    """The snapshot of a row."""
    return Snapshot.model_validate_json(unpack(row.content))


def get(session: Session, name: str) -> ReportSnapshot:
    """A version by its id or its number, whatever its capitals; raises NotFound."""
    row = session.get(ReportSnapshot, name.strip())
    if row is None:
        wanted = name.strip().partition("-")
        number = f"{wanted[0].upper()}{wanted[1]}{wanted[2]}"
        row = session.scalar(select(ReportSnapshot).where(ReportSnapshot.number == number))
    if row is None:
        hint = "`gengfu report list` shows what there is"
        raise NotFound(f"There is no report {name!r}", hint=hint, report=name[:64])
    return row


def versions(session: Session, site: str, kind: str, first_on: date) -> list[ReportSnapshot]:
    """Every version of a month's report, the newest first, without their content."""
    query = select(ReportSnapshot).where(
        ReportSnapshot.site == site, ReportSnapshot.kind == kind, ReportSnapshot.month_on == first_on
    )
    return list(session.scalars(query.order_by(ReportSnapshot.version.desc()).options(defer(ReportSnapshot.content))))


def newest(session: Session, site: str, kind: str, first_on: date) -> ReportSnapshot | None:
    """The version that counts."""
    query = select(ReportSnapshot).where(
        ReportSnapshot.site == site, ReportSnapshot.kind == kind, ReportSnapshot.month_on == first_on
    )
    return session.scalar(query.order_by(ReportSnapshot.version.desc()).limit(1))


def of_site(session: Session, site: str, since_on: date | None = None) -> list[ReportSnapshot]:
    """Every version of a site's reports, newest month and version first, without their content."""
    query = select(ReportSnapshot).where(ReportSnapshot.site == site)
    if since_on is not None:
        query = query.where(ReportSnapshot.month_on >= since_on)
    order = (ReportSnapshot.month_on.desc(), ReportSnapshot.kind, ReportSnapshot.version.desc())
    return list(session.scalars(query.order_by(*order).options(defer(ReportSnapshot.content))))


def evidence(session: Session, snapshot_id: str, figure: str) -> tuple[Ref, ...] | None:
    """The records behind one figure of a version; None: none were frozen."""
    row = session.get(ReportEvidence, (snapshot_id, figure))
    if row is None:
        return None
    rows = json.loads(unpack(row.content))
    return tuple(Ref(kind=kind, id=id_, counted=counted, words=words) for kind, id_, counted, words in rows)


def all_evidence(session: Session, snapshot_id: str) -> dict[str, bytes]:
    """The records behind every figure of a version, as they are kept."""
    rows = session.scalars(select(ReportEvidence).where(ReportEvidence.snapshot_id == snapshot_id))
    return {row.figure: unpack(row.content) for row in rows}


def evidence_of(figures: Sequence[Evidenced]) -> dict[str, tuple[Ref, ...]]:
    """Records by figure."""
    return {one.figure.id: one.evidence for one in figures}


def values_of(snapshot: Snapshot) -> dict[str, float | None]:
    """The value of every figure."""
    return {one.id: one.value for one in snapshot.figures}


def same(before: Snapshot, after: Snapshot) -> bool:
    """Whether two snapshots say the same; when and as which version they were made does not count."""
    return canonical(_bare(before, after)) == canonical(_bare(after, after))


def _bare(one: Snapshot, like: Snapshot) -> Snapshot:
    told = like.meta
    meta = one.meta.model_copy(
        update={
            "number": told.number, "version": told.version, "made_at": told.made_at,
            "cutoff_at": told.cutoff_at, "program": told.program,
        }
    )  # fmt: skip
    return one.model_copy(update={"meta": meta, "changes": (), "reason": "", "signers": like.signers})
