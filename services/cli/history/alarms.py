"""Excursions, fire incidents, faults, shields, drills and pressures of the past."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import Point
from gateway.timeseries.store import Row, TimeSeriesStore
from services.cli.history.order_rows import add
from services.cli.history.past import Past, between
from services.fire.ledger import CARE_WATCH
from services.fire.tables import FireDrill, FireIncident, FireOutage, FireSignal
from services.kernel import timers
from services.kernel.ids import new_id
from services.rules.tables import Excursion

PRESSURE_RULE = "NUM-01"
Verdict = Literal["real", "false", "test"]


@dataclass(frozen=True, slots=True)
class ExcursionFact:
    """A pressure was outside its band."""

    point: str
    started_at: datetime
    ended_at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class IncidentFact:
    """The panel reported fire; what it was."""

    at: datetime
    closed_at: datetime
    verdict: Verdict
    point: str


@dataclass(frozen=True, slots=True)
class TroubleFact:
    """A component was faulty or shielded."""

    kind: Literal["fault", "shield"]
    point: str
    at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """All of them."""

    excursions: tuple[ExcursionFact, ...]
    incidents: tuple[IncidentFact, ...]
    troubles: tuple[TroubleFact, ...]
    drills: tuple[date, ...]


def pressures(past: Past) -> list[Point]:
    """Pressures that may not leave their band, without second sensors of the same water."""
    banded = {one.point.partition("/")[2] for one in past.config.limits if one.kind == "deviation"}
    return [one for one in past.config.points if one.set_value is not None and one.twin is None and one.id in banded]


def plan(past: Past) -> AlarmFacts:
    """Everything that alarmed."""
    return AlarmFacts(tuple(_excursions(past)), tuple(_incidents(past)), tuple(_troubles(past)), tuple(_drills(past)))


def _excursions(past: Past) -> Iterator[ExcursionFact]:
    for point in pressures(past):
        for day in past.days():
            dice = past.dice("excursion", point.id, day)
            if dice.random() < 0.06 and point.set_value is not None:
                start = past.midnight(day) + timedelta(minutes=dice.randint(0, 1_300))
                end = start + timedelta(minutes=dice.choice((2, 5, 12, 40)))
                if past.is_over(start) and past.is_over(end):
                    yield ExcursionFact(point.id, start, end, point.set_value - dice.choice((0.14, 0.18, 0.25)))


def _incidents(past: Past) -> Iterator[IncidentFact]:
    points = [one.id for one in past.config.fire.points]
    for day in past.days():
        dice = past.dice("incident", day)
        if points and dice.random() < 0.12:
            at = past.midnight(day) + between(dice, timedelta(), timedelta(hours=23))
            kinds: tuple[Verdict, ...] = ("real", "false", "test")
            fact = IncidentFact(
                at, at + between(dice, timedelta(minutes=4), timedelta(minutes=40)),
                dice.choices(kinds, (1, 7, 2))[0], dice.choice(points),
            )  # fmt: skip
            if past.is_over(at) and past.is_over(fact.closed_at):
                yield fact


def _troubles(past: Past) -> Iterator[TroubleFact]:
    points = [one.id for one in past.config.fire.points]
    for day in past.days():
        dice = past.dice("trouble", day)
        if points and dice.random() < 0.2:
            at = past.midnight(day) + between(dice, timedelta(), timedelta(hours=20))
            kinds: tuple[Literal["fault", "shield"], ...] = ("fault", "shield")
            end = at + between(dice, timedelta(hours=1), timedelta(hours=40))
            fact = TroubleFact(dice.choices(kinds, (3, 1))[0], dice.choice(points), at, end)
            if past.is_over(at) and past.is_over(end):
                yield fact


def _drills(past: Past) -> Iterator[date]:
    for day in past.days():
        if (day.month % 3, day.day) == (2, 20) and past.dice("drill", day).random() < 0.8:
            yield day


def write(session: Session, past: Past, facts: AlarmFacts) -> None:
    """Write the rows; readings are written apart. Upkeep of fire protection was watched all the time."""
    today = past.until_at.astimezone(past.zone).date().replace(day=1)
    watched = {"since": past.since_at.isoformat(), "month": today.isoformat()}
    watched["quarter"] = today.replace(month=today.month - (today.month - 1) % 3).isoformat()
    timers.schedule(session, CARE_WATCH, past.site, past.until_at, data=watched)
    add(session, Excursion, [
        {"id": new_id(), "point": past.config.key(one.point), "rule": PRESSURE_RULE, "started_at": one.started_at,
         "ended_at": one.ended_at, "worst": one.value, "alerted": False, "suspended": False}
        for one in facts.excursions
    ])  # fmt: skip
    incidents = [_incident(past, number, one) for number, one in enumerate(facts.incidents, 1)]
    add(session, FireIncident, incidents)
    signals = [signal for one in facts.troubles for signal in _signals(past, one)]
    add(session, FireSignal, signals + [
        _alarm(past, one, row["id"]) for one, row in zip(facts.incidents, incidents, strict=True)
    ])  # fmt: skip
    add(session, FireOutage, [
        {"id": new_id(), "site": past.site, "component": _component(past, one.point), "kind": "shield",
         "began_at": one.at, "ended_at": one.ended_at, "prompted_at": None, "filed": None, "measures": "",
         "noted_by": None, "noted_at": None}
        for one in facts.troubles if one.kind == "shield"
    ])  # fmt: skip
    add(session, FireDrill, [
        {"id": new_id(), "site": past.site, "held_on": day, "owners": 30, "staff": 8,
         "items": ["evacuation", "extinguisher"], "place": past.config.areas[0].name, "note": "",
         "by": past.people("supervisor")[0], "at": past.midnight(day) + timedelta(hours=10)}
        for day in facts.drills
    ])  # fmt: skip


def _component(past: Past, point: str) -> str:
    one = next(one for one in past.config.fire.points if one.id == point)
    return f"{past.site}/{one.panel}/{one.address}"


def _place(past: Past, point: str) -> dict[str, Any]:
    fire = past.config.fire
    one = next(one for one in fire.points if one.id == point)
    panel = next(panel for panel in fire.panels if panel.id == one.panel)
    return {
        "site": past.site, "device": panel.source, "panel": panel.id, "scope": "component",
        "component": _component(past, point), "building": panel.building, "zone": one.zone or "", "point": one.id,
    }  # fmt: skip


_SILENT: dict[str, Any] = {
    "system_type": 1, "component_type": None, "operations": [], "panel_at": None, "text": "", "raw": "", "marks": [],
    "body": {}, "test": False,
}  # fmt: skip


def _signals(past: Past, fact: TroubleFact) -> list[dict[str, Any]]:
    found = []
    for at, states, ended in ((fact.at, [fact.kind], []), (fact.ended_at, [], [fact.kind])):
        key = f"{past.site}/history/{fact.kind}-{fact.point}-{to_ms(at)}"
        found.append(
            _SILENT | _place(past, fact.point)
            | {"id": key, "states": states, "ended": ended, "at": at, "received_at": at, "key": "", "incident_id": None}
        )  # fmt: skip
    return found


def _alarm(past: Past, fact: IncidentFact, incident_id: str) -> dict[str, Any]:
    key = f"{past.site}/history/fire-{fact.point}-{to_ms(fact.at)}"
    return (
        _SILENT | _place(past, fact.point)
        | {"id": key, "states": ["fire"], "ended": [], "at": fact.at, "received_at": fact.at, "key": "",
           "incident_id": incident_id, "test": fact.verdict == "test"}
    )  # fmt: skip


def _incident(past: Past, number: int, fact: IncidentFact) -> dict[str, Any]:
    place = _place(past, fact.point)
    day = fact.at.astimezone(past.zone).date()
    return {
        "id": new_id(), "number": f"HJ-{day:%Y%m%d}-{number:03d}", "site": past.site, "building": place["building"],
        "stage": "closed", "reason": "", "opened_at": fact.at, "confirm_by": fact.at + timedelta(minutes=3),
        "graded_at": fact.at + timedelta(minutes=2), "graded_by": past.people("guard")[0], "verdict": fact.verdict,
        "cause": "", "closed_at": fact.closed_at, "closed_by": past.people("duty")[0], "reset_at": fact.closed_at,
        "zones": {place["zone"]: [place["component"]]},
        "first_signal_id": f"{past.site}/history/fire-{fact.point}-{to_ms(fact.at)}", "signals": 1, "told": 1,
        "alert_id": None, "response": {}, "version": 1,
    }  # fmt: skip


def write_readings(store: TimeSeriesStore, past: Past, facts: AlarmFacts, since_at: datetime) -> int:
    """A reading a minute of every pressure, outside its band exactly while an excursion says so; how many."""
    written = 0
    for point in pressures(past):
        rows = _readings(past, point, [one for one in facts.excursions if one.point == point.id], since_at)
        for first in range(0, len(rows), 20_000):
            store.write(rows[first : first + 20_000])
        written += len(rows)
    return written


def _readings(past: Past, point: Point, outside: list[ExcursionFact], since_at: datetime) -> list[Row]:
    series, centre = past.config.key(point.id), point.set_value or 0.0
    phase = past.dice("phase", point.id).random() * math.tau
    first, last = to_ms(since_at), to_ms(past.until_at)
    low: dict[int, float] = {}
    for one in outside:
        for at_ms in range(to_ms(one.started_at), to_ms(one.ended_at), 60_000):
            low[at_ms] = one.value
    return [
        (series, at_ms, 0, low.get(at_ms, centre + 0.03 * math.sin(at_ms / 4_000_000 + phase)), 0, at_ms)
        for at_ms in range(first - first % 60_000, last, 60_000)
    ]
