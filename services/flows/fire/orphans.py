"""What the fire files no longer have: nothing would ever end its alerts, outages and states again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.fire.model import FAULTS
from services.fire.tables import FireComponent
from services.flows.fire import outage as fire_outage
from services.flows.fire.commands import DUTY_RULE
from services.flows.fire.link import LINK_RULE
from services.flows.fire.outage import OUTAGE_RULE
from services.flows.fire.trouble import FAULT_RULE, SUPERVISORY_RULE, UNPARSED_RULE

_OF_SOURCES = frozenset({LINK_RULE, DUTY_RULE})
_OF_COMPONENTS = frozenset({FAULT_RULE, SUPERVISORY_RULE, UNPARSED_RULE, OUTAGE_RULE})
_REASON = "target_removed"


def withdraw(session: Session, config: SiteConfig, now: datetime) -> None:
    """End the alerts and outages of sources, panels and points that were removed, and close their components.

    What nobody ever declared stays: it is told of just because the files do not know it. A component that is closed
    here and speaks again begins anew. Alarms and incidents stay people's.
    """
    query = select(FireComponent).where(FireComponent.site == config.site.id, FireComponent.is_open)
    standing = list(session.scalars(query.order_by(FireComponent.id)))
    gone = [one for one in standing if _was_removed(config, one)]
    left = [one for one in standing if not _was_removed(config, one)]
    for alert in alerts.open_alerts(session, config.site.id):
        if _is_orphan(config, alert, left, gone):
            alerts.withdraw(session, alert.id, _REASON, now)
    fire_outage.end(session, config, {one.id: now for one in gone}, now)
    for row in gone:
        row.states, row.tests, row.is_open, row.test = {}, [], False, False
    session.flush()


def _declares(config: SiteConfig, panel: str) -> bool:
    return panel in config.fire.panel_by_id or panel in config.fire.source_by_id


def _was_removed(config: SiteConfig, row: FireComponent) -> bool:
    """It was bound to the files when it spoke, or spoke through a device that they had, and is not there any more."""
    address = row.id.split("/", 2)[2]
    if _declares(config, row.panel):
        return bool(row.point) and (row.panel, address) not in config.fire.point_by_address
    speaker = row.signal_id.split("/", 2)[1] if row.signal_id.count("/") > 1 else row.panel
    return bool(row.building or row.zone or row.point) or speaker not in config.device_by_id


def _is_orphan(config: SiteConfig, alert: Alert, left: Sequence[FireComponent], gone: Sequence[FireComponent]) -> bool:
    name = alert.target.removeprefix(f"{config.site.id}/")
    if alert.rule in _OF_SOURCES:
        return name not in config.fire.source_by_id
    if alert.rule not in _OF_COMPONENTS or any(one.id == alert.target for one in left):
        return False
    panel = name.partition("/")[0].removesuffix(":faults").removesuffix(":supervisory")
    removed = [one.id for one in gone if one.panel == panel]
    if not _declares(config, panel):
        return bool(removed) or bool(alert.detail.get("area"))
    if name in (f"{panel}:faults", f"{panel}:supervisory"):
        return bool(removed) and not any(one.panel == panel and not FAULTS.isdisjoint(one.states) for one in left)
    return alert.target in removed
