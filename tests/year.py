"""A large site with a past of a year: the shipped one with some hundred pieces of equipment more."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from scenario.site import shipped, with_changes

from gateway.site.equipment import Equipment
from gateway.site.equipment_kinds import KINDS, EquipmentKind
from gateway.site.model import SiteConfig
from gateway.site.patrol import Schedule

SHARES: tuple[tuple[EquipmentKind, int], ...] = (
    ("extinguisher", 36), ("hydrant", 14), ("emergency_light", 16), ("camera", 2), ("lighting", 10), ("manhole", 8),
    ("elevator", 1), ("distribution_box", 2), ("access_control", 2), ("fire_door", 9),
)  # fmt: skip
"""Of every hundred pieces so many are of a kind."""


def large_site(count: int = 600, zone: str = "Asia/Shanghai") -> SiteConfig:
    """`count` entries in the ledger in all, and two rounds a day."""
    base = shipped().site("yunhe")
    kinds = [kind for kind, share in SHARES for _ in range(share)]
    areas = [one.id for one in base.areas]
    more = tuple(
        Equipment(
            id=f"{kinds[number % 100].replace('_', '-')}-{number:04}",
            name=f"{KINDS[kinds[number % 100]].name}{number:04}",
            kind=kinds[number % 100],
            area=areas[number % len(areas)],
        )
        for number in range(count - len(base.ledger))
    )
    schedules = tuple(
        Schedule(id=f"daily-{route}", route=route, at=(at,), duration=timedelta(minutes=60))
        for route, at in (("perimeter", "09:00"), ("must-check", "21:00"))
    )
    patrol = base.patrol.model_copy(update={"schedules": schedules, "rules": ()})
    site = base.site.model_copy(update={"timezone": zone})
    return with_changes(base, site=site, equipment=base.equipment + more, patrol=patrol)


def zone_of(site: SiteConfig) -> ZoneInfo:
    """The zone of a site."""
    return ZoneInfo(site.site.timezone)
