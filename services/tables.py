"""Every table of every slice, imported so that the metadata is complete."""

from services.alert import tables as alert
from services.annotation import tables as annotation
from services.catalog import tables as catalog
from services.derived import tables as derived
from services.device import tables as device
from services.equipment import tables as equipment
from services.fire import tables as fire
from services.kernel import audit, figures, heartbeat, installation, leases, timers
from services.kernel.db import Base
from services.maintenance import tables as maintenance
from services.measurement import tables as measurement
from services.notify import tables as notify
from services.patrol import tables as patrol
from services.people import tables as people
from services.report import tables as report
from services.rules import tables as rules
from services.work_order import tables as work_order

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "alert",
    "annotation",
    "audit",
    "catalog",
    "derived",
    "device",
    "equipment",
    "figures",
    "fire",
    "heartbeat",
    "installation",
    "leases",
    "maintenance",
    "measurement",
    "notify",
    "patrol",
    "people",
    "report",
    "rules",
    "timers",
    "work_order",
]
