"""Outages: what is shielded or stopped since when, and after a day the question of filing and protection (form B.1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.fire import ledger, upkeep
from services.fire.model import SHIELD, is_device
from services.fire.names import component as component_name
from services.fire.names import device as device_name
from services.fire.tables import FireComponent, FireOutage
from services.flows.fire.places import building_of, care_policy, component_area
from services.flows.telling import clear_and_tell, raise_and_tell
from services.kernel import timers
from services.kernel.ids import new_id

OUTAGE_TIMER = "fire.outage"
"""Due when something may have lasted for too long; ref: the site, step: the minute."""
OUTAGE_RULE = "FIRE-OUTAGE"
_ASKED, _ASKED_EN = "请填写是否报消防部门备案和安全保护措施", "Note filing and protective measures"
_AT_ONCE = 500
"""So many components are asked for in one query."""
_WHAT = {"shield": ("屏蔽", "shielded"), "stop": ("停用", "out of use")}


def kind_of(component: str) -> str:
    """shield: one component is masked; stop: a whole system or panel is."""
    return "shield" if is_device(component) else "stop"


def begin(session: Session, config: SiteConfig, since: Mapping[str, datetime], now: datetime) -> None:
    """Components are shielded, or systems stopped, since then: the clock of form B.1 runs; where it runs it goes on."""
    known = {one.component for one in _open(session, config, since)}
    new = {component: at for component, at in since.items() if component not in known}
    session.add_all(
        FireOutage(
            id=new_id(),
            site=config.site.id,
            component=component,
            kind=kind_of(component),
            began_at=began_at,
            ended_at=None,
            prompted_at=None,
            filed=None,
            measures="",
            noted_by=None,
            noted_at=None,
        )
        for component, began_at in new.items()
    )
    session.flush()
    # A loop of hundreds that is shielded at once is one timer.
    for due_at in {_next_minute(max(_due_at(config, began_at), now)) for began_at in new.values()}:
        timers.schedule(session, OUTAGE_TIMER, config.site.id, due_at, step=f"{due_at:%Y-%m-%d %H:%M}")


def end(session: Session, config: SiteConfig, ended: Mapping[str, datetime], now: datetime) -> None:
    """They work again since then: the prompt ends with the outage."""
    rows = _open(session, config, ended)
    for row in rows:
        row.ended_at = max(ended[row.component], row.began_at)
    session.flush()
    for row in rows:
        if row.prompted_at is not None:
            settle_prompt(session, config, row, now)


def prompt(session: Session, config: SiteConfig, now: datetime) -> str:
    """What has lasted for a day: somebody has to file it and to protect the place meanwhile."""
    waiting = [
        one
        for one in ledger.open_outages(session, config.site.id)
        if _due_at(config, one.began_at) <= now and not upkeep.is_noted(one.filed, one.measures)
    ]
    new = [one for one in waiting if one.prompted_at is None]
    for row in new:
        row.prompted_at = now
    session.flush()
    for panel in dict.fromkeys(_panel_target(one.component) for one in new):
        together = [one for one in waiting if _panel_target(one.component) == panel]
        if len(together) > config.fire.settings.faults_together:
            _raise_for_panel(session, config, panel, together, now)
            continue
        for row in together:
            if row in new:
                _raise_for_one(session, config, row, now)
    return f"prompted for {len(new)}" if new else "nothing has lasted so long"


def _raise_for_one(session: Session, config: SiteConfig, row: FireOutage, now: datetime) -> None:
    (name, name_en), (what, what_en) = component_name(config, row.component), _WHAT[row.kind]
    hours = _hours(config)
    _raise(
        session,
        config,
        row.component,
        f"{name}：{what}已超过 {hours} 小时，{_ASKED}",
        f"{name_en}: {what_en} for more than {hours} h. {_ASKED_EN}",
        {"area": component_area(config, row.component), "outages": [row.id], "kind": row.kind},
        now,
    )


def _raise_for_panel(
    session: Session, config: SiteConfig, target: str, rows: Sequence[FireOutage], now: datetime
) -> None:
    panel = target.partition("/")[2]
    (name, name_en), hours = device_name(config, panel), _hours(config)
    _raise(
        session,
        config,
        target,
        f"{name}：{len(rows)} 处屏蔽或停用已超过 {hours} 小时，{_ASKED}",
        f"{name_en}: {len(rows)} components shielded or stopped for more than {hours} h. {_ASKED_EN}",
        {"area": building_of(config, panel), "outages": [one.id for one in rows]},
        now,
    )


def _raise(
    session: Session,
    config: SiteConfig,
    target: str,
    title: str,
    title_en: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    raised = raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=OUTAGE_RULE,
            target=target,
            title=title,
            title_en=title_en,
            severity="medium",
            event_at=now,
            source="GB 25201-2010 表 B.1",
            requirement=OUTAGE_RULE,
            policy=care_policy(config),
            detail=detail,
        ),
        now,
    )
    if raised.outcome == "unchanged":
        raised.alert.title, raised.alert.title_en = title, title_en
        raised.alert.detail = {**raised.alert.detail, **detail}


def settle_prompt(session: Session, config: SiteConfig, row: FireOutage, now: datetime) -> None:
    """It works again, or both columns of form B.1 are filled in: the prompt is over."""
    panel = _panel_target(row.component)
    clear_and_tell(session, config, OUTAGE_RULE, row.component, now, now)
    if alerts.find_open(session, OUTAGE_RULE, panel) is None:
        return
    left = [
        one
        for one in ledger.open_outages(session, row.site)
        if one.prompted_at is not None
        and _panel_target(one.component) == panel
        and not upkeep.is_noted(one.filed, one.measures)
    ]
    if not left:
        clear_and_tell(session, config, OUTAGE_RULE, panel, now, now)


def reconcile(session: Session, config: SiteConfig, now: datetime) -> None:
    """Bring outages in line with the components as they stand, whatever way they came to stand so."""
    outages = ledger.open_outages(session, config.site.id)
    # Read after the outages: what ingest writes meanwhile, both or neither, is then seen as it stands.
    shielded = {
        one.id: datetime.fromisoformat(one.states[SHIELD])
        for one in session.scalars(
            select(FireComponent).where(FireComponent.site == config.site.id, FireComponent.is_open)
        )
        if SHIELD in one.states
    }
    end(session, config, {one.component: now for one in outages if one.component not in shielded}, now)
    begin(session, config, shielded, now)
    prompt(session, config, now)


def _open(session: Session, config: SiteConfig, components: Mapping[str, datetime]) -> list[FireOutage]:
    names = sorted(components)
    found: list[FireOutage] = []
    for start in range(0, len(names), _AT_ONCE):
        query = select(FireOutage).where(
            FireOutage.site == config.site.id,
            FireOutage.ended_at.is_(None),
            FireOutage.component.in_(names[start : start + _AT_ONCE]),
        )
        found += session.scalars(query.order_by(FireOutage.id).with_for_update())
    return found


def _due_at(config: SiteConfig, began_at: datetime) -> datetime:
    return upkeep.prompt_due(began_at, config.fire.settings.prompt_after)


def _next_minute(moment: datetime) -> datetime:
    cut = moment.replace(second=0, microsecond=0)
    return cut if cut == moment else cut + timedelta(minutes=1)


def _hours(config: SiteConfig) -> str:
    return f"{config.fire.settings.prompt_after / timedelta(hours=1):g}"


def _panel_target(component: str) -> str:
    return "/".join(component.split("/", 2)[:2])
