"""What upkeep is still due: monthly tests (PER-13), quarterly drills (PER-14), points that give false alarms."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.fire import ledger, upkeep
from services.fire.names import component as component_name
from services.flows.fire.places import care_policy, component_area
from services.flows.telling import clear_and_tell, raise_and_tell
from services.kernel import audit, timers

TESTS_RULE, DRILL_RULE, REPEATED_RULE = "FIRE-TESTS", "FIRE-DRILL", "FIRE-REPEATED"
WATCH_TIMER = ledger.CARE_WATCH
"""Looks at all this; one for each site, and it never ends."""
NAMED = 5
"""So many untested devices are named in a title; the rest is counted."""
CLOSED_AT_MOST = 24
"""After a longer sleep older months are not written down any more."""


def look(session: Session, config: SiteConfig, watched: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Close months and quarters that ended since the last look, and ask for what is due; returns what to remember.

    `watched`: what the last look returned; empty at the first. Nobody is blamed for the time before we watched, nor for
    a month or quarter of which so little was left then that nobody could have been asked in time.
    """
    zone = ZoneInfo(config.site.timezone)
    since = datetime.fromisoformat(str(watched.get("since", now.isoformat())))
    month, quarter = upkeep.month_of(now, zone), upkeep.quarter_of(now, zone)
    at = date.fromisoformat(str(watched.get("month", month.isoformat())))
    for _ in range(CLOSED_AT_MOST):
        if at >= month:
            break
        close_month(session, config, at, since, now)
        at = upkeep.next_month(at)
    at = date.fromisoformat(str(watched.get("quarter", quarter.isoformat())))
    for _ in range(CLOSED_AT_MOST):
        if at >= quarter:
            break
        close_quarter(session, config, at, since, now)
        at = upkeep.next_quarter(at)
    _ask_for_tests(session, config, month, since, now)
    _ask_for_drill(session, config, quarter, since, now)
    _look_at_repeated(session, config, now)
    _settle_seen(session, config, now)
    return {"since": since.isoformat(), "month": month.isoformat(), "quarter": quarter.isoformat()}


def look_soon(session: Session, site: str, now: datetime) -> None:
    """Something was entered: what asked for it ends with the worker's next turn."""
    timers.schedule(session, WATCH_TIMER, site, now)


def next_look(config: SiteConfig, now: datetime) -> datetime:
    """The next moment at which something becomes due or ends."""
    zone, settings = ZoneInfo(config.site.timezone), config.fire.settings
    month = upkeep.next_month(upkeep.month_of(now, zone))
    quarter = upkeep.next_quarter(upkeep.quarter_of(now, zone))
    ends = upkeep.midnight(month, zone), upkeep.midnight(quarter, zone)
    moments = (ends[0] - settings.tests_lead, ends[0], ends[1] - settings.drill_lead, ends[1])
    return min(one for one in moments if one > now)


def close_month(session: Session, config: SiteConfig, month: date, since: datetime, now: datetime) -> None:
    """A month is over: what nobody tested is written down for good; its alert says so until somebody has seen it."""
    table = ledger.month_of_tests(session, config, month, now)
    missing = [[one.device.id, one.device.name] for one in table.of("missing")]
    ref, site = f"{config.site.id}/{month:%Y-%m}", config.site.id
    audit.record(
        session, now, "system", ledger.TESTS_CLOSED, ref,
        due=len(table.devices),
        done=len(table.of("done")),
        failed=[one.device.id for one in table.of("failed")],
        missing=missing,
        real_share=table.real_share,
        smoke_share=table.smoke_share,
    )  # fmt: skip
    if not missing:
        clear_and_tell(session, config, TESTS_RULE, f"{site}/tests-{month:%Y-%m}", table.ends_at, now)
        return
    if since > table.ends_at - config.fire.settings.tests_lead:
        return
    names, names_en = _names(table)
    alerts.clear_alert(session, TESTS_RULE, f"{site}/tests-{month:%Y-%m}", now, None, now)  # how it ended is news
    _raise(
        session,
        config,
        rule=TESTS_RULE,
        target=f"{site}/tests-{month:%Y-%m}",
        title=f"{month:%Y年%m月}消防设施功能测试缺 {len(missing)} 台：{names}",
        title_en=f"Fire tests of {month:%Y-%m}: {len(missing)} devices were not tested: {names_en}",
        severity="medium",
        requirement="PER-13",
        detail={"month": month.isoformat(), "missing": [one for one, _ in missing], "final": True},
        now=now,
    )


def close_quarter(session: Session, config: SiteConfig, quarter: date, since: datetime, now: datetime) -> None:
    """A quarter is over: whether it had its drill is written down for good."""
    table = ledger.quarter_of_drills(session, config, quarter, now)
    ref, site = f"{config.site.id}/{quarter:%Y-%m}", config.site.id
    audit.record(
        session, now, "system", ledger.DRILL_CLOSED, ref,
        state=table.state,
        drills=[one.id for one in table.drills],
    )  # fmt: skip
    target = f"{site}/drill-{quarter:%Y-%m}"
    if table.state == "done":
        clear_and_tell(session, config, DRILL_RULE, target, table.ends_at, now)
        return
    if since > table.ends_at - config.fire.settings.drill_lead:
        return
    name, name_en = _quarter_name(quarter)
    alerts.clear_alert(session, DRILL_RULE, target, now, None, now)  # how it ended is news
    _raise(
        session,
        config,
        rule=DRILL_RULE,
        target=target,
        title=f"{name}没有完成消防演练",
        title_en=f"No complete fire drill in {name_en}",
        severity="medium",
        requirement="PER-14",
        detail={"quarter": quarter.isoformat(), "final": True},
        now=now,
    )


def _ask_for_tests(session: Session, config: SiteConfig, month: date, since: datetime, now: datetime) -> None:
    target = f"{config.site.id}/tests-{month:%Y-%m}"
    table = ledger.month_of_tests(session, config, month, now)
    untested = table.untested
    if not untested:
        clear_and_tell(session, config, TESTS_RULE, target, now, now)
        return
    if not since <= table.ends_at - config.fire.settings.tests_lead <= now:
        return
    names, names_en = _names(table)
    _raise(
        session,
        config,
        rule=TESTS_RULE,
        target=target,
        title=f"{month:%Y年%m月}还有 {len(untested)} 台消防设施未做功能测试：{names}",
        title_en=f"Fire tests of {month:%Y-%m}: {len(untested)} devices are still untested: {names_en}",
        severity="medium",
        requirement="PER-13",
        detail={"month": month.isoformat(), "missing": [one.device.id for one in untested], "final": False},
        now=now,
    )


def _ask_for_drill(session: Session, config: SiteConfig, quarter: date, since: datetime, now: datetime) -> None:
    target = f"{config.site.id}/drill-{quarter:%Y-%m}"
    table = ledger.quarter_of_drills(session, config, quarter, now)
    if table.state == "done":
        clear_and_tell(session, config, DRILL_RULE, target, now, now)
        return
    if not since <= table.ends_at - config.fire.settings.drill_lead <= now:
        return
    name, name_en = _quarter_name(quarter)
    _raise(
        session,
        config,
        rule=DRILL_RULE,
        target=target,
        title=f"{name}还没有完成消防演练（业主和员工参加，疏散和灭火器实操）",
        title_en=f"No complete fire drill yet in {name_en} (owners and staff; evacuation and extinguishers)",
        severity="medium",
        requirement="PER-14",
        detail={"quarter": quarter.isoformat(), "final": False},
        now=now,
    )


def _look_at_repeated(session: Session, config: SiteConfig, now: datetime) -> None:
    """A point that gives false alarms again and again is told of once, for as long as it is on that list."""
    found = {one.component: one for one in ledger.repeated_points(session, config, now)}
    site = config.site.id
    known = select(Alert).where(Alert.rule == REPEATED_RULE, Alert.site == site, Alert.closed_at.is_(None))
    for alert in list(session.scalars(known)):
        if alert.target not in found:
            alerts.clear_alert(session, REPEATED_RULE, alert.target, now, None, now)
    for component, one in found.items():
        name, name_en = component_name(config, component)
        days = config.fire.settings.false_within.days
        _raise(
            session,
            config,
            rule=REPEATED_RULE,
            target=component,
            title=f"{name}：{days} 天内误报 {len(one.incidents)} 次，请检查探测器",
            title_en=f"{name_en}: {len(one.incidents)} false alarms within {days} days: look at it",
            severity="low",
            requirement=REPEATED_RULE,
            detail={"area": component_area(config, component), "incidents": list(one.incidents)},
            now=now,
        )


def _settle_seen(session: Session, config: SiteConfig, now: datetime) -> None:
    """What can not be made good any more is over as soon as somebody has seen it."""
    rules = (TESTS_RULE, DRILL_RULE)
    query = select(Alert).where(Alert.site == config.site.id, Alert.rule.in_(rules), Alert.closed_at.is_(None))
    for alert in list(session.scalars(query)):
        if alert.active and alert.detail.get("final") and alert.acked_occurrence >= alert.occurrence:
            alerts.clear_alert(session, alert.rule, alert.target, now, None, now)


def _raise(
    session: Session,
    config: SiteConfig,
    *,
    rule: str,
    target: str,
    title: str,
    title_en: str,
    severity: Severity,
    requirement: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Raise it, or bring the words of one that is open up to date."""
    activation = alerts.Activation(
        site=config.site.id,
        rule=rule,
        target=target,
        title=title,
        title_en=title_en,
        severity=severity,
        event_at=now,
        source=requirement if requirement != rule else "Gengfu",
        requirement=requirement,
        policy=care_policy(config),
        detail=detail,
    )
    raised = raise_and_tell(session, config, activation, now)
    if raised.outcome == "unchanged" and raised.alert.title != title:
        raised.alert.title, raised.alert.title_en = title, title_en
    if raised.outcome == "unchanged" and raised.alert.detail != {**raised.alert.detail, **detail}:
        raised.alert.detail = {**raised.alert.detail, **detail}


def _names(table: upkeep.MonthOfTests) -> tuple[str, str]:
    untested = [one.device for one in table.untested]
    more, more_en = (" 等", " …") if len(untested) > NAMED else ("", "")
    named = untested[:NAMED]
    return "、".join(one.name for one in named) + more, ", ".join(one.name_en for one in named) + more_en


def _quarter_name(quarter: date) -> tuple[str, str]:
    number = (quarter.month + 2) // 3
    return f"{quarter.year} 年第 {number} 季度", f"Q{number} {quarter.year}"
