"""Alerts and their append-only history."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class Alert(Base):
    """One thing that is or was wrong: the current state; `AlertEvent` says how it came to be."""

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "uq_alert_open",
            "rule",
            "target",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_alert_key_closed", "rule", "target", "closed_at"),
        Index("ix_alert_site_opened", "site", "opened_at"),
        CheckConstraint("acked_occurrence <= occurrence", name="acked_what_happened"),
        CheckConstraint("closed_at IS NULL OR NOT active", name="closed_is_inactive"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(96))
    """Limit id and variant, e.g. `NUM-01` or `NUM-01/warning`; half of the key."""
    target: Mapped[str] = mapped_column(String(160))
    """Global id of what is wrong, e.g. `yunhe/dom-low-outlet`; the other half."""
    title: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text, default="")
    severity: Mapped[str] = mapped_column(String(16))
    """What the condition deserves now: low, medium, high or critical."""
    max_severity: Mapped[str] = mapped_column(String(16))
    """The worst since somebody last acknowledged: what is shown."""
    active: Mapped[bool]
    occurrence: Mapped[int]
    """How often this alert has asked for attention: activations and rises of severity."""
    acked_occurrence: Mapped[int] = mapped_column(default=0)
    latching: Mapped[bool] = mapped_column(default=False)
    latched: Mapped[bool] = mapped_column(default=False)
    shelved_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    shelved_by: Mapped[str | None] = mapped_column(String(64))
    shelve_reason: Mapped[str | None] = mapped_column(String(400))
    suppressed: Mapped[str | None] = mapped_column(String(400))
    """Why design hides it; None: not suppressed."""
    out_of_service: Mapped[str | None] = mapped_column(String(400))
    """The permit or work order it is out of service for."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Event time of the first activation."""
    last_active_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Event time of the newest activation."""
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Event time of the return to normal; None while active."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it left the list; None: open."""
    announced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When people were last paged about it; None: history, or not yet."""
    announced_occurrence: Mapped[int] = mapped_column(default=0)
    late: Mapped[bool] = mapped_column(default=False)
    """Its breach was already over or old when we heard of it: history, pages nobody."""
    value: Mapped[float | None]
    """The reading that raised it, or made it worse."""
    limit_text: Mapped[str] = mapped_column(Text, default="")
    unit: Mapped[str] = mapped_column(String(16), default="")
    source: Mapped[str] = mapped_column(Text, default="")
    """Document and section the limit comes from."""
    requirement: Mapped[str] = mapped_column(Text, default="")
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The policy as it stood when the alert opened; later edits do not touch it."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    version: Mapped[int] = mapped_column(default=0)
    """Equals the sequence number of the newest history row."""


class AlertEvent(Base):
    """One thing that happened to an alert; never changed."""

    __tablename__ = "alert_event"
    __table_args__ = (UniqueConstraint("alert_id", "seq"), Index("ix_alert_event_at", "at"))

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(26), ForeignKey("alert.id"))
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When we recorded it."""
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it happened."""
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
