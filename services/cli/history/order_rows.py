"""Orders of the past as rows: the same history that the machine would have written."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from gateway.site.approvals import ApprovalBand
from services.cli.history.orders import CallFact, OrderFact, OrderFacts
from services.cli.history.past import Past
from services.kernel.ids import new_id
from services.work_order.model import (
    Accepted,
    Cancelled,
    Dispatched,
    Event,
    OrderState,
    Rated,
    Reported,
    ReworkOrdered,
    Started,
    Submitted,
    Verified,
    apply,
    encode,
)
from services.work_order.tables import (
    CallBack,
    CallBackSample,
    WorkOrder,
    WorkOrderApproval,
    WorkOrderCost,
    WorkOrderCounter,
    WorkOrderEvent,
)


def write(
    session: Session, past: Past, facts: OrderFacts, ledger: dict[str, str], bands: Sequence[ApprovalBand]
) -> dict[str, str]:
    """Write them; `ledger`: short id → id of the equipment. Returns key → id of the orders."""
    ids = {one.key: new_id() for one in facts.orders}
    count: dict[date, int] = {}
    rows, events, costs, approvals = [], [], [], []
    for fact in facts.orders:
        day = fact.created_at.astimezone(past.zone).date()
        count[day] = count.get(day, 0) + 1
        state, told = _history(past, fact, ids[fact.key])
        spent = fact.cost_yuan * 100 if fact.submitted_at and past.is_over(fact.submitted_at) else 0
        waiting = past.dice("approval", fact.key).random() < 0.1
        rows.append(
            _columns(state)
            | {
                "id": ids[fact.key], "number": f"WO-{day:%Y%m%d}-{count[day]:04d}", "site": past.site, "alert_id": None,
                "title": fact.title, "place": fact.place, "equipment": "", "priority": fact.priority,
                "equipment_id": ledger.get(fact.equipment), "origin": fact.origin, "category": fact.category,
                "rework_of": ids.get(fact.repeats), "created_at": fact.created_at, "version": len(told), "policy": {},
                "cost_cents": spent, "approved_cents": 0 if waiting else spent,
                "requester": "业主" if fact.origin == "request" else "", "review": "",
            }
        )  # fmt: skip
        events += told
        if spent:
            costs.append(_cost(fact, ids[fact.key]))
            approvals += _approvals(past, fact, ids[fact.key], bands, waiting=waiting)
    for model, made in ((WorkOrder, rows), (WorkOrderEvent, events), (WorkOrderCost, costs)):
        add(session, model, made)
    add(session, WorkOrderApproval, approvals)
    add(session, WorkOrderCounter, [{"site": past.site, "day": day, "last": last} for day, last in count.items()])
    add(session, CallBack, [_call(past, one, ids) for one in facts.calls])
    drawn = [
        {
            "work_order_id": ids[key],
            "level": level,
            "site": past.site,
            "month_on": month,
            "drawn_at": past.midnight(month),
        }
        for key, level, month in facts.samples
    ]
    add(session, CallBackSample, drawn)
    return ids


def add(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows, if there are any."""
    if rows:
        session.execute(insert(model), rows)


def _history(past: Past, fact: OrderFact, order_id: str) -> tuple[OrderState, list[dict[str, Any]]]:
    desk, chief = (past.people(role)[0] for role in ("duty", "supervisor"))
    told: list[tuple[datetime | None, str, Event]] = [
        (fact.created_at, desk, Reported(fact.respond_due_at, fact.finish_due_at)),
        (fact.created_at + timedelta(minutes=1), desk, Accepted()),
        (fact.created_at + timedelta(minutes=2), desk, Dispatched(fact.assignee, None)),
    ]
    if fact.fate == "cancelled" and fact.closed_at:
        told.append((fact.closed_at, desk, Cancelled("重复报修", fact.closed_at)))
    elif fact.responded_at and fact.submitted_at and fact.finished_at and fact.closed_at:
        told.append((fact.responded_at, fact.assignee, Started(fact.assignee, fact.responded_at)))
        told.append((fact.submitted_at, fact.assignee, Submitted(fact.assignee, fact.submitted_at, "已修复")))
        if fact.fate == "rework":
            told.append((fact.submitted_at, chief, ReworkOrdered(chief, "仍有渗水")))
            told.append((fact.finished_at, fact.assignee, Submitted(fact.assignee, fact.finished_at, "重新处理")))
        told.append((fact.closed_at, chief, Verified(chief)))
        told.append((fact.closed_at, desk, Rated(5, fact.closed_at)))
    state = OrderState()
    rows: list[dict[str, Any]] = []
    for at, actor, event in told:
        if at is None or at >= past.until_at:
            break
        state = apply(state, event)
        rows.append(
            {"id": new_id(), "work_order_id": order_id, "seq": len(rows) + 1, "at": at, "event_at": at,
             "kind": event.kind, "actor": actor, "data": encode(event)}
        )  # fmt: skip
    return state, rows


_STATE = (
    "state", "assignee", "assignee_role", "respond_due_at", "finish_due_at", "responded_at", "finished_at", "closed_at",
    "hold_reason", "hold_until", "held_at", "rework_count", "rating",
)  # fmt: skip


def _columns(state: OrderState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in _STATE} | {"executors": list(state.executors)}


def _cost(fact: OrderFact, order_id: str) -> dict[str, Any]:
    cents = fact.cost_yuan * 100
    return {
        "id": new_id(), "work_order_id": order_id, "kind": "material", "name": "配件", "quantity": 1.0, "unit": "套",
        "price_cents": cents, "amount_cents": cents, "person": "", "at": fact.responded_at, "by": fact.assignee,
        "removed_at": None, "removed_by": "",
    }  # fmt: skip


def _approvals(
    past: Past, fact: OrderFact, order_id: str, bands: Sequence[ApprovalBand], *, waiting: bool
) -> list[dict[str, Any]]:
    fitting = (one for one in bands if one.up_to_yuan is None or fact.cost_yuan <= one.up_to_yuan)
    band = next(fitting, None)
    if band is None:
        return []
    last = len(band.steps) - 1
    at = fact.responded_at
    return [
        {
            "id": new_id(), "work_order_id": order_id, "request": 1, "position": position, "band": band.id,
            "amount_cents": fact.cost_yuan * 100, "title": step.title, "asked_at": at, "asked_by": fact.assignee,
            "state": "waiting" if waiting and position == last else "approved",
            "decided_at": None if waiting and position == last else at,
            "decided_by": "" if waiting and position == last else past.people("manager")[0], "paper": "", "note": "",
        }
        for position, step in enumerate(band.steps)
    ]  # fmt: skip


def _call(past: Past, fact: CallFact, ids: dict[str, str]) -> dict[str, Any]:
    return {
        "id": new_id(), "site": past.site, "work_order_id": ids[fact.order], "level": fact.level, "at": fact.at,
        "by": past.people("duty")[0], "satisfied": fact.satisfied, "answer": "", "rework_id": None,
    }  # fmt: skip
