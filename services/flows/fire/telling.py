"""What is said about a fire: its alert, and the messages that follow it. Life safety: everybody, at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.fire import names
from services.fire.tables import FireIncident
from services.flows.telling import channels, off_duty, raise_and_tell, recipients
from services.notify import service as notify
from services.notify.model import Notice

ALARM_RULE = "FIRE-ALARM"
EVERYBODY = ("guard", "engineer", "duty", "supervisor", "manager")
_BARE_POLICY: Mapping[str, Any] = {
    "id": "fire",
    "ack_within": "PT1M",
    "escalation": [{"after": "PT0S", "role": "supervisor"}, {"after": "PT2M", "role": "manager"}],
    "work_order": False,
    "latching": True,
}
"""What holds where the site files have no policy of the name: a fire waits for no configuration."""
_STAGES = {
    "unconfirmed": ("火警", "Fire alarm"),
    "small": ("小火情", "Small fire"),
    "large": ("大规模火警", "Large fire"),
}
_REASONS = {
    "unconfirmed_in_time": ("规定时间内无人现场确认", "nobody confirmed it on the spot in time"),
    "second_signal": ("同一防火分区出现第二个报警", "a second signal came from the same zone"),
    "spread": ("判定小火情后又有新的报警", "further signals came after it had been graded small"),
    "person": ("现场判定", "graded so on the spot"),
}
_VERDICTS = {"real": ("真实火警", "real fire"), "false": ("误报", "false alarm"), "test": ("测试", "test")}
_ZONES_NAMED, _POINTS_NAMED = 6, 3


def policy_of(config: SiteConfig, policy: str) -> dict[str, Any]:
    """A policy by id as it is frozen into alerts; a bare one of our own where the site has none."""
    found = config.policy_by_id.get(policy)
    return found.model_dump(mode="json") if found is not None else dict(_BARE_POLICY)


def target_of(incident: FireIncident) -> str:
    """The target of an incident's alert."""
    return f"{incident.site}/{incident.id}"


def where(config: SiteConfig, component: str, zone: str, text: str = "") -> tuple[str, str]:
    """A component with its zone in both languages; with the panel's own words where nobody declared it."""
    name, name_en = names.component(config, component)
    if zone:
        (area, area_en) = names.zone(config, zone)
        return (name, name_en) if area in name else (f"{area} {name}", f"{area_en}, {name_en}")
    said = " ".join(text.split())[:60]
    return (f"{name}「{said}」", f"{name_en} “{said}”") if said else (name, name_en)


def raise_alarm(
    session: Session, config: SiteConfig, incident: FireIncident, first: tuple[str, str], event_at: datetime,
    now: datetime, late_after: timedelta,
) -> Alert:  # fmt: skip
    """Raise the one alert of an incident and page everybody; an old signal whose fire still holds pages too."""
    behind = now - event_at
    detail: dict[str, Any] = {
        "area": incident.building or None,
        "incident": incident.id,
        "number": incident.number,
        "where": list(first),
        "confirm_by": f"{incident.confirm_by.astimezone(ZoneInfo(config.site.timezone)):%H:%M}",
        "tell_roles": list(EVERYBODY),
        "tell": list(config.fire.response.squad),
    }
    if behind > late_after:
        detail["late_s"] = int(behind.total_seconds())
    title, title_en = _title(incident, detail)
    raised = raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=incident.site,
            rule=ALARM_RULE,
            target=target_of(incident),
            title=title,
            title_en=title_en,
            severity="critical",
            event_at=min(event_at, now),
            source="ROU-30, ROU-31",
            requirement="AMB-24",
            latching=True,
            policy=policy_of(config, "fire"),
            detail=detail,
        ),
        now,
    )
    incident.alert_id = raised.alert.id
    return raised.alert


def retitle(session: Session, incident: FireIncident) -> None:
    """Let the alert say how the incident stands."""
    alert = alerts.find_open(session, ALARM_RULE, target_of(incident))
    if alert is not None and incident.stage in _STAGES:
        alert.title, alert.title_en = _title(incident, alert.detail)


def _title(incident: FireIncident, detail: Mapping[str, Any]) -> tuple[str, str]:
    (stage, stage_en), (first, first_en) = _STAGES[incident.stage], detail["where"]
    count = sum(len(components) for components in incident.zones.values())
    zh, en = f"{stage}：{first}", f"{stage_en}: {first_en}"
    if count > 1:
        zh, en = f"{zh} 等 {count} 处", f"{en} and {count - 1} more"
    if incident.stage == "unconfirmed":
        zh, en = f"{zh}，{detail['confirm_by']} 前到场确认", f"{en}, to be confirmed by {detail['confirm_by']}"
    if "late_s" in detail:
        minutes = int(detail["late_s"]) // 60
        zh, en = f"{zh}（信号迟到 {minutes} 分钟）", f"{en} (heard {minutes} min late)"
    return zh, en


def tell_stage(session: Session, config: SiteConfig, incident: FireIncident, now: datetime, *, note: str = "") -> None:
    """Everybody hears that it is large now, or small after all."""
    retitle(session, incident)
    place, place_en = names.building(config, incident.building)
    (stage, stage_en) = _STAGES[incident.stage]
    why, why_en = _REASONS.get(incident.reason, _REASONS["person"])
    if incident.graded_by:
        who, who_en = names.person(config, incident.graded_by)
        why, why_en = f"{who}现场判定", f"graded on the spot by {who_en}"
    if incident.stage == "large":
        todo, todo_en = "请立即拨打119，启动疏散预案", "Call 119 now and start the evacuation plan"
    else:
        todo, todo_en = "请就近使用灭火器扑灭并留人看守", "Put it out with the nearest extinguisher and keep watch"
    said = f"（{note[:120]}）" if note else ""
    said_en = f" ({note[:120]})" if note else ""
    _tell(
        session,
        config,
        incident,
        "fire.graded",
        f"{incident.stage}:{incident.version}",
        (
            f"【{stage}】{place} {incident.number}：{why}{said}\n{todo}",
            f"[{stage_en.upper()}] {place_en} {incident.number}: {why_en}{said_en}\n{todo_en}",
        ),
        now,
    )


def tell_digest(
    session: Session, config: SiteConfig, incident: FireIncident, fires: Sequence[tuple[str, str]], now: datetime
) -> None:
    """What came since the last message, by zone."""
    zones: dict[str, dict[str, None]] = {}
    for zone, component in fires:
        zones.setdefault(zone, {})[component] = None
    lines, lines_en = [], []
    for zone, components in list(zones.items())[:_ZONES_NAMED]:
        name, name_en = names.zone(config, zone) if zone else ("未登记部位", "not in the ledger")
        points = [names.component(config, one) for one in list(components)[:_POINTS_NAMED]]
        more = len(components) - len(points)
        lines.append(f"{name}：{'、'.join(one for one, _ in points)}" + (f" 等 {len(components)} 处" if more else ""))
        lines_en.append(f"{name_en}: {', '.join(one for _, one in points)}" + (f" and {more} more" if more else ""))
    rest = len(zones) - len(lines)
    if rest > 0:
        lines.append(f"另有 {rest} 个防火分区")
        lines_en.append(f"and {rest} more zones")
    place, place_en = names.building(config, incident.building)
    _tell(
        session,
        config,
        incident,
        "fire.digest",
        f"digest:{incident.told}",
        (
            f"【火警续报】{place} {incident.number}：新增 {len(fires)} 个信号，累计 {incident.signals} 个\n"
            + "\n".join(lines),
            f"[FIRE, more] {place_en} {incident.number}: {len(fires)} new signals, {incident.signals} in all\n"
            + "\n".join(lines_en),
        ),
        now,
        severity="high",
    )


def tell_called(
    session: Session, config: SiteConfig, incident: FireIncident, usernames: Iterable[str], tier: int, now: datetime
) -> None:
    """These are called by name: nobody before them has accepted, or somebody wants them."""
    place, place_en = names.building(config, incident.building)
    alert = alerts.find_open(session, ALARM_RULE, target_of(incident))
    title, title_en = (alert.title, alert.title_en) if alert is not None else ("火警", "Fire alarm")
    why = f"第 {tier} 级增援：尚无人接警" if tier else "请求增援"
    why_en = f"Reinforcement {tier}: nobody has accepted yet" if tier else "Reinforcement is asked for"
    _tell(
        session,
        config,
        incident,
        "fire.call",
        f"call:{incident.version}",
        (
            f"【火警召集】{title} · {place}\n{why}，请接警并到场",
            f"[FIRE CALL] {title_en} · {place_en}\n{why_en}: accept and come",
        ),
        now,
        usernames=frozenset(usernames),
    )


def tell_closed(session: Session, config: SiteConfig, incident: FireIncident, by: str, now: datetime) -> None:
    """Those who were called hear what it was."""
    place, place_en = names.building(config, incident.building)
    verdict, verdict_en = _VERDICTS[incident.verdict]
    who, who_en = names.person(config, by)
    _tell(
        session,
        config,
        incident,
        "fire.closed",
        "closed",
        (
            f"【火警结束】{place} {incident.number}：{verdict}。{incident.cause[:200]}（{who}）",
            f"[FIRE over] {place_en} {incident.number}: {verdict_en}. {incident.cause[:200]} ({who_en})",
        ),
        now,
        severity="high",
    )


def _tell(
    session: Session, config: SiteConfig, incident: FireIncident, kind: str, key: str, words: tuple[str, str],
    now: datetime, *, severity: Severity = "critical", usernames: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    link = f"\n{config.site.console_url}/fire/incidents/{incident.id}" if config.site.console_url else ""
    subject: Literal["alert", "system"] = "alert" if incident.alert_id else "system"
    notice = Notice(
        key=f"fire:{incident.id}:{key}",
        kind=kind,
        site=incident.site,
        subject_kind=subject,
        subject_id=incident.alert_id or incident.id,
        severity=severity,
        text=words[0] + link,
        text_en=words[1] + link,
        occurrence=incident.version,
        roles=frozenset() if usernames else frozenset(EVERYBODY),
        usernames=usernames,
    )
    people = recipients(config, None, off_duty(session, config, now))
    notify.announce(session, notice, people, channels(config), now)
