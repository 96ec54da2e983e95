"""A pressure sensor breaks in the middle of a leak: the sensor is told, and the leak is not taken back."""

from collections.abc import Callable

import pytest
from scenario.site import Night

from gateway.contract.times import format_at, to_ms

HYDRANT, SECOND = "hydrant-main-pressure", "hydrant-main-pressure-2"
LOOP_MODULE = "fire-loop-module"


def broken_wire(night: Night, seconds: int) -> None:
    """The module says that the loop of the second sensor carries no current."""
    night.falls_silent(SECOND)
    for _ in range(seconds // 2):
        event = {"id": night._next_id(LOOP_MODULE), "at": format_at(to_ms(night.now)), "point": SECOND, "value": 0.7}
        night.publish(LOOP_MODULE, "reading", event | {"quality": "bad", "fault": "electrical"})
        night.wait("2s", step="2s")


def breathes(night: Night, point: str, value: float, seconds: int) -> None:
    """The value with the noise of a living sensor."""
    for index in range(seconds // 2):
        night.reading(point, value + 0.001 * (index % 2))
        night.wait("2s", step="2s")


@pytest.mark.parametrize("restart", [False, True])
def test_a_wire_breaks_during_a_leak(own_nights: Callable[..., Night], restart: bool) -> None:
    night = own_nights(SECOND)
    breathes(night, SECOND, 0.70, 20)
    breathes(night, SECOND, 0.40, 30)
    assert night.alert("NUM-01").active
    night.heard()
    broken_wire(night, 60)
    if restart:
        night.restart()
    assert night.alert("DATA-LOOP").active
    assert night.alerts("DATA-RANGE") == night.alerts("DATA-STALE") == []
    assert len(night.heard()) == 1
    breathes(night, SECOND, 0.70, 70)
    if restart:
        night.restart()
    assert not night.alert("DATA-LOOP").active
    assert night.alert("NUM-01").active, "its off-delay begins when the wire is whole again"
    breathes(night, SECOND, 0.70, 70)
    assert not night.alert("NUM-01").active
    night.heard()


def test_a_twin_drifts_away_and_comes_back(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HYDRANT, SECOND)
    night.shows(HYDRANT, 0.70)
    night.shows(SECOND, 0.58)
    night.wait("8min", step="2s")
    assert "DATA-TWIN" in {one.rule for one in night.alerts() if one.active}
    assert night.alert("DATA-TWIN").limit_text == "± 0.100 MPa"
    night.shows(SECOND, 0.70)
    night.wait("7min", step="2s")
    assert not night.alert("DATA-TWIN").active
    night.heard()
