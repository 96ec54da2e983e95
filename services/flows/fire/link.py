"""Whether every fire source is heard: a silent line is not «all quiet», so it is an alert of its own."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from gateway.site.fire import Source
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.device.tables import DeviceState
from services.fire.names import device as device_name
from services.flows import hearing
from services.flows.fire.places import building_of, care_policy
from services.flows.telling import clear_and_tell, raise_and_tell

LINK_RULE = "FIRE-LINK"
SLACK = timedelta(seconds=15)
"""What heard nothing for `offline_after` has still to travel here."""


NEVER_HEARD = timedelta(minutes=1)
"""A line of which not a byte has come since we listen may have a cut wire; `offline_after` may be hours."""


def has_line(source: Source) -> bool:
    """It has a serial line or a serial server of its own, instead of connecting to us."""
    return source.port is not None or source.host is not None


def look(session: Session, config: SiteConfig, now: datetime) -> None:
    """Raise an alert for every source that is off line, or not heard for too long; end it when it is heard again.

    Silence counts from when ingest began to hear at the earliest: our own outage is not the source's.
    """
    site = config.site.id
    hearing_since = hearing.hears_since(session, site, now) if config.fire.sources else None
    if hearing_since is None:
        return
    gateways = [one.id for one in config.devices if one.kind == "gateway"]
    keys = [f"{site}/{one}" for one in (*gateways, *(source.id for source in config.fire.sources))]
    states = {one.device: one for one in session.scalars(select(DeviceState).where(DeviceState.device.in_(keys)))}
    alarmed = select(Alert.target, Alert.last_active_at).where(
        Alert.rule == LINK_RULE, Alert.site == site, Alert.closed_at.is_(None), Alert.active
    )
    since: dict[str, datetime] = dict(session.execute(alarmed).all())
    no_gateway = bool(gateways) and all(_is_offline(states.get(f"{site}/{one}")) for one in gateways)
    for source in config.fire.sources:
        target = f"{site}/{source.id}"
        state = states.get(target)
        heard_at = from_ms(state.heard_ms) if state is not None else None
        never = has_line(source) and (state is None or state.online is None)
        if never:  # a line that is open says nothing about its panel: not a byte has come yet
            why = "silent" if now - hearing_since > NEVER_HEARD else ""
        else:
            why = _why_gone(config, source, state, max(heard_at or hearing_since, hearing_since), now)
        if no_gateway or why:
            if target not in since:
                _raise(session, config, source, why or "gateway", heard_at, now)
        elif target in since and heard_at is not None and heard_at > since[target]:
            clear_and_tell(session, config, LINK_RULE, target, heard_at, now)


def _why_gone(
    config: SiteConfig, source: Source, state: DeviceState | None, silent_since: datetime, now: datetime
) -> str:
    """offline, silent; empty: it is there. Its gateway says so at least twice within `offline_after`."""
    if _is_offline(state):
        return "offline"
    device = config.device_by_id.get(source.id)
    heartbeat = device.heartbeat if device is not None and device.heartbeat is not None else timedelta(0)
    limit = max(source.offline_after, heartbeat) + SLACK
    return "silent" if now - silent_since > limit else ""


def _is_offline(state: DeviceState | None) -> bool:
    return state is not None and state.online is False


def _raise(
    session: Session, config: SiteConfig, source: Source, why: str, heard_at: datetime | None, now: datetime
) -> None:
    name, name_en = device_name(config, source.id)
    panels = [one.id for one in config.fire.panels if one.source == source.id]
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=config.site.id,
            rule=LINK_RULE,
            target=f"{config.site.id}/{source.id}",
            title=f"{name}：通信中断，期间火警收不到，请派人值守控制器",
            title_en=f"{name_en}: no connection, its fire alarms do not reach us. Post somebody at the panel",
            severity="high",
            event_at=now,
            source="Gengfu",
            requirement=LINK_RULE,
            policy=care_policy(config),
            detail={
                "area": building_of(config, panels[0]) if len(panels) == 1 else None,
                "source": source.id,
                "reason": why,
                "heard_at": heard_at.isoformat() if heard_at is not None else None,
            },
        ),
        now,
    )
