"""One building's components: what holds, since when, by system and loop, with names of the ledger."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.fire import FirePoint
from gateway.site.model import SiteConfig
from services.fire import modes
from services.fire.tables import FireComponent, FireOutage, FireTestMode
from services.kernel.errors import NotFound
from services.web.fire_words import GROUP_OF
from services.web.queries import fire as board
from services.web.queries.fire import Health, SourceRow
from services.web.queries.fire_names import FireNames, is_bytes, is_component

Show = Literal["all", "open", "fire", "fault", "shield", "supervisory", "start", "feedback", "unknown", "silent"]
SHOWS: tuple[Show, ...] = (
    "all", "open", "fire", "fault", "shield", "supervisory", "start", "feedback", "unknown", "silent",
)  # fmt: skip
RANK = {group: place for place, group in enumerate(board.GROUP_NAMES)}
LIST_MAX = 2000


@dataclass(frozen=True, slots=True)
class Held:
    """One state that holds."""

    state: str
    group: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One component, or a point of the ledger that was never heard."""

    id: str
    name: str
    kind: str
    zone: str
    loop: str
    address: str
    panel: str
    panel_id: str
    system: str
    held: list[Held]
    part: bool
    """It is a component, and not a system or the panel itself."""
    known: bool
    """The ledger knows its address."""
    heard_at: datetime | None
    test: bool
    values: list[dict[str, object]]

    @property
    def worst(self) -> str:
        """The group it is shown under; empty: nothing holds."""
        groups = [one.group for one in self.held if one.group]
        return min(groups, key=RANK.__getitem__) if groups else ""


@dataclass(frozen=True, slots=True)
class LoopRow:
    """The components of one loop of one system of one panel."""

    panel: str
    system: str
    loop: str
    rows: list[ComponentRow]


@dataclass(frozen=True, slots=True)
class BuildingPage:
    """A building with everything in it."""

    site: str
    id: str
    name: str
    health: Health
    counts: Counter[str]
    open: list[ComponentRow]
    loops: list[LoopRow]
    shown: int
    total: int
    silent: int
    unknown: int
    sources: list[SourceRow]
    modes: list[FireTestMode]
    panels: list[str]
    outages: dict[str, FireOutage]


def one(
    s: Session, config: SiteConfig, names: FireNames, building: str, show: Show, text: str, now: datetime
) -> BuildingPage:
    """One building; raises NotFound."""
    site = config.site.id
    query = select(FireComponent).where(FireComponent.site == site, FireComponent.building == building)
    components = s.scalars(query).all()
    points = board.points_by_building(config).get(building, [])
    panels = board.panels_of(config, building, points, {one.panel for one in components})
    if not panels and building not in config.area_by_id:
        raise NotFound(f"There is no building {building}", hint="Open it from the list", building=building)
    sources = board.serving(config, panels, board.source_rows(s, config, names, now))
    counts = board.count(components)
    heard = max((one.heard_at for one in components), default=None)
    rows = [_row(one, names) for one in components]
    heard_points = {one.point for one in components}
    systems = {(one.panel, one.loop): one.system for one in rows if one.system}
    usual = {one.panel: one.system for one in rows if one.system}
    silent = [_silent(point, config, names) for point in points if point.id not in heard_points]
    rows += [replace(one, system=systems.get((one.panel, one.loop), usual.get(one.panel, ""))) for one in silent]
    shown = [one for one in rows if _wanted(one, show, text)]
    held = [one for one in rows if one.worst]
    held.sort(key=lambda one: (RANK[one.worst], -one.held[0].since.timestamp(), one.id))
    outages = s.scalars(select(FireOutage).where(FireOutage.site == site, FireOutage.ended_at.is_(None)))
    return BuildingPage(
        site=site,
        id=building,
        name=names.building(site, building),
        health=board.health(counts, sources, heard),
        counts=counts,
        open=held[:LIST_MAX],
        loops=_loops(shown[:LIST_MAX]),
        shown=len(shown),
        total=len(rows),
        silent=sum(one.heard_at is None for one in rows),
        unknown=sum(not one.known for one in rows),
        sources=sources,
        modes=board.modes_of(modes.not_ended(s, site), panels, points),
        panels=sorted(panels),
        outages={one.component: one for one in outages},
    )


def held_of(component: FireComponent) -> list[Held]:
    """What holds, the worst and then the oldest first."""
    found = [
        Held(state, GROUP_OF.get(state, ""), datetime.fromisoformat(since)) for state, since in component.states.items()
    ]
    return sorted(found, key=lambda one: (RANK.get(one.group, len(RANK)), one.since))


def age(now: datetime, since: datetime) -> timedelta:
    """How long something has held, never negative."""
    return max(now - since, timedelta())


def _row(component: FireComponent, names: FireNames) -> ComponentRow:
    part = is_component(component.address)
    return ComponentRow(
        id=component.id,
        name=names.component(component),
        kind=names.kind(component) if part else "",
        zone=names.zone(component.site, component.zone) if component.zone else "",
        loop=names.loop(component) if part else "",
        address=component.address,
        panel=names.owner(component),
        panel_id=component.panel,
        system=names.system_type(component.system_type),
        held=held_of(component),
        part=part,
        known=bool(component.point) or not part,
        heard_at=component.heard_at,
        test=component.test,
        values=component.values,
    )


def _silent(point: FirePoint, config: SiteConfig, names: FireNames) -> ComponentRow:
    """A point of the ledger that no signal has named yet: that it is silent says nothing about it."""
    site = config.site.id
    ghost = FireComponent(site=site, panel=point.panel, address=point.address, point=point.id, text="")
    return ComponentRow(
        id=f"{site}/{point.panel}/{point.address}",
        name=names.places.name(point),
        kind=names.kind(ghost),
        zone=names.zone(site, point.zone),
        loop=names.loop(ghost),
        address=point.address,
        panel=names.device(site, point.panel),
        panel_id=point.panel,
        system="",
        held=[],
        part=True,
        known=True,
        heard_at=None,
        test=False,
        values=[],
    )


def _wanted(row: ComponentRow, show: Show, text: str) -> bool:
    if text and text.lower() not in f"{row.name} {row.address} {row.zone} {row.kind} {row.panel}".lower():
        return False
    match show:
        case "all":
            return True
        case "open":
            return bool(row.worst)
        case "unknown":
            return not row.known
        case "silent":
            return row.heard_at is None
        case _:
            return any(one.group == show for one in row.held)


def _loops(rows: list[ComponentRow]) -> list[LoopRow]:
    found: dict[tuple[str, str, str], list[ComponentRow]] = {}
    for row in rows:
        found.setdefault((row.panel, row.system, row.loop), []).append(row)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1], _number(item[0][2])))
    return [
        LoopRow(panel, system, loop, sorted(mine, key=lambda one: _natural(one.address)))
        for (panel, system, loop), mine in ordered
    ]


def _number(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (-1, text)


def _natural(address: str) -> tuple[tuple[int, str], ...]:
    """Sorts `4-12` after `4-2`, and bytes by the point they name."""
    if is_bytes(address):
        return ((int.from_bytes(bytes.fromhex(address), "little"), ""),)
    return tuple(_number(part) for part in address.split("-"))
