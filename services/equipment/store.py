"""Reading the ledger, and the one way in which lines get into an entry's history."""

import secrets
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.equipment.tables import Certificate, Equipment, EquipmentEvent
from services.kernel.errors import Conflict, NotFound

SYSTEM = "system"
"""The actor of everything no person did."""
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_TAG_LENGTH = 12


def new_tag() -> str:
    """What a QR label carries: 59 random bits in letters and digits that cannot be mistaken for each other."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_TAG_LENGTH))


def get(session: Session, equipment_id: str) -> Equipment:
    """One entry; raises NotFound."""
    row = session.get(Equipment, equipment_id)
    if row is None:
        raise _missing(equipment_id)
    return row


def by_eid(session: Session, site: str, eid: str) -> Equipment | None:
    """The entry with this short id."""
    return session.scalar(select(Equipment).where(Equipment.site == site, Equipment.eid == eid))


def by_tag(session: Session, tag: str) -> Equipment | None:
    """The entry whose label carries this; upper or lower case is the same."""
    return session.scalar(select(Equipment).where(Equipment.tag == tag.strip().upper()))


def of_site(session: Session, site: str, *, live: bool = False) -> list[Equipment]:
    """The entries of a site by short id; `live`: only those still declared and not scrapped."""
    query = select(Equipment).where(Equipment.site == site).order_by(Equipment.eid)
    if live:
        query = query.where(Equipment.declared, Equipment.status != "scrapped")
    return list(session.scalars(query))


def lock(session: Session, equipment_id: str, version: int | None = None) -> Equipment:
    """The entry, held until the transaction ends; raises NotFound, or Conflict when `version` is not current."""
    row = session.scalar(
        select(Equipment)
        .where(Equipment.id == equipment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise _missing(equipment_id)
    if version is not None and row.version != version:
        raise Conflict(
            f"Equipment {row.eid} was changed meanwhile (version {row.version}, you saw {version})",
            hint="Look at it again and decide again",
            equipment=row.id,
            current={"status": row.status, "version": row.version},
        )
    return row


def record(
    session: Session,
    row: Equipment,
    kind: str,
    now: datetime,
    *,
    actor: str,
    event_at: datetime | None = None,
    **data: Any,
) -> None:
    """Append one line to the history; `event_at`: when it happened, if not now."""
    session.flush()
    session.scalar(select(Equipment.id).where(Equipment.id == row.id).with_for_update())
    last = session.scalar(select(func.max(EquipmentEvent.seq)).where(EquipmentEvent.equipment_id == row.id))
    event = EquipmentEvent(
            equipment_id=row.id,
            seq=(last or 0) + 1,
            at=now,
            event_at=event_at or now,
            kind=kind,
            actor=actor,
        data={key: value for key, value in data.items() if value is not None},
    )  # fmt: skip
    session.add(event)
    session.flush()


def history(session: Session, equipment_id: str) -> list[EquipmentEvent]:
    """Everything that happened to an entry, newest first."""
    return list(
        session.scalars(
            select(EquipmentEvent)
            .where(EquipmentEvent.equipment_id == equipment_id)
            .order_by(EquipmentEvent.seq.desc())
        )
    )


def expiring(session: Session, site: str, until_on: date) -> list[Certificate]:
    """Certificates in force whose last day is `until_on` or before (already past ones too), the earliest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.site == site, Certificate.ended_at.is_(None), Certificate.expires_on <= until_on)
            .order_by(Certificate.expires_on, Certificate.id)
        )
    )


def _missing(equipment_id: str) -> NotFound:
    return NotFound(f"There is no equipment {equipment_id}", hint="Open it from the ledger", equipment=equipment_id)
