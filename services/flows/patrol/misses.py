"""The alert about what nobody came to: raised, kept true as evidence comes in, and over when it was made up for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.flows.telling import clear_and_tell, raise_and_tell
from services.patrol import roster, rounds
from services.patrol.model import Certainty, RoundState
from services.patrol.rounds import REFUSED, Graded
from services.patrol.tables import Round, TapRow
from services.work_order import service as work_orders

MISSED_RULE = "PATROL-MISSED"
_NAMED = 5
"""So many checkpoints are named in a title."""


def settle(session: Session, config: SiteConfig, graded: Graded, now: datetime, late_after: timedelta) -> None:
    """Bring the alert in line with what a round misses; nobody is paged when it has become less, or was made up for."""
    missed = graded.verdict.missed
    points = {stop.checkpoint: graded.plan.stops[stop.index].late_until_ms for stop in missed}
    alert = alerts.find_open(session, MISSED_RULE, graded.row.id)
    stale = alert is not None and set(alert.detail["stops"]) != set(points)
    changed = any(stop.index in graded.changed for stop in missed)
    if not (stale or changed):
        return
    made_up = [point for point, until_ms in points.items() if _came_after(session, config, point, until_ms, now)]
    less = alert is not None and set(points) < set(alert.detail["stops"])
    order = work_orders.open_for_alert(session, alert.id) if alert is not None and less else None
    if changed and set(made_up) != set(points):
        alert = _raise(session, config, graded, points, now, late_after)
    if alert is None:
        return
    certain = rounds.certainty_of(graded) == Certainty.CONFIRMED
    alert.title, alert.title_en = _words(config, graded.row, list(points), certain=certain)
    alert.detail = alert.detail | {"stops": list(points), "until": points, "made_up": sorted(made_up)}
    if order is not None:
        text = f"Later evidence: fewer checkpoints were missed. {alert.title_en}"
        work_orders.comment(session, order.id, actor=work_orders.SYSTEM, text=text, now=now)
    _end_if_made_up(session, config, alert, now, now)


def _came_after(session: Session, config: SiteConfig, checkpoint: str, until_ms: int, now: datetime) -> bool:
    """Whether somebody was there after a round's time was over."""
    came = select(TapRow.id).where(
        TapRow.site == config.site.id,
        TapRow.checkpoint == checkpoint,
        TapRow.at > from_ms(until_ms),
        TapRow.at <= now,
        TapRow.verdict != REFUSED,
    )
    return session.scalar(came.limit(1)) is not None


def _raise(
    session: Session,
    config: SiteConfig,
    graded: Graded,
    until: Mapping[str, int],
    now: datetime,
    late_after: timedelta,
) -> Alert:
    row = graded.row
    certain = rounds.certainty_of(graded) == Certainty.CONFIRMED
    severity: Severity = "low"
    if certain:
        severity = "high" if graded.verdict.state == RoundState.MISSED else "medium"
    points = list(until)
    policy = config.policy(policy_of(config, row))
    due_at = row.confirm_at if now >= row.confirm_at else row.final_at
    nearest = roster.nearest(session, config, points[0], now)
    title, title_en = _words(config, row, points, certain=certain)
    area = config.patrol.checkpoint(points[0])
    raised = raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=row.site,
            rule=MISSED_RULE,
            target=row.id,
            title=title,
            title_en=title_en,
            severity=severity,
            event_at=row.final_at,
            source="PER-20",
            requirement="PER-20",
            late=now - due_at > late_after,
            policy=policy.model_dump(mode="json"),
            detail={
                "area": area.area if area else None,
                "round": row.id,
                "stops": points,
                "until": dict(until),
                "assignee": nearest,
                "assignee_role": "guard",
                "tell": [nearest] if nearest else [],
            },
        ),
        now,
        page=certain,  # an unconfirmed miss is listed, and pages nobody: the guard may be in the basement
    )
    return raised.alert


def policy_of(config: SiteConfig, row: Round) -> str:
    """The policy that a round's alerts follow."""
    schedule = config.patrol.schedule(row.schedule)
    return schedule.policy if schedule else "patrol"


def _words(config: SiteConfig, row: Round, points: Sequence[str], *, certain: bool) -> tuple[str, str]:
    name, name_en = round_name(config, row)
    known = [(config.patrol.checkpoint(one), one) for one in points[:_NAMED]]
    listed = "、".join(point.name if point else one for point, one in known)
    listed_en = ", ".join((point.name_en or point.name) if point else one for point, one in known)
    if len(points) > _NAMED:
        listed, listed_en = listed + " 等", listed_en + " …"
    if certain:
        return f"{name} 漏检 {len(points)} 处：{listed}", f"{name_en}: {len(points)} missed: {listed_en}"
    return (
        f"{name} 漏检待确认 {len(points)} 处：{listed}（设备未联网）",
        f"{name_en}: {len(points)} not heard of yet: {listed_en} (the guard's device is silent)",
    )


def round_name(config: SiteConfig, row: Round) -> tuple[str, str]:
    """A round's route and local start, in Chinese and English."""
    route = config.patrol.route(row.route)
    local = f"{row.starts_at.astimezone(ZoneInfo(config.site.timezone)):%H:%M}"
    if route is None:
        return f"{row.route} {local}", f"{row.route} {local}"
    return f"{route.name} {local}", f"{route.name_en or route.name} {local}"


def make_up(session: Session, config: SiteConfig, tap: TapRow, now: datetime) -> None:
    """Somebody came to a missed checkpoint afterwards: the miss stays, its alert is over when all were visited."""
    if tap.verdict == REFUSED:
        return
    waiting = select(Alert).where(
        Alert.site == tap.site, Alert.rule == MISSED_RULE, Alert.closed_at.is_(None), Alert.active.is_(True)
    )
    for alert in session.scalars(waiting).all():
        until_ms = alert.detail.get("until", {}).get(tap.checkpoint)
        if until_ms is None or to_ms(tap.at) <= until_ms:
            continue
        made_up = sorted({*alert.detail.get("made_up", ()), str(tap.checkpoint)})
        alert.detail = {**alert.detail, "made_up": made_up}
        _end_if_made_up(session, config, alert, tap.at, now)


def _end_if_made_up(session: Session, config: SiteConfig, alert: Alert, at: datetime, now: datetime) -> None:
    if not set(alert.detail["stops"]) <= set(alert.detail["made_up"]):
        return
    clear_and_tell(session, config, MISSED_RULE, alert.target, at, now)
