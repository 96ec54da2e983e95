"""What the site files say of equipment (`equipment.yaml`), and which entries of the ledger they declare in all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from gateway.site.dates import LocalDate
from gateway.site.equipment_kinds import EquipmentKind
from gateway.site.fire import ApplianceKind, Fire, PointKind
from gateway.site.terms import Frozen, Id, Role, Text

Declared = Literal["file", "fire_point", "appliance"]
"""Which list of the site files an entry comes from: equipment.yaml, or the points or appliances of fire.yaml."""
_EID_LENGTH = 64
Nameplate = Annotated[str, Field(max_length=200)]


class Equipment(Frozen):
    """One entry of the ledger 台账. What is said here wins over what people enter; the rest is theirs."""

    id: Id
    name: Text
    name_en: str = ""
    kind: EquipmentKind
    area: Id
    owner_role: Role = "engineer"
    """Who answers for it first."""
    owner: Id | None = None
    """Username of the one responsible person 设备责任人; None: whoever has `owner_role` in its area."""
    supervisor: Id | None = None
    """Username of its 设备主管; None: whoever has the role in its area."""
    manager: Id | None = None
    """Username of its 经理; None: whoever has the role in its area."""
    code: Annotated[str, Field(max_length=64)] | None = None
    """Its number in the company's own ledger."""
    place: str = ""
    """Where exactly, in words."""
    maker: Nameplate = ""
    model: Nameplate = ""
    serial: Nameplate = ""
    rating: Nameplate = ""
    """Nameplate data in words, e.g. `Q=40 L/s, H=110 m, 75 kW`."""
    made_on: LocalDate | None = None
    installed_on: LocalDate | None = None
    in_use_on: LocalDate | None = None
    """Plans hold from this day on; None: since it was registered."""
    warranty_until_on: LocalDate | None = None
    scrap_due_on: LocalDate | None = None
    """Last day of its permitted life."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry that the site files declare."""

    eid: str
    """Short id, unique within the site."""
    origin: Declared
    ref: str
    """Its id in the list it comes from."""
    name: str
    name_en: str
    kind: EquipmentKind
    area: str
    detail: Equipment | None = None
    """All that equipment.yaml says of it."""


_POINTS: Mapping[PointKind, EquipmentKind] = {
    "smoke": "smoke_detector",
    "heat": "heat_detector",
    "manual_call_point": "call_point",
    "hydrant_button": "hydrant_button",
    "water_flow": "flow_indicator",
    "pressure_switch": "pressure_switch",
    "alarm_bell": "alarm_bell",
    "fire_door": "fire_door",
    "panel": "fire_panel",
}
_APPLIANCES: Mapping[ApplianceKind, EquipmentKind] = {
    "extinguisher": "extinguisher",
    "hydrant": "hydrant",
    "hose": "hose",
    "emergency_light": "emergency_light",
    "exit_sign": "exit_sign",
}


def ledger_entries(equipment: Iterable[Equipment], fire: Fire) -> dict[str, LedgerEntry]:
    """Everything of the site files that belongs in the ledger, by short id.

    Fire points and appliances keep their id; where it is taken they get `fp-` or `ap-` in front.
    """
    found: dict[str, LedgerEntry] = {}

    def put(prefix: str, origin: Declared, one: LedgerEntry) -> None:
        eid = one.ref
        while eid in found:
            eid = f"{prefix}{eid}"[:_EID_LENGTH]
        found[eid] = LedgerEntry(eid, origin, one.ref, one.name, one.name_en, one.kind, one.area, one.detail)

    for one in equipment:
        put("", "file", LedgerEntry(one.id, "file", one.id, one.name, one.name_en, one.kind, one.area, one))
    for point in fire.points:
        zone = fire.zone_by_id.get(point.zone)
        kind = _POINTS.get(point.kind, "fire_device")
        area = zone.area if zone is not None else ""
        put("fp-", "fire_point", LedgerEntry("", "fire_point", point.id, point.name, point.name_en, kind, area))
    for item in fire.appliances:
        kind = _APPLIANCES.get(item.kind, "other")
        put("ap-", "appliance", LedgerEntry("", "appliance", item.id, item.name, item.name_en, kind, item.area))
    return found
