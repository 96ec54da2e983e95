"""Telling people: what an alert or an order says to whom, which order it brings, and when the next level is told."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import Channel as SiteChannel
from gateway.site.model import Person, SiteConfig
from gateway.site.terms import Role
from services.alert import service as alerts
from services.alert.store import duration
from services.alert.tables import Alert
from services.flows import ladder, ledger, order_category, same_fault
from services.notify import service as notify
from services.notify import texts
from services.notify.model import Channel, Notice, Recipient
from services.patrol import roster
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder

DUTY_ROLES = frozenset({"duty"})
"""The desk hears of every alert; the levels above the engineer only when it escalates."""
LEVELS: tuple[Role, ...] = ("engineer", "supervisor", "manager")
_ELSEWHERE = frozenset({"elsewhere"})
"""No area of anybody's: who has it is told of nothing that has a place."""


def announce(session: Session, config: SiteConfig, alert: Alert, now: datetime, *, worse: bool = False) -> None:
    """Page people about the newest occurrence: work order, first message, timers of the ladder. Once per occurrence."""
    again = alert.announced_occurrence > 0 and not worse
    if not alerts.mark_announced(session, alert.id, now):
        return
    _page(session, config, alert, f"alert:{alert.id}:opened:{alert.occurrence}", now, again=again, worse=worse)
    ladder.set_out(session, alert, now)


def raise_and_tell(
    session: Session, config: SiteConfig, activation: alerts.Activation, now: datetime, *, page: bool = True
) -> alerts.Raised:
    """Raise an alert and page people about what is new of it; nobody about the past, or without `page`."""
    raised = alerts.raise_alert(session, activation, now)
    if page and raised.visible and raised.outcome != "unchanged" and not activation.late:
        announce(session, config, raised.alert, now, worse=raised.outcome == "worsened")
    return raised


def clear_and_tell(
    session: Session, config: SiteConfig, rule: str, target: str, at: datetime, now: datetime
) -> alerts.ClearedAlert | None:
    """The condition is over since `at`: clear its alert, and tell those who were paged; None without an open one."""
    cleared = alerts.clear_alert(session, rule, target, at, None, now)
    if cleared is not None and cleared.alert.announced_occurrence >= cleared.alert.occurrence:
        tell_cleared(session, config, cleared, now)
    return cleared


def announce_again(session: Session, config: SiteConfig, alert: Alert, now: datetime) -> bool:
    """An alert shows again that was hidden: page once more and begin the ladder anew, if somebody must still act."""
    if not alert.active or alert.acked_occurrence >= alert.occurrence or hidden(alert, now):
        return False
    if alert.announced_occurrence < alert.occurrence:
        announce(session, config, alert, now)
        return True
    key = f"alert:{alert.id}:opened:{alert.occurrence}:{alert.version}"
    _page(session, config, alert, key, now, again=True)
    ladder.begin_anew(session, alert, now)
    return True


def hidden(alert: Alert, now: datetime) -> bool:
    """Shelved, suppressed or out of service: nobody is paged."""
    return alerts.shown(alert, now) in ("shelved", "suppressed", "out_of_service")


def _page(
    session: Session, config: SiteConfig, alert: Alert, key: str, now: datetime, *, again: bool, worse: bool = False
) -> None:
    order = _order_for(session, config, alert, now) if alert.policy.get("work_order") else None
    words = texts.alert_opened(alert_facts(config, alert, order, now), again=again, worse=worse)
    _tell(session, config, alert, "alert.opened", key, words, DUTY_ROLES | ladder.first_roles(alert), now)


def tell_escalated(session: Session, config: SiteConfig, alert: Alert, step: int, now: datetime) -> str:
    """Tell the level of `step` (and those above that were skipped); returns the role."""
    role = ladder.escalation(alert)[step][1]
    order = work_orders.open_for_alert(session, alert.id)
    words = texts.alert_escalated(alert_facts(config, alert, order, now), role)
    key = f"alert:{alert.id}:escalated:{alert.occurrence}:{step}"
    _tell(session, config, alert, "alert.escalated", key, words, frozenset({role}), now)
    if order is not None:
        work_orders.note_escalated(session, order.id, role, now, reason="alert not acknowledged")
    return role


def record_late(session: Session, config: SiteConfig, alert: Alert, now: datetime) -> None:
    """Write down that nobody was told, because it was over when it was heard."""
    words = texts.alert_opened(alert_facts(config, alert, None, now))
    roles = DUTY_ROLES | ladder.first_roles(alert)
    key = f"alert:{alert.id}:late:{alert.occurrence}"
    _tell(session, config, alert, "alert.opened", key, words, roles, now, late=True)


def tell_cleared(session: Session, config: SiteConfig, cleared: alerts.ClearedAlert, now: datetime) -> None:
    """Tell those who heard of the occurrence that it is over."""
    alert = cleared.alert
    acknowledged = alert.acked_occurrence >= alert.occurrence
    order = work_orders.open_for_alert(session, alert.id)
    facts = alert_facts(config, alert, order, now, value=cleared.value)
    words = texts.alert_cleared(facts, acknowledged=acknowledged, latched=alert.latched)
    roles = DUTY_ROLES | ladder.first_roles(alert) | ladder.told_since(session, alert, alert.last_active_at)
    key = f"alert:{alert.id}:cleared:{alert.occurrence}"
    _tell(session, config, alert, "alert.cleared", key, words, roles, now)


def tell_dispatched(session: Session, config: SiteConfig, order: WorkOrder, now: datetime) -> None:
    """A person made an order somebody's: tell whom it was given to."""
    words = texts.order_dispatched(_order_facts(config, order, now))
    notice = Notice(
        key=f"work_order:{order.id}:dispatched:{order.version}",
        kind="work_order.dispatched",
        site=order.site,
        subject_kind="work_order",
        subject_id=order.id,
        severity="high" if order.priority in ("P1", "P2") else "medium",
        text=words.zh,
        text_en=words.en,
        occurrence=order.version,
        usernames=frozenset({order.assignee} if order.assignee else ()),
        roles=frozenset({order.assignee_role} if order.assignee_role and not order.assignee else ()),
    )
    notify.announce(session, notice, recipients(config), channels(config), now)


def tell_order_overdue(session: Session, config: SiteConfig, order: WorkOrder, clock: str, now: datetime) -> None:
    """A clock of an order ran out: tell the level above its assignee and the desk."""
    role = "supervisor" if clock == "respond" else "manager"
    work_orders.note_escalated(session, order.id, role, now, reason=f"{clock} overdue")
    words = texts.order_overdue(_order_facts(config, order, now), clock, role)
    notice = Notice(
        key=f"work_order:{order.id}:overdue:{clock}:{order.rework_count}",
        kind="work_order.overdue",
        site=order.site,
        subject_kind="work_order",
        subject_id=order.id,
        severity="high",
        text=words.zh,
        text_en=words.en,
        roles=frozenset({role}) | DUTY_ROLES,
    )
    notify.announce(session, notice, recipients(config), channels(config), now)


def _order_for(session: Session, config: SiteConfig, alert: Alert, now: datetime) -> WorkOrder:
    owner = owner_of(config, alert)
    place, place_en = place_of(config, alert)
    entry, point = ledger.equipment_of_alert(session, config, alert), config.point_by_key.get(alert.target)
    if entry is not None:
        same_fault.join_inspection(session, entry, alert, now)
    declared = point.equipment if point is not None else None
    created = work_orders.create_for_alert(
        session,
        alert.id,
        work_orders.NewOrder(
            site=alert.site,
            title=alert.title,
            place=place,
            equipment=entry.eid if entry is not None else declared or "",
            equipment_id=entry.id if entry is not None else None,
            category=order_category.of_alert(config, alert.target, str(alert.policy.get("id", ""))),
            assignee=owner.username if owner else None,
            assignee_role=str(alert.detail.get("assignee_role", "engineer")),
            clock_from=alert.last_active_at,
            policy=alert.policy,
            detail={"place_en": place_en, "title_en": alert.title_en}
            | ({"typed": alert.detail["typed"]} if "typed" in alert.detail else {}),
        ),
        ZoneInfo(config.site.timezone),
        now,
    )
    return created.order


def _tell(
    session: Session,
    config: SiteConfig,
    alert: Alert,
    kind: str,
    key: str,
    words: texts.Words,
    roles: frozenset[str],
    now: datetime,
    *,
    late: bool = False,
) -> None:
    # The site files may not have the area any more: everybody who hears of such an alert is told then.
    area = None if alert.detail.get("tell_roles") else config.area_by_id.get(str(alert.detail.get("area", "")))
    notice = Notice(
        key=key,
        kind=kind,
        site=alert.site,
        subject_kind="alert",
        subject_id=alert.id,
        severity=_severity(alert.max_severity),
        text=words.zh,
        text_en=words.en,
        occurrence=alert.occurrence,
        roles=roles | frozenset(alert.detail.get("tell_roles", ())),
        areas=frozenset(one.id for one in config.area_path(area.id)) if area is not None else frozenset(),
        usernames=frozenset(alert.detail.get("tell", ())),
        late=late,
    )
    acknowledged = alert.acked_occurrence >= alert.occurrence
    about = str(alert.detail.get("stands_for", alert.target))  # a silent device stands for its points
    point = about if about in config.point_by_key else None
    people = recipients(config, point, off_duty(session, config, now))
    notify.announce(session, notice, people, channels(config), now, acknowledged=acknowledged)


def _severity(text: str) -> Severity:
    for severity in notify.SEVERITIES:
        if severity == text:
            return severity
    raise ValueError(f"unknown severity {text!r}")


def alert_facts(
    config: SiteConfig, alert: Alert, order: WorkOrder | None, now: datetime, *, value: float | None = None
) -> texts.AlertFacts:
    """What a message about an alert may say; `value` replaces the one that raised it."""
    shown = alert.value if value is None else value
    place, place_en = place_of(config, alert)
    owner = owner_of(config, alert)
    ack_within = duration(alert.policy, "ack_within", timedelta(0))
    point = config.point_by_key.get(alert.target)
    digits = point.decimals if point else 0
    unit = f" {alert.unit}" if alert.unit and alert.unit != "1" else ""
    acknowledged = alert.acked_occurrence >= alert.occurrence
    return texts.AlertFacts(
        title=alert.title,
        title_en=alert.title_en,
        severity=alert.max_severity,
        place=place,
        place_en=place_en,
        since=alert.last_active_at,
        now=now,
        zone=ZoneInfo(config.site.timezone),
        value="" if shown is None or point is None else f"{shown:.{digits}f}{unit}",
        limit=alert.limit_text,
        ack_by=now + ack_within if ack_within and not acknowledged else None,
        owner=owner.name if owner else "",
        owner_en=owner.name_en if owner else "",
        order_number=order.number if order else "",
        link=_link(config, "alerts", alert.id),
    )


def _order_facts(config: SiteConfig, order: WorkOrder, now: datetime) -> texts.OrderFacts:
    person = config.person_by_username.get(order.assignee or "")
    return texts.OrderFacts(
        number=order.number,
        title=order.title,
        title_en="",
        place=order.place,
        place_en="",
        priority=order.priority,
        now=now,
        zone=ZoneInfo(config.site.timezone),
        respond_by=order.respond_due_at,
        finish_by=order.finish_due_at,
        owner=person.name if person else "",
        owner_en=person.name_en if person else "",
        link=_link(config, "work-orders", order.id),
    )


def _link(config: SiteConfig, page: str, subject: str) -> str:
    """Where the console shows it; empty without a known address."""
    return f"{config.site.console_url}/{page}/{subject}" if config.site.console_url else ""


def place_of(config: SiteConfig, alert: Alert) -> tuple[str, str]:
    """Where an alert is, in both languages: site and area."""
    area = config.area_by_id.get(str(alert.detail.get("area", "")))
    site, site_en = config.site.name, config.site.name_en or config.site.name
    if area is None:
        return site, site_en
    return f"{site} {area.name}", f"{site_en}, {area.name_en or area.name}"


def owner_of(config: SiteConfig, alert: Alert) -> Person | None:
    """Who an alert's order goes to: whoever it names, else 设备责任人, the first responsible for equipment or area."""
    if alert.detail.get("assignee"):
        return config.person_by_username.get(str(alert.detail["assignee"]))
    if alert.target not in config.point_by_key:
        return None
    responsible = config.responsible("engineer", alert.target)
    return responsible[0] if responsible else None


def off_duty(session: Session, config: SiteConfig, now: datetime) -> frozenset[str]:
    """Who serves in shifts and is not on one now."""
    in_shifts = roster.rostered(config)
    if not in_shifts:
        return frozenset()
    return in_shifts - {one.username for one in roster.on_duty(session, config, now)}


def recipients(config: SiteConfig, point: str | None = None, away: frozenset[str] = frozenset()) -> list[Recipient]:
    """Everybody of a site who may be told. About a point, a level means those responsible for it, not all nearby."""
    near = {one.username for role in LEVELS if point for one in config.responsible(role, point)}
    return [
        Recipient(
            username=one.username,
            role=one.role,
            areas=_ELSEWHERE if point and one.role in LEVELS and one.username not in near else frozenset(one.areas),
            phone=one.phone,
            on_duty=one.username not in away,
        )
        for one in config.people
        if one.role != "program"
    ]


def channels(config: SiteConfig) -> list[Channel]:
    """The site's channels as notify knows them."""
    return [channel_of(one) for one in config.channels]


def channel_of(channel: SiteChannel) -> Channel:
    """One declared channel."""
    return Channel(
        name=channel.name,
        kind=channel.kind,
        secret_env=channel.url_env or channel.key_env or "",
        roles=frozenset(channel.roles),
        areas=frozenset(channel.areas),
        min_severity=channel.min_severity,
        per_minute=channel.per_minute,
    )
