"""What chapters know of a work order, and which orders a month counts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.report.model import Month

REPEAT_WITHIN = timedelta(days=90)
REPEAT_FROM = 3
"""As many faults of one piece of equipment within `REPEAT_WITHIN` call for another plan (PER-58)."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A work order as it stood when the month ended; what came later is not in it, but for `reworked`."""

    id: str
    number: str
    title: str
    place: str
    priority: str
    category: str
    """In words."""
    origin: str
    registered_at: datetime
    first_signal_at: datetime
    """The sensor's alarm or the call: what the clocks run from."""
    area: str = ""
    """片区 in words."""
    equipment_id: str = ""
    equipment: str = ""
    equipment_class: str = ""
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    finished_at: datetime | None = None
    """Its last submission; None: open, or sent back."""
    closed_at: datetime | None = None
    cancelled: bool = False
    respond_due_at: datetime | None = None
    finish_due_at: datetime | None = None
    reworked: bool = False
    """Sent back, or followed by an order of the same fault within 30 days, as known at the cut-off (AMB-12)."""
    rework_why: str = ""
    rating: int | None = None
    assignee: str = ""
    executors: tuple[str, ...] = ()
    """Role labels of everybody who carried it out."""
    hours: tuple[tuple[str, float], ...] = ()
    """Labour entered, by person."""
    review: str = ""
    """Emergency repair report (ROU-33): empty: none needed; due, drafted, approved."""


@dataclass(frozen=True, slots=True)
class OrdersFacts:
    """Orders that were open in the month or reported within 90 days before its end."""

    orders: tuple[OrderRecord, ...] = ()


def finished_in(month: Month, orders: Iterable[OrderRecord]) -> tuple[OrderRecord, ...]:
    """Orders whose work was done in the month."""
    return tuple(one for one in orders if one.finished_at is not None and within(month, one.finished_at))


def open_at_end(month: Month, orders: Iterable[OrderRecord]) -> tuple[OrderRecord, ...]:
    """Reported before the month's end and not done by then."""
    return tuple(
        one for one in orders
        if not one.cancelled and one.first_signal_at < month.ends_at and one.finished_at is None
    )  # fmt: skip


def open_overdue(month: Month, orders: Iterable[OrderRecord]) -> tuple[OrderRecord, ...]:
    """Not done at the month's end although the limit had passed."""
    return tuple(
        one for one in open_at_end(month, orders) if one.finish_due_at is not None and one.finish_due_at < month.ends_at
    )


def in_time(order: OrderRecord) -> bool:
    """Arrived and finished within its limits; a limit it does not have is kept."""
    return kept(order.arrived_at, order.respond_due_at) and kept(order.finished_at, order.finish_due_at)


def repeats_of(month: Month, orders: Iterable[OrderRecord]) -> dict[str, list[OrderRecord]]:
    """Equipment with so many faults in 90 days before the month's end that its plan should change, by id."""
    faults: dict[str, list[OrderRecord]] = {}
    for one in orders:
        if one.equipment_id and month.ends_at - REPEAT_WITHIN <= one.first_signal_at < month.ends_at:
            faults.setdefault(one.equipment_id, []).append(one)
    return {key: found for key, found in faults.items() if len(found) >= REPEAT_FROM}


def kept(stopped: datetime | None, due: datetime | None) -> bool:
    """The clock was stopped in time; a limit that does not exist is kept."""
    return due is None or (stopped is not None and stopped <= due)


def within(month: Month, at: datetime) -> bool:
    """In the month, as far as it is counted."""
    return month.since_at <= at < month.ends_at


def minutes(span: timedelta) -> float:
    """Of a span."""
    return span.total_seconds() / 60
