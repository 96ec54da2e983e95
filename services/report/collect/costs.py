"""Cost lines entered in the month and approvals as they stood at its end, for section 十四."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.report.chapters.costs import Band, CostsFacts, Decided, Spent, Waiting
from services.report.collect.source import Source
from services.report.model import Month
from services.work_order.tables import WorkOrder, WorkOrderApproval, WorkOrderCost, WorkOrderEvent


def collect(source: Source, month: Month) -> CostsFacts:
    """Lines taken out by the month's end do not count; the bands are those of the cut-off."""
    session, site = source.session, source.config.site.id
    orders = {row.id: row for row in session.scalars(select(WorkOrder).where(WorkOrder.site == site))}
    requests = _requests(session, site, month)
    approvals = [rows for of_order in requests.values() for rows in of_order]
    dropped = _dropped(session, site, month)
    return CostsFacts(
        bands=tuple(
            Band(
                id=one.id,
                up_to_cents=one.up_to_yuan * 100 if one.up_to_yuan is not None else None,
                chain=" → ".join(step.title for step in one.steps),
                unregulated=one.origin == "default",
            )
            for one in source.configs.approvals
        ),
        spent=tuple(_spent(session, site, orders, requests, month)),
        waiting=tuple(
            found for rows in approvals if (found := _waiting(orders[rows[0].work_order_id], rows, dropped, month))
        ),
        decided=tuple(
            Decided(row.work_order_id, orders[row.work_order_id].number, row.state == "approved", row.amount_cents,
                    row.title)
            for rows in approvals for row in rows
            if row.decided_at is not None and month.since_at <= row.decided_at < month.ends_at
        ),
    )  # fmt: skip


def _requests(session: Session, site: str, month: Month) -> dict[str, list[list[WorkOrderApproval]]]:
    """Requests made by the month's end, by order: each with its hands in turn."""
    found: dict[str, dict[int, list[WorkOrderApproval]]] = {}
    for row in session.scalars(
        select(WorkOrderApproval)
        .join(WorkOrder, WorkOrder.id == WorkOrderApproval.work_order_id)
        .where(WorkOrder.site == site, WorkOrderApproval.asked_at < month.ends_at)
        .order_by(WorkOrderApproval.work_order_id, WorkOrderApproval.request, WorkOrderApproval.position)
    ):
        found.setdefault(row.work_order_id, {}).setdefault(row.request, []).append(row)
    return {order: list(requests.values()) for order, requests in found.items()}


def _dropped(session: Session, site: str, month: Month) -> frozenset[tuple[str, int]]:
    """Requests that became void before the month ended: the cost was another one."""
    return frozenset(
        (event.work_order_id, int(event.data.get("request", 0)))
        for event in session.scalars(
            select(WorkOrderEvent)
            .join(WorkOrder, WorkOrder.id == WorkOrderEvent.work_order_id)
            .where(
                WorkOrder.site == site,
                WorkOrderEvent.kind == "approval_dropped",
                WorkOrderEvent.event_at < month.ends_at,
            )
        )
    )


def _waiting(
    order: WorkOrder, hands: Sequence[WorkOrderApproval], dropped: frozenset[tuple[str, int]], month: Month
) -> Waiting | None:
    """The request as it waited when the month ended; None: it was decided, refused or void by then."""
    first = hands[0]
    if (order.id, first.request) in dropped:
        return None
    decided = [one for one in hands if _by(one.decided_at, month)]
    if any(one.state == "rejected" for one in decided):
        return None
    turn = next((one for one in hands if one not in decided), None)
    if turn is None:
        return None
    return Waiting(order.id, order.number, order.title, first.amount_cents, first.band, turn.title, first.asked_at)


def _spent(
    session: Session,
    site: str,
    orders: dict[str, WorkOrder],
    requests: dict[str, list[list[WorkOrderApproval]]],
    month: Month,
) -> Iterator[Spent]:
    lines: dict[str, list[WorkOrderCost]] = {}
    for line in session.scalars(
        select(WorkOrderCost)
        .join(WorkOrder, WorkOrder.id == WorkOrderCost.work_order_id)
        .where(
            WorkOrder.site == site,
            WorkOrderCost.at < month.ends_at,
            or_(WorkOrderCost.removed_at.is_(None), WorkOrderCost.removed_at >= month.ends_at),
        )
        .order_by(WorkOrderCost.work_order_id, WorkOrderCost.id)
    ):
        lines.setdefault(line.work_order_id, []).append(line)
    for order_id, own in lines.items():
        now = [line for line in own if line.at >= month.since_at]
        if not now:
            continue
        row = orders[order_id]
        passed = [
            hands[0].amount_cents
            for hands in requests.get(order_id, ())
            if all(one.state == "approved" and _by(one.decided_at, month) for one in hands)
        ]
        yield Spent(
            order_id=order_id,
            number=row.number,
            title=row.title,
            spent_cents=sum(line.amount_cents for line in now),
            material_cents=sum(line.amount_cents for line in now if line.kind == "material"),
            labour_cents=sum(line.amount_cents for line in now if line.kind == "labour"),
            whole_cents=sum(line.amount_cents for line in own),
            approved_cents=max(passed, default=0),
        )


def _by(at: datetime | None, month: Month) -> bool:
    return at is not None and at < month.ends_at
