"""What became of the equipment itself: stopped, repaired, put back; and papers with an end."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from services.cli.history.order_rows import add
from services.cli.history.past import Past, between
from services.equipment import service as equipment
from services.equipment.model import Status
from services.equipment.tables import Certificate, Equipment, EquipmentDocument
from services.kernel.ids import new_id

_PAPERS = {
    "elevator": ("elevator_inspection", 365), "instrument": ("calibration", 365),
    "extinguisher": ("fire_test_report", 365),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DownFact:
    """A piece of equipment was out of use."""

    equipment: str
    """Short id in the ledger."""
    status: Status
    at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class PaperFact:
    """A certificate."""

    equipment: str
    kind: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """All of them."""

    down: tuple[DownFact, ...]
    papers: tuple[PaperFact, ...]


def plan(past: Past, ids: list[str]) -> LedgerFacts:
    """Which equipment was out of use when, at most once a month each, and which papers it has."""
    down: list[DownFact] = []
    months = sorted({day.replace(day=1) for day in past.days()})
    for eid in ids:
        for month in months:
            dice = past.dice("down", eid, month)
            if dice.random() < 0.04:
                at = past.midnight(month) + between(dice, timedelta(days=1), timedelta(days=24))
                end = at + between(dice, timedelta(hours=6), timedelta(days=12))
                if past.is_over(at) and not any(one.equipment == eid and one.ended_at > at for one in down):
                    status: Status = "stopped" if dice.random() < 0.5 else "repair"
                    down.append(DownFact(eid, status, at, end))
    papers = []
    for one in past.config.equipment:
        if one.kind in _PAPERS:
            kind, days = _PAPERS[one.kind]
            left = past.dice("paper", one.id).randint(5, days)
            papers.append(PaperFact(one.id, kind, past.until_at.astimezone(past.zone).date() + timedelta(days=left)))
    return LedgerFacts(tuple(down), tuple(papers))


def write(session: Session, past: Past, facts: LedgerFacts, kept: dict[str, Equipment]) -> None:
    """Write what has happened by now."""
    chief = past.people("supervisor")[0]
    steps: list[tuple[datetime, str, Status, str]] = [
        (one.at, one.equipment, one.status, "故障停用") for one in facts.down
    ]
    steps += [(one.ended_at, one.equipment, "in_use", "恢复使用") for one in facts.down if past.is_over(one.ended_at)]
    for at, eid, status, words in sorted(steps):
        equipment.set_status(session, kept[eid], status, at, actor=chief, reason=words, event_at=at)
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "site": past.site, "equipment_id": kept[one.equipment].id, "kind": one.kind, "subject": "",
         "number": "", "issuer": "", "valid_from_on": one.expires_on - timedelta(days=365),
         "expires_on": one.expires_on, "document_id": None, "ended_at": None, "ended_by": "",
         "created_at": past.since_at, "created_by": chief}
        for one in facts.papers
    ]  # fmt: skip
    add(session, Certificate, rows)
    add(session, EquipmentDocument, [_filed(past, row) for row in kept.values() if _is_filed(past, row)])


def _is_filed(past: Past, row: Equipment) -> bool:
    """Nine of ten entries have their nameplate written down and a manual on file."""
    return past.dice("filed", row.eid).random() < 0.9


def _filed(past: Past, row: Equipment) -> dict[str, Any]:
    """Completes an entry's nameplate and place; returns its manual as a row."""
    number = past.dice("plate", row.eid).randint(1_000, 9_999)
    row.maker, row.model, row.serial = row.maker or "示例厂", row.model or f"M{number % 90}", row.serial or f"S{number}"
    row.place = row.place or past.config.area(row.area).name
    content = f"{row.name} 使用说明书".encode()
    return {
        "id": new_id(), "site": past.site, "equipment_id": row.id, "kind": "manual", "name": f"{row.name}说明书.txt",
        "media_type": "text/plain", "sha256": hashlib.sha256(content).hexdigest(), "content": content,
        "at": past.since_at, "by": past.people("supervisor")[0],
    }  # fmt: skip
