"""The fire board: incidents that are open, every building with what holds there, links, test modes, outages."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from gateway.site.fire import FirePoint, Source
from gateway.site.model import SiteConfig
from services.device.tables import DeviceState
from services.fire import modes
from services.fire.signals import Places
from services.fire.tables import (
    FireCall,
    FireCommand,
    FireComponent,
    FireIncident,
    FireOutage,
    FireTestMode,
)
from services.flows.fire.link import SLACK, has_line
from services.web.fire_words import GROUP_OF, GROUPS
from services.web.queries.due import Due
from services.web.queries.fire_names import FireNames

Health = Literal["fire", "fault", "care", "quiet", "blind"]
Link = Literal["online", "offline", "never"]
MISSED = "missed"
"""Outcome shown of a duty check that nobody answered in time."""


_SHOWN = FireComponent.is_open | (FireComponent.address == "self") | FireComponent.address.startswith("system:")
"""What the board looks at: where something holds; and panels and systems, which may stand on manual."""


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident with what a line says of it."""

    row: FireIncident
    building: str
    place: str
    """The zones that reported fire, in order; empty: none is known."""
    where: str
    """Building and zones in one, without saying the building twice."""
    place_said: str
    """The same to be read aloud."""
    confirm: Due
    accepted: tuple[str, ...]
    arrived: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Something that talks to us, and whether it does."""

    site: str
    id: str
    name: str
    protocol: str
    link: Link
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """What holds in one zone of a panel."""

    name: str
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A panel with its zones."""

    id: str
    name: str
    counts: Counter[str]
    zones: list[ZoneRow]
    heard_at: datetime | None
    manual: bool
    """It does not act by itself: it stands on manual."""


@dataclass(frozen=True, slots=True)
class BuildingRow:
    """One building."""

    site: str
    id: str
    name: str
    health: Health
    """Fire also while an incident is open whose signals have ended: a reset panel proves nothing."""
    counts: Counter[str]
    panels: list[PanelRow]
    sources: list[SourceRow]
    modes: list[FireTestMode]
    heard_at: datetime | None
    points: int
    """Points that the ledger has of it."""
    tests: int
    """Components at which something holds only as a test."""
    outages: int
    """Outages that ask for filing and measures."""


@dataclass(frozen=True, slots=True)
class DutyCheck:
    """A duty check 查岗 and what came of it."""

    row: FireCommand
    source: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the live page shows."""

    incidents: list[IncidentRow]
    buildings: list[BuildingRow]
    modes: list[FireTestMode]
    prompts: list[FireOutage]
    checks: list[DutyCheck]
    sources: list[SourceRow]


def board(s: Session, config: SiteConfig, names: FireNames, now: datetime) -> Board:
    """The board of one site."""
    site = config.site.id
    sources = source_rows(s, config, names, now)
    held = modes.not_ended(s, site)
    prompts = prompting(s, config, now)
    incidents = open_incidents(s, names, site)
    burning = {one.row.building for one in incidents}
    return Board(
        incidents=incidents,
        buildings=[
            replace(one, health="fire") if one.id in burning else one
            for one in _buildings(s, config, names, sources, held, prompts)
        ],
        modes=held,
        prompts=prompts,
        checks=duty_checks(s, site, names, now, limit=4),
        sources=sources,
    )


def open_incidents(s: Session, names: FireNames, site: str = "") -> list[IncidentRow]:
    """Incidents that nobody has closed, the oldest first."""
    query = select(FireIncident).where(FireIncident.closed_at.is_(None))
    if site:
        query = query.where(FireIncident.site == site)
    return incident_rows(s, s.scalars(query.order_by(FireIncident.opened_at)).all(), names)


def incident_rows(s: Session, rows: Sequence[FireIncident], names: FireNames) -> list[IncidentRow]:
    """Incidents with the names of where they are and who came."""
    calls: dict[str, list[FireCall]] = {}
    ids = [row.id for row in rows]
    for call in s.scalars(select(FireCall).where(FireCall.incident_id.in_(ids)).order_by(FireCall.called_at)):
        calls.setdefault(call.incident_id, []).append(call)
    return [_incident_row(row, calls.get(row.id, []), names) for row in rows]


def _incident_row(row: FireIncident, calls: Sequence[FireCall], names: FireNames) -> IncidentRow:
    building = names.building(row.site, row.building)
    zones = [names.zone(row.site, zone) for zone in row.zones if zone]
    named = bool(zones) and all(one.startswith(building) for one in zones)
    where = names.comma.join(zones if named else [building] if not zones else [f"{building} · {zones[0]}", *zones[1:]])
    return IncidentRow(
        row=row,
        building=building,
        place=names.comma.join(zones),
        where=where,
        place_said=where.replace(" · ", ""),
        confirm=Due(row.opened_at, row.confirm_by),
        accepted=tuple(names.person(one.username) for one in calls if one.accepted_at),
        arrived=tuple(names.person(one.username) for one in calls if one.arrived_at),
    )


def source_rows(s: Session, config: SiteConfig, names: FireNames, now: datetime) -> list[SourceRow]:
    """The sources of a site with their link."""
    site = config.site.id
    keys = [f"{site}/{one.id}" for one in config.fire.sources]
    known = {row.device: row for row in s.scalars(select(DeviceState).where(DeviceState.device.in_(keys)))}
    return [_source_row(one, known.get(f"{site}/{one.id}"), site, names, now) for one in config.fire.sources]


def _source_row(source: Source, state: DeviceState | None, site: str, names: FireNames, now: datetime) -> SourceRow:
    heard = from_ms(state.heard_ms) if state else None
    link: Link = "never"
    if state is not None and heard is not None:
        link = "offline" if state.online is False or now - heard > source.offline_after + SLACK else "online"
        if link == "online" and state.online is None and has_line(source):
            link = "never"  # its line is open, and not a byte has come
    return SourceRow(site, source.id, names.device(site, source.id), source.protocol, link, heard)


def prompting(s: Session, config: SiteConfig, now: datetime) -> list[FireOutage]:
    """Outages that have lasted so long that filing and measures are asked for, and nobody has written them down."""
    query = select(FireOutage).where(
        FireOutage.site == config.site.id,
        FireOutage.ended_at.is_(None),
        FireOutage.began_at <= now - config.fire.settings.prompt_after,
        FireOutage.noted_at.is_(None),
    )
    return list(s.scalars(query.order_by(FireOutage.began_at)))


def duty_checks(s: Session, site: str, names: FireNames, now: datetime, *, limit: int) -> list[DutyCheck]:
    """The last duty checks, the newest first."""
    query = select(FireCommand).where(FireCommand.site == site, FireCommand.kind == "duty_check")
    rows = s.scalars(query.order_by(FireCommand.asked_at.desc()).limit(limit))
    return [DutyCheck(row, names.device(site, row.source), shown_outcome(row, now)) for row in rows]


def shown_outcome(row: FireCommand, now: datetime) -> str:
    """What became of a command as people read it: a duty check is answered by a person, not by the device."""
    if row.kind == "duty_check" and row.outcome in ("", "confirmed", "answered"):
        if row.answered_at is not None:
            return "answered"
        late = row.answer_by is not None and now >= row.answer_by
        return MISSED if late else ""
    if not row.outcome and now >= row.expires_at:
        return "expired"
    return row.outcome


def groups_of(states: Iterable[str]) -> set[str]:
    """The groups that states belong to."""
    return {GROUP_OF[state] for state in states if state in GROUP_OF}


def count(components: Iterable[FireComponent]) -> Counter[str]:
    """How many components are in each group; one in two groups counts in both. What is only a test does not count."""
    return Counter(group for one in components for group in groups_of(set(one.states) - set(one.tests)))


def _buildings(
    s: Session,
    config: SiteConfig,
    names: FireNames,
    sources: list[SourceRow],
    held: list[FireTestMode],
    prompts: list[FireOutage],
) -> list[BuildingRow]:
    site = config.site.id
    points = points_by_building(config)
    held_at: dict[str, list[FireComponent]] = {one: [] for one in points}
    heard: dict[str, set[str]] = {}
    last: dict[str, datetime] = {}
    for building, panel, at in _heard(s, site):
        held_at.setdefault(building, [])
        heard.setdefault(building, set()).add(panel)
        last[panel] = max(last.get(panel, at), at)
    for component in s.scalars(select(FireComponent).where(FireComponent.site == site, _SHOWN)):
        held_at[component.building].append(component)
    outages = {one.component for one in prompts}
    return [
        _building(
            building,
            found,
            points.get(building, []),
            heard.get(building, set()),
            config,
            names,
            sources,
            held,
            last,
            outages,
        )
        for building, found in held_at.items()
    ]


def points_by_building(config: SiteConfig) -> dict[str, list[FirePoint]]:
    """The points of the ledger by the building that their signals are put under; panels without any have theirs too."""
    places = Places(config)
    found: dict[str, list[FirePoint]] = {one.building: [] for one in config.fire.panels}
    for point in config.fire.points:
        found.setdefault(places.of(point.panel, point.address)[0], []).append(point)
    return found


def panels_of(config: SiteConfig, building: str, points: list[FirePoint], heard: set[str]) -> set[str]:
    """The panels that protect a building, or that somebody heard there."""
    own = {one.id for one in config.fire.panels if one.building == building}
    return own | {one.panel for one in points} | heard


def modes_of(held: Iterable[FireTestMode], panels: set[str], points: list[FirePoint]) -> list[FireTestMode]:
    """The test modes that concern a building: of a panel of its own as a whole, or of a zone it has points in."""
    zones = {one.zone for one in points}
    return [one for one in held if one.panel in panels and (not one.zone or one.zone in zones)]


def serving(config: SiteConfig, panels: Iterable[str], sources: Iterable[SourceRow]) -> list[SourceRow]:
    """The sources through which panels report; one that nobody declared is its own source."""
    known = config.fire.panel_by_id
    wanted = {known[one].source if one in known else one for one in panels}
    return [one for one in sources if one.id in wanted]


def _building(
    building: str,
    components: list[FireComponent],
    points: list[FirePoint],
    heard_panels: set[str],
    config: SiteConfig,
    names: FireNames,
    sources: list[SourceRow],
    held: list[FireTestMode],
    last: dict[str, datetime],
    outages: set[str],
) -> BuildingRow:
    site = config.site.id
    ids = panels_of(config, building, points, heard_panels)
    mine = serving(config, ids, sources)
    counts = count(components)
    heard = max((last[one] for one in ids if one in last), default=None)
    rows = [_panel(one, components, points, names, site, last) for one in sorted(ids)]
    return BuildingRow(
        site=site,
        id=building,
        name=names.building(site, building),
        health=health(counts, mine, heard),
        counts=counts,
        panels=rows,
        sources=mine,
        modes=modes_of(held, ids, points),
        heard_at=heard,
        points=len(points),
        tests=sum(bool(one.tests) for one in components),
        outages=sum(one.id in outages for one in components),
    )


def health(counts: Counter[str], sources: Sequence[SourceRow], heard_at: datetime | None) -> Health:
    """A building in a word. Without a connection nothing is known, which is not the same as quiet."""
    if counts["fire"]:
        return "fire"
    if not sources or heard_at is None or any(one.link != "online" for one in sources):
        return "blind"
    if counts["fault"]:
        return "fault"
    return "care" if any(counts[group] for group in ("shield", "supervisory", "start", "feedback")) else "quiet"


def _panel(
    panel: str,
    components: list[FireComponent],
    points: list[FirePoint],
    names: FireNames,
    site: str,
    last: dict[str, datetime],
) -> PanelRow:
    mine = [one for one in components if one.panel == panel]
    by_zone: dict[str, list[FireComponent]] = {one.zone: [] for one in points if one.panel == panel}
    for one in mine:
        by_zone.setdefault(one.zone, []).append(one)
    rows = [ZoneRow(names.zone(site, zone), count(found)) for zone, found in by_zone.items()]
    manual = any("manual" in one.states for one in mine)
    return PanelRow(panel, names.device(site, panel), count(mine), rows, last.get(panel), manual)


def _heard(s: Session, site: str) -> list[tuple[str, str, datetime]]:
    """(building, panel, when it was last heard)."""
    query = select(FireComponent.building, FireComponent.panel, func.max(FireComponent.heard_at))
    grouped = query.where(FireComponent.site == site).group_by(FireComponent.building, FireComponent.panel)
    return [(row[0], row[1], row[2]) for row in s.execute(grouped)]


GROUP_NAMES = tuple(GROUPS)
