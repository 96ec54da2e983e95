"""Work orders, their append-only history and the counter of their numbers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class WorkOrder(Base):
    """One job: the current state; `WorkOrderEvent` says how it came to be."""

    __tablename__ = "work_order"
    __table_args__ = (
        UniqueConstraint("site", "number"),
        Index(
            "uq_work_order_open_alert",
            "alert_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL AND alert_id IS NOT NULL"),
            postgresql_where=text("closed_at IS NULL AND alert_id IS NOT NULL"),
        ),
        Index("ix_work_order_site_created", "site", "created_at"),
        Index("ix_work_order_state", "state"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    """What people say on the phone, e.g. `WO-20261121-0007`; unique within a site."""
    site: Mapped[str] = mapped_column(String(64))
    alert_id: Mapped[str | None] = mapped_column(String(26), index=True)
    title: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text, default="")
    equipment: Mapped[str] = mapped_column(Text, default="")
    """Its name as written then."""
    equipment_id: Mapped[str | None] = mapped_column(String(26), index=True)
    """Its entry of the ledger."""
    origin: Mapped[str] = mapped_column(String(16), default="alert", server_default=text("'alert'"))
    """alert, request (somebody asked: 报修, the population of call-backs), inspection, rework."""
    category: Mapped[str] = mapped_column(String(32), default="", server_default=text("''"))
    """Fault class; rework is the same place and class again."""
    requester: Mapped[str] = mapped_column(String(120), default="", server_default=text("''"))
    """Who asked: name, room, in words; masked in exports."""
    rework_of: Mapped[str | None] = mapped_column(String(26), index=True)
    """The first order of the same fault within 30 days (AMB-12)."""
    cost_cents: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Sum of its cost lines."""
    approved_cents: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Up to this much is approved."""
    review: Mapped[str] = mapped_column(String(16), default="", server_default=text("''"))
    """Emergency repair report (ROU-33): empty: none needed; due, drafted, approved."""
    priority: Mapped[str] = mapped_column(String(2), default="P3")
    state: Mapped[str] = mapped_column(String(16))
    assignee: Mapped[str | None] = mapped_column(String(64))
    assignee_role: Mapped[str | None] = mapped_column(String(32))
    executors: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Everybody who carried it out: none of them may verify it."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    respond_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Somebody must be on site by then; None: the policy names no limit."""
    finish_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    responded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """First start of 实施: the response clock stopped."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Submitted for 验收: the finish clock stopped; None again after rework."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Rated or cancelled; None: open."""
    hold_reason: Mapped[str | None] = mapped_column(String(400))
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rework_count: Mapped[int] = mapped_column(default=0)
    rating: Mapped[int | None]
    """1 to 5."""
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The policy as it stood at creation; later edits do not touch it."""
    version: Mapped[int] = mapped_column(default=0)
    """Every command names the version it saw; equals the newest history row's sequence number."""


class WorkOrderEvent(Base):
    """One thing that happened to a work order; never changed."""

    __tablename__ = "work_order_event"
    __table_args__ = (UniqueConstraint("work_order_id", "seq"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"))
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When we recorded it."""
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it happened."""
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class WorkOrderCost(Base):
    """One line of material or labour of an order."""

    __tablename__ = "work_order_cost"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    """material, labour."""
    name: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[float]
    unit: Mapped[str] = mapped_column(String(16))
    """`h` for labour."""
    price_cents: Mapped[int]
    """Per unit."""
    amount_cents: Mapped[int]
    person: Mapped[str] = mapped_column(String(64), default="")
    """Labour: who worked."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(64))
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_by: Mapped[str] = mapped_column(String(64), default="")


class WorkOrderApproval(Base):
    """One hand in the chain that approves an order's cost (APR-01, APR-02); decided ones are never changed."""

    __tablename__ = "work_order_approval"
    __table_args__ = (UniqueConstraint("work_order_id", "request", "position"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"))
    request: Mapped[int]
    """Which request of this order, from 1."""
    position: Mapped[int]
    band: Mapped[str] = mapped_column(String(64))
    amount_cents: Mapped[int]
    """The order's whole cost when approval was asked for: split purchases are summed."""
    title: Mapped[str] = mapped_column(String(100))
    """Whose decision it is, e.g. 物业总经理."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting, approved, rejected, dropped (an earlier hand rejected, or the sum changed)."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    paper: Mapped[str] = mapped_column(String(120), default="")
    """Number of the paper it was decided on, when somebody else entered it."""
    note: Mapped[str] = mapped_column(String(400), default="")


class WorkOrderPicture(Base):
    """A photo of an order: before, after, or the acceptance signature; the picture itself lies with the patrol's."""

    __tablename__ = "work_order_picture"

    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"), primary_key=True)
    photo_id: Mapped[str] = mapped_column(String(96), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """before, after, signature."""
    signer: Mapped[str] = mapped_column(String(120), default="")
    """Signature: who signed, in words."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(64))


class RepairReview(Base):
    """紧急维修报告: drafted from the order's history, approved by a person (ROU-33)."""

    __tablename__ = "repair_review"

    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"), primary_key=True)
    draft: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Facts of the timeline as they stood."""
    cause: Mapped[str] = mapped_column(Text, default="")
    effect: Mapped[str] = mapped_column(Text, default="")
    measures: Mapped[str] = mapped_column(Text, default="")
    drafted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    written_by: Mapped[str] = mapped_column(String(64), default="")
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[str] = mapped_column(String(64), default="")
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CallBack(Base):
    """One call-back 回访 about a closed order; never changed."""

    __tablename__ = "call_back"
    __table_args__ = (UniqueConstraint("work_order_id", "level"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"))
    level: Mapped[str] = mapped_column(String(16))
    """service 服务中心, quality 品质部, director 中心主任 (KPI-01 to KPI-03)."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(64))
    satisfied: Mapped[bool]
    answer: Mapped[str] = mapped_column(Text, default="")
    rework_id: Mapped[str | None] = mapped_column(String(26))
    """The order that an unsatisfied answer brought."""


class CallBackSample(Base):
    """An order that the system drew at random for a level's sample of a month (AMB-10)."""

    __tablename__ = "call_back_sample"

    work_order_id: Mapped[str] = mapped_column(String(26), ForeignKey("work_order.id"), primary_key=True)
    level: Mapped[str] = mapped_column(String(16), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    month_on: Mapped[date] = mapped_column(Date)
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkOrderCounter(Base):
    """The last number given out at a site on a local day."""

    __tablename__ = "work_order_counter"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]
