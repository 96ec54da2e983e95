"""Whose decision the cost of an order is: the site's people and the configured chains, and the message to the next."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.site.approvals import ApprovalBand, ApprovalStep, band_for, holders
from gateway.site.model import Configs, SiteConfig
from services.flows.order_telling import tell
from services.kernel.errors import Conflict
from services.notify.texts import Words
from services.work_order import approvals
from services.work_order import service as work_orders
from services.work_order.money import yuan
from services.work_order.tables import WorkOrder, WorkOrderApproval

PAPER_ROLES = frozenset({"manager", "admin"})
"""Who enters decisions that were given on paper."""


def ask(session: Session, configs: Configs, order_id: str, *, actor: str, now: datetime) -> list[WorkOrderApproval]:
    """Put the order's whole cost to its chain and tell the first hand; raises Conflict without a fitting band."""
    order = work_orders.get(session, order_id)
    band = band_for(configs.approvals, order.cost_cents)
    if band is None:
        raise Conflict(
            f"No chain of approval is configured for ¥{yuan(order.cost_cents)}",
            hint="Add an open-ended band to approvals in policies/",
        )
    rows = approvals.ask(session, order_id, band, actor=actor, now=now)
    _tell_next(session, configs, order, now)
    return rows


def decide(
    session: Session,
    configs: Configs,
    approval_id: str,
    *,
    actor: str,
    role: str,
    approve: bool,
    now: datetime,
    note: str = "",
    paper: str = "",
) -> WorkOrderApproval:
    """One hand's decision; the next hand is told, or those who wait for the end."""
    row = approvals.get(session, approval_id)
    order = work_orders.get(session, row.work_order_id)
    config = configs.site(order.site)
    done = approvals.decide(
        session,
        approval_id,
        actor=actor,
        holders=holders_of(configs, config, row),
        may_enter=role in PAPER_ROLES,
        approve=approve,
        now=now,
        note=note,
        paper=paper,
    )
    if not approve or approvals.current(session, order.id) is None:
        _tell_end(session, config, order, done, now)
    else:
        _tell_next(session, configs, order, now)
    return done


def holders_of(configs: Configs, config: SiteConfig, row: WorkOrderApproval) -> tuple[str, ...]:
    """Usernames of those who may decide this hand; empty: only paper can."""
    return holders(config.people, step_of(configs.approvals, row))


def step_of(bands: Sequence[ApprovalBand], row: WorkOrderApproval) -> ApprovalStep:
    """The configured step of a hand; one that is not configured any more has its title alone."""
    for band in sorted(bands, key=lambda one: one.id != row.band):
        for step in band.steps:
            if step.title == row.title:
                return step
    return ApprovalStep(title=row.title)


def mine(
    session: Session, configs: Configs, username: str, role: str
) -> tuple[list[tuple[WorkOrderApproval, WorkOrder]], list[tuple[WorkOrderApproval, WorkOrder]]]:
    """What waits for this person's own decision, and what waits for others."""
    own: list[tuple[WorkOrderApproval, WorkOrder]] = []
    others: list[tuple[WorkOrderApproval, WorkOrder]] = []
    for row, order in approvals.turns(session):
        config = configs.sites.get(order.site)
        if config is None:
            continue
        deciders = holders_of(configs, config, row)
        is_mine = username != row.asked_by and (username in deciders or (not deciders and role in PAPER_ROLES))
        (own if is_mine else others).append((row, order))
    return own, others


def _tell_next(session: Session, configs: Configs, order: WorkOrder, now: datetime) -> None:
    row = approvals.current(session, order.id)
    if row is None:
        return
    config = configs.site(order.site)
    people = holders_of(configs, config, row)
    step = step_of(configs.approvals, row)
    words = Words(
        f"待审批：{order.title}\n工单 {order.number}，合计 {yuan(row.amount_cents)} 元，请{step.title}审批",
        f"To approve: {order.title}\nOrder {order.number}, {yuan(row.amount_cents)} yuan, "
        f"decision of {step.title_en or step.title}",
    )
    roles = () if people else PAPER_ROLES
    key = f"{row.request}:{row.position}"
    tell(session, config, order, "approval", words, now, key=key, usernames=people, roles=roles)


def _tell_end(session: Session, config: SiteConfig, order: WorkOrder, row: WorkOrderApproval, now: datetime) -> None:
    zh, en = ("已批准", "approved") if row.state == "approved" else ("被退回", "refused")
    why = f"：{row.note}" if row.note else ""
    words = Words(
        f"费用{zh}：{order.title}\n工单 {order.number}，{yuan(row.amount_cents)} 元，{row.title}{why}",
        f"Cost {en}: {order.title}\nOrder {order.number}, {yuan(row.amount_cents)} yuan",
    )
    people = {row.asked_by, order.assignee or row.asked_by}
    tell(session, config, order, "approval", words, now, key=f"{row.request}:end", usernames=people)
