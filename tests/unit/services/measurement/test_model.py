from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from console import SITE, shipped

from services.kernel.errors import Invalid
from services.measurement import model
from services.measurement.model import Asks, Entry

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
BOX, FLOOR = shipped().site(SITE).point("box-1-insulation"), shipped().site(SITE).point("lobby-1-friction")
GOOD: dict[str, dict[str, Any]] = {
    BOX.id: {"instrument": "2500-3317", "circuit": "WL1"},
    FLOOR.id: {"place": "入口", "condition": "wet"},
}


class Row(NamedTuple):
    """A reading."""

    value: float
    at: datetime
    circuit: str = ""
    place: str = ""
    condition: str = ""


def row(value: float, hours: int, **more: str) -> Row:
    return Row(value, NOW + timedelta(hours=hours), **more)


def test_only_points_without_interval_are_typed() -> None:
    typed = {point.id for point in shipped().site(SITE).points if model.is_typed(point)}
    assert {BOX.id, FLOOR.id} <= typed
    assert not {"low-zone-pressure", "domestic-tank-level"} & typed
    assert not model.is_typed(BOX.model_copy(update={"derived": True}))


def test_what_is_asked_for_comes_with_the_quantity() -> None:
    assert model.asks_of("insulation") == Asks(instrument=True, circuit=True)
    assert model.asks_of("friction") == Asks(place=True, condition=True)
    assert model.asks_of("level") == Asks()


@pytest.mark.parametrize("missing", ["instrument", "circuit", "place", "condition"])
def test_nothing_that_is_asked_for_may_be_left_out(missing: str) -> None:
    point = BOX if missing in GOOD[BOX.id] else FLOOR
    model.checked(point, Entry("read-0001", point.id, 0.5, **GOOD[point.id]))
    with pytest.raises(Invalid) as refused:
        model.checked(point, Entry("read-0001", point.id, 0.5, **GOOD[point.id] | {missing: ""}))
    assert refused.value.detail["field"] == missing


@pytest.mark.parametrize("value", [-0.01, 2.01, float("nan"), float("inf"), True])
def test_what_no_instrument_can_show_is_refused(value: float) -> None:
    with pytest.raises(Invalid) as refused:
        model.checked(FLOOR, Entry("read-0001", FLOOR.id, value, **GOOD[FLOOR.id]))
    assert refused.value.detail["field"] == "value"
    for bound in (0.0, 2.0):
        model.checked(FLOOR, Entry("read-0001", FLOOR.id, bound, **GOOD[FLOOR.id]))


def test_words_are_kept_without_stray_spaces() -> None:
    found = model.checked(BOX, Entry("read-0001", BOX.id, 1.0, " 2500-3317", "WL  1\n", note="  "))
    assert (found.instrument, found.circuit, found.note) == ("2500-3317", "WL 1", "")


@pytest.mark.parametrize(("one", "other"), [("WL 1", "wl-1"), ("1号柜/WL_1", "1号柜 wl1")])
def test_a_circuit_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert model.spot(row(1, 0, circuit=one)) == model.spot(row(1, 0, circuit=other))


def test_dry_and_wet_and_other_circuits_are_other_spots() -> None:
    spots = {
        model.spot(one)
        for one in (row(1, 0, place="入口", condition="dry"), row(1, 0, place="入口", condition="wet"),
                    row(1, 0, circuit="WL1"), row(1, 0, circuit="WL2"))
    }  # fmt: skip
    assert len(spots) == 4


def test_the_lowest_of_the_newest_stands_for_a_box_and_the_newest_for_a_tank() -> None:
    rows = [row(0.3, 2, circuit="WL2"), row(0.2, 0, circuit="WL1"), row(5.0, 1, circuit="wl1")]
    assert model.standing("insulation", rows).value == 0.3
    assert [one.value for one in model.newest_by_spot(rows)] == [0.3, 5.0]
    assert model.standing("level", [row(2.0, 1), row(0.4, 0)]).value == 2.0


def test_friction_is_measured_again_after_half_a_year() -> None:
    assert not model.is_old("friction", NOW - timedelta(days=180), NOW)
    assert model.is_old("friction", NOW - timedelta(days=180, seconds=1), NOW)
    assert not model.is_old("level", NOW - timedelta(days=4000), NOW)


@pytest.mark.parametrize(
    ("instrument", "on", "calibration"),
    [
        ("", date(2026, 1, 1), ""), ("a-1", date(2026, 1, 1), "valid"), ("A-1", date(2026, 1, 2), "expired"),
        ("B-1", date(2026, 1, 1), "none"), ("C-1", date(2026, 1, 1), "unknown"),
    ],
)  # fmt: skip
def test_a_calibration_holds_to_its_last_day(instrument: str, on: date, calibration: str) -> None:
    assert model.calibration_of(instrument, {"A-1": date(2026, 1, 1), "B-1": None}, on) == calibration
