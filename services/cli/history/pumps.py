"""Runs and tests of the pumps of the past: jockeys hold the pressure, mains are tested as GB 50974 asks."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gateway.site.pumps import Pump, Station
from services.cli.history.order_rows import add
from services.cli.history.past import Past, between
from services.derived.tables import PumpRun, PumpTest
from services.kernel.ids import new_id

WEEKDAY, HOUR = 1, timedelta(hours=9, minutes=30)
"""Tests of mains begin on Tuesdays at half past nine, the second pump a quarter of an hour later."""
MANUAL_DAYS = range(8, 15)
"""The Tuesday of these days of a month is the manual start; the others are automatic."""
_APART, _MINUTE = timedelta(minutes=15), timedelta(minutes=1)
_NOISE_MPA = 0.004


def write(session: Session, past: Past) -> None:
    """Write runs and tests of every fire station up to now."""
    runs: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for station in past.config.stations:
        if station.kind != "fire" or station.start_pressure is None or station.stop_pressure is None:
            continue
        for pump in station.jockeys:
            runs += _held(past, station, pump, station.start_pressure, station.stop_pressure)
        for run, test in _tested(past, station, station.stop_pressure):
            runs.append(run)
            tests.append(test)
    add(session, PumpRun, runs)
    add(session, PumpTest, tests)


def _held(past: Past, station: Station, pump: Pump, start: float, stop: float) -> Iterator[dict[str, Any]]:
    dice = past.dice("jockey", station.id, pump.equipment)
    at = past.since_at + between(dice, timedelta(), 2 * timedelta(hours=1))
    while past.is_over(at + timedelta(minutes=3)):
        lasted = between(dice, timedelta(seconds=30), timedelta(seconds=75))
        pressures = {"start_pressure": _near(dice, start), "stop_pressure": _near(dice, stop)}
        yield _run(past, station, pump, "jockey", at, lasted, pressures, "automatic")
        at += between(dice, timedelta(minutes=80), timedelta(hours=4))


def _tested(past: Past, station: Station, normal: float) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    dice = past.dice("pump-tests", station.id)
    for day in past.days():
        if day.weekday() != WEEKDAY:
            continue
        manual = day.day in MANUAL_DAYS
        for number, pump in enumerate(station.mains):
            at, lasted = past.midnight(day) + HOUR + number * _APART, between(dice, 5 * _MINUTE, 10 * _MINUTE)
            if not past.is_over(at + lasted):
                continue
            fell = station.main_start_pressure if not manual and station.main_start_pressure else normal - 0.05
            pressures = {"start_pressure": _near(dice, fell), "stop_pressure": _near(dice, normal + 0.18)}
            cause = "manual" if manual else "automatic"
            run = _run(past, station, pump, "main", at, lasted, pressures, cause)
            facts = {**pressures, "peak_pressure": run["peak_pressure"], "seconds": lasted.total_seconds()}
            yield run, {
                "id": new_id(), "site": past.site, "station": station.id, "equipment": pump.equipment,
                "kind": "monthly_manual" if manual else "weekly_auto", "at": at + lasted, "passed": True, "by": "",
                "run_id": run["id"], "note": "", "facts": facts,
            }  # fmt: skip


def _near(dice: random.Random, pressure: float) -> float:
    return round(pressure + dice.uniform(-_NOISE_MPA, _NOISE_MPA), 3)


def _run(
    past: Past,
    station: Station,
    pump: Pump,
    role: str,
    at: datetime,
    lasted: timedelta,
    pressures: dict[str, float],
    cause: str,
) -> dict[str, Any]:
    return {
        "id": new_id(), "site": past.site, "station": station.id, "equipment": pump.equipment, "role": role,
        "started_at": at, "ended_at": at + lasted, **pressures, "peak_pressure": pressures["stop_pressure"] + 0.002,
        "lowest_level": None, "peak_flow": None, "cause": cause, "verdict": "",
    }  # fmt: skip
