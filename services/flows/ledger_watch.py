"""Tells in time what comes to its end, and holds an alert open for every lift without a valid certificate (LED-20)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.limit import Severity
from gateway.site.model import Configs, SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.equipment import certificates
from services.equipment import service as equipment
from services.equipment.expiry import AHEAD_DAYS, Ending, endings, lift_certificate_missing
from services.equipment.model import People, people_of
from services.equipment.tables import Certificate, Equipment
from services.flows.ledger import target_of
from services.flows.telling import channels, clear_and_tell, raise_and_tell, recipients
from services.kernel import timers
from services.kernel.timers import Timer, TimerHandler
from services.notify import ledger_texts
from services.notify import service as notify
from services.notify.model import Notice
from services.notify.texts import Words

WATCH_TIMER = "ledger.watch"
LIFT_RULE = "LED-20"
POLICY = "certificate"
LOOK_EVERY = timedelta(hours=1)
DAY_BEGINS = timedelta(hours=8)
"""Local time from which a day's warnings are told: nobody is woken by a date."""
ONE_BY_ONE = 3
"""More endings of one sort than this at once are one message."""
ALWAYS = frozenset({"supervisor"})
LATE = frozenset({"supervisor", "manager"})
"""Who hears besides those responsible: from 7 days before the end the manager too."""
LATE_STAGE = 7


@dataclass(frozen=True, slots=True)
class LedgerTimers:
    """The handler of the ledger's watch."""

    configs: Configs

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {WATCH_TIMER: self.watch}

    def begin(self, session: Session, now: datetime) -> None:
        """Bring the ledger in line with the site files, and start its watch; one that runs goes on."""
        for site, config in self.configs.sites.items():
            equipment.sync(session, config, now)
            watch = timers.schedule(session, WATCH_TIMER, site, now)
            watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Look at a site's ledger; for ever."""
        timer.data = look(session, self.configs.site(timer.ref), timer.data, now)
        timer.due_at = now + LOOK_EVERY
        return ""


def look(session: Session, config: SiteConfig, told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Tell what is newly due, settle the lifts; returns what to remember, `told` being what the last look returned."""
    settle_lifts(session, config, now)
    here = now.astimezone(ZoneInfo(config.site.timezone))
    today = (here.replace(tzinfo=None) - DAY_BEGINS).date()
    found = endings(
        equipment.of_site(session, config.site.id, live=True),
        equipment.expiring(session, config.site.id, today + timedelta(days=AHEAD_DAYS)),
        config.upkeep.contracts,
        today,
    )
    stages = {one.key: stage for one, stage in found}
    before = told.get("stages", {})
    fresh: dict[tuple[str, int], list[Ending]] = {}
    for one, stage in found:
        if before.get(one.key) != stage:
            fresh.setdefault((one.what, stage), []).append(one)
    for (what, stage), those in fresh.items():
        _tell(session, config, what, stage, those, today, now)
    return {"stages": stages}


def look_soon(session: Session, site: str, now: datetime) -> None:
    """Something was entered: what it means is told with the worker's next turn."""
    timers.schedule(session, WATCH_TIMER, site, now)


def settle_lifts(session: Session, config: SiteConfig, now: datetime) -> None:
    """Raise LED-20 for every lift in use whose certificate ran out; clear it for those that have a valid one again."""
    site, today = config.site.id, now.astimezone(ZoneInfo(config.site.timezone)).date()
    mine = select(Certificate).where(Certificate.site == site, Certificate.kind == certificates.LIFT)
    papers: dict[str, list[Certificate]] = {}
    for paper in session.scalars(mine.where(Certificate.equipment_id.is_not(None))):
        papers.setdefault(paper.equipment_id or "", []).append(paper)
    flagged: set[str] = set()
    for row_id, those in papers.items():
        row = equipment.get(session, row_id)
        # Nobody rides a lift that is stopped; it is flagged again when it comes back into use without one.
        if not row.declared or row.status not in ("in_use", "repair"):
            continue
        expired = lift_certificate_missing(those, today)
        if expired is not None:
            flagged.add(target_of(row))
            _flag(session, config, row, expired, now)
    known = select(Alert.target).where(
        Alert.rule == LIFT_RULE, Alert.site == site, Alert.closed_at.is_(None), Alert.active
    )
    for target in list(session.scalars(known)):
        if target not in flagged:
            clear_and_tell(session, config, LIFT_RULE, target, now, now)


def _flag(session: Session, config: SiteConfig, row: Equipment, expired: Certificate, now: datetime) -> None:
    title = f"{row.name}年检合格证已于 {expired.expires_on.isoformat()} 到期，未换证不得使用"
    title_en = f"{row.name_en or row.name}: inspection certificate ran out on {expired.expires_on.isoformat()}"
    found = config.policy_by_id.get(POLICY) or next(iter(config.policies), None)
    people = people_of(config, row)
    activation = alerts.Activation(
        site=config.site.id,
        rule=LIFT_RULE,
        target=target_of(row),
        title=title,
        title_en=title_en,
        severity="high",
        event_at=now,
        source=LIFT_RULE,
        requirement=LIFT_RULE,
        policy={**(found.model_dump(mode="json") if found is not None else {}), "priority": "P1"},
        detail={
            "area": row.area, "equipment": row.id, "certificate": expired.id, "assignee": people.responsible,
            "tell": [one for one in (people.responsible, people.supervisor, people.manager) if one],
        },
    )  # fmt: skip
    raised = raise_and_tell(session, config, activation, now)
    if raised.outcome == "unchanged" and raised.alert.title != title:
        raised.alert.title, raised.alert.title_en = title, title_en


def _tell(
    session: Session, config: SiteConfig, what: str, stage: int, those: Sequence[Ending], today: date, now: datetime
) -> None:
    if len(those) <= ONE_BY_ONE:
        for one in those:
            words = ledger_texts.ending(what, _facts(config, one, today))
            _announce(session, config, f"{one.key}:{stage}", f"{what}:{one.id}", stage, [one], words, now)
        return
    digest = hashlib.sha256(" ".join(sorted(one.key for one in those)).encode()).hexdigest()[:16]
    words = ledger_texts.many_endings(
        what, [_facts(config, one, today) for one in those], _link(config, "/equipment?expiring=60")
    )
    _announce(session, config, f"{what}:{stage}:{digest}", f"{what}:{digest}", stage, those, words, now)


def _announce(
    session: Session,
    config: SiteConfig,
    key: str,
    subject: str,
    stage: int,
    those: Sequence[Ending],
    words: Words,
    now: datetime,
) -> None:
    severity: Severity = "medium" if stage <= LATE_STAGE else "low"
    named = {_people(config, one).responsible for one in those if one.equipment is not None}
    notice = Notice(
        key=f"ledger:{key}",
        kind="ledger.expiring",
        site=config.site.id,
        subject_kind="system",
        subject_id=subject[:64],
        severity=severity,
        text=words.zh,
        text_en=words.en,
        roles=LATE if stage <= LATE_STAGE else ALWAYS,
        usernames=frozenset(named - {""}),
    )
    notify.announce(session, notice, recipients(config), channels(config), now)


def _people(config: SiteConfig, one: Ending) -> People:
    return people_of(config, one.equipment) if one.equipment is not None else People()


def _facts(config: SiteConfig, one: Ending, today: date) -> ledger_texts.EndingFacts:
    name, name_en = _name(one)
    row = one.equipment
    area = config.area_by_id.get(row.area) if row is not None else None
    owner = config.person_by_username.get(_people(config, one).responsible)
    return ledger_texts.EndingFacts(
        name=name,
        name_en=name_en,
        last_on=one.last_on,
        days_left=(one.last_on - today).days,
        place=area.name if area else "",
        place_en=(area.name_en or area.name) if area else "",
        owner=owner.name if owner else "",
        owner_en=(owner.name_en or owner.name) if owner else "",
        link=_link(config, f"/equipment/{row.id}" if row is not None else "/equipment/certificates"),
    )


def _name(one: Ending) -> tuple[str, str]:
    row = one.equipment
    whose, whose_en = (row.name, row.name_en or row.name) if row is not None else (one.words, one.words_en)
    if one.what != "certificate":
        return whose, whose_en
    return f"{whose} {certificates.name_of(one.kind, 'zh')}", f"{whose_en}: {certificates.name_of(one.kind, 'en')}"


def _link(config: SiteConfig, path: str) -> str:
    return f"{config.site.console_url}{path}" if config.site.console_url else ""
