"""The ledger's rules without a database: status machine, people of three levels, bindings, completeness, names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import SiteConfig
from gateway.site.terms import LEVELS, Role

Status = Literal["in_use", "stopped", "repair", "scrapped"]
Fact = Literal["nameplate", "place", "owner", "plan", "file"]
FACTS: tuple[Fact, ...] = get_args(Fact)
"""What a complete entry has (LED-10): nameplate, place, owner, plan, file."""
STATUS_NAMES: Mapping[str, tuple[str, str]] = {
    "in_use": ("在用", "In use"),
    "stopped": ("停用", "Stopped"),
    "repair": ("维修", "In repair"),
    "scrapped": ("报废", "Scrapped"),
}
"""Status → its Chinese and English name."""
NEXT: Mapping[str, tuple[Status, ...]] = {
    "in_use": ("stopped", "repair", "scrapped"),
    "stopped": ("in_use", "repair", "scrapped"),
    "repair": ("in_use", "stopped", "scrapped"),
    "scrapped": (),
}
"""Status → those it may change to; 报废 is final."""
BINDING_NAMES: Mapping[str, tuple[str, str]] = {
    "point": ("测点", "Measuring point"),
    "device": ("采集设备", "Device"),
    "panel": ("消防主机", "Fire panel"),
    "fire_point": ("消防点位", "Fire point"),
    "appliance": ("消防器材", "Fire-fighting gear"),
    "checkpoint": ("巡更点", "Checkpoint"),
}
BINDABLE = ("point", "device", "fire_point", "checkpoint")
"""What people may bind by hand."""


class Entry(Protocol):
    """What the rules ask of a row of the ledger (services.equipment.tables.Equipment)."""

    eid: str
    origin: str
    area: str
    place: str
    responsible: str
    supervisor: str
    manager: str
    maker: str
    model: str
    rating: str
    bindings: list[list[str]]


@dataclass(frozen=True, slots=True)
class People:
    """Usernames of the three levels of responsibility (ROU-27 to ROU-29); empty: nobody has that role there."""

    responsible: str = ""
    supervisor: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """Something of the site files that belongs to an entry; `ref` is its id within the site."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete an entry is (LED-10)."""

    score: int
    """Percent."""
    missing: tuple[Fact, ...]


def status_name(status: str, language: str) -> str:
    """The name of a status."""
    chinese, english = STATUS_NAMES[status]
    return english if language == "en" else chinese


def kind_name(kind: str, language: str) -> str:
    """The name of a kind of equipment; an unknown one (of an older version) is shown as it is."""
    known = next((name for one, name in KINDS.items() if one == kind), None)
    if known is None:
        return kind
    return known.name_en if language == "en" else known.name


def class_of(kind: str) -> str:
    """The class of a kind; unknown ones are `other`."""
    return next((name.of for one, name in KINDS.items() if one == kind), "other")


def people_of(config: SiteConfig, row: Entry) -> People:
    """Who answers for an entry: whom it names, else whoever has the role in its area (ROU-25 to ROU-29)."""
    declared = config.equipment_by_id.get(row.eid) if row.origin == "file" else None
    first: Role = declared.owner_role if declared is not None else LEVELS[0]
    return People(
        row.responsible or _whoever(config, first, row.area),
        row.supervisor or _whoever(config, LEVELS[1], row.area),
        row.manager or _whoever(config, LEVELS[2], row.area),
    )


def _whoever(config: SiteConfig, role: Role, area: str) -> str:
    found = config.people_with(role, area if area in config.area_by_id else None)
    return found[0].username if found else ""


def bindings_of(config: SiteConfig, row: Entry) -> tuple[Binding, ...]:
    """What belongs to an entry: what the site files say, then what people bound by hand."""
    found: list[Binding] = []
    entry = config.ledger.get(row.eid) if row.origin != "entered" else None
    if entry is not None and entry.origin == row.origin:
        if entry.origin == "file":
            found += [Binding("point", one.id) for one in config.points if one.equipment == row.eid]
            found += [Binding("panel", one.id) for one in config.fire.panels if one.equipment == row.eid]
            found += [Binding("fire_point", one.id) for one in config.fire.points if one.equipment == row.eid]
        else:
            found.append(Binding(entry.origin, entry.ref))
    found += [Binding(kind, ref) for kind, ref in row.bindings]
    return tuple(dict.fromkeys(found))


def completeness(config: SiteConfig, row: Entry, has_plan: bool, has_document: bool) -> Completeness:
    """How complete an entry is: nameplate, place, owner, plan and file each count a fifth (LED-10)."""
    has: Mapping[Fact, bool] = {
        "nameplate": bool(row.maker and (row.model or row.rating)),
        "place": bool(row.area or row.place),
        "owner": bool(people_of(config, row).responsible),
        "plan": has_plan,
        "file": has_document,
    }
    missing = tuple(fact for fact in FACTS if not has[fact])
    return Completeness(round(100 * (len(FACTS) - len(missing)) / len(FACTS)), missing)
