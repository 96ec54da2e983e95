"""Readings that people measure and type in: what the floor is like when wet, and one fault that is found twice."""

from collections.abc import Callable
from typing import Any

import pytest
from inspected import BOX_GOOD, entry, filled, with_upkeep
from scenario.site import Night, span, yunhe
from sqlalchemy import select

from gateway.contract.times import format_at, to_ms
from services.alert.tables import Alert
from services.equipment.tables import Equipment
from services.flows import inspections
from services.kernel.db import Database
from services.measurement.tables import TypedReading
from services.work_order.tables import WorkOrder

BOX = "box-1-insulation"
FLOOR = "lobby-1-friction"


class Hands(Night):
    """People who measure."""

    typed = 0

    def types(self, point: str, value: float, *, ago: str = "0s", client_id: str = "", **words: Any) -> None:
        """Somebody measured `ago` and it arrives now."""
        self.typed += 1
        said = {"by": "engineer-power", "client_id": client_id or f"read-{self.typed:04d}", **words}
        device, at = self.config.point_by_id[point].device, format_at(to_ms(self.now - span(ago)))
        event = {"id": self._next_id(device), "at": at, "point": point, "value": value, "typed": said}
        self.publish(device, "reading", event)
        self.wait("2s")

    def alerts(self) -> list[tuple[str, float | None, str]]:
        """Open alerts: rule, value, and where."""
        with self.db.read() as s:
            rows = s.scalars(select(Alert).where(Alert.closed_at.is_(None), Alert.active).order_by(Alert.id))
            where = [(one, one.detail["typed"]) for one in rows]
        return [(one.rule, one.value, f"{said['circuit']}{said['place']} {said['condition']}") for one, said in where]


Nights = Callable[..., Hands]


@pytest.fixture
def hands(db: Database) -> Nights:
    return lambda *points: Hands(db, yunhe(*points))


def test_the_wet_floor_raises_though_the_dry_one_is_fine_and_dry_again_does_not_clear_it(hands: Nights) -> None:
    night = hands(FLOOR)
    night.types(FLOOR, 0.71, place="入口", condition="dry")
    assert night.alerts() == []
    night.types(FLOOR, 0.42, place="入口", condition="wet")
    assert night.alerts() == [("NUM-04", 0.42, "入口 wet")]
    night.types(FLOOR, 0.70, place="入口", condition="dry")
    assert night.alerts() == [("NUM-04", 0.42, "入口 wet")]
    night.restart()
    night.types(FLOOR, 0.55, place=" 入口", condition="wet")
    assert night.alerts() == []
    with night.db.read() as s:
        assert len(s.scalars(select(TypedReading)).all()) == 4


def test_a_wet_value_that_comes_late_from_a_phone_without_network_counts(hands: Nights) -> None:
    night = hands(FLOOR)
    night.types(FLOOR, 0.71, place="入口", condition="dry")
    night.types(FLOOR, 0.42, place="入口", condition="wet", ago="30min")
    assert night.alerts() == [("NUM-04", 0.42, "入口 wet")]


def test_the_worst_circuit_stands_for_the_box_and_is_taken_out_of_use(hands: Nights) -> None:
    night = hands(BOX)
    with night.db.begin() as s:
        entry(s, night.config, "box-1", night.now)
    night.wait("2s")
    night.types(BOX, 0.31, circuit="WL-1", instrument="2500-3317")
    night.types(BOX, 2.0, circuit="WL-2", instrument="2500-3317")
    assert night.alerts() == [("NUM-02", 0.31, "WL-1 ")]
    with night.db.read() as s:
        box = s.scalars(select(Equipment).where(Equipment.eid == "box-1")).one()
        order = s.scalars(select(WorkOrder)).one()
    assert (box.status, order.equipment_id) == ("repair", box.id)
    night.types(BOX, 0.9, circuit="wl1", instrument="2500-3317")
    assert night.alerts() == []


def test_the_same_reading_again_is_judged_once(hands: Nights) -> None:
    night = hands(BOX)
    night.types(BOX, 0.31, circuit="WL1", client_id="read-same")
    night.types(BOX, 1.0, circuit="WL1")
    night.types(BOX, 0.31, circuit="WL1", client_id="read-same")
    assert night.alerts() == []
    with night.db.read() as s:
        assert [one.value for one in s.scalars(select(TypedReading).order_by(TypedReading.at))] == [0.31, 1.0]


@pytest.mark.parametrize("first", ["inspection", "reading"])
def test_one_measured_fault_makes_one_order(db: Database, first: str) -> None:
    night = Hands(db, with_upkeep(yunhe(BOX)))
    with night.db.begin() as s:
        row = entry(s, night.config, "box-1", night.now)
    night.wait("2s")

    def inspect() -> None:
        with night.db.begin() as s:
            bad = filled(row, "box-yearly", BOX_GOOD | {"insulation": 0.31}, night.now, instrument="2500-3317")
            inspections.record(s, night.config, bad, night.now)

    def measure() -> None:
        night.types(BOX, 0.31, circuit="WL1", instrument="2500-3317")

    for step in (inspect, measure) if first == "inspection" else (measure, inspect):
        step()
        night.wait("4s")
    with night.db.read() as s:
        (order,) = s.scalars(select(WorkOrder))
        (alert,) = s.scalars(select(Alert).where(Alert.rule == "NUM-02"))
    assert (order.alert_id, order.origin) == (alert.id, "inspection" if first == "inspection" else "alert")
