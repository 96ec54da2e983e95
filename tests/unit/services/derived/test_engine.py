"""Stations driven by what is heard: in order, exactly once, and as if nothing had been when a transaction fails."""

from collections.abc import Iterator

import pytest
from console import shipped
from sqlalchemy import delete

from gateway.contract.heard import Sample
from services.derived import pump_model as model
from services.derived.engine import Said, Stations
from services.derived.pump_model import RunEnded, RunStarted, plant_of
from services.derived.tables import StationState
from services.kernel.db import Database

START_MS = 1_790_000_000_000
PRESSURE, MAIN, JOCKEY = "yunhe/hydrant-main-pressure", "yunhe/hydrant-pump-1-run", "yunhe/hydrant-jockey-run"


def stations() -> Stations:
    config = shipped().site("yunhe")
    return Stations(plant_of(config, one) for one in config.stations)


def sample(point: str, seconds: float, value: float) -> Sample:
    at_ms = START_MS + int(seconds * 1000)
    return point, at_ms, 0, value, 0, at_ms


def run_of(point: str, *, low: float, high: float, begins: float = 60, seconds: float = 120) -> Iterator[Sample]:
    """A pump stands, runs and stands again, as its contact and the pressure tell it."""
    for tick in range(0, int(begins + seconds) + 60, 2):
        runs = begins <= tick < begins + seconds
        yield sample(PRESSURE, tick, high if runs and tick > begins + 4 else low)
        if tick % 10 == 0:
            yield sample(point, tick, float(runs))


def said(driven: Stations, samples: list[Sample], *, fire: bool = False) -> list[Said]:
    driven.note(samples)
    return list(driven.hear(samples[-1][1], lambda _site: fire))


def runs_in(found: list[Said]) -> list[RunStarted | RunEnded | model.TestSeen]:
    return [effect for _, effect in found if isinstance(effect, RunStarted | RunEnded | model.TestSeen)]


def test_only_what_belongs_to_a_station_waits() -> None:
    driven = stations()
    driven.note([sample("yunhe/box-1-insulation", 0, 1.0), sample("elsewhere/hydrant-main-pressure", 0, 0.7)])
    assert not driven.waits
    driven.note([sample(PRESSURE, 0, 0.7)])
    assert driven.waits


def test_devices_that_are_heard_out_of_order_tell_the_same() -> None:
    story = list(run_of(MAIN, low=0.70, high=0.90))
    by_device = [one for one in story if one[0] == MAIN] + [one for one in story if one[0] == PRESSURE]
    in_order, mixed = runs_in(said(stations(), story)), runs_in(said(stations(), by_device))
    assert in_order == mixed
    assert [type(one).__name__ for one in in_order] == ["RunStarted", "RunEnded", "TestSeen"]


@pytest.mark.parametrize("fire", [False, True])
def test_a_run_during_a_fire_is_no_test(fire: bool) -> None:
    found = runs_in(said(stations(), list(run_of(MAIN, low=0.70, high=0.90)), fire=fire))
    assert any(isinstance(one, model.TestSeen) for one in found) != fire


def test_fires_are_asked_about_only_while_a_pump_runs_and_once_a_batch() -> None:
    driven, asked = stations(), []

    def ask(site: str) -> bool:
        asked.append(site)
        return False

    for batch, runs in enumerate((0.0, 1.0, 1.0, 0.0, 0.0)):
        driven.note([sample(MAIN, batch * 10 + tick, runs) for tick in range(3)])
        driven.note([sample(PRESSURE, batch * 10 + tick, 0.7) for tick in range(5)])
        list(driven.hear(START_MS + batch * 10_000, ask))
    assert asked == ["yunhe"] * 3, "two batches of the run, and the one in which it ends"


def test_a_broken_gauge_says_nothing_about_pumps() -> None:
    driven = stations()
    story = list(run_of(MAIN, low=0.70, high=0.70))
    driven.note(story)
    found = list(driven.hear(story[-1][1], lambda _: False, lambda point: point == PRESSURE))
    (ended,) = (one for one in runs_in(found) if isinstance(one, RunEnded))
    assert (ended.verdict, ended.start_pressure) == ("doubtful", None)
    assert not [one for _, one in found if isinstance(one, model.Derived) and one.point.endswith(("no-rise", "decay"))]


def test_a_restart_at_any_moment_changes_nothing(db: Database) -> None:
    story = list(run_of(JOCKEY, low=0.64, high=0.74))
    whole = runs_in(said(stations(), story))
    for cut in range(0, len(story), 61):
        first, second = stations(), stations()
        with db.begin() as session:
            first.load(session)
            found = runs_in(said(first, story[:cut])) if cut else []
            first.save(session)
        with db.begin() as session:
            second.load(session)
            found += runs_in(said(second, story[cut:]))
            session.execute(delete(StationState))
        assert found == whole, cut


def fail_after(db: Database, driven: Stations, samples: list[Sample]) -> None:
    """A transaction that hears them, writes, and fails."""
    with db.begin() as session:
        said(driven, samples)
        driven.save(session)
        raise ZeroDivisionError


def test_what_was_not_committed_was_not_heard(db: Database) -> None:
    story = list(run_of(MAIN, low=0.70, high=0.90))
    driven = stations()
    with db.begin() as session:
        driven.load(session)
        before = said(driven, story[:80])
        driven.save(session)
    with pytest.raises(ZeroDivisionError):
        fail_after(db, driven, story[80:])
    with db.begin() as session:
        driven.load(session)
        after = said(driven, story[80:])
    assert runs_in(before + after) == runs_in(said(stations(), story))
