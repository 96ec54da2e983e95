"""Brings the ledger in line with the site files: new, changed, gone and back is written; nothing is deleted."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from gateway.site.equipment import LedgerEntry
from gateway.site.model import SiteConfig
from services.equipment.store import SYSTEM, lock, new_tag, of_site, record
from services.equipment.tables import Equipment, EquipmentEvent
from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing

_FROM_FILE = {
    "code": "code", "responsible": "owner", "supervisor": "supervisor", "manager": "manager", "place": "place",
    "maker": "maker", "model": "model", "serial": "serial", "rating": "rating", "made_on": "made_on",
    "installed_on": "installed_on", "in_use_on": "in_use_on", "warranty_until_on": "warranty_until_on",
    "scrap_due_on": "scrap_due_on", "note": "note",
}  # fmt: skip
"""Column → key of equipment.yaml; what the file leaves out belongs to the people."""


def declared_values(entry: LedgerEntry) -> dict[str, Any]:
    """Columns whose value the site files decide, for an entry."""
    values: dict[str, Any] = {
        "origin": entry.origin,
        "name": entry.name,
        "name_en": entry.name_en,
        "kind": entry.kind,
        "area": entry.area,
    }
    if entry.detail is not None:
        said = ((column, getattr(entry.detail, key)) for column, key in _FROM_FILE.items())
        values |= {column: value for column, value in said if value not in (None, "")}
    return values


def sync(session: Session, config: SiteConfig, now: datetime, *, tag: Callable[[], str] = new_tag) -> int:
    """Bring one site's ledger in line with its files; returns how many entries were new, changed, gone or back."""
    rows = {row.eid: row for row in of_site(session, config.site.id)}
    count = 0
    for eid, entry in config.ledger.items():
        row = rows.get(eid)
        if row is None:
            count += _register(session, config.site.id, entry, now, tag())
        elif not row.declared or _differs(row, declared_values(entry)):
            count += _update(session, row, declared_values(entry), now)
    for eid, row in rows.items():
        if eid not in config.ledger and row.declared and row.origin != "entered":
            count += _gone(session, row, now)
    session.flush()
    return count


def _register(session: Session, site: str, entry: LedgerEntry, now: datetime, tag: str) -> bool:
    """A new entry; False when another process was faster."""
    row: dict[str, Any] = dict.fromkeys(_FROM_FILE, "")
    row |= dict.fromkeys((name for name in _FROM_FILE if name.endswith("_on")), None)
    row |= declared_values(entry)
    row |= {
        "id": new_id(), "site": site, "eid": entry.eid, "tag": tag, "declared": True, "status": "in_use",
        "status_at": now, "bindings": [], "version": 0, "created_at": now, "updated_at": now,
    }  # fmt: skip
    if not insert_missing(session, Equipment, row, ("site", "eid")):
        return False
    event = EquipmentEvent(
        equipment_id=row["id"],
            seq=1,
            at=now,
            event_at=now,
            kind="registered",
            actor=SYSTEM,
        data={"origin": entry.origin},
    )  # fmt: skip
    session.add(event)
    return True


def _differs(row: Equipment, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def _update(session: Session, row: Equipment, values: Mapping[str, Any], now: datetime) -> bool:
    row = lock(session, row.id)
    changes = differences(row, values)
    is_back = not row.declared
    if not changes and not is_back:
        return False  # another process was faster
    row.declared = True
    apply(row, values, now)
    if is_back:
        record(session, row, "declared", now, actor=SYSTEM)
    if changes:
        record(session, row, "changed", now, actor=SYSTEM, fields=changes)
    return True


def _gone(session: Session, row: Equipment, now: datetime) -> bool:
    row = lock(session, row.id)
    if not row.declared:
        return False
    row.declared = False
    apply(row, {}, now)
    record(session, row, "undeclared", now, actor=SYSTEM)
    return True


def differences(row: Equipment, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Column → [as it is, as it would be], as JSON, for what would change."""
    pairs = ((name, getattr(row, name), value) for name, value in values.items())
    return {name: [_plain(old), _plain(new)] for name, old, new in pairs if old != new}


def apply(row: Equipment, values: Mapping[str, Any], now: datetime) -> None:
    """Write values into a locked entry as its next version."""
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
