"""A gauge whose set value nobody configured: the median of its first days stands in, and says so (AMB-01)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scenario.site import Night, with_changes, yunhe

from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import TimeSeriesStore
from services.flows.learning import Learner

HIGH_ZONE = "high-zone-pressure"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TimeSeriesStore]:
    opened = open_sqlite_store(tmp_path / "timeseries.db")
    yield opened
    opened.close()


def test_the_median_stands_in_and_is_marked(own_nights: Callable[..., Night], store: TimeSeriesStore) -> None:
    whole = yunhe(HIGH_ZONE)
    unset = tuple(replace(one, set_value=None) for one in whole.limits)
    points = tuple(one.model_copy(update={"set_value": None}) for one in whole.points)
    night = own_nights(config=with_changes(whole, limits=unset, points=points), store=store)

    def learn() -> None:
        Learner(night.judge, store, [night.config], raw_days=90).turn(night.now)

    night.shows(HIGH_ZONE, 0.62)
    night.wait("5min")
    learn()
    assert night.judge.engine.tracks["yunhe/high-zone-pressure"].provisional_set is None, "too early to tell"
    night.wait("10min")
    night.shows(HIGH_ZONE, 0.40)
    night.wait("2min")
    assert night.alerts() == [], "no set value, no limit"
    night.shows(HIGH_ZONE, 0.62)
    night.wait("2min")
    learn()
    night.restart()
    night.wait("1min")
    assert night.judge.engine.tracks["yunhe/high-zone-pressure"].provisional_set == 0.62
    night.shows(HIGH_ZONE, 0.50)
    night.wait("30s")
    assert night.alert().limit_text == "≈ 0.620 ± 0.100 MPa"
    assert night.alert().detail["provisional_set"] == 0.62
    (text,) = night.texts()
    assert "≈ 0.620 ± 0.100 MPa" in text
