"""A resident's repair from the report to the call-back, with the worker that minds its clocks."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.flows import call_backs, orders
from services.flows.orders import Report
from services.kernel.errors import Conflict, Invalid
from services.work_order import costs
from services.work_order import service as work_orders
from services.work_order.call_backs import Answer
from services.work_order.costs import NewCost
from services.work_order.tables import CallBackSample, WorkOrder

from .conftest import Nights
from .site import Night

LEAK = Report("卫生间漏水", "3 号楼 502", "leak", "3号楼502 住户")


def reported(night: Night, asked: Report = LEAK) -> str:
    with night.db.begin() as s:
        return orders.report(s, night.config, asked, actor="guard", now=night.now).id


def work(night: Night, order_id: str, step: str, **words: object) -> WorkOrder:
    with night.db.begin() as s:
        version = work_orders.get(s, order_id).version
        done: WorkOrder = getattr(work_orders, step)(s, order_id, version=version, now=night.now, **words)
        return done


def carried_out(night: Night, order_id: str) -> None:
    work(night, order_id, "accept", actor="duty")
    work(night, order_id, "dispatch", actor="duty", assignee="engineer-water")
    work(night, order_id, "start", actor="engineer-water")
    night.wait("20min", step="20min")
    work(night, order_id, "submit", actor="engineer-water")


def kinds(night: Night) -> list[str]:
    return [line.partition(":")[0] for line in night.heard() if line.startswith(("work_order", "call_back"))]


def test_nobody_cares_and_the_desk_hears_of_it(nights: Nights) -> None:
    night = nights()
    order_id = reported(night)
    night.wait("29min", step="29min")
    assert kinds(night) == ["work_order.reported"]
    night.wait("2min", step="1min")
    assert kinds(night) == ["work_order.overdue"], "TIM-07: 30 minutes to the response"
    night.wait("32min", step="8min")
    assert kinds(night) == ["work_order.progress"], "TIM-08: an hour to the call"
    with night.db.read() as s:
        assert work_orders.get(s, order_id).state == "reported"


def test_a_call_within_the_half_hour_is_the_response(nights: Nights) -> None:
    night = nights()
    order_id = reported(night)
    work(night, order_id, "accept", actor="duty")
    work(night, order_id, "dispatch", actor="duty", assignee="engineer-water")
    night.wait("25min", step="25min")
    with night.db.begin() as s:
        order = work_orders.contact(s, order_id, actor="duty", text="师傅一小时内到", now=night.now)
        assert order.responded_at == night.now
    night.wait("2h", step="20min")
    assert [one for one in kinds(night) if one in ("work_order.overdue", "work_order.progress")] == []
    work(night, order_id, "start", actor="engineer-water")
    with night.db.read() as s:
        assert work_orders.get(s, order_id).responded_at == night.now - timedelta(hours=2), "arriving moves nothing"


def test_paid_signed_closed_called_back_and_repaired_again(nights: Nights) -> None:
    night = nights()
    order_id = reported(night)
    carried_out(night, order_id)
    work(night, order_id, "rework", actor="duty", role="duty", reason="缝隙未封")
    with night.db.begin() as s:
        line = costs.add(
            s, order_id, NewCost("material", "密封胶", 2, "支", 3550), actor="engineer-water", now=night.now
        )
    with pytest.raises(Conflict, match="cannot be submitted"):
        work(night, order_id, "submit", actor="engineer-water")
    with night.db.begin() as s:
        costs.remove(s, order_id, line.id, actor="duty", now=night.now)
    work(night, order_id, "submit", actor="engineer-water")
    with pytest.raises(Invalid, match="signs"):
        work(night, order_id, "verify", actor="duty", role="duty")
    jpeg = "/9j/" + "A" * 60 + "/9k="
    with night.db.begin() as s:
        orders.keep_signature(s, order_id, "signature-1", jpeg, "住户", actor="duty", now=night.now)
    work(night, order_id, "verify", actor="duty", role="duty")
    work(night, order_id, "rate", actor="duty", stars=4)
    night.heard()
    night.wait("60h", step="6h")
    assert kinds(night) == ["call_back.due"], "the morning after the working day is over (TIM-11)"
    with night.db.begin() as s:
        drawn = set(s.execute(select(CallBackSample.level, CallBackSample.work_order_id)).all())
        assert {tuple(one) for one in drawn} == {("quality", order_id), ("director", order_id)}
        row = call_backs.record(
            s, night.config, order_id, Answer("service", False, "又漏了"), actor="duty", now=night.now
        )
        again = work_orders.get(s, str(row.rework_id))
    assert (again.origin, again.rework_of) == ("rework", order_id)
    night.heard()
    night.wait("24h", step="8h")
    assert "call_back.due" in kinds(night), "what was said goes to supervisor and manager (ROU-22)"
    third = reported(night)
    with night.db.read() as s:
        assert work_orders.get(s, third).rework_of == order_id, "the newest finished one is the first order (AMB-12)"
