"""Derived signals beside the stream: camera coverage, charts, fires that make no tests, failures that stop nothing."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scenario.site import Night, shipped, with_changes, yunhe
from sqlalchemy import select

from gateway.contract.times import to_ms
from gateway.timeseries.sqlite import SqliteStore, open_sqlite_store
from gateway.timeseries.store import StoreBusy
from services.derived.tables import PumpRun, PumpTest
from services.fire.tables import FireTestMode
from services.flows import derived
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.rules.tables import PointState

COVERAGE = "yunhe/cctv-coverage"
CAMERAS = tuple(f"camera-{one}-online" for one in ("gate", "garage-north", "garage-south", "lobby-1"))
PRESSURE, MAIN = "hydrant-main-pressure", "hydrant-pump-1-run"
STATION = (PRESSURE, MAIN, "hydrant-pump-2-run", "hydrant-jockey-run", "fire-tank-level", "hydrant-pump-1-no-rise")


@pytest.fixture
def watch(one_db: Database) -> Callable[..., Night]:
    """Opens a night with these points."""

    def open_night(*points: str, **options: Any) -> Night:
        return Night(one_db, yunhe(*points), **options)

    return open_night


def value(night: Night, point: str = COVERAGE) -> float | None:
    with night.db.read() as session:
        row = session.get(PointState, point)
        return None if row is None else row.value


def all_up(night: Night) -> Night:
    for camera in CAMERAS:
        night.shows(camera, 1)
    night.wait("70s")
    return night


def test_coverage_follows_the_cameras_and_its_limit_judges_it(watch: Callable[..., Night]) -> None:
    night = all_up(watch("cctv-coverage", *CAMERAS))
    assert value(night) == 100
    night.shows("camera-garage-north-online", 0)
    night.wait("70s")
    assert value(night) == pytest.approx(400 / 6)
    (alert,) = [one for one in night.alerts() if one.rule == "NUM-05"]
    assert (alert.target, round(alert.value or 0, 1)) == (COVERAGE, 66.7)
    night.shows("camera-garage-north-online", 1)
    night.wait("70s")
    assert value(night) == 100
    assert not night.alert("NUM-05").active


def test_a_camera_that_fell_silent_covers_nothing(watch: Callable[..., Night]) -> None:
    night = all_up(watch("cctv-coverage", *CAMERAS))
    night.falls_silent("camera-gate-online")
    night.wait("150s")
    assert value(night) == 100
    night.wait("40s")
    assert value(night) == pytest.approx(500 / 6)


def test_what_we_do_not_hear_changes_no_coverage(watch: Callable[..., Night]) -> None:
    night = all_up(watch("cctv-coverage", *CAMERAS))
    night.broker_down()
    night.wait("20min", step="1min")
    assert value(night) == 100
    night.broker_back()
    night.wait("30s")
    assert value(night) == 100
    assert [one.rule for one in night.alerts()] == []


def test_a_camera_under_maintenance_is_no_blind_area(watch: Callable[..., Night]) -> None:
    night = all_up(watch("cctv-coverage", *CAMERAS))
    night.maintain("yunhe/camera-gate", "1h")
    night.shows("camera-gate-online", 0)
    night.wait("70s")
    assert value(night) == 100
    assert [one.rule for one in night.alerts()] == []


def test_coverage_is_said_every_five_minutes_and_kept_for_charts(watch: Callable[..., Night], tmp_path: Path) -> None:
    store = open_sqlite_store(tmp_path / "series.db")
    night = watch("cctv-coverage", *CAMERAS)
    night.judge._store = store
    start = night.now
    all_up(night)
    night.wait("11min", step="20s")
    said = store.readings(COVERAGE, start, night.now + timedelta(seconds=1))
    assert [one.value for one in said] == [100.0] * 3
    gaps = [(after.at - before.at).total_seconds() for before, after in itertools.pairwise(said)]
    assert all(300 <= gap <= 321 for gap in gaps)
    store.close()


def test_a_store_that_does_not_answer_keeps_nothing_up_and_gets_it_later(
    watch: Callable[..., Night], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_sqlite_store(tmp_path / "series.db")
    night = watch("cctv-coverage", *CAMERAS)
    night.judge._store = store

    def refuse(*_: object) -> None:
        raise StoreBusy("locked")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "write", refuse)
        all_up(night)
    assert value(night) == 100
    assert store.count(COVERAGE) == 0
    night.wait("10s")
    assert store.count(COVERAGE) == 1
    store.close()


def run_main(night: Night) -> None:
    """The main pump runs for a minute."""
    night.shows(PRESSURE, 0.70)
    for contact in STATION[1:4]:
        night.shows(contact, 0)
    night.wait("30s")
    night.shows(MAIN, 1)
    night.wait("10s", step="2s")
    night.shows(PRESSURE, 0.95)
    night.wait("60s")
    night.shows(MAIN, 0)
    night.wait("12s", step="2s")


def count(night: Night, table: type[Any]) -> int:
    with night.db.read() as session:
        return len(list(session.scalars(select(table))))


@pytest.mark.parametrize("tested", [False, True])
def test_a_run_while_the_fire_alarm_is_tested_is_no_pump_test(watch: Callable[..., Night], tested: bool) -> None:
    night = watch(*STATION)
    if tested:
        with night.db.begin() as session:
            session.add(
                FireTestMode(
                    id=new_id(), site="yunhe", panel="fire-panel-1", zone="", reason="联动测试",
                    begun_at=night.now, begun_by="engineer-fire", second="supervisor",
                    until=night.now + timedelta(hours=1), ended_at=None, ended_by=None,
                )
            )  # fmt: skip
    run_main(night)
    assert (count(night, PumpRun), count(night, PumpTest)) == (1, 0 if tested else 1)


def test_a_failure_in_there_undoes_only_itself(
    watch: Callable[..., Night], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    night = watch(*STATION)
    night.shows(PRESSURE, 0.70)
    night.wait("30s")

    def fail(*_: object) -> None:
        raise ValueError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(derived.store, "begin_run", fail)
        for contact in STATION[1:4]:
            night.shows(contact, 0)
        night.wait("20s")
        night.shows(MAIN, 1)
        night.wait("20s")
        assert value(night, f"yunhe/{MAIN}") == 1.0
    assert "planted" in caplog.text
    assert count(night, PumpRun) == 0
    night.wait("20s")
    assert count(night, PumpRun) == 1, "the next sample tells it again: what failed was not remembered"


def test_a_station_whose_points_are_not_all_declared_is_left_out() -> None:
    whole = shipped().site("yunhe")
    assert [one.id for one in derived.whole_stations(whole)] == ["hydrant", "sprinkler"], "the others have no contacts"
    without = with_changes(whole, points=tuple(one for one in whole.points if one.id != MAIN))
    assert "hydrant" not in {one.id for one in derived.whole_stations(without)}


def test_times_of_a_derived_value_are_those_of_what_it_follows_from(watch: Callable[..., Night]) -> None:
    night = watch(*STATION)
    run_main(night)
    with night.db.read() as session:
        (run,) = session.scalars(select(PumpRun))
    assert run.started_at <= night.now - timedelta(seconds=60)
    assert run.ended_at is not None
    assert to_ms(run.ended_at) % 2000 == 0


def test_a_wet_leak_rope_is_told_and_stays_until_somebody_looked(watch: Callable[..., Night]) -> None:
    night = watch("fire-pump-leak-wet")
    for wet in (0, 1, 0):
        night.shows("fire-pump-leak-wet", wet)
        night.wait("6min", step="1min")
    alert = night.alert("PUMP-05")
    assert (alert.severity, alert.active, alert.latched, alert.closed_at) == ("high", False, True, None)
