"""A tap is heard: stored, made out, judged; the rounds, requirements and watches it touches are brought up to date."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.contract.heard import Heard
from gateway.contract.times import from_ms
from gateway.site.limit import Severity
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.flows.fire import response as fire_response
from services.flows.patrol import lone, tag_care
from services.flows.patrol import misses as patrol_misses
from services.flows.patrol import rounds as patrol_rounds
from services.flows.patrol import rules as patrol_rules
from services.flows.telling import clear_and_tell, raise_and_tell
from services.patrol import rounds, taps
from services.patrol.sun.claims import Proof, check
from services.patrol.suspicion import marking as suspicion
from services.patrol.tables import Round, TapRow

FINDING_RULE = "PATROL-FINDING"


class PatrolDesk:
    """Judges the taps of the sites of one ingest group; state lives in rows."""

    def __init__(self, sites: Mapping[str, SiteConfig], secret: bytes, late_after: timedelta) -> None:
        """`secret`: opens the keys of signed tags."""
        self._sites = sites
        self._secret = secret
        self._late_after = late_after
        self._books = {site: taps.TagBook.of(config) for site, config in sites.items()}

    def hear(self, session: Session, event: Heard) -> None:
        """Judge one tap event; the same tap under another event id changes nothing."""
        config = self._sites[event.site]
        now = from_ms(event.received_ms)
        row = taps.take(session, config, self._books[event.site], event, self._prove)
        if row is None:
            return
        for one in rounds.wanting(session, row.site, row.checkpoint or "", row.at):
            self._regrade(session, config, one, now)
        suspicion.examine(session, config, row, now)
        if row.checkpoint is None:
            return
        fire_response.tapped(session, config, row, now)
        patrol_misses.make_up(session, config, row, now)
        patrol_rules.look(session, config, now, self._late_after, checkpoint=row.checkpoint, role=row.role)
        lone.watch_over(session, config, row, now)
        self._settle_findings(session, config, row, now)
        tag_care.note(session, config, row, now)

    def _prove(self, session: Session, url: str, client_id: str, device: str, guard: str, at_ms: int) -> Proof:
        config = self._sites[device.partition("/")[0]]
        return check(session, config, self._secret, url, client_id=client_id, device=device, at_ms=at_ms, guard=guard)

    def _regrade(self, session: Session, config: SiteConfig, row: Round, now: datetime) -> None:
        graded = rounds.regrade(session, config, row, now, more_to_come=True)
        patrol_rounds.settle(session, config, graded, now, self._late_after)
        if row.unconfirmed:
            patrol_rounds.look_again(session, row.id, now)

    def _settle_findings(self, session: Session, config: SiteConfig, row: TapRow, now: datetime) -> None:
        """An answer that is not good raises an alert; the next good one to the same question ends it."""
        point = config.patrol.checkpoint(row.checkpoint or "")
        if point is None:
            return
        for question in point.questions:
            target = f"{row.site}/{point.id}:{question.id}"
            if question.id in row.findings:
                answer = row.answers[question.id]
                shown = {True: "是", False: "否"}.get(answer, answer) if isinstance(answer, bool) else answer
                shown_en = {True: "yes", False: "no"}.get(answer, answer) if isinstance(answer, bool) else answer
                self._raise(
                    session,
                    config,
                    row,
                    FINDING_RULE,
                    target,
                    f"{point.name}：{question.text}（{shown}{question.unit}）",
                    f"{point.name_en or point.name}: {question.text_en or question.text} ({shown_en}{question.unit})",
                    "medium",
                    now,
                )
            elif question.id in row.answers:
                self._end_finding(session, config, target, row, now)

    def _end_finding(self, session: Session, config: SiteConfig, target: str, row: TapRow, now: datetime) -> None:
        """A good answer ends what was found before it, not what was found since."""
        alert = alerts.find_open(session, FINDING_RULE, target)
        if alert is None or row.at < alert.last_active_at:
            return
        clear_and_tell(session, config, FINDING_RULE, target, row.at, now)

    def _raise(
        self,
        session: Session,
        config: SiteConfig,
        row: TapRow,
        rule: str,
        target: str,
        title: str,
        title_en: str,
        severity: Severity,
        now: datetime,
    ) -> None:
        point = config.patrol.checkpoint(row.checkpoint or "")
        owner = next(iter(config.people_with("engineer", point.area)), None) if point else None
        late = now - row.at > self._late_after
        raised = raise_and_tell(
            session,
            config,
            alerts.Activation(
                site=row.site,
                rule=rule,
                target=target,
                title=title,
                title_en=title_en,
                severity=severity,
                event_at=min(row.at, now),
                source="PER-35",
                requirement="PER-35",
                policy=config.policy("patrol_finding").model_dump(mode="json"),
                detail={
                    "area": point.area if point else None,
                    "tap": row.id,
                    "guard": row.guard,
                    "assignee": owner.username if owner else None,
                },
            ),
            now,
        )
        # What a guard found stays true until somebody sees to it, so a late finding is told all the same.
        raised.alert.late = late
