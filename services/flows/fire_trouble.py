"""Alerts about what is wrong with fire protection itself: faults, supervisory states, lines nobody understands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import SiteConfig, UnknownId
from services.alert import service as alerts
from services.alert.tables import Alert
from services.fire import names, signals
from services.fire.model import FAULTS, SUPERVISORY, Change, Component, is_device
from services.flows.fire_telling import policy_of, where
from services.flows.telling import clear_and_tell, raise_and_tell

FAULT_RULE, SUPERVISORY_RULE, UNPARSED_RULE = "FIRE-FAULT", "FIRE-SUPERVISORY", "FIRE-UNPARSED"
UNPARSED = "unparsed"
_WORDS: Mapping[str, tuple[str, str]] = {
    "fault": ("故障", "fault"),
    "power_fault": ("电源故障", "power fault"),
    "mains_fault": ("主电故障", "mains fault"),
    "battery_fault": ("备电故障", "battery fault"),
    "bus_fault": ("总线故障", "bus fault"),
    "link_fault": ("与主机通信故障", "line to the panel faulty"),
    "centre_fault": ("与监控中心通信故障", "line to the centre faulty"),
    "supervisory": ("监管", "supervisory"),
    "alarm": ("非火警报警", "alarm, not of fire"),
}
_LINES_KEPT = 5


def settle(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """Bring the alerts in line with what holds after a batch; what is over by then pages nobody."""
    by_component: dict[str, list[Change]] = {}
    for change in changes:
        by_component.setdefault(change.component.id, []).append(change)
    fault_panels = {one.component.panel for one in changes if not FAULTS.isdisjoint((*one.began, *one.ended))}
    begun = {one.component.id for one in changes if not one.signal.test and not FAULTS.isdisjoint(one.began)}
    for panel in sorted(fault_panels):
        _settle_panel(session, config, panel, begun, now)
    for mine in by_component.values():
        _settle_supervisory(session, config, mine[-1].component, mine, now)
    _note_unparsed(session, config, [one for one in changes if one.signal.scope == UNPARSED], now)


def _settle_supervisory(
    session: Session, config: SiteConfig, component: Component, changes: Sequence[Change], now: datetime
) -> None:
    began = any(not SUPERVISORY.isdisjoint(one.began) and not one.signal.test for one in changes)
    ended = any(not SUPERVISORY.isdisjoint(one.ended) for one in changes)
    if began and component.holding.supervised:
        # An alarm whose kind the panel does not say may be gas, or an extinguishing system that goes off.
        severity: Severity = "high" if "alarm" in component.states else "medium"
        _raise(session, config, SUPERVISORY_RULE, component, SUPERVISORY, severity, now)
    elif ended and not component.holding.supervised:
        clear_and_tell(session, config, SUPERVISORY_RULE, component.id, changes[-1].signal.at, now)


def _settle_panel(session: Session, config: SiteConfig, panel: str, begun: set[str], now: datetime) -> None:
    """One alert per faulty component; when a panel has too many, one for all that have none of their own."""
    site = config.site.id
    together = f"{site}/{panel}:faults"
    faulty = {
        one.id: one
        for one in signals.load(session, site, (), [panel]).values()
        if any(state in FAULTS and state not in one.holding.tests for state in one.states)
    }
    own = _open_alerts(session, site)
    shared = own.pop(together, None)
    for target in sorted(own):
        if target.startswith(f"{site}/{panel}/") and target not in faulty:
            clear_and_tell(session, config, FAULT_RULE, target, now, now)
    without = [one for name, one in sorted(faulty.items()) if name not in own]
    if shared is not None or len(faulty) > config.fire.settings.faults_together:
        _settle_together(session, config, panel, together, without, shared, now)
        return
    for component in without:
        if component.id in begun:
            severity: Severity = "medium" if is_device(component.id) else "high"
            _raise(session, config, FAULT_RULE, component, FAULTS, severity, now)


def _open_alerts(session: Session, site: str) -> dict[str, Alert]:
    query = select(Alert).where(
        Alert.site == site, Alert.rule == FAULT_RULE, Alert.closed_at.is_(None), Alert.active.is_(True)
    )
    return {one.target: one for one in session.scalars(query)}


def _settle_together(
    session: Session,
    config: SiteConfig,
    panel: str,
    target: str,
    faulty: Sequence[Component],
    shared: Alert | None,
    now: datetime,
) -> None:
    if not faulty:
        if shared is not None:
            clear_and_tell(session, config, FAULT_RULE, target, now, now)
        return
    name, name_en = names.device(config, panel)
    title = f"{name}：{len(faulty)} 个部件同时故障"
    title_en = f"{name_en}: {len(faulty)} components faulty at once"
    if shared is not None:
        shared.title, shared.title_en = title, title_en
        shared.detail = shared.detail | {"components": [one.id for one in faulty[:200]]}
        return
    building = faulty[0].building
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=FAULT_RULE,
            target=target,
            title=title,
            title_en=title_en,
            severity="high",
            event_at=now,
            source="GB 25201",
            requirement="PER-13",
            policy=policy_of(config, "fire_fault"),
            detail={
                "area": building or None,
                "panel": panel,
                "components": [one.id for one in faulty[:200]],
                "assignee": _engineer(config, faulty[0]),
            },
        ),
        now,
    )


def _raise(
    session: Session,
    config: SiteConfig,
    rule: str,
    component: Component,
    states: Iterable[str],
    severity: Severity,
    now: datetime,
) -> None:
    holding = [one for one in component.states if one in states]
    name, name_en = where(config, component.id, component.zone)
    what, what_en = "、".join(_WORDS[one][0] for one in holding), ", ".join(_WORDS[one][1] for one in holding)
    said = " ".join(component.text.split())[:60]
    if said and said not in name:
        what, what_en = f"{what}「{said}」", f"{what_en} “{said}”"
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=component.site,
            rule=rule,
            target=component.id,
            title=f"{name}：{what}",
            title_en=f"{name_en}: {what_en}",
            severity=severity,
            event_at=min(now, *(component.states[one] for one in holding)),
            source="GB/T 26875.3 §8.2.1",
            requirement="PER-13",
            policy=policy_of(config, "fire_fault"),
            detail={
                "area": component.building or None,
                "component": component.id,
                "states": holding,
                "assignee": _engineer(config, component),
            },
        ),
        now,
    )


def _engineer(config: SiteConfig, component: Component) -> str | None:
    """Whose the repair is: the owner of the equipment, else the engineer of the place."""
    point = config.fire.point_by_id.get(component.point)
    panel = config.fire.panel_by_id.get(component.panel)
    ledger = (point.equipment if point else None) or (panel.equipment if panel else None)
    equipment = config.equipment_by_id.get(ledger or "")
    if equipment is not None and equipment.owner is not None:
        return equipment.owner
    zone = config.fire.zone_by_id.get(component.zone)
    area = zone.area if zone is not None else component.building
    try:
        found = config.people_with("engineer", area or None)
    except UnknownId:
        found = ()
    return found[0].username if found else None


def _note_unparsed(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """Lines that no driver understands: one alert per panel, over when somebody has seen it."""
    panels: dict[str, list[Change]] = {}
    for change in changes:
        panels.setdefault(change.component.panel, []).append(change)
    for panel, said in panels.items():
        target = f"{config.site.id}/{panel}"
        alert = alerts.find_open(session, UNPARSED_RULE, target)
        before: list[str] = list(alert.detail.get("lines", ())) if alert is not None else []
        count = len(said) + (int(alert.detail.get("count", 0)) if alert is not None else 0)
        lines = [*before, *(one.signal.text[:200] or one.signal.raw[:200] for one in said)][-_LINES_KEPT:]
        name, name_en = names.device(config, panel)
        title = f"{name}：{count} 条信息无法识别，最近一条「{lines[-1][:60]}」"
        title_en = f"{name_en}: {count} messages not understood, the last one “{lines[-1][:60]}”"
        detail = {"area": said[0].component.building or None, "panel": panel, "count": count, "lines": lines}
        if alert is not None:
            alert.title, alert.title_en, alert.detail = title, title_en, alert.detail | detail
            continue
        raise_and_tell(
            session,
            config,
            alerts.Activation(
                site=config.site.id,
                rule=UNPARSED_RULE,
                target=target,
                title=title,
                title_en=title_en,
                severity="low",
                event_at=min(now, said[0].signal.at),
                source="GB 26875.3",
                requirement=UNPARSED_RULE,
                policy=policy_of(config, "fire_care"),
                detail=detail,
            ),
            now,
        )
        # It happened rather than lasts: it stays on the list until somebody has seen it.
        alerts.clear_alert(session, UNPARSED_RULE, target, now, None, now)
