"""Tests of pumps close what maintenance asked for: recognised from the signals, entered by a person, or a jockey's day.

Ingest only keeps the test and sets a timer: whatever is wrong with a plan or the ledger never holds up the stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import Configs, SiteConfig
from gateway.site.pumps import Pump, Station
from gateway.site.upkeep import Checklist, Plan
from services.derived import service as pumps
from services.derived.tables import PumpTest
from services.equipment import service as equipment
from services.equipment.store import SYSTEM
from services.equipment.tables import Equipment
from services.flows import plans
from services.kernel import audit, timers
from services.kernel.errors import Invalid, NotFound
from services.kernel.timers import Timer, TimerHandler
from services.maintenance import inspecting
from services.maintenance import service as maintenance
from services.maintenance.model import plans_for
from services.maintenance.tables import Inspection, MaintenanceTask
from services.people.roles import Actor, require
from services.rules.tables import PointState

TEST_TIMER = "pump.test"
"""A test was seen: its task is closed; ref: the test."""
DAY_TIMER = "pump.day"
"""The day of the jockey pumps is summed up; ref: the site. It never ends."""
DAY_AT = time(23, 55)
"""Before midnight, so that the day's task is not overdue for a moment; what follows counts for the next day."""
HEARD_WITHIN = timedelta(hours=1)
"""A contact that was not heard for so long says nothing about its pump's day."""
BACKDATED = timedelta(days=31)
BY_HAND = ("weekly_auto", "monthly_manual", "quarterly_flow")
"""Kinds that a person may enter."""
COMMAND = "fire.ledger"
_LONGEST_NOTE = 500
_MOST_FACTS = 10
_SHOWN: Mapping[str, Mapping[str, str]] = {
    "weekly_auto": {"pressure": "peak_pressure"},
    "monthly_manual": {"pressure": "peak_pressure"},
    "quarterly_flow": {"flow": "flow", "pressure": "peak_pressure"},
    "jockey_day": {"start-pressure": "start_pressure", "stop-pressure": "stop_pressure"},
}
"""Kind → item of the shipped checklist → the fact that answers it; `true` answers what the signal itself shows."""
_SIGNALS = {"weekly_auto": "signal", "monthly_manual": "manual"}
_FACTS: Mapping[str, tuple[str, str, str]] = {
    "start_pressure": ("启泵压力", "Starting pressure", "MPa"),
    "stop_pressure": ("停泵压力", "Stopping pressure", "MPa"),
    "peak_pressure": ("最高压力", "Highest pressure", "MPa"),
    "seconds": ("运行时间", "Running time", "s"),
    "flow": ("流量", "Flow", "L/s"),
    "starts": ("启动次数", "Starts", ""),
}
"""Facts that stand in the record in words."""


@dataclass(frozen=True, slots=True)
class PumpTimers:
    """The handlers of both timers."""

    configs: Configs

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {TEST_TIMER: self.close, DAY_TIMER: self.sum_up}

    def begin(self, session: Session, now: datetime) -> None:
        """Start the daily summary of every site with jockey pumps."""
        for site, config in self.configs.sites.items():
            known = select(Timer.id).where(Timer.kind == DAY_TIMER, Timer.ref == site, Timer.done_at.is_(None))
            if any(one.jockeys for one in config.stations) and session.scalar(known) is None:
                watch = timers.schedule(session, DAY_TIMER, site, _next_day(config, now))
                watch.due_at, watch.done_at, watch.outcome = _next_day(config, now), None, None

    def close(self, session: Session, timer: Timer, now: datetime) -> str:
        """A test was seen."""
        test = session.get(PumpTest, timer.ref)
        if test is None:
            return "there is no such test"
        return close_tasks(session, self.configs.site(test.site), test, now)

    def sum_up(self, session: Session, timer: Timer, now: datetime) -> str:
        """A day of jockey pumps is over; for ever. After an outage only the newest: of the others data is missing."""
        config = self.configs.site(timer.ref)
        until = timer.due_at
        while (following := _next_day(config, until)) <= now:
            until = following
        sum_up_jockeys(session, config, until, now)
        timer.due_at = following
        return ""


def test_seen(session: Session, test: PumpTest, now: datetime) -> None:
    """A test was recognised: the worker closes what it does."""
    timers.schedule(session, TEST_TIMER, test.id, now)


def enter_test(
    session: Session,
    config: SiteConfig,
    actor: Actor | None,
    *,
    pump: str,
    kind: str,
    at: datetime,
    passed: bool,
    note: str,
    facts: Mapping[str, float],
    now: datetime,
) -> PumpTest:
    """A person enters a test that the signals do not show; raises Forbidden, NotFound, Invalid.

    `pump`: short id of a main pump. `facts`: what was read off, by the names of `_FACTS`.
    """
    actor = require(actor, COMMAND)
    found = next(
        (
            (station, one)
            for station in config.stations
            if station.kind == "fire"
            for one in station.mains
            if one.equipment == pump
        ),
        None,
    )
    if found is None:
        raise NotFound(f"There is no fire pump {pump!r}", hint="Choose one from the list", field="pump")
    if kind not in BY_HAND:
        raise Invalid(f"There is no kind of test {kind!r}", hint=f"Use one of: {', '.join(BY_HAND)}", field="kind")
    if not now - BACKDATED <= at <= now:
        raise Invalid(f"{at.isoformat()} is not within the last {BACKDATED.days} days", hint="Check it", field="at")
    words = note.strip()
    if len(words) > _LONGEST_NOTE or (not passed and not words):
        hint = "Say in 1 to 500 characters what was wrong" if not passed else "Use at most 500 characters"
        raise Invalid("The note does not fit", hint=hint, field="note")
    strange = [name for name in facts if name not in _FACTS]
    if strange or len(facts) > _MOST_FACTS or not all(0 <= value <= 1e6 for value in facts.values()):
        raise Invalid("What was read off cannot be", hint=f"Use: {', '.join(_FACTS)}", field="facts")
    test = pumps.keep_test(
        session, site=config.site.id, station=found[0].id, equipment=pump, kind=kind, at=at, passed=passed,
        by=actor.username, note=words, facts=facts,
    )  # fmt: skip
    audit.record(
        session, now, actor.username, "pump.test", test.id,
        equipment=f"{config.site.id}/{pump}", kind=kind, passed=passed, at=at.isoformat(),
    )  # fmt: skip
    close_tasks(session, config, test, now)
    return test


def close_tasks(session: Session, config: SiteConfig, test: PumpTest, now: datetime) -> str:
    """Do what maintenance asked for by this test; returns in a phrase what came of it."""
    if not test.passed:
        return "not passed: the task stays open"
    row = equipment.by_eid(session, config.site.id, test.equipment)
    if row is None:
        return f"{test.equipment} is not in the ledger"
    wanted = {one.id: one for one in plans_for(config.upkeep, row.kind, row.eid) if one.signal == test.kind}
    plans.look_soon(session, config.site.id, now)
    row = equipment.lock(session, row.id)
    open_now = [one for one in maintenance.open_for(session, row.id, test.at) if one.plan in wanted]
    task = maintenance.to_do(session, open_now, test.at)
    if task is None:
        return "nothing of the kind was open"
    _do(session, config, row, wanted[task.plan], task, test, now)
    return f"{task.plan} {task.occurrence} is done"


def sum_up_jockeys(session: Session, config: SiteConfig, until: datetime, now: datetime) -> None:
    """Write down the day of each jockey pump that ends at `until`, where it was heard, and close its daily check."""
    since = until - timedelta(days=1)
    for station in config.stations:
        for pump in station.jockeys:
            if not _heard(session, config, station, pump, until):
                continue
            rows = pumps.runs(session, config.site.id, since, until, station=station.id, equipment=pump.equipment)
            day = pumps.jockey_day(rows, since, until)
            test = pumps.keep_test(
                session, site=config.site.id, station=station.id, equipment=pump.equipment, kind="jockey_day",
                at=until, passed=True, facts=day.facts(),
            )  # fmt: skip
            close_tasks(session, config, test, now)


def _heard(session: Session, config: SiteConfig, station: Station, pump: Pump, until: datetime) -> bool:
    states = [session.get(PointState, config.key(point)) for point in (pump.run, station.pressure)]
    return all(one is not None and one.last_ms >= to_ms(until - HEARD_WITHIN) for one in states)


def _next_day(config: SiteConfig, after: datetime) -> datetime:
    zone = ZoneInfo(config.site.timezone)
    local = after.astimezone(zone)
    due_at = datetime.combine(local.date(), DAY_AT, zone)
    return due_at if due_at > after else datetime.combine(local.date() + timedelta(days=1), DAY_AT, zone)


def _do(
    session: Session,
    config: SiteConfig,
    row: Equipment,
    plan: Plan,
    task: MaintenanceTask,
    test: PumpTest,
    now: datetime,
) -> None:
    """An inspection that says what was seen, and leaves open what no signal shows; then the task is done."""
    by = test.by or SYSTEM
    key = f"{config.site.id}/pump-{test.id}"
    items, answers = _record(config.upkeep.checklist_by_id.get(plan.checklist), test)
    session.add(
        Inspection(
            id=key,
            site=row.site,
            equipment_id=row.id,
            checklist=plan.checklist,
            items=items,
            answers=answers,
            findings=[],
            passed=True,
            by=by,
            started_at=test.at,
            at=test.at,
            received_at=now,
            opened_by="desk" if test.by else "signal",
            note=test.note,
            photos=[],
            order_ids=[],
        )
    )
    session.flush()
    equipment.record(
        session, row, "inspected", now, actor=by, event_at=test.at,
        inspection=key, checklist=plan.checklist, passed=True, findings=[],
    )  # fmt: skip
    maintenance.complete(
        session, config, task, inspection_id=key, passed=True, by=by, started_at=test.at, done_at=test.at
    )
    audit.record(
        session, now, by, "maintenance.by_signal", task.id, plan=plan.id, equipment=row.id, test=test.id, kind=test.kind
    )
    session.flush()


def _record(checklist: Checklist | None, test: PumpTest) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The checklist with the answers that the facts give, then the facts themselves."""
    shown = _SHOWN.get(test.kind, {})
    answers: dict[str, Any] = {
        item: test.facts[fact] for item, fact in shown.items() if isinstance(test.facts.get(fact), int | float)
    }
    if test.kind in _SIGNALS:
        answers[_SIGNALS[test.kind]] = True
    judged = inspecting.judge_all(checklist, answers) if checklist is not None else None
    items: list[dict[str, Any]] = []
    for item in checklist.items if checklist is not None else ():
        verdict = judged.verdicts[item.id] if judged is not None else "open"
        items.append({**item.model_dump(mode="json"), "verdict": verdict, "note": "", "photos": []})
    known = {one["id"] for one in items}
    answers = {name: value for name, value in answers.items() if name in known}
    for fact, (text, text_en, unit) in _FACTS.items():
        value = test.facts.get(fact)
        if isinstance(value, int | float):
            answers[f"signal-{fact}"] = value
            items.append(
                {
                    "id": f"signal-{fact}", "text": text, "text_en": text_en, "kind": "number", "unit": unit,
                    "decimals": 0 if fact in ("starts", "seconds") else 3, "requirement": "", "verdict": "good",
                    "note": "", "photos": [],
                }
            )  # fmt: skip
    return items, answers
