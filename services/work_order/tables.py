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


class WorkOrderCounter(Base):
    """The last number given out at a site on a local day."""

    __tablename__ = "work_order_counter"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]
