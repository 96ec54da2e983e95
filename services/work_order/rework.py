"""Rework 返修 told by comparison: the same equipment, or place, with the same fault within 30 days (AMB-12). Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.work_order.categories import CATEGORIES

WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NewOne:
    """What a new order is compared by."""

    equipment_id: str | None
    place: str
    category: str


def repeats(new: NewOne) -> bool:
    """Whether an order like this could be the rework of another: its fault class and its place are known."""
    known = CATEGORIES.get(new.category)
    return known is not None and known.repair and bool(new.equipment_id or new.place.strip())


def first_of(order_id: str, rework_of: str | None, finished_at: datetime, now: datetime) -> str | None:
    """The first order of the chain, when the newest finished one like it was finished within 30 days before `now`."""
    if not now - WITHIN <= finished_at <= now:
        return None
    return rework_of or order_id
