"""Typed readings: each is kept once, and keeps the time at which it was measured however often it is delivered."""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from services.kernel.ids import new_id
from services.kernel.upsert import insert_missing
from services.measurement.model import Calibration, Entry
from services.measurement.store import by_client_id
from services.measurement.tables import TypedDelivery, TypedReading


class Announced(NamedTuple):
    """A reading that was delivered."""

    at: datetime
    """The time with which it is sent."""
    is_taken: bool
    """The door has it, or it has arrived: it is not sent again."""


def key_of(site: str, by: str, client_id: str) -> str:
    """What a reading is known by."""
    return f"{site}/{by}/{client_id}"


def keep(
    session: Session, site: str, by: str, entry: Entry, calibration: Calibration, at: datetime, now: datetime
) -> TypedReading | None:
    """Write a reading down; None: it was written before."""
    key = key_of(site, by, entry.client_id)
    row = asdict(entry) | {
        "id": new_id(),
        "site": site,
        "client_id": key,
        "by": by,
        "at": at,
        "received_at": now,
        "calibration": calibration,
        "photos": list(entry.photos),
    }
    return by_client_id(session, key) if insert_missing(session, TypedReading, row, ("client_id",)) else None


def announced(session: Session, client_id: str, at: datetime) -> Announced:
    """Note that a reading was delivered.

    A delivery that comes again is worked out anew, a little differently: the first time stands.
    """
    arrived = by_client_id(session, client_id)
    if arrived is not None:
        return Announced(arrived.at, is_taken=True)
    insert_missing(session, TypedDelivery, {"client_id": client_id, "at": at, "put_at": None}, ("client_id",))
    known = session.get_one(TypedDelivery, client_id, populate_existing=True)
    return Announced(known.at, is_taken=known.put_at is not None)


def put(session: Session, client_id: str, now: datetime) -> None:
    """The door has it on disk."""
    known = session.get(TypedDelivery, client_id)
    if known is not None:
        known.put_at = now
