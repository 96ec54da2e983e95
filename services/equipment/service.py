"""The ledger in the database: what others read, and what they may write into it."""

from services.equipment.commands import set_status
from services.equipment.meters import last_meters, note_meter
from services.equipment.store import by_eid, by_tag, expiring, get, lock, of_site, record
from services.equipment.sync import sync

__all__ = [
    "by_eid",
    "by_tag",
    "expiring",
    "get",
    "last_meters",
    "lock",
    "note_meter",
    "of_site",
    "record",
    "set_status",
    "sync",
]
