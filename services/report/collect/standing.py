"""What the ledger was at a moment: status and presence of every entry, told from its history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.equipment.tables import Equipment, EquipmentEvent
from services.report.collect.source import Source
from services.report.model import Month

GONE = ("gone", "scrapped")
"""Not live: the site files have it no more, or it is scrapped."""


@dataclass(frozen=True, slots=True)
class Turn:
    """From this moment on an entry was so: in_use, stopped, repair, scrapped or gone."""

    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry of the ledger with its turns up to the month's end, the oldest first; none: not registered by then."""

    row: Equipment
    turns: tuple[Turn, ...]

    @property
    def state(self) -> str:
        """At the month's end."""
        return self.turns[-1].state if self.turns else "gone"

    @property
    def live(self) -> bool:
        """In the ledger at the month's end, not scrapped."""
        return self.state not in GONE


def standings(source: Source, month: Month) -> Sequence[Standing]:
    """Every entry of a site by its short id, as it stood at the month's end."""
    return source.once(("standings", month.ends_at), lambda: _standings(source.session, source.config.site.id, month))


def _standings(session: Session, site: str, month: Month) -> list[Standing]:
    rows = list(session.scalars(select(Equipment).where(Equipment.site == site).order_by(Equipment.eid)))
    events: dict[str, list[EquipmentEvent]] = {}
    telling = (
        select(EquipmentEvent)
        .join(Equipment, Equipment.id == EquipmentEvent.equipment_id)
        .where(Equipment.site == site, EquipmentEvent.kind.in_(("registered", "status", "undeclared", "declared")))
        .order_by(EquipmentEvent.equipment_id, EquipmentEvent.seq)
    )
    for event in session.scalars(telling):
        events.setdefault(event.equipment_id, []).append(event)
    return [Standing(row, turns_of(row.created_at, events.get(row.id, ()), month)) for row in rows]


def turns_of(created_at: datetime, history: Iterable[EquipmentEvent], month: Month) -> tuple[Turn, ...]:
    """Turns before the month's end, of what was known at the cut-off."""
    known = [one for one in history if one.at <= month.now and one.event_at < month.ends_at]
    if created_at >= month.ends_at:
        return ()
    status, declared = _first_status(known), True
    turns = [Turn(created_at, status)]
    for one in sorted(known, key=lambda event: (event.event_at, event.seq)):
        if one.kind == "status":
            status = str(one.data.get("new", status))
        elif one.kind in ("undeclared", "declared"):
            declared = one.kind == "declared"
        else:
            continue
        turns.append(Turn(max(one.event_at, created_at), status if declared else "gone"))
    return tuple(turns)


def _first_status(known: Sequence[EquipmentEvent]) -> str:
    """As it was registered; of what was registered without a word, the state its first change came from."""
    data: Mapping[str, object] = next((one.data for one in known if one.kind == "registered"), {})
    if isinstance(said := data.get("status"), str):
        return said
    first = next((one for one in known if one.kind == "status"), None)
    return str(first.data.get("old", "in_use")) if first is not None else "in_use"
