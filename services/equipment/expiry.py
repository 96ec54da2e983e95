"""What expires when, and which warning is due: 60, 30 and 7 days before and at the end (LED-20, LED-29, PER-46)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.site.upkeep import Contract
from services.equipment.tables import Certificate, Equipment

What = Literal["certificate", "warranty", "scrap", "contract"]
STAGES = (60, 30, 7, 0)
"""So many days before its last day somebody is told; 0: on its last day, or after it."""
WARRANTY_STAGES = (30,)
"""PER-46: one month before the warranty ends; afterwards there is nothing left to be done."""
AHEAD_DAYS = max(STAGES)


@dataclass(frozen=True, slots=True)
class Ending:
    """Something with a last day."""

    what: What
    id: str
    last_on: date
    kind: str = ""
    """Kind of certificate."""
    equipment: Equipment | None = None
    words: str = ""
    """Whose it is or what it is called, when it is of no entry."""
    words_en: str = ""

    @property
    def key(self) -> str:
        """What it is remembered by: a new last day is a new thing to warn of."""
        return f"{self.what}:{self.id}:{self.last_on.isoformat()}"


def stage_of(what: What, last_on: date, today: date) -> int | None:
    """The nearest warning that is due on a day; None: none is."""
    left = (last_on - today).days
    if what == "warranty":
        return WARRANTY_STAGES[0] if 0 <= left <= WARRANTY_STAGES[0] else None
    return min((stage for stage in STAGES if left <= stage), default=None)


def endings(
    rows: Iterable[Equipment], certificates: Iterable[Certificate], contracts: Iterable[Contract], today: date
) -> list[tuple[Ending, int]]:
    """Everything for which a warning is due, with its stage, the next to end first.

    Scrapped and undeclared entries are left out, with their certificates.
    """
    live = {row.id: row for row in rows if row.declared and row.status != "scrapped"}
    found = [
        Ending(
            "certificate", one.id, one.expires_on, one.kind, live.get(one.equipment_id or ""), one.subject, one.subject
        )
        for one in certificates
        if one.ended_at is None and (one.equipment_id is None or one.equipment_id in live)
    ]
    for row in live.values():
        if row.warranty_until_on is not None:
            found.append(Ending("warranty", row.id, row.warranty_until_on, equipment=row))
        if row.scrap_due_on is not None:
            found.append(Ending("scrap", row.id, row.scrap_due_on, equipment=row))
    found += [
        Ending("contract", one.id, one.ends_on, words=one.name, words_en=one.name_en or one.name)
        for one in contracts
        if one.starts_on <= today
    ]
    staged = ((one, stage_of(one.what, one.last_on, today)) for one in found)
    due = [(one, stage) for one, stage in staged if stage is not None]
    return sorted(due, key=lambda pair: (pair[0].last_on, pair[0].key))


def lift_certificate_missing(certificates: Iterable[Certificate], today: date) -> Certificate | None:
    """The lift certificate that ran out and was not renewed (LED-20); None: one is valid, or there never was one."""
    mine = list(certificates)
    if not mine or any(one.ended_at is None and one.expires_on >= today for one in mine):
        return None
    return max(mine, key=lambda one: (one.expires_on, one.id))
