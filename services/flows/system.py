"""Alerts about Gengfu itself: lost events, forgotten sessions, dropped messages, silent processes, dead messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.flows.fire.telling import EVERYBODY
from services.flows.telling import raise_and_tell, tell_cleared

EVENTS = frozenset(
    {"SYS-LOSS", "SYS-SESSION", "SYS-DROP", "SYS-NOTIFY", "SYS-TIMER", "SYS-CLOCK", "SYS-FIRE", "SYS-UNSTORED"}
)
"""Things that happened rather than last: over as soon as somebody has seen them."""
POLICY, FIRE_POLICY = "system", "fire"
SOURCE = "Gengfu"


def events_missing(session: Session, config: SiteConfig, missing: Mapping[str, Any], now: datetime) -> None:
    """Numbers of devices never arrived: name device, boot, ranges and count (`detail["missing"]`)."""
    count, title, title_en = _missing_words(missing)
    _raise(
        session,
        config,
        rule="SYS-LOSS",
        target=f"{config.site.id}/events",
        title=title,
        title_en=title_en,
        severity="high",
        now=now,
        detail={"missing": dict(missing), "count": count},
        value=float(count),
    )


def events_found(session: Session, config: SiteConfig, missing: Mapping[str, Any], now: datetime) -> None:
    """Events that were reported as missing arrived after all: the alert names what is left, and ends with nothing."""
    alert = alerts.find_open(session, "SYS-LOSS", f"{config.site.id}/events")
    if alert is None or alert.detail.get("missing") == dict(missing):
        return
    count, title, title_en = _missing_words(missing)
    alert.detail = {**alert.detail, "missing": dict(missing), "count": count}
    if missing:
        alert.value, alert.title, alert.title_en = float(count), title, title_en
        return
    cleared = alerts.clear_alert(session, alert.rule, alert.target, now, None, now)
    if cleared is not None:
        tell_cleared(session, config, cleared, now)


def _missing_words(missing: Mapping[str, Any]) -> tuple[int, str, str]:
    count = sum(last - first + 1 for boots in missing.values() for ranges in boots.values() for first, last in ranges)
    devices = ", ".join(sorted(missing)[:5]) + (" …" if len(missing) > 5 else "")
    return (
        count,
        f"事件丢失：{len(missing)} 台设备共 {count} 条未到达（{devices}）",
        f"Events lost: {count} of {len(missing)} devices never arrived ({devices})",
    )


def settle_seen(session: Session, config: SiteConfig, now: datetime) -> None:
    """End the alerts about single events that somebody has seen, so that the next such event pages again."""
    for alert in alerts.open_alerts(session, config.site.id):
        if alert.rule in EVENTS and alert.active and alert.acked_occurrence >= alert.occurrence:
            alerts.clear_alert(session, alert.rule, alert.target, now, None, now)


def session_lost(session: Session, config: SiteConfig, client_id: str, broker: str, now: datetime) -> None:
    """The broker forgot a persistent session: what it queued for us is gone."""
    _raise(
        session,
        config,
        rule="SYS-SESSION",
        target=f"{config.site.id}/{client_id}",
        title=f"消息服务器 {broker} 丢失了会话 {client_id}，期间未送达的消息可能丢失",
        title_en=f"Broker {broker} lost session {client_id}: messages it held may be gone",
        severity="medium",
        now=now,
        detail={"client_id": client_id, "broker": broker},
    )


def broker_dropped(session: Session, config: SiteConfig, broker: str, dropped: int, now: datetime) -> None:
    """The broker says that it dropped messages."""
    _raise(
        session,
        config,
        rule="SYS-DROP",
        target=f"{config.site.id}/broker",
        title=f"消息服务器 {broker} 丢弃了 {dropped} 条消息",
        title_en=f"Broker {broker} dropped {dropped} messages",
        severity="high",
        now=now,
        detail={"broker": broker, "dropped": dropped},
        value=float(dropped),
    )


def process_silent(session: Session, config: SiteConfig, role: str, since: datetime, now: datetime) -> None:
    """A process that must run gave no sign of life."""
    _raise(
        session,
        config,
        rule="SYS-SILENT",
        target=f"{config.site.id}/{role}",
        title=f"系统进程 {role} 无心跳",
        title_en=f"Process {role} gives no sign of life",
        severity="critical",
        now=now,
        detail={"role": role, "since": since.isoformat()},
    )


def process_deaf(session: Session, config: SiteConfig, role: str, deaf_s: float, now: datetime) -> None:
    """A process lives but hears nothing or cannot store what it hears: silence of devices cannot be told now."""
    minutes = int(deaf_s // 60)
    _raise(
        session,
        config,
        rule="SYS-DEAF",
        target=f"{config.site.id}/{role}",
        title=f"系统进程 {role} 收不到或存不下数据已 {minutes} 分钟，现场报警可能听不见",
        title_en=f"Process {role} has heard or stored nothing for {minutes} min: alarms on site may go unheard",
        severity="critical",
        now=now,
        detail={"role": role, "deaf_s": round(deaf_s)},
    )


def process_hears(session: Session, config: SiteConfig, role: str, now: datetime) -> None:
    """The process hears and stores again."""
    alerts.clear_alert(session, "SYS-DEAF", f"{config.site.id}/{role}", now, None, now)


def group_unheld(session: Session, config: SiteConfig, group: str, since: datetime, now: datetime) -> None:
    """No process has taken an ingest group: what the site sends waits at the broker and is judged by nobody."""
    _raise(
        session,
        config,
        rule="SYS-LEASE",
        target=f"{config.site.id}/{group}",
        title=f"接入组 {group} 无进程承接，现场数据在消息服务器排队，报警未判",
        title_en=f"Ingest group {group} has no holder: data queues at the broker and nothing is judged",
        severity="critical",
        now=now,
        detail={"group": group, "since": since.isoformat()},
    )


def group_held(session: Session, config: SiteConfig, group: str, now: datetime) -> None:
    """A process has the group again."""
    alerts.clear_alert(session, "SYS-LEASE", f"{config.site.id}/{group}", now, None, now)


def store_behind(session: Session, config: SiteConfig, waits_s: float, denied: bool, now: datetime) -> None:
    """What is heard does not reach the server of the time series: it waits on disk, and alarms go on."""
    minutes = int(waits_s // 60)
    why, why_en = (
        ("写入被拒绝（请检查令牌、库名和权限）", "writing is refused") if denied else ("写入延迟", "writing lags")
    )
    _raise(
        session,
        config,
        rule="SYS-STORE",
        target=f"{config.site.id}/store",
        title=f"时序数据库{why}，读数已在本机磁盘暂存 {minutes} 分钟，报警不受影响",
        title_en=f"Time-series server: {why_en}, readings have waited on disk for {minutes} min; alarms go on",
        severity="high" if denied else "medium",
        now=now,
        detail={"waits_s": round(waits_s), "denied": denied},
    )


def store_keeps_up(session: Session, config: SiteConfig, now: datetime) -> None:
    """Nothing waits for long any more."""
    alerts.clear_alert(session, "SYS-STORE", f"{config.site.id}/store", now, None, now)


def store_lost(
    session: Session, config: SiteConfig, holder: str, dropped: int, refused: int, counted: int, now: datetime
) -> None:
    """Readings were not stored: no room to wait in, or refused by the server. `counted`: of this holder so far."""
    _raise(
        session,
        config,
        rule="SYS-UNSTORED",
        target=f"{config.site.id}/store",
        title=f"读数未能存入时序数据库：暂存区已满丢弃 {dropped} 条，服务器拒收 {refused} 条（见隔离区）",
        title_en=f"Readings not stored: {dropped} dropped for want of room, {refused} refused (see quarantine)",
        severity="high",
        now=now,
        detail={"dropped": dropped, "refused": refused, "counted": {holder: counted}},
        value=float(dropped + refused),
    )


def clock_moved_back(session: Session, config: SiteConfig, now: datetime) -> None:
    """This machine's clock was ahead and was set back: times stored meanwhile are wrong."""
    _raise(
        session,
        config,
        rule="SYS-CLOCK",
        target=f"{config.site.id}/clock",
        title="本机时钟曾超前并被调回，期间记录的时间有误，请检查对时",
        title_en="This machine's clock was ahead and was set back: times recorded meanwhile are wrong",
        severity="high",
        now=now,
        detail={},
    )


def process_alive(session: Session, config: SiteConfig, role: str, now: datetime) -> None:
    """The process is back."""
    alerts.clear_alert(session, "SYS-SILENT", f"{config.site.id}/{role}", now, None, now)


def message_dead(session: Session, config: SiteConfig, channel: str, error: str, now: datetime) -> None:
    """A message could not be delivered over a channel however often it was tried."""
    _raise(
        session,
        config,
        rule="SYS-NOTIFY",
        target=f"{config.site.id}/{channel}",
        title=f"通知渠道 {channel} 发送失败：{error}",
        title_en=f"Channel {channel} cannot deliver: {error}",
        severity="high",
        now=now,
        detail={"channel": channel, "error": error},
    )


def timer_failed(session: Session, config: SiteConfig, kind: str, error: str, now: datetime) -> None:
    """Something that was due could not be done; it is tried again every minute."""
    _raise(
        session,
        config,
        rule="SYS-TIMER",
        target=f"{config.site.id}/{kind}",
        title=f"定时任务 {kind} 执行失败：{error[:200]}",
        title_en=f"Timer {kind} failed: {error[:200]}",
        severity="high",
        now=now,
        detail={"kind": kind, "error": error[:1000]},
    )


def fire_unreadable(session: Session, config: SiteConfig, device: str, code: str, now: datetime) -> None:
    """A fire message could not be read or judged: it may have been an alarm, so everybody is told to look.

    One alert for each device, and one for all that nobody declared: they choose their names themselves.
    """
    known = config.device_by_id.get(device)
    name, name_en = (known.name, known.name_en or known.name) if known else ("未登记的设备", "An unknown device")
    _raise(
        session,
        config,
        rule="SYS-FIRE",
        target=f"{config.site.id}/{known.id if known else 'unknown-device'}",
        title=f"{name}：一条消防信息无法解读，可能是火警，请立即查看消防主机",
        title_en=f"{name_en}: a fire message could not be read. It may be an alarm: look at the panel now",
        severity="critical",
        now=now,
        detail={"device": known.id if known else None, "code": code, "tell_roles": list(EVERYBODY)},
        policy=FIRE_POLICY if FIRE_POLICY in config.policy_by_id else POLICY,
    )


def _raise(
    session: Session,
    config: SiteConfig,
    *,
    rule: str,
    target: str,
    title: str,
    title_en: str,
    severity: Severity,
    now: datetime,
    detail: Mapping[str, Any],
    value: float | None = None,
    policy: str = POLICY,
) -> None:
    """Raise a system alert; one that is open already takes the newest facts."""
    found = config.policy_by_id.get(policy) or next(iter(config.policies), None)
    activation = alerts.Activation(
        site=config.site.id,
        rule=rule,
        target=target,
        title=title,
        title_en=title_en,
        severity=severity,
        event_at=now,
        value=value,
        source=SOURCE,
        requirement=rule,
        policy=found.model_dump(mode="json") if found is not None else {},
        detail=detail,
    )
    raised = raise_and_tell(session, config, activation, now)
    if raised.outcome == "unchanged":
        raised.alert.title, raised.alert.title_en = title, title_en
        raised.alert.detail = {**raised.alert.detail, **detail}
        raised.alert.value = value
