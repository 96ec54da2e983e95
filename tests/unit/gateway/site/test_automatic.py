"""Limits on the sensor attach where the point, or the profile of its sensor, gives them something to look at."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.site.automatic import AUTOMATIC, LOOP, RATE, STUCK, TWIN, is_asked_for, looped_points, numbers_of
from gateway.site.model import Point
from gateway.site.profile import Profile
from gateway.site.sensors import Sensor


def point(**changes: Any) -> Point:
    values = {"id": "p", "device": "d", "name": "压力", "unit": "MPa", "quantity": "pressure", "interval": "2s"}
    return Point.model_validate(values | changes)


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, ["DATA-STALE"]),
        ({"interval": "none"}, []),
        ({"valid_max": 1.6}, ["DATA-STALE", "DATA-RANGE"]),
        ({"stuck_after": "2h"}, ["DATA-STALE", "DATA-STUCK"]),
        ({"max_rate": 0.5}, ["DATA-STALE", "DATA-RATE"]),
        ({"twin": "q"}, ["DATA-STALE"]),
        ({"twin": "q", "twin_within": 0.1}, ["DATA-STALE", "DATA-TWIN"]),
    ],
)
def test_a_limit_attaches_where_it_is_asked_for(changes: dict[str, Any], asked: list[str]) -> None:
    assert [spec.id for spec in AUTOMATIC if is_asked_for(spec, point(**changes), looped=False)] == asked


def test_a_loop_is_watched_where_the_profile_has_one() -> None:
    profile = Profile.model_validate(
        {"id": "module", "name": "模块", "name_en": "Module", "source": "test"}
        | {"modbus": {"registers": [{"name": "current", "address": 0, "loop": {}}, {"name": "state", "address": 1}]}}
    )
    sensor = Sensor(device="d", profile="module", points={"current": "p", "state": "q"})
    assert looped_points([sensor], [profile]) == {"p"}
    assert is_asked_for(LOOP, point(), looped=True)
    assert not is_asked_for(LOOP, point(), looped=False)


def test_the_numbers_come_from_the_point() -> None:
    stuck = numbers_of(STUCK, point(stuck_after="2h"), "yunhe")
    assert (stuck.on_delay, stuck.resolution) == (timedelta(hours=2), 0.001)
    assert numbers_of(RATE, point(max_rate=0.5), "yunhe").threshold == 0.5
    twin = numbers_of(TWIN, point(twin="q", twin_within=0.1), "yunhe")
    assert (twin.twin, twin.threshold) == ("yunhe/q", 0.1)
    assert twin.return_threshold == pytest.approx(0.08)
    assert twin.on_delay == timedelta(minutes=5)
