"""Values that people type in, the orders they lead to, and the days those belong to."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from scenario.site import Night, with_changes, yunhe

from services.kernel.errors import Conflict, Forbidden
from services.work_order import reviews
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder

BOX = "box-1-insulation"
OPENED = "alert.opened: duty, engineer-power"
Nights = Callable[..., Night]


def broken_box(night: Night) -> Night:
    """An insulation reading below the limit: somebody is told and has a job."""
    night.reading(BOX, 0.49)
    night.wait("2s")
    assert night.heard() == [OPENED]
    return night


def work(night: Night, step: str, **words: object) -> WorkOrder:
    """Take the one order a step on."""
    order = night.order()
    with night.db.begin() as session:
        done: WorkOrder = getattr(work_orders, step)(session, order.id, version=order.version, now=night.now, **words)
        return done


def test_below_the_limit_alerts_at_once_and_the_next_good_value_clears(nights: Nights) -> None:
    night = broken_box(nights(BOX))
    alert = night.alert()
    assert (alert.rule, alert.active, alert.value, alert.limit_text) == ("NUM-02", True, 0.49, "≥ 0.50 MΩ")
    night.acknowledge("engineer-power")
    night.wait("12h", step="1h")
    assert [line for line in night.heard() if line.startswith("alert")] == []
    assert night.alert().active, "the value stands until the next one: silence says nothing"
    night.restart()
    night.reading(BOX, 0.5)
    night.wait("2s")
    assert night.state() == "closed"
    assert night.heard() == ["alert.cleared: duty, engineer-power"]


def test_measured_this_morning_and_typed_in_now_is_told_after_a_while(own_nights: Nights) -> None:
    night = own_nights(BOX)
    night.reading(BOX, 0.3, at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC))
    night.wait("20s")
    assert night.heard() == []
    assert night.alert().late
    night.wait("12min")
    assert [line for line in night.heard() if line.startswith("alert")] == [OPENED]


def test_nobody_begins_and_nobody_finishes_in_time(nights: Nights) -> None:
    night = broken_box(nights(BOX))
    night.acknowledge("engineer-power")
    night.wait("59min", step="1min")
    assert night.heard() == []
    night.restart()
    night.wait("2min", step="1min")
    assert night.heard() == ["work_order.overdue: duty, supervisor"]
    night.wait("1h", step="1min")
    assert night.heard() == ["work_order.overdue: duty, manager"]
    night.wait("5h", step="10min")
    assert night.order_history() == [
        "reported", "accepted", "dispatched", "overdue_noted", "escalated", "overdue_noted", "escalated",
    ]  # fmt: skip


def test_five_steps_to_closed(nights: Nights) -> None:
    night = broken_box(nights(BOX))
    night.acknowledge("engineer-power")
    night.wait("30min", step="5min")
    work(night, "start", actor="engineer-power")
    night.wait("50min", step="5min")
    work(night, "submit", actor="engineer-power", note="dried and tested")
    with pytest.raises(Forbidden):
        work(night, "verify", actor="engineer-power", role="engineer")
    work(night, "rework", actor="supervisor", role="supervisor", reason="cover still open")
    work(night, "submit", actor="engineer-power")
    work(night, "verify", actor="supervisor", role="supervisor")
    with pytest.raises(Conflict):
        work(night, "submit", actor="engineer-power")
    with pytest.raises(Conflict, match="report is not approved"):
        work(night, "rate", actor="manager", stars=4)
    order = night.order()
    with night.db.begin() as session:
        words = {"cause": "潮气", "effect": "绝缘恢复", "measures": "加防潮板"}
        reviews.write(session, order.id, **words, actor="engineer-power", role="engineer", now=night.now)
        reviews.approve(session, order.id, actor="supervisor", role="supervisor", now=night.now)
    done = work(night, "rate", actor="manager", stars=4)
    assert (done.state, done.rework_count, done.rating) == ("closed", 1, 4)
    night.wait("4h", step="10min")
    assert night.heard() == [], "every clock was stopped in time"
    with night.db.read() as session:
        rows = work_orders.history(session, done.id)
        assert work_orders.state_of(work_orders.get(session, done.id)).state == "closed"
    assert [row.kind for row in rows if row.kind in ("accepted", "dispatched", "started", "verified", "rated")] == [
        "accepted", "dispatched", "started", "verified", "rated",
    ]  # fmt: skip


def test_an_order_that_comes_back_from_rework_keeps_its_deadline(own_nights: Nights) -> None:
    night = broken_box(own_nights(BOX))
    night.acknowledge("engineer-power")
    work(night, "start", actor="engineer-power")
    due = night.order().finish_due_at
    work(night, "submit", actor="engineer-power")
    work(night, "rework", actor="supervisor", role="supervisor", reason="not dry")
    assert night.order().finish_due_at == due
    night.wait("2h", step="5min")
    night.wait("5min")
    assert night.heard() == ["work_order.overdue: duty, manager"]


def test_orders_are_numbered_by_the_sites_own_day(nights: Nights) -> None:
    night = nights(BOX, "box-2-insulation", start="2026-11-21 23:59")
    night.reading(BOX, 0.4)
    night.wait("2s")
    night.wait("2min")
    night.reading("box-2-insulation", 0.4)
    night.wait("2s")
    assert [order.number for order in night.orders()] == ["WO-20261121-0001", "WO-20261122-0001"]
    assert len(night.heard()) == 2


def test_the_night_with_twenty_five_hours(own_nights: Nights) -> None:
    """Berlin, 25 October 2026: 02:30 happens twice, the clocks of people and orders count real time."""
    whole = yunhe(BOX, "box-2-insulation")
    berlin = with_changes(whole, site=whole.site.model_copy(update={"timezone": "Europe/Berlin"}))
    night = own_nights(config=berlin, start="2026-10-25 02:30")
    night.reading(BOX, 0.4)
    night.wait("2s")
    (text,) = night.texts()
    assert "02:30" in text
    assert "WO-20261025-0001" in text
    night.acknowledge("engineer-power")
    night.wait("59min", step="1min")
    assert night.local() == "02:29:02", "an hour later the wall says the same"
    assert night.heard() == []
    night.wait("2min", step="1min")
    (text,) = night.texts()
    assert "02:30" in text
    night.wait("20h", step="1h")
    night.texts()
    assert night.local() == "22:31:02"
    night.wait("80min", step="10min")
    night.reading("box-2-insulation", 0.4)
    night.wait("2s")
    assert [order.number for order in night.orders()] == ["WO-20261025-0001", "WO-20261025-0002"]
    night.texts()


def test_a_site_that_names_its_console_gets_links_in_messages(own_nights: Nights) -> None:
    whole = yunhe(BOX)
    linked = with_changes(whole, site=whole.site.model_copy(update={"console_url": "https://gengfu.example"}))
    night = own_nights(config=linked)
    night.reading(BOX, 0.4)
    night.wait("2s")
    (text,) = night.texts()
    assert f"https://gengfu.example/alerts/{night.alert().id}" in text
