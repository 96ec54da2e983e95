"""What signals mean for upkeep: outages begin and end, tests prove themselves, commands and duty checks get answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire import modes, upkeep
from services.fire.model import FIRE, SHIELD, Change
from services.fire.tables import FireTest
from services.flows.fire import commands as fire_commands
from services.flows.fire import outage as fire_outage
from services.flows.fire.upkeep import enter_test

SYSTEM = "system"
"""Who enters a test that a signal proves."""
_PRESSED = frozenset({"manual_call_point", "hydrant_button"})
_ANSWERS_PRESSING = frozenset({FIRE, "alarm", "start", "feedback"})
"""A hydrant button starts a pump at one panel and raises a fire at another; a detector proves itself by fire alone."""


def take(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """Everything upkeep learns from signals that were just settled; a few statements however many there are."""
    _note_outages(session, config, changes, now)
    _prove_tests(session, config, [one for one in changes if one.signal.test and one.began], now)
    for change in changes:
        signal = change.signal
        if change.component.id != signal.component:  # a reset ended something here; its signal comes by itself too
            continue
        if signal.scope == "command":
            _note_answer(session, config, signal.body, signal.at)
        if "duty_answer" in signal.operations and not signal.is_history:
            operator = signal.body.get("operator")
            number = operator if isinstance(operator, int) else None
            fire_commands.note_duty_answer(session, config, signal.device, number, signal.at, now)


def _note_outages(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """What is shielded when the batch is over, and what is not; whoever was both begins anew."""
    began: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    for change in changes:
        if SHIELD in change.ended:
            ended[change.component.id] = change.signal.at
            began.pop(change.component.id, None)
        if SHIELD in change.began:
            began[change.component.id] = change.signal.at
    if ended:
        fire_outage.end(session, config, ended, now)
    if began:
        fire_outage.begin(session, config, began, now)


def _prove_tests(session: Session, config: SiteConfig, changes: Sequence[Change], now: datetime) -> None:
    """A device that gives its signal in test mode works: that is its test of the day."""
    proofs: dict[tuple[str, date], Change] = {}
    zone = ZoneInfo(config.site.timezone)
    for change in changes:
        if _proves(config, change):
            proofs.setdefault((change.component.point, change.signal.at.astimezone(zone).date()), change)
    if not proofs:
        return
    known = select(FireTest.device, FireTest.tested_on).where(
        FireTest.site == config.site.id,
        FireTest.tested_on.in_({day for _, day in proofs}),
        FireTest.signal_id.is_not(None),
    )
    for device, day in session.execute(known):
        proofs.pop((device, day), None)
    running = modes.active(session, config.site.id, now)
    for (device, day), change in proofs.items():
        point = config.fire.point_by_id[device]
        mode = modes.covering(running, point.panel, point.zone)
        enter_test(
            session,
            config.site.id,
            device,
            upkeep.kind_of_test(point.kind),
            passed=True,
            tested_on=day,
            actor=SYSTEM,
            now=now,
            note=f"{mode.reason} ({mode.begun_by}, {mode.second})" if mode is not None else "",
            signal_id=change.signal.id,
        )
    session.flush()


def _proves(config: SiteConfig, change: Change) -> bool:
    point = config.fire.point_by_id.get(change.component.point)
    if point is None or point.kind not in upkeep.TESTED_POINTS:
        return False
    proof = _ANSWERS_PRESSING if point.kind in _PRESSED else {FIRE}
    return not proof.isdisjoint(change.began)


def _note_answer(session: Session, config: SiteConfig, body: Mapping[str, Any], at: datetime) -> None:
    command, outcome, answer = body.get("command"), body.get("outcome"), body.get("answer")
    if isinstance(command, str) and isinstance(outcome, str):
        fire_commands.note_outcome(session, config, command, outcome, answer if isinstance(answer, Mapping) else {}, at)
