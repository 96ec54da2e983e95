"""Which entry of the ledger a point or an alert is about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.equipment import service as equipment
from services.equipment.tables import Equipment

ENTRY = "equipment/"
"""Targets of alerts about an entry itself are `{site}/equipment/{eid}`."""


def target_of(row: Equipment) -> str:
    """What an alert about an entry itself is about."""
    return f"{row.site}/{ENTRY}{row.eid}"


def equipment_of_point(session: Session, config: SiteConfig, point_key: str) -> Equipment | None:
    """The entry a measuring point belongs to: by the site files, else bound by hand."""
    point = config.point_by_key.get(point_key)
    if point is None:
        return None
    if point.equipment is not None:
        return equipment.by_eid(session, config.site.id, point.equipment)
    return bound(session, config.site.id, "point", point.id) or bound(session, config.site.id, "device", point.device)


def equipment_of_alert(session: Session, config: SiteConfig, alert: Alert) -> Equipment | None:
    """The entry an alert is about: the entry itself, its point, fire component, panel or device; None: none of it."""
    site, _, target = alert.target.partition("/")
    if site != config.site.id or not target:
        return None
    if target.startswith(ENTRY):
        return equipment.by_eid(session, site, target.removeprefix(ENTRY))
    if target in config.point_by_id:
        return equipment_of_point(session, config, alert.target)
    panel, _, address = target.partition("/")
    if address:
        return _of_component(session, config, panel, address)
    protects = config.fire.panel_by_id.get(panel)
    if protects is not None and protects.equipment is not None:
        return equipment.by_eid(session, site, protects.equipment)
    return bound(session, site, "device", panel) if panel in config.device_by_id else None


def _of_component(session: Session, config: SiteConfig, panel: str, address: str) -> Equipment | None:
    """A component's own entry; else its panel's."""
    point = config.fire.point_by_address.get((panel, address))
    if point is not None:
        eid = next((one.eid for one in config.ledger.values() if (one.origin, one.ref) == ("fire_point", point.id)), "")
        return equipment.by_eid(session, config.site.id, eid)
    protects = config.fire.panel_by_id.get(panel)
    if protects is None or protects.equipment is None:
        return None
    return equipment.by_eid(session, config.site.id, protects.equipment)


def bound(session: Session, site: str, kind: str, ref: str) -> Equipment | None:
    """The entry that people bound something to; the first by short id, if several."""
    query = select(Equipment.id, Equipment.bindings).where(Equipment.site == site).order_by(Equipment.eid)
    found = next((row_id for row_id, pairs in session.execute(query) if [kind, ref] in pairs), None)
    return equipment.get(session, found) if found is not None else None
