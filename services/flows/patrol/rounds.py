"""What a round's verdict brings: anomalies, the alert about what was missed, its order, and all of it taken back."""

import re
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.site.terms import ROLE_NAMES
from services.alert import service as alerts
from services.alert.tables import Alert
from services.flows.patrol import misses as patrol_misses
from services.flows.patrol.misses import MISSED_RULE, policy_of, round_name
from services.flows.telling import raise_and_tell, tell_cleared
from services.kernel import timers
from services.kernel.timers import Timer
from services.patrol import anomalies
from services.patrol.model import StopVerdict, Verdict
from services.patrol.rounds import Graded
from services.patrol.tables import Anomaly, Round, TapRow
from services.work_order import service as work_orders

SHORT_RULE = "PATROL-SHORT"
FINAL_TIMER = "patrol.final"
"""Due when what nobody came to is missed."""
CONFIRM_TIMER = "patrol.confirm"
"""Due when a miss is confirmed although the guard's device has not been heard."""
DELIVERED_WITHIN = timedelta(seconds=30)
"""What a phone handed over has gone through the broker by then."""
_BY_HAND = frozenset({"reported", "accepted", "dispatched"})
"""States of an order that nobody has started on."""


def set_clocks(session: Session, row: Round) -> None:
    """The moment at which a round has to be judged."""
    timers.schedule(session, FINAL_TIMER, row.id, row.final_at + timedelta(milliseconds=1))


def told_all(session: Session, site: str, now: datetime) -> None:
    """A phone has delivered everything: what is unconfirmed for its sake is looked at again once that is judged."""
    for key in session.scalars(select(Round.id).where(Round.site == site, Round.unconfirmed.is_(True))).all():
        look_again(session, key, now)


def look_again(session: Session, round_id: str, now: datetime) -> None:
    """A delivery touches an unconfirmed round: when it has been heard to its end, nothing more is to be waited for."""
    row = session.get(Round, round_id)
    if row is not None:
        last_at = max(row.confirm_at + timedelta(milliseconds=1), now)
        confirm_by(session, row, min(now + DELIVERED_WITHIN, last_at))


def confirm_by(session: Session, row: Round, due_at: datetime) -> None:
    """Look at a round's misses again then, or earlier if that is due already: however much is heard meanwhile."""
    # One that is firing at this moment is another process's; it may have looked before what is known here.
    waiting = session.scalars(
        select(Timer)
        .where(Timer.kind == CONFIRM_TIMER, Timer.ref == row.id, Timer.done_at.is_(None))
        .order_by(Timer.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if waiting is not None:
        waiting.due_at = min(waiting.due_at, due_at)
    else:
        timers.schedule(session, CONFIRM_TIMER, row.id, due_at, step=f"{row.version}@{to_ms(due_at)}")


def settle(session: Session, config: SiteConfig, graded: Graded, now: datetime, late_after: timedelta) -> None:
    """Bring anomalies, alerts and orders in line with what is now known of a round."""
    _note_anomalies(session, config, graded, now)
    if graded.verdict.missed:
        patrol_misses.settle(session, config, graded, now, late_after)
    else:
        take_back(session, config, MISSED_RULE, graded.row.id, now)
    if graded.verdict.short_of and graded.final:
        _raise_short(session, config, graded, now, late_after)
    elif not graded.verdict.short_of:
        take_back(session, config, SHORT_RULE, graded.row.id, now)


def _note_anomalies(session: Session, config: SiteConfig, graded: Graded, now: datetime) -> None:
    row = graded.row
    wanted: dict[tuple[str, str], tuple[StopVerdict | None, datetime]] = {}
    for stop in graded.verdict.stops:
        kinds = {str(mark) for mark in stop.marks} | ({"missed"} if stop.verdict == Verdict.MISSED else set())
        due_at = (
            from_ms(stop.at_ms) if stop.at_ms is not None else from_ms(graded.plan.stops[stop.index].on_time_until_ms)
        )
        for kind in kinds - {"on_time"}:
            wanted[kind, f"{row.id}:{stop.index}"] = stop, due_at
    if graded.verdict.short_of and graded.final:
        wanted["short_of", row.id] = None, row.ends_at
    known = session.scalars(
        select(Anomaly).where(Anomaly.round_id == row.id, Anomaly.withdrawn_at.is_(None), Anomaly.closed_at.is_(None))
    )
    for old in known:
        if (old.kind, old.ref) not in wanted:
            anomalies.withdraw(session, row.site, old.kind, old.ref, now)
    for (kind, ref), (one, at) in wanted.items():
        anomalies.open_anomaly(
            session,
            site=row.site,
            kind=kind,
            ref=ref,
            at=at,
            now=now,
            round_id=row.id,
            checkpoint=one.checkpoint if one else None,
            guard=_guard_of(session, one) or (row.guards[0] if row.guards else ""),
            shift=row.shift,
        )


def _guard_of(session: Session, stop: StopVerdict | None) -> str:
    tap = session.get(TapRow, stop.tap) if stop is not None and stop.tap else None
    return tap.guard if tap is not None else ""


def _raise_short(session: Session, config: SiteConfig, graded: Graded, now: datetime, late_after: timedelta) -> None:
    row = graded.row
    if alerts.find_open(session, SHORT_RULE, row.id) is not None:
        return
    closed = session.scalar(select(Alert.id).where(Alert.rule == SHORT_RULE, Alert.target == row.id).limit(1))
    if closed is not None:
        return
    name, name_en = round_name(config, row)
    policy = config.policy(policy_of(config, row))
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=row.site,
            rule=SHORT_RULE,
            target=row.id,
            title=f"{name} 参加人员不足：{_lack(config, row.short_of)}",
            title_en=f"{name_en}: not enough people took part: {row.short_of}",
            severity="medium",
            event_at=row.final_at,
            source="PER-19",
            requirement="PER-19",
            late=now - row.final_at > late_after,
            policy=policy.model_dump(mode="json") | {"work_order": False},
            detail={"round": row.id, "short_of": row.short_of},
        ),
        now,
    )


def _lack(config: SiteConfig, short_of: str) -> str:
    """The engine's `people 1/2 at gate (+3); role engineer` in Chinese."""
    words: dict[str, str] = {"people": "人数", "role": "缺", "at": "于"}
    words |= {str(role): name for role, name in ROLE_NAMES.items()}
    words |= {one.id: one.name for one in config.patrol.checkpoints}
    return re.sub(r"[a-z][a-z0-9-]*", lambda found: words.get(found[0], found[0]), short_of)


def take_back(session: Session, config: SiteConfig, rule: str, target: str, now: datetime) -> None:
    """Later evidence shows that an alert was wrong: withdraw it with a trace; cancel its order if nobody has begun."""
    alert = alerts.find_open(session, rule, target)
    if alert is None:
        return
    order = work_orders.open_for_alert(session, alert.id, for_update=True)
    told = alert.announced_occurrence > 0
    alerts.withdraw(session, alert.id, "later evidence: every checkpoint was visited", now)
    if order is not None and order.state in _BY_HAND:
        work_orders.cancel(
            session,
            order.id,
            version=order.version,
            actor=work_orders.SYSTEM,
            reason="withdrawn: later evidence shows that every checkpoint was visited",
            now=now,
        )
    elif order is not None:
        text = "The alert was withdrawn: later evidence shows that every checkpoint was visited"
        work_orders.comment(session, order.id, actor=work_orders.SYSTEM, text=text, now=now)
    if told:
        tell_withdrawn(session, config, alert, now)


def tell_withdrawn(session: Session, config: SiteConfig, alert: Alert, now: datetime) -> None:
    """Tell those who were paged that it was nothing."""
    tell_cleared(session, config, alerts.ClearedAlert(alert, (), None), now)
