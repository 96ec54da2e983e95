"""Runs, tests and memories in rows, on both databases."""

from datetime import datetime

from console import shipped
from sqlalchemy import select

from gateway.contract.times import from_ms
from services.derived import pump_model as model
from services.derived import service, store
from services.derived.pump_model import Plant, RunEnded, RunStarted, plant_of
from services.derived.tables import PumpRun, PumpTest, StationState
from services.kernel.db import Database

START_MS = 1_790_000_000_000
PUMP = "hydrant-pump-1"


def plant() -> Plant:
    config = shipped().site("yunhe")
    return plant_of(config, next(one for one in config.stations if one.id == "hydrant"))


def at(minutes: float) -> int:
    return START_MS + int(minutes * 60_000)


def moment(minutes: float) -> datetime:
    return from_ms(at(minutes))


def ended(equipment: str = PUMP, *, begins: float = 0, ends: float = 2, role: str = "main", **more: object) -> RunEnded:
    values = {
        "start_pressure": 0.7, "stop_pressure": 0.9, "peak_pressure": 0.95, "lowest_level": None, "peak_flow": None,
        "cause": "manual", "verdict": "",
    } | more  # fmt: skip
    return RunEnded(equipment, role, at(begins), at(ends), **values)  # type: ignore[arg-type]


def runs(db: Database) -> list[PumpRun]:
    with db.read() as session:
        return list(session.scalars(select(PumpRun).order_by(PumpRun.started_at, PumpRun.id)))


def test_a_run_is_one_row_from_start_to_end(db: Database) -> None:
    with db.begin() as session:
        store.begin_run(session, plant(), RunStarted(PUMP, "main", at(0), 0.7, "manual", False))
    (row,) = runs(db)
    assert (row.station, row.equipment, row.role, row.ended_at, row.cause) == ("hydrant", PUMP, "main", None, "manual")
    with db.begin() as session:
        store.end_run(session, plant(), ended())
    (row,) = runs(db)
    assert (row.started_at, row.ended_at, row.peak_pressure) == (moment(0), moment(2), 0.95)


def test_a_run_whose_beginning_nobody_wrote_is_written_whole(db: Database) -> None:
    with db.begin() as session:
        store.end_run(session, plant(), ended(verdict="doubtful"))
    (row,) = runs(db)
    assert (row.started_at, row.ended_at, row.verdict) == (moment(0), moment(2), "doubtful")


def test_a_test_names_its_run(db: Database) -> None:
    with db.begin() as session:
        run = store.end_run(session, plant(), ended())
        store.keep_test(
            session, plant(), model.TestSeen("monthly_manual", PUMP, at(2), at(0), True, {"peak_pressure": 0.95})
        )
    with db.read() as session:
        (test,) = session.scalars(select(PumpTest))
    assert (test.run_id, test.by, test.passed, test.facts) == (run.id, "", True, {"peak_pressure": 0.95})


def test_memories_come_back_as_they_were(db: Database) -> None:
    one = plant()
    memory = one.fresh()._replace(heard_ms=at(1), recent=(0.7, 0.71), running=0)
    with db.begin() as session:
        store.save(session, [(one, memory)])
        store.save(session, [(one, memory)])
    with db.read() as session:
        assert store.load(session, [one]) == {"yunhe/hydrant": memory}
        assert [row.at_ms for row in session.scalars(select(StationState))] == [at(1)]


def test_runs_of_a_time_are_those_that_touch_it(db: Database) -> None:
    with db.begin() as session:
        store.end_run(session, plant(), ended(begins=-10, ends=-5))
        store.end_run(session, plant(), ended(begins=-10, ends=1))
        store.end_run(session, plant(), ended("hydrant-jockey", begins=5, ends=6, role="jockey"))
        store.begin_run(session, plant(), RunStarted("hydrant-pump-2", "main", at(-60), None, "unknown", True))
        found = service.runs(session, "yunhe", moment(0), moment(10))
        assert [one.equipment for one in found] == ["hydrant-pump-2", PUMP, "hydrant-jockey"]
        assert len(service.runs(session, "yunhe", moment(0), moment(10), equipment="hydrant-jockey")) == 1
        assert service.runs(session, "yunhe", moment(0), moment(10), station="sprinkler") == []


def test_the_day_of_a_jockey_counts_what_began_in_it(db: Database) -> None:
    with db.begin() as session:
        for number, low in enumerate((0.64, 0.65, 0.70)):
            begins = -30 + 30 * number
            store.end_run(
                session, plant(), ended("hydrant-jockey", begins=begins, ends=begins + 2, role="jockey",
                                        start_pressure=low, stop_pressure=None),
            )  # fmt: skip
        rows = service.runs(session, "yunhe", moment(-40), moment(60))
        day = service.jockey_day(rows, moment(-10), moment(60))
    assert (day.starts, day.start_pressure, day.stop_pressure, day.seconds) == (2, 0.675, None, 240)
    nothing = service.jockey_day([], moment(0), moment(60))
    assert nothing.facts() == {"starts": 0, "start_pressure": None, "stop_pressure": None, "seconds": 0}


def test_tests_of_a_time_newest_first_without_the_days_of_jockeys(db: Database) -> None:
    with db.begin() as session:
        for number, kind in enumerate(("weekly_auto", "monthly_manual", "jockey_day", "quarterly_flow")):
            service.keep_test(
                session, site="yunhe", station="hydrant", equipment=PUMP, kind=kind, at=moment(number), passed=True,
                facts={},
            )  # fmt: skip
        found = service.pump_tests(session, "yunhe", moment(0), moment(3), station="hydrant")
        assert [one.kind for one in found] == ["monthly_manual", "weekly_auto"]
        assert service.pump_tests(session, "yunhe", moment(0), moment(3), station="sprinkler") == []
