"""Rework told by comparison (AMB-12): the same equipment or place, the same class, within 30 days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.kernel.db import Database
from services.work_order import service as orders
from services.work_order.service import NewOrder
from services.work_order.tables import WorkOrder

NOW = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PUMP = "01JE0000000000000000000001"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def new(**changes: object) -> NewOrder:
    return NewOrder(**({"site": "yunhe", "title": "漏水", "place": "1 号楼 302", "category": "leak"} | changes))  # type: ignore[arg-type]


def reported(db: Database, at: datetime, **changes: object) -> WorkOrder:
    with db.begin() as s:
        return orders.report(s, new(**changes), SHANGHAI, at, actor="desk")


def finished(db: Database, at: datetime, **changes: object) -> WorkOrder:
    order = reported(db, at, **changes)
    with db.begin() as s:
        order = orders.get(s, order.id)
        orders.accept(s, order.id, version=order.version, actor="desk", now=at)
        orders.dispatch(s, order.id, version=order.version, actor="desk", now=at, assignee="zhao")
        orders.start(s, order.id, version=order.version, actor="zhao", now=at)
        orders.submit(s, order.id, version=order.version, actor="zhao", now=at)
        return order


def test_a_chain_points_to_its_first_order(db: Database) -> None:
    first = finished(db, NOW)
    second = finished(db, NOW + 20 * DAY)
    third = reported(db, NOW + 45 * DAY)
    assert (first.rework_of, second.rework_of, third.rework_of) == (None, first.id, first.id)
    with db.read() as s:
        assert orders.history(s, third.id)[0].data["rework_of"] == first.id


@pytest.mark.parametrize(("days", "is_rework"), [(30, True), (31, False)])
def test_thirty_days_count_from_the_finish(one_db: Database, days: int, is_rework: bool) -> None:
    first = finished(one_db, NOW)
    again = reported(one_db, NOW + days * DAY)
    assert again.rework_of == (first.id if is_rework else None)


@pytest.mark.parametrize(
    ("before", "after", "is_rework"),
    [
        ({}, {"category": "lighting"}, False),
        ({}, {"place": "1 号楼 303"}, False),
        ({}, {"site": "elsewhere"}, False),
        ({}, {"equipment_id": PUMP}, False),
        ({"equipment_id": PUMP}, {"equipment_id": PUMP, "place": "别处"}, True),
        ({"equipment_id": PUMP}, {}, False),
        ({"category": ""}, {"category": ""}, False),
        ({"category": "patrol"}, {"category": "patrol"}, False),
        ({"place": " "}, {"place": " "}, False),
    ],
)
def test_what_is_the_same_fault(
    one_db: Database, before: dict[str, object], after: dict[str, object], is_rework: bool
) -> None:
    first = finished(one_db, NOW, **before)
    again = reported(one_db, NOW + DAY, **after)
    assert again.rework_of == (first.id if is_rework else None)


def test_an_unfinished_order_is_not_repeated(one_db: Database) -> None:
    reported(one_db, NOW)
    assert reported(one_db, NOW + DAY).rework_of is None
