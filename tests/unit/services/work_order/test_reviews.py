"""Emergency repair reports (ROU-33): drafted from the timeline, and the order stays open."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.work_order import reviews
from services.work_order import service as orders
from services.work_order.service import NewOrder
from services.work_order.tables import RepairReview, WorkOrder

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = {"id": "burst_pipe", "priority": "P1", "respond_within": "PT1H", "finish_within": "PT2H", "review": True}
WORDS = {"cause": "管接头老化", "effect": "40 分钟止水", "measures": "更换同批接头"}


def step(db: Database, verb: Callable[..., WorkOrder], order_id: str, minute: int, **more: Any) -> WorkOrder:
    with db.begin() as s:
        version = orders.get(s, order_id).version
        return verb(s, order_id, version=version, **({"actor": "zhao", "now": NOW + minute * MINUTE} | more))


def repaired(db: Database, **policy: Any) -> str:
    with db.begin() as s:
        new = NewOrder(site="yunhe", title="爆管", place="地库", assignee="zhao", policy=POLICY | policy)
        order = orders.create_for_alert(s, "01JD0000000000000000000001", new, ZoneInfo("Asia/Shanghai"), NOW).order
    step(db, orders.start, order.id, 15)
    step(db, orders.hold, order.id, 20, reason="等关阀", until=NOW + timedelta(hours=2))
    step(db, orders.resume, order.id, 50)
    step(db, orders.submit, order.id, 130, note="换管段")
    return order.id


def write(db: Database, order_id: str, **more: Any) -> None:
    with db.begin() as s:
        reviews.write(s, order_id, **({**WORDS, "actor": "zhao", "role": "engineer", "now": NOW} | more))


def approve(db: Database, order_id: str, actor: str = "qian", role: str = "supervisor") -> None:
    with db.begin() as s:
        reviews.approve(s, order_id, actor=actor, role=role, now=NOW)


def test_the_draft_tells_the_timeline(db: Database) -> None:
    order_id = repaired(db)
    with db.read() as s:
        row = s.get(RepairReview, order_id)
        assert row is not None
        draft = row.draft
        assert orders.get(s, order_id).review == "due"
    assert draft["respond"]["minutes"] == 15.0
    assert draft["respond"]["timely"] is True
    assert draft["finish"]["minutes"] == 130.0
    assert draft["finish"]["timely"] is False, "a hold moves nothing here"
    assert [(one["minutes"], one["reason"]) for one in draft["holds"]] == [(30.0, "等关阀")]
    assert [one["kind"] for one in draft["timeline"]] == [
        "reported", "accepted", "dispatched", "started", "put_on_hold", "resumed", "submitted",
    ]  # fmt: skip
    assert draft["timeline"][-1]["words"] == "换管段"
    assert draft["executors"] == ["zhao"]


def test_the_order_stays_open_until_another_leader_approves(db: Database) -> None:
    order_id = repaired(db)
    step(db, orders.verify, order_id, 140, actor="desk", role="duty")
    with pytest.raises(Conflict, match="report is not approved") as refused:
        step(db, orders.rate, order_id, 150, actor="desk", stars=5)
    assert refused.value.detail["next_step"] == "write_review"
    with pytest.raises(Conflict, match="no report"):
        approve(db, order_id)
    with pytest.raises(Forbidden):
        write(db, order_id, actor="sun")
    with pytest.raises(Invalid):
        write(db, order_id, effect=" ")
    write(db, order_id)
    for actor, role in (("zhao", "supervisor"), ("qian", "engineer"), ("desk", "duty")):
        with pytest.raises(Forbidden):
            approve(db, order_id, actor, role)
    with db.begin() as s:
        reviews.send_back(s, order_id, reason="写明原因", actor="qian", role="supervisor", now=NOW)
    with pytest.raises(Conflict, match="report is not approved"):
        step(db, orders.rate, order_id, 150, actor="desk", stars=5)
    write(db, order_id, actor="qian", role="supervisor")
    with pytest.raises(Forbidden):
        approve(db, order_id)
    approve(db, order_id, "li", "manager")
    assert step(db, orders.rate, order_id, 150, actor="desk", stars=5).state == "closed"


def test_work_that_is_sent_back_needs_the_report_again(db: Database) -> None:
    order_id = repaired(db)
    write(db, order_id)
    approve(db, order_id)
    step(db, orders.rework, order_id, 140, actor="desk", role="duty", reason="还在渗")
    with pytest.raises(NotFound):
        write(db, order_id)
    step(db, orders.submit, order_id, 160)
    with db.read() as s:
        row = s.get(RepairReview, order_id)
        assert row is not None
        assert (orders.get(s, order_id).review, row.cause, row.approved_by) == ("due", "管接头老化", "")
        assert row.draft["rework_count"] == 1


@pytest.mark.parametrize("policy", [{"review": False}, {"priority": "P3"}])
def test_other_repairs_need_none(one_db: Database, policy: dict[str, Any]) -> None:
    order_id = repaired(one_db, **policy)
    step(one_db, orders.verify, order_id, 140, actor="desk", role="duty")
    assert step(one_db, orders.rate, order_id, 150, actor="desk", stars=5).review == ""
