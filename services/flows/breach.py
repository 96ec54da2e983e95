"""What a rule's finding does: alert, work order, messages and timers, all in the transaction of the finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from gateway.site.limit import Limit
from gateway.site.model import Point, SiteConfig
from services.alert import service as alerts
from services.flows.telling import announce, tell_cleared
from services.kernel import timers
from services.kernel.ids import new_id
from services.rules.band import band_of
from services.rules.engine import Finding
from services.rules.tables import Excursion, RuleStateRow

ANNOUNCE_TIMER = "alert.announce"
SETTLE = timedelta(seconds=30)
"""How long a breach that was over or old when heard waits for fresher data before anybody is paged."""


@dataclass(slots=True)
class Reactions:
    """Turns findings into alerts for the sites of one ingest group."""

    sites: Mapping[str, SiteConfig]
    late_after: timedelta

    def react(
        self,
        session: Session,
        finding: Finding,
        now: datetime,
        *,
        hidden_by: str | None = None,
        provisional: float | None = None,
        detail: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Act on one finding. `hidden_by`: why design hides its alert; `provisional`: the set value that stood in.

        `detail`: what the alert should remember besides, e.g. who typed the value in.
        """
        kind = finding.effect.kind
        if kind in ("breached", "worsened"):
            self._raise(session, finding, now, hidden_by, provisional, detail)
        elif kind == "cleared":
            self._clear(session, finding, now)
        elif kind == "late_breach":
            self._note_late(session, finding, now, provisional)

    def _raise(
        self,
        session: Session,
        finding: Finding,
        now: datetime,
        hidden_by: str | None,
        provisional: float | None,
        detail: Mapping[str, Any],
    ) -> None:
        limit, effect = finding
        config = self.sites[limit.site]
        event_at = from_ms(effect.at_ms)
        late = now - event_at > self.late_after
        severity = limit.severe_severity if effect.severe else limit.severity
        policy = config.policy(limit.policy)
        point = config.point(limit.point)
        raised = alerts.raise_alert(
            session,
            alerts.Activation(
                site=limit.site,
                rule=limit.rule,
                target=limit.point,
                title=f"{point.name}：{limit.title}",
                title_en=f"{point.name_en or point.name}: {limit.title_en or limit.title}",
                severity=severity,
                event_at=event_at,
                value=None if limit.kind in ("stale", "loop") else effect.value,
                unit=limit.unit,
                limit_text=limit_text(limit, point, provisional),
                source=limit.source,
                requirement=limit.id,
                latching=limit.latching,
                late=late,
                policy=policy.model_dump(mode="json"),
                detail={
                    "since": from_ms(effect.since_ms).isoformat(),
                    "area": config.area_of(point).id,
                    "equipment": point.equipment,
                    "point": point.id,
                }
                | ({"provisional_set": provisional} if limit.kind == "deviation" and provisional is not None else {})
                | dict(detail),
            ),
            now,
        )
        if hidden_by is not None and raised.visible:
            alerts.suppress(session, raised.alert.id, reason=hidden_by, now=now)
        elif raised.outcome != "unchanged" and raised.visible:
            if late:
                due_at = now + SETTLE
                timers.schedule(session, ANNOUNCE_TIMER, raised.alert.id, due_at, step=str(raised.alert.occurrence))
            else:
                announce(session, config, raised.alert, now, worse=raised.outcome == "worsened")

    def _clear(self, session: Session, finding: Finding, now: datetime) -> None:
        limit, effect = finding
        value = None if limit.kind in ("stale", "loop") else effect.value
        cleared = alerts.clear_alert(session, limit.rule, limit.point, from_ms(effect.at_ms), value, now)
        if cleared is not None and cleared.alert.announced_occurrence >= cleared.alert.occurrence:
            tell_cleared(session, self.sites[limit.site], cleared, now)

    def _note_late(self, session: Session, finding: Finding, now: datetime, provisional: float | None) -> None:
        """Count it; the samples of one late excursion are one, and belong to one that was counted at that time."""
        limit, effect = finding
        event_at = from_ms(effect.at_ms)
        near = timedelta(milliseconds=limit.stale_after_ms) or SETTLE
        known = session.scalar(
            select(Excursion)
            .where(
                Excursion.point == limit.point,
                Excursion.rule == limit.rule,
                Excursion.started_at <= event_at + near,
                Excursion.ended_at >= event_at - near,
            )
            .limit(1)
        )
        if known is not None:
            known.started_at, known.ended_at = min(known.started_at, event_at), max(known.ended_at, event_at)
            band = band_of(limit, provisional)
            if band is not None and band.beyond(band.compared(effect.value)) > band.beyond(band.compared(known.worst)):
                known.worst = effect.value
            return
        alert = alerts.find_open(session, limit.rule, limit.point)
        if alert is not None:
            alerts.note_late_breach(session, alert.id, event_at, now, value=effect.value)
        session.add(
            Excursion(
                id=new_id(),
                point=limit.point,
                rule=limit.rule,
                started_at=event_at,
                ended_at=event_at,
                worst=effect.value,
                alerted=False,
            )
        )
        session.flush()


def withdraw_orphans(session: Session, config: SiteConfig, now: datetime) -> None:
    """End alerts whose point or limit the site files no longer have: nothing would ever judge them again."""
    known = {(limit.rule, limit.point) for limit in config.limits}
    for alert in alerts.open_alerts(session, config.site.id):
        if "point" in alert.detail and (alert.rule, alert.target) not in known:
            alerts.withdraw(session, alert.id, "target_removed", now)
            session.execute(
                delete(RuleStateRow).where(RuleStateRow.point == alert.target, RuleStateRow.rule == alert.rule)
            )


def limit_text(limit: Limit, point: Point, provisional: float | None = None) -> str:
    """The limit as a person reads it: `0.450 ± 0.100 MPa`, `≥ 0.50 MΩ`; `≈ 0.447 ± …` with a provisional set value."""
    digits = point.decimals
    unit = "" if limit.unit == "1" else f" {limit.unit}"
    if limit.kind == "stale":
        return f"≤ {_duration(limit.stale_after_ms)}"
    if limit.kind == "range":
        low = "" if limit.valid_min is None else f"{limit.valid_min:.{digits}f}"
        high = "" if limit.valid_max is None else f"{limit.valid_max:.{digits}f}"
        return f"{low}…{high}{unit}"
    if limit.kind == "stuck":
        return f"≤ {_duration(limit.on_delay_ms)}"
    if limit.threshold is None:
        return ""
    threshold = f"{limit.threshold:.{digits}f}"
    if limit.kind == "deviation":
        centre = "?" if provisional is None else f"≈ {provisional:.{digits}f}"
        if limit.set_value is not None:
            centre = f"{limit.set_value:.{digits}f}"
        return f"{centre} ± {threshold}{unit}"
    if limit.kind == "rate":
        return f"≤ {limit.threshold:g}{unit}/s"
    if limit.kind == "twin":
        return f"± {threshold}{unit}"
    return f"{'≤' if limit.kind == 'high' else '≥'} {threshold}{unit}"


def _duration(ms: int) -> str:
    seconds = ms / 1000
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"
