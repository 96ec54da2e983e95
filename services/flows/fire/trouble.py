"""Alerts about what is wrong with fire protection itself: faults, supervisory states, lines nobody understands."""

from collections import Counter
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
from services.flows.fire.telling import policy_of, where
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
_TOGETHER = ":supervisory"


def settle(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """Bring the alerts in line with what holds after a batch; what is over by then pages nobody."""
    by_component: dict[str, list[Change]] = {}
    for change in changes:
        by_component.setdefault(change.component.id, []).append(change)
    fault_panels = {one.component.panel for one in changes if not FAULTS.isdisjoint((*one.began, *one.ended))}
    begun: dict[str, datetime] = {}
    for one in changes:
        if not one.signal.test and not FAULTS.isdisjoint(one.began):
            begun.setdefault(one.component.id, one.signal.at)
    for panel in sorted(fault_panels):
        _settle_panel(session, config, panel, begun, now)
    crowded = _Crowd(session, config)
    for mine in by_component.values():
        _settle_supervisory(session, config, mine[-1].component, mine, crowded, now)
    _note_unparsed(session, config, [one for one in changes if one.signal.scope == UNPARSED], now)


def after_test(session: Session, config: SiteConfig, components: Sequence[Component], now: datetime) -> None:
    """What was heard in test mode and still holds when that is over alerts as if it began now.

    `components` still name their tests; in the rows the tests are gone.
    """
    faulty = [one for one in components if not FAULTS.isdisjoint(one.holding.tests)]
    begun = dict.fromkeys((one.id for one in faulty), now)
    for panel in sorted({one.panel for one in faulty}):
        _settle_panel(session, config, panel, begun, now)
    crowded = _Crowd(session, config)
    for one in components:
        if not SUPERVISORY.isdisjoint(one.holding.tests):
            _raise_supervisory(session, config, one, crowded, now, now)


class _Crowd:
    """Panels with so many supervisory alerts that further ones are one for the panel: a burst must not delay a fire."""

    def __init__(self, session: Session, config: SiteConfig) -> None:
        self._most = config.fire.settings.faults_together
        query = select(Alert.target).where(
            Alert.site == config.site.id,
            Alert.rule == SUPERVISORY_RULE,
            Alert.closed_at.is_(None),
            Alert.active.is_(True),
        )
        self._open = set(session.scalars(query))
        self._panels = Counter(one.rpartition("/")[0] for one in self._open if not one.endswith(_TOGETHER))

    def holds(self, component: Component) -> bool:
        """Whether it is one of too many; if not, it gets its own alert and is counted."""
        if component.id in self._open:
            return False
        panel = f"{component.site}/{component.panel}"
        if self._panels[panel] >= self._most:
            return True
        self._panels[panel] += 1
        self._open.add(component.id)
        return False

    def first_of(self, component: Component) -> bool:
        """Whether its panel has no alert for all of them yet; from now on it has."""
        target = f"{component.site}/{component.panel}{_TOGETHER}"
        is_first = target not in self._open
        self._open.add(target)
        return is_first

    def has(self, target: str) -> bool:
        """Whether an alert of this target is open."""
        return target in self._open


def _settle_supervisory(
    session: Session,
    config: SiteConfig,
    component: Component,
    changes: Sequence[Change],
    crowded: _Crowd,
    now: datetime,
) -> None:
    began = [one.signal.at for one in changes if not SUPERVISORY.isdisjoint(one.began) and not one.signal.test]
    ended = any(not SUPERVISORY.isdisjoint(one.ended) for one in changes)
    if began and component.holding.supervised:
        _raise_supervisory(session, config, component, crowded, began[0], now)
    elif ended and not component.holding.supervised:
        at, together = changes[-1].signal.at, f"{component.site}/{component.panel}{_TOGETHER}"
        if crowded.has(component.id):
            clear_and_tell(session, config, SUPERVISORY_RULE, component.id, at, now)
        elif crowded.has(together) and not _supervised(session, component.site, component.panel):
            clear_and_tell(session, config, SUPERVISORY_RULE, together, at, now)


def _supervised(session: Session, site: str, panel: str) -> bool:
    """Whether any component of a panel is still in a supervisory state."""
    return any(one.holding.supervised for one in signals.load(session, site, (), [panel]).values())


def _raise_supervisory(
    session: Session, config: SiteConfig, component: Component, crowded: _Crowd, since: datetime, now: datetime
) -> None:
    # An alarm whose kind the panel does not say may be gas, or an extinguishing system that goes off.
    severity: Severity = "high" if "alarm" in component.states else "medium"
    if not crowded.holds(component):
        _raise(session, config, SUPERVISORY_RULE, component, SUPERVISORY, severity, since, now)
    elif crowded.first_of(component):
        _raise_together(session, config, component, now)


def _raise_together(session: Session, config: SiteConfig, component: Component, now: datetime) -> None:
    name, name_en = names.device(config, component.panel)
    most = config.fire.settings.faults_together
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=SUPERVISORY_RULE,
            target=f"{config.site.id}/{component.panel}{_TOGETHER}",
            title=f"{name}：超过 {most} 个部件同时报监管或非火警报警，见消防页",
            title_en=f"{name_en}: more than {most} components report supervisory or other alarms, see the fire page",
            severity="high",
            event_at=now,
            source="GB/T 26875.3 §8.2.1",
            requirement="PER-13",
            policy=policy_of(config, "fire_fault"),
            detail={
                "area": component.building or None,
                "panel": component.panel,
                "assignee": _engineer(config, component),
            },
        ),
        now,
    )


def _settle_panel(
    session: Session, config: SiteConfig, panel: str, begun: Mapping[str, datetime], now: datetime
) -> None:
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
            _raise(session, config, FAULT_RULE, component, FAULTS, severity, begun[component.id], now)


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
    since: datetime,
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
            event_at=min(now, since),
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
