"""Costs that wait for a decision, as lists."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.flows import approvals as flow
from services.people.roles import Actor
from services.web.deps import Services
from services.web.queries.order_sheet import Sheet, sheet
from services.work_order.tables import WorkOrder, WorkOrderApproval

LONGEST = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """One order whose cost waits, with everything a decision needs."""

    row: WorkOrderApproval
    order: WorkOrder
    sheet: Sheet


def waiting(s: Session, svc: Services, actor: Actor, language: str) -> tuple[list[Turn], list[Turn]]:
    """What waits for this person, and what waits for others; oldest request first."""
    own, others = flow.mine(s, svc.configs, actor.username, str(actor.role))
    return (
        [Turn(row, order, sheet(s, svc, order, actor, language)) for row, order in own[:LONGEST]],
        [Turn(row, order, sheet(s, svc, order, actor, language)) for row, order in others[:LONGEST]],
    )
