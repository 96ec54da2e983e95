"""Every table of every slice, imported so that the metadata is complete."""

from services.alert import tables as alert
from services.device import tables as device
from services.fire import tables as fire
from services.kernel import audit, heartbeat, timers
from services.kernel.db import Base
from services.notify import tables as notify
from services.patrol import tables as patrol
from services.people import tables as people
from services.rules import tables as rules
from services.work_order import tables as work_order

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "alert",
    "audit",
    "device",
    "fire",
    "heartbeat",
    "notify",
    "patrol",
    "people",
    "rules",
    "timers",
    "work_order",
]
