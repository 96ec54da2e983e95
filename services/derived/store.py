"""Rows of the pump stations: what their steps remember, the runs of their pumps, and their tests."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from services.derived.pump_model import Plant, RunEnded, RunStarted, StationMemory, TestSeen
from services.derived.tables import PumpRun, PumpTest, StationState
from services.kernel.ids import new_id
from services.kernel.upsert import upsert

_COLUMNS = ("station", "state", "at_ms")


def load(session: Session, plants: Iterable[Plant]) -> dict[str, StationMemory]:
    """What each station remembers, by its global key; a new one knows nothing."""
    kept = {row.station: row.state for row in session.scalars(select(StationState))}
    return {
        plant.key: plant.from_json(kept[plant.key]) if plant.key in kept else plant.fresh() for plant in plants
    }  # fmt: skip


def save(session: Session, changed: Iterable[tuple[Plant, StationMemory]]) -> None:
    """Keep what stations remember now."""
    rows = [(plant.key, plant.to_json(memory), memory.heard_ms) for plant, memory in changed]
    if rows:
        upsert(session, StationState, _COLUMNS, rows, ("station",))


def begin_run(session: Session, plant: Plant, effect: RunStarted) -> PumpRun:
    """A pump began to run: its row is open until it stops."""
    row = PumpRun(
        id=new_id(),
        **_whose(plant, effect.equipment),
        role=effect.role,
        started_at=from_ms(effect.started_ms),
        start_pressure=effect.start_pressure,
        cause=effect.cause,
        verdict="doubtful" if effect.doubtful else "",
    )
    session.add(row)
    return row


def end_run(session: Session, plant: Plant, effect: RunEnded) -> PumpRun:
    """A pump stopped: its open row, closed; one of whose beginning nothing is known is written whole."""
    row = find_run(session, plant, effect.equipment, from_ms(effect.started_ms), open_only=True)
    if row is None:
        row = PumpRun(
            id=new_id(),
            **_whose(plant, effect.equipment),
            role=effect.role,
            started_at=from_ms(effect.started_ms),
        )
        session.add(row)
    row.ended_at = from_ms(effect.ended_ms)
    row.start_pressure, row.stop_pressure = effect.start_pressure, effect.stop_pressure
    row.peak_pressure, row.lowest_level, row.peak_flow = effect.peak_pressure, effect.lowest_level, effect.peak_flow
    row.cause, row.verdict = effect.cause, effect.verdict
    return row


def find_run(
    session: Session, plant: Plant, equipment: str, started_at: datetime, *, open_only: bool = False
) -> PumpRun | None:
    """The run of a pump that began at this moment."""
    site, _, station = plant.key.partition("/")
    query = select(PumpRun).where(
        PumpRun.site == site,
        PumpRun.station == station,
        PumpRun.equipment == equipment,
        PumpRun.started_at == started_at,
    )
    if open_only:
        query = query.where(PumpRun.ended_at.is_(None))
    return session.scalars(query.order_by(PumpRun.id.desc()).limit(1)).first()


def keep_test(session: Session, plant: Plant, effect: TestSeen) -> PumpTest:
    """A run was a test: one row, with the run that showed it."""
    run = find_run(session, plant, effect.equipment, from_ms(effect.started_ms))
    row = PumpTest(
        id=new_id(),
        **_whose(plant, effect.equipment),
        kind=effect.kind,
        at=from_ms(effect.at_ms),
        passed=effect.passed,
        run_id=run.id if run is not None else None,
        facts=dict(effect.facts),
    )
    session.add(row)
    session.flush()
    return row


def _whose(plant: Plant, equipment: str) -> dict[str, Any]:
    site, _, station = plant.key.partition("/")
    return {"site": site, "station": station, "equipment": equipment}
