"""The rows of signals and components: bound to the ledger, stored once, read and written many at a time."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.errors import BadTime
from gateway.contract.heard import Heard
from gateway.contract.times import format_at, from_ms, parse_at, to_ms
from gateway.site.model import SiteConfig, UnknownId
from services.fire.model import REPEATED_WITHIN, SELF, SYSTEM, Component, Holding, Signal, component_id, order_of
from services.fire.tables import FireComponent, FireSignal
from services.kernel.upsert import upsert

ID_LENGTH = 160
"""Component ids are targets of alerts, too."""
_KNOWN = frozenset({
    "id", "via", "at", "panel", "scope", "system_type", "component_type", "address", "state", "ended", "operations",
    "panel_at", "text", "raw", "marks", "key",
})  # fmt: skip
"""Fields of an event that a signal has columns for; the rest is its body."""
_SIGNAL = (
    "id", "site", "device", "panel", "scope", "component", "building", "zone", "point", "system_type",
    "component_type", "states", "ended", "operations", "at", "received_at", "panel_at", "text", "raw", "marks", "body",
    "test", "key", "incident_id",
)  # fmt: skip
_COMPONENT = (
    "id", "site", "panel", "address", "building", "zone", "point", "system_type", "component_type", "text", "states",
    "is_open", "test", "tests", "measured", "heard_at", "signal_id",
)  # fmt: skip
_AT_ONCE = 500
"""So many ids are asked for in one query."""


class Places:
    """Where the components of a site are: zone, point and building by panel and address."""

    def __init__(self, config: SiteConfig) -> None:
        self._config = config
        self._found: dict[tuple[str, str], tuple[str, str, str]] = {}

    def of(self, panel: str, address: str) -> tuple[str, str, str]:
        """(building, zone, point); each empty where nobody declared it."""
        point = self._config.fire.point_by_address.get((panel, address))
        key = (panel, address if point is not None else "")
        found = self._found.get(key)
        if found is None:
            zone = point.zone if point is not None else ""
            found = (self._building(panel, zone), zone, point.id if point is not None else "")
            self._found[key] = found
        return found

    def _building(self, panel: str, zone_id: str) -> str:
        zone = self._config.fire.zone_by_id.get(zone_id)
        try:
            area = self._config.building_of(zone.area) if zone is not None else None
        except UnknownId:
            area = None
        return area.id if area is not None else self._building_of_panel(panel)

    def _building_of_panel(self, panel: str) -> str:
        """What it protects; of a source, where all its panels are of one building."""
        fire = self._config.fire
        declared = fire.panel_by_id.get(panel)
        if declared is not None:
            return declared.building
        behind = {one.building for one in fire.panels if one.source == panel}
        return behind.pop() if len(behind) == 1 else ""


def signal_of(places: Places, event: Heard) -> Signal:
    """The signal that a fire event is."""
    body: Mapping[str, Any] = event.body or {}
    panel = str(body.get("panel") or event.device)
    scope = str(body.get("scope") or "component")
    address = _address(body, scope)
    building, zone, point = places.of(panel, address)
    extra = {name: value for name, value in body.items() if name not in _KNOWN}
    return Signal(
        id=f"{event.site}/{event.device}/{event.event_id}",
        site=event.site,
        device=event.device,
        panel=panel,
        scope=scope,
        component=_fitting(component_id(event.site, panel, address)),
        at=from_ms(event.at_ms),
        received_at=from_ms(event.received_ms),
        building=building,
        zone=zone,
        point=point,
        system_type=_number(body.get("system_type")),
        component_type=_number(body.get("component_type")),
        states=tuple(body.get("state") or ()),
        ended=tuple(body.get("ended") or ()),
        complete=bool(body.get("complete")),
        operations=tuple(body.get("operations") or ()),
        panel_at=_moment(body.get("panel_at")),
        text=str(body.get("text") or ""),
        raw=str(body.get("raw") or ""),
        marks=tuple(body.get("marks") or ()),
        body=extra,
        key=str(body.get("key") or ""),
    )


def _address(body: Mapping[str, Any], scope: str) -> str:
    address = str(body.get("address") or "")
    if not address:
        system = body.get("system_address")
        address = f"{SYSTEM}{system}" if scope == "system" and system is not None else SELF
        sender = body.get("sender")
        if sender:  # nobody declared who it is: its components must not be taken for another one's
            address = f"{sender}:{address}"
    return address


def _fitting(name: str) -> str:
    if len(name) <= ID_LENGTH:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    return f"{name[: ID_LENGTH - 17]}~{digest}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31 else None


def _moment(value: Any) -> datetime | None:
    try:
        return from_ms(parse_at(str(value))) if value else None
    except BadTime:
        return None


def repeated(session: Session, site: str, signals: Sequence[Signal]) -> dict[tuple[str, str], datetime]:
    """(device, key) of those among these signals' that were stored a short while before them; when that was last."""
    keyed = [one for one in signals if one.key]
    if not keyed:
        return {}
    since = min(one.received_at for one in keyed) - REPEATED_WITHIN
    found: dict[tuple[str, str], datetime] = {}
    for keys in _portions(sorted({one.key for one in keyed})):
        stored = select(FireSignal.device, FireSignal.key, FireSignal.received_at).where(
            FireSignal.site == site, FireSignal.key.in_(keys), FireSignal.received_at >= since
        )
        for device, key, received_at in session.execute(stored.order_by(FireSignal.received_at)):
            found[device, key] = received_at
    return found


def load(session: Session, site: str, ids: Iterable[str], open_of: Iterable[str]) -> dict[str, Component]:
    """Components by id: those asked for that exist, and whatever is open of the panels `open_of`."""
    found: dict[str, Component] = {}
    columns = [getattr(FireComponent, "values" if name == "measured" else name) for name in _COMPONENT]
    for portion in _portions(sorted(set(ids))):
        for row in session.execute(select(*columns).where(FireComponent.id.in_(portion))):
            found[row.id] = _component(row)
    panels = sorted(set(open_of))
    if panels:
        query = select(*columns).where(
            FireComponent.site == site, FireComponent.panel.in_(panels), FireComponent.is_open
        )
        for row in session.execute(query):
            found.setdefault(row.id, _component(row))
    return found


def component_of(row: FireComponent) -> Component:
    """A row as the pure model has it."""
    return _component(row)


def _component(row: Any) -> Component:
    states = {name: from_ms(parse_at(since)) for name, since in row.states.items()}
    return Component(
        id=row.id,
        site=row.site,
        panel=row.panel,
        building=row.building,
        zone=row.zone,
        point=row.point,
        system_type=row.system_type,
        component_type=row.component_type,
        text=row.text,
        holding=Holding(states, frozenset(row.tests), row.heard_at),
        values=tuple(row.values),
        signal_id=row.signal_id,
    )


def save_signals(session: Session, signals: Iterable[tuple[Signal, str | None]]) -> None:
    """Write signals, each with the incident it belongs to."""
    rows = [_signal_row(signal, incident) for signal, incident in signals]
    if rows:
        upsert(session, FireSignal, _SIGNAL, rows, ("id",))


def _signal_row(one: Signal, incident: str | None) -> tuple[Any, ...]:
    return (
        one.id, one.site, one.device, one.panel, one.scope, one.component, one.building, one.zone, one.point,
        one.system_type, one.component_type, list(one.states), list(one.ended), list(one.operations), one.at,
        one.received_at, one.panel_at, one.text, one.raw, list(one.marks), dict(one.body), one.test, one.key, incident,
    )  # fmt: skip


def save_components(session: Session, components: Iterable[Component]) -> None:
    """Write components as they stand."""
    rows = [_component_row(one) for one in components]
    if rows:
        upsert(session, FireComponent, _COMPONENT, rows, ("id",))


def _component_row(one: Component) -> tuple[Any, ...]:
    holding = one.holding
    states = {name: format_at(to_ms(since)) for name, since in holding.states.items()}
    return (
        one.id, one.site, one.panel, one.address[:100], one.building, one.zone, one.point, one.system_type,
        one.component_type, one.text, states, one.is_open, one.test, sorted(holding.tests), list(one.values),
        holding.heard_at, one.signal_id,
    )  # fmt: skip


def of_panel(session: Session, site: str, panel: str) -> list[Signal]:
    """Every stored signal of a panel, in the order in which they are replayed."""
    rows = session.scalars(select(FireSignal).where(FireSignal.site == site, FireSignal.panel == panel))
    return sorted((stored(row) for row in rows), key=order_of)


def stored(row: FireSignal) -> Signal:
    """A row as the pure model has it."""
    return Signal(
        id=row.id,
        site=row.site,
        device=row.device,
        panel=row.panel,
        scope=row.scope,
        component=row.component,
        at=row.at,
        received_at=row.received_at,
        building=row.building,
        zone=row.zone,
        point=row.point,
        system_type=row.system_type,
        component_type=row.component_type,
        states=tuple(row.states),
        ended=tuple(row.ended),
        complete=bool(row.body.get("complete")),
        operations=tuple(row.operations),
        panel_at=row.panel_at,
        text=row.text,
        raw=row.raw,
        marks=tuple(row.marks),
        body=row.body,
        test=row.test,
        key=row.key,
    )


def _portions(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


__all__ = [
    "Places",
    "component_of",
    "load",
    "of_panel",
    "repeated",
    "save_components",
    "save_signals",
    "signal_of",
    "stored",
]
