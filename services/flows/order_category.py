"""Which fault class the order of an alert gets: what is measured, on what kind of equipment, by which policy. Pure."""

from collections.abc import Mapping

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import SiteConfig

_BY_POLICY: Mapping[str, str] = {
    "patrol": "patrol",
    "patrol_handover": "patrol",
    "patrol_sos": "patrol",
    "fire": "fire_equipment",
    "fire_fault": "fire_equipment",
    "fire_care": "fire_equipment",
    "burst_pipe": "burst_pipe",
    "entrapment": "entrapment",
    "cctv": "cctv",
}
_BY_QUANTITY: Mapping[str, str] = {
    "pressure": "water_pressure",
    "flow": "water_pressure",
    "level": "drainage",
    "leak": "leak",
    "pressure_decay": "water_pressure",
    "insulation": "electrical",
    "voltage": "electrical",
    "current": "electrical",
    "power": "electrical",
    "energy": "electrical",
    "frequency": "electrical",
    "friction": "fabric",
    "coverage": "cctv",
    "blind_area": "cctv",
    "temperature": "hvac",
    "humidity": "hvac",
}
_BY_KIND: Mapping[str, str] = {
    "cctv": "cctv",
    "camera": "cctv",
    "recorder": "cctv",
    "access_control": "access",
    "parking_system": "access",
    "intercom": "access",
    "lighting": "lighting",
    "drain": "drainage",
    "pipeline": "leak",
    "buried_pipe": "leak",
    "walkway": "fabric",
    "floor": "fabric",
    "handrail": "fabric",
    "manhole": "fabric",
}
_BY_CLASS: Mapping[str, str] = {
    "power": "electrical",
    "water": "water_pressure",
    "sewage": "drainage",
    "fire_water": "fire_equipment",
    "fire_alarm": "fire_equipment",
    "fire_gear": "fire_equipment",
    "elevator": "elevator",
    "recreation": "recreation",
    "hvac": "hvac",
    "metering": "other",
}


def of_kind(kind: str) -> str:
    """The class of a fault of such equipment when no more is known; `other` for an unknown kind."""
    known = {name: one.of for name, one in KINDS.items()}
    return _BY_KIND.get(kind) or _BY_CLASS.get(known.get(kind, ""), "other")  # type: ignore[call-overload]


def of_alert(config: SiteConfig, target: str, policy: str) -> str:
    """The class of an alert about `target` (a point's global key or anything else) under a policy."""
    if policy in _BY_POLICY:
        return _BY_POLICY[policy]
    point = config.point_by_key.get(target)
    if point is None:
        return "other"
    equipment = config.equipment_by_id.get(point.equipment or "")
    kind = of_kind(equipment.kind) if equipment is not None else "other"
    if kind in ("elevator", "cctv", "access", "lighting", "recreation"):
        return kind
    return _BY_QUANTITY.get(point.quantity, kind)
