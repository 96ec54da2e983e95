"""Rounds and handovers of the past: planned as they are planned, walked as the dice fall, judged as they are judged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from services.cli.history.order_rows import add
from services.cli.history.past import Past
from services.patrol.judging.verdict import grade
from services.patrol.model import RoundPlan, RoundVerdict, StopPlan, Tap
from services.patrol.planning import plans
from services.patrol.planning.schedule import rounds as planned
from services.patrol.planning.shifts import instances
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import Handover, PatrolWatermark, Round, RoundStop, TapRow

Fate = Literal["walked", "one_missed", "one_late", "nobody"]
FATES: tuple[tuple[Fate, int], ...] = (("walked", 90), ("one_missed", 5), ("one_late", 3), ("nobody", 2))
HANDED_OVER = 0.97


@dataclass(frozen=True, slots=True)
class RoundFact:
    """What truly became of one round."""

    plan: RoundPlan
    fate: Fate
    guard: str
    odd: int
    """The stop that was missed or visited late; -1: none."""

    @property
    def counted(self) -> tuple[StopPlan, ...]:
        """Stops that were not suspended."""
        return tuple(stop for stop in self.plan.stops if not stop.suspended)


def plan(past: Past) -> list[RoundFact]:
    """Every round that was over by now."""
    found = []
    for one in planned(past.config, to_ms(past.since_at), to_ms(past.until_at), seed=str(past.seed)):
        if one.confirm_ms >= to_ms(past.until_at):
            continue
        dice = past.dice("round", one.id)
        fates, weights = zip(*FATES, strict=True)
        fate: Fate = dice.choices(fates, weights)[0]
        able = [stop.index for stop in one.stops if not stop.suspended]
        if fate == "one_late":
            able = [stop.index for stop in one.stops if stop.late_until_ms - stop.on_time_until_ms > 120_000][-1:]
        odd = dice.choice(able) if able and fate in ("one_missed", "one_late") else -1
        if odd < 0 and fate != "nobody":
            fate = "walked"
        found.append(RoundFact(one, fate, dice.choice(past.people("guard")), odd))
    return found


def write(session: Session, past: Past, facts: list[RoundFact]) -> None:
    """Write rounds, stops and taps; nothing before the present is planned again."""
    rounds: list[dict[str, Any]] = []
    stops: list[dict[str, Any]] = []
    taps: list[dict[str, Any]] = []
    for fact in facts:
        tapped = list(_taps(past, fact))
        verdict = grade(fact.plan, tapped, fact.plan.confirm_ms + 1)
        key = f"{past.site}/{fact.plan.id}"
        rounds.append(_round(fact, verdict, key))
        stops += _stops(key, verdict)
        said = {one.tap: one.verdict for one in verdict.taps}
        taps += [_tap(past, one, str(said.get(one.id, "extra")), key) for one in tapped]
    taps += [_tap(past, one, "extra", "") for one in _just_now(past)]
    add(session, Round, rounds)
    add(session, RoundStop, stops)
    add(session, TapRow, taps)
    add(session, PatrolWatermark, [
        {"site": past.site, "what": PLANNED_UNTIL, "since": past.since_at, "until": past.until_at}
    ])  # fmt: skip


def _taps(past: Past, fact: RoundFact) -> Iterator[Tap]:
    """One after the other, each in the middle of its time; the late one after it."""
    if fact.fate == "nobody":
        return
    number = len(fact.plan.stops)
    for stop in fact.plan.stops:
        if fact.fate == "one_missed" and stop.index == fact.odd:
            continue
        share = (stop.index + 1) / (number + 1)
        at_ms = stop.on_time_from_ms + round((stop.on_time_until_ms - stop.on_time_from_ms) * share)
        if fact.fate == "one_late" and stop.index == fact.odd:
            at_ms = stop.on_time_until_ms + 60_000
        name = f"{past.site}/patrol-app/{fact.plan.id}-{stop.index}"
        yield Tap(name, stop.checkpoint, at_ms, fact.guard, "guard", "patrol-app")


def _just_now(past: Past) -> Iterator[Tap]:
    """Somebody has passed everywhere within the last minutes: nothing is overdue when the past ends."""
    guard, last = past.people("guard")[0], to_ms(past.until_at)
    for number, one in enumerate(past.config.patrol.checkpoints):
        at_ms = last - 60_000 * (1 + number % 15) - number
        yield Tap(f"{past.site}/patrol-app/last-{one.id}", one.id, at_ms, guard, "guard", "patrol-app")


def _round(fact: RoundFact, verdict: RoundVerdict, key: str) -> dict[str, Any]:
    counted = [one for one in verdict.stops if one.verdict != "suspended"]
    plan = fact.plan
    return {
        "id": key, "site": plan.site, "route": plan.route, "schedule": plan.schedule, "shift": plan.shift,
        "starts_at": from_ms(plan.starts_ms), "ends_at": from_ms(plan.ends_ms), "opens_at": from_ms(plan.opens_ms),
        "closes_at": from_ms(plan.closes_ms), "final_at": from_ms(plan.final_ms),
        "confirm_at": from_ms(plan.confirm_ms), "plan": plans.encode(plan), "state": str(verdict.state),
        "stops": len(counted), "visited": sum(bool(one.tap) for one in counted), "missed": len(verdict.missed),
        "unconfirmed": False, "flagged": sum(bool(one.marks) for one in counted if one.tap), "short_of": "",
        "guards": list(verdict.guards), "version": 1,
        "started_at": from_ms(verdict.started_ms) if verdict.started_ms is not None else None,
        "finished_at": from_ms(verdict.finished_ms) if verdict.finished_ms is not None else None,
    }  # fmt: skip


def _stops(key: str, verdict: RoundVerdict) -> Iterator[dict[str, Any]]:
    for one in verdict.stops:
        yield {
            "round_id": key, "index": one.index, "checkpoint": one.checkpoint, "verdict": str(one.verdict),
            "certainty": str(one.certainty), "marks": [str(mark) for mark in one.marks], "tap_id": one.tap or None,
            "at": from_ms(one.at_ms) if one.at_ms is not None else None, "rule": one.rule,
            "because": list(one.because),
        }  # fmt: skip


def _tap(past: Past, tap: Tap, verdict: str, key: str) -> dict[str, Any]:
    at = from_ms(tap.at_ms)
    return {
        "id": tap.id, "site": past.site, "device": tap.device, "phone": f"phone-{tap.guard}", "reader": "",
        "checkpoint": tap.checkpoint, "tag": "", "guard": tap.guard, "delivered_by": "", "role": tap.role, "at": at,
        "claimed_at": at, "received_at": at, "clock": "steady", "uncertain_ms": 0, "clock_turned": False,
        "evidence": "uid", "doubts": [], "proof": "", "marks": [], "why": {}, "verdict": verdict,
        "rounds": [key] if key else [], "round_hint": "", "answers": {}, "findings": [], "note": "", "photos": [],
        "retries": 0,
    }  # fmt: skip


def handovers(past: Past) -> list[str]:
    """Ids of the shift instances that were handed over; nearly all."""
    due = []
    for one in instances(past.config, to_ms(past.since_at), to_ms(past.until_at)):
        shift = past.config.patrol.shift(one.shift)
        if shift is not None and shift.handover and past.is_over(from_ms(one.start_ms)):
            due.append(one.id)
    return [one for one in due if past.dice("handover", one).random() < HANDED_OVER]


def write_handovers(session: Session, past: Past, done: list[str]) -> None:
    """Write them, each at the change of its shift."""
    starts = {one.id: one.start_ms for one in instances(past.config, to_ms(past.since_at), to_ms(past.until_at))}
    guards = past.people("guard")
    add(session, Handover, [
        {"id": f"{past.site}/{one}", "site": past.site, "shift": one, "at": from_ms(starts[one]), "given_by": guards[0],
         "taken_by": guards[-1], "open_alerts": [], "hazards": "", "keys": "", "kit": {}, "note": ""}
        for one in done
    ])  # fmt: skip
