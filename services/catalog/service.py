"""Keeps the catalogue in line with the site files: what is new, changed, gone or back is written, the rest is not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.catalog.tables import CatalogEntry
from services.kernel.upsert import upsert

_KEYS = ("site", "kind", "id")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the site files declare; the fields are those of `CatalogEntry`."""

    site: str
    kind: str
    id: str
    position: int
    name: str
    name_en: str = ""
    area: str = ""
    area_path: str = ""
    parent: str = ""
    unit: str = ""
    set_value: float | None = None
    low: float | None = None
    high: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by."""
        return self.site, self.kind, self.id


_FIELDS = tuple(one.name for one in fields(Entry))


def sync(session: Session, entries: Iterable[Entry], now: datetime) -> int:
    """Bring the catalogue in line with all that is declared; returns how many rows that took, 0 when nothing changed.

    Several processes may do it at once: rows are written in one order, and the last one to start is right.
    """
    wanted = {entry.key: entry for entry in entries}
    known = {(row.site, row.kind, row.id): row for row in session.scalars(select(CatalogEntry))}
    changed = [one for key, one in wanted.items() if key not in known or not _says(known[key], one)]
    gone = [row for key, row in known.items() if key not in wanted and row.gone_at is None]
    rows = [(*_values(one), None) for one in changed] + [(*_values(_entry(row)), now) for row in gone]
    if rows:
        upsert(session, CatalogEntry, (*_FIELDS, "gone_at"), sorted(rows, key=lambda row: row[:3]), _KEYS)
    return len(rows)


def _says(row: CatalogEntry, entry: Entry) -> bool:
    return row.gone_at is None and _entry(row) == entry


def _entry(row: CatalogEntry) -> Entry:
    return Entry(**{name: getattr(row, name) for name in _FIELDS})


def _values(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in _FIELDS)


__all__ = ["Entry", "sync"]
