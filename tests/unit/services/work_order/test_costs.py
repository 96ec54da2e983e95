"""Costs, their chains of approval, and what they hold up (APR-01, APR-02, AMB-13)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.site.approvals import ApprovalBand, ApprovalStep, band_for
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.work_order import approvals, costs
from services.work_order import service as orders
from services.work_order.costs import NewCost
from services.work_order.model import replay
from services.work_order.service import NewOrder
from services.work_order.tables import WorkOrder

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
STEPS = tuple(ApprovalStep(title=one) for one in ("主管", "经理", "总经理"))
BANDS = (
    ApprovalBand(id="small", up_to_yuan=2000, steps=(*STEPS, ApprovalStep(title="副总"))),
    ApprovalBand(id="middle", up_to_yuan=5000, steps=STEPS),
    ApprovalBand(id="large", steps=STEPS, origin="default"),
)
PIPE = NewCost("material", "水管", 3, "m", 12_50)


def started(db: Database, priority: str = "P3") -> str:
    with db.begin() as s:
        new = NewOrder(site="yunhe", title="漏水", place="1 号楼", priority=priority)
        order = orders.report(s, new, SHANGHAI, NOW, actor="desk")
        for verb, more in ((orders.accept, {}), (orders.dispatch, {"assignee": "zhao"}), (orders.start, {})):
            actor = "zhao" if verb is orders.start else "desk"
            verb(s, order.id, version=order.version, actor=actor, now=NOW, **more)
        return order.id


def spend(db: Database, order_id: str, cents: int, name: str = "配件") -> str:
    with db.begin() as s:
        return costs.add(s, order_id, NewCost("material", name, 1, "个", cents), actor="zhao", now=NOW).id


def ask(db: Database, order_id: str) -> list[str]:
    with db.begin() as s:
        band = band_for(BANDS, orders.get(s, order_id).cost_cents)
        assert band is not None
        return [one.id for one in approvals.ask(s, order_id, band, actor="zhao", now=NOW)]


def decide(db: Database, approval_id: str, actor: str = "boss", approve: bool = True, **more: Any) -> None:
    words: dict[str, Any] = {"holders": ("boss",), "may_enter": False, "approve": approve, "now": NOW}
    with db.begin() as s:
        approvals.decide(s, approval_id, actor=actor, **(words | more))


def step(db: Database, verb: Callable[..., WorkOrder], order_id: str, **more: Any) -> WorkOrder:
    with db.begin() as s:
        return verb(s, order_id, version=orders.get(s, order_id).version, **({"actor": "zhao", "now": NOW} | more))


def row(db: Database, order_id: str) -> WorkOrder:
    with db.read() as s:
        return orders.get(s, order_id)


def states(db: Database, order_id: str) -> list[tuple[int, str]]:
    with db.read() as s:
        return [(one.request, one.state) for one in approvals.of_order(s, order_id)]


@pytest.mark.parametrize(
    ("cents", "band"),
    [(1, "small"), (200_000, "small"), (200_001, "middle"), (500_000, "middle"), (500_001, "large"), (10**9, "large")],
)
def test_the_upper_figure_belongs_to_its_band(cents: int, band: str) -> None:
    found = band_for(BANDS, cents)
    assert found is not None
    assert found.id == band
    assert band_for(BANDS[:1], 200_001) is None


def test_lines_are_summed_and_removed_with_a_trace(db: Database) -> None:
    order_id = started(db)
    with db.begin() as s:
        line = costs.add(s, order_id, PIPE, actor="zhao", now=NOW)
        costs.add(s, order_id, NewCost("labour", "焊工", 1.5, "h", 80_00, "zhao"), actor="zhao", now=NOW)
    assert row(db, order_id).cost_cents == 3750 + 12_000
    with db.begin() as s:
        costs.remove(s, order_id, line.id, actor="desk", now=NOW)
    assert row(db, order_id).cost_cents == 12_000
    with db.read() as s:
        kept = costs.lines(s, order_id, removed=True)
        assert [(one.name, one.removed_by) for one in kept] == [("水管", "desk"), ("焊工", "")]
        assert len(costs.lines(s, order_id)) == 1
        assert {one.action for one in s.query(Audit)} >= {"work_order.cost_added", "work_order.cost_removed"}
        history = orders.history(s, order_id)
        assert replay(orders.events_of(history)) == orders.state_of(orders.get(s, order_id))
    with db.begin() as s, pytest.raises(Conflict):
        costs.remove(s, order_id, line.id, actor="desk", now=NOW)
    with db.begin() as s, pytest.raises(NotFound):
        costs.remove(s, order_id, "nothing", actor="desk", now=NOW)


@pytest.mark.parametrize(
    "new",
    [
        NewCost("material", " ", 1, "个", 100),
        NewCost("material", "管", 0, "个", 100),
        NewCost("material", "管", float("inf"), "个", 100),
        NewCost("material", "管", 1, "", 100),
        NewCost("material", "管", 1, "个", -1),
        NewCost("material", "管", 1_000_000, "个", 1_000_000),
    ],
)
def test_lines_that_cannot_be_meant(one_db: Database, new: NewCost) -> None:
    order_id = started(one_db)
    with one_db.begin() as s, pytest.raises(Invalid):
        costs.add(s, order_id, new, actor="zhao", now=NOW)
    assert row(one_db, order_id).cost_cents == 0


def test_an_order_waits_for_every_hand_in_turn(db: Database) -> None:
    order_id = started(db)
    step(db, orders.submit, order_id)
    step(db, orders.rework, order_id, actor="desk", role="duty", reason="还漏")
    spend(db, order_id, 300_000)
    with pytest.raises(Conflict, match="cannot be submitted") as refused:
        step(db, orders.submit, order_id)
    assert refused.value.detail["next_step"] == "ask_approval"
    hands = ask(db, order_id)
    assert len(hands) == 3
    with pytest.raises(Conflict, match="waits for 主管"):
        ask(db, order_id)
    with pytest.raises(Conflict, match="cannot decide"):
        decide(db, hands[1])
    for one in hands:
        with pytest.raises(Conflict, match="cannot be submitted"):
            step(db, orders.submit, order_id)
        decide(db, one)
    assert row(db, order_id).approved_cents == 300_000
    assert step(db, orders.submit, order_id).state == "submitted"


def test_who_asked_or_has_no_title_does_not_decide(db: Database) -> None:
    order_id = started(db)
    spend(db, order_id, 300_000)
    first, second, third = ask(db, order_id)
    with pytest.raises(Forbidden, match="asked"):
        decide(db, first, actor="zhao", holders=("zhao",))
    with pytest.raises(Forbidden, match="does not decide"):
        decide(db, first, actor="qian")
    with pytest.raises(Forbidden, match="paper"):
        decide(db, first, actor="boss", paper="审 2026-7")
    decide(db, first, actor="qian", may_enter=True, paper="审 2026-7")
    with pytest.raises(Invalid, match="needs words"):
        decide(db, second, approve=False)
    decide(db, second, approve=False, note="先找保修")
    assert states(db, order_id) == [(1, "approved"), (1, "rejected"), (1, "dropped")]
    assert row(db, order_id).approved_cents == 0
    with pytest.raises(Conflict):
        decide(db, third)
    assert len(ask(db, order_id)) == 3, "asked again"
    assert states(db, order_id)[0] == (2, "waiting")


def test_a_higher_sum_needs_a_new_request_for_the_whole(db: Database) -> None:
    order_id = started(db)
    spend(db, order_id, 150_000)
    for one in ask(db, order_id):
        decide(db, one)
    assert step(db, orders.submit, order_id).state == "submitted"
    spend(db, order_id, 60_000)  # a split purchase: together above 2000 yuan
    with pytest.raises(Conflict, match="cannot be verified"):
        step(db, orders.verify, order_id, actor="desk", role="duty")
    hands = ask(db, order_id)
    with db.read() as s:
        assert {one.band for one in approvals.of_order(s, order_id) if one.request == 2} == {"middle"}
        assert {one.amount_cents for one in approvals.of_order(s, order_id) if one.request == 2} == {210_000}
    decide(db, hands[0])
    spend(db, order_id, 1)
    assert [one for one in states(db, order_id) if one[0] == 2] == [(2, "approved"), (2, "dropped"), (2, "dropped")]
    assert row(db, order_id).approved_cents == 150_000


def test_a_lower_sum_waits_on_and_none_ends_it(db: Database) -> None:
    order_id = started(db)
    spend(db, order_id, 100_000)
    more = spend(db, order_id, 50_000, "阀门")
    ask(db, order_id)
    with db.begin() as s:
        costs.remove(s, order_id, more, actor="zhao", now=NOW)
    assert {state for _, state in states(db, order_id)} == {"waiting"}
    with db.begin() as s:
        costs.remove(s, order_id, costs.lines(s, order_id)[0].id, actor="zhao", now=NOW)
    assert {state for _, state in states(db, order_id)} == {"dropped"}
    with pytest.raises(Conflict, match="is approved"), db.begin() as s:
        approvals.ask(s, order_id, BANDS[0], actor="zhao", now=NOW)


def test_an_emergency_is_handed_in_first_and_approved_before_it_is_verified(db: Database) -> None:
    order_id = started(db, "P1")
    spend(db, order_id, 600_000)
    done = step(db, orders.submit, order_id, now=NOW + timedelta(minutes=20))
    assert done.finished_at == NOW + timedelta(minutes=20), "its clock tells when the danger was over"
    with pytest.raises(Conflict, match="cannot be verified"):
        step(db, orders.verify, order_id, actor="desk", role="duty")
    for one in ask(db, order_id):
        decide(db, one)
    assert step(db, orders.verify, order_id, actor="desk", role="duty").state == "verified"
    spend(db, order_id, 1)
    with pytest.raises(Conflict, match="cannot be closed"):
        step(db, orders.rate, order_id, actor="desk", stars=5)


def test_nothing_is_entered_after_the_end(db: Database) -> None:
    order_id = started(db)
    spend(db, order_id, 100)
    ask(db, order_id)
    step(db, orders.cancel, order_id, actor="desk", reason="不修了")
    assert {state for _, state in states(db, order_id)} == {"dropped"}
    with pytest.raises(Conflict, match="cancelled"):
        spend(db, order_id, 100)
